// A rate limiter: fixed windows, forgotten when they end. <keel/parts/limiter.h> is the
// ready-made one, for millions of keys.

#include "rate_limiter.h"

struct limiter {
    int64_t limit, window_ms;
    keel_term counts; // requests of each user in this window
};

static keel_result init(keel_term limit_and_window, void *state)
{
    struct limiter *limiter = state;
    if (!keel_match(limit_and_window, "{Limit, Window}", &limiter->limit,
                &limiter->window_ms)) {
        return keel_stop_with(keel_atom(badarg));
    }
    keel_set(&limiter->counts, keel_make("#{}"));
    keel_send_after(KEEL_MS(limiter->window_ms), keel_self(), keel_atom(next_window));
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct limiter *limiter = state;
    keel_term user;
    if (!keel_match(request, "{check, User}", &user)) {
        return keel_unexpected(request);
    }
    int64_t count = keel_to_int(keel_map_get(limiter->counts, user));
    if (count >= limiter->limit) {
        return keel_reply(keel_atom(rate_limited));
    }
    keel_set(&limiter->counts, keel_map_put(limiter->counts, user, keel_int(count + 1)));
    return keel_reply(keel_atom(ok));
}

static keel_result handle_info(keel_term message, void *state)
{
    struct limiter *limiter = state;
    if (!keel_is(message, next_window)) {
        return keel_unexpected(message);
    }
    keel_set(&limiter->counts, keel_make("#{}"));
    keel_send_after(KEEL_MS(limiter->window_ms), keel_self(), keel_atom(next_window));
    return keel_noreply();
}

static const keel_gen_server rate_limiter = {
        .name = "rate_limiter",
        .state = KEEL_STATE(struct limiter, limit, window_ms, counts),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

keel_started rate_limiter_start_link(keel_term limit_and_window)
{
    return keel_gen_server_start_link(
            &rate_limiter, limit_and_window, .name = keel_atom(rate_limiter));
}

keel_term rate_limiter_check(keel_term user)
{
    return keel_call_or_exit("rate_limiter", keel_make("{check, User}", user));
}
