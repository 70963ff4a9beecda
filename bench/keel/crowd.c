#include "bench.h"

// Many at once: pairs that play ping-pong, all to all, one to all.

#define PAIRS 1000
#define BIG 500
#define SUBSCRIBERS 10000

// --- ping-pong ---

static keel_next return_ping(void *state, const keel_message *message)
{
    (void)state;
    keel_pid from;
    int64_t number;
    if (keel_match(message->body, "{ping, From, N}", &from, &number)) {
        keel_send(from, keel_make("{pong, N}", number));
        return keel_next_wait();
    }
    return keel_next_exit(keel_atom(normal));
}

static const keel_handler ponger = {
        .name = "ponger", .start = bench_wait, .receive = return_ping};

struct pinger {
    keel_pid bench;
    keel_pid ponger;
    int64_t left;
};

static keel_next send_ping(struct pinger *pinger)
{
    if (pinger->left == 0) {
        keel_send(pinger->ponger, keel_atom(stop));
        keel_send(pinger->bench, keel_atom(done));
        return keel_next_exit(keel_atom(normal));
    }
    keel_send(pinger->ponger, keel_make("{ping, Self, N}", keel_self(), pinger->left));
    return keel_next_wait();
}

static keel_next start_pinger(void *state, keel_term argument)
{
    struct pinger *pinger = state;
    KEEL_ASSERT(keel_match(argument, "{Bench, Rounds}", &pinger->bench, &pinger->left));
    pinger->ponger = bench_spawn(&ponger, KEEL_NONE);
    return send_ping(pinger);
}

static keel_next take_pong(void *state, const keel_message *message)
{
    struct pinger *pinger = state;
    int64_t number;
    KEEL_ASSERT(keel_match(message->body, "{pong, N}", &number));
    KEEL_ASSERT(number == pinger->left);
    pinger->left--;
    return send_ping(pinger);
}

static const keel_handler pinger = {
        .name = "pinger",
        .state_bytes = sizeof(struct pinger),
        .start = start_pinger,
        .receive = take_pong,
};

static void play(void *context, uint64_t rounds)
{
    (void)context;
    keel_term argument = keel_make("{Bench, Rounds}", keel_self(), rounds);
    for (int i = 0; i < PAIRS; i++) {
        bench_spawn(&pinger, argument);
    }
    bench_collect(keel_atom(done), PAIRS);
}

void bench_ping_pong(const char *name, uint64_t count)
{
    uint64_t rounds = bench_share(count, 2 * PAIRS);
    bench_print_per_second(name, bench_measure(rounds, play, NULL), 2 * PAIRS * rounds);
}

// --- all to all ---

// The pids of all, shared by all: a process sends to every one but itself.
static keel_pid everybody[BIG];

struct member {
    keel_pid bench;
    int pings; // still to come in this round
    int pongs;
};

static void ping_everybody(struct member *member)
{
    keel_pid self = keel_self();
    keel_term ping = keel_make("{ping, Self}", self);
    for (int i = 0; i < BIG; i++) {
        if (everybody[i].word != self.word) {
            keel_send(everybody[i], ping);
        }
    }
    member->pings += BIG - 1;
    member->pongs += BIG - 1;
}

// A ping may come before the member's own `go`: the count then falls below zero and is
// put right by it.
static keel_next take_part(void *state, const keel_message *message)
{
    struct member *member = state;
    keel_pid from;
    if (keel_match(message->body, "{ping, From}", &from)) {
        keel_send(from, keel_atom(pong));
        member->pings--;
    } else if (keel_is(message->body, pong)) {
        member->pongs--;
    } else {
        KEEL_ASSERT(keel_match(message->body, "{go, Bench}", &member->bench));
        ping_everybody(member);
    }
    if (member->pings == 0 && member->pongs == 0) {
        keel_send(member->bench, keel_atom(done));
    }
    return keel_next_wait();
}

static const keel_handler big_member = {
        .name = "big_member",
        .state_bytes = sizeof(struct member),
        .start = bench_wait,
        .receive = take_part,
};

static void run_rounds(void *context, uint64_t rounds)
{
    (void)context;
    keel_term go = keel_make("{go, Bench}", keel_self());
    for (uint64_t i = 0; i < rounds; i++) {
        for (int j = 0; j < BIG; j++) {
            keel_send(everybody[j], go);
        }
        bench_collect(keel_atom(done), BIG);
    }
}

void bench_big(const char *name, uint64_t count)
{
    uint64_t per_round = (uint64_t)2 * BIG * (BIG - 1);
    uint64_t rounds = bench_share(count, per_round);
    for (int i = 0; i < BIG; i++) {
        everybody[i] = bench_spawn(&big_member, KEEL_NONE);
    }
    bench_print_per_second(
            name, bench_measure(rounds, run_rounds, NULL), per_round * rounds);
}

// --- one to all ---

static void publish(void *context, uint64_t rounds)
{
    (void)context;
    for (uint64_t left = rounds; left-- > 0;) {
        keel_scope scope = keel_scope_open();
        keel_term news = keel_make("{news, Topic, Text, Left, Publisher}", "weather",
                "sunny sunny sunny sunny sunny sunny sunny sunny ", left, keel_self());
        keel_pubsub_broadcast(keel_atom(news), keel_atom(weather), news);
        keel_scope_close(&scope);
    }
    bench_collect(keel_make("{received, Rounds}", rounds), SUBSCRIBERS);
}

void bench_broadcast(const char *name, uint64_t count)
{
    uint64_t rounds = bench_share(count, SUBSCRIBERS);
    keel_started_or_exit(keel_pubsub_start_link(.name = keel_atom(news)));
    for (int i = 0; i < SUBSCRIBERS; i++) {
        bench_start(keel_atom(subscribe), KEEL_NONE);
    }
    bench_print_per_item(name, bench_measure(rounds, publish, NULL), rounds * SUBSCRIBERS);
}
