#include "restart.h"
#include "testing/harness.h"

enum { SECOND = 1000000000 };

// A ring of its own for each test, lent as the supervisor does it.
struct fixture {
    struct kl_restarts restarts;
    int64_t memory[2][64];
    int which;
};

static bool allow(struct fixture *fixture, int64_t now)
{
    struct kl_restarts *restarts = &fixture->restarts;
    if (kl_restarts_full(restarts, now)) {
        uint32_t room = restarts->room == 0 ? 1 : restarts->room * 2;
        CHECK(room <= 64);
        fixture->which = !fixture->which;
        kl_restarts_lend(restarts, fixture->memory[fixture->which], room);
    }
    return kl_restarts_allow(restarts, now);
}

TEST("as many restarts as the limit are allowed within the period, and not one more",
        .ids = "SU-080")
{
    struct fixture fixture = {.restarts = {.period = 5 * (int64_t)SECOND, .limit = 3}};
    for (int i = 0; i < 3; i++) {
        CHECK(allow(&fixture, i));
    }
    CHECK(!allow(&fixture, 3));
}

TEST("with a limit of none the first restart is one too many", .ids = "SU-081")
{
    struct fixture fixture = {.restarts = {.period = SECOND, .limit = 0}};
    CHECK(!allow(&fixture, 0));
}

TEST("a restart exactly one period old still counts, an older one does not")
{
    struct fixture fixture = {.restarts = {.period = SECOND, .limit = 1}};
    CHECK(allow(&fixture, 0));
    CHECK(!allow(&fixture, SECOND));
    CHECK(allow(&fixture, SECOND + 1));
}

// The definition itself: count those of the last `period`, this one included.
static bool model(
        int64_t *history, int *length, int64_t now, int64_t period, uint32_t limit)
{
    uint32_t within = 1;
    for (int i = 0; i < *length; i++) {
        within += now - history[i] <= period;
    }
    if (within > limit) {
        return false;
    }
    history[(*length)++] = now;
    return true;
}

TEST("random histories give what the definition says", .seeded = true)
{
    uint64_t random = kl_test_seed() * 2654435761u + 1;
    for (int round = 0; round < 200; round++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t limit = (uint32_t)(random >> 60) + 1;
        int64_t period = (int64_t)(random >> 40 & 63) + 1;
        struct fixture fixture = {.restarts = {.period = period, .limit = limit}};
        int64_t history[300];
        int length = 0;
        int64_t now = 0;
        for (int i = 0; i < 300; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            now += (int64_t)(random >> 33 & 15);
            CHECK_INT(allow(&fixture, now), model(history, &length, now, period, limit));
        }
    }
}

TEST("the ring grows only as far as restarts need")
{
    struct fixture fixture = {.restarts = {.period = SECOND, .limit = 1000000}};
    for (int i = 0; i < 1000; i++) {
        CHECK(allow(&fixture, (int64_t)i * SECOND)); // two within a period at most
    }
    CHECK(fixture.restarts.room <= 4);
}

TEST("the delay of attempts doubles up to its bound")
{
    CHECK_INT(kl_restart_delay(10, 0, 0), 10);
    CHECK_INT(kl_restart_delay(10, 0, 1), 20);
    CHECK_INT(kl_restart_delay(10, 0, 4), 160);
    CHECK_INT(kl_restart_delay(10, 0, 5), 160);
    CHECK_INT(kl_restart_delay(10, 35, 1), 20);
    CHECK_INT(kl_restart_delay(10, 35, 2), 35);
    CHECK_INT(kl_restart_delay(10, 5, 0), 5);
    CHECK_INT(kl_restart_delay(INT64_MAX / 2, 0, 1000000), INT64_MAX);
}
