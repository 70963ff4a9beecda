// The functions that make actions give OTP's terms.

#include "testing/harness.h"

#include <keel/gen_statem.h>
#include <keel/message.h>

#define SAME(term, ...) CHECK(keel_match((term), __VA_ARGS__))

TEST("actions look as in OTP")
{
    static const keel_gen_statem other = {.name = "other"};
    keel_term x = keel_atom(x);
    SAME(keel_do_postpone(), "postpone");
    SAME(keel_do_hibernate(), "hibernate");
    SAME(keel_do_next_event(KEEL_EVENT_INTERNAL, x), "{next_event, internal, x}");
    SAME(keel_do_next_event(KEEL_EVENT_CAST, x), "{next_event, cast, x}");
    SAME(keel_do_next_event(KEEL_EVENT_STATE_TIMEOUT, x), "{next_event, state_timeout, x}");
    SAME(keel_do_next_event(KEEL_EVENT_CALL, x), "{next_event, {call, undefined}, x}");
    SAME(keel_do_next_event(KEEL_EVENT_NAMED_TIMEOUT, x),
            "{next_event, {timeout, undefined}, x}");
    SAME(keel_do_change_module(&other), "{change_callback_module, _}");
    SAME(keel_do_push_module(&other), "{push_callback_module, _}");
    SAME(keel_do_pop_module(), "pop_callback_module");
}

TEST("timeouts look as in OTP")
{
    keel_term x = keel_atom(x);
    keel_term n = keel_atom(n);
    SAME(keel_do_timeout(KEEL_MS(5), x), "{timeout, 5, x}");
    SAME(keel_do_timeout(0, x), "{timeout, 0, x}");
    SAME(keel_do_timeout(KEEL_FOREVER, x), "{timeout, infinity, x}");
    SAME(keel_do_timeout_at(keel_deadline_at(KEEL_MS(9)), x),
            "{timeout, 9, x, [{abs, true}]}");
    SAME(keel_do_timeout_at(KEEL_NEVER, x), "{timeout, infinity, x}");
    SAME(keel_do_timeout(KEEL_US(5), x), "{timeout, 5000, x, [{unit, nanosecond}]}");
    SAME(keel_do_update_timeout(x), "{timeout, update, x}");
    SAME(keel_do_cancel_timeout(), "{timeout, cancel}");
    SAME(keel_do_state_timeout(KEEL_SECONDS(1), x), "{state_timeout, 1000, x}");
    SAME(keel_do_state_timeout_at(keel_deadline_at(1), x),
            "{state_timeout, 1, x, [{abs, true}, {unit, nanosecond}]}");
    SAME(keel_do_update_state_timeout(x), "{state_timeout, update, x}");
    SAME(keel_do_cancel_state_timeout(), "{state_timeout, cancel}");
    SAME(keel_do_named_timeout(n, KEEL_MS(2), x), "{{timeout, n}, 2, x}");
    SAME(keel_do_named_timeout_at(n, keel_deadline_at(KEEL_MS(2)), x),
            "{{timeout, n}, 2, x, [{abs, true}]}");
    SAME(keel_do_update_named_timeout(n, x), "{{timeout, n}, update, x}");
    SAME(keel_do_cancel_named_timeout(n), "{{timeout, n}, cancel}");
}

TEST("what is no term is undefined, and such a reply no action")
{
    keel_from nobody = {{0}, {0}};
    SAME(keel_do_timeout(KEEL_MS(5), KEEL_NONE), "{timeout, 5, undefined}");
    SAME(keel_do_update_state_timeout(KEEL_NONE), "{state_timeout, update, undefined}");
    SAME(keel_do_cancel_named_timeout(KEEL_NONE), "{{timeout, undefined}, cancel}");
    SAME(keel_do_next_event(KEEL_EVENT_CAST, KEEL_NONE), "{next_event, cast, undefined}");
    SAME(keel_do_reply(nobody, keel_atom(x)), "{reply, undefined, x}");
    SAME(keel_do_reply(nobody, KEEL_NONE), "{reply, undefined, undefined}");
}

TEST("a result has the state, and the actions as one list")
{
    keel_result result = keel_next_state(keel_atom(s), keel_atom(postpone), KEEL_NONE,
            keel_make("[one, two]"), keel_nil(), keel_atom(three));
    CHECK_INT(result.kind, KEEL_RESULT_NEXT_STATE);
    SAME(result.value, "s");
    SAME(result.extra, "[postpone, one, two, three]");
    CHECK(keel_is_none(keel_next_state(keel_atom(s)).extra));
    CHECK(keel_is_none(keel_keep_state().extra));
    CHECK(keel_is_none(keel_keep_state().value));
    SAME(keel_repeat_state(keel_atom(x)).extra, "[x]");
    SAME(keel_ok_in(keel_atom(s), keel_atom(x)).value, "s");
    SAME(keel_keep_state(keel_make("[a | b]")).extra, "[[a | b]]");
}

TEST("replies that are none are refused, and nothing is sent")
{
    CHECK_INT(keel_gen_statem_reply(keel_atom(x)), KEEL_E_BADARG);
    CHECK_INT(keel_gen_statem_reply(keel_make("[{reply, nobody, x}]")), KEEL_E_BADARG);
    CHECK_INT(keel_gen_statem_reply(keel_nil()), KEEL_OK);
}
