// Circuit breakers: a state that everybody asks without a message, and a process that owns
// it and tells of its changes.

#include "breaker_state.h"
#include "directory.h"
#include "options.h"

#include <keel/gen_server.h>
#include <keel/parts/breaker.h>
#include <keel/pubsub.h>

struct breaker {
    struct kl_slot slot; // first
    pthread_mutex_t lock;
    struct kl_circuit circuit; // under the lock; its turn is read without
    keel_pid owner;
    bool prepared; // the lock is
    uint64_t succeeded, failed, refused; // counted atomically
    uint64_t opened; // under the lock
};

struct state {
    keel_term name;
    keel_term pubsub;
    struct breaker *breaker;
};

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_info(keel_term message, void *state);

static struct kl_directory directory = KL_DIRECTORY(struct breaker);
static const keel_gen_server breaker_server = {
        .name = "breaker",
        .state = KEEL_STATE(struct state, name, pubsub),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};
static const struct kl_options layout = KL_OPTIONS(keel_breaker_opts,
        offsetof(keel_breaker_opts, name), offsetof(keel_breaker_opts, pubsub));

// --- the process ---

keel_started keel_breaker_start_link_opt(const keel_breaker_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_breaker_opts){0};
    keel_term wrong = !keel_is_atom(opts->name) ? keel_atom(name)
                      : opts->within < 0        ? keel_atom(within)
                      : opts->reset_after < 0   ? keel_atom(reset_after)
                                                : KEEL_NONE;
    if (!keel_is_none(wrong)) {
        return (keel_started){
                .status = KEEL_E_BADARG, .reason = keel_tuple_of(keel_atom(badarg), wrong)};
    }
    return keel_gen_server_start_link(
            &breaker_server, kl_options_pack(&layout, opts), .name = opts->name);
}

static keel_started start_child(keel_term packed)
{
    keel_breaker_opts opts;
    return kl_options_unpack(&layout, packed, &opts)
                   ? keel_breaker_start_link_opt(&opts)
                   : keel_started_failed(keel_atom(badarg));
}

keel_child_spec keel_breaker_spec(const keel_breaker_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_breaker_opts){0};
    return (keel_child_spec){.id = opts->name,
            .start = start_child,
            .argument = kl_options_pack(&layout, opts)};
}

static void leave(void *at)
{
    struct breaker *breaker = at;
    pthread_mutex_lock(&breaker->lock);
    kl_circuit_set(&breaker->circuit, KL_CIRCUIT_GONE, 0);
    pthread_mutex_unlock(&breaker->lock);
}

static keel_result init(keel_term argument, void *at)
{
    struct state *state = at;
    keel_breaker_opts opts;
    kl_options_unpack(&layout, argument, &opts);
    state->name = opts.name;
    state->pubsub = keel_keep(kl_some(opts.pubsub));
    struct breaker *breaker = kl_directory_add(&directory, opts.name);
    state->breaker = breaker;
    if (breaker == NULL) {
        return keel_stop_with(keel_atom(system_limit));
    }
    if (!breaker->prepared) {
        pthread_mutex_init(&breaker->lock, NULL);
        __atomic_store_n(&breaker->prepared, true, __ATOMIC_RELEASE); // find's load
    }
    pthread_mutex_lock(&breaker->lock);
    struct kl_circuit *circuit = &breaker->circuit;
    circuit->limit = (unsigned)kl_or(opts.failures, 5);
    circuit->needed = (unsigned)kl_or(opts.successes, 1);
    circuit->within = opts.within;
    circuit->reset_after = kl_or(opts.reset_after, KEEL_SECONDS(30));
    breaker->owner = keel_self();
    breaker->opened = 0;
    __atomic_store_n(&breaker->succeeded, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&breaker->failed, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&breaker->refused, 0, __ATOMIC_RELAXED);
    kl_circuit_set(circuit, KL_CIRCUIT_CLOSED, kl_clock());
    pthread_mutex_unlock(&breaker->lock);
    keel_defer(leave, breaker);
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *at)
{
    (void)from;
    struct state *state = at;
    if (keel_is(request, stats)) {
        return keel_reply(keel_breaker_stats_term(state->name));
    }
    return keel_unexpected(request);
}

