#include "strategy.h"

struct kl_child_verdict kl_strategy_child_ended(struct kl_child_end end)
{
    struct kl_child_verdict verdict = {
            .restart = end.restart == KEEL_PERMANENT ||
                       (end.restart == KEEL_TRANSIENT && end.abnormal),
            .forget = end.restart == KEEL_TEMPORARY,
    };
    verdict.report = verdict.restart || (verdict.forget && end.abnormal);
    if (!verdict.restart && end.significant) {
        verdict.shut_down = end.auto_shutdown == KEEL_ANY_SIGNIFICANT ||
                            (end.auto_shutdown == KEEL_ALL_SIGNIFICANT &&
                                    end.last_significant);
    }
    return verdict;
}

enum kl_strategy_scope kl_strategy_scope(keel_strategy strategy)
{
    switch (strategy) {
    case KEEL_ONE_FOR_ALL:
        return KL_SCOPE_ALL;
    case KEEL_REST_FOR_ONE:
        return KL_SCOPE_LATER;
    default:
        return KL_SCOPE_CHILD;
    }
}

bool kl_strategy_shutdown_failed(struct kl_shutdown_end end)
{
    bool permanent = end.restart == KEEL_PERMANENT;
    switch (end.how) {
    case KL_END_SHUTDOWN:
        return end.told_to_die && permanent;
    case KL_END_SHUTDOWN_TERM:
    case KL_END_NORMAL:
        return permanent;
    case KL_END_KILLED:
        return !end.told_to_die || end.ran_out_of_time;
    default:
        return true;
    }
}
