// Caches.

#include "proc/proc_testing.h"
#include <keel/parts/cache.h>

#define PAGES keel_atom(pages)

static keel_pid start(keel_cache_opts opts)
{
    opts.name = PAGES;
    keel_trap_exit(true);
    return keel_started_or_exit(keel_cache_start_link_opt(&opts));
}

static void stop(keel_pid cache)
{
    CHECK_OK(keel_gen_server_stop(cache, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Cache, normal}", cache);
}

static int64_t figure(const char *name)
{
    keel_term key;
    CHECK_OK(keel_atom_from(name, __builtin_strlen(name), &key));
    return keel_to_int(keel_map_get(keel_cache_stats("pages"), key));
}

PROCESS_TEST("what was put is got, until it is deleted")
{
    keel_pid cache = start((keel_cache_opts){0});
    CHECK(keel_is_none(keel_cache_get("pages", keel_int(1))));
    CHECK_OK(keel_cache_put("pages", keel_int(1), keel_make("{page, <<\"one\">>}")));
    CHECK_OK(keel_cache_put(PAGES, keel_make("{a, [1]}"), keel_int(2)));
    CHECK_TERM(keel_cache_get("pages", keel_int(1)), "{page, <<\"one\">>}");
    CHECK_TERM(keel_cache_get("pages", keel_make("{a, [1]}")), "2");
    CHECK(keel_is_none(keel_cache_get("pages", keel_float(1.0))));
    CHECK_OK(keel_cache_put("pages", keel_int(1), keel_atom(other)));
    CHECK_TERM(keel_cache_get("pages", keel_int(1)), "other");
    CHECK_INT(keel_cache_size("pages"), 2);
    CHECK(keel_cache_delete("pages", keel_int(1)));
    CHECK(!keel_cache_delete("pages", keel_int(1)));
    CHECK(!keel_cache_has("pages", keel_int(1)));
    CHECK_TERM(keel_cache_stats("pages"),
            "#{kind := cache, size := 1, hits := 3, misses := 2, hit_rate := 0.6,"
            " puts := 3, deleted := 1, expired := 0}");
    CHECK_OK(keel_cache_clear("pages"));
    CHECK_INT(keel_cache_size("pages"), 0);
    stop(cache);
}

PROCESS_TEST("a cache that does not run misses everything")
{
    CHECK(keel_is_none(keel_cache_get("nowhere", keel_int(1))));
    CHECK_INT(keel_cache_put("nowhere", keel_int(1), keel_int(1)), KEEL_E_NOPROC);
    keel_pid cache = start((keel_cache_opts){0});
    CHECK_OK(keel_cache_put("pages", keel_int(1), keel_int(1)));
    keel_process_exit(cache, keel_atom(kill));
    EXPECT_MESSAGE("{'EXIT', ^Cache, killed}", cache);
    CHECK(keel_is_none(keel_cache_get("pages", keel_int(1))));
    CHECK_INT(keel_cache_put("pages", keel_int(1), keel_int(1)), KEEL_E_NOPROC);
    CHECK_INT(keel_cache_clear("pages"), KEEL_E_NOPROC);
    CHECK(keel_is_none(keel_cache_stats("pages")));
    cache = start((keel_cache_opts){0});
    CHECK(keel_is_none(keel_cache_get("pages", keel_int(1))));
    stop(cache);
}

PROCESS_TEST("options that are wrong are refused")
{
    CHECK_INT(keel_cache_start_link(.ttl = 1).status, KEEL_E_BADARG);
    keel_started started = keel_cache_start_link(.name = PAGES, .ttl = -1);
    CHECK_INT(started.status, KEEL_E_BADARG);
    CHECK_TERM(started.reason, "{badarg, ttl}");
    keel_pid cache = start((keel_cache_opts){0});
    CHECK_INT(keel_cache_put("pages", KEEL_NONE, keel_int(1)), KEEL_E_BADARG);
    CHECK_INT(keel_cache_put("pages", keel_int(1), KEEL_NONE), KEEL_E_BADARG);
    CHECK_INT(keel_cache_put("pages", keel_int(1), keel_int(1), .ttl = -1), KEEL_E_BADARG);
    stop(cache);
}

SIMULATED_TEST("entries go when their time is over, read or not")
{
    keel_pid cache = start((keel_cache_opts){.ttl = KEEL_SECONDS(10)});
    CHECK_OK(keel_cache_put("pages", keel_int(1), keel_int(1)));
    CHECK_OK(keel_cache_put("pages", keel_int(2), keel_int(2), .ttl = KEEL_SECONDS(3)));
    CHECK_OK(keel_cache_put("pages", keel_int(3), keel_int(3), .ttl = KEEL_FOREVER));
    keel_duration left;
    CHECK(keel_cache_ttl("pages", keel_int(2), &left));
    CHECK(left > KEEL_SECONDS(2) && left <= KEEL_SECONDS(3));
    CHECK(keel_cache_ttl("pages", keel_int(3), &left));
    CHECK(left == KEEL_FOREVER);
    keel_sleep(KEEL_MS(2990));
    CHECK_INT(keel_cache_size("pages"), 3);
    keel_sleep(KEEL_MS(30));
    CHECK_INT(keel_cache_size("pages"), 2); // nobody has read it
    CHECK(keel_is_none(keel_cache_get("pages", keel_int(2))));
    keel_sleep(KEEL_SECONDS(8));
    CHECK(keel_is_none(keel_cache_get("pages", keel_int(1))));
    CHECK_TERM(keel_cache_get("pages", keel_int(3)), "3");
    CHECK_INT(figure("expired"), 2);
    CHECK_INT(keel_cache_size("pages"), 1);
    stop(cache);
}

SIMULATED_TEST("an entry put anew has its time anew")
{
    keel_pid cache = start((keel_cache_opts){.ttl = KEEL_SECONDS(10)});
    for (int i = 0; i < 20; i++) {
        CHECK_OK(keel_cache_put("pages", keel_int(1), keel_int(i)));
        keel_sleep(KEEL_SECONDS(6));
        CHECK_INT(keel_to_int(keel_cache_get("pages", keel_int(1))), i);
    }
    keel_sleep(KEEL_SECONDS(5));
    CHECK_INT(keel_cache_size("pages"), 0);
    stop(cache);
}

SIMULATED_TEST("thousands of entries go in the order of their times")
{
    enum { ENTRIES = 1000 };
    keel_pid cache = start((keel_cache_opts){0});
    for (int i = 0; i < ENTRIES; i++) {
        keel_duration ttl = KEEL_SECONDS(keel_random() % 100 + 1);
        CHECK_OK(keel_cache_put("pages", keel_int(i), keel_int(ttl), .ttl = ttl));
        if (i % 3 == 0) {
            keel_cache_delete("pages", keel_int(i / 2));
        }
    }
    for (int second = 1; second <= 101; second++) {
        keel_sleep(KEEL_SECONDS(1));
        keel_sleep(KEEL_MS(15));
        for (int i = 0; i < ENTRIES; i++) {
            keel_duration left;
            CHECK(!keel_cache_ttl("pages", keel_int(i), &left) || left > 0);
        }
    }
    CHECK_INT(keel_cache_size("pages"), 0);
    stop(cache);
}

PROCESS_TEST("a full cache makes room by taking what was not used for longest")
{
    keel_pid cache = start((keel_cache_opts){.max_entries = 3});
    for (int i = 1; i <= 3; i++) {
        CHECK_OK(keel_cache_put("pages", keel_int(i), keel_int(i)));
    }
    CHECK_TERM(keel_cache_get("pages", keel_int(1)), "1");
    CHECK_OK(keel_cache_put("pages", keel_int(3), keel_int(3))); // there already
    CHECK_INT(figure("evicted"), 0);
    CHECK_OK(keel_cache_put("pages", keel_int(4), keel_int(4)));
    CHECK(!keel_cache_has("pages", keel_int(2)));
    CHECK_OK(keel_cache_put("pages", keel_int(5), keel_int(5)));
    CHECK(!keel_cache_has("pages", keel_int(1)));
    CHECK_INT(keel_cache_size("pages"), 3);
    CHECK_INT(figure("evicted"), 2);
    stop(cache);
}

PROCESS_TEST("a large cache never grows over its limit")
{
    keel_pid cache = start((keel_cache_opts){.max_entries = 5000});
    for (int i = 0; i < 20000; i++) {
        CHECK_OK(keel_cache_put("pages", keel_int(i), keel_int(i)));
    }
    size_t size = keel_cache_size("pages");
    CHECK(size <= 5000 && size > 4000);
    CHECK_INT(figure("evicted"), 20000 - size);
    stop(cache);
}

// --- fetching ---

static int computed; // set by each body

static keel_term twice(keel_term key, keel_term unused)
{
    (void)unused;
    __atomic_fetch_add(&computed, 1, __ATOMIC_SEQ_CST);
    keel_yield();
    return keel_int(2 * keel_to_int(key));
}

static void fetch_twice(keel_term number)
{
    keel_term value;
    CHECK_OK(keel_cache_fetch("pages", number, &value, twice));
    CHECK_INT(keel_to_int(value), 2 * keel_to_int(number));
}

PROCESS_TEST("however many ask, a value is computed once")
{
    enum { ASKERS = 30 };
    computed = 0;
    keel_pid cache = start((keel_cache_opts){0});
    keel_ref monitor[ASKERS];
    for (int i = 0; i < ASKERS; i++) {
        keel_spawn_monitor(fetch_twice, keel_int(i % 3), &monitor[i]);
    }
    for (int i = 0; i < ASKERS; i++) {
        CHECK_TERM(await_down(monitor[i]), "normal");
    }
    CHECK_INT(computed, 3);
    CHECK_TERM(keel_cache_get("pages", keel_int(2)), "4");
    CHECK_INT(figure("computed"), 3);
    stop(cache);
}

static keel_term give_nothing(keel_term key, keel_term unused)
{
    (void)key;
    (void)unused;
    return KEEL_NONE;
}

static keel_term leave(keel_term key, keel_term reason)
{
    (void)key;
    keel_exit(reason);
}

PROCESS_TEST("a computation that fails or gives nothing says so and keeps nothing")
{
    keel_pid cache = start((keel_cache_opts){0});
    keel_term value = keel_atom(untouched);
    CHECK_INT(keel_cache_fetch("pages", keel_int(1), &value, give_nothing), KEEL_E_REFUSED);
    CHECK_TERM(value, "untouched");
    CHECK_INT(keel_cache_fetch("pages", keel_int(1), &value, leave,
                      .argument = keel_make("{shutdown, oops}")),
            KEEL_E_EXIT);
    CHECK_TERM(value, "{shutdown, oops}");
    CHECK_INT(keel_cache_size("pages"), 0);
    CHECK_OK(keel_cache_fetch("pages", keel_int(1), &value, twice));
    CHECK_INT(keel_cache_fetch("nowhere", keel_int(1), &value, twice), KEEL_E_NOPROC);
    stop(cache);
}

static keel_term slowly(keel_term key, keel_term argument)
{
    (void)key;
    keel_sleep(KEEL_SECONDS(10));
    return argument;
}

SIMULATED_TEST("a computation goes on when nobody waits any more")
{
    keel_pid cache = start((keel_cache_opts){0});
    keel_term value;
    CHECK_INT(keel_cache_fetch("pages", keel_int(1), &value, slowly, .argument = PAGES,
                      .timeout = KEEL_SECONDS(1)),
            KEEL_E_TIMEOUT);
    keel_sleep(KEEL_SECONDS(10));
    CHECK_TERM(keel_cache_get("pages", keel_int(1)), "pages");
    stop(cache);
}

static void fetch_slowly(keel_term argument)
{
    keel_term value;
    CHECK_OK(keel_cache_fetch("pages", keel_int(1), &value, slowly, .argument = argument,
            .timeout = KEEL_FOREVER));
    CHECK_EQUAL(value, argument);
}

SIMULATED_TEST("what is deleted or put while it is computed is not overwritten")
{
    keel_pid cache = start((keel_cache_opts){0});
    keel_ref monitor;
    keel_spawn_monitor(fetch_slowly, keel_atom(first), &monitor);
    keel_sleep(KEEL_SECONDS(5));
    CHECK(!keel_cache_delete("pages", keel_int(1)));
    keel_ref second;
    keel_spawn_monitor(fetch_slowly, keel_atom(second), &second);
    CHECK_TERM(await_down(monitor), "normal");
    CHECK(!keel_cache_has("pages", keel_int(1))); // the first came too late
    CHECK_TERM(await_down(second), "normal");
    CHECK_TERM(keel_cache_get("pages", keel_int(1)), "second");
    keel_cache_delete("pages", keel_int(1));
    keel_spawn_monitor(fetch_slowly, keel_atom(third), &monitor);
    keel_sleep(KEEL_SECONDS(1));
    CHECK_OK(keel_cache_put("pages", keel_int(1), keel_atom(newer)));
    CHECK_TERM(await_down(monitor), "normal");
    CHECK_TERM(keel_cache_get("pages", keel_int(1)), "newer");
    stop(cache);
}

SIMULATED_TEST("a cache that ends takes its computations along")
{
    size_t before = process_count();
    keel_pid cache = start((keel_cache_opts){0});
    keel_ref monitor;
    keel_pid asker = keel_spawn_monitor(fetch_slowly, keel_atom(x), &monitor);
    keel_sleep(KEEL_SECONDS(1));
    keel_process_exit(asker, keel_atom(kill));
    CHECK_TERM(await_down(monitor), "killed");
    keel_process_exit(cache, keel_atom(kill));
    EXPECT_MESSAGE("{'EXIT', ^Cache, killed}", cache);
    keel_sleep(KEEL_MS(1));
    CHECK_INT(process_count(), before);
}

// --- warming ---

static void fill(keel_term cache, keel_term argument)
{
    int64_t count = keel_to_int(keel_cache_get(cache, keel_atom(runs)));
    KEEL_ASSERT(keel_cache_put(cache, keel_atom(runs), keel_int(count + 1)) == KEEL_OK);
    if (count == 3) {
        keel_exit(keel_atom(shutdown));
    }
    keel_sleep(keel_to_int(argument));
}

SIMULATED_TEST("a warmer fills the cache on a schedule, one run at a time")
{
    keel_pid cache = start((keel_cache_opts){.warm = fill,
            .warm_every = KEEL_MINUTES(5),
            .warm_argument = keel_int(KEEL_MINUTES(7))});
    keel_sleep(KEEL_MINUTES(1));
    CHECK_TERM(keel_cache_get("pages", keel_atom(runs)), "1");
    keel_sleep(KEEL_MINUTES(5)); // it still runs
    CHECK_TERM(keel_cache_get("pages", keel_atom(runs)), "1");
    keel_sleep(KEEL_MINUTES(5));
    CHECK_TERM(keel_cache_get("pages", keel_atom(runs)), "2");
    keel_sleep(KEEL_MINUTES(25)); // the fourth has failed, at 30, the fifth ran at 35
    CHECK_TERM(keel_cache_get("pages", keel_atom(runs)), "5");
    stop(cache);
}

PROCESS_TEST("a cache is a child like others and comes back empty")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {
            keel_cache_child(.name = PAGES, .ttl = KEEL_MINUTES(1), .max_entries = 7)};
    keel_pid tree = keel_started_or_exit(keel_supervisor_start_link(children, 1));
    CHECK_OK(keel_cache_put("pages", keel_int(1), keel_int(1)));
    CHECK_INT(figure("max_entries"), 7);
    keel_pid first = keel_whereis("pages");
    keel_term stats;
    CHECK_OK(keel_call("pages", keel_atom(stats), &stats));
    CHECK_TERM(stats, "#{size := 1}");
    end_process(first);
    while (keel_whereis("pages").word == 0) {
        keel_yield();
    }
    CHECK_OK(keel_sys_get_state("pages", &stats));
    CHECK_INT(keel_cache_size("pages"), 0);
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
}

