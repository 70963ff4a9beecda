#ifndef KL_WEB_PEER_H
#define KL_WEB_PEER_H

#include "guard.h"

#include <keel/message.h>
#include <keel/metric.h>
#include <keel/web/endpoint.h>
#include <pthread.h>

// What the thread of an endpoint, the loop, shares with processes: the endpoint's own
// record, and a peer for each request and each open page. Both are counted, and are freed
// by whoever lets go last; neither the loop nor a process ever waits for the other.
//
// Processes leave what the loop shall do in the outbox, under the lock; everything of
// libwebsockets is touched by the loop alone.

struct lws;
struct lws_context;
struct kl_web_peer;

struct kl_web {
    unsigned refs;
    // Constant once the loop runs.
    const keel_web_endpoint *endpoint;
    char *address, *hosts, *token, *secret; // hosts and token may be NULL
    char access[KL_DIGEST_SIZE]; // the cookie of those who have shown the token
    size_t max_connections, max_requests, max_body;
    unsigned timeout_s;
    int port; // asked for
    keel_pid listener;
    pthread_t thread; // of the loop, when `threaded`; both the listener's
    bool threaded;
    keel_metric *took; // seconds from the listener to the answer; may be NULL

    pthread_mutex_t lock;
    // Under the lock.
    struct lws_context *context; // NULL when the loop is gone: nobody is to be woken
    struct kl_web_peer *outbox, **outbox_end;

    bool stopping; // by the listener, read by the loop
    // Figures: counted by the loop, and by processes; relaxed, for they order nothing.
    size_t connections, pages, requests;
    uint64_t by_class[6], refused, pushes, pushed_bytes;
};

enum kl_header {
    KL_HOST,
    KL_ORIGIN,
    KL_COOKIE,
    KL_CONTENT_TYPE,
    KL_ACCEPT,
    KL_AUTHORIZATION,
    KL_USER_AGENT,
    KL_FETCH_SITE,
    KL_HEADERS
};

// An answer: made by a process, or by the loop itself; written by the loop.
struct kl_answer {
    int status;
    char content_type[96];
    char *headers; // name and value in turn, each ended by NUL; or NULL
    size_t headers_size;
    const char *body;
    char *owned; // the body, when it must be freed
    size_t size, sent;
    bool begun; // its headers are out
    bool close; // the connection must not be used again
    bool cached; // for ever: an asset with its version in the address
};

struct kl_web_peer {
    unsigned refs;
    struct kl_web *web;
    struct lws *wsi; // the loop's; NULL when the connection is gone
    // What was asked: constant once a process knows of it.
    char *method, *path;
    char *headers[KL_HEADERS]; // NULL: not sent
    char *query; // "name=value" as it was decoded, each ended by NUL
    size_t query_size;
    char *body;
    size_t body_size, body_capacity, body_expected;
    const keel_web_route *route;
    bool is_socket; // an open page, not a request
    bool is_head;
    bool whole; // its body has come to its end
    bool impatient; // the client has sent more before it was answered
    bool handed_over;
    int64_t since; // by keel_system_time, when it was
    bool running; // counted in web->requests
    bool done; // its answer is out
    char session[KL_SESSION_SIZE];
    bool new_session; // the browser must be told

    // Under web->lock until it is in the outbox.
    bool answered;
    struct kl_answer answer;
    // Under web->lock: an open page.
    keel_pid page;
    char *push; // waits to be sent; begins LWS_PRE bytes before the text
    size_t push_size;
    bool resume, close, gone;
    bool queued;
    struct kl_web_peer *next;
};

struct kl_web *kl_web_ref(struct kl_web *web);
void kl_web_unref(struct kl_web *web);
// Wakes the loop, if there still is one.
void kl_web_wake(struct kl_web *web);
// Has the loop come to its end; returns at once.
void kl_web_stop(struct kl_web *web);

struct kl_web_peer *kl_web_peer_new(struct kl_web *web);
struct kl_web_peer *kl_web_peer_ref(struct kl_web_peer *peer);
void kl_web_peer_unref(struct kl_web_peer *peer);
// A term that holds a reference; and back.
keel_term kl_web_peer_term(struct kl_web_peer *peer);
struct kl_web_peer *kl_web_peer_of_term(keel_term term);

// From processes: hands `answer` over, which is taken. The first one counts.
void kl_web_peer_answer(struct kl_web_peer *peer, const struct kl_answer *answer);
// An open page's: sends `text` (copied); the page gets web_sent when it is out, and gives
// no other before. `false`: the browser is gone.
bool kl_web_peer_push(struct kl_web_peer *peer, const char *text, size_t size);
// The browser may send the next event.
void kl_web_peer_resume(struct kl_web_peer *peer);
void kl_web_peer_close(struct kl_web_peer *peer);
// `page` gets the atom web_closed when the browser goes; `false`: it is gone already.
bool kl_web_peer_attach(struct kl_web_peer *peer, keel_pid page);

// For the loop: takes everything out of the outbox; a chain by `next`, each with the
// reference the outbox had. A peer's `next` holds until its `queued` is taken back, both
// under the lock.
struct kl_web_peer *kl_web_take_outbox(struct kl_web *web);

#endif // KL_WEB_PEER_H
