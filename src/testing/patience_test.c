// Waiting for conditions and messages.

#include "kit_testing.h"

#include <keel/timer.h>

static int ticks;

static void tick(keel_term count)
{
    for (int i = 0; i < keel_to_int(count); i++) {
        keel_sleep(KEEL_SECONDS(60));
        ticks++;
    }
}

static void wait_for_ticks(keel_term unused)
{
    (void)unused;
    ticks = 0;
    keel_spawn_link(tick, keel_int(5));
    keel_test_wait_until(KEEL_MINUTES(6), ticks == 5);
}

static void wait_in_vain(keel_term unused)
{
    (void)unused;
    ticks = 0;
    keel_test_wait_until(KEEL_SECONDS(2), ticks == 77);
}

SEEDED("a condition is waited for in virtual time")
{
    CHECK_OK(keel_test_run(wait_for_ticks, keel_nil(), kl_test_seed(), NULL, NULL));
    CHECK_INT(ticks, 5);
    keel_test_report report;
    CHECK_INT(keel_test_run(wait_in_vain, keel_nil(), kl_test_seed(), NULL, &report),
            KEEL_E_FAILED);
    CHECK_HAS(report.text, "not true within 2.000 s: ticks == 77");
}

SEEDED("a thread outside moves virtual time while it waits")
{
    begin_test();
    ticks = 0;
    keel_spawn(tick, keel_int(2));
    CHECK(keel_test_wait_until(KEEL_MINUTES(3), ticks == 2));
    CHECK(!keel_test_wait_until(KEEL_SECONDS(1), ticks == 3));
    CHECK_INT(keel_test_stop(&last_report), KEEL_E_FAILED);
    CHECK_HAS(last_report.text, "ticks == 3");
}

TEST("with the real runtime real time passes")
{
    keel_config config = {.workers = 1};
    CHECK_OK(keel_start(&config));
    keel_pid pid = keel_spawn(tick, keel_int(0));
    CHECK(keel_test_wait_until(KEEL_SECONDS(20), !keel_process_alive(pid)));
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(5)), NULL));
}

static void receive(keel_term unused)
{
    (void)unused;
    int number = 0;
    keel_send(keel_self(), keel_make("{now, 1}"));
    keel_send_after(KEEL_MS(99), keel_self(), keel_make("{soon, 2}"));
    keel_send_after(KEEL_MS(150), keel_self(), keel_make("{late, 3}"));
    keel_test_assert_received("{now, Number}", &number);
    keel_test_refute_received("{soon, _}");
    keel_test_assert_receive("{soon, Number}", &number);
    keel_test_check(number == 2);
    keel_test_assert_receive("{late, Number}", &number);
    keel_test_check(number == 3);
    keel_send_after(KEEL_MS(101), keel_self(), keel_atom(too_late));
    keel_test_refute_receive("too_late");
    keel_test_assert_receive("too_late");
}

static void receive_nothing(keel_term unused)
{
    (void)unused;
    keel_send_after(KEEL_MS(101), keel_self(), keel_atom(too_late));
    keel_test_assert_receive("too_late");
}

SEEDED("messages are asserted within a tenth of a second, or at once")
{
    keel_test_report report;
    if (keel_test_run(receive, keel_nil(), kl_test_seed(), NULL, &report) != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "%s", report.text);
    }
    CHECK_INT(keel_test_run(receive_nothing, keel_nil(), kl_test_seed(), NULL, &report),
            KEEL_E_FAILED);
    CHECK_HAS(report.text, "expected too_late");
}