// --- many at once ---

static keel_term sum_key(keel_term key, keel_term argument)
{
    (void)argument;
    return keel_make(
            "{value, Key, <<\"some text that is longer than sixty-four bytes, to be"
            " shared rather than copied\">>}",
            key);
}

static void use_at_random(keel_term rounds)
{
    for (int64_t i = keel_to_int(rounds); i > 0; i--) {
        keel_scope scope = keel_scope_open();
        keel_term key = keel_int((int64_t)(keel_random() % 100)), value;
        switch (keel_random() % 8) {
        case 0:
            keel_cache_delete("pages", key);
            break;
        case 1:
            KEEL_ASSERT(keel_cache_put("pages", key, sum_key(key, key),
                                .ttl = KEEL_MS(1)) == KEEL_OK);
            break;
        case 2:
            KEEL_ASSERT(keel_cache_fetch("pages", key, &value, sum_key) == KEEL_OK);
            KEEL_ASSERT(keel_match(value, "{value, ^Key, _}", key));
            break;
        default:
            value = keel_cache_get("pages", key);
            KEEL_ASSERT(keel_is_none(value) || keel_match(value, "{value, ^Key, _}", key));
        }
        keel_scope_close(&scope);
    }
}

PROCESS_TEST("many that use a cache at once see whole values under the right keys")
{
    enum { USERS = 6 };
    keel_pid cache = start((keel_cache_opts){.max_entries = 60});
    keel_ref monitor[USERS];
    for (int i = 0; i < USERS; i++) {
        keel_spawn_monitor(use_at_random, keel_int(1000), &monitor[i]);
    }
    for (int i = 0; i < USERS; i++) {
        CHECK_TERM(await_down(monitor[i]), "normal");
    }
    CHECK(keel_cache_size("pages") <= 60);
    stop(cache);
}

