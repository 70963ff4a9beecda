#ifndef KEEL_WEB_ENDPOINT_H
#define KEEL_WEB_ENDPOINT_H

#include <keel/supervisor.h>
#include <keel/web/live.h>

// An endpoint: HTTP and WebSockets on one thread, turned into processes. It is a supervisor
// of the listener, which owns the thread, and of the pages that are open.
//
//   static const keel_web_route routes[] = {
//       {"GET", "/api/jobs/:id", show_job},
//       {.path = "/jobs", .view = &jobs_page},
//   };
//   static const keel_web_endpoint endpoint = {
//       .routes = routes, .route_count = KEEL_COUNT(routes),
//   };
//   keel_child_spec children[] = {keel_web_child(&endpoint, .port = 4000)};
//
// What it guards against: only loopback is listened on unless a token is asked for; the
// Host of a request must be one of ours, so that no foreign name leads to it; requests that
// change something must come from our own pages or from no page at all; forms carry a CSRF
// token, WebSockets one as well and an Origin of ours; a strict content security policy;
// limits of size, time and number.

KEEL_BEGIN_DECLS

/// What answers a path. Either a function or a view.
typedef struct keel_web_route {
    const char *method; ///< GET (HEAD too), POST, PUT, DELETE, …; unused with a view
    const char *path; ///< `:name` takes one part of the path: "/jobs/:id"
    void (*handle)(keel_web_request *request);
    const keel_live_view *view;
} keel_web_route;

/// A file that is served from memory. Static.
typedef struct keel_web_asset {
    const char *path;
    const char *content_type;
    const void *data;
    size_t size;
} keel_web_asset;

/// What an endpoint serves. Static.
typedef struct keel_web_endpoint {
    const keel_web_route *routes;
    size_t route_count;
    const keel_web_asset *assets;
    size_t asset_count;
    /// Written around the content of each live page; each may be NULL. `head` belongs into
    /// <head>: keel_web_stylesheet() and the like.
    void (*head)(keel_html *html, const keel_live *page);
    void (*header)(keel_html *html, const keel_live *page);
    void (*footer)(keel_html *html, const keel_live *page);
} keel_web_endpoint;

/// How it runs; zeroed: the defaults given here.
typedef struct keel_web_opts {
    keel_term name; ///< an atom the listener is registered under; KEEL_NONE: web
    const char *address; ///< to listen on; NULL: 127.0.0.1
    int port; ///< 0: one the system chooses, see keel_web_port
    const char *hosts; ///< names it may be asked under, separated by blanks, beside
                       ///< localhost and its address; with a token NULL: any
    const char *token; ///< needed unless the address is a loopback one; who shows it
                       ///< (?token=… once, or Authorization: Bearer …) is let in
    const char *secret; ///< keys CSRF tokens; NULL: drawn at start, so that tabs opened
                        ///< before a restart load their page anew
    size_t max_connections; ///< further ones get 503; 0: 1,000
    size_t max_requests; ///< that run at once; further ones get 503; 0: 256
    size_t max_body; ///< bytes; more: 413; 0: 64 KiB
    keel_duration timeout; ///< for a request to arrive, and for an answer to be taken;
                           ///< whole seconds; 0: 10 s. An open page that says
                           ///< nothing for 2.5 times that is asked whether it is
                           ///< there, and has 1.5 times that to answer
} keel_web_opts;

/// An endpoint as a child of a supervisor: keel_web_child(&endpoint, .port = 4000). The
/// strings are copied. The start fails with {listen, Port, Why} when the port cannot be
/// had, with {badarg, token} when it would be open to others without one.
/// @thread any @since 0.1
#define keel_web_child(endpoint, ...)                                                      \
    keel_web_child_opt((endpoint), KEEL_OPTS(keel_web_opts, __VA_ARGS__))
KEEL_API keel_child_spec keel_web_child_opt(
        const keel_web_endpoint *endpoint, const keel_web_opts *opts);
/// The port an endpoint listens on; 0 when it does not run. `name` as in its options.
/// @thread any @since 0.1
KEEL_API int keel_web_port(keel_term name);

/// What an endpoint has seen.
typedef struct keel_web_stats {
    size_t connections, pages; ///< open now
    size_t requests; ///< running now
    uint64_t answered; ///< ever, by class: [2] is 2xx
    uint64_t by_class[6];
    uint64_t refused; ///< for too many connections or requests
    uint64_t pushes, pushed_bytes; ///< to pages
} keel_web_stats;
/// False when it does not run. @thread any @since 0.1
KEEL_API bool keel_web_inspect(keel_term name, keel_web_stats *ret_stats);

/// Links a stylesheet among the assets, so that a new version is loaded at once.
/// @thread any @since 0.1
KEEL_API void keel_web_stylesheet(
        keel_html *html, const keel_web_endpoint *endpoint, const char *path);

/// Answers as Prometheus reads it: keel_metrics_write, and the figures of the workers and
/// of the endpoint that was asked: `{"GET", "/metrics", keel_web_metrics}`.
/// @thread process @since 0.1
KEEL_API void keel_web_metrics(keel_web_request *request);
/// The same text without an answer, to add one's own figures to. @thread process @since 0.1
KEEL_API keel_term keel_web_metrics_text(const keel_web_request *request);

KEEL_END_DECLS

#endif // KEEL_WEB_ENDPOINT_H
