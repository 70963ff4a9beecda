// Trying again.

#include "proc/proc_testing.h"
#include <keel/parts/retry.h>

struct story {
    int failures; // before it works
    int calls;
    keel_status status; // of a failure
    bool exits;
    int told;
    keel_duration waited;
};

static keel_status play(void *context)
{
    struct story *story = context;
    if (story->calls++ >= story->failures) {
        return KEEL_OK;
    }
    if (story->exits) {
        keel_exit(keel_atom(oops));
    }
    return story->status;
}

static bool unless_refused(keel_status status, void *context)
{
    (void)context;
    return status != KEEL_E_REFUSED;
}

static void count(keel_status status, unsigned attempt, keel_duration wait, void *context)
{
    struct story *story = context;
    CHECK_INT(status, story->status);
    CHECK_INT(attempt, ++story->told);
    story->waited += wait;
}

SIMULATED_TEST("what fails is tried again, as often as said")
{
    struct story story = {.failures = 2, .status = KEEL_E_OVERLOAD};
    CHECK_OK(keel_retry(play, &story));
    CHECK_INT(story.calls, 3);
    story = (struct story){.failures = 3, .status = KEEL_E_OVERLOAD};
    CHECK_INT(keel_retry(play, &story), KEEL_E_OVERLOAD);
    CHECK_INT(story.calls, 3);
    story = (struct story){.failures = 50, .status = KEEL_E_OVERLOAD};
    int64_t start = keel_deadline_in(0).at;
    CHECK_OK(keel_retry(play, &story, .attempts = UINT32_MAX, .failed = count));
    CHECK_INT(story.calls, 51);
    CHECK_INT(story.told, 50);
    CHECK_INT(keel_deadline_in(0).at - start, story.waited);
    CHECK_INT(keel_retry(NULL, NULL), KEEL_E_BADARG);
}

SIMULATED_TEST("some failures are not worth another attempt")
{
    struct story story = {.failures = 9, .status = KEEL_E_REFUSED};
    CHECK_INT(keel_retry(play, &story, .retry_if = unless_refused), KEEL_E_REFUSED);
    CHECK_INT(story.calls, 1);
    story = (struct story){.failures = 2, .status = KEEL_E_TIMEOUT};
    CHECK_OK(keel_retry(play, &story, .retry_if = unless_refused));
}

SIMULATED_TEST("no attempt begins after the time that was given")
{
    struct story story = {.failures = 1000, .status = KEEL_E_TIMEOUT};
    int64_t start = keel_deadline_in(0).at;
    keel_status status = keel_retry(play, &story, .attempts = 1000,
            .timeout = KEEL_SECONDS(10),
            .backoff = {.first = KEEL_SECONDS(3), .factor = 1, .exact = true});
    CHECK_INT(status, KEEL_E_TIMEOUT);
    CHECK_INT(story.calls, 4); // at 0, 3, 6, 9
    CHECK_INT(keel_deadline_in(0).at - start, KEEL_SECONDS(9));
}

SIMULATED_TEST("an attempt that exits may count as a failure")
{
    struct story story = {.failures = 2, .exits = true};
    CHECK_OK(keel_retry(play, &story, .catch_exits = true));
    CHECK_INT(story.calls, 3);
    story = (struct story){.failures = 5, .exits = true};
    CHECK_INT(keel_retry(play, &story, .catch_exits = true), KEEL_E_EXIT);
}

TEST("waits grow to their limit, and at least half of each is taken")
{
    keel_backoff exact = {.first = KEEL_MS(10), .most = KEEL_MS(100), .exact = true};
    const int expected[] = {10, 20, 40, 80, 100, 100};
    for (unsigned i = 0; i < KEEL_COUNT(expected); i++) {
        CHECK_INT(keel_backoff_delay(&exact, i + 1), KEEL_MS(expected[i]));
    }
    CHECK_INT(keel_backoff_delay(&exact, UINT32_MAX), KEEL_MS(100));
    keel_duration least = INT64_MAX, most = 0;
    for (int i = 0; i < 1000; i++) {
        keel_duration delay = keel_backoff_delay(NULL, 3);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
    }
    CHECK(least >= KEEL_MS(200) && least < KEEL_MS(220));
    CHECK(most <= KEEL_MS(400) && most > KEEL_MS(380));
}

TEST("only a process can wait between attempts")
{
    struct story story = {0};
    CHECK_INT(keel_retry(play, &story), KEEL_E_OUTSIDE);
    CHECK_INT(story.calls, 0);
}
