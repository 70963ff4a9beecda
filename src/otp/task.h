#ifndef KL_OTP_TASK_H
#define KL_OTP_TASK_H

#include <keel/task.h>

// What the files of tasks share. How a task comes to run:
//
//   owner                                     task
//   spawn, linked or under a supervisor ───▸  waits for its order
//   monitor, whose reference is an alias
//   {'$task', Ref, Function, …}  ──────────▸  runs the function
//                                ◂── {Ref, Result}, through the alias; DOWN
//
// The order comes last, since only then the reference of the monitor is known.

// --- task_child.c ---
// The body of a task with an owner; its argument: {Owner, Watch}. With `watch` true it also
// ends when the owner does before it has given the order: it is not linked then.
void kl_task_obey(keel_term owner_and_watch);
// Gives the order.
void kl_task_order(keel_pid task, keel_ref ref, keel_task_function function,
        keel_term argument, const char *name);
// The body of a task without an owner, and its argument.
void kl_task_run(keel_term errand);
keel_term kl_task_errand(keel_task_function function, keel_term argument, const char *name);
// Its start, as a start function: linked to the caller.
keel_started kl_task_start_errand(keel_term errand);

// --- task.c ---
// Monitors a task that waits for its order and gives it.
keel_task kl_task_engage(
        keel_pid pid, keel_task_function function, keel_term argument, const char *name);
// True when the message is the result or the DOWN of the task with that reference.
bool kl_task_is_about(keel_term message, keel_term ref);
// What such a message says; ends the monitor.
keel_status kl_task_judge(keel_ref ref, keel_term message, keel_term *ret_result);
// Nothing of the task arrives any more.
void kl_task_forget(keel_ref ref);
// Ends the link, if there is one, and takes its EXIT out of the mailbox.
void kl_task_unlink(keel_pid pid);
// {Why, {'Elixir.Task', Function, [Subject, Timeout]}}
keel_term kl_task_exit_reason(
        keel_term why, keel_term function, keel_term subject, keel_duration timeout);
_Noreturn void kl_task_not_owner(keel_term task);

#endif // KL_OTP_TASK_H
