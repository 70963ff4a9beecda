// Retries in a task, while the server goes on. <keel/parts/retry.h> is the ready-made form.

#include "resilient_server.h"
#include <keel/logger.h>

enum { MAX_RETRIES = 3 };

static keel_term fetch_with_retry(
        resilient_server_fetch fetch, keel_term source, int retries_left)
{
    keel_term reason, result = fetch(source);
    if (!keel_match(result, "{error, Reason}", &reason)) {
        return result;
    }
    if (retries_left == 0) {
        keel_log_error("fetch failed after %d retries", MAX_RETRIES);
        return result;
    }
    keel_log_warning("fetch failed: %s, retrying", keel_show(reason));
    keel_sleep(KEEL_SECONDS(1));
    return fetch_with_retry(fetch, source, retries_left - 1);
}

static keel_term fetch_and_reply(keel_term work)
{
    keel_term fetch = keel_element(work, 0), from = keel_element(work, 2);
    keel_reply_to(keel_from_of_term(from),
            fetch_with_retry(keel_to_function(resilient_server_fetch, fetch),
                    keel_element(work, 1), MAX_RETRIES));
    return keel_nil();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    keel_term source;
    if (!keel_match(request, "{fetch_data, Source}", &source)) {
        return keel_unexpected(request);
    }
    keel_task_start(fetch_and_reply,
            keel_tuple_of(*(keel_term *)state, source, keel_from_to_term(from)));
    return keel_noreply();
}

static const keel_gen_server resilient_server = {
        .name = "resilient_server",
        .state = KEEL_STATE_TERM,
        .init = keel_init_term,
        .handle_call = handle_call,
};

keel_started resilient_server_start_link(resilient_server_fetch fetch)
{
    return keel_gen_server_start_link(&resilient_server, keel_function(fetch));
}

keel_term resilient_server_fetch_data(keel_pid server, keel_term source)
{
    return keel_call_or_exit(server, keel_make("{fetch_data, Source}", source));
}
