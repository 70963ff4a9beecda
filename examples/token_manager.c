// Has expired tokens released, again and again and when asked. tokens.c holds them;
// <keel/parts/periodic.h> is the ready-made form.

#include "token_manager.h"

struct manager {
    token_manager_release release;
    keel_ref timer;
};

static keel_ref schedule_next_check(void)
{
    return keel_send_after(KEEL_SECONDS(30), keel_self(), keel_atom(check_expired_tokens));
}

static keel_result init(keel_term release, void *state)
{
    struct manager *manager = state;
    manager->release = keel_to_function(token_manager_release, release);
    manager->timer = schedule_next_check();
    return keel_ok();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct manager *manager = state;
    if (!keel_is(message, check_expired_tokens)) {
        return keel_unexpected(message);
    }
    int64_t count = 0;
    keel_term reason, result = manager->release();
    if (keel_match(result, "{ok, Count}", &count) && count > 0) {
        keel_log_info("released %ld expired tokens", (long)count);
    } else if (keel_match(result, "{error, Reason}", &reason)) {
        keel_log_error("no tokens released: %s", keel_show(reason));
    }
    manager->timer = schedule_next_check();
    return keel_noreply();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct manager *manager = state;
    return keel_is(request, check_and_release_expired) ? keel_reply(manager->release())
                                                       : keel_unexpected(request);
}

static const keel_gen_server token_manager = {
        .name = "token_manager",
        .state = KEEL_STATE(struct manager, timer),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

keel_started token_manager_start_link(keel_term release)
{
    return keel_gen_server_start_link(
            &token_manager, release, .name = keel_atom(token_manager));
}

keel_term token_manager_check_and_release_expired(void)
{
    return keel_call_or_exit("token_manager", keel_atom(check_and_release_expired));
}
