#include "loop.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

// An event of a page, however it is cut into frames.
#define EVENT_MAX 65536

static keel_pid page_of(struct kl_web_peer *peer)
{
    pthread_mutex_lock(&peer->web->lock);
    keel_pid page = peer->page;
    pthread_mutex_unlock(&peer->web->lock);
    return page;
}

static void tell_page(struct kl_web_peer *peer, keel_term message)
{
    keel_pid page = page_of(peer);
    if (page.word != 0) {
        kl_loop_send(peer->web, page, message);
    }
}

static int begin_page(struct kl_connection *connection, struct lws *wsi)
{
    kl_loop_let_go(connection);
    struct kl_web_peer *peer = kl_loop_read(connection, wsi);
    if (peer == NULL) {
        return -1;
    }
    connection->peer = peer;
    peer->is_socket = true;
    if (connection->over || !kl_gate_admits_page(peer)) {
        (void)lws_return_http_status(wsi, connection->over ? 503 : 403, NULL);
        return -1;
    }
    return 0;
}

static int take_event(
        struct kl_connection *connection, struct lws *wsi, const char *data, size_t size)
{
    struct kl_web_peer *peer = connection->peer;
    if (connection->text_size + size > EVENT_MAX || page_of(peer).word == 0) {
        lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
        return -1;
    }
    char *text = realloc(connection->text, connection->text_size + size + 1);
    if (text == NULL) {
        return -1;
    }
    memcpy(text + connection->text_size, data, size);
    connection->text = text;
    connection->text_size += size;
    if (lws_remaining_packet_payload(wsi) > 0 || !lws_is_final_fragment(wsi)) {
        return 0;
    }
    keel_scope scope = keel_scope_open();
    tell_page(peer, keel_tuple_of(keel_atom(web_event),
                            keel_binary(connection->text, connection->text_size)));
    keel_scope_close(&scope);
    connection->text_size = 0;
    // One event at a time: who floods waits in the kernel's buffers.
    lws_rx_flow_control(wsi, 0);
    return 0;
}

// Whoever sends anything is there.
static void hear_of(struct kl_connection *connection)
{
    kl_silence_heard(&connection->loop->silence, &connection->silent, lws_now_usecs());
}

static int write_ping(struct kl_connection *connection, struct lws *wsi)
{
    // Not empty: of an answer without data libwebsockets says nothing.
    uint8_t frame[LWS_PRE + 4] = {0};
    connection->ask = false;
    // One frame at a time: what else there is to be written has its turn after this.
    lws_callback_on_writable(wsi);
    return lws_write(wsi, frame + LWS_PRE, 4, LWS_WRITE_PING) < 0 ? -1 : 0;
}

static int write_push(struct kl_web_peer *peer, struct lws *wsi)
{
    pthread_mutex_lock(&peer->web->lock);
    char *push = peer->push;
    size_t size = peer->push_size;
    bool close = peer->close;
    peer->push = NULL;
    pthread_mutex_unlock(&peer->web->lock);
    int result = close ? -1 : 0;
    if (push != NULL && !close) {
        int written = lws_write(wsi, (uint8_t *)push + LWS_PRE, size, LWS_WRITE_TEXT);
        result = written < 0 ? -1 : 0;
        __atomic_fetch_add(&peer->web->pushes, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&peer->web->pushed_bytes, size, __ATOMIC_RELAXED);
        tell_page(peer, keel_atom(web_sent));
    }
    free(push);
    return result;
}

static void end_page(struct kl_connection *connection)
{
    struct kl_web_peer *peer = connection->peer;
    if (peer == NULL) {
        return;
    }
    kl_silence_forget(&connection->silent);
    pthread_mutex_lock(&peer->web->lock);
    peer->gone = true;
    pthread_mutex_unlock(&peer->web->lock);
    tell_page(peer, keel_atom(web_closed));
    __atomic_fetch_sub(&peer->web->pages, 1, __ATOMIC_RELAXED);
    kl_loop_let_go(connection);
}

int kl_loop_on_page(struct lws *wsi, int reason, struct kl_connection *connection,
        const char *data, size_t size)
{
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return begin_page(connection, wsi);
    case LWS_CALLBACK_ESTABLISHED:
        if (connection->peer == NULL) {
            return -1;
        }
        __atomic_fetch_add(&connection->web->pages, 1, __ATOMIC_RELAXED);
        kl_loop_tell(connection->web, connection->peer, "page");
        hear_of(connection);
        return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
        hear_of(connection);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        hear_of(connection);
        return take_event(connection, wsi, data, size);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return connection->ask ? write_ping(connection, wsi)
                               : write_push(connection->peer, wsi);
    case LWS_CALLBACK_CLOSED:
        end_page(connection);
        return 0;
    default:
        return 0;
    }
}

void kl_loop_watch_pages(struct kl_loop *loop)
{
    struct kl_silent *silent;
    bool give_up;
    while ((silent = kl_silence_next(&loop->silence, lws_now_usecs(), &give_up)) != NULL) {
        struct kl_connection *connection = (struct kl_connection *)silent;
        struct lws *wsi = connection->peer->wsi;
        if (give_up) {
            lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
        } else {
            connection->ask = true;
            lws_callback_on_writable(wsi);
        }
    }
}
