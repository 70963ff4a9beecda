#include "gen_statem_step.h"
#include "gen_server_step.h"
#include <string.h>

static enum kl_statem_verdict enter_state(
        struct kl_statem_plan *plan, enum kl_statem_phase phase, const keel_result *result);
static enum kl_statem_verdict take_actions(
        struct kl_statem_plan *plan, enum kl_statem_phase phase, keel_term actions);
static enum kl_statem_verdict take_replies(struct kl_statem_plan *plan, keel_term replies);
static enum kl_statem_verdict bad(
        struct kl_statem_plan *plan, const char *what, keel_term which);
static bool is_reply(keel_term action);
static void add(keel_term *list, keel_term item);
static void trace(struct kl_statem_plan *plan, keel_term action);

struct kl_statem_plan kl_statem_plan(keel_term state, unsigned modules)
{
    return (struct kl_statem_plan){.state = state, .modules = modules};
}

static enum kl_statem_verdict bad_return(
        struct kl_statem_plan *plan, enum kl_statem_phase phase, const keel_result *result)
{
    keel_term shown = kl_statem_result_term(result);
    if (phase == KL_STATEM_INIT) {
        plan->reason = keel_tuple_of(keel_atom(bad_return_from_init), shown);
        return KL_STATEM_BAD;
    }
    return bad(plan, "bad_return_from_state_function", shown);
}

// A reason, a state and an unexpected event must be there.
static bool is_complete(const keel_result *result)
{
    bool needs = result->kind != KEEL_RESULT_KEEP_STATE &&
                 result->kind != KEEL_RESULT_REPEAT_STATE &&
                 result->kind != KEEL_RESULT_IGNORE;
    return result->then == KEEL_THEN_WAIT && !(needs && keel_is_none(result->value));
}

enum kl_statem_verdict kl_statem_decide(
        struct kl_statem_plan *plan, enum kl_statem_phase phase, const keel_result *result)
{
    bool init = phase == KL_STATEM_INIT;
    plan->enter = false;
    plan->hibernate = plan->hibernate || result->hibernate;
    if (!is_complete(result)) {
        return bad_return(plan, phase, result);
    }
    plan->reason = result->value;
    switch (result->kind) {
    case KEEL_RESULT_STOP:
        return KL_STATEM_STOP;
    case KEEL_RESULT_IGNORE:
        return init ? KL_STATEM_IGNORE : bad_return(plan, phase, result);
    case KEEL_RESULT_FAIL:
        return init ? KL_STATEM_FAIL : bad_return(plan, phase, result);
    case KEEL_RESULT_OK:
        if (!init) {
            return bad_return(plan, phase, result);
        }
        plan->state = result->value;
        plan->enter = true;
        return take_actions(plan, phase, result->extra);
    default:
        break;
    }
    if (init) {
        return bad_return(plan, phase, result);
    }
    switch (result->kind) {
    case KEEL_RESULT_NEXT_STATE:
        return enter_state(plan, phase, result);
    case KEEL_RESULT_REPEAT_STATE:
        plan->enter = true;
        return take_actions(plan, phase, result->extra);
    case KEEL_RESULT_KEEP_STATE:
        return take_actions(plan, phase, result->extra);
    case KEEL_RESULT_STOP_REPLIES:
        return take_replies(plan, result->extra);
    case KEEL_RESULT_UNEXPECTED:
        return KL_STATEM_UNEXPECTED;
    default:
        return bad_return(plan, phase, result);
    }
}

// A state that has just been entered may not send the machine on at once.
static enum kl_statem_verdict enter_state(
        struct kl_statem_plan *plan, enum kl_statem_phase phase, const keel_result *result)
{
    bool same = kl_statem_same(plan->state, result->value);
    if (phase == KL_STATEM_ENTER && !same) {
        return bad(plan, "bad_state_enter_return_from_state_function",
                kl_statem_result_term(result));
    }
    if (!same) {
        plan->state = result->value;
        plan->enter = true;
    }
    return take_actions(plan, phase, result->extra);
}

// --- actions ---

// The atom `name` alone, or {Name, Bool}.
static bool takes_bool(keel_term action, keel_term name, bool *ret)
{
    if (action.word == name.word) {
        *ret = true;
        return true;
    }
    keel_term value = keel_element(action, 1);
    *ret = keel_to_bool(value);
    return keel_tuple_size(action) == 2 && keel_element(action, 0).word == name.word &&
           keel_is_bool(value);
}

// {change_callback_module, M}, {push_callback_module, M}, pop_callback_module; the last
// module stays.
static bool changes_module(struct kl_statem_plan *plan, keel_term action)
{
    if (keel_is(action, pop_callback_module)) {
        plan->modules -= plan->modules > 1 ? 1 : 0;
        return true;
    }
    if (keel_tuple_size(action) != 2 ||
            keel_to_pointer(keel_element(action, 1), NULL) == NULL) {
        return false;
    }
    bool push = keel_is(keel_element(action, 0), push_callback_module);
    plan->modules += push ? 1 : 0;
    return push || keel_is(keel_element(action, 0), change_callback_module);
}

