#include "gen_statem_step.h"
#include "testing/harness.h"

#include <keel/match.h>

// What the plan says after one result in `phase`, from state a.
static enum kl_statem_verdict decide(
        struct kl_statem_plan *plan, enum kl_statem_phase phase, keel_result result)
{
    *plan = kl_statem_plan(keel_atom(a), 1);
    return kl_statem_decide(plan, phase, &result);
}

static keel_result keep(keel_term action)
{
    return keel_keep_state(action);
}

TEST("a result of init starts the machine, or says why it does not")
{
    struct kl_statem_plan plan;
    CHECK_INT(decide(&plan, KL_STATEM_INIT, keel_ok_in(keel_atom(b))), KL_STATEM_GO_ON);
    CHECK(keel_is(plan.state, b) && plan.enter);
    CHECK_INT(decide(&plan, KL_STATEM_INIT, keel_ignore()), KL_STATEM_IGNORE);
    CHECK_INT(decide(&plan, KL_STATEM_INIT, keel_fail(keel_atom(no))), KL_STATEM_FAIL);
    CHECK(keel_is(plan.reason, no));
    CHECK_INT(decide(&plan, KL_STATEM_INIT, keel_stop_with(keel_atom(no))), KL_STATEM_STOP);
}

TEST("a result that init may not give is a bad return from init", .ids = "SM-007")
{
    struct kl_statem_plan plan;
    keel_result wrong[] = {keel_ok(), keel_keep_state(), keel_next_state(keel_atom(b)),
            keel_reply(keel_atom(x)), {.kind = KEEL_RESULT_NOTHING}};
    for (size_t i = 0; i < KEEL_COUNT(wrong); i++) {
        CHECK_INT(decide(&plan, KL_STATEM_INIT, wrong[i]), KL_STATEM_BAD);
        CHECK(keel_match(plan.reason, "{bad_return_from_init, _}"));
    }
    decide(&plan, KL_STATEM_INIT, wrong[1]);
    CHECK(keel_match(plan.reason, "{bad_return_from_init, {keep_state, []}}"));
}

TEST("a result that an event may not have is a bad return from the state function",
        .ids = "SM-050")
{
    struct kl_statem_plan plan;
    keel_result wrong[] = {keel_ok(), keel_ok_in(keel_atom(b)), keel_reply(keel_atom(x)),
            keel_noreply(), keel_ignore(), keel_fail(keel_atom(x)),
            keel_then_timeout(keel_keep_state(), 5), keel_stop_with(KEEL_NONE),
            {.kind = KEEL_RESULT_NOTHING}, {.kind = 200}};
    for (size_t i = 0; i < KEEL_COUNT(wrong); i++) {
        CHECK_INT(decide(&plan, KL_STATEM_EVENT, wrong[i]), KL_STATEM_BAD);
        CHECK(keel_match(plan.reason, "{{bad_return_from_state_function, _}, []}"));
        CHECK_INT(decide(&plan, KL_STATEM_ENTER, wrong[i]), KL_STATEM_BAD);
    }
}

TEST("only another state is entered, unless the state is repeated", .ids = "SM-061 SM-062")
{
    struct kl_statem_plan plan;
    CHECK_INT(
            decide(&plan, KL_STATEM_EVENT, keel_next_state(keel_atom(b))), KL_STATEM_GO_ON);
    CHECK(plan.enter && keel_is(plan.state, b));
    decide(&plan, KL_STATEM_EVENT, keel_next_state(keel_atom(a)));
    CHECK(!plan.enter && keel_is(plan.state, a));
    decide(&plan, KL_STATEM_EVENT, keel_keep_state());
    CHECK(!plan.enter && keel_is(plan.state, a));
    decide(&plan, KL_STATEM_EVENT, keel_repeat_state());
    CHECK(plan.enter && keel_is(plan.state, a));
}