// {changed, State}: from who changed it, and told here so that nobody waits for
// subscribers.
static keel_result handle_info(keel_term message, void *at)
{
    struct state *state = at;
    keel_term now;
    if (!keel_match(message, "{changed, Now}", &now)) {
        return keel_unexpected(message);
    }
    if (keel_is_atom(state->pubsub)) {
        keel_pubsub_broadcast(state->pubsub, state->name,
                keel_make("{breaker, Name, Now}", state->name, now));
    }
    return keel_noreply();
}

// --- asking and reporting ---

static struct breaker *find(keel_term name)
{
    struct breaker *breaker = kl_directory_find(&directory, name);
    bool there = breaker != NULL && __atomic_load_n(&breaker->prepared, __ATOMIC_ACQUIRE);
    return there ? breaker : NULL;
}

static enum kl_circuit_state state_of(const struct breaker *breaker)
{
    return kl_circuit_state(__atomic_load_n(&breaker->circuit.turn, __ATOMIC_RELAXED));
}

static keel_term name_of(enum kl_circuit_state state)
{
    switch (state) {
    case KL_CIRCUIT_GONE:
        return KEEL_NONE;
    case KL_CIRCUIT_CLOSED:
        return keel_atom(closed);
    case KL_CIRCUIT_OPEN:
        return keel_atom(open);
    default:
        return keel_atom(half_open);
    }
}

// Changes the circuit under its lock; the owner is told afterwards if its name has changed.
static bool change(struct breaker *breaker,
        bool (*act)(struct kl_circuit *circuit, const void *context), const void *context,
        uint64_t *ret_turn)
{
    pthread_mutex_lock(&breaker->lock);
    enum kl_circuit_state before = kl_circuit_state(breaker->circuit.turn);
    bool result = before != KL_CIRCUIT_GONE && act(&breaker->circuit, context);
    enum kl_circuit_state after = kl_circuit_state(breaker->circuit.turn);
    breaker->opened += after == KL_CIRCUIT_OPEN && before != KL_CIRCUIT_OPEN;
    keel_pid owner = breaker->owner;
    *ret_turn = breaker->circuit.turn;
    pthread_mutex_unlock(&breaker->lock);
    if (before != KL_CIRCUIT_GONE && name_of(before).word != name_of(after).word) {
        keel_send(owner, keel_make("{changed, Now}", name_of(after)));
    }
    return result;
}

static bool act_ask(struct kl_circuit *circuit, const void *unused)
{
    (void)unused;
    return kl_circuit_ask(circuit, kl_clock());
}

keel_status keel_breaker_ask_term(keel_term name, keel_permit *ret_permit)
{
    struct breaker *breaker = find(name);
    if (breaker == NULL) {
        return KEEL_E_NOPROC;
    }
    uint64_t turn = __atomic_load_n(&breaker->circuit.turn, __ATOMIC_RELAXED);
    if (kl_circuit_state(turn) != KL_CIRCUIT_CLOSED &&
            !change(breaker, act_ask, NULL, &turn)) {
        if (kl_circuit_state(turn) == KL_CIRCUIT_GONE) {
            return KEEL_E_NOPROC;
        }
        __atomic_fetch_add(&breaker->refused, 1, __ATOMIC_RELAXED);
        return KEEL_E_REFUSED;
    }
    *ret_permit = (keel_permit){breaker, turn};
    return KEEL_OK;
}

struct report {
    uint64_t turn;
    bool success;
};

static bool act_report(struct kl_circuit *circuit, const void *context)
{
    const struct report *report = context;
    kl_circuit_report(circuit, report->turn, report->success, kl_clock());
    return true;
}

