// Handlers: processes that format events and write them.

#include "logger.h"
#include <keel/inspect.h>
#include <keel/sys.h>
#include <stdio.h>
#include <string.h>

enum { HANDLERS_MAX = 16, LIMIT = 2000, KEPT_FULL = 5, STOP_S = 5 };

// Who handles. Written under the lock by those who add and remove handlers; who logs
// reads it under the lock, which nobody holds for long.
static struct handler {
    keel_term id; // none: free
    keel_pid pid; // none: being started
    keel_log_level level;
    uint64_t dropped; // counted by those who log
} handlers[HANDLERS_MAX];
static struct kl_lock lock;

struct state {
    struct kl_log_sink sink;
    keel_term argument; // kept: of a function
    keel_term id;
    uint64_t told; // of those dropped, how many the log says
};

static keel_result init(keel_term plan, void *memory);
static keel_result handle_cast(keel_term request, void *memory);
static void terminate(keel_term reason, void *memory);

static const keel_gen_server handler_server = {
        .name = "logger_handler",
        .state = {.type = "struct state", .bytes = sizeof(struct state)},
        .init = init,
        .handle_cast = handle_cast,
        .terminate = terminate,
};

// --- the table ---

static struct handler *find(keel_term id)
{
    for (size_t i = 0; i < HANDLERS_MAX; i++) {
        if (handlers[i].id.word == id.word) {
            return &handlers[i];
        }
    }
    return NULL;
}

static keel_status reserve(keel_term id, keel_log_level level)
{
    kl_lock_take(&lock);
    struct handler *handler = find(id);
    keel_status status = handler != NULL ? KEEL_E_TAKEN : KEEL_OK;
    if (handler == NULL) {
        handler = find(KEEL_NONE);
        status = handler == NULL ? KEEL_E_SYSTEM_LIMIT : KEEL_OK;
    }
    if (status == KEEL_OK) {
        *handler = (struct handler){.id = id, .level = level};
    }
    kl_lock_give(&lock);
    return status;
}

static void set_pid(keel_term id, keel_pid pid)
{
    kl_lock_take(&lock);
    struct handler *handler = find(id);
    if (handler != NULL) {
        handler->pid = pid;
    }
    kl_lock_give(&lock);
}

// Takes it off the table; returns how many events it has lost.
static uint64_t forget(keel_term id)
{
    kl_lock_take(&lock);
    struct handler *handler = find(id);
    uint64_t dropped = handler != NULL ? handler->dropped : 0;
    if (handler != NULL) {
        *handler = (struct handler){0};
    }
    kl_lock_give(&lock);
    return dropped;
}

// A copy of the entries in use; returns how many there are.
static size_t copy_table(struct handler copies[HANDLERS_MAX])
{
    size_t count = 0;
    kl_lock_take(&lock);
    for (size_t i = 0; i < HANDLERS_MAX; i++) {
        if (handlers[i].pid.word != 0) {
            copies[count++] = handlers[i];
        }
    }
    kl_lock_give(&lock);
    return count;
}

static void count_drop(keel_term id)
{
    kl_lock_take(&lock);
    struct handler *handler = find(id);
    if (handler != NULL) {
        handler->dropped++;
    }
    kl_lock_give(&lock);
}

static uint64_t count_dropped(keel_term id)
{
    kl_lock_take(&lock);
    struct handler *handler = find(id);
    uint64_t dropped = handler != NULL ? handler->dropped : 0;
    kl_lock_give(&lock);
    return dropped;
}

bool kl_log_dispatch(keel_log_level level, keel_term message, keel_term metadata)
{
    struct handler copies[HANDLERS_MAX];
    size_t count = copy_table(copies);
    keel_term event = KEEL_NONE;
    for (size_t i = 0; i < count; i++) {
        // What a handler itself logs is not for it: it would never come to an end.
        if (level > copies[i].level || copies[i].pid.word == keel_self().word) {
            continue;
        }
        if (keel_is_none(event)) {
            event = keel_tuple_of(keel_atom(log), keel_int((int)level), message, metadata);
        }
        if (keel_cast_term(keel_from_pid(copies[i].pid), event) == KEEL_E_OVERLOAD) {
            count_drop(copies[i].id);
        }
    }
    return count > 0;
}

bool kl_log_is_handler(keel_pid pid)
{
    struct handler copies[HANDLERS_MAX];
    size_t count = copy_table(copies);
    for (size_t i = 0; i < count; i++) {
        if (copies[i].pid.word == pid.word) {
            return true;
        }
    }
    return false;
}

// --- from outside ---

