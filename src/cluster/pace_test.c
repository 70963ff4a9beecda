#include "pace.h"

#include "testing/harness.h"

enum { STEP = 1000, FEW = 60 }; // nanoseconds between reads; bytes

// Reads as a peer that casts makes them, until more is to gather; how many.
static unsigned cast_until_gathering(struct kl_pace *pace)
{
    for (unsigned reads = 1; reads < 1000; reads++) {
        if (kl_pace_read(pace, pace->last + STEP, pace->sent, FEW, 1)) {
            return reads;
        }
    }
    return 0;
}

TEST("who is told many things in a row lets more gather, as long as more does")
{
    struct kl_pace pace = {0};
    CHECK_INT(cast_until_gathering(&pace), KL_PACE_TOLD);
    for (int i = 0; i < 100; i++) {
        CHECK(kl_pace_read(&pace, pace.last + KL_PACE_GATHER_NS + STEP, 0, 10 * FEW, 10));
    }
    CHECK(!kl_pace_read(&pace, pace.last + KL_PACE_GATHER_NS + STEP, 0, FEW, 1));
    CHECK_INT(cast_until_gathering(&pace), KL_PACE_TOLD);
}

TEST("who answers reads at once")
{
    struct kl_pace pace = {0};
    uint64_t sent = 0;
    for (int i = 0; i < 100; i++) {
        CHECK(!kl_pace_read(&pace, pace.last + STEP, sent, FEW, 2));
        CHECK(!kl_pace_read(&pace, pace.last + STEP, sent, FEW, 1));
        sent++;
    }
    CHECK(cast_until_gathering(&pace) > 0);
    CHECK(!kl_pace_read(&pace, pace.last + STEP, sent + 1, FEW, 10));
}

TEST("much at once is read at once, and so is what comes now and then")
{
    struct kl_pace pace = {0};
    for (int i = 0; i < 100; i++) {
        CHECK(!kl_pace_read(&pace, pace.last + STEP, 0, KL_PACE_MUCH, 1));
        CHECK(!kl_pace_read(&pace, pace.last + KL_PACE_NEAR_NS, 0, FEW, 3));
    }
    CHECK(cast_until_gathering(&pace) > 0);
    CHECK(!kl_pace_read(&pace, pace.last + STEP, 0, KL_PACE_MUCH, 10));
}
