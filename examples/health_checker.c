// A periodic health checker: gets a list of URLs every so often. <keel/parts/health.h> is
// the ready-made one, which does not wait for one URL before it looks at the next.

#include "health_checker.h"

#include <keel/keel.h>

keel_health_probe health_checker_get = keel_health_http;

struct checker {
    keel_term urls;
    int64_t interval;
    keel_term statuses;
};

static void schedule_check(int64_t interval)
{
    keel_send_after(KEEL_MS(interval), keel_self(), keel_atom(perform_check));
}

static keel_result init(keel_term options, void *state)
{
    struct checker *checker = state;
    keel_set(&checker->urls, keel_map_get(options, keel_atom(urls)));
    checker->interval = 30000;
    keel_match(options, "#{interval := I}", &checker->interval);
    keel_set(&checker->statuses, keel_make("#{}"));
    schedule_check(checker->interval);
    return keel_ok();
}

static keel_term check_url(keel_term url)
{
    keel_term reason;
    switch (health_checker_get(url, KEEL_SECONDS(5), &reason)) {
    case KEEL_OK:
        return keel_atom(healthy);
    case KEEL_E_REFUSED:
        return keel_atom(unhealthy);
    default:
        return keel_atom(unreachable);
    }
}

static keel_result handle_info(keel_term message, void *state)
{
    struct checker *checker = state;
    if (!keel_is(message, perform_check)) {
        return keel_unexpected(message);
    }
    keel_log_info("Performing health checks...");
    keel_term urls = checker->urls, url;
    keel_term statuses = keel_make("#{}");
    while (keel_list_next(&urls, &url)) {
        statuses = keel_map_put(statuses, url, check_url(url));
    }
    keel_set(&checker->statuses, statuses);
    schedule_check(checker->interval);
    return keel_noreply();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct checker *checker = state;
    return keel_is(request, get_status) ? keel_reply(checker->statuses)
                                        : keel_unexpected(request);
}

static const keel_gen_server health_checker = {
        .name = "health_checker",
        .state = KEEL_STATE(struct checker, urls, interval, statuses),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

keel_started health_checker_start_link(keel_term options)
{
    return keel_gen_server_start_link(
            &health_checker, options, .name = keel_atom(health_checker));
}

keel_term health_checker_status(void)
{
    return keel_call_or_exit("health_checker", keel_atom(get_status));
}
