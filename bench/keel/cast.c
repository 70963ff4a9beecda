#include "bench.h"

#include <string.h>

// Casts: floods from one and from eight senders, and larger payloads.

#define SENDERS 8
#define ORDER_ID 12345
#define ORDER_ITEMS 9

struct flood {
    keel_term server;
    keel_term message;
    uint64_t senders;
    int64_t each; // what the server adds up for one message
};

// The body of a sender; its argument is {Server, Message, Count, Bench}.
static void send_casts(keel_term arguments)
{
    keel_term server = keel_element(arguments, 0);
    keel_term message = keel_element(arguments, 1);
    int64_t count = keel_to_int(keel_element(arguments, 2));
    for (int64_t i = 0; i < count; i++) {
        keel_cast(server, message);
    }
    keel_send(keel_element(arguments, 3), keel_atom(sent));
}

static void flood(void *context, uint64_t count)
{
    const struct flood *flood = context;
    uint64_t share = bench_share(count, flood->senders);
    keel_term arguments = keel_tuple_of(
            flood->server, flood->message, keel_uint(share), keel_from_pid(keel_self()));
    for (uint64_t i = 0; i < flood->senders; i++) {
        keel_spawn_link(send_casts, arguments);
    }
    bench_collect(keel_atom(sent), flood->senders);

    keel_term sum;
    keel_status status = keel_call_within(flood->server, keel_atom(sum), KEEL_NEVER, &sum);
    KEEL_ASSERT(status == KEEL_OK);
    KEEL_ASSERT(keel_to_int(sum) == flood->each * (int64_t)(share * flood->senders));
}

static void measure_flood(
        const char *name, uint64_t count, uint64_t senders, keel_term message, int64_t each)
{
    struct flood context = {
            .server = keel_from_pid(bench_start(KEEL_NONE, KEEL_NONE)),
            .message = message,
            .senders = senders,
            .each = each,
    };
    bench_print_per_second(name, bench_measure(count, flood, &context), count);
}

void bench_cast(const char *name, uint64_t count)
{
    measure_flood(name, count, 1, keel_make("{add, 1}"), 1);
}

void bench_fan_in(const char *name, uint64_t count)
{
    measure_flood(name, count, SENDERS, keel_make("{add, 1}"), 1);
}

void bench_payload_64k(const char *name, uint64_t count)
{
    uint8_t *bytes;
    keel_term binary = keel_binary_new(65536, &bytes);
    memset(bytes, 7, 65536);
    measure_flood(name, count, 1, keel_make("{data, Bytes}", binary), 65536);
}

// A nested term of 1 KB on the BEAM's heap.
static keel_term make_order(void)
{
    keel_term items = keel_nil();
    for (int i = ORDER_ITEMS; i > 0; i--) {
        keel_term item = keel_make("{item, I, Sku, Price, Weight}", i,
                keel_format("sku-%d", 1000 + i), 3 * i, i + 0.5);
        items = keel_cons(item, items);
    }
    return keel_make("{order, Id, Customer, Items}", ORDER_ID, "customer-000042", items);
}

void bench_payload_1k(const char *name, uint64_t count)
{
    measure_flood(name, count, 1, make_order(), ORDER_ID);
}
