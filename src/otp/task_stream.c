// Streams of tasks. A task's item is ready when its process has ended, and not before: so
// there are never more processes than told, also where a supervisor counts them.

#include "base/base.h"
#include "call.h"
#include "task.h"
#include <keel/inspect.h>
#include <keel/task_stream.h>

// One input and what became of it.
struct entry {
    struct kl_link order; // in stream->order, until delivered
    struct kl_link run; // in stream->running, while its process runs
    keel_task task;
    keel_deadline deadline;
    keel_term input; // kept if failures are to tell it, else none
    keel_term item; // kept: {ok, Result}, {exit, Reason}; none while open
    bool running;
};

struct keel_task_stream {
    keel_task_stream_opts opts;
    keel_task_function function;
    const char *name;
    struct kl_link order; // entries in the order of delivery
    struct kl_link running; // entries in the order of their starts, so of their deadlines
    struct kl_hash by_ref; // those that run, by the word of their reference
    size_t count; // that run
    size_t most;
    bool exhausted;
    keel_term delivered; // kept: the last item
};

static _Noreturn void refuse(keel_term option, keel_term value);
static void check(const keel_task_stream_opts *opts);
static void abandon(void *stream);
static void fill(keel_task_stream *stream);
static struct entry *ready(keel_task_stream *stream);
static void await_one(keel_task_stream *stream);
static void end_all(keel_task_stream *stream);

keel_task_stream *keel_task_stream_open_opt(
        keel_task_function function, const char *name, const keel_task_stream_opts *opts)
{
    if (opts == NULL) {
        refuse(keel_atom(inputs), keel_atom(undefined));
    }
    check(opts);
    keel_runtime_view runtime;
    keel_inspect_runtime(&runtime);
    keel_task_stream *stream = keel_alloc(sizeof *stream);
    stream->opts = *opts;
    stream->function = function;
    stream->name = name;
    stream->opts.timeout = opts->timeout == 0 ? KEEL_SECONDS(5) : opts->timeout;
    stream->most = opts->max_concurrency > 0 ? (size_t)opts->max_concurrency
                   : runtime.workers > 0     ? runtime.workers
                                             : 1;
    kl_ring_init(&stream->order);
    kl_ring_init(&stream->running);
    kl_hash_init(&stream->by_ref);
    if (keel_defer(abandon, stream) != KEEL_OK) {
        keel_exit(keel_atom(system_limit));
    }
    return stream;
}

bool keel_task_stream_next(keel_task_stream *stream, keel_term *ret_item)
{
    if (stream == NULL) {
        return false;
    }
    for (;;) {
        fill(stream);
        struct entry *entry = ready(stream);
        if (entry != NULL) {
            keel_drop(stream->delivered);
            stream->delivered = entry->item;
            *ret_item = entry->item;
            kl_ring_remove(&entry->order);
            keel_drop(entry->input);
            keel_free(entry);
            return true;
        }
        if (stream->count == 0) {
            return false;
        }
        await_one(stream);
    }
}

void keel_task_stream_close(keel_task_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    end_all(stream);
    while (!kl_ring_empty(&stream->order)) {
        struct entry *entry = KL_CONTAINER(stream->order.next, struct entry, order);
        kl_ring_remove(&entry->order);
        keel_drop(entry->input);
        keel_drop(entry->item);
        keel_free(entry);
    }
    keel_undefer(abandon, stream);
    kl_hash_done(&stream->by_ref);
    keel_drop(stream->delivered);
    keel_free(stream);
}

keel_term keel_task_stream_all_opt(
        keel_task_function function, const char *name, const keel_task_stream_opts *opts)
{
    keel_task_stream *stream = keel_task_stream_open_opt(function, name, opts);
    keel_term items = keel_nil();
    keel_term item;
    while (keel_task_stream_next(stream, &item)) {
        items = keel_cons(keel_copy(item), items); // the next one takes its place
    }
    keel_task_stream_close(stream);
    return keel_list_reverse(items);
}