static enum kl_statem_verdict take_action(
        struct kl_statem_plan *plan, enum kl_statem_phase phase, keel_term action)
{
    bool entering = phase == KL_STATEM_ENTER;
    const char *not_now = "bad_state_enter_action_from_state_function";
    bool flag;
    keel_event event;
    struct kl_timeout timeout;
    if (keel_is(keel_element(action, 0), reply)) {
        if (!is_reply(action)) {
            return bad(plan, "bad_action_from_state_function", action);
        }
        add(&plan->replies, action);
        trace(plan, action);
    } else if (takes_bool(action, keel_atom(hibernate), &flag)) {
        plan->hibernate = flag;
    } else if (takes_bool(action, keel_atom(postpone), &flag)) {
        if (flag && entering) {
            return bad(plan, not_now, action);
        }
        plan->postpone = flag;
    } else if (keel_is(keel_element(action, 0), next_event)) {
        if (entering || keel_tuple_size(action) != 3 ||
                !kl_statem_event_type(keel_element(action, 1), &event)) {
            return bad(plan, entering ? not_now : "bad_action_from_state_function", action);
        }
        add(&plan->events, action);
        trace(plan, action);
    } else if (keel_is(action, pop_callback_module) && plan->modules <= 1) {
        return bad(plan, "bad_action_from_state_function", action);
    } else if (changes_module(plan, action)) {
        if (entering) {
            return bad(plan, not_now, action);
        }
        add(&plan->changes, action);
        trace(plan, action);
    } else if (kl_statem_timeout(action, &timeout)) {
        add(&plan->timeouts, action);
    } else {
        return bad(plan, "bad_action_from_state_function", action);
    }
    return KL_STATEM_GO_ON;
}

// Of an event that init has no part in, nothing can be postponed.
static enum kl_statem_verdict take_actions(
        struct kl_statem_plan *plan, enum kl_statem_phase phase, keel_term actions)
{
    enum kl_statem_verdict verdict = KL_STATEM_GO_ON;
    keel_term action;
    while (verdict == KL_STATEM_GO_ON && keel_list_next(&actions, &action)) {
        verdict = take_action(plan, phase, action);
    }
    plan->postpone = plan->postpone && phase != KL_STATEM_INIT;
    return verdict;
}

static enum kl_statem_verdict take_replies(struct kl_statem_plan *plan, keel_term replies)
{
    keel_term reply;
    while (keel_list_next(&replies, &reply)) {
        if (!is_reply(reply)) {
            return bad(plan, "bad_reply_action_from_state_function", reply);
        }
        add(&plan->replies, reply);
        trace(plan, reply);
    }
    return KL_STATEM_STOP;
}

// {{What, Which}, []}: an error, though without a stack of the user's.
static enum kl_statem_verdict bad(
        struct kl_statem_plan *plan, const char *what, keel_term which)
{
    keel_term name = KEEL_NONE;
    if (keel_atom_from(what, strlen(what), &name) != KEEL_OK) {
        name = keel_atom(system_limit);
    }
    plan->reason = keel_tuple_of(keel_tuple_of(name, which), keel_nil());
    return KL_STATEM_BAD;
}

static bool is_reply(keel_term action)
{
    keel_term from = keel_element(action, 1);
    return keel_tuple_size(action) == 3 && keel_is(keel_element(action, 0), reply) &&
           keel_tuple_size(from) == 2 && keel_is_pid(keel_element(from, 0));
}

static void add(keel_term *list, keel_term item)
{
    *list = keel_cons(item, keel_is_none(*list) ? keel_nil() : *list);
}

static void trace(struct kl_statem_plan *plan, keel_term action)
{
    if (plan->traced) {
        add(&plan->told, action);
    }
}

keel_term kl_statem_in_order(keel_term newest_first)
{
    bool several = !keel_is_none(newest_first) && !keel_is_nil(keel_tail(newest_first));
    return several ? keel_list_reverse(newest_first) : newest_first;
}

// --- timeouts ---

static bool timeout_type(keel_term type, struct kl_timeout *timeout)
{
    timeout->name = KEEL_NONE;
    if (keel_is(type, timeout)) {
        timeout->type = KEEL_EVENT_TIMEOUT;
    } else if (keel_is(type, state_timeout)) {
        timeout->type = KEEL_EVENT_STATE_TIMEOUT;
    } else if (keel_tuple_size(type) == 2 && keel_is(keel_element(type, 0), timeout)) {
        timeout->type = KEEL_EVENT_NAMED_TIMEOUT;
        timeout->name = keel_element(type, 1);
    } else {
        return false;
    }
    return true;
}

