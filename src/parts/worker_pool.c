// Worker pools: a server that hands the calls it gets to its workers.

#include "errand.h"
#include "loans.h"
#include "options.h"
#include "rate.h"

#include <keel/parts/retry.h>
#include <keel/parts/worker_pool.h>
#include <keel/request.h>
#include <keel/timer.h>

struct worker {
    keel_pid pid; // none: it could not be started and will be tried again
    uint64_t loan; // the call it has; 0: it is free
    unsigned failures; // to start, in a row
};

struct state {
    keel_worker_pool_opts opts; // argument kept
    struct worker *worker;
    uint32_t *idle; // places of free workers
    uint32_t idle_count;
    struct kl_loans calls; // those that wait, and those that workers have
    keel_requests *requests; // under way, each with the number of its call
    struct kl_window ends; // of workers, within the period
    uint64_t served, timeouts, refused, ended;
};

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_cast(keel_term request, void *state);
static keel_result handle_info(keel_term message, void *state);
static void terminate(keel_term reason, void *state);

static const keel_gen_server pool_server = {
        .name = "worker_pool",
        .state = KEEL_STATE(struct state, idle_count, served, timeouts, refused, ended),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
        .terminate = terminate,
};
static const struct kl_options layout = KL_OPTIONS(keel_worker_pool_opts,
        offsetof(keel_worker_pool_opts, argument), offsetof(keel_worker_pool_opts, name));

// --- clients ---

keel_started keel_worker_pool_start_link_opt(const keel_worker_pool_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_worker_pool_opts){0};
    if (opts->worker == NULL || opts->period < 0) {
        keel_term option = opts->worker == NULL ? keel_atom(worker) : keel_atom(period);
        return (keel_started){.status = KEEL_E_BADARG,
                .reason = keel_tuple_of(keel_atom(badarg), option)};
    }
    return keel_gen_server_start_link(
            &pool_server, kl_options_pack(&layout, opts), .name = opts->name);
}

static keel_started start_child(keel_term packed)
{
    keel_worker_pool_opts opts;
    return kl_options_unpack(&layout, packed, &opts)
                   ? keel_worker_pool_start_link_opt(&opts)
                   : keel_started_failed(keel_atom(badarg));
}

keel_child_spec keel_worker_pool_spec(const keel_worker_pool_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_worker_pool_opts){0};
    return (keel_child_spec){
            .id = keel_is_none(opts->name) ? keel_atom(worker_pool) : opts->name,
            .start = start_child,
            .argument = kl_options_pack(&layout, opts),
            .shutdown = KEEL_SECONDS(10)};
}

keel_status keel_worker_pool_call_term(
        keel_term pool, keel_term request, keel_deadline deadline, keel_term *ret_reply)
{
    keel_term key = keel_from_ref(keel_make_ref());
    keel_term reply = KEEL_NONE;
    keel_status status = keel_call_within(pool,
            keel_make("{work, Key, Request}", key, kl_some(request)), deadline, &reply);
    if (status == KEEL_E_TIMEOUT) {
        keel_cast(pool, keel_make("{cancel, Key}", key));
    }
    if (status == KEEL_OK && keel_is(reply, overload)) {
        return KEEL_E_OVERLOAD;
    }
    return kl_errand_outcome(status, reply, ret_reply);
}

keel_term keel_worker_pool_stats_term(keel_term pool)
{
    keel_term stats;
    return keel_call(pool, keel_atom(stats), &stats) == KEEL_OK ? stats : KEEL_NONE;
}

// --- workers ---

static void serve(struct state *state)
{
    struct kl_loan *call;
    while (state->idle_count > 0 && (call = kl_loans_first(&state->calls)) != NULL) {
        uint32_t place = state->idle[--state->idle_count];
        struct worker *worker = &state->worker[place];
        worker->loan = call->id;
        state->served++;
        kl_loans_lend(&state->calls, call, place);
        keel_request request = keel_send_request(worker->pid, call->note);
        if (keel_requests_add(state->requests, request, keel_uint(call->id)) != KEEL_OK) {
            keel_exit(keel_atom(system_limit));
        }
    }
}

static void set_free(struct state *state, uint32_t place)
{
    state->worker[place].loan = 0;
    state->idle[state->idle_count++] = place;
    serve(state);
}

// Starts a worker; the reason when it does not start.
static keel_term start_worker(struct state *state, uint32_t place)
{
    keel_started started = keel_gen_server_start_link(
            state->opts.worker, state->opts.argument);
    struct worker *worker = &state->worker[place];
    if (started.status != KEEL_OK) {
        worker->failures++;
        return kl_some(started.reason);
    }
    *worker = (struct worker){.pid = started.pid};
    set_free(state, place);
    return KEEL_NONE;
}

static void restart_worker(struct state *state, uint32_t place)
{
    if (!keel_is_none(start_worker(state, place))) {
        keel_send_after(keel_backoff_delay(NULL, state->worker[place].failures),
                keel_self(), keel_make("{restart, Place}", place));
    }
}

// False when too many have ended in too short a time.
static bool worker_ended(struct state *state, keel_pid pid)
{
    for (uint32_t place = 0; place < state->opts.size; place++) {
        struct worker *worker = &state->worker[place];
        if (worker->pid.word != pid.word) {
            continue;
        }
        // A free one leaves the others; the call that a busy one had is answered by its
        // request.
        for (uint32_t i = 0; i < state->idle_count; i++) {
            if (state->idle[i] == place) {
                state->idle[i] = state->idle[--state->idle_count];
            }
        }
        state->ended++;
        *worker = (struct worker){0};
        int64_t wait = kl_window_take(
                &state->ends, state->opts.intensity, state->opts.period, 1, kl_clock());
        if (wait != 0) {
            return false;
        }
        restart_worker(state, place);
    }
    return true;
}

