// The process of a cache: owns its table, sweeps out what is due, runs what fetches compute
// and what warms it, each in a process of its own.

#include "cache.h"
#include "errand.h"
#include "options.h"

#include <keel/gen_server.h>
#include <keel/timer.h>

struct state {
    keel_term name;
    struct kl_cache *cache;
    keel_ref sweep; // a timer
    keel_cache_opts opts; // its terms kept
    keel_pid warmer; // none: it does not run
};

// One value under way.
struct job {
    keel_term key; // kept
    keel_duration ttl;
    struct kl_caller *callers;
};

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_info(keel_term message, void *state);

static const keel_gen_server cache_server = {
        .name = "cache",
        .state = KEEL_STATE(struct state, name, warmer),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

static const struct kl_options layout = KL_OPTIONS(keel_cache_opts,
        offsetof(keel_cache_opts, name), offsetof(keel_cache_opts, warm_argument));

// --- starting ---

keel_started keel_cache_start_link_opt(const keel_cache_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_cache_opts){0};
    bool wrong_name = !keel_is_atom(opts->name);
    if (wrong_name || opts->ttl < 0 || opts->warm_every < 0) {
        keel_term option = wrong_name      ? keel_atom(name)
                           : opts->ttl < 0 ? keel_atom(ttl)
                                           : keel_atom(warm_every);
        return (keel_started){.status = KEEL_E_BADARG,
                .reason = keel_tuple_of(keel_atom(badarg), option)};
    }
    return keel_gen_server_start_link(
            &cache_server, kl_options_pack(&layout, opts), .name = opts->name);
}

static keel_started start_child(keel_term packed)
{
    keel_cache_opts opts;
    return kl_options_unpack(&layout, packed, &opts)
                   ? keel_cache_start_link_opt(&opts)
                   : keel_started_failed(keel_atom(badarg));
}

keel_child_spec keel_cache_spec(const keel_cache_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_cache_opts){0};
    return (keel_child_spec){.id = opts->name,
            .start = start_child,
            .argument = kl_options_pack(&layout, opts)};
}

static keel_result init(keel_term argument, void *at)
{
    struct state *state = at;
    kl_options_unpack(&layout, argument, &state->opts);
    state->name = state->opts.name;
    state->cache = kl_cache_open(&state->opts);
    if (state->cache == NULL) {
        return keel_stop_with(keel_atom(system_limit));
    }
    state->opts.warm_argument = keel_keep(kl_some(state->opts.warm_argument));
    keel_trap_exit(true); // what it runs ends with it, and not it with them
    if (state->opts.warm != NULL) {
        keel_send(keel_self(), keel_atom(warm));
    }
    return keel_ok();
}

// --- fetching ---

keel_status keel_cache_fetch_term(keel_term name, keel_term key, keel_term *ret_value,
        const keel_cache_source *source)
{
    if (keel_is_none(key) || ret_value == NULL || source == NULL ||
            source->compute == NULL || source->ttl < 0) {
        return KEEL_E_BADARG;
    }
    keel_term value = keel_cache_get_term(name, key);
    if (!keel_is_none(value)) {
        *ret_value = value;
        return KEEL_OK;
    }
    keel_term reply = KEEL_NONE;
    keel_status status = keel_call_within(name,
            keel_make("{fetch, Key, Compute, Argument, Ttl}", key,
                    keel_function(source->compute), kl_some(source->argument), source->ttl),
            KEEL_IN(kl_or(source->timeout, KEEL_SECONDS(5))), &reply);
    if (status == KEEL_OK && keel_is(reply, none)) {
        return KEEL_E_REFUSED;
    }
    return kl_errand_outcome(status, reply, ret_value);
}

// The errand of {Compute, Key, Argument}.
static keel_term compute(keel_term plan)
{
    keel_cache_compute run = keel_to_function(keel_cache_compute, keel_element(plan, 0));
    keel_term value = run(keel_element(plan, 1), keel_element(plan, 2));
    return keel_is_none(value) ? keel_atom(none) : keel_tuple_of(keel_atom(ok), value);
}