// {abs, Bool} and, beyond OTP, {unit, nanosecond}; the last of each kind counts.
static bool read_options(keel_term options, bool *absolute, bool *nanoseconds)
{
    keel_term option = options;
    bool single = keel_is_tuple(options);
    while (single || keel_list_next(&options, &option)) {
        keel_term value = keel_element(option, 1);
        if (keel_tuple_size(option) != 2) {
            return false;
        }
        if (keel_is(keel_element(option, 0), abs) && keel_is_bool(value)) {
            *absolute = keel_to_bool(value);
        } else if (keel_is(keel_element(option, 0), unit) && keel_is(value, nanosecond)) {
            *nanoseconds = true;
        } else {
            return false;
        }
        if (single) {
            return true;
        }
    }
    return keel_is_nil(options);
}

static bool read_time(keel_term time, keel_term options, struct kl_timeout *timeout)
{
    bool absolute = false;
    bool nanoseconds = false;
    int64_t number;
    if (!read_options(options, &absolute, &nanoseconds)) {
        return false;
    }
    timeout->what = absolute ? KL_TIMEOUT_AT : KL_TIMEOUT_AFTER;
    if (keel_is(time, infinity)) {
        timeout->what = KL_TIMEOUT_CANCEL;
        return true;
    }
    if (!keel_get_int(time, &number) || (number < 0 && !absolute)) {
        return false;
    }
    if (nanoseconds) {
        timeout->time = number;
    } else if (__builtin_mul_overflow(number, KEEL_MS(1), &timeout->time)) {
        timeout->time = number < 0 ? INT64_MIN : INT64_MAX; // further than the clock goes
    }
    return true;
}

bool kl_statem_timeout(keel_term action, struct kl_timeout *ret)
{
    size_t size = keel_tuple_size(action);
    if (size == 0) { // T alone: the event timeout, with T as its content
        ret->type = KEEL_EVENT_TIMEOUT;
        ret->name = KEEL_NONE;
        ret->content = action;
        return read_time(action, keel_nil(), ret);
    }
    if (size > 4 || !timeout_type(keel_element(action, 0), ret)) {
        return false;
    }
    keel_term time = keel_element(action, 1);
    ret->content = size == 2 ? KEEL_NONE : keel_element(action, 2);
    if (size == 2) {
        ret->what = KL_TIMEOUT_CANCEL;
        return keel_is(time, cancel);
    }
    if (size == 3 && keel_is(time, update)) {
        ret->what = KL_TIMEOUT_UPDATE;
        return true;
    }
    return read_time(time, size == 4 ? keel_element(action, 3) : keel_nil(), ret);
}

bool kl_statem_overrides(keel_term actions, const struct kl_timeout *timeout)
{
    keel_term action;
    while (keel_list_next(&actions, &action)) {
        struct kl_timeout other;
        kl_statem_timeout(action, &other);
        if (other.type == timeout->type && (timeout->type != KEEL_EVENT_NAMED_TIMEOUT ||
                                                   keel_equal(other.name, timeout->name))) {
            return true;
        }
    }
    return false;
}

// --- as terms ---

bool kl_statem_event_type(keel_term type, keel_event *ret)
{
    struct kl_timeout timeout;
    ret->name = KEEL_NONE;
    ret->from = (keel_from){{0}, KEEL_NONE};
    if (keel_tuple_size(type) == 2 && keel_is(keel_element(type, 0), call)) {
        keel_term from = keel_element(type, 1);
        ret->type = KEEL_EVENT_CALL;
        ret->from = keel_from_of_term(from);
        return keel_tuple_size(from) == 2 && keel_is_pid(keel_element(from, 0));
    }
    if (timeout_type(type, &timeout)) {
        ret->type = timeout.type;
        ret->name = timeout.name;
        return true;
    }
    ret->type = keel_is(type, cast)   ? KEEL_EVENT_CAST
                : keel_is(type, info) ? KEEL_EVENT_INFO
                                      : KEEL_EVENT_INTERNAL;
    return keel_is(type, cast) || keel_is(type, info) || keel_is(type, internal);
}

keel_term kl_statem_result_term(const keel_result *result)
{
    keel_term value = keel_is_none(result->value) ? keel_atom(undefined) : result->value;
    keel_term actions = keel_is_none(result->extra) ? keel_nil() : result->extra;
    switch (result->kind) {
    case KEEL_RESULT_OK:
        return keel_tuple_of(keel_atom(ok), value, actions);
    case KEEL_RESULT_NEXT_STATE:
        return keel_tuple_of(keel_atom(next_state), value, actions);
    case KEEL_RESULT_KEEP_STATE:
        return keel_tuple_of(keel_atom(keep_state), actions);
    case KEEL_RESULT_REPEAT_STATE:
        return keel_tuple_of(keel_atom(repeat_state), actions);
    case KEEL_RESULT_STOP_REPLIES:
        return keel_tuple_of(keel_atom(stop_and_reply), value, actions);
    default:
        return kl_step_result_term(result);
    }
}