static const struct kl_log_sink_ops *const sinks[] = {
        [KEEL_LOG_TERMINAL] = &kl_log_sink_terminal,
        [KEEL_LOG_FILE] = &kl_log_sink_file,
        [KEEL_LOG_JOURNAL] = &kl_log_sink_journal,
        [KEEL_LOG_SYSLOG] = &kl_log_sink_syslog,
        [KEEL_LOG_FUNCTION] = NULL,
};

static bool is_valid(keel_term id, const keel_log_handler *handler)
{
    size_t strings = 0;
    strings += handler->path != NULL ? strlen(handler->path) : 0;
    strings += handler->ident != NULL ? strlen(handler->ident) : 0;
    return keel_is_atom(id) && (size_t)handler->output < KEEL_COUNT(sinks) &&
           strings < sizeof((struct kl_log_sink *)0)->strings - 2 &&
           (handler->output != KEEL_LOG_FILE || handler->path != NULL) &&
           (handler->output != KEEL_LOG_FUNCTION || handler->write != NULL);
}

// The handler as bytes, since its strings may lie on the caller's stack.
static keel_term plan_of(keel_term id, const keel_log_handler *handler)
{
    keel_term path = handler->path == NULL ? keel_nil() : keel_string(handler->path);
    keel_term ident = handler->ident == NULL ? keel_nil() : keel_string(handler->ident);
    keel_term argument = keel_is_none(handler->argument) ? keel_nil() : handler->argument;
    return keel_tuple_of(id, keel_binary(handler, sizeof *handler), path, ident, argument);
}

// Starts a handler and ends: it is nobody's child, and the runtime's stop asks it to end
// with the others.
static void start_handler(keel_term plan)
{
    keel_log_handler handler;
    memcpy(&handler, keel_to_bytes(keel_element(plan, 1)).data, sizeof handler);
    keel_start_opts opts = {.argument = plan,
            .spawn = {.mailbox_limit = handler.limit != 0 ? handler.limit : LIMIT,
                    .mailbox_policy = KEEL_MAILBOX_REJECT,
                    .label = keel_element(plan, 0)}};
    keel_started started = keel_gen_server_start_opt(&handler_server, &opts);
    keel_term more = started.status == KEEL_OK      ? keel_from_pid(started.pid)
                     : keel_is_none(started.reason) ? keel_nil()
                                                    : started.reason;
    keel_gen_ack(keel_tuple_of(keel_int(started.status), more));
}

keel_status keel_logger_add_handler(keel_term id, const keel_log_handler *handler)
{
    static const keel_log_handler defaults;
    handler = handler != NULL ? handler : &defaults;
    if (!is_valid(id, handler)) {
        return KEEL_E_BADARG;
    }
    keel_status status = reserve(id, handler->only ? handler->level : KEEL_LOG_DEBUG);
    if (status != KEEL_OK) {
        return status;
    }
    keel_term ack = KEEL_NONE;
    keel_pid starter;
    status = keel_start_body(
            start_handler, plan_of(id, handler), NULL, KEEL_NEVER, &starter, NULL, &ack);
    if (status == KEEL_OK) {
        status = (keel_status)keel_to_int(keel_element(ack, 0));
        int64_t error;
        if (status != KEEL_OK && keel_get_int(keel_element(ack, 1), &error)) {
            status = (keel_status)error; // what the sink's open gave
        }
    }
    if (status == KEEL_OK) {
        set_pid(id, keel_to_pid(keel_element(ack, 1)));
    } else {
        forget(id);
    }
    return status;
}

static keel_pid pid_of(keel_term id)
{
    kl_lock_take(&lock);
    struct handler *handler = keel_is_atom(id) ? find(id) : NULL;
    keel_pid pid = handler != NULL ? handler->pid : (keel_pid){0};
    kl_lock_give(&lock);
    return pid;
}

// Has a handler end and waits for it: in a process of its own, since a thread outside may
// ask for it. System messages reach also one whose mailbox is full.
static void stop_handler(keel_term pid)
{
    keel_deadline deadline = KEEL_IN(KEEL_SECONDS(STOP_S));
    if (keel_gen_server_stop(pid, keel_atom(normal), deadline) == KEEL_E_TIMEOUT) {
        keel_process_exit(keel_to_pid(pid), keel_atom(kill));
    }
    keel_gen_ack(keel_atom(ok));
}

keel_status keel_logger_remove_handler(keel_term id)
{
    keel_pid pid = pid_of(id);
    if (pid.word == 0) {
        return KEEL_E_NOPROC;
    }
    keel_pid helper;
    keel_term ack = KEEL_NONE;
    keel_status status = keel_start_body(
            stop_handler, keel_from_pid(pid), NULL, KEEL_NEVER, &helper, NULL, &ack);
    forget(id);
    return status;
}

