// Pools of connections: the process. What borrowers do is in pool_client.c.

#include "pool.h"
#include "errand.h"
#include "loans.h"
#include "options.h"

#include <keel/timer.h>
#include <stdlib.h>

enum { NOWHERE, IDLE, LENT, CHECKED }; // what becomes of a connection

struct connection {
    int place;
    keel_term handle; // kept
    int64_t since; // IDLE: given back, or found to work
};

struct state {
    const keel_pool_kind *kind;
    keel_pool_opts opts; // argument kept
    struct kl_loans loans;
    struct connection *connection; // size + overflow
    uint32_t *idle; // places of idle ones, the one given back last is last
    uint32_t idle_count, lent, checking, opening;
    unsigned failures; // to open, in a row
    bool backing_off, checks_armed;
    uint64_t checkouts, timeouts, refused, reclaimed, opened, closed, failed;
};

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_cast(keel_term request, void *state);
static keel_result handle_info(keel_term message, void *state);

const keel_gen_server kl_pool_server = {
        .name = "pool",
        .state = KEEL_STATE(struct state, idle_count, lent, checking, opening, failures,
                backing_off, checkouts, timeouts, refused, reclaimed, opened, closed,
                failed),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
};

// --- connections, open and closed ---

// What a handle stands for: the last copy of the handle that goes, with whichever process,
// closes the connection.
struct open_connection {
    void *connection;
    void (*close)(void *connection);
};

static void close_handle(void *at)
{
    struct open_connection *open = at;
    open->close(open->connection);
    free(open);
}

void *kl_pool_connection(keel_term handle)
{
    struct open_connection *open = keel_to_pointer(handle, KL_POOL_HANDLE);
    return open == NULL ? NULL : open->connection;
}

// The errand of {Kind, Argument}: {ok, Handle}, or why not. Between the end of opening and
// the making of the handle nothing gives way, so that no kill can come between.
static keel_term open_one(keel_term plan)
{
    const keel_pool_kind *kind = keel_to_pointer(keel_element(plan, 0), NULL);
    keel_term reason = keel_atom(not_opened);
    void *connection = kind->open(keel_element(plan, 1), &reason);
    if (connection == NULL) {
        return reason;
    }
    struct open_connection *open = malloc(sizeof *open);
    if (open == NULL) {
        kind->close(connection);
        return keel_atom(system_limit);
    }
    *open = (struct open_connection){connection, kind->close};
    return keel_tuple_of(keel_atom(ok), keel_resource(KL_POOL_HANDLE, open, close_handle));
}

// The errands of {Kind, Handle}.
static keel_term check_one(keel_term plan)
{
    const keel_pool_kind *kind = keel_to_pointer(keel_element(plan, 0), NULL);
    return keel_bool(kind->check(kl_pool_connection(keel_element(plan, 1))));
}

static keel_term reset_one(keel_term plan)
{
    const keel_pool_kind *kind = keel_to_pointer(keel_element(plan, 0), NULL);
    return keel_bool(kind->reset(kl_pool_connection(keel_element(plan, 1))));
}

static uint32_t most_of(const struct state *state)
{
    return state->opts.size + state->opts.overflow;
}

static uint32_t total_of(const struct state *state)
{
    return state->idle_count + state->lent + state->checking + state->opening;
}

// Opens as many as are missing: to the size, and for those who wait and will not be served
// by what is opened or checked already.
static void top_up(struct state *state)
{
    if (state->backing_off) {
        return;
    }
    size_t coming = state->opening + state->checking + state->idle_count;
    size_t demand = state->loans.waiting > coming ? state->loans.waiting - coming : 0;
    uint32_t total = total_of(state);
    size_t least = state->opts.lazy || total >= state->opts.size ? 0
                                                                 : state->opts.size - total;
    size_t wanted = demand > least ? demand : least;
    size_t room = most_of(state) > total ? most_of(state) - total : 0;
    for (size_t i = 0; i < wanted && i < room; i++) {
        keel_term plan = keel_tuple_of(keel_pointer(state->kind), state->opts.argument);
        state->opening +=
                kl_errand_start("pool:open", open_one, plan, keel_atom(open)).word != 0;
    }
}