static keel_status start_job(struct state *state, keel_term request, keel_from from)
{
    struct job *job = keel_alloc(sizeof *job);
    job->key = keel_keep(keel_element(request, 1));
    job->ttl = keel_to_int(keel_element(request, 4));
    kl_callers_add(&job->callers, from);
    keel_status status = kl_cache_promise(state->cache, job->key, job);
    if (status != KEEL_OK) {
        return status;
    }
    keel_term plan = keel_tuple_of(
            keel_element(request, 2), job->key, keel_element(request, 3));
    keel_pid pid = kl_errand_start("cache:compute", compute, plan, keel_pointer(job));
    return pid.word != 0 ? KEEL_OK : KEEL_E_SYSTEM_LIMIT;
}

static keel_result handle_call(keel_term request, keel_from from, void *at)
{
    struct state *state = at;
    if (keel_is(request, stats)) {
        return keel_reply(keel_cache_stats_term(state->name));
    }
    if (!keel_is(keel_element(request, 0), fetch) || keel_tuple_size(request) != 5) {
        return keel_unexpected(request);
    }
    keel_term key = keel_element(request, 1);
    keel_term value = kl_cache_peek(state->cache, key); // put since the caller looked
    if (!keel_is_none(value)) {
        return keel_reply(keel_tuple_of(keel_atom(ok), value));
    }
    struct job *job = kl_cache_promised(state->cache, key);
    if (job != NULL) {
        kl_callers_add(&job->callers, from);
        return keel_noreply();
    }
    if (start_job(state, request, from) != KEEL_OK) {
        return keel_stop_with(keel_atom(system_limit));
    }
    return keel_noreply();
}

// Keeps what an errand has computed, answers those who wait for it, and forgets it.
static void finish(
        struct state *state, struct job *job, keel_status status, keel_term value)
{
    bool there = status == KEEL_OK && !keel_is(value, none);
    kl_cache_keep_promise(state->cache, job->key, job,
            there ? keel_element(value, 1) : KEEL_NONE, job->ttl);
    kl_callers_answer(
            &job->callers, status == KEEL_OK ? value : kl_errand_reply(status, value));
    keel_drop(job->key);
    keel_free(job);
}

// --- warming ---

// The errand of {Warm, Cache, Argument}.
static keel_term warm(keel_term plan)
{
    void (*run)(keel_term, keel_term) = keel_to_function(
            void (*)(keel_term, keel_term), keel_element(plan, 0));
    run(keel_element(plan, 1), keel_element(plan, 2));
    return keel_nil();
}

static void start_warmer(struct state *state)
{
    if (state->warmer.word == 0) {
        keel_term plan = keel_tuple_of(
                keel_function(state->opts.warm), state->name, state->opts.warm_argument);
        state->warmer = kl_errand_start("cache:warm", warm, plan, keel_atom(warm));
    }
    if (state->opts.warm_every > 0) {
        keel_send_after(state->opts.warm_every, keel_self(), keel_atom(warm));
    }
}

static keel_result handle_info(keel_term message, void *at)
{
    struct state *state = at;
    keel_term tag, value;
    keel_status status;
    if (keel_is(message, sweep)) {
        kl_table_sweep(&state->cache->table, &state->sweep);
    } else if (keel_is(message, warm)) {
        start_warmer(state);
    } else if (kl_errand_ended(message, &tag, &status, &value)) {
        if (keel_is(tag, warm)) {
            state->warmer = (keel_pid){0};
        } else {
            finish(state, keel_to_pointer(tag, NULL), status, value);
        }
    } else if (!keel_match(message, "{'EXIT', _, _}")) {
        return keel_unexpected(message);
    }
    return keel_noreply();
}