static _Noreturn void refuse(keel_term option, keel_term value)
{
    keel_error(keel_tuple_of(keel_atom(badarg), keel_tuple_of(option, value)));
}

static void check(const keel_task_stream_opts *opts)
{
    if (opts->max_concurrency < 0) {
        refuse(keel_atom(max_concurrency), keel_int(opts->max_concurrency));
    }
    if (opts->timeout < 0) {
        refuse(keel_atom(timeout), keel_int(opts->timeout));
    }
    if (opts->on_timeout != KEEL_TASK_KEEP && opts->on_timeout != KEEL_TASK_KILL) {
        refuse(keel_atom(on_timeout), keel_int((int)opts->on_timeout));
    }
    if (opts->shutdown < 0 && opts->shutdown != KEEL_BRUTAL_KILL) {
        refuse(keel_atom(shutdown), keel_int(opts->shutdown));
    }
}

// The caller ends with the stream open: its tasks go along, linked or not.
static void abandon(void *context)
{
    keel_task_stream *stream = context;
    struct kl_link *at = stream->running.next;
    for (; at != &stream->running; at = at->next) {
        keel_process_exit(KL_CONTAINER(at, struct entry, run)->task.pid, keel_atom(kill));
    }
    kl_hash_done(&stream->by_ref);
}

// --- starting ---

struct errand {
    keel_task_stream *stream;
    keel_term input;
    keel_task task;
    bool more;
};

static void take_input(void *context)
{
    struct errand *errand = context;
    keel_task_stream_opts *opts = &errand->stream->opts;
    errand->more = opts->next != NULL ? opts->next(opts->context, &errand->input)
                                      : keel_list_next(&opts->inputs, &errand->input);
}

static void start_task(void *context)
{
    struct errand *errand = context;
    const keel_task_stream *stream = errand->stream;
    keel_term argument = keel_is_none(stream->opts.argument)
                                 ? errand->input
                                 : keel_tuple_of(errand->input, stream->opts.argument);
    const keel_supervised_task_opts opts = {
            .argument = argument, .shutdown = stream->opts.shutdown};
    errand->task = keel_is_none(stream->opts.supervisor)
                           ? keel_task_async_named(stream->function, argument, stream->name)
                           : keel_task_supervisor_async_opt(stream->opts.supervisor,
                                     stream->function, stream->name, !stream->opts.nolink,
                                     &opts);
}

// What goes wrong here is the caller's affair, but its tasks end first.
static void guard(keel_task_stream *stream, void (*step)(void *), struct errand *errand)
{
    keel_term reason = KEEL_NONE;
    if (keel_try(step, errand, &reason) == KEEL_E_EXIT) {
        end_all(stream);
        keel_exit(reason);
    }
}

static void fill(keel_task_stream *stream)
{
    while (!stream->exhausted && stream->count < stream->most) {
        struct errand errand = {.stream = stream};
        guard(stream, take_input, &errand);
        if (!errand.more) {
            stream->exhausted = true;
            return;
        }
        guard(stream, start_task, &errand);
        struct entry *entry = keel_alloc(sizeof *entry);
        entry->task = errand.task;
        entry->running = true;
        entry->deadline = stream->opts.timeout == KEEL_FOREVER
                                  ? KEEL_NEVER
                                  : KEEL_IN(stream->opts.timeout);
        entry->input = stream->opts.zip_input_on_exit ? keel_keep(errand.input) : KEEL_NONE;
        if (!kl_hash_put(&stream->by_ref, entry->task.ref.word, entry)) {
            keel_process_exit(entry->task.pid, keel_atom(kill));
            keel_exit(keel_atom(system_limit));
        }
        kl_ring_append(&stream->running, &entry->run);
        if (!stream->opts.unordered) {
            kl_ring_append(&stream->order, &entry->order);
        }
        stream->count++;
    }
}

// --- ending ---

