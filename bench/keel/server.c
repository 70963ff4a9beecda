#include "bench.h"

// The server of the cases, and what their processes have in common.

struct server {
    int64_t sum;
};

static void answer(struct server *server, const keel_message *call)
{
    int64_t number;
    if (keel_match(call->body, "{next, N}", &number)) {
        keel_gen_reply(call->from, keel_int(number + 1));
    } else if (keel_is(call->body, sum)) {
        keel_gen_reply(call->from, keel_int(server->sum));
        server->sum = 0;
    }
}

static void add(struct server *server, keel_term message)
{
    int64_t number;
    keel_bytes bytes;
    if (keel_match(message, "{add, N}", &number)) {
        server->sum += number;
    } else if (keel_match(message, "{data, Bytes}", &bytes)) {
        server->sum += (int64_t)bytes.size;
    } else if (keel_match(message, "{order, Id, _, _}", &number)) {
        server->sum += number;
    } else if (keel_is(message, crash)) {
        keel_exit(message);
    }
}

// Counts the news; at the last of a run it tells how many there were.
static void read_news(struct server *server, keel_term message)
{
    int64_t left;
    keel_pid publisher;
    if (keel_match(message, "{news, _, _, Left, Publisher}", &left, &publisher)) {
        server->sum++;
        if (left == 0) {
            keel_send(publisher, keel_make("{received, N}", server->sum));
            server->sum = 0;
        }
    }
}

static keel_next serve(void *state, const keel_message *message)
{
    switch (message->kind) {
    case KEEL_MESSAGE_CALL:
        answer(state, message);
        break;
    case KEEL_MESSAGE_CAST:
        add(state, message->body);
        break;
    default:
        read_news(state, message->body);
        break;
    }
    return keel_next_wait();
}

static keel_next start_server(void *state, keel_term argument)
{
    (void)state;
    (void)argument;
    keel_gen_ack(keel_atom(ok));
    return keel_next_wait();
}

static keel_next start_hibernating(void *state, keel_term argument)
{
    start_server(state, argument);
    return keel_next_hibernate(KEEL_NEVER);
}

static keel_next start_supervised(void *state, keel_term bench)
{
    keel_send(bench, keel_make("{up, Self}", keel_self()));
    return start_server(state, bench);
}

const keel_handler bench_server = {
        .name = "bench_server",
        .state_bytes = sizeof(struct server),
        .start = start_server,
        .receive = serve,
};

const keel_handler bench_server_hibernating = {
        .name = "bench_server_hibernating",
        .state_bytes = sizeof(struct server),
        .start = start_hibernating,
        .receive = serve,
};

const keel_handler bench_server_supervised = {
        .name = "bench_server_supervised",
        .state_bytes = sizeof(struct server),
        .start = start_supervised,
        .receive = serve,
};

// --- what the cases do with processes ---

keel_next bench_wait(void *state, keel_term argument)
{
    (void)state;
    (void)argument;
    return keel_next_wait();
}

keel_pid bench_spawn(const keel_handler *handler, keel_term argument)
{
    keel_pid pid;
    keel_spawn_opts opts = {.link = true};
    keel_status status = keel_spawn_handler(handler, argument, &opts, &pid, NULL);
    KEEL_ASSERT(status == KEEL_OK);
    return pid;
}

keel_pid bench_start(const keel_handler *handler, keel_term argument, keel_term name)
{
    keel_pid pid;
    keel_term ack;
    keel_spawn_opts opts = {.name = name};
    keel_status status = keel_gen_start(
            handler, argument, &opts, KEEL_NEVER, &pid, NULL, &ack);
    KEEL_ASSERT(status == KEEL_OK);
    return pid;
}

void bench_call(keel_term server, int64_t number)
{
    keel_scope scope = keel_scope_open();
    keel_term reply;
    keel_status status = keel_gen_call(
            server, keel_make("{next, N}", number), KEEL_ABOUT(KEEL_SECONDS(5)), &reply);
    KEEL_ASSERT(status == KEEL_OK && keel_to_int(reply) == number + 1);
    keel_scope_close(&scope);
}

void bench_collect(keel_term message, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        KEEL_ASSERT(keel_equal(keel_receive(), message));
        keel_scope_close(&scope);
    }
}
