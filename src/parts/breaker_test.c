// Circuit breakers.

#include "proc/proc_testing.h"
#include <keel/parts/breaker.h>
#include <keel/pubsub.h>

#define PAYMENTS keel_atom(payments)

static keel_pid start(keel_breaker_opts opts)
{
    opts.name = PAYMENTS;
    keel_trap_exit(true);
    return keel_started_or_exit(keel_breaker_start_link_opt(&opts));
}

static void stop(keel_pid breaker)
{
    CHECK_OK(keel_gen_server_stop(breaker, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Breaker, normal}", breaker);
}

static keel_status give(void *status)
{
    return *(keel_status *)status;
}

static keel_status run(keel_status status)
{
    return keel_breaker_run("payments", give, &status);
}

static void check_state(const char *expected)
{
    CHECK_STR(keel_atom_name(keel_breaker_state("payments")), expected);
}

SIMULATED_TEST("failures in a row open it, and a trial that succeeds closes it")
{
    keel_pid breaker = start((keel_breaker_opts){.failures = 3});
    check_state("closed");
    for (int i = 0; i < 5; i++) {
        CHECK_INT(run(KEEL_E_TIMEOUT), KEEL_E_TIMEOUT);
        CHECK_INT(run(KEEL_E_TIMEOUT), KEEL_E_TIMEOUT);
        CHECK_OK(run(KEEL_OK));
    }
    check_state("closed");
    for (int i = 0; i < 3; i++) {
        CHECK_INT(run(KEEL_E_TIMEOUT), KEEL_E_TIMEOUT);
    }
    check_state("open");
    CHECK_INT(run(KEEL_OK), KEEL_E_REFUSED);
    CHECK_TERM(keel_breaker_stats("payments"),
            "#{kind := breaker, state := open, succeeded := 5, failed := 13, refused := 1,"
            " opened := 1, retry_after_ms := 30000}");
    keel_sleep(KEEL_MS(29999));
    CHECK_INT(run(KEEL_OK), KEEL_E_REFUSED);
    keel_sleep(KEEL_MS(1));
    check_state("half_open");
    CHECK_OK(run(KEEL_OK));
    check_state("closed");
    CHECK_TERM(keel_breaker_stats("payments"), "#{failures := 0, retry_after_ms := 0}");
    stop(breaker);
    CHECK_INT(run(KEEL_OK), KEEL_E_NOPROC);
    CHECK(keel_is_none(keel_breaker_state("payments")));
    CHECK(keel_is_none(keel_breaker_stats("payments")));
}

SIMULATED_TEST("a trial that fails opens it again, and one is tried at a time")
{
    keel_pid breaker = start((keel_breaker_opts){
            .failures = 1, .reset_after = KEEL_SECONDS(10), .successes = 2});
    CHECK_INT(run(KEEL_E_TIMEOUT), KEEL_E_TIMEOUT);
    keel_sleep(KEEL_SECONDS(10));
    keel_permit trial, other;
    CHECK_OK(keel_breaker_ask("payments", &trial));
    CHECK_INT(keel_breaker_ask("payments", &other), KEEL_E_REFUSED);
    check_state("half_open");
    keel_breaker_report(trial, false);
    check_state("open");
    CHECK_INT(run(KEEL_OK), KEEL_E_REFUSED);
    keel_sleep(KEEL_SECONDS(10));
    CHECK_OK(run(KEEL_OK));
    check_state("half_open");
    CHECK_OK(keel_breaker_ask("payments", &trial));
    CHECK_INT(keel_breaker_ask("payments", &other), KEEL_E_REFUSED);
    keel_breaker_report(trial, true);
    check_state("closed");
    keel_breaker_report(trial, false); // a second report on it counts nothing
    check_state("closed");
    stop(breaker);
}

SIMULATED_TEST("a trial that nobody reports on does not hold it half open for ever")
{
    keel_pid breaker = start(
            (keel_breaker_opts){.failures = 1, .reset_after = KEEL_SECONDS(10)});
    CHECK_INT(run(KEEL_E_TIMEOUT), KEEL_E_TIMEOUT);
    keel_sleep(KEEL_SECONDS(10));
    keel_permit lost, trial;
    CHECK_OK(keel_breaker_ask("payments", &lost));
    keel_sleep(KEEL_MS(9999));
    CHECK_INT(keel_breaker_ask("payments", &trial), KEEL_E_REFUSED);
    keel_sleep(KEEL_MS(1));
    CHECK_OK(keel_breaker_ask("payments", &trial));
    keel_breaker_report(lost, true); // too late
    check_state("half_open");
    keel_breaker_report(trial, true);
    check_state("closed");
    stop(breaker);
}

SIMULATED_TEST("failures may count within a time instead")
{
    keel_pid breaker = start(
            (keel_breaker_opts){.failures = 3, .within = KEEL_SECONDS(10)});
    for (int i = 0; i < 10; i++) {
        CHECK_INT(run(KEEL_E_TIMEOUT), KEEL_E_TIMEOUT);
        CHECK_OK(run(KEEL_OK));
        keel_sleep(KEEL_SECONDS(5));
    }
    check_state("closed");
    keel_sleep(KEEL_SECONDS(4));
    CHECK_TERM(keel_breaker_stats("payments"), "#{failures := 1}");
    CHECK_INT(run(KEEL_E_TIMEOUT), KEEL_E_TIMEOUT);
    CHECK_OK(run(KEEL_OK));
    CHECK_INT(run(KEEL_E_TIMEOUT), KEEL_E_TIMEOUT);
    check_state("open");
    stop(breaker);
}

static keel_status leave(void *unused)
{
    (void)unused;
    keel_exit(keel_make("{shutdown, oops}"));
}

static void run_leaving(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_breaker_run("payments", leave, NULL));
}

