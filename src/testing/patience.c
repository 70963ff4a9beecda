// Waiting for a condition.

#include <keel/extend.h>
#include <keel/testing.h>
#include <time.h>

static const keel_duration first_step = KEEL_US(100);
static const keel_duration longest_step = KEEL_MS(10);

keel_test_patience keel_test_patience_of(keel_duration within)
{
    return (keel_test_patience){.end = KEEL_IN(within), .step = first_step};
}

// A thread outside: it moves virtual time, or lets the real one pass.
static void pass(keel_duration step)
{
    if (keel_extend_is_simulated()) {
        keel_status status = keel_test_advance(step);
        (void)status; // what goes wrong in there is written down by the kit
        return;
    }
    struct timespec time = {.tv_nsec = (long)step};
    nanosleep(&time, NULL);
}

bool keel_test_wait_more(keel_test_patience *patience)
{
    if (patience == NULL || keel_deadline_passed(patience->end)) {
        return false;
    }
    keel_duration step = patience->step;
    patience->step = step * 2 < longest_step ? step * 2 : longest_step;
    if (keel_in_process()) {
        keel_sleep(step);
    } else {
        pass(step);
    }
    return true;
}

bool keel_test_not_met(const char *file, int line, const char *text, keel_duration within)
{
    return keel_test_fail_at(file, line, "not true within %.3f s: %s", (double)within / 1e9,
            text != NULL ? text : "");
}
