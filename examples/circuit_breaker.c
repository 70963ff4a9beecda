// Five failures open the circuit for half a minute; then one call may try.
// <keel/parts/breaker.h> is the ready-made one, which does not run the calls itself.

#include "circuit_breaker.h"

enum { FAILURE_THRESHOLD = 5 };

struct breaker {
    keel_term status; // closed, open, half_open
    int64_t failure_count;
};

struct attempt {
    circuit_breaker_function function;
    keel_term argument, result;
};

static keel_result init(keel_term unused, void *state)
{
    struct breaker *breaker = state;
    breaker->status = keel_atom(closed);
    return keel_ok();
}

static void run(void *context)
{
    struct attempt *attempt = context;
    attempt->result = attempt->function(attempt->argument);
}

static void open_circuit(struct breaker *breaker)
{
    breaker->status = keel_atom(open);
    keel_send_after(KEEL_SECONDS(30), keel_self(), keel_atom(reset_circuit));
}

static void note_failure(struct breaker *breaker)
{
    breaker->failure_count++;
    if (keel_is(breaker->status, half_open) ||
            breaker->failure_count >= FAILURE_THRESHOLD) {
        open_circuit(breaker);
    }
}

static void note_success(struct breaker *breaker)
{
    breaker->status = keel_atom(closed);
    breaker->failure_count = 0;
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct breaker *breaker = state;
    keel_term function, argument, reason;
    if (!keel_match(request, "{call, Function, Argument}", &function, &argument)) {
        return keel_unexpected(request);
    }
    if (keel_is(breaker->status, open)) {
        return keel_reply(keel_make("{error, circuit_open}"));
    }
    struct attempt attempt = {
            keel_to_function(circuit_breaker_function, function), argument, KEEL_NONE};
    if (keel_try(run, &attempt, &reason) == KEEL_OK) {
        note_success(breaker);
        return keel_reply(keel_make("{ok, Result}", attempt.result));
    }
    note_failure(breaker);
    return keel_reply(keel_make("{error, Reason}", reason));
}

static keel_result handle_info(keel_term message, void *state)
{
    struct breaker *breaker = state;
    if (!keel_is(message, reset_circuit)) {
        return keel_unexpected(message);
    }
    breaker->status = keel_atom(half_open);
    return keel_noreply();
}

static const keel_gen_server circuit_breaker = {
        .name = "circuit_breaker",
        .state = KEEL_STATE(struct breaker, status, failure_count),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

keel_started circuit_breaker_start_link(keel_term unused)
{
    return keel_gen_server_start_link(&circuit_breaker, unused);
}

keel_term circuit_breaker_call(
        keel_pid server, circuit_breaker_function function, keel_term argument)
{
    return keel_call_or_exit(server,
            keel_make("{call, Function, Argument}", keel_function(function), argument));
}
