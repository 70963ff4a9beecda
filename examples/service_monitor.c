// A service monitor: healthy, degraded, critical after several failures in a row.
// <keel/parts/health.h> is the ready-made one, whose checks run beside each other.

#include "service_monitor.h"

#include <keel/keel.h>

keel_health_probe service_monitor_get = keel_health_http;

struct monitor {
    keel_term services; // a map from names to maps
    keel_term consecutive_failures; // a map from names to numbers
    int64_t check_interval, max_failures;
};

static void schedule_check(int64_t interval)
{
    keel_send_after(KEEL_MS(interval), keel_self(), keel_atom(perform_check));
}

static keel_result init(keel_term options, void *state)
{
    struct monitor *monitor = state;
    monitor->check_interval = 30000;
    monitor->max_failures = 3;
    keel_match(options, "#{check_interval := I}", &monitor->check_interval);
    keel_match(options, "#{max_failures := M}", &monitor->max_failures);
    keel_set(&monitor->services, keel_make("#{}"));
    keel_set(&monitor->consecutive_failures, keel_make("#{}"));
    schedule_check(monitor->check_interval);
    return keel_ok();
}

static keel_term without_urls(keel_term services)
{
    keel_term status = keel_make("#{}"), name, service;
    for (size_t i = 0; keel_map_at(services, i, &name, &service); i++) {
        service = keel_map_remove(service, keel_atom(url));
        status = keel_map_put(status, name, service);
    }
    return status;
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct monitor *monitor = state;
    keel_term name, url;
    if (keel_match(request, "{add_service, Name, Url}", &name, &url)) {
        keel_term service = keel_make("#{url => U, status => unknown, last_check => nil,"
                                      " response_time => nil}",
                url);
        keel_set(&monitor->services, keel_map_put(monitor->services, name, service));
        return keel_reply(keel_atom(ok));
    }
    if (keel_match(request, "{remove_service, Name}", &name)) {
        keel_set(&monitor->services, keel_map_remove(monitor->services, name));
        return keel_reply(keel_atom(ok));
    }
    if (keel_is(request, get_status)) {
        return keel_reply(without_urls(monitor->services));
    }
    if (keel_match(request, "{get_service_status, Name}", &name)) {
        return keel_reply(keel_map_get_or(monitor->services, name, keel_atom(nil)));
    }
    return keel_unexpected(request);
}

static keel_term handle_failure(
        struct monitor *monitor, keel_term name, keel_term url, keel_term reason)
{
    int64_t failures = keel_to_int(keel_map_get(monitor->consecutive_failures, name)) + 1;
    keel_set(&monitor->consecutive_failures,
            keel_map_put(monitor->consecutive_failures, name, keel_int(failures)));
    bool critical = failures >= monitor->max_failures;
    keel_log_warning("%s check failed (%ld/%ld): %s", keel_show(name), (long)failures,
            (long)monitor->max_failures, keel_show(reason));
    if (critical) {
        keel_log_error("%s is CRITICAL", keel_show(name));
    }
    return keel_make("#{url => U, status => S, last_check => L, response_time => nil}", url,
            critical ? keel_atom(critical) : keel_atom(degraded),
            keel_system_time() / KEEL_MS(1));
}

static keel_term check_service(struct monitor *monitor, keel_term name, keel_term service)
{
    keel_term url = keel_map_get(service, keel_atom(url)), reason = keel_atom(nil);
    int64_t start = KEEL_IN(0).at;
    if (service_monitor_get(url, KEEL_SECONDS(5), &reason) != KEEL_OK) {
        return handle_failure(monitor, name, url, reason);
    }
    int64_t response_time = (KEEL_IN(0).at - start) / KEEL_MS(1);
    keel_set(&monitor->consecutive_failures,
            keel_map_put(monitor->consecutive_failures, name, keel_int(0)));
    keel_log_info("%s is healthy (%ldms)", keel_show(name), (long)response_time);
    return keel_make("#{url => U, status => healthy, last_check => L, response_time => R}",
            url, keel_system_time() / KEEL_MS(1), response_time);
}

static keel_result handle_info(keel_term message, void *state)
{
    struct monitor *monitor = state;
    if (!keel_is(message, perform_check)) {
        return keel_unexpected(message);
    }
    keel_term services = keel_make("#{}"), name, service;
    for (size_t i = 0; keel_map_at(monitor->services, i, &name, &service); i++) {
        services = keel_map_put(services, name, check_service(monitor, name, service));
    }
    keel_set(&monitor->services, services);
    schedule_check(monitor->check_interval);
    return keel_noreply();
}

static const keel_gen_server service_monitor = {
        .name = "service_monitor",
        .state = KEEL_STATE(struct monitor, services, consecutive_failures, check_interval,
                max_failures),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

keel_started service_monitor_start_link(keel_term options)
{
    return keel_gen_server_start_link(
            &service_monitor, options, .name = keel_atom(service_monitor));
}

void service_monitor_add(keel_term name, keel_term url)
{
    keel_call_or_exit("service_monitor", keel_make("{add_service, Name, Url}", name, url));
}

void service_monitor_remove(keel_term name)
{
    keel_call_or_exit("service_monitor", keel_make("{remove_service, Name}", name));
}

keel_term service_monitor_status(void)
{
    return keel_call_or_exit("service_monitor", keel_atom(get_status));
}

keel_term service_monitor_service_status(keel_term name)
{
    return keel_call_or_exit("service_monitor", keel_make("{get_service_status, N}", name));
}
