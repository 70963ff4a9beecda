// Batchers.

#include "errand.h"
#include "loans.h"
#include "options.h"

#include <keel/parts/batcher.h>
#include <keel/timer.h>

struct item {
    struct item *next;
    keel_term term; // kept
    int64_t at; // when it was added
};

// Somebody who waits until so many items in all are done with.
struct drainer {
    struct drainer *next;
    struct kl_caller *caller;
    uint64_t target;
};

struct state {
    keel_batcher_opts opts; // argument kept
    struct item *first, **last; // in order; the batch under way comes first
    size_t pending; // items
    size_t batch; // items of the batch under way; it stays the same until done with
    uint64_t number; // of the batch under way, or of the last
    unsigned attempt; // 0: no batch is under way
    bool flushing; // a process deals with it now; else, with an attempt, it waits to come
                   // again
    bool giving_up; // that process is told what is given up
    bool armed; // a message `due` will come
    struct kl_loans adders; // who waits for room, with the item
    struct drainer *drainers;
    uint64_t added, done, batches, failures, given_up;
};

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_cast(keel_term request, void *state);
static keel_result handle_info(keel_term message, void *state);
static void terminate(keel_term reason, void *state);

static const keel_gen_server batcher_server = {
        .name = "batcher",
        .state = KEEL_STATE(struct state, pending, batch, number, attempt, flushing, added,
                done, batches, failures, given_up),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
        .terminate = terminate,
};
static const struct kl_options layout = KL_OPTIONS(keel_batcher_opts,
        offsetof(keel_batcher_opts, argument), offsetof(keel_batcher_opts, name));

// --- clients ---

keel_started keel_batcher_start_link_opt(const keel_batcher_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_batcher_opts){0};
    if (opts->flush == NULL || opts->max_wait < 0) {
        keel_term option = opts->flush == NULL ? keel_atom(flush) : keel_atom(max_wait);
        return (keel_started){.status = KEEL_E_BADARG,
                .reason = keel_tuple_of(keel_atom(badarg), option)};
    }
    return keel_gen_server_start_link(
            &batcher_server, kl_options_pack(&layout, opts), .name = opts->name);
}

static keel_started start_child(keel_term packed)
{
    keel_batcher_opts opts;
    return kl_options_unpack(&layout, packed, &opts)
                   ? keel_batcher_start_link_opt(&opts)
                   : keel_started_failed(keel_atom(badarg));
}

keel_child_spec keel_batcher_spec(const keel_batcher_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_batcher_opts){0};
    return (keel_child_spec){
            .id = keel_is_none(opts->name) ? keel_atom(batcher) : opts->name,
            .start = start_child,
            .argument = kl_options_pack(&layout, opts)};
}

keel_status keel_batcher_add_term(keel_term batcher, keel_term item, keel_deadline deadline)
{
    if (keel_is_none(item)) {
        return KEEL_E_BADARG;
    }
    keel_term key = keel_from_ref(keel_make_ref());
    keel_term reply;
    keel_status status = keel_call_within(
            batcher, keel_make("{add, Key, Item}", key, item), deadline, &reply);
    if (status == KEEL_E_TIMEOUT) {
        keel_cast(batcher, keel_make("{cancel, Key}", key));
    }
    return status;
}

keel_status keel_batcher_drain_term(keel_term batcher, keel_deadline deadline)
{
    keel_term reply;
    return keel_call_within(batcher, keel_atom(drain), deadline, &reply);
}

keel_term keel_batcher_stats_term(keel_term batcher)
{
    keel_term stats;
    return keel_call(batcher, keel_atom(stats), &stats) == KEEL_OK ? stats : KEEL_NONE;
}

// --- a batch on its way ---

static keel_batch batch_of(keel_term plan)
{
    return (keel_batch){.items = keel_element(plan, 1),
            .count = (size_t)keel_to_int(keel_element(plan, 2)),
            .number = (uint64_t)keel_to_int(keel_element(plan, 3)),
            .attempt = (unsigned)keel_to_int(keel_element(plan, 4)),
            .argument = keel_element(plan, 5)};
}

// Runs flush or give_up on {Function, Items, Count, Number, Attempt, Argument}: the status.
static keel_term flush(keel_term plan)
{
    keel_batcher_flush function = keel_to_function(
            keel_batcher_flush, keel_element(plan, 0));
    keel_batch batch = batch_of(plan);
    return keel_int(function(&batch));
}