static void close_one(struct state *state, uint32_t place)
{
    struct connection *connection = &state->connection[place];
    keel_drop(connection->handle);
    *connection = (struct connection){0};
    state->closed++;
}

// --- lending ---

static void lend(struct state *state, uint32_t place, struct kl_loan *loan)
{
    struct connection *connection = &state->connection[place];
    connection->place = LENT;
    state->lent++;
    state->checkouts++;
    kl_loans_lend(&state->loans, loan, place);
    keel_reply_to(
            loan->from, keel_make("{ok, Loan, Handle}", loan->id, connection->handle));
}

static void arm_checks(struct state *state)
{
    if (state->kind->check == NULL || state->checks_armed || state->idle_count == 0) {
        return;
    }
    int64_t oldest = state->connection[state->idle[0]].since;
    keel_send_at(keel_deadline_at(oldest + state->opts.check_every),
            keel_from_pid(keel_self()), keel_atom(check));
    state->checks_armed = true;
}

// A connection that nobody has: for who waits for longest, or idle, or one too many.
static void make_available(struct state *state, uint32_t place)
{
    struct kl_loan *loan = kl_loans_first(&state->loans);
    if (loan != NULL) {
        lend(state, place, loan);
    } else if (total_of(state) >= state->opts.size) {
        close_one(state, place);
    } else {
        state->connection[place].place = IDLE;
        state->connection[place].since = kl_clock();
        state->idle[state->idle_count++] = place;
        arm_checks(state);
    }
}

static void have_checked(
        struct state *state, uint32_t place, const char *entry, kl_errand_function errand)
{
    struct connection *connection = &state->connection[place];
    connection->place = CHECKED;
    state->checking++;
    keel_term plan = keel_tuple_of(keel_pointer(state->kind), connection->handle);
    keel_term tag = keel_make("{checked, Place}", place);
    if (kl_errand_start(entry, errand, plan, tag).word == 0) {
        state->checking--;
        close_one(state, place);
    }
}

// How a loan ends.
enum ending { RETURNED, BROKEN, BORROWER_ENDED, GIVEN_UP };

static void end_loan(struct state *state, struct kl_loan *loan, enum ending ending)
{
    if (loan == NULL) {
        return; // it was over already
    }
    uint32_t place = loan->what;
    kl_loans_remove(&state->loans, loan);
    state->timeouts += ending == GIVEN_UP;
    if (place == KL_LOAN_WAITS) {
        return;
    }
    state->lent--;
    state->reclaimed += ending == BORROWER_ENDED;
    if (ending == RETURNED || ending == GIVEN_UP) {
        make_available(state, place); // who gave up has never seen it
    } else if (ending == BORROWER_ENDED && state->kind->reset != NULL) {
        have_checked(state, place, "pool:reset", reset_one);
    } else {
        close_one(state, place);
    }
    top_up(state);
}

// --- callbacks ---

static keel_result init(keel_term argument, void *at)
{
    struct state *state = at;
    kl_options_unpack(&kl_pool_options, argument, &state->opts);
    state->kind = state->opts.kind;
    keel_pool_opts *opts = &state->opts;
    opts->argument = keel_keep(kl_some(opts->argument));
    opts->name = KEEL_NONE;
    opts->size = (unsigned)kl_or(opts->size, 10);
    opts->check_every = kl_or(opts->check_every, KEEL_SECONDS(30));
    state->connection = keel_alloc(most_of(state) * sizeof *state->connection);
    state->idle = keel_alloc(most_of(state) * sizeof *state->idle);
    keel_trap_exit(true);
    top_up(state);
    return keel_ok();
}

static keel_term stats_of(const struct state *state)
{
    keel_term stats = keel_make(
            "#{kind => pool, size => S, open => O, idle => I, lent => L,"
            " opening => P, checking => C, waiting => W, checkouts => N}",
            state->opts.size, state->idle_count + state->lent + state->checking,
            state->idle_count, state->lent, state->opening, state->checking,
            state->loans.waiting, state->checkouts);
    const struct {
        keel_term key;
        keel_term value;
    } more[] = {
            {keel_atom(resource), keel_string(state->kind->name)},
            {keel_atom(timeouts), keel_uint(state->timeouts)},
            {keel_atom(refused), keel_uint(state->refused)},
            {keel_atom(reclaimed), keel_uint(state->reclaimed)},
            {keel_atom(opened), keel_uint(state->opened)},
            {keel_atom(closed), keel_uint(state->closed)},
            {keel_atom(failed), keel_uint(state->failed)},
    };
    for (size_t i = 0; i < KEEL_COUNT(more); i++) {
        stats = keel_map_put(stats, more[i].key, more[i].value);
    }
    return stats;
}

