// What runs in a task's process, and what it reports when it fails.

#include "ending.h"
#include "report.h"
#include "task.h"
#include <keel/function.h>
#include <keel/inspect.h>
#include <string.h>

enum { ORDER_PATIENCE_S = 5 };

struct run {
    keel_task_function function;
    keel_term argument;
    keel_term result;
};

static keel_term invoke(keel_term owner, keel_term function, keel_term name,
        keel_term argument, keel_term callers);
static keel_term await_order(keel_pid owner, bool watch);

// The caller, then its own callers.
static keel_term callers_of_self(void)
{
    if (!keel_in_process()) {
        return keel_nil();
    }
    keel_term own = keel_process_get(keel_atom_text("$callers"));
    return keel_cons(keel_from_pid(keel_self()), keel_is_none(own) ? keel_nil() : own);
}

// What reports call the task.
static keel_term name_of(const char *name)
{
    return keel_pointer(name != NULL ? name : "task");
}

void kl_task_order(keel_pid task, keel_ref ref, keel_task_function function,
        keel_term argument, const char *name)
{
    keel_term order[] = {keel_atom_text("$task"), keel_from_pid(keel_self()),
            keel_from_ref(ref), keel_function(function), name_of(name),
            keel_is_none(argument) ? keel_nil() : argument, callers_of_self()};
    keel_send(task, keel_tuple(order, KEEL_COUNT(order)));
}

keel_term kl_task_errand(keel_task_function function, keel_term argument, const char *name)
{
    keel_term self = keel_in_process() ? keel_from_pid(keel_self()) : keel_nil();
    return keel_tuple_of(self, keel_function(function), name_of(name),
            keel_is_none(argument) ? keel_nil() : argument, callers_of_self());
}

void kl_task_obey(keel_term owner_and_watch)
{
    keel_pid owner = keel_to_pid(keel_element(owner_and_watch, 0));
    keel_term order = await_order(owner, keel_to_bool(keel_element(owner_and_watch, 1)));
    keel_term ref = keel_element(order, 2);
    keel_term result = invoke(keel_element(order, 1), keel_element(order, 3),
            keel_element(order, 4), keel_element(order, 5), keel_element(order, 6));
    keel_send(ref, keel_tuple_of(ref, result));
}

void kl_task_run(keel_term errand)
{
    invoke(keel_element(errand, 0), keel_element(errand, 1), keel_element(errand, 2),
            keel_element(errand, 3), keel_element(errand, 4));
}

keel_started kl_task_start_errand(keel_term errand)
{
    keel_spawn_opts opts = {
            .link = true, .entry = keel_to_pointer(keel_element(errand, 2), NULL)};
    keel_pid pid;
    keel_status status = keel_spawn_opt(kl_task_run, errand, &opts, &pid, NULL);
    return status == KEEL_OK ? keel_started_ok(pid)
                             : keel_started_failed(keel_atom(system_limit));
}

static bool is_order(keel_term message, void *monitor)
{
    keel_term first = keel_element(message, 0);
    if (keel_tuple_size(message) == 7) {
        return first.word == keel_atom_text("$task").word;
    }
    return keel_tuple_size(message) == 5 && keel_is(first, DOWN) &&
           keel_equal(keel_element(message, 1), *(const keel_term *)monitor);
}

static keel_term await_order(keel_pid owner, bool watch)
{
    keel_term message = KEEL_NONE;
    keel_ref monitor = watch ? keel_monitor(owner) : (keel_ref){0};
    keel_term monitor_term = keel_from_ref(monitor);
    keel_deadline deadline = watch ? KEEL_IN(KEEL_SECONDS(ORDER_PATIENCE_S)) : KEEL_NEVER;
    if (keel_receive_where(is_order, &monitor_term, deadline, &message) != KEEL_OK) {
        keel_exit(keel_atom(timeout));
    }
    if (keel_is(keel_element(message, 0), DOWN)) {
        keel_exit(keel_tuple_of(keel_atom(shutdown), keel_element(message, 4)));
    }
    if (watch) {
        keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH);
    }
    return message;
}

// --- running it ---

static void run(void *context)
{
    struct run *run = context;
    if (run->function == NULL) {
        keel_error(keel_atom(undef));
    }
    run->result = run->function(run->argument);
}

// By name, if it has one.
static keel_term shown(keel_term owner)
{
    keel_process_view view;
    bool known = keel_is_pid(owner) && keel_inspect_process(keel_to_pid(owner), &view) &&
                 !keel_is_none(view.name);
    return known ? view.name : owner;
}

static void report(keel_term owner, const char *name, keel_term argument, keel_term reason)
{
    keel_term function = KEEL_NONE;
    if (keel_atom_from(name, strlen(name), &function) != KEEL_OK) {
        function = keel_string(name);
    }
    keel_term label = keel_process_get_label(keel_self());
    keel_report(KEEL_REPORT_ERROR,
            keel_make("#{label => {'Elixir.Task.Supervisor', terminating}, report => "
                      "#{name => Self, starter => Owner, function => Function, "
                      "args => [Argument], reason => Reason, process_label => Label}}",
                    keel_self(), shown(owner), function, argument, reason,
                    keel_is_none(label) ? keel_atom(undefined) : label));
}

static keel_term invoke(keel_term owner, keel_term function, keel_term name,
        keel_term argument, keel_term callers)
{
    struct run task = {keel_to_function(keel_task_function, function), argument, KEEL_NONE};
    keel_term reason = KEEL_NONE;
    keel_process_put(keel_atom_text("$callers"), callers);
    if (keel_try(run, &task, &reason) != KEEL_OK) {
        if (kl_end_is_abnormal(reason)) {
            report(owner, keel_to_pointer(name, NULL), argument, reason);
        }
        keel_exit(reason);
    }
    return keel_is_none(task.result) ? keel_nil() : task.result;
}
