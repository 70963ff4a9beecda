// What behaviours stand on: handlers, starts, calls, requests.

#include "table.h"

#define DEAD keel_from_pid(dead_process())
#define REPLY SOON, &result

TABLE(calls, "calls of what is nobody, and of nothing, are refused")
{
    UNSERVED(keel_gen_call(server, one, REPLY));
    WITHIN(KEEL_E_BADARG, keel_gen_call(no_destination(), one, REPLY));
    WITHIN(KEEL_E_BADARG, keel_gen_call(nobody, nothing, REPLY));
    WITHIN(KEEL_E_BADARG, keel_gen_call(nobody, one, SOON, NULL));
    UNSERVED(keel_gen_system_call(server, one, REPLY));
    WITHIN(KEEL_E_BADARG, keel_gen_system_call(no_destination(), one, REPLY));
    WITHIN(KEEL_E_BADARG, keel_gen_system_call(nobody, nothing, REPLY));
    WITHIN(KEEL_E_BADARG, keel_gen_cast(no_destination(), one));
    WITHIN(KEEL_E_BADARG, keel_gen_cast(DEAD, nothing));
    WHILE_UP(KEEL_OK, keel_gen_cast(DEAD, one));
    WHILE_UP(KEEL_OK, keel_gen_cast(nobody, one));
    if (is_inside()) {
        STATUS(KEEL_E_SELFCALL, keel_gen_call(keel_from_pid(keel_self()), one, REPLY));
        STATUS(KEEL_E_SELFCALL,
                keel_gen_system_call(keel_from_pid(keel_self()), one, REPLY));
    }
    HARMLESS(keel_gen_reply((keel_from){0}, one));
    HARMLESS(keel_gen_reply((keel_from){no_pid(), any_word()}, one));
    HARMLESS(keel_gen_reply((keel_from){dead_process(), one}, nothing));
    HARMLESS(keel_gen_reply((keel_from){dead_process(), keel_from_ref(dead_ref())}, one));
    NOTHING(keel_from_to_term((keel_from){0}));
    NOTHING(keel_from_of_term(any_word()).tag);
    NOTHING(keel_from_of_term(keel_make("{a, b}")).tag);
    NOTHING(keel_gen_bare_state(any_word()));
    NUMBER(KEEL_NEVER.at, keel_gen_deadline().at);
    NUMBER(0, keel_queue_length());
}

TABLE(requests, "requests that were not made are refused")
{
    NOTHING(keel_gen_send_request(no_destination(), one));
    NOTHING(keel_gen_send_request(nobody, nothing));
    WITHIN(KEEL_E_BADARG, keel_gen_check_response(one, no_ref(), &result));
    WITHIN(KEEL_E_BADARG, keel_gen_check_response(one, dead_ref(), NULL));
    STATUS(KEEL_E_NOPROC, keel_gen_check_response(nothing, dead_ref(), &result));
    STATUS(KEEL_E_NOPROC, keel_gen_check_response(one, dead_ref(), &result));
    WITHIN(KEEL_E_BADARG, keel_gen_wait_response(no_ref(), REPLY));
    WITHIN(KEEL_E_TIMEOUT, keel_gen_wait_response(dead_ref(), KEEL_AT_ONCE, &result));
    WITHIN(KEEL_E_BADARG, keel_gen_wait_response(dead_ref(), SOON, NULL));
    WITHIN(KEEL_E_BADARG, keel_gen_receive_response(no_ref(), REPLY));
    WITHIN(KEEL_E_TIMEOUT, keel_gen_receive_response(dead_ref(), KEEL_AT_ONCE, &result));
    WITHIN(KEEL_E_BADARG, keel_gen_receive_response(dead_ref(), SOON, NULL));
    HARMLESS(keel_gen_abandon(no_ref()));
    HARMLESS(keel_gen_abandon(dead_ref()));
    if (!is_inside()) {
        NOTHING(keel_gen_send_request(nobody, one));
    }
    NUMBER(0, keel_queue_length());
}

TABLE(handlers, "what only a handler may do is nothing elsewhere")
{
    HARMLESS(keel_gen_ack(nothing)); // nobody waits
    HARMLESS(keel_gen_ack(one));
    NOTHING(keel_gen_started());
    NUMBER(is_inside(), keel_gen_parent().word != 0);
    EXITS("{badarg, _}", keel_gen_enter(NULL, NULL, keel_next_wait()));
    EXITS("{badarg, _}", keel_gen_enter(&no_receive, NULL, keel_next_wait()));
    if (!is_inside()) {
        EXITS("_", keel_gen_fail(one, keel_atom(over)));
        EXITS("_", keel_gen_enter(&never_handler, NULL, keel_next_wait()));
    }
    NUMBER(KEEL_NEXT_WAIT, keel_next_wait_until((keel_deadline){INT64_MIN}).action);
    NUMBER(KEEL_NEXT_EXIT, keel_next_exit(nothing).action);
    NUMBER(KEEL_NEXT_HIBERNATE, keel_next_hibernate((keel_deadline){INT64_MIN}).action);
    NUMBER(KEEL_NEXT_AGAIN, keel_next_again().action);
    NUMBER(KEEL_NEXT_SUSPENDED, keel_next_suspended().action);
    HARMLESS(keel_crash_handler_set(NULL));
    NOTHING(keel_crash_quiet(false));
}