// Kills what has the name, again and again, while its supervisor starts it anew.
static void keep_killing(keel_term times)
{
    for (int64_t i = keel_to_int(times); i > 0; i--) {
        keel_sleep(KEEL_US(keel_random() % 500));
        keel_process_exit(keel_whereis("pages"), keel_atom(kill));
    }
}

static void use_what_dies(keel_term rounds)
{
    for (int64_t i = keel_to_int(rounds); i > 0; i--) {
        keel_scope scope = keel_scope_open();
        keel_term key = keel_int((int64_t)(keel_random() % 20)), value = KEEL_NONE;
        keel_status status = KEEL_OK;
        switch (keel_random() % 4) {
        case 0:
            status = keel_cache_put("pages", key, sum_key(key, key), .ttl = KEEL_MS(1));
            break;
        case 1:
            status = keel_cache_fetch("pages", key, &value, sum_key);
            break;
        default:
            value = keel_cache_get("pages", key);
        }
        CHECK(status == KEEL_OK || status == KEEL_E_NOPROC || status == KEEL_E_EXIT);
        CHECK(status != KEEL_OK || keel_is_none(value) ||
                keel_match(value, "{value, ^Key, _}", key));
        keel_scope_close(&scope);
        keel_yield();
    }
}

PROCESS_TEST("a cache may be killed at any moment, and whoever uses it goes on")
{
    enum { USERS = 4 };
    keel_trap_exit(true);
    keel_child_spec children[] = {keel_cache_child(.name = PAGES, .max_entries = 15)};
    keel_pid tree = keel_started_or_exit(
            keel_supervisor_start_link(children, 1, .intensity = 1000));
    keel_ref monitor[USERS + 1];
    keel_spawn_monitor(keep_killing, keel_int(30), &monitor[USERS]);
    for (int i = 0; i < USERS; i++) {
        keel_spawn_monitor(use_what_dies, keel_int(300), &monitor[i]);
    }
    for (int i = 0; i <= USERS; i++) {
        CHECK_TERM(await_down(monitor[i]), "normal");
    }
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
}
