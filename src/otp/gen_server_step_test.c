#include "gen_server_step.h"
#include "testing/harness.h"

static enum kl_step_verdict verdict(enum kl_step_phase phase, keel_result result)
{
    return kl_step_decide(phase, &result).verdict;
}

TEST("each callback may give its own results and no others")
{
    keel_term term = keel_int(1);
    const struct {
        keel_result result;
        enum kl_step_verdict init, call, other;
    } table[] = {
            {keel_ok(), KL_STEP_GO_ON, KL_STEP_BAD, KL_STEP_BAD},
            {keel_reply(term), KL_STEP_BAD, KL_STEP_GO_ON, KL_STEP_BAD},
            {keel_noreply(), KL_STEP_BAD, KL_STEP_GO_ON, KL_STEP_GO_ON},
            {keel_stop_with(term), KL_STEP_STOP, KL_STEP_STOP, KL_STEP_STOP},
            {keel_stop_with_reply(term, term), KL_STEP_BAD, KL_STEP_STOP, KL_STEP_BAD},
            {keel_ignore(), KL_STEP_IGNORE, KL_STEP_BAD, KL_STEP_BAD},
            {keel_fail(term), KL_STEP_FAIL, KL_STEP_BAD, KL_STEP_BAD},
            {keel_unexpected(term), KL_STEP_BAD, KL_STEP_UNEXPECTED, KL_STEP_UNEXPECTED},
            {{.kind = KEEL_RESULT_NOTHING}, KL_STEP_BAD, KL_STEP_BAD, KL_STEP_BAD},
            {{.kind = 200}, KL_STEP_BAD, KL_STEP_BAD, KL_STEP_BAD},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        CHECK_INT(verdict(KL_STEP_INIT, table[i].result), table[i].init);
        CHECK_INT(verdict(KL_STEP_CALL, table[i].result), table[i].call);
        CHECK_INT(verdict(KL_STEP_OTHER, table[i].result), table[i].other);
    }
}

TEST("a reply or a reason that is no term is a bad result")
{
    CHECK_INT(verdict(KL_STEP_CALL, keel_reply(KEEL_NONE)), KL_STEP_BAD);
    CHECK_INT(verdict(KL_STEP_CALL, keel_stop_with(KEEL_NONE)), KL_STEP_BAD);
    CHECK_INT(verdict(KL_STEP_INIT, keel_fail(KEEL_NONE)), KL_STEP_BAD);
}

TEST("reply and reason come out where they belong")
{
    keel_result result = keel_stop_with_reply(keel_int(1), keel_int(2));
    struct kl_step step = kl_step_decide(KL_STEP_CALL, &result);
    CHECK_INT(keel_to_int(step.reason), 1);
    CHECK_INT(keel_to_int(step.reply), 2);
    result = keel_reply(keel_int(3));
    step = kl_step_decide(KL_STEP_CALL, &result);
    CHECK(keel_is_none(step.reason));
    CHECK_INT(keel_to_int(step.reply), 3);
}

TEST("what comes after is carried along and checked by nobody else")
{
    keel_result result = keel_then_hibernate(keel_then_timeout(keel_noreply(), KEEL_MS(5)));
    CHECK_INT(result.then, KEEL_THEN_TIMEOUT);
    CHECK(result.hibernate);
    CHECK_INT(result.time, KEEL_MS(5));
    CHECK_INT(keel_then_timeout(keel_noreply(), -1).then, KEEL_THEN_WAIT);
    result = keel_then_message(keel_ok(), KEEL_NEVER, keel_int(9));
    CHECK_INT(result.then, KEEL_THEN_MESSAGE);
    CHECK_INT(result.time, INT64_MAX);
    CHECK_INT(keel_to_int(result.extra), 9);
}

TEST("a bad result is shown as the term it stands for", .ids = "GS-013 GS-074")
{
    const struct {
        keel_result result;
        const char *text;
    } table[] = {
            {keel_ok(), "ok"},
            {keel_reply(keel_int(1)), "{reply,1}"},
            {keel_noreply(), "noreply"},
            {keel_stop_with(keel_int(1)), "{stop,1}"},
            {keel_stop_with_reply(keel_int(1), keel_int(2)), "{stop,1,2}"},
            {keel_ignore(), "ignore"},
            {keel_fail(keel_int(1)), "{error,1}"},
            {keel_unexpected(keel_int(1)), "{unexpected,1}"},
            {keel_reply(KEEL_NONE), "{reply,undefined}"},
            {{.kind = 77}, "{keel_result,77}"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        CHECK_STR(keel_show(kl_step_result_term(&table[i].result)), table[i].text);
    }
}
