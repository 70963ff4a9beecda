#ifndef KEEL_PARTS_HEALTH_H
#define KEEL_PARTS_HEALTH_H

#include <keel/supervisor.h>

// Health checkers: whether services are well, looked at again and again.
//
//   keel_child_spec children[] = {keel_health_child(
//           .name = keel_atom(health), .every = KEEL_SECONDS(30), .pubsub =
//           keel_atom(news))};
//   …
//   keel_health_add("health", keel_string("api"),
//   keel_string("http://localhost:8080/health")); keel_term status =
//   keel_health_status("health");
//
//   unknown ──▸ healthy ◂──▸ degraded ──(max_failures in a row)──▸ critical ──▸ healthy
//
// A service is checked at once when it is added and then every so often, each check in a
// process of its own. What a check is says the probe: by default a GET of the URL that the
// service's target is, which is well with status 200.

KEEL_BEGIN_DECLS

/// Looks at a service: KEEL_OK when it is well; else `*ret_reason` may say more. In a
/// process of its own; may wait and block, and is killed when it takes longer than
/// `timeout` by 1 s.
typedef keel_status (*keel_health_probe)(
        keel_term target, keel_duration timeout, keel_term *ret_reason);

/// The default probe: a GET without redirection or proxy. KEEL_OK with status 200,
/// KEEL_E_REFUSED with {bad_status, Code}, KEEL_E_TIMEOUT with timeout, KEEL_E_NODEDOWN
/// with what libcurl says, a binary; KEEL_E_UNSUPPORTED when built without libcurl. @thread
/// process @since 0.1
KEEL_API keel_status keel_health_http(
        keel_term url, keel_duration timeout, keel_term *ret_reason);

/// What a health checker is; zeroed: the defaults given here.
typedef struct keel_health_opts {
    keel_term name; ///< as keel_start_opts.name
    keel_duration every; ///< between the beginnings of checks of a service, of which there
                         ///< is one at a time; 0: 30 s
    keel_duration timeout; ///< of a check; 0: 5 s
    unsigned max_failures; ///< so many in a row are critical; 0: 3
    keel_health_probe probe; ///< NULL: keel_health_http
    keel_term pubsub; ///< a publisher that tells each change of status to the topic health:
                      ///< {health, Service, Old, New}; KEEL_NONE: none
} keel_health_opts;

/// Starts one linked to the caller: keel_health_start_link(.every = KEEL_SECONDS(10)).
/// KEEL_E_BADARG with {badarg, Option}; else as keel_gen_server_start_link.
/// @thread process @since 0.1
#define keel_health_start_link(...)                                                        \
    keel_health_start_link_opt(KEEL_OPTS(keel_health_opts, __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_health_start_link_opt(
        const keel_health_opts *opts);
/// One as a child of a supervisor, its id its name, or health. @thread any @since 0.1
#define keel_health_child(...) keel_health_spec(KEEL_OPTS(keel_health_opts, __VA_ARGS__))
KEEL_API keel_child_spec keel_health_spec(const keel_health_opts *opts);

/// Adds a service; both are any terms, the target is the probe's. KEEL_OK; KEEL_E_TAKEN:
/// there is one of that name; KEEL_E_BADARG, and what keel_call gives. @thread any @since
/// 0.1
#define keel_health_add(health, service, target)                                           \
    keel_health_add_term(KEEL_TO(health), (service), (target))
KEEL_API keel_status keel_health_add_term(
        keel_term health, keel_term service, keel_term target);
/// Forgets a service; there need be none. KEEL_OK and what keel_call gives.
/// @thread any @since 0.1
#define keel_health_remove(health, service)                                                \
    keel_health_remove_term(KEEL_TO(health), (service))
KEEL_API keel_status keel_health_remove_term(keel_term health, keel_term service);

/// All services: a map from their names to what keel_health_status_of gives; KEEL_NONE when
/// there is no such checker. @thread any @since 0.1
#define keel_health_status(health) keel_health_status_term(KEEL_TO(health))
KEEL_API keel_term keel_health_status_term(keel_term health);
/// One service: #{status => unknown | healthy | degraded | critical, target, failures (in a
/// row), reason (of the last failure, or none), response_us (of the last check that went
/// well, or none), last_check (milliseconds since 1970, or none)}; KEEL_NONE when there is
/// none. @thread any @since 0.1
#define keel_health_status_of(health, service)                                             \
    keel_health_status_of_term(KEEL_TO(health), (service))
KEEL_API keel_term keel_health_status_of_term(keel_term health, keel_term service);
/// Figures: #{kind => health, services, healthy, degraded, critical, checks, failures};
/// KEEL_NONE when there is none. @thread any @since 0.1
#define keel_health_stats(health) keel_health_stats_term(KEEL_TO(health))
KEEL_API keel_term keel_health_stats_term(keel_term health);

KEEL_END_DECLS

#endif // KEEL_PARTS_HEALTH_H
