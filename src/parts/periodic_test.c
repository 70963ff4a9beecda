// Periodic tasks.

#include "proc/proc_testing.h"
#include <keel/parts/periodic.h>

static void stop(keel_pid server)
{
    CHECK_OK(keel_gen_server_stop(server, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Server, normal}", server);
}

// Sends {ran, Milliseconds since the start of the test} to {Pid, Start, Length}.
static keel_term tell_time(keel_term argument)
{
    int64_t since = keel_deadline_in(0).at - keel_to_int(keel_element(argument, 1));
    keel_send(keel_element(argument, 0), keel_make("{ran, At}", since / KEEL_MS(1)));
    keel_sleep(keel_to_int(keel_element(argument, 2)));
    return keel_make("{told, At}", since / KEEL_MS(1));
}

static keel_term teller(keel_duration length)
{
    return keel_make("{Self, Now, Length}", keel_self(), keel_deadline_in(0).at, length);
}

SIMULATED_TEST("it is run at whole multiples of its time")
{
    keel_trap_exit(true);
    keel_pid server = keel_started_or_exit(keel_periodic_start_link(
            tell_time, .argument = teller(KEEL_SECONDS(1)), .every = KEEL_SECONDS(30)));
    keel_sleep(KEEL_SECONDS(100));
    EXPECT_NEXT("{ran, 30000}");
    EXPECT_NEXT("{ran, 60000}");
    EXPECT_NEXT("{ran, 90000}");
    EXPECT_NO_MESSAGE();
    CHECK_TERM(keel_periodic_stats(server),
            "#{kind := periodic, every_ms := 30000, running := false, runs := 3,"
            " failed := 0, left_out := 0, last_ms := 1000, last := {ok, {told, 90000}}}");
    stop(server);
}

SIMULATED_TEST("one that takes too long for its schedule leaves turns out")
{
    keel_trap_exit(true);
    keel_pid server = keel_started_or_exit(
            keel_periodic_start_link(tell_time, .argument = teller(KEEL_SECONDS(25)),
                    .every = KEEL_SECONDS(10), .at_once = true));
    keel_sleep(KEEL_SECONDS(65));
    EXPECT_NEXT("{ran, 0}");
    EXPECT_NEXT("{ran, 30000}");
    EXPECT_NEXT("{ran, 60000}");
    EXPECT_NO_MESSAGE();
    CHECK_TERM(keel_periodic_stats(server), "#{runs := 3, left_out := 4, running := true}");
    stop(server);
}

SIMULATED_TEST("run now, it gives its result and keeps its schedule")
{
    keel_trap_exit(true);
    keel_pid server = keel_started_or_exit(
            keel_periodic_start_link(tell_time, .argument = teller(KEEL_SECONDS(1)),
                    .every = KEEL_SECONDS(10), .name = keel_atom(teller)));
    keel_sleep(KEEL_SECONDS(4));
    keel_term result = KEEL_NONE;
    CHECK_OK(keel_periodic_run("teller", &result));
    CHECK_TERM(result, "{told, 4000}");
    keel_sleep(KEEL_MS(5500)); // 10.5: a run is under way
    CHECK_OK(keel_periodic_run("teller", &result));
    CHECK_TERM(result, "{told, 10000}");
    CHECK_INT(keel_periodic_run_within("teller", KEEL_AT_ONCE, &result), KEEL_E_TIMEOUT);
    stop(server);
    CHECK_INT(keel_periodic_run("teller", &result), KEEL_E_NOPROC);
    CHECK(keel_is_none(keel_periodic_stats("teller")));
    keel_flush();
}

static keel_term leave(keel_term reason)
{
    keel_exit(reason);
}

SIMULATED_TEST("a run that fails is told, and the next one comes")
{
    keel_trap_exit(true);
    keel_pid server = keel_started_or_exit(keel_periodic_start_link(
            leave, .argument = keel_make("{shutdown, oops}"), .every = KEEL_SECONDS(10)));
    keel_term reason = KEEL_NONE;
    CHECK_INT(keel_periodic_run(server, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "{shutdown, oops}");
    keel_sleep(KEEL_SECONDS(35));
    CHECK_TERM(keel_periodic_stats(server),
            "#{runs := 4, failed := 4, last := {error, {shutdown, oops}}}");
    stop(server);
}

SIMULATED_TEST("a run that takes longer than allowed is killed")
{
    keel_trap_exit(true);
    keel_pid server = keel_started_or_exit(
            keel_periodic_start_link(tell_time, .argument = teller(KEEL_SECONDS(7)),
                    .every = KEEL_SECONDS(10), .timeout = KEEL_SECONDS(3)));
    keel_sleep(KEEL_MS(12500));
    CHECK_TERM(keel_periodic_stats(server), "#{running := true}");
    keel_sleep(KEEL_SECONDS(1));
    CHECK_TERM(keel_periodic_stats(server),
            "#{running := false, failed := 1, last := {error, killed}, last_ms := 3000}");
    size_t processes = process_count();
    keel_sleep(KEEL_SECONDS(7));
    CHECK_INT(process_count(), processes + 1);
    keel_process_exit(server, keel_atom(kill)); // takes the run along
    EXPECT_MESSAGE("{'EXIT', ^Server, killed}", server);
    keel_sleep(KEEL_MS(1));
    CHECK_INT(process_count(), processes - 1);
    keel_flush();
}

SIMULATED_TEST("chance may put a run off, by less than said")
{
    keel_trap_exit(true);
    keel_pid server = keel_started_or_exit(keel_periodic_start_link(tell_time,
            .argument = teller(0), .every = KEEL_SECONDS(10), .jitter = KEEL_SECONDS(5)));
    keel_sleep(KEEL_SECONDS(1005));
    for (int64_t i = 1; i <= 100; i++) {
        int64_t at;
        CHECK_OK(keel_receive_match(SOON, "{ran, At}", &at));
        CHECK(at >= i * 10000 && at < i * 10000 + 5000);
    }
    stop(server);
}

PROCESS_TEST("it is a child like others; options that are wrong are refused")
{
    keel_trap_exit(true);
    CHECK_INT(keel_periodic_start_link(NULL, .every = 1).status, KEEL_E_BADARG);
    CHECK_INT(keel_periodic_start_link(leave).status, KEEL_E_BADARG);
    keel_child_spec children[] = {
            keel_periodic_child(leave, .argument = keel_atom(shutdown),
                    .every = KEEL_MINUTES(60), .name = keel_atom(leaver))};
    CHECK_TERM(keel_child_spec_to_term(&children[0]), "#{id := leaver}");
    keel_pid tree = keel_started_or_exit(keel_supervisor_start_link(children, 1));
    keel_term reason;
    CHECK_INT(keel_periodic_run("leaver", &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "shutdown");
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
}

// --- chaos ---

static int running, begun; // runs under way, and ever
static keel_pid last_runner;

static void no_longer(void *unused)
{
    (void)unused;
    running--;
}

static keel_term run_alone(keel_term argument)
{
    begun++;
    CHECK_INT(++running, 1);
    CHECK_OK(keel_defer(no_longer, NULL));
    last_runner = keel_self();
    keel_sleep(KEEL_MS(keel_random() % 15));
    return argument;
}

SIMULATED_TEST("whoever is killed, runs go on, and never two at once")
{
    enum { KILLS = 50 };
    running = begun = 0;
    last_runner = (keel_pid){0};
    keel_trap_exit(true);
    keel_child_spec children[] = {
            keel_periodic_child(run_alone, .every = KEEL_MS(10), .name = keel_atom(often))};
    keel_pid tree = keel_started_or_exit(
            keel_supervisor_start_link(children, 1, .intensity = KILLS));
    for (int i = 0; i < KILLS; i++) {
        keel_sleep(KEEL_US(keel_random() % 30000));
        keel_pid server = keel_whereis("often");
        keel_process_exit(keel_random() % 2 == 0 ? server : last_runner, keel_atom(kill));
    }
    int before = begun;
    keel_sleep(KEEL_MS(100));
    CHECK(begun > before && begun - before <= 11);
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
    keel_sleep(1);
    CHECK_INT(running, 0);
}
