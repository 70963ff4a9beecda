// Steps on tasks. Who made a task keeps it in its dictionary, under its reference and, the
// newest one, under `last`.

#include "fixture.h"

static void keep(struct outcome *outcome, keel_task task)
{
    keel_term pid = keel_from_pid(task.pid), ref = keel_from_ref(task.ref);
    keel_process_put(keel_make("{task, Ref}", ref), keel_tuple_of(pid, ref));
    keel_process_put(keel_make("{task, last}"), keel_tuple_of(pid, ref));
    outcome->value = keel_tuple_of(keel_atom(task), pid, ref);
}

static keel_task kept(keel_term ref)
{
    keel_term stored = keel_process_get(keel_make("{task, Ref}", ref));
    if (keel_is_none(stored)) {
        keel_error(keel_atom(function_clause));
    }
    return (keel_task){.pid = keel_to_pid(keel_element(stored, 0)),
            .ref = keel_to_ref(keel_element(stored, 1)),
            .owner = keel_self(),
            .name = "script"};
}

static void async(struct outcome *outcome, const keel_term *arguments)
{
    keep(outcome, keel_task_supervisor_async(arguments[0], script_value, arguments[1]));
}

static void async_nolink(struct outcome *outcome, const keel_term *arguments)
{
    keep(outcome,
            keel_task_supervisor_async_nolink(arguments[0], script_value, arguments[1]));
}

static void start_task(struct outcome *outcome, const keel_term *arguments)
{
    keel_task_restart restart = keel_is(arguments[2], permanent)   ? KEEL_TASK_PERMANENT
                                : keel_is(arguments[2], transient) ? KEEL_TASK_TRANSIENT
                                                                   : KEEL_TASK_TEMPORARY;
    keel_started started = keel_task_supervisor_start_child(
            arguments[0], script_value, arguments[1], .restart = restart);
    if (started.status == KEEL_E_NOPROC) {
        keel_exit(started.reason);
    }
    outcome->value = keel_started_to_term(started);
}

// --- waiting ---

static keel_term wait_for(const keel_term *arguments)
{
    // There is one, see await(): a failure here would be taken for the task's.
    return keel_task_await_or_exit_within(kept(arguments[0]), script_time(arguments[1]));
}

static void await(struct outcome *outcome, const keel_term *arguments)
{
    (void)kept(arguments[0]);
    outcome->value = script_attempt(wait_for, arguments);
}

static keel_term outcome_of(keel_status status, keel_term result)
{
    return status == KEEL_OK       ? keel_make("{ok, Value}", result)
           : status == KEEL_E_EXIT ? keel_make("{exit, Reason}", result)
                                   : keel_atom(none);
}

static void yield(struct outcome *outcome, const keel_term *arguments)
{
    keel_duration time = script_time(arguments[1]);
    keel_deadline deadline = time == KEEL_FOREVER ? KEEL_NEVER : KEEL_IN(time);
    keel_term result = KEEL_NONE;
    keel_status status = keel_task_yield(kept(arguments[0]), deadline, &result);
    outcome->value = outcome_of(status, result);
}

static void shut_down(struct outcome *outcome, const keel_term *arguments)
{
    keel_duration time = keel_is(arguments[1], brutal_kill) ? KEEL_BRUTAL_KILL
                                                            : script_time(arguments[1]);
    keel_term result = KEEL_NONE;
    keel_status status = keel_task_shutdown(kept(arguments[0]), time, &result);
    outcome->value = outcome_of(status, result);
}

const struct step task_steps[] = {
        {"async", 2, async},
        {"async_nolink", 2, async_nolink},
        {"start_task", 3, start_task},
        {"await", 2, await},
        {"yield", 2, yield},
        {"shutdown", 2, shut_down},
        {NULL, 0, NULL},
};
