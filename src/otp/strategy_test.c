#include "strategy.h"
#include "testing/harness.h"

static struct kl_child_verdict ended(keel_restart restart, bool abnormal)
{
    return kl_strategy_child_ended(
            (struct kl_child_end){.restart = restart, .abnormal = abnormal});
}

TEST("who is restarted, forgotten and reported", .ids = "SU-065 SU-067 SU-148")
{
    static const struct {
        keel_restart restart;
        bool abnormal, again, forget, report;
    } table[] = {
            {KEEL_PERMANENT, false, true, false, true},
            {KEEL_PERMANENT, true, true, false, true},
            {KEEL_TRANSIENT, false, false, false, false},
            {KEEL_TRANSIENT, true, true, false, true},
            {KEEL_TEMPORARY, false, false, true, false},
            {KEEL_TEMPORARY, true, false, true, true},
    };
    for (size_t i = 0; i < KEEL_COUNT(table); i++) {
        struct kl_child_verdict verdict = ended(table[i].restart, table[i].abnormal);
        CHECK_INT(verdict.restart, table[i].again);
        CHECK_INT(verdict.forget, table[i].forget);
        CHECK_INT(verdict.report, table[i].report);
        CHECK(!verdict.shut_down);
    }
}

TEST("a significant child's end shuts down as told, if it is not restarted",
        .ids = "SU-112 SU-113 SU-114 SU-115 SU-116")
{
    for (int bits = 0; bits < 48; bits++) {
        struct kl_child_end end = {
                .restart = (bits & 1) != 0 ? KEEL_TRANSIENT : KEEL_TEMPORARY,
                .abnormal = (bits & 2) != 0,
                .significant = (bits & 4) != 0,
                .last_significant = (bits & 8) != 0,
                .auto_shutdown = (keel_auto_shutdown)(bits / 16),
        };
        bool restarted = end.restart == KEEL_TRANSIENT && end.abnormal;
        bool expected = end.significant && !restarted &&
                        (end.auto_shutdown == KEEL_ANY_SIGNIFICANT ||
                                (end.auto_shutdown == KEEL_ALL_SIGNIFICANT &&
                                        end.last_significant));
        CHECK_INT(kl_strategy_child_ended(end).shut_down, expected);
    }
}

TEST("each strategy takes its siblings along")
{
    CHECK_INT(kl_strategy_scope(KEEL_ONE_FOR_ONE), KL_SCOPE_CHILD);
    CHECK_INT(kl_strategy_scope(KEEL_REST_FOR_ONE), KL_SCOPE_LATER);
    CHECK_INT(kl_strategy_scope(KEEL_ONE_FOR_ALL), KL_SCOPE_ALL);
}

TEST("an end other than the one it was told is a failed shutdown", .ids = "SU-103")
{
    struct kl_shutdown_end end = {.restart = KEEL_PERMANENT, .how = KL_END_SHUTDOWN};
    CHECK(!kl_strategy_shutdown_failed(end));
    end.how = KL_END_NORMAL;
    CHECK(kl_strategy_shutdown_failed(end));
    end.restart = KEEL_TRANSIENT;
    CHECK(!kl_strategy_shutdown_failed(end));
    end.how = KL_END_SHUTDOWN_TERM;
    CHECK(!kl_strategy_shutdown_failed(end));
    end.how = KL_END_OTHER;
    CHECK(kl_strategy_shutdown_failed(end));
    end.how = KL_END_KILLED;
    end.ran_out_of_time = true;
    CHECK(kl_strategy_shutdown_failed(end));
    end = (struct kl_shutdown_end){.told_to_die = true, .how = KL_END_KILLED};
    CHECK(!kl_strategy_shutdown_failed(end));
    end.how = KL_END_OTHER;
    CHECK(kl_strategy_shutdown_failed(end));
}
