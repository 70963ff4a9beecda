#include "bench.h"

#include <stdio.h>
#include <string.h>

// Calls: one server, many servers by name or by the key of a registry.

#define NAMED 10000

static void call_many(void *server, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        bench_call(*(keel_term *)server, (int64_t)i);
    }
}

void bench_call_one(const char *name, uint64_t count)
{
    keel_term server = keel_from_pid(bench_start(KEEL_NONE, KEEL_NONE));
    bench_print_per_item(name, bench_measure(count, call_many, &server), count);
}

static void call_named(void *names, uint64_t count)
{
    uint32_t seed = 42;
    for (uint64_t i = 0; i < count; i++) {
        bench_call(((keel_term *)names)[seed / 8 % NAMED], (int64_t)i);
        seed = bench_random(seed);
    }
}

void bench_call_named(const char *name, uint64_t count)
{
    keel_term *names = keel_alloc(NAMED * sizeof *names);
    for (int i = 0; i < NAMED; i++) {
        char text[32];
        snprintf(text, sizeof text, "server_%d", i);
        keel_status status = keel_atom_from(text, strlen(text), &names[i]);
        KEEL_ASSERT(status == KEEL_OK);
        bench_start(KEEL_NONE, names[i]);
    }
    bench_print_per_item(name, bench_measure(count, call_named, names), count);
}

// Keys are numbers; the names are made anew for each call, as programs do.
static void call_registered(void *context, uint64_t count)
{
    (void)context;
    uint32_t seed = 42;
    for (uint64_t i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        keel_term key = keel_int(seed / 8 % NAMED);
        bench_call(keel_registry_via(keel_atom(servers), key), (int64_t)i);
        keel_scope_close(&scope);
        seed = bench_random(seed);
    }
}

void bench_call_registry(const char *name, uint64_t count)
{
    keel_started_or_exit(
            keel_registry_start_link(.name = keel_atom(servers), .keys = KEEL_UNIQUE));
    for (int i = 0; i < NAMED; i++) {
        bench_start(KEEL_NONE, keel_registry_via(keel_atom(servers), keel_int(i)));
    }
    bench_print_per_item(name, bench_measure(count, call_registered, NULL), count);
}
