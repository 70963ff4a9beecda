#ifndef KEEL_WEB_LIVE_H
#define KEEL_WEB_LIVE_H

#include <keel/state.h>
#include <keel/web/request.h>

// Live pages: what a browser shows is a process here. It is rendered once as plain HTML,
// readable without JavaScript; then the browser opens a WebSocket, the page is mounted in a
// process of its own, and whatever changes in it is sent as the parts that changed.
//
//   callback         called for                                         in the process
//   mount            the beginning; subscribe here, if connected        both
//   handle_params    after mount, and when the query of the address     both
//                    changes by a link with data-live-patch
//   handle_event     a form with data-live that was sent                both
//   handle_info      any message                                        connected
//   render           whenever any of these was called                   both
//
// A form:
//
//   <form method="post" data-live><input type="hidden" name="event" value="cancel"> …
//   with keel_live_form(page, html, "cancel"), which writes just that and the CSRF token
//
// works without JavaScript too: it is then posted, the page mounted, handle_event called.
// data-live-change on a form sends its event on every change.
//
// When the connection is lost the browser comes back by itself; the page is mounted anew
// with the same query, so what a page shows belongs into servers and its address. A crash
// of a page is one such moment, and touches no other page.
//
// Of a page that is NULL nothing is known, and what is done to it is done to nobody.

KEEL_BEGIN_DECLS

/// One page that is open, or being rendered once.
typedef struct keel_live keel_live;

/// A kind of page. Static.
typedef struct keel_live_view {
    const char *name; ///< its entry in inspection
    const char *title; ///< of the document
    keel_state_layout state; ///< KEEL_STATE(struct …, …) or nothing
    void (*mount)(keel_live *page, void *state);
    void (*handle_params)(keel_live *page, keel_term query, void *state);
    /// `values` is a map of binaries to binaries, see keel_web_value.
    void (*handle_event)(keel_live *page, const char *event, keel_term values, void *state);
    void (*handle_info)(keel_live *page, keel_term message, void *state);
    void (*render)(keel_live *page, keel_html *html, void *state);
} keel_live_view;

/// False when the page is only rendered once: nothing it subscribes to would reach it.
/// @thread process @since 0.1
KEEL_API bool keel_live_connected(const keel_live *page);
/// The path of its address. @thread process @since 0.1
KEEL_API const char *keel_live_path(const keel_live *page);
/// The part of the path that `:name` of the route stands for. @thread process @since 0.1
KEEL_API const char *keel_live_param(const keel_live *page, const char *name);
/// The query of its address: a map of binaries to binaries. @thread process @since 0.1
KEEL_API keel_term keel_live_query(const keel_live *page);
/// What its forms must send as `_csrf`. @thread process @since 0.1
KEEL_API const char *keel_live_csrf(const keel_live *page);
/// Changes the query of the address the browser shows, such as "filter=failed"; the page
/// is mounted with it after a reconnect. Does not call handle_params. @thread process
/// @since 0.1
KEEL_API void keel_live_patch(keel_live *page, const char *query);
/// Sends the browser to another path on this server. @thread process @since 0.1
KEEL_API void keel_live_redirect(keel_live *page, const char *path);
/// A message for the one who looks, made as by printf; it stays until the next event.
/// `kind` is info or error. @thread process @since 0.1
KEEL_API void keel_live_notice(keel_live *page, const char *kind, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/// Opens a form that sends `event` to the page, with its hidden fields; the caller closes
/// it. `attributes` is a literal.
#define keel_live_form(page, html, event, attributes)                                      \
    keel_live_form_at((page), (html), (event), "" attributes "")
/// Use keel_live_form(). @thread process @since 0.1
KEEL_API void keel_live_form_at(
        const keel_live *page, keel_html *html, const char *event, const char *attributes);

KEEL_END_DECLS

#endif // KEEL_WEB_LIVE_H
