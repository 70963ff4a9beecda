// What the control socket shows: processes and the runtime. Nobody is stopped for it; only
// links and monitors are asked of the process itself.

#include "base/base.h"
#include "control.h"
#include <errno.h>
#include <keel/link.h>
#include <keel/message.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LABEL_BYTES = 200, STACK_BYTES = 8192, RELATIONS_MAX = 1000 };

// --- a process ---

static const char *state_name(keel_state state)
{
    switch (state) {
    case KEEL_STATE_RUNNABLE:
        return "runnable";
    case KEEL_STATE_RUNNING:
        return "running";
    case KEEL_STATE_SUSPENDED:
        return "suspended";
    case KEEL_STATE_EXITING:
        return "exiting";
    default:
        return "waiting";
    }
}

// NULL: it waits for nothing.
static const char *wait_name(keel_wait wait)
{
    switch (wait) {
    case KEEL_WAIT_MESSAGE:
        return "message";
    case KEEL_WAIT_REPLY:
        return "reply";
    case KEEL_WAIT_START:
        return "start";
    case KEEL_WAIT_SLEEP:
        return "sleep";
    case KEEL_WAIT_DESCRIPTOR:
        return "descriptor";
    case KEEL_WAIT_BLOCKING:
        return "blocking";
    case KEEL_WAIT_PROCESS:
        return "process";
    default:
        return NULL;
    }
}

static keel_term name_of(keel_term atom)
{
    const char *name = keel_atom_name(atom);
    return name != NULL ? keel_string(name) : KEEL_NONE;
}

static void put_size(struct kl_control_row *row, const char *key, uint64_t value)
{
    kl_control_put(row, key, keel_uint(value));
}

static void put_wait(struct kl_control_row *row, const keel_process_view *view)
{
    const char *wait = view->state == KEEL_STATE_WAITING ? wait_name(view->wait) : NULL;
    if (wait == NULL) {
        return;
    }
    kl_control_put(row, "wait", keel_string(wait));
    kl_control_put(row, "waiting_for", kl_control_pid(view->waiting_for));
    if (view->waiting_since != 0) { // a handler that has never run waits since its start
        int64_t since = keel_now() - view->waiting_since;
        put_size(row, "waiting_ns", since > 0 ? (uint64_t)since : 0);
    }
}

static void put_label(struct kl_control_row *row, keel_pid pid)
{
    keel_term label = keel_process_get_label(pid);
    if (!keel_is_none(label)) {
        kl_control_put(row, "label", kl_control_show(label, LABEL_BYTES));
    }
}

bool kl_control_process_row(struct kl_control_row *row, keel_pid pid)
{
    keel_process_view view;
    if (!keel_inspect_process(pid, &view)) {
        return false;
    }
    kl_control_put(row, "pid", kl_control_pid(pid));
    kl_control_put(row, "parent", kl_control_pid(view.parent));
    kl_control_put(row, "name", name_of(view.name));
    put_label(row, pid);
    kl_control_put(row, "entry", keel_string(view.entry != NULL ? view.entry : "?"));
    kl_control_put(row, "state", keel_string(state_name(view.state)));
    put_wait(row, &view);
    put_size(row, "queue", view.queue);
    put_size(row, "messages_in", view.messages_in);
    put_size(row, "reductions", view.reductions);
    put_size(row, "run_ns", view.run_ns > 0 ? (uint64_t)view.run_ns : 0);
    put_size(row, "memory", view.memory);
    put_size(row, "stack", view.stack);
    put_size(row, "dropped", view.dropped);
    kl_control_put(row, "trap_exit", keel_bool(view.trap_exit));
    return true;
}

// --- all of them ---

struct pids {
    keel_pid *list;
    size_t count, size;
};

static bool collect(const keel_process_view *view, void *context)
{
    struct pids *pids = context;
    if (pids->count == pids->size) {
        pids->size = pids->size * 2 + 64;
        pids->list = keel_realloc(pids->list, pids->size * sizeof *pids->list);
    }
    pids->list[pids->count++] = view->pid;
    return true;
}

keel_term kl_control_ps(struct kl_control_answer *answer, keel_term arguments)
{
    (void)arguments;
    // Their pids first, 8 bytes each: rows are made and sent a hundred at a time.
    struct pids pids = {0};
    keel_inspect_each(collect, &pids);
    bool heard = true;
    for (size_t i = 0; i < pids.count && heard; i++) {
        struct kl_control_row row = {.count = 0};
        if (kl_control_process_row(&row, pids.list[i])) {
            heard = kl_control_add(answer, &row);
        }
    }
    keel_free(pids.list);
    return KEEL_NONE;
}

// --- one of them, closely ---

static keel_term stack_of(keel_pid pid)
{
    char text[STACK_BYTES];
    keel_term lines = keel_nil();
    size_t length = keel_inspect_stack(pid, text, sizeof text);
    while (length > 0) { // from the last line to the first
        size_t end = text[length - 1] == '\n' ? length - 1 : length;
        size_t begin = end;
        while (begin > 0 && text[begin - 1] != '\n') {
            begin--;
        }
        lines = keel_cons(keel_binary(text + begin, end - begin), lines);
        length = begin;
    }
    return lines;
}

// {Asker, Reference, Pid}: asks the process, and may wait for it for ever.
static void ask_relations(keel_term plan)
{
    keel_term items = keel_list_of(
            keel_atom(links), keel_atom(monitors), keel_atom(monitored_by));
    keel_term info = KEEL_NONE;
    if (keel_process_info(keel_to_pid(keel_element(plan, 2)), items, &info) == KEEL_OK) {
        keel_send(keel_to_pid(keel_element(plan, 0)),
                keel_tuple_of(keel_element(plan, 1), info));
    }
}

