#ifndef KEEL_TIMER_H
#define KEEL_TIMER_H

#include <keel/message.h>

// Timers: messages at a later time. A timer belongs to no process: it outlives its maker,
// and goes away when its destination, if a pid, ends.

KEEL_BEGIN_DECLS

/// Sends `message` to `to` (a local pid or a name, looked up when it fires) after
/// `duration`. None when `to` is neither, or `duration` negative.
/// OTP: erlang:send_after/3. @thread any @since 0.1
#define keel_send_after(duration, to, message)                                             \
    keel_send_after_term((duration), KEEL_TO(to), (message))
KEEL_API keel_ref keel_send_after_term(
        keel_duration duration, keel_term to, keel_term message);
/// The message is {timeout, Ref, Message}. OTP: erlang:start_timer/3. @thread any
/// @since 0.1
KEEL_API keel_ref keel_start_timer(keel_duration duration, keel_term to, keel_term message);
/// At a point of the monotonic clock; one in the past fires at once. OTP: option abs.
/// @thread any @since 0.1
KEEL_API keel_ref keel_send_at(keel_deadline when, keel_term to, keel_term message);
KEEL_API keel_ref keel_start_timer_at(keel_deadline when, keel_term to, keel_term message);
/// As OTP's send_after/4 and start_timer/4 in terms: `milliseconds` an integer, `options`
/// a list with {abs, Bool}; KEEL_E_BADARG for whatever OTP refuses. @thread any
/// @since 0.1
KEEL_API keel_status keel_send_after_opt(keel_term milliseconds, keel_term to,
        keel_term message, keel_term options, keel_ref *ret_timer);
KEEL_API keel_status keel_start_timer_opt(keel_term milliseconds, keel_term to,
        keel_term message, keel_term options, keel_ref *ret_timer);

/// True when the timer was running and will not fire; `ret_left` (may be NULL) gets the
/// time it had left. OTP: erlang:cancel_timer/1. @thread any @since 0.1
KEEL_API bool keel_cancel_timer(keel_ref timer, keel_duration *ret_left);
/// True when it is running. OTP: erlang:read_timer/1. @thread any @since 0.1
KEEL_API bool keel_read_timer(keel_ref timer, keel_duration *ret_left);
/// Returns at once; the caller gets {cancel_timer, Ref, MillisecondsOrFalse} unless `info`
/// is false. OTP: cancel_timer/2 with async. @thread process @since 0.1
KEEL_API keel_status keel_cancel_timer_async(keel_ref timer, bool info);
/// The same for reading: {read_timer, Ref, MillisecondsOrFalse}. @thread process @since 0.1
KEEL_API keel_status keel_read_timer_async(keel_ref timer);

// The timer service: OTP's module timer. Functions run in a process of their own.

/// Runs fn(argument) once after `duration`. OTP: timer:apply_after. The timers of this
/// service are references for keel_timer_cancel; `ret_timer` may be NULL everywhere here.
/// @return KEEL_OK, KEEL_E_BADARG (negative, an interval of 0, no function, neither pid nor
/// name), KEEL_E_STOPPED
/// @thread any @since 0.1
KEEL_API keel_status keel_apply_after(
        keel_duration duration, keel_body fn, keel_term argument, keel_ref *ret_timer);
/// Runs it every `duration`, each run in a process of its own; ends with the caller when
/// called from a process. OTP: timer:apply_interval. @thread any @since 0.1
KEEL_API keel_status keel_apply_interval(
        keel_duration duration, keel_body fn, keel_term argument, keel_ref *ret_timer);
/// The same, but a run begins only when the one before is over: at once when that has taken
/// longer than `duration`, until what was missed is made up for. OTP:
/// timer:apply_repeatedly.
/// @thread any @since 0.1
KEEL_API keel_status keel_apply_repeatedly(
        keel_duration duration, keel_body fn, keel_term argument, keel_ref *ret_timer);
/// Sends every `duration` until cancelled; ends with the receiver: a pid, or who has the
/// name, or {Name, Node}, when it is called. OTP: timer:send_interval. @thread any
/// @since 0.1
KEEL_API keel_status keel_send_interval(
        keel_duration duration, keel_term to, keel_term message, keel_ref *ret_timer);
/// Sends the exit signal `reason` (or kill) to a pid or name. OTP: timer:exit_after,
/// kill_after. @thread any @since 0.1
KEEL_API keel_status keel_exit_after(
        keel_duration duration, keel_term to, keel_term reason, keel_ref *ret_timer);
KEEL_API keel_status keel_kill_after(
        keel_duration duration, keel_term to, keel_ref *ret_timer);
/// Once it returns the timer does nothing any more. KEEL_OK also for a timer that fired or
/// is unknown; KEEL_E_BADARG for what is no reference. OTP: timer:cancel/1.
/// @thread any: waits for the timer's process, which answers at once @since 0.1
KEEL_API keel_status keel_timer_cancel(keel_term timer);

KEEL_END_DECLS

#endif // KEEL_TIMER_H
