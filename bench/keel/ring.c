#include "bench.h"

#include <stdio.h>

// Rings of processes that pass tokens on: of 503, and of growing size.

#define RING 503
#define GROWTH_MAX 1000000
#define PROCESSES_PER_TOKEN 10

// Pids in the order of the ring.
struct ring {
    keel_pid *nodes;
    size_t size;
    size_t step; // a token starts at every node that `step` divides
};

struct node {
    keel_pid next;
    keel_pid bench;
};

static keel_next pass_on(void *state, const keel_message *message)
{
    struct node *node = state;
    int64_t left;
    if (keel_match(message->body, "{token, N}", &left)) {
        if (left == 1) {
            keel_send(node->bench, keel_atom(done));
        } else {
            keel_send(node->next, keel_make("{token, N}", left - 1));
        }
    } else if (keel_is(message->body, stop)) {
        return keel_next_exit(keel_atom(normal));
    } else {
        KEEL_ASSERT(keel_match(
                message->body, "{next, Next, Bench}", &node->next, &node->bench));
    }
    return keel_next_wait();
}

static const keel_handler ring_node = {
        .name = "ring_node",
        .state_bytes = sizeof(struct node),
        .start = bench_wait,
        .receive = pass_on,
};

// Links the nodes in the order they have in `nodes`.
static void close_ring(const struct ring *ring)
{
    for (size_t i = 0; i < ring->size; i++) {
        keel_scope scope = keel_scope_open();
        keel_pid next = ring->nodes[(i + 1) % ring->size];
        keel_send(ring->nodes[i], keel_make("{next, Next, Bench}", next, keel_self()));
        keel_scope_close(&scope);
        bench_give_way(i);
    }
}

static struct ring start_ring(size_t size, size_t step)
{
    struct ring ring = {keel_alloc(size * sizeof(keel_pid)), size, step};
    for (size_t i = 0; i < size; i++) {
        ring.nodes[i] = bench_spawn(&ring_node, KEEL_NONE);
        bench_give_way(i);
    }
    return ring;
}

static void pass_tokens(void *context, uint64_t hops)
{
    const struct ring *ring = context;
    keel_scope scope = keel_scope_open();
    keel_term token = keel_make("{token, Hops}", hops);
    uint64_t tokens = 0;
    for (size_t i = 0; i < ring->size; i += ring->step) {
        keel_send(ring->nodes[i], token);
        tokens++;
        bench_give_way(tokens);
    }
    keel_scope_close(&scope);
    bench_collect(keel_atom(done), tokens);
}

void bench_ring(const char *name, uint64_t count)
{
    struct ring ring = start_ring(RING, RING);
    close_ring(&ring);
    bench_print_per_item(name, bench_measure(count, pass_tokens, &ring), count);
}

// --- growth ---

static void shuffle(keel_pid *pids, size_t count)
{
    uint32_t seed = 42;
    for (size_t i = count - 1; i > 0; i--) {
        seed = bench_random(seed);
        size_t j = seed / 8 % (i + 1);
        keel_pid other = pids[j];
        pids[j] = pids[i];
        pids[i] = other;
    }
}

static void stop_ring(struct ring *ring)
{
    for (size_t i = 0; i < ring->size; i++) {
        keel_scope scope = keel_scope_open();
        keel_ref monitor = keel_monitor(ring->nodes[i]);
        keel_unlink(ring->nodes[i]);
        keel_send(ring->nodes[i], keel_atom(stop));
        keel_status status = keel_receive_match(
                KEEL_NEVER, "{'DOWN', ^Ref, _, _, _}", monitor);
        KEEL_ASSERT(status == KEEL_OK);
        keel_scope_close(&scope);
    }
    keel_free(ring->nodes);
}

// Tokens go round rings in random order, one token for every ten processes, so that the
// load grows with their number: up to as many processes as there are messages.
void bench_growth(const char *name, uint64_t count)
{
    for (size_t size = 10; size <= count && size <= GROWTH_MAX; size *= 10) {
        struct ring ring = start_ring(size, PROCESSES_PER_TOKEN);
        shuffle(ring.nodes, size);
        close_ring(&ring);

        uint64_t tokens = size / PROCESSES_PER_TOKEN;
        uint64_t hops = bench_share(count, tokens);
        int64_t took = bench_measure(hops, pass_tokens, &ring);
        char line[64];
        snprintf(line, sizeof line, "%s_%zu", name, size);
        bench_print_per_item(line, took, hops * tokens);
        stop_ring(&ring);
    }
}
