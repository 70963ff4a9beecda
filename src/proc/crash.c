// Telling of processes that crashed.

#include "process.h"
#include <stdio.h>
#include <string.h>

static keel_crash_handler handler;
static bool is_quiet;

keel_crash_handler keel_crash_handler_set(keel_crash_handler fresh)
{
    return __atomic_exchange_n(&handler, fresh, __ATOMIC_ACQ_REL);
}

bool keel_crash_quiet(bool quiet)
{
    return __atomic_exchange_n(&is_quiet, quiet, __ATOMIC_RELAXED);
}

static bool ordinary(keel_term reason)
{
    return keel_is(reason, normal) || keel_is(reason, shutdown) ||
           keel_is(reason, killed) ||
           (keel_tuple_size(reason) == 2 && keel_is(keel_element(reason, 0), shutdown));
}

static keel_term pid_list(struct kl_process *self)
{
    keel_term list = keel_nil();
    for (struct kl_relation *at = self->relations; at != NULL; at = at->next) {
        if (at->kind == KL_REL_LINK && (at->flags & KL_REL_INACTIVE) == 0) {
            list = keel_cons(keel_from_pid(at->pid), list);
        }
    }
    return list;
}

// The first messages only: a report is read by people.
static keel_term first_messages(struct kl_process *self)
{
    keel_term items[16];
    size_t count = 0;
    for (struct kl_envelope *at = self->head; at != NULL && count < 16; at = at->next) {
        items[count++] = kl_mailbox_view(at);
    }
    return keel_list(items, count);
}

static keel_term report(struct kl_process *self)
{
    uint32_t name = kl_load_relaxed(&self->name);
    keel_term keys[] = {keel_atom(initial_call), keel_atom(registered_name),
            keel_atom(label), keel_atom(ancestors), keel_atom(message_queue_len),
            keel_atom(messages), keel_atom(links), keel_atom(dictionary),
            keel_atom(trap_exit), keel_atom(status)};
    bool labelled = self->extras != NULL && !keel_is_none(self->extras->label);
    keel_term values[] = {keel_string(kl_process_entry_name(self)),
            name == 0 ? keel_nil() : (keel_term){(uint64_t)(name - 1) << 8 | 4},
            labelled ? self->extras->label : KL_ATOM(undefined), kl_ancestors(self),
            keel_uint(self->queue_len), first_messages(self), pid_list(self),
            kl_dictionary(self), keel_bool((self->flags & KL_TRAP_EXIT) != 0),
            KL_ATOM(running)};
    return keel_map(keys, values, sizeof keys / sizeof *keys);
}

// The frames of {_, [{Function, [{file, _}, {line, _}]}, …]}, one a line.
static void print_trace(keel_term reason, char *buffer, size_t size)
{
    keel_term frames = keel_element(reason, 1);
    keel_term frame;
    size_t used = 0;
    buffer[0] = '\0';
    while (keel_list_next(&frames, &frame) && used + 1 < size) {
        keel_bytes function = keel_to_bytes(keel_element(frame, 0));
        keel_term place = keel_element(frame, 1);
        keel_bytes file = keel_to_bytes(keel_proplist_get(place, keel_atom(file)));
        int64_t line = keel_to_int(keel_proplist_get(place, keel_atom(line)));
        int wrote = file.data == NULL
                            ? snprintf(buffer + used, size - used, "    %.*s\n",
                                      (int)function.size, (const char *)function.data)
                            : snprintf(buffer + used, size - used, "    %.*s (%.*s:%d)\n",
                                      (int)function.size, (const char *)function.data,
                                      (int)file.size, (const char *)file.data, (int)line);
        used += wrote < 0 ? 0 : (size_t)wrote;
    }
}

static void log_crash(struct kl_process *self, keel_term reason, const char *trace)
{
    char text[1024];
    keel_print_opts opts = {.max_bytes = 1000, .max_depth = 20, .max_items = 100};
    keel_term cause = *trace != '\0' ? keel_element(reason, 0) : reason;
    keel_print(text, sizeof text, cause, &opts);
    uint32_t name = kl_load_relaxed(&self->name);
    keel_term atom = {(uint64_t)(name - 1) << 8 | 4};
    kl_log(KL_LOG_ERROR, "process <0.%u.%u>%s%s (%s) crashed: %s%s%s", self->slot,
            self->generation, name == 0 ? "" : " ", name == 0 ? "" : keel_atom_name(atom),
            kl_process_entry_name(self), text, *trace != '\0' ? "\n" : "", trace);
}

void kl_crash_report(struct kl_process *self, keel_term reason)
{
    bool raised = (self->flags & (KL_ERROR | KL_FAULT)) != 0;
    bool started = (self->flags & KL_STARTED) != 0;
    if ((!raised && (!started || ordinary(reason))) || kl_load_relaxed(&is_quiet)) {
        return;
    }
    struct kl_heap heap;
    kl_heap_init(&heap, NULL, 0);
    struct kl_heap *before = kl_heap_use(&heap);
    char trace[4096];
    trace[0] = '\0';
    if (raised) {
        print_trace(reason, trace, sizeof trace);
    }
    keel_crash_handler told = kl_load_acquire(&handler);
    if (told != NULL) {
        keel_crash crash = {.pid = kl_process_pid(self),
                .reason = reason,
                .report = report(self),
                .fault = (self->flags & KL_FAULT) != 0,
                .trace = trace};
        told(&crash);
    } else {
        log_crash(self, reason, trace);
    }
    kl_heap_use(before);
    kl_heap_done(&heap);
}
