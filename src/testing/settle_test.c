// Letting others run and moving time, from outside and from inside a process.

#include "kit_testing.h"

#include <keel/timer.h>
#include <pthread.h>

static void pass_on(keel_term count)
{
    if (keel_to_int(count) > 0) {
        keel_spawn(pass_on, keel_int(keel_to_int(count) - 1));
    } else {
        keel_send("last", keel_atom(done));
    }
}

SEEDED("settling runs everybody until nobody can run, and leaves the clock")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    CHECK_OK(keel_register(keel_atom(last), probe));
    int64_t before = keel_now();
    keel_spawn(pass_on, keel_int(50));
    CHECK_OK(keel_test_settle());
    CHECK_INT(keel_now(), before);
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    CHECK_INT(view.processes, 1);
    CHECK(keel_test_expect(probe, "done"));
    end_test();
}

static void tick(keel_term probe)
{
    for (int64_t i = 1; i <= 10; i++) {
        keel_sleep(KEEL_SECONDS(1));
        keel_send(probe, keel_int(i));
    }
}

SEEDED("advancing runs what is due on the way, in order, and stops at the very time")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    int64_t before = keel_now();
    keel_spawn(tick, keel_from_pid(probe));
    CHECK_OK(keel_test_advance(KEEL_MS(2999)));
    CHECK_INT(keel_now() - before, KEEL_MS(2999));
    CHECK_TEXT(keel_test_messages(probe), "[1,2]");
    CHECK_OK(keel_test_advance(KEEL_MS(1)));
    CHECK_TEXT(keel_test_messages(probe), "[1,2,3]");
    CHECK_OK(keel_test_advance(0));
    CHECK_INT(keel_now() - before, KEEL_SECONDS(3));
    CHECK_OK(keel_test_advance(KEEL_SECONDS(7)));
    CHECK_TEXT(keel_test_messages(probe), "[1,2,3,4,5,6,7,8,9,10]");
    CHECK_INT(keel_test_advance(-1), KEEL_E_BADARG);
    end_test();
}

static void tick_for_ever(keel_term unused)
{
    (void)unused;
    for (;;) {
        keel_sleep(KEEL_MS(250));
    }
}

TEST("an hour of ticks costs no time")
{
    begin_test();
    keel_spawn(tick_for_ever, KEEL_NONE);
    int64_t before = keel_now();
    CHECK_OK(keel_test_advance(KEEL_SECONDS(3600)));
    CHECK_INT(keel_now() - before, KEEL_SECONDS(3600));
    end_test();
    CHECK(last_report.turns >= 4 * 3600);
}

static void settle_inside(keel_term probe)
{
    int64_t before = keel_now();
    keel_spawn(pass_on, keel_int(20));
    KEEL_ASSERT(keel_test_settle() == KEEL_OK);
    KEEL_ASSERT(keel_now() - before == 1);
    keel_test_expect(keel_to_pid(probe), "done");
    keel_send_after(KEEL_SECONDS(2), keel_self(), keel_atom(late));
    KEEL_ASSERT(keel_test_advance(KEEL_SECONDS(2)) == KEEL_OK);
    KEEL_ASSERT(keel_now() - before == KEEL_SECONDS(2) + 2);
    KEEL_ASSERT(keel_queue_length() == 1);
    KEEL_ASSERT(keel_test_advance(-1) == KEEL_E_BADARG);
    keel_send(probe, keel_atom(all_is_well));
}

SEEDED("a process settles in one nanosecond and advances in one more")
{
    begin_test();
    keel_pid probe = keel_test_probe();
    CHECK_OK(keel_register(keel_atom(last), probe));
    keel_spawn(settle_inside, keel_from_pid(probe));
    CHECK_OK(keel_test_advance(KEEL_SECONDS(3)));
    CHECK(keel_test_expect(probe, "all_is_well"));
    end_test();
}

static void never_rest(keel_term unused)
{
    (void)unused;
    for (;;) {
        keel_yield();
    }
}

TEST("settling gives up when there is no end to it, and tells who runs")
{
    keel_test_opts opts = {.max_turns = 1000};
    CHECK_OK(keel_test_start(1, &opts));
    keel_spawn(never_rest, KEEL_NONE);
    CHECK_INT(keel_test_settle(), KEEL_E_FAILED);
    CHECK_INT(keel_test_advance(KEEL_SECONDS(1)), KEEL_E_FAILED);
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, "processes have had 1000 turns");
    CHECK_HAS(last_report.text, "(never_rest)");
    CHECK_INT(last_report.processes, 0); // it did end when asked
    CHECK_INT(last_report.turns, 1000);
}

static void check_stopped(void)
{
    keel_pid pid = {0};
    CHECK_INT(keel_test_settle(), KEEL_E_STOPPED);
    CHECK_INT(keel_test_advance(1), KEEL_E_STOPPED);
    CHECK_INT(keel_test_probe().word, 0);
    CHECK_INT(keel_test_link(pid, pid), KEEL_E_BADARG);
    CHECK_INT(keel_test_choose(7), 0);
    CHECK_INT(keel_test_seed(), 0);
}

TEST("without a simulation everything says that it is stopped")
{
    check_stopped();
    keel_config config = {.workers = 1};
    CHECK_OK(keel_start(&config)); // with threads it is none of ours
    check_stopped();
    CHECK_INT(keel_test_stop(NULL), KEEL_E_STOPPED);
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(5)), NULL));
    check_stopped();
}

static void *ask_elsewhere(void *unused)
{
    (void)unused;
    CHECK_INT(keel_test_settle(), KEEL_E_UNSUPPORTED);
    CHECK_INT(keel_test_advance(1), KEEL_E_UNSUPPORTED);
    CHECK_INT(keel_test_stop(NULL), KEEL_E_UNSUPPORTED);
    CHECK_INT(keel_test_choose(7), 0);
    CHECK_INT(keel_test_probe().word, 0);
    return NULL;
}

TEST("another thread is refused")
{
    begin_test();
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, ask_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    end_test();
}