// {pid => Text, name => Text}, or for what is no pid of ours the text alone.
static keel_term relation_of(keel_term item)
{
    struct kl_control_row row = {.count = 0};
    keel_term object = KEEL_NONE;
    keel_process_view view;
    if (keel_match(item, "{process, Object}", &object)) {
        item = object;
    }
    kl_control_put(&row, "pid", kl_control_show(item, LABEL_BYTES));
    if (keel_is_pid(item) && keel_inspect_process(keel_to_pid(item), &view)) {
        kl_control_put(&row, "name", name_of(view.name));
        kl_control_put(&row, "entry", keel_string(view.entry != NULL ? view.entry : "?"));
    }
    return kl_control_map(&row);
}

static void put_relations(struct kl_control_row *row, const char *key, keel_term items)
{
    keel_term list = keel_nil(), item;
    size_t count = 0;
    while (keel_list_next(&items, &item) && count < RELATIONS_MAX) {
        list = keel_cons(relation_of(item), list);
        count++;
    }
    if (count > 0) {
        kl_control_put(row, key, keel_list_reverse(list));
    }
}

// Its own answer, left out when it has not come within a second: it is busy.
static void add_relations(struct kl_control_row *row, keel_pid pid)
{
    keel_ref ref = keel_make_ref(), monitor;
    keel_pid helper = keel_spawn_monitor(ask_relations,
            keel_tuple_of(
                    keel_from_pid(keel_self()), keel_from_ref(ref), keel_from_pid(pid)),
            &monitor);
    keel_term info = KEEL_NONE, links, monitors, by;
    keel_status status = keel_receive_match(
            KEEL_IN(KEEL_SECONDS(1)), "{^Ref, Info}", ref, &info);
    keel_process_exit(helper, keel_atom(kill));
    // After its end nothing more comes from it.
    keel_status ended = keel_receive_match(
            KEEL_NEVER, "{'DOWN', ^Monitor, process, _, _}", monitor);
    if (status != KEEL_OK) {
        status = keel_receive_match(KEEL_AT_ONCE, "{^Ref, Info}", ref, &info);
    }
    kl_control_put(row, "answers", keel_bool(status == KEEL_OK && ended == KEEL_OK));
    if (keel_match(info, "[{_, Links}, {_, Monitors}, {_, By}]", &links, &monitors, &by)) {
        put_relations(row, "links", links);
        put_relations(row, "monitors", monitors);
        put_relations(row, "monitored_by", by);
    }
}

static keel_term info_of_process(struct kl_control_answer *answer, keel_term arguments)
{
    struct kl_control_row row = {.count = 0};
    keel_term error = KEEL_NONE;
    keel_pid pid = kl_control_process(arguments, &error);
    if (pid.word == 0 || !kl_control_process_row(&row, pid)) {
        return pid.word == 0 ? error : keel_string("the process has ended");
    }
    keel_term stack = stack_of(pid);
    if (!keel_is_nil(stack)) {
        kl_control_put(&row, "frames", stack);
    }
    add_relations(&row, pid);
    kl_control_add(answer, &row);
    return KEEL_NONE;
}

// --- the runtime ---

static keel_term application_names(void)
{
    keel_term names = keel_nil(), list = keel_application_which(), item, name;
    while (keel_list_next(&list, &item)) {
        if (keel_match(item, "{Name, _, _}", &name)) {
            names = keel_cons(kl_control_show(name, LABEL_BYTES), names);
        }
    }
    return names; // the first started first
}

static void put_runtime(struct kl_control_row *row)
{
    keel_runtime_view view;
    keel_worker_view worker;
    keel_inspect_runtime(&view);
    int64_t busy = 0;
    for (unsigned i = 0; keel_inspect_worker(i, &worker); i++) {
        busy += worker.busy_ns;
    }
    const struct {
        const char *key;
        uint64_t value;
    } figures[] = {
            {"os_pid", (uint64_t)getpid()},
            {"uptime_ns", (uint64_t)view.uptime_ns},
            {"workers", view.workers},
            {"busy_ns", busy > 0 ? (uint64_t)busy : 0},
            {"runnable", view.runnable},
            {"spare_threads", view.spare_threads},
            {"blocking_busy", view.blocking_busy},
            {"blocking_threads", view.blocking_threads},
            {"blocking_queue", view.blocking_queue},
            {"processes", view.processes},
            {"processes_max", view.processes_max},
            {"spawned", view.spawned},
            {"atoms", view.atoms},
            {"atoms_max", view.atoms_max},
            {"timers", view.timers},
            {"stacks", view.stacks},
            {"stacks_idle", view.stacks_idle},
            {"stack_bytes", view.stack_bytes},
            {"memory", view.memory},
            {"messages_dropped", view.messages_dropped},
    };
    for (size_t i = 0; i < KEEL_COUNT(figures); i++) {
        put_size(row, figures[i].key, figures[i].value);
    }
}

keel_term kl_control_info(struct kl_control_answer *answer, keel_term arguments)
{
    if (!keel_is_none(kl_control_argument(arguments, "process"))) {
        return info_of_process(answer, arguments);
    }
    struct kl_control_row row = {.count = 0};
    kl_control_put(&row, "program", keel_string(program_invocation_short_name));
    kl_control_put(&row, "keel", keel_string(keel_version()));
    keel_term names = application_names();
    if (!keel_is_nil(names)) {
        kl_control_put(&row, "applications", names);
    }
    put_runtime(&row);
    kl_control_add(answer, &row);
    return KEEL_NONE;
}
