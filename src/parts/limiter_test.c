// Rate limiters.

#include "proc/proc_testing.h"
#include <keel/parts/limiter.h>

static keel_pid start(keel_limiter_opts opts)
{
    opts.name = keel_atom(logins);
    keel_trap_exit(true);
    return keel_started_or_exit(keel_limiter_start_link_opt(&opts));
}

static void stop(keel_pid limiter)
{
    CHECK_OK(keel_gen_server_stop(limiter, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Limiter, normal}", limiter);
}

static const keel_limiter_kind kinds[] = {KEEL_TOKEN_BUCKET, KEEL_SLIDING_WINDOW};

PROCESS_TEST("a key may do as much as its limit, whatever others do")
{
    for (size_t i = 0; i < KEEL_COUNT(kinds); i++) {
        keel_pid limiter = start(
                (keel_limiter_opts){.kind = kinds[i], .limit = 3, .per = KEEL_MINUTES(3)});
        keel_duration wait = 1;
        for (int j = 0; j < 3; j++) {
            CHECK_OK(keel_limiter_check("logins", keel_string("anna"), &wait));
            CHECK_INT(wait, 0);
        }
        CHECK_INT(
                keel_limiter_check("logins", keel_string("anna"), &wait), KEEL_E_OVERLOAD);
        CHECK(wait > 0 && wait <= KEEL_MINUTES(3) && wait % KEEL_MS(1) == 0);
        CHECK_OK(keel_limiter_check("logins", keel_string("ben"), NULL));
        uint32_t left;
        CHECK_OK(keel_limiter_left("logins", keel_string("anna"), &left));
        CHECK_INT(left, 0);
        CHECK_OK(keel_limiter_left("logins", keel_string("carl"), &left));
        CHECK_INT(left, 3);
        CHECK_INT(keel_limiter_size("logins"), 2);
        CHECK_OK(keel_limiter_reset("logins", keel_string("anna")));
        CHECK_OK(keel_limiter_check_cost("logins", keel_string("anna"), 3, NULL));
        CHECK_INT(keel_limiter_check_cost("logins", keel_string("dora"), 4, &wait),
                KEEL_E_OVERLOAD);
        CHECK_INT(wait, 0);
        CHECK_INT(keel_limiter_size("logins"), 2); // what is refused takes nothing
        CHECK_TERM(keel_limiter_stats("logins"),
                "#{kind := limiter, limit := 3, per_ms := 180000, keys := 2, allowed := 5,"
                " refused := 2}");
        stop(limiter);
    }
}

PROCESS_TEST("a limiter that is not there, and options that are wrong")
{
    CHECK_INT(keel_limiter_check("nowhere", keel_int(1), NULL), KEEL_E_NOPROC);
    CHECK_INT(keel_limiter_start_link(.name = keel_atom(a)).status, KEEL_E_BADARG);
    CHECK_INT(keel_limiter_start_link(.limit = 1).status, KEEL_E_BADARG);
    keel_pid limiter = start((keel_limiter_opts){.limit = 1});
    CHECK_INT(keel_limiter_check("logins", KEEL_NONE, NULL), KEEL_E_BADARG);
    stop(limiter);
    uint32_t left;
    CHECK_INT(keel_limiter_left("logins", keel_int(1), &left), KEEL_E_NOPROC);
    CHECK_INT(keel_limiter_reset("logins", keel_int(1)), KEEL_E_NOPROC);
    CHECK(keel_is_none(keel_limiter_stats("logins")));
}

SIMULATED_TEST("who waits as long as told is let through, and not a millisecond before")
{
    for (size_t i = 0; i < KEEL_COUNT(kinds); i++) {
        keel_pid limiter = start(
                (keel_limiter_opts){.kind = kinds[i], .limit = 7, .per = KEEL_SECONDS(10)});
        for (int j = 0; j < 100; j++) {
            uint32_t cost = 1 + (uint32_t)(keel_random() % 7);
            keel_duration wait;
            if (keel_limiter_check_cost("logins", keel_int(1), cost, &wait) == KEEL_OK) {
                continue;
            }
            keel_sleep(wait - KEEL_MS(1));
            CHECK_INT(keel_limiter_check_cost("logins", keel_int(1), cost, NULL),
                    KEEL_E_OVERLOAD);
            keel_sleep(KEEL_MS(1));
            CHECK_OK(keel_limiter_check_cost("logins", keel_int(1), cost, NULL));
        }
        stop(limiter);
    }
}

SIMULATED_TEST("idle keys go, used ones stay")
{
    for (size_t i = 0; i < KEEL_COUNT(kinds); i++) {
        keel_pid limiter = start((keel_limiter_opts){
                .kind = kinds[i], .limit = 10, .per = KEEL_SECONDS(10)});
        for (int j = 0; j < 1000; j++) {
            CHECK_OK(keel_limiter_check_cost("logins", keel_int(j), 10, NULL));
        }
        for (int round = 0; round < 33; round++) {
            CHECK(keel_limiter_check("logins", keel_string("busy"), NULL) != KEEL_E_NOPROC);
            keel_sleep(KEEL_MS(900));
        }
        CHECK_INT(keel_limiter_size("logins"), 1);
        keel_sleep(KEEL_SECONDS(12)); // idle for a second
        CHECK_INT(keel_limiter_size("logins"), 0);
        CHECK_TERM(keel_limiter_stats("logins"), "#{dropped := 1001}");
        stop(limiter);
    }
}

enum { MANY_KEYS = 1000000 };

THREADS_TEST("a million keys, and none is left when they are idle", .timeout_s = 120)
{
    keel_pid limiter = start((keel_limiter_opts){.limit = 1000, .per = KEEL_SECONDS(1)});
    for (int i = 0; i < MANY_KEYS; i++) {
        CHECK_OK(keel_limiter_check_cost("logins", keel_int(i), 1000, NULL));
        // As much again would take a second to come back.
        CHECK_INT(i % 100000 == 0 && keel_limiter_check_cost(
                                             "logins", keel_int(i), 1000, NULL) == KEEL_OK,
                0);
    }
    keel_deadline late = SOON;
    while (keel_limiter_size("logins") > 0 && !keel_deadline_passed(late)) {
        keel_sleep(KEEL_MS(10));
    }
    CHECK_INT(keel_limiter_size("logins"), 0);
    CHECK_TERM(keel_limiter_stats("logins"), "#{allowed := 1000000}");
    stop(limiter);
}

static void check_all_day(keel_term allowed)
{
    int64_t *count = keel_to_pointer(allowed, NULL);
    for (int i = 0; i < 2000; i++) {
        keel_status status = keel_limiter_check("logins", keel_atom(all), NULL);
        __atomic_fetch_add(count, status == KEEL_OK, __ATOMIC_RELAXED);
    }
}

PROCESS_TEST("many who share a key share its limit")
{
    enum { USERS = 5 };
    for (size_t i = 0; i < KEEL_COUNT(kinds); i++) {
        int64_t allowed = 0;
        keel_ref monitor[USERS];
        keel_pid limiter = start((keel_limiter_opts){
                .kind = kinds[i], .limit = 1000, .per = KEEL_MINUTES(60)});
        for (int j = 0; j < USERS; j++) {
            keel_spawn_monitor(check_all_day, keel_pointer(&allowed), &monitor[j]);
        }
        for (int j = 0; j < USERS; j++) {
            CHECK_TERM(await_down(monitor[j]), "normal");
        }
        CHECK(allowed >= 1000 && allowed <= 1003); // what a bucket fills meanwhile
        stop(limiter);
    }
}

PROCESS_TEST("a limiter is a child like others")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {keel_limiter_child(.name = keel_atom(logins), .limit = 1,
            .per = KEEL_MINUTES(1))};
    keel_pid tree = keel_started_or_exit(keel_supervisor_start_link(children, 1));
    CHECK_OK(keel_limiter_check("logins", keel_int(1), NULL));
    CHECK_INT(keel_limiter_check("logins", keel_int(1), NULL), KEEL_E_OVERLOAD);
    keel_term stats;
    CHECK_OK(keel_call("logins", keel_atom(stats), &stats));
    CHECK_TERM(stats, "#{algorithm := token_bucket, refused := 1}");
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
}

