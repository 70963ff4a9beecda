// An hour of torture compressed: minutes under load with random kills, and then the memory
// there was at the start. KEEL_SOAK_SECONDS says how long, 300 unless told.

#include "proc_testing.h"

#include <keel/alloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { CALLERS = 50, PEERS = 4 };

// --- a server that calls others, keeps things, defers answers and crashes now and then ---

struct server {
    keel_term memory; // kept
    keel_from owed; // its tag is kept
};

static keel_next begin(void *state, keel_term argument)
{
    (void)argument;
    struct server *server = state;
    keel_set(&server->memory, keel_make("{started, [1, 2, 3]}"));
    keel_trap_exit(keel_random() % 2 == 0);
    return keel_next_wait();
}

static void pay_owed(struct server *server)
{
    if (!keel_is_none(server->owed.tag)) {
        keel_gen_reply(server->owed, keel_atom(late));
        keel_drop(server->owed.tag);
        server->owed.tag = KEEL_NONE;
    }
}

static void serve_call(struct server *server, const keel_message *message)
{
    switch (keel_random() % 16) {
    case 0:
        pay_owed(server); // answers the one before, and owes this one
        server->owed = (keel_from){message->from.pid, keel_keep(message->from.tag)};
        break;
    case 1:
        keel_exit(keel_atom(tired));
    case 2:
        KEEL_ASSERT(keel_random() % 4 != 0);
        keel_gen_reply(message->from, keel_atom(survived));
        break;
    default:
        keel_set(&server->memory, message->body);
        keel_gen_reply(message->from, message->body);
    }
}

static keel_next receive(void *state, const keel_message *message)
{
    struct server *server = state;
    if (message->kind == KEEL_MESSAGE_CALL) {
        serve_call(server, message);
    } else {
        pay_owed(server);
    }
    return keel_next_wait_until(KEEL_IN(KEEL_MS(20)));
}

static const keel_handler handler = {
        .name = "soaked",
        .state_bytes = sizeof(struct server),
        .start = begin,
        .receive = receive,
};

// --- callers: each starts a server when the one it uses is gone, links and monitors ---

static keel_pid fresh_server(void)
{
    keel_pid pid;
    keel_status status = keel_gen_start(
            &handler, keel_nil(), NULL, KEEL_IN(KEEL_SECONDS(20)), &pid, NULL, NULL);
    CHECK_OK(status);
    return pid;
}

static void use(keel_pid *server)
{
    keel_term reply;
    keel_term request = keel_make(
            "{work, N, Text}", (int64_t)keel_random(), "a binary of some length");
    keel_ref monitor = keel_monitor(*server);
    if (keel_random() % 8 == 0) {
        keel_link(*server);
        keel_unlink(*server);
    }
    keel_ref timer = keel_send_after(KEEL_MS(50), keel_self(), keel_atom(tick));
    keel_status status = keel_gen_call(
            keel_from_pid(*server), request, KEEL_IN(KEEL_MS(30)), &reply);
    CHECK(status == KEEL_OK || status == KEEL_E_EXIT || status == KEEL_E_NOPROC ||
            status == KEEL_E_TIMEOUT);
    keel_cancel_timer(timer, NULL);
    keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH);
    if (keel_random() % 32 == 0) {
        keel_process_exit(*server, keel_atom(kill));
    }
    if (!keel_process_alive(*server)) {
        *server = fresh_server();
    }
}

static void caller(keel_term deadline)
{
    keel_deadline end = keel_deadline_at(keel_to_int(deadline));
    keel_pid servers[PEERS];
    keel_trap_exit(true);
    for (int i = 0; i < PEERS; i++) {
        servers[i] = fresh_server();
    }
    while (!keel_deadline_passed(end)) {
        keel_scope scope = keel_scope_open();
        use(&servers[keel_random() % PEERS]);
        keel_flush();
        keel_scope_close(&scope);
    }
    for (int i = 0; i < PEERS; i++) {
        keel_process_exit(servers[i], keel_atom(kill));
        keel_ref monitor = keel_monitor(servers[i]);
        CHECK_OK(keel_receive_match(
                KEEL_IN(KEEL_SECONDS(20)), "{'DOWN', ^Ref, process, _, _}", monitor));
    }
}

static void silent(const keel_crash *crash)
{
    (void)crash;
}

static int64_t round_ns;
static size_t others; // processes that were there before

static void one_round(void)
{
    int64_t end = keel_now() + round_ns;
    for (int i = 0; i < CALLERS; i++) {
        keel_scope scope = keel_scope_open();
        keel_ref monitor;
        keel_spawn_monitor(caller, keel_int(end), &monitor);
        keel_scope_close(&scope);
    }
    for (int i = 0; i < CALLERS; i++) {
        keel_scope scope = keel_scope_open();
        keel_term reason;
        CHECK_OK(
                keel_receive_match(KEEL_NEVER, "{'DOWN', _, process, _, Reason}", &reason));
        CHECK_STR(keel_show(reason), "normal");
        keel_scope_close(&scope);
    }
}

// What is held once everything that a round made has ended.
static size_t memory_now(void)
{
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    while (view.processes > others) {
        keel_sleep(KEEL_MS(10));
        keel_inspect_runtime(&view);
    }
    return view.memory;
}

static void soak(void)
{
    const char *wanted = getenv("KEEL_SOAK_SECONDS");
    int64_t seconds = wanted == NULL ? 300 : atoll(wanted);
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    others = view.processes;
    keel_crash_handler_set(silent);
    round_ns = KEEL_SECONDS(seconds) / 10;
    one_round(); // fills pools and caches
    size_t first = memory_now();
    for (int i = 1; i < 10; i++) {
        one_round();
    }
    size_t last = memory_now();
    printf("# memory after the first tenth: %zu bytes, at the end: %zu\n", first, last);
    // Pools keep what a moment needed at most, so the end may hold some slabs more.
    CHECK(last <= first + first / 4 + (1u << 20));
}

TEST("minutes of load and random kills leave the memory there was", .timeout_s = 1200)
{
    in_process_with(soak, .patience_s = 600);
}
