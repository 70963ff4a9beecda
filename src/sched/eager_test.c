#include "eager.h"

#include "testing/harness.h"

// Short waits until a long look is tried; 0: it never is.
static int waits_until_tried(struct kl_eager *eager, int64_t ns)
{
    for (int waits = 0; waits < 10000; waits++) {
        if (kl_eager_wants(eager)) {
            return waits;
        }
        kl_eager_waited(eager, ns);
    }
    return 0;
}

TEST("who waits for long sleeps and does not look")
{
    struct kl_eager eager;
    kl_eager_init(&eager);
    CHECK(!kl_eager_wants(&eager));
    CHECK_INT(waits_until_tried(&eager, KL_EAGER_SHORT_NS), 0);
}

TEST("after a few short waits looking is tried, and goes on while it finds something")
{
    struct kl_eager eager;
    kl_eager_init(&eager);
    CHECK_INT(waits_until_tried(&eager, KL_EAGER_SHORT_NS - 1), 8);
    for (int i = 0; i < 100; i++) {
        kl_eager_found(&eager);
        CHECK(kl_eager_wants(&eager));
        kl_eager_vain(&eager);
        CHECK(kl_eager_wants(&eager));
    }
}

TEST("a few vain looks in a row end it, and a try that is vain ends it at once")
{
    struct kl_eager eager;
    kl_eager_init(&eager);
    kl_eager_found(&eager);
    int looks = 0;
    for (; kl_eager_wants(&eager); looks++) {
        kl_eager_vain(&eager);
    }
    CHECK_INT(looks, 4);
    CHECK_INT(waits_until_tried(&eager, 1000), 8);
    kl_eager_vain(&eager);
    CHECK(!kl_eager_wants(&eager));
}

TEST("who was crowded out tries the less often the more often it happens, and recovers")
{
    struct kl_eager eager;
    kl_eager_init(&eager);
    for (int expected = 16; expected <= 128; expected *= 2) {
        kl_eager_crowded(&eager);
        CHECK_INT(waits_until_tried(&eager, 1000), expected);
    }
    kl_eager_crowded(&eager);
    CHECK_INT(waits_until_tried(&eager, 1000), 128);
    for (int i = 0; i < 5000; i++) {
        kl_eager_found(&eager);
    }
    for (int i = 0; i < 4; i++) {
        kl_eager_vain(&eager);
    }
    CHECK_INT(waits_until_tried(&eager, 1000), 8);
}
