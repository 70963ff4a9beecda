#include "loop.h"

#include "live_script.h"
#include "route.h"
#include "wait.h"

#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

// How much of a body that is too large is still read, so that the client hears why.
#define DISCARD_MAX (16 << 20)

static void *run(void *web);

bool kl_loop_start(struct kl_web *web)
{
    pthread_attr_t attributes;
    sigset_t all, old;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    pthread_attr_setstacksize(&attributes, 512 << 10);
    // Signals are the program's affair; only those of a fault stay with who made it.
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    web->threaded = pthread_create(&web->thread, &attributes, run, kl_web_ref(web)) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    if (!web->threaded) {
        kl_web_unref(web);
    }
    return web->threaded;
}

void kl_loop_join(struct kl_web *web)
{
    if (web->threaded) {
        pthread_join(web->thread, NULL);
        web->threaded = false;
    }
}

// --- telling processes ---

void kl_loop_send(struct kl_web *web, keel_pid to, keel_term message)
{
    pthread_mutex_lock(&web->lock);
    if (!web->stopping) {
        (void)keel_send(to, message);
    }
    pthread_mutex_unlock(&web->lock);
}

void kl_loop_tell(struct kl_web *web, struct kl_web_peer *peer, const char *kind)
{
    keel_scope scope = keel_scope_open();
    keel_term tag = strcmp(kind, "page") == 0 ? keel_atom(web_page)
                                              : keel_atom(web_request);
    kl_loop_send(web, web->listener, keel_tuple_of(tag, kl_web_peer_term(peer)));
    keel_scope_close(&scope);
}

// --- requests ---

void kl_loop_let_go(struct kl_connection *connection)
{
    struct kl_web_peer *peer = connection->peer;
    if (peer == NULL) {
        return;
    }
    peer->wsi = NULL;
    if (peer->running) {
        __atomic_fetch_sub(&peer->web->requests, 1, __ATOMIC_RELAXED);
    }
    connection->peer = NULL;
    kl_web_peer_unref(peer);
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

// --- the callback ---

// What processes have left to do.
static void drain(struct kl_web *web)
{
    struct kl_web_peer *peer = kl_web_take_outbox(web);
    while (peer != NULL) {
        pthread_mutex_lock(&web->lock);
        struct kl_web_peer *next = peer->next;
        bool resume = peer->resume, write = peer->answered || peer->push || peer->close;
        peer->resume = false;
        peer->queued = false; // from here on it may be put in again, and `next` changes
        pthread_mutex_unlock(&web->lock);
        if (peer->wsi != NULL && resume) {
            lws_rx_flow_control(peer->wsi, 1);
        }
        if (peer->wsi != NULL && write) {
            if (peer->impatient) {
                lws_rx_flow_control(peer->wsi, 1); // or it would not be written to either
            }
            lws_callback_on_writable(peer->wsi);
        }
        kl_web_peer_unref(peer);
        peer = next;
    }
}

static int begin_connection(struct lws *wsi, struct kl_loop *loop)
{
    struct kl_web *web = loop->web;
    struct kl_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        return -1;
    }
    size_t count = __atomic_fetch_add(&web->connections, 1, __ATOMIC_RELAXED);
    connection->loop = loop;
    connection->web = web;
    connection->counted = true;
    connection->over = count >= web->max_connections;
    if (connection->over) {
        __atomic_fetch_add(&web->refused, 1, __ATOMIC_RELAXED);
    }
    lws_set_opaque_user_data(wsi, connection);
    return 0;
}

