#include "listener.h"

#include "live.h"
#include "loop.h"
#include "request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <keel/dynamic_supervisor.h>
#include <keel/process.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// How long a start waits for the port: whoever had it may just be ending.
#define PATIENCE KEEL_SECONDS(3)

struct listener {
    struct kl_web *web;
    keel_term pages; // an atom
    int port;
};

// --- options ---

// What keel_web_opts says, in memory of its own.
struct settings {
    const keel_web_endpoint *endpoint;
    keel_web_opts opts;
};

static void free_settings(void *pointer)
{
    struct settings *settings = pointer;
    const char *const texts[] = {settings->opts.address, settings->opts.hosts,
            settings->opts.token, settings->opts.secret};
    for (size_t i = 0; i < KEEL_COUNT(texts); i++) {
        free((void *)(uintptr_t)texts[i]);
    }
    free(settings);
}

// False: no memory.
static bool copy_text(const char **text)
{
    if (*text != NULL) {
        *text = strdup(*text);
        return *text != NULL;
    }
    return true;
}

keel_term kl_listener_settings(const keel_web_endpoint *endpoint, const keel_web_opts *opts)
{
    struct settings *settings = calloc(1, sizeof(*settings));
    if (settings == NULL) {
        return KEEL_NONE;
    }
    static const keel_web_endpoint nothing_served;
    settings->endpoint = endpoint != NULL ? endpoint : &nothing_served;
    settings->opts = *opts;
    const char **texts[] = {&settings->opts.address, &settings->opts.hosts,
            &settings->opts.token, &settings->opts.secret};
    bool copied = true;
    for (size_t i = 0; i < KEEL_COUNT(texts); i++) {
        copied = copy_text(texts[i]) && copied;
    }
    if (!copied) {
        free_settings(settings);
        return KEEL_NONE;
    }
    return keel_resource("web_settings", settings, free_settings);
}

static size_t size_or(size_t value, size_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static char *copy_or(const char *text, const char *otherwise)
{
    text = text != NULL ? text : otherwise;
    return text != NULL ? strdup(text) : NULL;
}

static struct kl_web *web_of(const struct settings *settings)
{
    const keel_web_opts *opts = &settings->opts;
    struct kl_web *web = calloc(1, sizeof(*web));
    if (web == NULL) {
        return NULL;
    }
    web->refs = 1;
    pthread_mutex_init(&web->lock, NULL);
    web->outbox_end = &web->outbox;
    web->endpoint = settings->endpoint;
    web->address = copy_or(opts->address, "127.0.0.1");
    web->port = opts->port;
    web->hosts = copy_or(opts->hosts, NULL);
    web->token = copy_or(opts->token, NULL);
    web->secret = copy_or(opts->secret, NULL);
    web->max_connections = size_or(opts->max_connections, 1000);
    web->max_requests = size_or(opts->max_requests, 256);
    web->max_body = size_or(opts->max_body, 64 << 10);
    web->timeout_s = opts->timeout >= KEEL_SECONDS(1)
                             ? (unsigned)(opts->timeout / KEEL_SECONDS(1))
                             : 10;
    web->listener = keel_self();
    web->took = keel_histogram("keel_web_request_seconds",
            "From a request to the answer of its process.", NULL, NULL, 0);
    return web;
}

// The secret that keys tokens, and what who has shown the token holds as a cookie.
static bool draw_secrets(struct kl_web *web)
{
    char secret[65];
    if (web->secret == NULL && kl_guard_random(secret, sizeof(secret))) {
        web->secret = strdup(secret);
    }
    if (web->secret == NULL) {
        return false;
    }
    kl_guard_digest(
            web->secret, "access", web->token != NULL ? web->token : "", web->access);
    return true;
}

// --- starting ---

static void let_web_go(void *web)
{
    kl_web_stop(web);
    // The loop never waits for a process. Whoever stops the runtime may end the program
    // next: a thread that is still in a library then sees its memory go.
    kl_loop_join(web);
    kl_web_unref(web);
}

// Starts the thread, again while the port is taken. 0: it cannot be had.
static int listen_on(struct kl_web *web)
{
    keel_deadline give_up = KEEL_IN(PATIENCE);
    for (;;) {
        int port;
        // Only what the thread says: calls may have come already.
        if (!kl_loop_start(web) ||
                keel_receive_match(KEEL_NEVER, "{web_started, Port}", &port) != KEEL_OK) {
            return 0;
        }
        if (port > 0) {
            return port;
        }
        kl_loop_join(web);
        if (keel_deadline_passed(give_up)) {
            return 0;
        }
        keel_sleep(KEEL_MS(50));
    }
}

// Why the port could not be had: the library that serves does not tell.
static const char *why_not(const struct kl_web *web)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)web->port)};
    struct sockaddr_in6 in6 = {
            .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)web->port)};
    bool is_in6 = inet_pton(AF_INET6, web->address, &in6.sin6_addr) == 1;
    if (!is_in6 && inet_pton(AF_INET, web->address, &in.sin_addr) != 1) {
        return "no such address";
    }
    int one = 1, fd = socket(is_in6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = fd >= 0 &&
                 setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
                 (is_in6 ? bind(fd, (struct sockaddr *)&in6, sizeof(in6))
                         : bind(fd, (struct sockaddr *)&in, sizeof(in))) == 0 &&
                 listen(fd, 1) == 0;
    const char *why = bound ? "taken a moment ago" : strerror(errno);
    if (fd >= 0) {
        close(fd);
    }
    return why;
}