TEST("an enter callback may not change the state, postpone, insert or change modules")
{
    struct kl_statem_plan plan;
    static const keel_gen_statem other = {.name = "other"};
    CHECK_INT(decide(&plan, KL_STATEM_ENTER, keel_next_state(keel_atom(b))), KL_STATEM_BAD);
    CHECK(keel_match(plan.reason,
            "{{bad_state_enter_return_from_state_function, {next_state, b, []}}, []}"));
    CHECK_INT(
            decide(&plan, KL_STATEM_ENTER, keel_next_state(keel_atom(a))), KL_STATEM_GO_ON);
    keel_term not_now[] = {keel_do_postpone(), keel_make("{postpone, true}"),
            keel_do_next_event(KEEL_EVENT_INTERNAL, keel_atom(x)),
            keel_do_change_module(&other), keel_do_push_module(&other)};
    for (size_t i = 0; i < KEEL_COUNT(not_now); i++) {
        CHECK_INT(decide(&plan, KL_STATEM_ENTER, keep(not_now[i])), KL_STATEM_BAD);
        CHECK(keel_match(plan.reason,
                "{{bad_state_enter_action_from_state_function, ^Action}, []}", not_now[i]));
    }
    CHECK_INT(decide(&plan, KL_STATEM_ENTER, keep(keel_make("{postpone, false}"))),
            KL_STATEM_GO_ON);
}

TEST("actions may come one by one, in lists, or not at all", .ids = "SM-047 SM-058")
{
    struct kl_statem_plan plan;
    keel_term list = keel_make("[postpone, hibernate]");
    CHECK_INT(decide(&plan, KL_STATEM_EVENT,
                      keel_keep_state(
                              list, keel_nil(), KEEL_NONE, keel_make("{timeout, 1, x}"))),
            KL_STATEM_GO_ON);
    CHECK(plan.postpone && plan.hibernate);
    CHECK(keel_match(plan.timeouts, "[{timeout, 1, x}]"));
    CHECK_INT(decide(&plan, KL_STATEM_EVENT, keel_keep_state(keel_nil())), KL_STATEM_GO_ON);
    CHECK_INT(decide(&plan, KL_STATEM_EVENT,
                      keel_stop_and_reply(keel_atom(normal), keel_nil())),
            KL_STATEM_STOP);
    CHECK_INT(decide(&plan, KL_STATEM_EVENT, keel_stop_and_reply(keel_atom(normal))),
            KL_STATEM_STOP);
}

TEST("of postpone and hibernate the last one counts", .ids = "SM-080 SM-109")
{
    struct kl_statem_plan plan;
    decide(&plan, KL_STATEM_EVENT,
            keep(keel_make(
                    "[postpone, hibernate, {postpone, false}, {hibernate, false}]")));
    CHECK(!plan.postpone && !plan.hibernate);
    decide(&plan, KL_STATEM_EVENT, keep(keel_make("[{postpone, false}, postpone]")));
    CHECK(plan.postpone);
    decide(&plan, KL_STATEM_INIT, keel_ok_in(keel_atom(a), keel_do_postpone()));
    CHECK(!plan.postpone); // there is no event in init
}

TEST("an enter callback adds to what the event asked for", .ids = "SM-109")
{
    struct kl_statem_plan plan;
    decide(&plan, KL_STATEM_EVENT,
            keel_next_state(keel_atom(b), keel_make("[postpone, {timeout, 1, x}]")));
    keel_result enter = keel_keep_state(keel_make("[hibernate, {timeout, 2, y}]"));
    CHECK_INT(kl_statem_decide(&plan, KL_STATEM_ENTER, &enter), KL_STATEM_GO_ON);
    CHECK(plan.postpone && plan.hibernate && !plan.enter && keel_is(plan.state, b));
    CHECK(keel_match(plan.timeouts, "[{timeout, 2, y}, {timeout, 1, x}]"));
}

TEST("what is no action is named", .ids = "SM-051 SM-052")
{
    struct kl_statem_plan plan;
    keel_term wrong = keel_make(
            "[nonsense, {reply, nobody, x}, {reply, x}, {next_event, enter, x}, "
            "{next_event, {call, x}, y}, {next_event, cast}, {postpone, 1}, {hibernate, "
            "x}, "
            "pop_callback_module, {push_callback_module, x}, {timeout, -1, x}, {timeout, "
            "x}, "
            "{timeout, 1.5, x}, {state_timeout, 1, x, [{abs, 1}]}, {state_timeout, 1, x, "
            "y}, "
            "{state_timeout, 1, x, [bad | tail]}, {timeout, 1, x, [], y}, "
            "{{other, name}, 1, x}, {{timeout, name}, bad}, -1, {}, #{}]");
    keel_term action;
    while (keel_list_next(&wrong, &action)) {
        CHECK_INT(decide(&plan, KL_STATEM_EVENT, keep(action)), KL_STATEM_BAD);
        if (!keel_match(plan.reason, "{{bad_action_from_state_function, ^Action}, []}",
                    action)) {
            kl_test_fail(__FILE__, __LINE__, "%s gives %s", keel_show(action),
                    keel_show(plan.reason));
        }
    }
    CHECK_INT(decide(&plan, KL_STATEM_EVENT,
                      keel_stop_and_reply(keel_atom(x), keel_do_postpone())),
            KL_STATEM_BAD);
    CHECK(keel_match(
            plan.reason, "{{bad_reply_action_from_state_function, postpone}, []}"));
}