// A request has its answer, or its worker ended.
static void answer(struct state *state, const keel_response *response)
{
    uint64_t id = (uint64_t)keel_to_int(response->label);
    struct kl_loan *call = kl_loans_find(&state->calls, id);
    if (call != NULL && keel_is(response->reply, noproc) && response->status != KEEL_OK) {
        // The worker had ended, unheard as yet, before the request reached it.
        kl_loans_requeue(&state->calls, call);
        serve(state);
    } else if (call != NULL) {
        keel_reply_to(call->from, kl_errand_reply(response->status, response->reply));
        kl_loans_remove(&state->calls, call);
    }
    for (uint32_t place = 0; response->status == KEEL_OK && place < state->opts.size;
            place++) {
        if (state->worker[place].loan == id) {
            set_free(state, place);
        }
    }
}

// --- callbacks ---

static void drop_ends(void *ends)
{
    kl_window_done(ends);
}

static keel_result init(keel_term argument, void *at)
{
    struct state *state = at;
    kl_options_unpack(&layout, argument, &state->opts);
    keel_worker_pool_opts *opts = &state->opts;
    opts->argument = keel_keep(kl_some(opts->argument));
    opts->name = KEEL_NONE;
    opts->size = (unsigned)kl_or(opts->size, 10);
    opts->intensity = (unsigned)kl_or(opts->intensity, 3 * (int64_t)opts->size);
    opts->period = kl_or(opts->period, KEEL_SECONDS(5));
    state->worker = keel_alloc(opts->size * sizeof *state->worker);
    state->idle = keel_alloc(opts->size * sizeof *state->idle);
    state->requests = keel_requests_new();
    keel_defer(drop_ends, &state->ends);
    keel_trap_exit(true);
    for (uint32_t place = 0; place < opts->size; place++) {
        keel_term reason = start_worker(state, place);
        if (!keel_is_none(reason)) {
            return keel_stop_with(reason);
        }
    }
    return keel_ok();
}

static keel_term stats_of(const struct state *state)
{
    return keel_make("#{kind => worker_pool, size => S, idle => I, busy => B, waiting => W,"
                     " calls => C, timeouts => T, refused => R, ended => E}",
            state->opts.size, state->idle_count, state->opts.size - state->idle_count,
            state->calls.waiting, state->served, state->timeouts, state->refused,
            state->ended);
}

static keel_result handle_call(keel_term request, keel_from from, void *at)
{
    struct state *state = at;
    keel_term key, work;
    if (keel_is(request, stats)) {
        return keel_reply(stats_of(state));
    }
    if (!keel_match(request, "{work, Key, Work}", &key, &work)) {
        return keel_unexpected(request);
    }
    size_t limit = state->opts.queue_limit;
    if (state->idle_count == 0 && limit != 0 && state->calls.waiting >= limit) {
        state->refused++;
        return keel_reply(keel_atom(overload));
    }
    kl_loans_add(&state->calls, key, work, from);
    serve(state);
    return keel_noreply();
}

// The caller is not there any more; a worker that has its call goes on with it.
static void forget(struct state *state, struct kl_loan *call)
{
    if (call != NULL) {
        kl_loans_remove(&state->calls, call);
    }
}

static keel_result handle_cast(keel_term request, void *at)
{
    struct state *state = at;
    keel_term key;
    if (!keel_match(request, "{cancel, Key}", &key)) {
        return keel_unexpected(request);
    }
    struct kl_loan *call = kl_loans_find_key(&state->calls, key);
    state->timeouts += call != NULL && call->what == KL_LOAN_WAITS;
    forget(state, call);
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *at)
{
    struct state *state = at;
    keel_response response;
    keel_pid pid;
    uint64_t id;
    uint32_t place;
    keel_status about = keel_requests_check(state->requests, message, true, &response);
    if (about == KEEL_OK) {
        answer(state, &response);
    } else if (keel_match(message, "{'EXIT', Pid, _}", &pid)) {
        if (!worker_ended(state, pid)) {
            return keel_stop_with(keel_atom(shutdown));
        }
    } else if (keel_match(message, "{Id, _, process, _, _}", &id)) {
        forget(state, kl_loans_find(&state->calls, id));
    } else if (keel_match(message, "{restart, Place}", &place)) {
        restart_worker(state, place);
    } else {
        return keel_unexpected(message);
    }
    return keel_noreply();
}

// Workers end as those of a supervisor do: told to, awaited, and killed when it takes long.
static void terminate(keel_term unused, void *at)
{
    (void)unused;
    struct state *state = at;
    keel_deadline deadline = KEEL_IN(KEEL_SECONDS(5));
    for (uint32_t place = 0; place < state->opts.size; place++) {
        if (state->worker[place].pid.word != 0) {
            keel_process_exit(state->worker[place].pid, keel_atom(shutdown));
        }
    }
    for (uint32_t place = 0; place < state->opts.size; place++) {
        keel_pid pid = state->worker[place].pid;
        if (pid.word == 0) {
            continue;
        }
        keel_ref monitor = keel_monitor(pid);
        if (keel_receive_match(deadline, "{'DOWN', ^Ref, process, _, _}", monitor) !=
                KEEL_OK) {
            keel_process_exit(pid, keel_atom(kill));
        }
    }
}
