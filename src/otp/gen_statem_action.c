// The actions and results of a state machine, as terms of OTP's shape.

#include <keel/gen_statem.h>

keel_result keel_transition_make(uint8_t kind, const keel_term *terms, size_t count)
{
    keel_result result = keel_result_make_(
            kind, count > 0 ? terms[0] : KEEL_NONE, KEEL_NONE);
    if (count <= 1) {
        return result;
    }
    keel_term actions = keel_nil();
    for (size_t i = count - 1; i > 0; i--) {
        if (keel_is_list(terms[i])) {
            keel_term joined = keel_list_append(terms[i], actions);
            // What is no proper list is no action either, and is told of as such.
            actions = keel_is_none(joined) ? keel_cons(terms[i], actions) : joined;
        } else if (!keel_is_none(terms[i])) {
            actions = keel_cons(terms[i], actions);
        }
    }
    result.extra = actions;
    return result;
}

// What is no term cannot stand in one.
static keel_term some(keel_term term)
{
    return keel_is_none(term) ? keel_atom(undefined) : term;
}

keel_term keel_event_type_term(const keel_event *event)
{
    if (event == NULL) {
        return KEEL_NONE;
    }
    bool from_nobody = keel_is_none(event->from.tag);
    switch (event->type) {
    case KEEL_EVENT_CALL:
        return keel_tuple_of(keel_atom(call),
                from_nobody ? keel_atom(undefined) : keel_from_to_term(event->from));
    case KEEL_EVENT_CAST:
        return keel_atom(cast);
    case KEEL_EVENT_INFO:
        return keel_atom(info);
    case KEEL_EVENT_INTERNAL:
        return keel_atom(internal);
    case KEEL_EVENT_TIMEOUT:
        return keel_atom(timeout);
    case KEEL_EVENT_STATE_TIMEOUT:
        return keel_atom(state_timeout);
    case KEEL_EVENT_NAMED_TIMEOUT:
        return keel_tuple_of(keel_atom(timeout), some(event->name));
    case KEEL_EVENT_ENTER:
        return keel_atom(enter);
    default:
        return KEEL_NONE;
    }
}

// A reply that is no term, or to nobody, is told of as a bad action.
keel_term keel_do_reply(keel_from from, keel_term reply)
{
    if (keel_is_none(from.tag)) {
        return keel_tuple_of(keel_atom(reply), keel_atom(undefined), some(reply));
    }
    keel_term to = keel_from_to_term(from);
    return keel_is_none(reply) ? keel_tuple_of(keel_atom(reply), to)
                               : keel_tuple_of(keel_atom(reply), to, reply);
}

keel_status keel_gen_statem_reply(keel_term replies)
{
    keel_term reply = replies;
    keel_term list = keel_is_list(replies) ? replies : keel_list_of(replies);
    keel_term rest = list;
    keel_pid pid;
    while (keel_list_next(&rest, &reply)) {
        if (!keel_match(reply, "{reply, {Pid, _}, _}", &pid)) {
            return KEEL_E_BADARG;
        }
    }
    while (keel_list_next(&list, &reply)) {
        keel_gen_reply(keel_from_of_term(keel_element(reply, 1)), keel_element(reply, 2));
    }
    return keel_is_nil(rest) ? KEEL_OK : KEEL_E_BADARG;
}

keel_term keel_do_postpone(void)
{
    return keel_atom(postpone);
}

keel_term keel_do_next_event(keel_event_type type, keel_term content)
{
    keel_event event = {.type = type};
    return keel_tuple_of(
            keel_atom(next_event), keel_event_type_term(&event), some(content));
}

keel_term keel_do_hibernate(void)
{
    return keel_atom(hibernate);
}

// --- timeouts ---

// Whole milliseconds are written as OTP writes them; what is finer needs its unit.
static keel_term start_timeout(
        keel_term type, int64_t time, bool absolute, keel_term content)
{
    bool fine = time % KEEL_MS(1) != 0;
    content = some(content);
    keel_term options = keel_nil();
    if (time == INT64_MAX) { // KEEL_FOREVER, KEEL_NEVER
        return keel_tuple_of(type, keel_atom(infinity), content);
    }
    if (fine) {
        options = keel_cons(keel_make("{unit, nanosecond}"), options);
    }
    if (absolute) {
        options = keel_cons(keel_make("{abs, true}"), options);
    }
    keel_term shown = keel_int(fine ? time : time / KEEL_MS(1));
    return keel_is_nil(options) ? keel_tuple_of(type, shown, content)
                                : keel_tuple_of(type, shown, content, options);
}

static keel_term cancel_timeout(keel_term type)
{
    return keel_tuple_of(type, keel_atom(cancel));
}

static keel_term update_timeout(keel_term type, keel_term content)
{
    return keel_tuple_of(type, keel_atom(update), some(content));
}

static keel_term named(keel_term name)
{
    return keel_tuple_of(keel_atom(timeout), some(name));
}

keel_term keel_do_timeout(keel_duration duration, keel_term content)
{
    return start_timeout(keel_atom(timeout), duration, false, content);
}

keel_term keel_do_timeout_at(keel_deadline when, keel_term content)
{
    return start_timeout(keel_atom(timeout), when.at, true, content);
}

keel_term keel_do_update_timeout(keel_term content)
{
    return update_timeout(keel_atom(timeout), content);
}

keel_term keel_do_cancel_timeout(void)
{
    return cancel_timeout(keel_atom(timeout));
}

keel_term keel_do_state_timeout(keel_duration duration, keel_term content)
{
    return start_timeout(keel_atom(state_timeout), duration, false, content);
}

keel_term keel_do_state_timeout_at(keel_deadline when, keel_term content)
{
    return start_timeout(keel_atom(state_timeout), when.at, true, content);
}

keel_term keel_do_update_state_timeout(keel_term content)
{
    return update_timeout(keel_atom(state_timeout), content);
}

keel_term keel_do_cancel_state_timeout(void)
{
    return cancel_timeout(keel_atom(state_timeout));
}

keel_term keel_do_named_timeout(keel_term name, keel_duration duration, keel_term content)
{
    return start_timeout(named(name), duration, false, content);
}

keel_term keel_do_named_timeout_at(keel_term name, keel_deadline when, keel_term content)
{
    return start_timeout(named(name), when.at, true, content);
}

keel_term keel_do_update_named_timeout(keel_term name, keel_term content)
{
    return update_timeout(named(name), content);
}

keel_term keel_do_cancel_named_timeout(keel_term name)
{
    return cancel_timeout(named(name));
}

// --- modules ---

keel_term keel_do_change_module(const keel_gen_statem *module)
{
    return module != NULL
                   ? keel_tuple_of(keel_atom(change_callback_module), keel_pointer(module))
                   : KEEL_NONE;
}

keel_term keel_do_push_module(const keel_gen_statem *module)
{
    return module != NULL
                   ? keel_tuple_of(keel_atom(push_callback_module), keel_pointer(module))
                   : KEEL_NONE;
}

keel_term keel_do_pop_module(void)
{
    return keel_atom(pop_callback_module);
}
