// Letting others run, and moving time.

#include "kit.h"

#include <keel/extend.h>

// The time a process waits to be sure that all others had their turns: the clock moves only
// when nobody can run.
static const keel_duration instant = 1;

keel_status keel_test_settle(void)
{
    keel_status status = kl_kit_check();
    if (status != KEEL_OK) {
        return status;
    }
    if (keel_in_process()) {
        keel_sleep(instant);
        return KEEL_OK;
    }
    return kl_kit_settle() ? KEEL_OK : KEEL_E_FAILED;
}

keel_status keel_test_advance(keel_duration duration)
{
    keel_status status = kl_kit_check();
    if (status != KEEL_OK) {
        return status;
    }
    if (duration < 0) {
        return KEEL_E_BADARG;
    }
    if (keel_in_process()) {
        keel_sleep(duration);
        return keel_test_settle();
    }
    int64_t target = KEEL_IN(duration).at;
    do {
        if (!kl_kit_settle()) {
            return KEEL_E_FAILED;
        }
    } while (kl_kit_next(target));
    keel_extend_advance(target - keel_now());
    return kl_kit_settle() ? KEEL_OK : KEEL_E_FAILED;
}

bool kl_kit_settle(void)
{
    uint64_t turns = kl_kit_turns();
    if (turns < kl_kit.max_turns &&
            keel_extend_settle((size_t)(kl_kit.max_turns - turns))) {
        return true;
    }
    char buffer[sizeof kl_kit.failure];
    struct kl_kit_text text = kl_kit_text_in(buffer, sizeof buffer);
    kl_kit_text_add(&text, "processes have had %llu turns, and there is no end to it; at ",
            (unsigned long long)kl_kit_turns());
    kl_kit_text_time(&text, kl_kit_elapsed());
    kl_kit_text_add(&text, " these are alive:");
    kl_kit_text_processes(&text);
    kl_kit_note(buffer);
    return false;
}

bool kl_kit_next(int64_t limit)
{
    int64_t at = keel_extend_next_timer().at;
    if (at == INT64_MAX || at > limit) {
        return false;
    }
    keel_extend_advance(at - keel_now());
    return true;
}
