#include "bench.h"

#include <keel/parts/cache.h>
#include <keel/parts/limiter.h>
#include <keel/parts/pool.h>

// Ready-made servers: a cache, a rate limiter, a pool of connections.

enum { KEYS = 10000 };

static keel_term next_key(uint32_t *seed)
{
    *seed = bench_random(*seed);
    return keel_int((*seed >> 8) % KEYS);
}

static void put_all(void *context, uint64_t count)
{
    uint32_t seed = 1;
    (void)context;
    for (uint64_t i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        keel_term key = next_key(&seed);
        KEEL_ASSERT(keel_cache_put(keel_atom(bench_cache), key,
                            keel_make("{user, Key, <<\"anna\">>, 42}", key)) == KEEL_OK);
        keel_scope_close(&scope);
        bench_give_way(i);
    }
}

static void get_all(void *context, uint64_t count)
{
    uint32_t seed = 1;
    (void)context;
    for (uint64_t i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        keel_term key = next_key(&seed);
        keel_term value = keel_cache_get(keel_atom(bench_cache), key);
        KEEL_ASSERT(keel_element(value, 1).word == key.word);
        keel_scope_close(&scope);
        bench_give_way(i);
    }
}

void bench_cache(const char *name, uint64_t count)
{
    (void)name;
    keel_started_or_exit(
            keel_cache_start_link(.name = keel_atom(bench_cache), .ttl = KEEL_MINUTES(10)));
    for (int i = 0; i < KEYS; i++) {
        keel_term value = keel_make("{user, Key, <<\"anna\">>, 42}", i);
        KEEL_ASSERT(keel_cache_put(keel_atom(bench_cache), keel_int(i), value) == KEEL_OK);
    }
    bench_print_per_item("cache_put", bench_measure(count, put_all, NULL), count);
    bench_print_per_item("cache_get", bench_measure(count, get_all, NULL), count);
}

static void check_all(void *context, uint64_t count)
{
    uint32_t seed = 1;
    (void)context;
    for (uint64_t i = 0; i < count; i++) {
        keel_status status = keel_limiter_check(
                keel_atom(bench_limiter), next_key(&seed), NULL);
        KEEL_ASSERT(status == KEEL_OK);
        bench_give_way(i);
    }
}

void bench_limiter(const char *name, uint64_t count)
{
    keel_started_or_exit(keel_limiter_start_link(.name = keel_atom(bench_limiter),
            .limit = 100000000, .per = KEEL_MINUTES(1)));
    bench_print_per_item(name, bench_measure(count, check_all, NULL), count);
}

static void *open_one(keel_term argument, keel_term *ret_reason)
{
    static char connections[10];
    static int opened;
    (void)argument;
    (void)ret_reason;
    return &connections[__atomic_fetch_add(&opened, 1, __ATOMIC_RELAXED) % 10];
}

static void close_one(void *connection)
{
    (void)connection;
}

static const keel_pool_kind connections = {
        .name = "connections", .open = open_one, .close = close_one};

static void borrow_all(void *pool, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        keel_lease lease;
        KEEL_ASSERT(keel_pool_checkout(*(keel_pid *)pool, KEEL_ABOUT(KEEL_SECONDS(5)),
                            &lease) == KEEL_OK);
        keel_pool_checkin(&lease);
    }
}

void bench_pool(const char *name, uint64_t count)
{
    keel_pid pool = keel_started_or_exit(keel_pool_start_link(&connections, .size = 10));
    bench_print_per_item(name, bench_measure(count, borrow_all, &pool), count);
}