keel_status keel_logger_flush(keel_deadline deadline)
{
    struct handler copies[HANDLERS_MAX];
    size_t count = copy_table(copies);
    for (size_t i = 0; i < count; i++) {
        keel_term unused = KEEL_NONE;
        if (keel_sys_request_term(keel_from_pid(copies[i].pid), keel_atom(get_state),
                    deadline, &unused) == KEEL_E_TIMEOUT) {
            return KEEL_E_TIMEOUT;
        }
    }
    return KEEL_OK;
}

keel_term keel_logger_handlers(void)
{
    struct handler copies[HANDLERS_MAX];
    keel_term list = keel_nil();
    for (size_t i = copy_table(copies); i > 0; i--) {
        const struct handler *handler = &copies[i - 1];
        list = keel_cons(
                keel_make("#{id => Id, level => Level, dropped => Dropped, pid => Pid}",
                        handler->id, keel_log_level_name(handler->level), handler->dropped,
                        handler->pid),
                list);
    }
    return list;
}

void kl_log_handlers_stop(void)
{
    struct handler copies[HANDLERS_MAX];
    size_t count = copy_table(copies);
    for (size_t i = 0; i < count; i++) {
        keel_logger_remove_handler(copies[i].id);
    }
}

// --- the process ---

static const char *keep_string(struct kl_log_sink *sink, size_t *used, keel_term text)
{
    keel_bytes bytes = keel_to_bytes(text);
    if (!keel_is_binary(text)) {
        return NULL;
    }
    char *copy = sink->strings + *used;
    memcpy(copy, bytes.data, bytes.size);
    copy[bytes.size] = '\0';
    *used += bytes.size + 1;
    return copy;
}

static void leave_table(void *state)
{
    forget(((struct state *)state)->id);
}

static keel_result init(keel_term plan, void *memory)
{
    struct state *state = memory;
    struct kl_log_sink *sink = &state->sink;
    size_t used = 0;
    keel_trap_exit(true);
    memcpy(&sink->handler, keel_to_bytes(keel_element(plan, 1)).data, sizeof sink->handler);
    sink->handler.path = keep_string(sink, &used, keel_element(plan, 2));
    sink->handler.ident = keep_string(sink, &used, keel_element(plan, 3));
    sink->handler.files = sink->handler.files != 0 ? sink->handler.files : KEPT_FULL;
    sink->fd = -1;
    sink->ops = sinks[sink->handler.output];
    keel_set(&state->argument, keel_element(plan, 4));
    state->id = keel_element(plan, 0);
    keel_status status = sink->ops != NULL ? sink->ops->open(sink) : KEEL_OK;
    if (status != KEEL_OK) {
        return keel_fail(keel_int(status));
    }
    keel_defer(leave_table, state);
    return keel_ok();
}

static void write_event(struct state *state, const keel_log_event *event)
{
    struct kl_log_sink *sink = &state->sink;
    if (sink->ops == NULL) {
        sink->handler.write(event, state->argument);
    } else {
        sink->ops->write(sink, event);
    }
}

// Says how many were dropped since it last did.
static void tell_dropped(struct state *state, uint64_t dropped)
{
    if (dropped <= state->told) {
        return;
    }
    keel_log_event event = {
            .level = KEEL_LOG_WARNING,
            .time = keel_system_time(),
            .message = keel_format("%llu log events were dropped",
                    (unsigned long long)(dropped - state->told)),
            .metadata = keel_make("#{dropped => N}", dropped - state->told),
    };
    state->told = dropped;
    write_event(state, &event);
}

static void take_event(struct state *state, keel_term request)
{
    int level;
    keel_term message = KEEL_NONE;
    keel_term metadata = KEEL_NONE;
    if (keel_match(
                request, "{log, Level, Message, Metadata}", &level, &message, &metadata)) {
        keel_log_event event = {
                .level = (keel_log_level)level,
                .time = keel_to_int(keel_map_get(metadata, keel_atom(time))) * 1000,
                .message = message,
                .metadata = metadata,
        };
        write_event(state, &event);
        tell_dropped(state, count_dropped(state->id));
    }
}

static keel_result handle_cast(keel_term request, void *memory)
{
    take_event(memory, request);
    return keel_noreply();
}

// What waits is written: those who stop with it have the most to say.
static void terminate(keel_term reason, void *memory)
{
    (void)reason;
    struct state *state = memory;
    keel_term request = KEEL_NONE;
    uint64_t dropped = forget(state->id);
    while (keel_receive_match(KEEL_AT_ONCE, "{'$gen_cast', Request}", &request) ==
            KEEL_OK) {
        take_event(state, request);
    }
    tell_dropped(state, dropped);
    if (state->sink.ops != NULL) {
        state->sink.ops->close(&state->sink);
    }
}
