// The seams that the test kit stands on. Most is tested through the kit; here stands how
// they answer when nothing is simulated, and what they promise each other.

#include "proc_testing.h"

#include <keel/extend.h>

TEST("without a simulation the seams do nothing")
{
    keel_config config = {.workers = 1};
    for (int round = 0; round < 2; round++) {
        CHECK(!keel_extend_is_simulated());
        CHECK(!keel_extend_settle(1));
        keel_extend_advance(KEEL_SECONDS(3600));
        CHECK_INT(keel_extend_next_timer().at, INT64_MAX);
        CHECK_INT(keel_extend_choose(1000000), 0);
        CHECK_INT(keel_extend_timers(), 0);
        if (round == 0) {
            CHECK_OK(keel_start(&config));
            CHECK_INT(keel_extend_simulate(1, NULL), KEEL_E_RUNNING);
        }
    }
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(5)), NULL));
}

static void drive_inside(keel_term unused)
{
    (void)unused;
    int64_t before = keel_now();
    KEEL_ASSERT(!keel_extend_settle(0));
    keel_extend_advance(KEEL_SECONDS(1));
    KEEL_ASSERT(keel_now() == before);
    KEEL_ASSERT(keel_extend_simulate(1, NULL) == KEEL_E_INSIDE);
    keel_register(keel_atom(drove), keel_self());
    keel_receive();
}

TEST("a process cannot drive the simulation it is in")
{
    CHECK_OK(keel_extend_simulate(1, NULL));
    CHECK(keel_extend_is_simulated());
    keel_spawn(drive_inside, KEEL_NONE);
    CHECK(keel_extend_settle(0));
    CHECK(!no_pid(keel_whereis(keel_atom(drove))));
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(1)), NULL));
    CHECK(!keel_extend_is_simulated());
}

TEST("time moves only when it is moved, and fires what is due when that is settled")
{
    CHECK_OK(keel_extend_simulate(1, NULL));
    keel_pid pid = keel_spawn(wait_forever, KEEL_NONE);
    int64_t before = keel_now();
    keel_send_after(KEEL_MS(20), pid, keel_atom(hello));
    keel_ref named = keel_send_after(KEEL_MS(30), "nobody", keel_atom(hello));
    CHECK(keel_extend_settle(0));
    CHECK_INT(keel_now(), before);
    CHECK_INT(keel_extend_next_timer().at, before + KEEL_MS(20));
    CHECK_INT(keel_extend_timers(), 2);
    keel_extend_advance(-KEEL_MS(5));
    CHECK_INT(keel_now(), before);
    keel_extend_advance(KEEL_MS(20));
    CHECK_INT(keel_now(), before + KEEL_MS(20));
    CHECK_INT(keel_extend_timers(), 2);
    CHECK(keel_extend_settle(0));
    CHECK_INT(keel_extend_timers(), 1);
    CHECK(keel_cancel_timer(named, NULL));
    CHECK_INT(keel_extend_timers(), 0);
    keel_send_after(KEEL_MS(20), pid, keel_atom(hello));
    CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
    CHECK(keel_extend_settle(0));
    CHECK_INT(keel_extend_timers(), 0); // its receiver is gone
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(1)), NULL));
}

static void never_rest(keel_term unused)
{
    (void)unused;
    for (;;) {
        keel_yield();
    }
}

static void note(keel_pid pid, void *context)
{
    keel_pid *last = context;
    *last = pid;
}

TEST("settling ends after so many turns, each of which is observed and changes the trace")
{
    keel_pid seen = {0};
    CHECK_OK(keel_extend_simulate(1, NULL));
    keel_pid pid = keel_spawn(never_rest, KEEL_NONE);
    keel_extend_observe(note, &seen);
    CHECK(!keel_extend_settle(10));
    CHECK(same_pid(seen, pid));
    uint64_t trace = keel_extend_trace();
    CHECK(!keel_extend_settle(1));
    CHECK(keel_extend_trace() != trace);
    keel_extend_observe(NULL, NULL);
    seen.word = 0;
    CHECK(!keel_extend_settle(10));
    CHECK(no_pid(seen));
    CHECK_INT(keel_extend_foreign_wakes(), 0);
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(1)), NULL));
}