static struct entry *ready(keel_task_stream *stream)
{
    if (kl_ring_empty(&stream->order)) {
        return NULL;
    }
    struct entry *first = KL_CONTAINER(stream->order.next, struct entry, order);
    return first->running ? NULL : first;
}

static void set_exit(struct entry *entry, keel_term reason)
{
    keel_term told = keel_is_none(entry->input) ? reason
                                                : keel_tuple_of(entry->input, reason);
    keel_set(&entry->item, keel_tuple_of(keel_atom(exit), told));
}

// Its process has ended, and its item stands.
static void retire(keel_task_stream *stream, struct entry *entry)
{
    kl_hash_remove(&stream->by_ref, entry->task.ref.word);
    kl_ring_remove(&entry->run);
    entry->running = false;
    stream->count--;
    kl_task_unlink(entry->task.pid);
    if (stream->opts.unordered) {
        kl_ring_append(&stream->order, &entry->order);
    }
}

static struct entry *entry_of(const keel_task_stream *stream, keel_term message)
{
    size_t size = keel_tuple_size(message);
    bool down = size == 5 && keel_is(keel_element(message, 0), DOWN);
    if (size != 2 && !down) {
        return NULL;
    }
    keel_ref ref = keel_to_ref(keel_element(message, down ? 1 : 0));
    return ref.word == 0 ? NULL : kl_hash_get(&stream->by_ref, ref.word);
}

static bool is_about_one(keel_term message, void *stream)
{
    return entry_of(stream, message) != NULL;
}

static void end_late(keel_task_stream *stream, struct entry *entry)
{
    keel_term ignored = KEEL_NONE;
    if (!keel_is_none(entry->item)) { // it has its result, and is about to end
        (void)keel_task_shutdown(entry->task, KEEL_BRUTAL_KILL, &ignored);
        retire(stream, entry);
        return;
    }
    if (stream->opts.on_timeout != KEEL_TASK_KILL) {
        keel_duration timeout = stream->opts.timeout;
        end_all(stream);
        keel_exit(keel_make("{timeout, {'Elixir.Task.Supervised', stream, [Timeout]}}",
                kl_call_milliseconds(timeout)));
    }
    (void)keel_task_shutdown(entry->task, KEEL_BRUTAL_KILL, &ignored);
    set_exit(entry, keel_atom(timeout));
    retire(stream, entry);
}

static void await_one(keel_task_stream *stream)
{
    struct entry *first = KL_CONTAINER(stream->running.next, struct entry, run);
    keel_scope scope = keel_scope_open();
    keel_term message = KEEL_NONE;
    keel_status status = keel_receive_where(
            is_about_one, stream, first->deadline, &message);
    if (status == KEEL_OK) {
        struct entry *entry = entry_of(stream, message);
        if (keel_tuple_size(message) == 2) {
            keel_set(&entry->item, keel_tuple_of(keel_atom(ok), keel_element(message, 1)));
        } else {
            if (keel_is_none(entry->item)) {
                set_exit(entry, keel_element(message, 4));
            }
            retire(stream, entry);
        }
    }
    keel_scope_close(&scope);
    if (status == KEEL_E_TIMEOUT) {
        end_late(stream, first);
    } else if (status != KEEL_OK) {
        keel_exit(keel_atom(shutdown)); // the runtime stops
    }
}

// All are told before any is awaited.
static void end_all(keel_task_stream *stream)
{
    struct kl_link *at = stream->running.next;
    for (; at != &stream->running; at = at->next) {
        keel_pid pid = KL_CONTAINER(at, struct entry, run)->task.pid;
        keel_unlink(pid);
        keel_process_exit(pid, keel_atom(kill));
    }
    keel_term ignored = KEEL_NONE;
    while (!kl_ring_empty(&stream->running)) {
        struct entry *entry = KL_CONTAINER(stream->running.next, struct entry, run);
        (void)keel_task_shutdown(entry->task, KEEL_BRUTAL_KILL, &ignored);
        retire(stream, entry);
        set_exit(entry, keel_atom(killed));
    }
    stream->exhausted = true;
}
