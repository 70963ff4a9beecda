// Tasks: starting one and waiting for one. Several at once are in task_many.c.

#include "task.h"
#include "call.h"
#include <keel/inspect.h>
#include <string.h>

static keel_status check_owner(keel_task task);
static keel_status wait_for(keel_task task, keel_deadline deadline, keel_term *ret_result);
static keel_status take_result(keel_ref ref, keel_term *ret_result);

keel_task keel_task_async_named(
        keel_task_function function, keel_term argument, const char *name)
{
    keel_spawn_opts opts = {.link = true, .entry = name};
    keel_pid pid;
    keel_status status = keel_spawn_opt(kl_task_obey,
            keel_tuple_of(keel_from_pid(keel_self()), keel_bool(false)), &opts, &pid, NULL);
    if (status != KEEL_OK) {
        keel_exit(keel_atom(system_limit));
    }
    return kl_task_engage(pid, function, argument, name);
}

keel_task kl_task_engage(
        keel_pid pid, keel_task_function function, keel_term argument, const char *name)
{
    const keel_monitor_opts opts = {.alias = KEEL_ALIAS_DEMONITOR};
    keel_task task = {.pid = pid, .owner = keel_self(), .name = name};
    if (keel_monitor_opt(keel_from_pid(pid), &opts, &task.ref) != KEEL_OK) {
        keel_exit(keel_atom(system_limit));
    }
    kl_task_order(pid, task.ref, function, argument, name);
    return task;
}

keel_pid keel_task_start_named(
        keel_task_function function, keel_term argument, const char *name)
{
    keel_spawn_opts opts = {.entry = name};
    keel_pid pid = {0};
    keel_status status = keel_spawn_opt(
            kl_task_run, kl_task_errand(function, argument, name), &opts, &pid, NULL);
    if (status != KEEL_OK && keel_in_process()) {
        keel_exit(keel_atom(system_limit));
    }
    return pid;
}

keel_pid keel_task_start_link_named(
        keel_task_function function, keel_term argument, const char *name)
{
    return keel_started_or_exit(
            kl_task_start_errand(kl_task_errand(function, argument, name)));
}

keel_task keel_task_completed(keel_term value)
{
    keel_task task = {.ref = keel_make_ref(), .owner = keel_self(), .name = "completed"};
    keel_send(keel_self(), keel_tuple_of(keel_from_ref(task.ref), value));
    return task;
}

keel_child_spec keel_task_spec(
        keel_task_function function, keel_term argument, const char *name)
{
    keel_term id = KEEL_NONE;
    if (name == NULL || keel_atom_from(name, strlen(name), &id) != KEEL_OK) {
        id = keel_atom(task);
    }
    return (keel_child_spec){
            .id = id,
            .start = kl_task_start_errand,
            .argument = kl_task_errand(function, argument, name),
            .restart = KEEL_TEMPORARY,
    };
}

// --- waiting ---

keel_status keel_task_await_within(
        keel_task task, keel_deadline deadline, keel_term *ret_result)
{
    keel_status status = wait_for(task, deadline, ret_result);
    if (status == KEEL_E_TIMEOUT) {
        kl_task_forget(task.ref);
    }
    return status;
}

keel_status keel_task_yield(keel_task task, keel_deadline deadline, keel_term *ret_result)
{
    return wait_for(task, deadline, ret_result);
}

keel_term keel_task_await_or_exit_within(keel_task task, keel_duration timeout)
{
    keel_term result = KEEL_NONE;
    keel_deadline deadline = timeout == KEEL_FOREVER ? KEEL_NEVER : KEEL_IN(timeout);
    keel_status status = keel_task_await_within(task, deadline, &result);
    if (status == KEEL_OK) {
        return result;
    }
    if (status == KEEL_E_BADARG) {
        kl_task_not_owner(keel_task_to_term(task));
    }
    keel_exit(kl_task_exit_reason(status == KEEL_E_TIMEOUT ? keel_atom(timeout) : result,
            keel_atom(await), keel_task_to_term(task), timeout));
}

static keel_status check_owner(keel_task task)
{
    return keel_in_process() && task.owner.word == keel_self().word ? KEEL_OK
                                                                    : KEEL_E_BADARG;
}

static bool is_about(keel_term message, void *ref)
{
    return kl_task_is_about(message, *(const keel_term *)ref);
}

static keel_status wait_for(keel_task task, keel_deadline deadline, keel_term *ret_result)
{
    keel_term message = KEEL_NONE;
    keel_term ref = keel_from_ref(task.ref);
    keel_status status = check_owner(task);
    if (status == KEEL_OK) {
        status = keel_receive_where(is_about, &ref, deadline, &message);
    }
    return status == KEEL_OK ? kl_task_judge(task.ref, message, ret_result) : status;
}

bool kl_task_is_about(keel_term message, keel_term ref)
{
    size_t size = keel_tuple_size(message);
    if (size == 2) {
        return keel_equal(keel_element(message, 0), ref);
    }
    return size == 5 && keel_is(keel_element(message, 0), DOWN) &&
           keel_equal(keel_element(message, 1), ref);
}

// A monitor by name says {Name, Node}, one by pid the pid.
static keel_term node_of(keel_term object)
{
    return keel_tuple_size(object) == 2 ? keel_element(object, 1) : keel_node_self();
}