PROCESS_TEST("an exit counts, and goes on")
{
    keel_pid breaker = start((keel_breaker_opts){.failures = 2});
    for (int i = 0; i < 2; i++) {
        keel_ref monitor;
        keel_spawn_monitor(run_leaving, keel_nil(), &monitor);
        CHECK_TERM(await_down(monitor), "{shutdown, oops}");
    }
    check_state("open");
    CHECK_OK(keel_breaker_close("payments"));
    CHECK_OK(run(KEEL_OK));
    CHECK_OK(keel_breaker_open("payments"));
    CHECK_INT(run(KEEL_OK), KEEL_E_REFUSED);
    stop(breaker);
    CHECK_INT(keel_breaker_open("payments"), KEEL_E_NOPROC);
}

SIMULATED_TEST("changes are published")
{
    keel_pid pubsub = keel_started_or_exit(keel_pubsub_start_link(.name = keel_atom(news)));
    CHECK_OK(keel_pubsub_subscribe(keel_atom(news), PAYMENTS));
    keel_pid breaker = start((keel_breaker_opts){.failures = 1, .pubsub = keel_atom(news)});
    CHECK_INT(run(KEEL_E_TIMEOUT), KEEL_E_TIMEOUT);
    EXPECT_NEXT("{breaker, payments, open}");
    keel_sleep(KEEL_SECONDS(30));
    CHECK_OK(run(KEEL_OK));
    EXPECT_NEXT("{breaker, payments, half_open}");
    EXPECT_NEXT("{breaker, payments, closed}");
    stop(breaker);
    CHECK_OK(keel_gen_server_stop(pubsub, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Pubsub, normal}", pubsub);
}

// --- a storm ---

struct storm {
    bool broken;
    int under_way, most, tried, refused;
};

static keel_status call_broken(void *at)
{
    struct storm *storm = at;
    storm->tried++;
    storm->under_way++;
    storm->most = storm->under_way > storm->most ? storm->under_way : storm->most;
    keel_sleep(KEEL_MS(1 + keel_random() % 50));
    storm->under_way--;
    if (keel_random() % 8 == 0) {
        keel_exit(keel_atom(shutdown));
    }
    return storm->broken ? KEEL_E_TIMEOUT : KEEL_OK;
}

static void call_on(keel_term at)
{
    struct storm *storm = keel_to_pointer(at, NULL);
    for (int i = 0; i < 20; i++) {
        keel_status status = keel_breaker_run("payments", call_broken, storm);
        storm->refused += status == KEEL_E_REFUSED;
        keel_sleep(KEEL_MS(keel_random() % 100));
    }
}

SIMULATED_TEST("in a storm of failures few get through, one at a time, until it is over")
{
    enum { CALLERS = 300 };
    static struct storm storm; // lives as long as those that use it
    storm = (struct storm){.broken = true};
    keel_pid breaker = start(
            (keel_breaker_opts){.failures = 5, .reset_after = KEEL_MS(200)});
    CHECK_OK(keel_breaker_open("payments"));
    keel_term before = keel_process_list();
    for (int i = 0; i < CALLERS; i++) {
        keel_spawn(call_on, keel_pointer(&storm));
    }
    await_others(before);
    CHECK_INT(storm.most, 1);
    CHECK(storm.tried < 30 && storm.refused > 4000);
    CHECK(!keel_is(keel_breaker_state("payments"), closed));
    storm.broken = false;
    keel_sleep(KEEL_MS(200));
    while (!keel_is(keel_breaker_state("payments"), closed)) {
        keel_ref monitor;
        keel_spawn_monitor(call_on, keel_pointer(&storm), &monitor);
        await_down(monitor);
    }
    stop(breaker);
}

PROCESS_TEST("a breaker is a child like others")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {keel_breaker_child(.name = PAYMENTS, .failures = 1)};
    keel_pid tree = keel_started_or_exit(keel_supervisor_start_link(children, 1));
    CHECK_INT(run(KEEL_E_TIMEOUT), KEEL_E_TIMEOUT);
    keel_term stats;
    CHECK_OK(keel_call("payments", keel_atom(stats), &stats));
    CHECK_TERM(stats, "#{state := open}");
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
    CHECK_INT(keel_breaker_start_link(.failures = 1).status, KEEL_E_BADARG);
}

static void run_what_dies(keel_term times)
{
    for (int64_t i = keel_to_int(times); i > 0; i--) {
        keel_status wanted = keel_random() % 2 == 0 ? KEEL_OK : KEEL_E_TIMEOUT;
        keel_status status = run(wanted);
        CHECK(status == wanted || status == KEEL_E_REFUSED || status == KEEL_E_NOPROC);
        keel_yield();
    }
}

PROCESS_TEST("a breaker may be killed at any moment, and whoever asks it goes on")
{
    enum { USERS = 4, KILLS = 30 };
    keel_trap_exit(true);
    keel_child_spec children[] = {keel_breaker_child(.name = PAYMENTS, .failures = 3,
            .reset_after = KEEL_US(50))};
    keel_pid tree = keel_started_or_exit(
            keel_supervisor_start_link(children, 1, .intensity = 1000));
    keel_ref monitor[USERS];
    for (int i = 0; i < USERS; i++) {
        keel_spawn_monitor(run_what_dies, keel_int(1000), &monitor[i]);
    }
    for (int i = 0; i < KILLS; i++) {
        keel_sleep(KEEL_US(keel_random() % 300));
        keel_process_exit(keel_whereis("payments"), keel_atom(kill));
    }
    for (int i = 0; i < USERS; i++) {
        CHECK_TERM(await_down(monitor[i]), "normal");
    }
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
}