static keel_term give_up(keel_term plan)
{
    void (*function)(const keel_batch *) = keel_to_function(
            void (*)(const keel_batch *), keel_element(plan, 0));
    keel_batch batch = batch_of(plan);
    function(&batch);
    return keel_int(KEEL_OK);
}

static keel_term plan_of(const struct state *state, keel_term function)
{
    keel_term items = keel_nil();
    const struct item *item = state->first;
    for (size_t i = 0; i < state->batch; i++, item = item->next) {
        items = keel_cons(item->term, items);
    }
    keel_term plan[] = {function, keel_list_reverse(items), keel_uint(state->batch),
            keel_uint(state->number), keel_uint(state->attempt), state->opts.argument};
    return keel_tuple(plan, KEEL_COUNT(plan));
}

// The batch under way is done with, or given up: its items go.
static void finish_batch(struct state *state)
{
    state->batches++;
    for (; state->batch > 0; state->batch--) {
        struct item *item = state->first;
        state->first = item->next;
        keel_drop(item->term);
        keel_free(item);
        state->pending--;
        state->done++;
    }
    if (state->first == NULL) {
        state->last = &state->first;
    }
    state->attempt = 0;
    state->giving_up = false;
    for (struct drainer **at = &state->drainers; *at != NULL;) {
        struct drainer *drainer = *at;
        if (state->done < drainer->target) {
            at = &drainer->next;
            continue;
        }
        *at = drainer->next;
        kl_callers_answer(&drainer->caller, keel_atom(ok));
        keel_free(drainer);
    }
}

static void take_batch(struct state *state)
{
    state->number++;
    state->attempt = 1;
    state->batch = state->pending < state->opts.max_size ? state->pending
                                                         : state->opts.max_size;
}

static void start_flush(struct state *state)
{
    keel_term function = state->giving_up ? keel_function(state->opts.give_up)
                                          : keel_function(state->opts.flush);
    keel_pid pid = kl_errand_start("batcher:flush", state->giving_up ? give_up : flush,
            plan_of(state, function), keel_atom(flush));
    state->flushing = pid.word != 0;
    if (!state->flushing) {
        keel_send_after(KEEL_SECONDS(1), keel_self(), keel_atom(again));
    }
}

// Starts the next batch if it is time for it.
static void go_on(struct state *state)
{
    if (state->attempt != 0 || state->pending == 0) {
        return;
    }
    int64_t due = state->first->at + state->opts.max_wait;
    if (state->pending >= state->opts.max_size || state->drainers != NULL ||
            kl_clock() >= due) {
        take_batch(state);
        start_flush(state);
    } else if (!state->armed) {
        state->armed = true;
        keel_send_at(keel_deadline_at(due), keel_from_pid(keel_self()), keel_atom(due));
    }
}

// What came of an attempt; true when the batch is out of the way.
static bool judge(struct state *state, bool success)
{
    if (success || state->giving_up) {
        finish_batch(state);
        return true;
    }
    state->failures++;
    if (state->opts.attempts == 0 || state->attempt < state->opts.attempts) {
        state->attempt++;
        return false;
    }
    state->given_up += state->batch;
    state->giving_up = state->opts.give_up != NULL;
    if (!state->giving_up) {
        finish_batch(state);
    }
    return !state->giving_up;
}

// --- items ---

static void push(struct state *state, keel_term term)
{
    struct item *item = keel_alloc(sizeof *item);
    *item = (struct item){.term = keel_keep(term), .at = kl_clock()};
    *state->last = item;
    state->last = &item->next;
    state->pending++;
    state->added++;
}

static void admit_adders(struct state *state)
{
    struct kl_loan *adder;
    while (state->pending < state->opts.max_pending &&
            (adder = kl_loans_first(&state->adders)) != NULL) {
        push(state, adder->note);
        keel_reply_to(adder->from, keel_atom(ok));
        kl_loans_remove(&state->adders, adder);
    }
}

static void ended(struct state *state, keel_status status, keel_term value)
{
    state->flushing = false;
    bool success = status == KEEL_OK && keel_to_int(value) == KEEL_OK;
    if (judge(state, success)) {
        admit_adders(state);
        go_on(state);
    } else if (state->giving_up) {
        start_flush(state);
    } else {
        keel_send_after(keel_backoff_delay(&state->opts.backoff, state->attempt - 1),
                keel_self(), keel_atom(again));
    }
}

