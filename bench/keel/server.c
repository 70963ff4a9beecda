#include "bench.h"

// The server of the cases, and what their processes have in common.

struct server {
    int64_t sum;
};

// {supervised, Bench} tells the bench of itself, subscribe waits for news.
static keel_result init(keel_term argument, void *state)
{
    (void)state;
    keel_term bench;
    if (keel_match(argument, "{supervised, Bench}", &bench)) {
        keel_send(bench, keel_make("{up, Self}", keel_self()));
    } else if (keel_is(argument, subscribe)) {
        keel_pubsub_or_exit(keel_pubsub_subscribe(keel_atom(news), keel_atom(weather)));
    } else if (keel_is(argument, hibernate)) {
        return keel_then_hibernate(keel_ok());
    }
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    (void)from;
    struct server *server = state;
    int64_t number;
    if (keel_match(request, "{next, N}", &number)) {
        return keel_reply(keel_int(number + 1));
    }
    keel_term data;
    if (keel_match(request, "{echo, Data}", &data)) {
        return keel_reply(data);
    }
    if (keel_is(request, sum)) {
        number = server->sum;
        server->sum = 0;
        return keel_reply(keel_int(number));
    }
    return keel_unexpected(request);
}

static keel_result handle_cast(keel_term message, void *state)
{
    struct server *server = state;
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
    return keel_noreply();
}

// Counts the news; at the last of a run it tells how many there were.
static keel_result handle_info(keel_term message, void *state)
{
    struct server *server = state;
    int64_t left;
    keel_pid publisher;
    if (keel_match(message, "{news, _, _, Left, Publisher}", &left, &publisher)) {
        server->sum++;
        if (left == 0) {
            keel_send(publisher, keel_make("{received, N}", server->sum));
            server->sum = 0;
        }
    }
    return keel_noreply();
}

const keel_gen_server bench_server = {
        .name = "bench_server",
        .state = KEEL_STATE(struct server, sum),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
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

keel_pid bench_start(keel_term argument, keel_term name)
{
    return keel_started_or_exit(
            keel_gen_server_start(&bench_server, argument, .name = name));
}

void bench_call(keel_term server, int64_t number)
{
    keel_scope scope = keel_scope_open();
    keel_term reply = keel_call_or_exit(server, keel_make("{next, N}", number));
    KEEL_ASSERT(keel_to_int(reply) == number + 1);
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
