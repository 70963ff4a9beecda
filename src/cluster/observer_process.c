// Processes, as tools of OTP want to see them. A behaviour's entry has the form of OTP
// already, "counter:init/1"; a body's function f is keel:f/1.

#include "observer.h"
#include "proc/proc.h"
#include <keel/inspect.h>
#include <keel/sys.h>
#include <stdio.h>
#include <string.h>

enum { PART = 10000, WORD = 8 };

keel_term kl_observer_processes(keel_term arguments)
{
    (void)arguments;
    return keel_process_list();
}

static keel_pid local_pid(keel_term term)
{
    keel_pid pid = keel_to_pid(term);
    if (!keel_is_pid(term) || !kl_pid_is_local(pid)) {
        kl_observer_badarg();
    }
    return pid;
}

// --- process_info ---

static keel_term atom_of(const char *text, size_t size)
{
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)(size < 255 ? size : 255), text);
    return kl_observer_atom(name);
}

static keel_term function_of(const char *text, size_t size)
{
    const char *colon = memchr(text, ':', size), *slash = memchr(text, '/', size);
    if (colon == NULL || slash == NULL || slash < colon) {
        return keel_tuple_of(keel_atom(keel), atom_of(text, size), keel_int(1));
    }
    const char *name = colon + 1;
    return keel_tuple_of(atom_of(text, (size_t)(colon - text)),
            atom_of(name, (size_t)(slash - name)), keel_int(slash[1] - '0'));
}

// A line of a stack, "function (file:line)" or "function+offset", as {Module, Function,
// Arity, [{file, File}, {line, Line}]}.
static keel_term frame_of(keel_term line)
{
    char text[512], file[512];
    keel_bytes bytes = keel_to_bytes(line);
    snprintf(text, sizeof text, "%.*s", (int)bytes.size, (const char *)bytes.data);
    size_t name = strcspn(text, "+ ");
    int number;
    keel_term place = keel_nil();
    if (sscanf(text + name, " (%511[^:]:%d)", file, &number) == 2) {
        place = keel_make("[{file, File}, {line, Line}]", keel_charlist(file), number);
    }
    keel_term function = function_of(text, name);
    return keel_tuple_of(keel_element(function, 0), keel_element(function, 1),
            keel_element(function, 2), place);
}

static keel_term frames_of(keel_term lines)
{
    keel_term frames = keel_nil(), line;
    while (keel_list_next(&lines, &line)) {
        frames = keel_cons(frame_of(line), frames);
    }
    return keel_list_reverse(frames);
}

// Our value of an item, in OTP's words.
static keel_term translate(keel_term item, keel_term value)
{
    if (keel_is(item, initial_call) || keel_is(item, current_function)) {
        keel_bytes name = keel_to_bytes(value);
        return function_of((const char *)name.data, name.size);
    }
    if (keel_is(item, total_heap_size)) {
        return keel_int(keel_to_int(value) / WORD);
    }
    return keel_is(item, current_stacktrace) ? frames_of(value) : value;
}

// What OTP has and nothing here corresponds to: what it says of a process without any.
static keel_term missing(keel_term item)
{
    if (keel_is(item, garbage_collection)) {
        return keel_make("[{max_heap_size, 0}, {min_heap_size, 0}, {fullsweep_after, 0}, "
                         "{minor_gcs, 0}]");
    }
    if (keel_is(item, binary) || keel_is(item, sequential_trace_token) ||
            keel_is(item, suspending)) {
        return keel_nil();
    }
    if (keel_is(item, catchlevel) || keel_is(item, trace) || keel_is(item, heap_size) ||
            keel_is(item, stack_size)) {
        return keel_int(0);
    }
    if (keel_is(item, error_handler)) {
        return keel_atom(error_handler);
    }
    return keel_is(item, last_calls) ? keel_bool(false) : KEEL_NONE;
}

// {Item, Value}; KEEL_NONE: it is dead.
static keel_term one_item(keel_pid pid, keel_term item)
{
    keel_term info = missing(item);
    if (!keel_is_none(info)) {
        return keel_process_alive(pid) ? keel_tuple_of(item, info) : KEEL_NONE;
    }
    if (keel_process_info(pid, item, &info) != KEEL_OK) {
        kl_observer_badarg();
    }
    if (keel_is(info, undefined)) {
        return KEEL_NONE;
    }
    if (keel_tuple_size(info) == 2) {
        return keel_tuple_of(item, translate(item, keel_element(info, 1)));
    }
    return info; // [], of no registered name
}

static keel_term all_items(void)
{
    return keel_make("[registered_name, current_function, initial_call, status, "
                     "message_queue_len, links, dictionary, trap_exit, error_handler, "
                     "priority, group_leader, total_heap_size, heap_size, stack_size, "
                     "reductions, garbage_collection, suspending]");
}

keel_term kl_observer_process_info(keel_term arguments)
{
    keel_term item, rest = keel_tail(arguments), list = keel_nil();
    keel_pid pid = local_pid(kl_observer_argument(arguments, 0));
    bool all = keel_is_nil(rest);
    keel_term wanted = all ? all_items() : keel_head(rest);
    if (!keel_is_list(wanted)) {
        keel_term info = one_item(pid, wanted);
        return keel_is_none(info) ? keel_atom(undefined) : info;
    }
    while (keel_list_next(&wanted, &item)) {
        keel_term info = one_item(pid, item);
        if (keel_is_none(info)) {
            return keel_atom(undefined);
        }
        if (!keel_is_nil(info)) {
            list = keel_cons(info, list);
        } else if (!all) { // a list that was asked for has every item
            list = keel_cons(keel_tuple_of(item, info), list);
        }
    }
    return keel_list_reverse(list);
}