// --- callbacks ---

static keel_result init(keel_term argument, void *at)
{
    struct state *state = at;
    kl_options_unpack(&layout, argument, &state->opts);
    keel_batcher_opts *opts = &state->opts;
    opts->argument = keel_keep(kl_some(opts->argument));
    opts->name = KEEL_NONE;
    opts->max_size = (size_t)kl_or((int64_t)opts->max_size, 100);
    opts->max_pending = (size_t)kl_or(
            (int64_t)opts->max_pending, 10 * (int64_t)opts->max_size);
    opts->max_wait = kl_or(opts->max_wait, KEEL_SECONDS(1));
    state->last = &state->first;
    keel_trap_exit(true);
    return keel_ok();
}

static keel_term stats_of(const struct state *state)
{
    return keel_make("#{kind => batcher, pending => P, waiting => W, added => A, done => D,"
                     " batches => B, failures => F, given_up => G, attempt => T}",
            state->pending, state->adders.waiting, state->added,
            state->done - state->given_up, state->batches, state->failures, state->given_up,
            state->attempt);
}

static keel_result handle_call(keel_term request, keel_from from, void *at)
{
    struct state *state = at;
    keel_term key, item;
    if (keel_match(request, "{add, Key, Item}", &key, &item)) {
        if (state->pending >= state->opts.max_pending) {
            kl_loans_add(&state->adders, key, item, from);
            return keel_noreply();
        }
        push(state, item);
        go_on(state);
        return keel_reply(keel_atom(ok));
    }
    if (keel_is(request, stats)) {
        return keel_reply(stats_of(state));
    }
    if (!keel_is(request, drain)) {
        return keel_unexpected(request);
    }
    if (state->pending == 0) {
        return keel_reply(keel_atom(ok));
    }
    struct drainer *drainer = keel_alloc(sizeof *drainer);
    drainer->target = state->added;
    kl_callers_add(&drainer->caller, from);
    drainer->next = state->drainers;
    state->drainers = drainer;
    go_on(state);
    return keel_noreply();
}

static void forget_adder(struct state *state, struct kl_loan *adder)
{
    if (adder != NULL) {
        kl_loans_remove(&state->adders, adder);
    }
}

static keel_result handle_cast(keel_term request, void *at)
{
    struct state *state = at;
    keel_term key;
    if (!keel_match(request, "{cancel, Key}", &key)) {
        return keel_unexpected(request);
    }
    forget_adder(state, kl_loans_find_key(&state->adders, key));
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *at)
{
    struct state *state = at;
    keel_term tag, value;
    keel_status status;
    uint64_t id;
    if (kl_errand_ended(message, &tag, &status, &value)) {
        ended(state, status, value);
    } else if (keel_is(message, due)) {
        state->armed = false;
        go_on(state);
    } else if (keel_is(message, again)) {
        start_flush(state);
    } else if (keel_match(message, "{Id, _, process, _, _}", &id)) {
        forget_adder(state, kl_loans_find(&state->adders, id));
    } else if (!keel_match(message, "{'EXIT', _, _}")) {
        return keel_unexpected(message);
    }
    return keel_noreply();
}

// Hands on what is left, a batch at a time; whoever stops the batcher says for how long it
// may try.
static void terminate(keel_term reason, void *at)
{
    (void)reason;
    struct state *state = at;
    while (state->pending > 0) {
        keel_scope scope = keel_scope_open();
        if (state->attempt == 0) {
            take_batch(state);
        }
        if (!state->flushing) {
            start_flush(state);
        }
        keel_term result = KEEL_NONE;
        bool waits = state->flushing &&
                     keel_receive_match(KEEL_NEVER, "{{errand, flush}, _, process, _, R}",
                             &result) == KEEL_OK;
        state->flushing = false;
        bool success = waits && keel_match(result, "{shutdown, {errand, 0}}");
        bool over = judge(state, success);
        keel_scope_close(&scope);
        if (!over && !state->giving_up) {
            keel_sleep(keel_backoff_delay(&state->opts.backoff, state->attempt - 1));
        }
    }
}