static void check_what_dies(keel_term times)
{
    for (int64_t i = keel_to_int(times); i > 0; i--) {
        keel_term key = keel_int((int64_t)(keel_random() % 20));
        keel_status status = keel_limiter_check("logins", key, NULL);
        CHECK(status == KEEL_OK || status == KEEL_E_OVERLOAD || status == KEEL_E_NOPROC);
        keel_yield();
    }
}

PROCESS_TEST("a limiter may be killed at any moment, and whoever asks it goes on")
{
    enum { USERS = 4, KILLS = 30 };
    keel_trap_exit(true);
    for (size_t kind = 0; kind < KEEL_COUNT(kinds); kind++) {
        keel_child_spec children[] = {keel_limiter_child(.name = keel_atom(logins),
                .kind = kinds[kind], .limit = 3, .per = KEEL_MS(5))};
        keel_pid tree = keel_started_or_exit(
                keel_supervisor_start_link(children, 1, .intensity = 1000));
        keel_ref monitor[USERS];
        for (int i = 0; i < USERS; i++) {
            keel_spawn_monitor(check_what_dies, keel_int(2000), &monitor[i]);
        }
        for (int i = 0; i < KILLS; i++) {
            keel_sleep(KEEL_US(keel_random() % 300));
            keel_process_exit(keel_whereis("logins"), keel_atom(kill));
        }
        for (int i = 0; i < USERS; i++) {
            CHECK_TERM(await_down(monitor[i]), "normal");
        }
        CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
        EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
    }
}