keel_term kl_observer_elixir_info(keel_term arguments)
{
    keel_term info = kl_observer_process_info(arguments);
    if (keel_is(info, undefined)) {
        return keel_atom(nil);
    }
    return keel_is_nil(info) ? keel_make("{registered_name, []}") : info; // it has none
}

// --- what a process is ---

keel_term kl_observer_initial_call(keel_term arguments)
{
    keel_pid pid = local_pid(kl_observer_argument(arguments, 0));
    keel_process_view view;
    if (!keel_inspect_process(pid, &view)) {
        return keel_make("{proc_lib, init_p, 5}"); // it is not asked any further
    }
    // Tools ask the module for its behaviour next: `keel` has the answer for all.
    return keel_tuple_of(
            keel_atom(keel), atom_of(view.entry, strlen(view.entry)), keel_int(1));
}

static keel_deadline deadline_of(keel_term arguments)
{
    int64_t timeout_ms;
    keel_term rest = keel_tail(arguments);
    if (keel_is_nil(rest)) {
        return KEEL_IN(KEEL_SECONDS(5));
    }
    if (keel_is(keel_head(rest), infinity)) {
        return KEEL_NEVER;
    }
    if (!keel_get_int(keel_head(rest), &timeout_ms) || timeout_ms < 0 ||
            timeout_ms > INT32_MAX) {
        kl_observer_badarg();
    }
    return KEEL_IN(KEEL_MS(timeout_ms));
}

// What OTP's function would exit with: {timeout, {sys, …}} is what tools look for.
static keel_term ask_sys(keel_term arguments, keel_term request)
{
    keel_term answer = KEEL_NONE;
    keel_term server = kl_observer_argument(arguments, 0);
    keel_status status = keel_sys_request_term(
            server, request, deadline_of(arguments), &answer);
    if (status == KEEL_OK) {
        return answer;
    }
    keel_term why = status == KEEL_E_EXIT || status == KEEL_E_REFUSED ? answer
                    : status == KEEL_E_TIMEOUT                        ? keel_atom(timeout)
                                                                      : keel_atom(noproc);
    keel_exit(keel_make("{Why, {sys, Request, Arguments}}", why, request, arguments));
}

keel_term kl_observer_get_status(keel_term arguments)
{
    return ask_sys(arguments, keel_atom(get_status));
}

keel_term kl_observer_get_state(keel_term arguments)
{
    keel_term state, answer = ask_sys(arguments, keel_atom(get_state));
    return keel_match(answer, "{ok, State}", &state) ? state : answer;
}

size_t kl_observer_title(keel_pid pid, char *text, size_t room)
{
    keel_process_view view;
    if (keel_inspect_process(pid, &view) && !keel_is_none(view.name)) {
        return (size_t)snprintf(text, room, "%s", keel_atom_name(view.name));
    }
    return keel_print(text, room, keel_from_pid(pid), NULL);
}

// --- many at once: read from their records, which stops nobody ---

// {etop_proc_info, Pid, Memory, Reductions, Name, Runtime, Function, QueueLength}
static keel_term row_of(const keel_process_view *view)
{
    keel_term entry = function_of(view->entry, strlen(view->entry));
    return keel_tuple_of(keel_atom(etop_proc_info), keel_from_pid(view->pid),
            keel_uint(view->memory), keel_uint(view->reductions),
            keel_is_none(view->name) ? entry : view->name, keel_int(0), entry,
            keel_uint(view->queue));
}

// Rows of at most `max` of the pids, which are used up; the process that asks is no row.
static keel_term rows_of(keel_term *pids, size_t max, size_t *ret_count)
{
    keel_term rows = keel_nil(), pid;
    size_t count = 0;
    while (count < max && keel_list_next(pids, &pid)) {
        keel_process_view view;
        bool alive = keel_inspect_process(keel_to_pid(pid), &view);
        if (alive && view.pid.word != keel_self().word) {
            rows = keel_cons(row_of(&view), rows);
            count++;
        }
    }
    *ret_count = count;
    return rows;
}

keel_term kl_observer_procs_info(keel_term arguments)
{
    keel_term collector = kl_observer_argument(arguments, 0);
    keel_term pids = keel_process_list();
    do {
        size_t count;
        keel_scope scope = keel_scope_open();
        keel_term rows = rows_of(&pids, PART, &count);
        keel_send(collector, keel_make("{procs_info, Self, Rows}", keel_self(), rows));
        keel_scope_close(&scope);
    } while (!keel_is_nil(pids));
    return keel_atom(ok);
}

keel_term kl_observer_etop(keel_term arguments)
{
    keel_term collector = kl_observer_argument(arguments, 0);
    keel_term pids = keel_process_list(), none = keel_atom(undefined);
    size_t count;
    keel_term rows = rows_of(&pids, SIZE_MAX, &count);
    keel_runtime_view runtime;
    keel_inspect_runtime(&runtime);
    keel_term total = keel_int((int64_t)runtime.memory);
    keel_term memory = keel_make("[{total, Total}, {processes, Total}, {ets, 0}, "
                                 "{atom, 0}, {code, 0}, {binary, 0}]",
            total);
    int64_t now = keel_system_time() / 1000;
    keel_term when = keel_tuple_of(keel_int(now / 1000000000000),
            keel_int(now / 1000000 % 1000000), keel_int(now % 1000000));
    keel_term info = keel_tuple_of(keel_atom(etop_info), when, keel_uint(count), none,
            kl_observer_statistics(keel_make("[scheduler_wall_time]")),
            keel_uint(runtime.runnable), keel_nil(), memory, rows);
    keel_send(collector, keel_tuple_of(keel_from_pid(keel_self()), info));
    return keel_atom(ok);
}