static void end_connection(struct kl_connection *connection, struct lws *wsi)
{
    if (connection != NULL) {
        lws_set_opaque_user_data(wsi, NULL);
        kl_silence_forget(&connection->silent);
        kl_loop_let_go(connection);
        __atomic_fetch_sub(&connection->web->connections, 1, __ATOMIC_RELAXED);
        free(connection->text);
        free(connection);
    }
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason,
        struct kl_connection *connection, const char *data, size_t size)
{
    struct kl_web_peer *peer = connection->peer;
    switch ((int)reason) {
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

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
        size_t size)
{
    (void)user;
    struct kl_loop *loop = lws_context_user(lws_get_context(wsi));
    switch ((int)reason) {
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        drain(loop->web);
        return 0;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        return begin_connection(wsi, loop);
    case LWS_CALLBACK_WSI_DESTROY:
        end_connection(lws_get_opaque_user_data(wsi), wsi);
        return 0;
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
    case LWS_CALLBACK_CLOSED_HTTP: {
        struct kl_connection *connection = lws_get_opaque_user_data(wsi);
        return connection != NULL ? on_http(wsi, reason, connection, in, size) : 0;
    }
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLOSED: {
        struct kl_connection *connection = lws_get_opaque_user_data(wsi);
        return connection != NULL ? kl_loop_on_page(wsi, reason, connection, in, size) : -1;
    }
    default:
        return 0;
    }
}

// --- the thread ---

static const struct lws_protocols protocols[] = {
        {.name = "http", .callback = callback},
        {.name = "keel-live", .callback = callback, .rx_buffer_size = 1024},
        {.name = NULL},
};
// Silent pages are ours to watch: the timers of libwebsockets would walk all of them at
// each change.
static const lws_retry_bo_t no_pings = {.secs_since_valid_hangup = 0};

// What the thread has beside what its files share.
struct thread {
    struct kl_loop loop; // first: what callbacks are given
    struct kl_wait wait;
    struct lws_context *context;
    lws_sorted_usec_list_t due; // the next beat
};

// Looks every second who is silent. libwebsockets sets its timers anew when something has
// happened: that something does is also what bounds how late a request is given up.
static void beat(lws_sorted_usec_list_t *due)
{
    struct thread *thread = lws_container_of(due, struct thread, due);
    lws_sul_schedule(thread->context, 0, due, beat, LWS_US_PER_SEC);
    kl_loop_watch_pages(&thread->loop);
}

static void say_nothing(int level, const char *line)
{
    (void)level;
    (void)line;
}

static struct lws_context *open_context(struct thread *thread)
{
    struct kl_web *web = thread->loop.web;
    struct lws_context_creation_info info = {
            .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
            .user = &thread->loop,
            .timeout_secs = web->timeout_s,
            .timeout_secs_ah_idle = web->timeout_s,
            .keepalive_timeout = 30,
            .max_http_header_data = 8192,
            .max_http_header_pool = (unsigned short)(web->max_connections < 60000
                                                             ? web->max_connections + 64
                                                             : 60000),
            .server_string = "keel",
    };
    struct rlimit files;
    // libwebsockets keeps a table as long as this limit.
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > (1 << 20)) {
        info.fd_limit_per_thread = (unsigned)web->max_connections + 256;
    }
    lws_set_log_level(0, say_nothing);
    return kl_wait_open(&thread->wait, &info);
}

static struct lws_vhost *open_port(struct kl_web *web, struct lws_context *context)
{
    struct lws_context_creation_info info = {
            // With IPv6 an IPv4 address would be taken for any.
            .options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                       (strchr(web->address, ':') == NULL ? LWS_SERVER_OPTION_DISABLE_IPV6
                                                          : 0),
            .port = web->port,
            .iface = web->address,
            .protocols = protocols,
            .vhost_name = "keel",
            .timeout_secs = web->timeout_s,
            .timeout_secs_ah_idle = web->timeout_s,
            .keepalive_timeout = 30,
            .retry_and_idle_policy = &no_pings,
            .server_string = "keel",
            .user = web,
    };
    return lws_create_vhost(context, &info);
}

static void *run(void *argument)
{
    struct kl_web *web = argument;
    struct thread thread = {.loop.web = web};
    int64_t patience = web->timeout_s * LWS_US_PER_SEC;
    kl_silence_init(&thread.loop.silence, patience * 5 / 2, patience * 3 / 2);
    struct lws_context *context = thread.context = open_context(&thread);
    struct lws_vhost *vhost = context != NULL ? open_port(web, context) : NULL;
    keel_scope scope = keel_scope_open();
    int port = vhost != NULL ? lws_get_vhost_listen_port(vhost) : 0;
    pthread_mutex_lock(&web->lock);
    web->context = vhost != NULL ? context : NULL;
    pthread_mutex_unlock(&web->lock);
    kl_loop_send(web, web->listener, keel_make("{web_started, Port}", port));
    keel_scope_close(&scope);
    if (vhost != NULL) {
        beat(&thread.due);
        lws_cancel_service(context); // the first event arms the timer
    }
    // Pairs with the store in kl_web_stop.
    while (vhost != NULL && !__atomic_load_n(&web->stopping, __ATOMIC_ACQUIRE)) {
        if (!kl_wait_serve(&thread.wait, context)) {
            break;
        }
    }
    pthread_mutex_lock(&web->lock);
    web->context = NULL; // nobody wakes it any more
    pthread_mutex_unlock(&web->lock);
    for (struct kl_web_peer *peer = kl_web_take_outbox(web), *next; peer != NULL;
            peer = next) {
        next = peer->next;
        kl_web_peer_unref(peer);
    }
    kl_wait_close(&thread.wait, context);
    kl_web_unref(web);
    return NULL;
}
