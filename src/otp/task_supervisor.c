// Tasks under a supervisor: the supervisor starts a process that waits for its order, the
// owner gives it the order, so that functions and results never pass through the
// supervisor.

#include "task.h"
#include <keel/task_supervisor.h>
#include <string.h>

keel_child_spec keel_task_supervisor_spec(const keel_dynamic_supervisor_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_dynamic_supervisor_opts){0};
    keel_child_spec spec = keel_dynamic_supervisor_spec(opts);
    if (keel_is_none(opts->name)) {
        spec.id = keel_atom(task_supervisor);
    }
    return spec;
}

// The start function of a task with an owner: {Owner, Name}.
static const keel_supervised_task_opts defaults;

static keel_started start_obeying(keel_term owner_and_name)
{
    keel_spawn_opts opts = {
            .link = true, .entry = keel_to_pointer(keel_element(owner_and_name, 1), NULL)};
    keel_term argument = keel_tuple_of(keel_element(owner_and_name, 0), keel_bool(true));
    keel_pid pid;
    keel_status status = keel_spawn_opt(kl_task_obey, argument, &opts, &pid, NULL);
    return status == KEEL_OK ? keel_started_ok(pid)
                             : keel_started_failed(keel_atom(system_limit));
}

static keel_child_spec spec_of(keel_start_function start, keel_term argument,
        const keel_supervised_task_opts *opts)
{
    static const keel_restart restarts[] = {
            [KEEL_TASK_TEMPORARY] = KEEL_TEMPORARY,
            [KEEL_TASK_TRANSIENT] = KEEL_TRANSIENT,
            [KEEL_TASK_PERMANENT] = KEEL_PERMANENT,
    };
    bool known = (unsigned)opts->restart < KEEL_COUNT(restarts);
    return (keel_child_spec){
            .id = keel_atom_text("Elixir.Task.Supervised"),
            .start = start,
            .argument = argument,
            .restart = known ? restarts[opts->restart] : (keel_restart)-1,
            .shutdown = opts->shutdown,
    };
}

keel_task keel_task_supervisor_async_opt(keel_term supervisor, keel_task_function function,
        const char *name, bool link, const keel_supervised_task_opts *opts)
{
    keel_supervised_task_opts temporary = opts == NULL ? defaults : *opts;
    temporary.restart = KEEL_TASK_TEMPORARY;
    keel_child_spec spec = spec_of(start_obeying,
            keel_tuple_of(keel_from_pid(keel_self()), keel_pointer(name)), &temporary);
    keel_started started = keel_dynamic_supervisor_start_child_term(supervisor, &spec);
    if (started.status == KEEL_E_REFUSED) {
        keel_error(keel_tuple_of(started.reason, supervisor));
    }
    if (started.status == KEEL_E_BADARG) {
        keel_error(keel_tuple_of(keel_atom(badarg), started.reason));
    }
    keel_pid pid = keel_started_or_exit(started);
    if (link) {
        keel_link(pid);
    }
    return kl_task_engage(pid, function, temporary.argument, name);
}

keel_started keel_task_supervisor_start_child_opt(keel_term supervisor,
        keel_task_function function, const char *name,
        const keel_supervised_task_opts *opts)
{
    opts = opts == NULL ? &defaults : opts;
    keel_child_spec spec = spec_of(
            kl_task_start_errand, kl_task_errand(function, opts->argument, name), opts);
    return keel_dynamic_supervisor_start_child_term(supervisor, &spec);
}

keel_status keel_task_supervisor_children_term(keel_term supervisor, keel_term *ret_pids)
{
    keel_term children = KEEL_NONE;
    keel_term child;
    keel_term pids = keel_nil();
    keel_status status = keel_call_term(
            supervisor, keel_atom(which_children), KEEL_NEVER, &children);
    if (status != KEEL_OK) {
        return status;
    }
    while (keel_list_next(&children, &child)) {
        keel_term pid = keel_element(child, 1);
        pids = keel_is_pid(pid) ? keel_cons(pid, pids) : pids;
    }
    *ret_pids = pids;
    return KEEL_OK;
}