TEST("every type of event can be inserted but enter", .ids = "SM-077")
{
    keel_event event;
    keel_term types = keel_make(
            "[cast, info, internal, timeout, state_timeout, {timeout, name}]");
    keel_term type;
    while (keel_list_next(&types, &type)) {
        CHECK(kl_statem_event_type(type, &event));
        CHECK(keel_equal(keel_event_type_term(&event), type));
    }
    CHECK(!kl_statem_event_type(keel_atom(enter), &event));
    CHECK(!kl_statem_event_type(keel_make("{call, nobody}"), &event));
    CHECK(!kl_statem_event_type(keel_make("{other, name}"), &event));
}

// --- timeouts ---

static struct kl_timeout parse(keel_term action)
{
    struct kl_timeout timeout = {0};
    CHECK(kl_statem_timeout(action, &timeout));
    return timeout;
}

TEST("a number alone is the event timeout with itself as the content", .ids = "SM-082")
{
    struct kl_timeout timeout = parse(keel_int(7));
    CHECK_INT(timeout.type, KEEL_EVENT_TIMEOUT);
    CHECK_INT(timeout.what, KL_TIMEOUT_AFTER);
    CHECK_INT(timeout.time, KEEL_MS(7));
    CHECK_INT(keel_to_int(timeout.content), 7);
    CHECK_INT(parse(keel_atom(infinity)).what, KL_TIMEOUT_CANCEL);
}

TEST("timeouts are relative, absolute, updated or cancelled", .ids = "SM-087 SM-097 SM-098")
{
    struct kl_timeout timeout = parse(keel_make("{{timeout, n}, 3, x}"));
    CHECK_INT(timeout.type, KEEL_EVENT_NAMED_TIMEOUT);
    CHECK(keel_is(timeout.name, n) && keel_is(timeout.content, x));
    timeout = parse(keel_make("{state_timeout, -5, x, [{abs, true}]}"));
    CHECK_INT(timeout.type, KEEL_EVENT_STATE_TIMEOUT);
    CHECK_INT(timeout.what, KL_TIMEOUT_AT);
    CHECK_INT(timeout.time, -KEEL_MS(5));
    CHECK_INT(parse(keel_make("{timeout, 5, x, {abs, true}}")).what, KL_TIMEOUT_AT);
    CHECK_INT(parse(keel_make("{timeout, 5, x, [{abs, true}, {abs, false}]}")).what,
            KL_TIMEOUT_AFTER);
    CHECK_INT(parse(keel_make("{timeout, 5, x, [{abs, false}]}")).what, KL_TIMEOUT_AFTER);
    CHECK_INT(parse(keel_make("{timeout, 5, x, []}")).what, KL_TIMEOUT_AFTER);
    CHECK_INT(parse(keel_make("{timeout, infinity, x}")).what, KL_TIMEOUT_CANCEL);
    CHECK_INT(parse(keel_make("{timeout, infinity, x, [{abs, true}]}")).what,
            KL_TIMEOUT_CANCEL);
    CHECK_INT(parse(keel_make("{state_timeout, cancel}")).what, KL_TIMEOUT_CANCEL);
    CHECK_INT(parse(keel_make("{{timeout, n}, update, x}")).what, KL_TIMEOUT_UPDATE);
}

TEST("times finer than a millisecond keep their nanoseconds")
{
    struct kl_timeout timeout = parse(keel_do_timeout(KEEL_US(1500), keel_atom(x)));
    CHECK_INT(timeout.what, KL_TIMEOUT_AFTER);
    CHECK_INT(timeout.time, KEEL_US(1500));
    timeout = parse(keel_do_state_timeout_at(keel_deadline_at(-7), keel_atom(x)));
    CHECK_INT(timeout.what, KL_TIMEOUT_AT);
    CHECK_INT(timeout.time, -7);
    timeout = parse(keel_make("{timeout, 9223372036854775807, x}"));
    CHECK(timeout.time == INT64_MAX);
}