keel_status kl_task_judge(keel_ref ref, keel_term message, keel_term *ret_result)
{
    if (keel_tuple_size(message) == 2) {
        keel_demonitor(ref, KEEL_DEMONITOR_FLUSH);
        *ret_result = keel_element(message, 1);
        return KEEL_OK;
    }
    keel_term reason = keel_element(message, 4);
    if (keel_is(reason, noconnection)) {
        *ret_result = keel_tuple_of(keel_atom(nodedown), node_of(keel_element(message, 3)));
        return KEEL_E_NODEDOWN;
    }
    *ret_result = reason;
    return KEEL_E_EXIT;
}

void kl_task_forget(keel_ref ref)
{
    keel_term ignored = KEEL_NONE;
    keel_demonitor(ref, KEEL_DEMONITOR_FLUSH);
    (void)take_result(ref, &ignored);
}

static keel_status take_result(keel_ref ref, keel_term *ret_result)
{
    return keel_receive_match(KEEL_AT_ONCE, "{^Ref, Result}", ref, ret_result);
}

void kl_task_unlink(keel_pid pid)
{
    keel_unlink(pid);
    keel_process_view self;
    if (keel_inspect_process(keel_self(), &self) && self.trap_exit) {
        // One that ended before has left its message; none comes any more.
        keel_status status = keel_receive_match(KEEL_AT_ONCE, "{'EXIT', ^Pid, _}", pid);
        (void)status;
    }
}

// --- giving up ---

// Why a task ended that was told to, by the monitor set for that. One that had ended before
// says noproc; then its first monitor knows, unless that was ended as well.
static keel_term end_reason(keel_ref ref, keel_term reason)
{
    keel_term truth = KEEL_NONE;
    if (keel_is(reason, noproc) &&
            keel_receive_match(KEEL_AT_ONCE, "{'DOWN', ^Ref, _, _, Reason}", ref, &truth) ==
                    KEEL_OK) {
        return truth;
    }
    keel_demonitor(ref, KEEL_DEMONITOR_FLUSH);
    return reason;
}

keel_status keel_task_shutdown(keel_task task, keel_duration time, keel_term *ret_result)
{
    bool brutal = time == KEEL_BRUTAL_KILL;
    keel_term object = KEEL_NONE;
    keel_term reason = KEEL_NONE;
    if (check_owner(task) != KEEL_OK || (time < 0 && !brutal)) {
        return KEEL_E_BADARG;
    }
    if (task.pid.word == 0) {
        return keel_task_ignore(task, ret_result);
    }
    keel_ref monitor = keel_monitor(task.pid);
    keel_unlink(task.pid); // the message of one that ended before stays, as in Elixir
    keel_process_exit(task.pid, brutal ? keel_atom(kill) : keel_atom(shutdown));
    keel_deadline deadline = brutal || time == KEEL_FOREVER ? KEEL_NEVER : KEEL_IN(time);
    keel_status status = keel_receive_match(
            deadline, "{'DOWN', ^Monitor, _, Object, Reason}", monitor, &object, &reason);
    if (status != KEEL_OK) {
        keel_process_exit(task.pid, keel_atom(kill));
        status = keel_receive_match(KEEL_NEVER, "{'DOWN', ^Monitor, _, Object, Reason}",
                monitor, &object, &reason);
    }
    if (status != KEEL_OK) {
        return status;
    }
    reason = end_reason(task.ref, reason);
    if (take_result(task.ref, ret_result) == KEEL_OK) {
        return KEEL_OK;
    }
    if (keel_is(reason, noconnection)) {
        *ret_result = keel_tuple_of(keel_atom(nodedown), node_of(object));
        return KEEL_E_NODEDOWN;
    }
    bool as_told = brutal ? keel_is(reason, killed) : keel_is(reason, shutdown);
    if (!as_told) {
        *ret_result = reason;
    }
    return as_told ? KEEL_E_CANCELED : KEEL_E_EXIT;
}

keel_status keel_task_ignore(keel_task task, keel_term *ret_result)
{
    keel_status status = wait_for(task, KEEL_AT_ONCE, ret_result);
    bool may_run = status == KEEL_OK || status == KEEL_E_TIMEOUT;
    if (may_run && task.pid.word != 0) {
        keel_unlink(task.pid);
    }
    if (status != KEEL_E_TIMEOUT) {
        return status;
    }
    kl_task_forget(task.ref);
    return KEEL_E_CANCELED;
}

// --- as terms ---

keel_term keel_task_to_term(keel_task task)
{
    keel_term name = KEEL_NONE;
    const char *text = task.name == NULL ? "undefined" : task.name;
    if (keel_atom_from(text, strlen(text), &name) != KEEL_OK) {
        name = keel_atom(undefined);
    }
    keel_term pid = keel_from_pid(task.pid);
    keel_term owner = keel_from_pid(task.owner);
    keel_term ref = keel_from_ref(task.ref);
    return keel_make("#{'__struct__' => 'Elixir.Task', mfa => {task, Name, 1}, "
                     "owner => Owner, pid => Pid, ref => Ref}",
            name, keel_is_none(owner) ? keel_atom(nil) : owner,
            keel_is_none(pid) ? keel_atom(nil) : pid,
            keel_is_none(ref) ? keel_atom(nil) : ref);
}

keel_term kl_task_exit_reason(
        keel_term why, keel_term function, keel_term subject, keel_duration timeout)
{
    return keel_make("{Why, {'Elixir.Task', Function, [Subject, Timeout]}}", why, function,
            subject, kl_call_milliseconds(timeout));
}

void kl_task_not_owner(keel_term task)
{
    keel_error(keel_make("{badarg, {not_owner, Task, Self}}", task, keel_self()));
}