static keel_result init(keel_term argument, void *state)
{
    struct listener *listener = state;
    listener->pages = keel_element(argument, 1);
    keel_trap_exit(true);
    struct kl_web *web = web_of(keel_to_pointer(keel_element(argument, 0), "web_settings"));
    listener->web = web;
    if (web == NULL) {
        return keel_stop_with(keel_atom(system_limit));
    }
    keel_defer(let_web_go, web);
    if (!draw_secrets(web)) {
        return keel_stop_with(keel_atom(no_randomness));
    }
    if (!kl_guard_is_loopback(web->address) && web->token == NULL) {
        return keel_stop_with(keel_make(
                "{badarg, {token, <<\"an address that others can reach wants one\">>}}"));
    }
    int *port = keel_to_pointer(keel_element(argument, 2), "web_port");
    if (port != NULL && *port > 0) {
        web->port = *port;
    }
    listener->port = listen_on(web);
    if (port != NULL) {
        *port = listener->port;
    }
    if (listener->port == 0) {
        return keel_stop_with(keel_make(
                "{listen, Address, Port, Why}", web->address, web->port, why_not(web)));
    }
    return keel_ok();
}

// --- serving ---

static void start_request(keel_term peer)
{
    keel_spawn_opts opts = {.link = true, .entry = "web_request"};
    keel_pid pid;
    if (keel_spawn_opt(kl_request_run, peer, &opts, &pid, NULL) != KEEL_OK) {
        struct kl_answer answer = {.status = 503, .content_type = "application/json"};
        answer.body = "{\"error\":\"no room for another process\"}";
        answer.size = strlen(answer.body);
        kl_web_peer_answer(kl_web_peer_of_term(peer), &answer);
    }
}

static void start_page(struct listener *listener, keel_term peer)
{
    keel_started page = keel_dynamic_supervisor_start_child(
            listener->pages, &keel_child(&kl_live_page, peer, .restart = KEEL_TEMPORARY));
    if (page.status != KEEL_OK) {
        kl_web_peer_close(kl_web_peer_of_term(peer));
    }
}

static keel_result handle_info(keel_term message, void *state)
{
    struct listener *listener = state;
    keel_term peer;
    if (keel_match(message, "{web_request, Peer}", &peer)) {
        start_request(peer);
    } else if (keel_match(message, "{web_page, Peer}", &peer)) {
        start_page(listener, peer);
    } else if (!keel_match(message, "{'EXIT', _, _}")) {
        return keel_unexpected(message);
    }
    return keel_noreply();
}

static void unref_web(void *web)
{
    kl_web_unref(web);
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct listener *listener = state;
    (void)from;
    if (keel_is(request, port)) {
        return keel_reply(keel_int(listener->port));
    }
    if (keel_is(request, web)) {
        return keel_reply(keel_resource("web", kl_web_ref(listener->web), unref_web));
    }
    return keel_unexpected(request);
}

void kl_listener_stats(struct kl_web *web, keel_web_stats *ret_stats)
{
    *ret_stats = (keel_web_stats){
            .connections = __atomic_load_n(&web->connections, __ATOMIC_RELAXED),
            .pages = __atomic_load_n(&web->pages, __ATOMIC_RELAXED),
            .requests = __atomic_load_n(&web->requests, __ATOMIC_RELAXED),
            .refused = __atomic_load_n(&web->refused, __ATOMIC_RELAXED),
            .pushes = __atomic_load_n(&web->pushes, __ATOMIC_RELAXED),
            .pushed_bytes = __atomic_load_n(&web->pushed_bytes, __ATOMIC_RELAXED),
    };
    for (int class = 0; class < 6; class ++) {
        ret_stats->by_class[class] = __atomic_load_n(
                &web->by_class[class], __ATOMIC_RELAXED);
        ret_stats->answered += ret_stats->by_class[class];
    }
}

const keel_gen_server kl_listener = {
        .name = "web_listener",
        .state = KEEL_STATE(struct listener, pages, port),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};
