#include "loop.h"

#include "wait.h"

#include <libwebsockets.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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

// --- connections ---

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
        return connection != NULL ? kl_loop_on_http(wsi, reason, connection, in, size) : 0;
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
