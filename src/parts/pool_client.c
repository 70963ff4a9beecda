// Pools of connections: starting them, borrowing from them.

#include "pool.h"

const struct kl_options kl_pool_options = KL_OPTIONS(
        keel_pool_opts, offsetof(keel_pool_opts, argument), offsetof(keel_pool_opts, name));

keel_started keel_pool_start_link_opt(const keel_pool_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_pool_opts){0};
    const keel_pool_kind *kind = opts->kind;
    bool wrong_kind = kind == NULL || kind->open == NULL || kind->close == NULL;
    if (wrong_kind || opts->check_every < 0) {
        keel_term option = wrong_kind ? keel_atom(kind) : keel_atom(check_every);
        return (keel_started){.status = KEEL_E_BADARG,
                .reason = keel_tuple_of(keel_atom(badarg), option)};
    }
    return keel_gen_server_start_link(
            &kl_pool_server, kl_options_pack(&kl_pool_options, opts), .name = opts->name);
}

static keel_started start_child(keel_term packed)
{
    keel_pool_opts opts;
    return kl_options_unpack(&kl_pool_options, packed, &opts)
                   ? keel_pool_start_link_opt(&opts)
                   : keel_started_failed(keel_atom(badarg));
}

keel_child_spec keel_pool_spec(const keel_pool_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_pool_opts){0};
    return (keel_child_spec){.id = keel_is_none(opts->name) ? keel_atom(pool) : opts->name,
            .start = start_child,
            .argument = kl_options_pack(&kl_pool_options, opts)};
}

keel_status keel_pool_checkout_term(
        keel_term pool, keel_deadline deadline, keel_lease *ret_lease)
{
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    if (ret_lease == NULL) {
        return KEEL_E_BADARG;
    }
    // The reply is dropped when the lease has its own copy of the handle, or it would hold
    // the connection open as long as the callback lasts.
    keel_scope scope = keel_scope_open();
    keel_term key = keel_from_ref(keel_make_ref());
    keel_term whereis = keel_server_whereis_term(pool);
    if (!keel_is_pid(whereis)) {
        keel_scope_close(&scope);
        return KEEL_E_NOPROC; // on another node a connection would be a mere number
    }
    keel_term reply, handle;
    uint64_t loan;
    keel_status status = keel_call_within(
            whereis, keel_make("{checkout, Key}", key), deadline, &reply);
    if (status == KEEL_E_TIMEOUT) {
        keel_cast(whereis, keel_make("{cancel, Key}", key));
    } else if (status == KEEL_OK &&
               keel_match(reply, "{ok, Loan, Handle}", &loan, &handle)) {
        *ret_lease = (keel_lease){.connection = kl_pool_connection(handle),
                .handle = keel_keep(handle),
                .pool = keel_to_pid(whereis),
                .loan = loan};
    } else if (status == KEEL_OK) {
        status = KEEL_E_OVERLOAD;
    }
    keel_scope_close(&scope);
    return status;
}

static void give_back(keel_lease *lease, keel_term how)
{
    if (lease != NULL && lease->connection != NULL) {
        keel_drop(lease->handle);
        keel_cast(lease->pool, keel_tuple_of(how, keel_uint(lease->loan)));
        *lease = (keel_lease){0};
    }
}

void keel_pool_checkin(keel_lease *lease)
{
    give_back(lease, keel_atom(checkin));
}

void keel_pool_discard(keel_lease *lease)
{
    give_back(lease, keel_atom(discard));
}

struct use {
    keel_status (*fn)(void *connection, void *context);
    void *connection, *context;
    keel_status status;
};

static void run(void *at)
{
    struct use *use = at;
    use->status = use->fn(use->connection, use->context);
}

keel_status keel_pool_with_term(keel_term pool, keel_deadline deadline,
        keel_status (*fn)(void *connection, void *context), void *context)
{
    if (fn == NULL) {
        return KEEL_E_BADARG;
    }
    keel_lease lease;
    keel_status status = keel_pool_checkout_term(pool, deadline, &lease);
    if (status != KEEL_OK) {
        return status;
    }
    struct use use = {.fn = fn, .connection = lease.connection, .context = context};
    keel_term reason;
    if (keel_try(run, &use, &reason) != KEEL_OK) {
        keel_pool_discard(&lease);
        keel_exit(reason);
    }
    keel_pool_checkin(&lease);
    return use.status;
}

keel_term keel_pool_stats_term(keel_term pool)
{
    keel_term stats;
    return keel_call(pool, keel_atom(stats), &stats) == KEEL_OK ? stats : KEEL_NONE;
}
