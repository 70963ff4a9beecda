// Periodic tasks.

#include "errand.h"
#include "options.h"

#include <keel/parts/periodic.h>
#include <keel/timer.h>

struct state {
    keel_periodic_opts opts; // its terms kept
    int64_t start; // runs are due at start + n * every
    int64_t due; // when the next one is
    keel_pid runner; // none: nothing runs
    int64_t began; // the run under way
    uint64_t run; // its number, counted from 1
    struct kl_caller *callers; // who waits for it
    uint64_t failed, left_out;
    keel_duration last_took;
    keel_term last; // kept
};

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_info(keel_term message, void *state);

static const keel_gen_server periodic_server = {
        .name = "periodic",
        .state = KEEL_STATE(struct state, due, runner, run, failed, left_out, last),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};
static const struct kl_options layout = KL_OPTIONS(keel_periodic_opts,
        offsetof(keel_periodic_opts, argument), offsetof(keel_periodic_opts, name));

keel_started keel_periodic_start_link_opt(const keel_periodic_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_periodic_opts){0};
    keel_term wrong = opts->function == NULL                  ? keel_atom(function)
                      : opts->every <= 0                      ? keel_atom(every)
                      : opts->jitter < 0 || opts->timeout < 0 ? keel_atom(jitter)
                                                              : KEEL_NONE;
    if (!keel_is_none(wrong)) {
        return (keel_started){
                .status = KEEL_E_BADARG, .reason = keel_tuple_of(keel_atom(badarg), wrong)};
    }
    return keel_gen_server_start_link(
            &periodic_server, kl_options_pack(&layout, opts), .name = opts->name);
}

static keel_started start_child(keel_term packed)
{
    keel_periodic_opts opts;
    return kl_options_unpack(&layout, packed, &opts)
                   ? keel_periodic_start_link_opt(&opts)
                   : keel_started_failed(keel_atom(badarg));
}

keel_child_spec keel_periodic_spec(const keel_periodic_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_periodic_opts){0};
    return (keel_child_spec){
            .id = keel_is_none(opts->name) ? keel_atom(periodic) : opts->name,
            .start = start_child,
            .argument = kl_options_pack(&layout, opts)};
}

keel_status keel_periodic_run_term(
        keel_term server, keel_deadline deadline, keel_term *ret_result)
{
    keel_term reply = KEEL_NONE;
    keel_status status = keel_call_within(server, keel_atom(run), deadline, &reply);
    return kl_errand_outcome(status, reply, ret_result);
}

keel_term keel_periodic_stats_term(keel_term server)
{
    keel_term stats;
    return keel_call(server, keel_atom(stats), &stats) == KEEL_OK ? stats : KEEL_NONE;
}

// --- the process ---

// Has the next run begin `every` after the last was due, or at a later multiple.
static void arm(struct state *state, int64_t now)
{
    int64_t late = now - state->due;
    int64_t missed = late > 0 ? late / state->opts.every : 0;
    state->left_out += (uint64_t)missed;
    state->due += (missed + 1) * state->opts.every;
    uint64_t jitter = (uint64_t)state->opts.jitter;
    int64_t by_chance = jitter == 0 ? 0 : (int64_t)(keel_random() % jitter);
    keel_send_at(keel_deadline_at(state->due + by_chance), keel_from_pid(keel_self()),
            keel_atom(due));
}

static keel_result init(keel_term argument, void *at)
{
    struct state *state = at;
    kl_options_unpack(&layout, argument, &state->opts);
    state->opts.argument = keel_keep(kl_some(state->opts.argument));
    state->opts.name = KEEL_NONE;
    state->last = keel_atom(none);
    state->start = kl_clock();
    state->due = state->start;
    keel_trap_exit(true);
    if (state->opts.at_once) {
        keel_send(keel_self(), keel_atom(due));
    } else {
        arm(state, state->start);
    }
    return keel_ok();
}

static void begin(struct state *state)
{
    state->began = kl_clock();
    state->run++;
    state->runner = kl_errand_start("periodic:run", state->opts.function,
            state->opts.argument, keel_uint(state->run));
    if (state->opts.timeout > 0) {
        keel_send_after(
                state->opts.timeout, keel_self(), keel_make("{late, Run}", state->run));
    }
}

static void finish(struct state *state, keel_status status, keel_term value)
{
    keel_term outcome = kl_errand_reply(status, value);
    state->runner = (keel_pid){0};
    state->failed += status != KEEL_OK;
    state->last_took = kl_clock() - state->began;
    keel_set(&state->last, outcome);
    kl_callers_answer(&state->callers, outcome);
}

static keel_term stats_of(const struct state *state)
{
    return keel_make("#{kind => periodic, every_ms => E, running => R, runs => N,"
                     " failed => F, left_out => O, last_ms => T, last => L, next_ms => X}",
            state->opts.every / KEEL_MS(1), keel_bool(state->runner.word != 0), state->run,
            state->failed, state->left_out, state->last_took / KEEL_MS(1), state->last,
            (state->due - kl_clock()) / KEEL_MS(1));
}

static keel_result handle_call(keel_term request, keel_from from, void *at)
{
    struct state *state = at;
    if (keel_is(request, stats)) {
        return keel_reply(stats_of(state));
    }
    if (!keel_is(request, run)) {
        return keel_unexpected(request);
    }
    kl_callers_add(&state->callers, from);
    if (state->runner.word == 0) {
        begin(state);
    }
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *at)
{
    struct state *state = at;
    keel_term tag, value;
    keel_status status;
    uint64_t run;
    if (keel_is(message, due)) {
        if (state->runner.word == 0) {
            begin(state);
        } else {
            state->left_out++;
        }
        arm(state, kl_clock());
    } else if (kl_errand_ended(message, &tag, &status, &value)) {
        finish(state, status, value);
    } else if (keel_match(message, "{late, Run}", &run)) {
        if (state->runner.word != 0 && run == state->run) {
            keel_process_exit(state->runner, keel_atom(kill));
        }
    } else if (!keel_match(message, "{'EXIT', _, _}")) {
        return keel_unexpected(message);
    }
    return keel_noreply();
}
