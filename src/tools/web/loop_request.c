// What libwebsockets says of requests: who answers them, and their bodies.

#include "loop.h"

#include "live_script.h"
#include "route.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

// How much of a body that is too large is still read, so that the client hears why.
#define DISCARD_MAX (16 << 20)

static int begin_request(struct kl_connection *connection, struct lws *wsi);
static int take_body(struct kl_web_peer *peer, const char *data, size_t size);
static int end_body(struct kl_web_peer *peer, struct lws *wsi);
static int write_answer(struct kl_connection *connection, struct lws *wsi);

int kl_loop_on_http(struct lws *wsi, int reason, struct kl_connection *connection,
        const char *data, size_t size)
{
    struct kl_web_peer *peer = connection->peer;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return begin_request(connection, wsi);
    case LWS_CALLBACK_HTTP_BODY:
        return take_body(peer, data, size);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return end_body(peer, wsi);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return peer != NULL ? write_answer(connection, wsi) : 0;
    case LWS_CALLBACK_CLOSED_HTTP:
        kl_loop_let_go(connection);
        return 0;
    default:
        return 0;
    }
}

static void hand_over(struct kl_web_peer *peer)
{
    if (peer->handed_over || peer->answered) {
        return;
    }
    peer->handed_over = true;
    peer->since = keel_system_time();
    peer->running = true;
    lws_set_timeout(peer->wsi, PENDING_TIMEOUT_HTTP_CONTENT, 30);
    kl_loop_tell(peer->web, peer, "request");
}

// Says which methods a path takes. The answer is the loop's own and not written yet.
static void allow(struct kl_web_peer *peer, const keel_web_asset *asset)
{
    char methods[128];
    kl_route_allowed(peer->web->endpoint, peer->path, methods, sizeof(methods));
    kl_answer_header(&peer->answer, "allow", asset != NULL ? "GET" : methods);
}

// Who answers: an asset, a route, or nobody. Bodies are awaited by libwebsockets.
static void direct(struct kl_web_peer *peer)
{
    struct kl_web *web = peer->web;
    const keel_web_asset *asset = strcmp(peer->path, kl_live_script.path) == 0
                                          ? &kl_live_script
                                          : kl_route_asset(web->endpoint, peer->path);
    bool reads = strcmp(peer->method, "GET") == 0 || peer->is_head;
    bool known;
    peer->route = kl_route_find(web->endpoint, peer->method, peer->path, &known);
    if (asset != NULL && reads) {
        kl_loop_serve(peer, asset);
    } else if (peer->route == NULL && (known || asset != NULL)) {
        kl_loop_fail(peer, 405, "this path does not take that method");
        allow(peer, asset);
    } else if (peer->route == NULL) {
        kl_loop_fail(peer, 404, "there is no such path");
    } else if (__atomic_fetch_add(&web->requests, 1, __ATOMIC_RELAXED) >=
               web->max_requests) {
        __atomic_fetch_sub(&web->requests, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&web->refused, 1, __ATOMIC_RELAXED);
        kl_loop_fail(peer, 503, "too many requests at once");
    } else if (peer->body_expected == 0) {
        hand_over(peer);
    } else {
        peer->running = true;
    }
}

// Reads Content-Length: false when there is one that is not to be served.
static bool read_length(struct kl_web_peer *peer, struct lws *wsi)
{
    char text[32];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        kl_loop_fail(peer, 411, "Content-Length: missing");
        return false;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0) {
        return true;
    }
    int length = lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (length <= 0 || strspn(text, "0123456789") != (size_t)length || length > 18) {
        kl_loop_fail(peer, 400, "Content-Length: not a number");
        peer->answer.close = true;
        return false;
    }
    peer->body_expected = strtoull(text, NULL, 10);
    if (peer->body_expected > peer->web->max_body) {
        kl_loop_fail(peer, 413, "the body is too large");
        peer->answer.close = peer->body_expected > DISCARD_MAX;
        return false;
    }
    return true;
}

static int begin_request(struct kl_connection *connection, struct lws *wsi)
{
    kl_loop_let_go(connection);
    struct kl_web_peer *peer = kl_loop_read(connection, wsi);
    if (peer == NULL) {
        return -1;
    }
    connection->peer = peer;
    if (connection->over) {
        kl_loop_fail(peer, 503, "too many connections");
    } else if (read_length(peer, wsi) && kl_gate_admits(peer)) {
        direct(peer);
    }
    return 0;
}

static int take_body(struct kl_web_peer *peer, const char *data, size_t size)
{
    if (peer == NULL || peer->handed_over) {
        return size > 0 ? -1 : 0; // more than it said
    }
    if (peer->answered) {
        return 0; // read all the same, so that the client reads the answer
    }
    if (peer->body_size + size > peer->body_expected) {
        return -1;
    }
    if (peer->body == NULL) {
        peer->body = malloc(peer->body_expected + 1);
    }
    if (peer->body == NULL) {
        return -1;
    }
    memcpy(peer->body + peer->body_size, data, size);
    peer->body_size += size;
    return 0;
}

static bool is_answered(struct kl_web_peer *peer)
{
    pthread_mutex_lock(&peer->web->lock);
    bool answered = peer->answered;
    pthread_mutex_unlock(&peer->web->lock);
    return answered;
}

// Is said again when the client has sent more, which libwebsockets keeps and offers once
// more at each turn of its loop: nothing is read until there is an answer (see drain()).
static int end_body(struct kl_web_peer *peer, struct lws *wsi)
{
    if (peer == NULL) {
        return -1; // it has been answered
    }
    if (!peer->whole) {
        peer->whole = true;
        hand_over(peer);
    } else if (!peer->impatient) {
        peer->impatient = true;
        if (!is_answered(peer)) {
            lws_rx_flow_control(wsi, 0);
        }
    }
    return 0;
}

static int write_answer(struct kl_connection *connection, struct lws *wsi)
{
    struct kl_web_peer *peer = connection->peer;
    int result = is_answered(peer) ? kl_loop_write(peer, wsi) : 0;
    if (peer->done) {
        kl_loop_let_go(connection);
    }
    return result;
}
