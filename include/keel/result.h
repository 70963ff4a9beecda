#ifndef KEEL_RESULT_H
#define KEEL_RESULT_H

#include <keel/gen.h>

// What a server's callback returns:
//
//   return keel_reply(keel_int(counter->value));
//   return keel_then_continue(keel_ok(), keel_atom(load));
//   return keel_stop_with(keel_atom(normal));

KEEL_BEGIN_DECLS

enum {
    KEEL_RESULT_NOTHING, // a zeroed result: of no known shape
    KEEL_RESULT_OK,
    KEEL_RESULT_REPLY,
    KEEL_RESULT_NOREPLY,
    KEEL_RESULT_STOP,
    KEEL_RESULT_STOP_REPLY,
    KEEL_RESULT_IGNORE,
    KEEL_RESULT_FAIL,
    KEEL_RESULT_UNEXPECTED,
    KEEL_RESULT_NEXT_STATE, // from here on: of a gen_statem only
    KEEL_RESULT_KEEP_STATE,
    KEEL_RESULT_REPEAT_STATE,
    KEEL_RESULT_STOP_REPLIES,
};
enum { // what comes after
    KEEL_THEN_WAIT,
    KEEL_THEN_TIMEOUT,
    KEEL_THEN_MESSAGE,
    KEEL_THEN_CONTINUE,
};

/// Made by the functions below; the fields are theirs.
typedef struct keel_result {
    uint8_t kind; // KEEL_RESULT_…
    uint8_t then; // KEEL_THEN_…
    bool hibernate;
    keel_term value; // reply, or reason, or state
    keel_term extra; // argument of continue, message of a timeout; reply of
                     // stop_with_reply; list of actions of a gen_statem
    int64_t time; // duration of timeout, point of message
} keel_result;

static inline keel_result keel_result_make_(uint8_t kind, keel_term value, keel_term extra)
{
    keel_result result;
    result.kind = kind;
    result.then = KEEL_THEN_WAIT;
    result.hibernate = false;
    result.value = value;
    result.extra = extra;
    result.time = 0;
    return result;
}

/// From init: the server is ready. OTP: {ok, State}.
static inline keel_result keel_ok(void)
{
    return keel_result_make_(KEEL_RESULT_OK, KEEL_NONE, KEEL_NONE);
}
/// From handle_call: the answer. OTP: {reply, Reply, State}.
static inline keel_result keel_reply(keel_term reply)
{
    return keel_result_make_(KEEL_RESULT_REPLY, reply, KEEL_NONE);
}
/// Go on; a call stays open until keel_reply_to. OTP: {noreply, State}.
static inline keel_result keel_noreply(void)
{
    return keel_result_make_(KEEL_RESULT_NOREPLY, KEEL_NONE, KEEL_NONE);
}
/// Terminate and end with `reason`; from init: the start fails. OTP: {stop, Reason, State}.
static inline keel_result keel_stop_with(keel_term reason)
{
    return keel_result_make_(KEEL_RESULT_STOP, reason, KEEL_NONE);
}
/// From handle_call: answer, then terminate. OTP: {stop, Reason, Reply, State}.
static inline keel_result keel_stop_with_reply(keel_term reason, keel_term reply)
{
    return keel_result_make_(KEEL_RESULT_STOP_REPLY, reason, reply);
}
/// From init: do not start, and that is no failure. OTP: ignore.
static inline keel_result keel_ignore(void)
{
    return keel_result_make_(KEEL_RESULT_IGNORE, KEEL_NONE, KEEL_NONE);
}
/// From init: the start fails, the process ends normally. OTP 26: {error, Reason}.
static inline keel_result keel_fail(keel_term reason)
{
    return keel_result_make_(KEEL_RESULT_FAIL, reason, KEEL_NONE);
}
/// The last clause of a callback: what it got is none of those it knows. A call or cast
/// then ends the server with {{bad_call, Request}, Stack} or {{bad_cast, Request}, Stack};
/// any other message is reported and dropped. A state machine that is told of a state it
/// enters goes on as if it had kept the state.
static inline keel_result keel_unexpected(keel_term request)
{
    return keel_result_make_(KEEL_RESULT_UNEXPECTED, request, KEEL_NONE);
}

// --- and then; around keel_ok, keel_reply and keel_noreply ---

/// Runs handle_continue(argument) before any message. OTP: {continue, Argument}.
static inline keel_result keel_then_continue(keel_result result, keel_term argument)
{
    result.then = KEEL_THEN_CONTINUE;
    result.extra = argument;
    return result;
}
/// Gives memory back until the next message comes. OTP: hibernate.
static inline keel_result keel_then_hibernate(keel_result result)
{
    result.hibernate = true;
    return result;
}
/// Runs handle_info(timeout) when no message has come for `duration`; a negative one means
/// never. OTP: a number as last element.
static inline keel_result keel_then_timeout(keel_result result, keel_duration duration)
{
    result.then = duration < 0 ? KEEL_THEN_WAIT : KEEL_THEN_TIMEOUT;
    result.time = duration;
    return result;
}
/// Runs handle_info(message) at `when`, unless a message comes before; a point in the past
/// is at once, KEEL_NEVER never. OTP 28: {timeout, T, Message}, also with {abs, true};
/// together with keel_then_hibernate {hibernate, T, Message}.
static inline keel_result keel_then_message(
        keel_result result, keel_deadline when, keel_term message)
{
    result.then = KEEL_THEN_MESSAGE;
    result.extra = message;
    result.time = when.at;
    return result;
}

KEEL_END_DECLS

#endif // KEEL_RESULT_H