void keel_breaker_report(keel_permit permit, bool success)
{
    struct breaker *breaker = permit.breaker;
    if (breaker == NULL) {
        return;
    }
    __atomic_fetch_add(
            success ? &breaker->succeeded : &breaker->failed, 1, __ATOMIC_RELAXED);
    // A success while closed changes nothing unless there are failures in a row to forget.
    // A failure counted at this very moment may then be forgotten or not, as it may have
    // come before or after.
    bool dull = success && kl_circuit_state(permit.turn) == KL_CIRCUIT_CLOSED &&
                __atomic_load_n(&breaker->circuit.failures, __ATOMIC_RELAXED) == 0;
    if (!dull) {
        struct report report = {permit.turn, success};
        uint64_t turn;
        change(breaker, act_report, &report, &turn);
    }
}

static bool act_set(struct kl_circuit *circuit, const void *open)
{
    kl_circuit_set(
            circuit, *(const bool *)open ? KL_CIRCUIT_OPEN : KL_CIRCUIT_CLOSED, kl_clock());
    return true;
}

keel_status keel_breaker_set_term(keel_term name, bool open)
{
    struct breaker *breaker = find(name);
    uint64_t turn;
    bool there = breaker != NULL && change(breaker, act_set, &open, &turn);
    return there ? KEEL_OK : KEEL_E_NOPROC;
}

struct guarded {
    keel_status (*fn)(void *context);
    void *context;
    keel_status status;
};

static void run(void *at)
{
    struct guarded *guarded = at;
    guarded->status = guarded->fn(guarded->context);
}

keel_status keel_breaker_run_term(
        keel_term name, keel_status (*fn)(void *context), void *context)
{
    keel_permit permit;
    keel_status status = keel_breaker_ask_term(name, &permit);
    if (status != KEEL_OK) {
        return status;
    }
    struct guarded guarded = {.fn = fn, .context = context};
    keel_term reason;
    if (!keel_in_process()) {
        run(&guarded);
    } else if (keel_try(run, &guarded, &reason) == KEEL_E_EXIT) {
        keel_breaker_report(permit, false);
        keel_exit(reason);
    }
    keel_breaker_report(permit, guarded.status == KEEL_OK);
    return guarded.status;
}

// --- looking ---

keel_term keel_breaker_state_term(keel_term name)
{
    struct breaker *breaker = find(name);
    if (breaker == NULL) {
        return KEEL_NONE;
    }
    pthread_mutex_lock(&breaker->lock);
    enum kl_circuit_state state = state_of(breaker);
    bool over = state == KL_CIRCUIT_OPEN && kl_clock() >= breaker->circuit.until;
    pthread_mutex_unlock(&breaker->lock);
    return over ? keel_atom(half_open) : name_of(state);
}

keel_term keel_breaker_stats_term(keel_term name)
{
    struct breaker *breaker = find(name);
    keel_term state = keel_breaker_state_term(name);
    if (keel_is_none(state)) {
        return KEEL_NONE;
    }
    pthread_mutex_lock(&breaker->lock);
    int64_t now = kl_clock();
    int64_t left = breaker->circuit.until - now;
    bool open = state_of(breaker) == KL_CIRCUIT_OPEN && left > 0;
    unsigned failures = kl_circuit_failures(&breaker->circuit, now);
    uint64_t opened = breaker->opened;
    pthread_mutex_unlock(&breaker->lock);
    return keel_make("#{kind => breaker, state => S, failures => N, succeeded => A,"
                     " failed => F, refused => R, opened => O, retry_after_ms => T}",
            state, failures, __atomic_load_n(&breaker->succeeded, __ATOMIC_RELAXED),
            __atomic_load_n(&breaker->failed, __ATOMIC_RELAXED),
            __atomic_load_n(&breaker->refused, __ATOMIC_RELAXED), opened,
            open ? (left + KEEL_MS(1) - 1) / KEEL_MS(1) : 0);
}