static keel_result handle_call(keel_term request, keel_from from, void *at)
{
    struct state *state = at;
    keel_term key;
    if (keel_is(request, stats)) {
        return keel_reply(stats_of(state));
    }
    if (!keel_match(request, "{checkout, Key}", &key)) {
        return keel_unexpected(request);
    }
    size_t limit = state->opts.queue_limit;
    if (state->idle_count == 0 && limit != 0 && state->loans.waiting >= limit) {
        state->refused++;
        return keel_reply(keel_atom(overload));
    }
    struct kl_loan *loan = kl_loans_add(&state->loans, key, KEEL_NONE, from);
    if (state->idle_count > 0) { // then nobody waits before it
        lend(state, state->idle[--state->idle_count], loan);
    } else {
        top_up(state);
    }
    return keel_noreply();
}

static keel_result handle_cast(keel_term request, void *at)
{
    struct state *state = at;
    uint64_t id;
    keel_term key;
    if (keel_match(request, "{checkin, Loan}", &id)) {
        end_loan(state, kl_loans_find(&state->loans, id), RETURNED);
    } else if (keel_match(request, "{discard, Loan}", &id)) {
        end_loan(state, kl_loans_find(&state->loans, id), BROKEN);
    } else if (keel_match(request, "{cancel, Key}", &key)) {
        end_loan(state, kl_loans_find_key(&state->loans, key), GIVEN_UP);
    } else {
        return keel_unexpected(request);
    }
    return keel_noreply();
}

static void opened(struct state *state, keel_status status, keel_term value)
{
    state->opening--;
    keel_term handle;
    if (status == KEEL_OK && keel_match(value, "{ok, Handle}", &handle)) {
        uint32_t place = 0;
        while (state->connection[place].place != NOWHERE) {
            place++;
        }
        state->connection[place].handle = keel_keep(handle);
        state->failures = 0;
        state->opened++;
        make_available(state, place);
    } else {
        state->failed++;
        state->failures++;
        if (!state->backing_off) {
            state->backing_off = true;
            keel_send_after(keel_backoff_delay(&state->opts.backoff, state->failures),
                    keel_self(), keel_atom(open));
        }
    }
    top_up(state);
}

static void checked(struct state *state, uint32_t place, bool works)
{
    state->checking--;
    if (works) {
        make_available(state, place);
    } else {
        close_one(state, place);
    }
    top_up(state);
}

// Has those checked that have been idle for long; they lie at the front.
static void check_idle(struct state *state)
{
    int64_t due = kl_clock() - state->opts.check_every;
    uint32_t count = 0;
    while (count < state->idle_count &&
            state->connection[state->idle[count]].since <= due) {
        have_checked(state, state->idle[count++], "pool:check", check_one);
    }
    state->idle_count -= count;
    __builtin_memmove(
            state->idle, state->idle + count, state->idle_count * sizeof *state->idle);
    state->checks_armed = false;
    arm_checks(state);
    top_up(state);
}

static keel_result handle_info(keel_term message, void *at)
{
    struct state *state = at;
    keel_term tag, value;
    keel_status status;
    uint64_t id;
    if (kl_errand_ended(message, &tag, &status, &value)) {
        if (keel_is(tag, open)) {
            opened(state, status, value);
        } else {
            bool works = status == KEEL_OK && keel_to_bool(value);
            checked(state, (uint32_t)keel_to_int(keel_element(tag, 1)), works);
        }
    } else if (keel_match(message, "{Id, _, process, _, _}", &id)) {
        end_loan(state, kl_loans_find(&state->loans, id), BORROWER_ENDED);
    } else if (keel_is(message, open)) {
        state->backing_off = false;
        top_up(state);
    } else if (keel_is(message, check)) {
        check_idle(state);
    } else if (!keel_match(message, "{'EXIT', _, _}")) {
        return keel_unexpected(message);
    }
    return keel_noreply();
}
