// Health checkers.

#include "proc/proc_testing.h"
#include <keel/parts/health.h>
#include <keel/pubsub.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define API keel_atom(api)

// A service is as well as its target's variable says: KEEL_OK, or how it fails.
static keel_status look_at_variable(
        keel_term target, keel_duration timeout, keel_term *ret_reason)
{
    keel_status status = *(keel_status *)keel_to_pointer(target, NULL);
    keel_sleep(status == KEEL_E_TIMEOUT ? timeout + KEEL_SECONDS(5) : KEEL_MS(20));
    if (status == KEEL_E_EXIT) {
        keel_exit(keel_atom(shutdown));
    }
    *ret_reason = keel_atom(not_well);
    return status;
}

static keel_pid start(keel_health_opts opts)
{
    keel_trap_exit(true);
    opts.name = keel_atom(health);
    return keel_started_or_exit(keel_health_start_link_opt(&opts));
}

static void stop(keel_pid health)
{
    CHECK_OK(keel_gen_server_stop(health, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Health, normal}", health);
}

SIMULATED_TEST("a service is healthy, degraded, critical, and healthy again")
{
    keel_status well = KEEL_OK;
    keel_pid health = start((keel_health_opts){.probe = look_at_variable});
    CHECK_OK(keel_health_add("health", API, keel_pointer(&well)));
    CHECK_TERM(keel_health_status_of("health", API),
            "#{status := unknown, failures := 0, reason := none, response_us := none,"
            " last_check := none}");
    keel_sleep(KEEL_SECONDS(1));
    CHECK_TERM(keel_health_status_of("health", API),
            "#{status := healthy, reason := none, response_us := 20000}");
    well = KEEL_E_REFUSED;
    keel_sleep(KEEL_SECONDS(30));
    CHECK_TERM(keel_health_status_of("health", API),
            "#{status := degraded, failures := 1, reason := not_well, response_us := "
            "20000}");
    keel_sleep(KEEL_SECONDS(30));
    CHECK_TERM(
            keel_health_status_of("health", API), "#{status := degraded, failures := 2}");
    keel_sleep(KEEL_SECONDS(30));
    CHECK_TERM(
            keel_health_status("health"), "#{api := #{status := critical, failures := 3}}");
    well = KEEL_OK;
    keel_sleep(KEEL_SECONDS(30));
    CHECK_TERM(keel_health_status_of("health", API),
            "#{status := healthy, failures := 0, reason := none}");
    CHECK_TERM(keel_health_stats("health"),
            "#{kind := health, services := 1, healthy := 1, degraded := 0, critical := 0,"
            " checks := 5, failures := 3}");
    stop(health);
    CHECK(keel_is_none(keel_health_status("health")));
    CHECK_INT(keel_health_add("health", API, API), KEEL_E_NOPROC);
}

SIMULATED_TEST(
        "a check that fails or takes too long is a failure, and so is none of the others")
{
    keel_status well = KEEL_OK, slow = KEEL_E_TIMEOUT, dies = KEEL_E_EXIT;
    keel_pid health = start((keel_health_opts){.probe = look_at_variable,
            .every = KEEL_SECONDS(2),
            .timeout = KEEL_SECONDS(3),
            .max_failures = 1});
    CHECK_OK(keel_health_add("health", keel_atom(slow), keel_pointer(&slow)));
    CHECK_OK(keel_health_add("health", keel_atom(dies), keel_pointer(&dies)));
    CHECK_OK(keel_health_add("health", keel_atom(well), keel_pointer(&well)));
    CHECK_INT(keel_health_add("health", keel_atom(well), API), KEEL_E_TAKEN);
    keel_sleep(KEEL_MS(4500));
    CHECK_TERM(keel_health_status("health"),
            "#{slow := #{status := critical, reason := killed},"
            " dies := #{status := critical, reason := shutdown},"
            " well := #{status := healthy}}");
    CHECK_OK(keel_health_remove("health", keel_atom(slow)));
    CHECK_OK(keel_health_remove("health", keel_atom(slow)));
    CHECK(keel_is_none(keel_health_status_of("health", keel_atom(slow))));
    keel_sleep(KEEL_SECONDS(10)); // what was under way for it ends unheard
    CHECK_TERM(
            keel_health_stats("health"), "#{services := 2, healthy := 1, critical := 1}");
    stop(health);
}

SIMULATED_TEST("changes of status are published")
{
    keel_pid pubsub = keel_started_or_exit(keel_pubsub_start_link(.name = keel_atom(news)));
    CHECK_OK(keel_pubsub_subscribe(keel_atom(news), keel_atom(health)));
    keel_status well = KEEL_OK;
    keel_pid health = start((keel_health_opts){
            .probe = look_at_variable, .max_failures = 2, .pubsub = keel_atom(news)});
    CHECK_OK(keel_health_add("health", API, keel_pointer(&well)));
    keel_sleep(KEEL_SECONDS(40));
    EXPECT_NEXT("{health, api, unknown, healthy}");
    well = KEEL_E_REFUSED;
    keel_sleep(KEEL_SECONDS(90));
    EXPECT_NEXT("{health, api, healthy, degraded}");
    EXPECT_NEXT("{health, api, degraded, critical}");
    EXPECT_NO_MESSAGE();
    stop(health);
    CHECK_OK(keel_gen_server_stop(pubsub, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Pubsub, normal}", pubsub);
}

PROCESS_TEST("a health checker is a child like others; options that are wrong are refused")
{
    keel_trap_exit(true);
    CHECK_INT(keel_health_start_link(.every = -1).status, KEEL_E_BADARG);
    keel_child_spec children[] = {keel_health_child(.probe = look_at_variable)};
    CHECK_TERM(children[0].id, "health");
    keel_pid tree = keel_started_or_exit(keel_supervisor_start_link(children, 1));
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
}

// --- death ---

enum { WATCHED = 4 };

struct watched {
    keel_status well;
    int looked_at, beside; // checks under way; how many began beside another of the checker
    keel_pid checker; // of the check that began last
};

static void looked(void *at)
{
    ((struct watched *)at)->looked_at--;
}

// As well as its variable says, after some time; whoever looks may be killed meanwhile.
static keel_status look_for_a_while(
        keel_term target, keel_duration timeout, keel_term *ret_reason)
{
    (void)timeout;
    struct watched *watched = keel_to_pointer(target, NULL);
    CHECK(keel_parent().word != 0);
    watched->beside += watched->looked_at++ > 0 &&
                       watched->checker.word == keel_parent().word;
    watched->checker = keel_parent();
    keel_defer(looked, watched);
    keel_sleep(
            KEEL_MS(keel_random() % 150)); // now and then longer than from one to the next
    *ret_reason = keel_atom(not_well);
    return watched->well;
}

static void watch_all(struct watched *watched)
{
    for (int i = 0; i < WATCHED; i++) {
        keel_status status = keel_health_add(
                "health", keel_int(i), keel_pointer(&watched[i]));
        CHECK(status == KEEL_OK || status == KEEL_E_TAKEN || status == KEEL_E_NOPROC ||
                status == KEEL_E_EXIT);
    }
}

// Kills one of those that are not spared: a check, or the health checker.
static void kill_one(keel_term spared)
{
    keel_term list = keel_process_list(), pid, chosen = KEEL_NONE;
    uint64_t strangers = 0;
    while (keel_list_next(&list, &pid)) {
        if (!keel_list_member(pid, spared) && keel_random() % ++strangers == 0) {
            chosen = pid;
        }
    }
    if (keel_is_pid(chosen)) {
        keel_process_exit(keel_to_pid(chosen), keel_atom(kill));
    }
}

SIMULATED_TEST("whoever is killed, services are looked at again, one check at a time")
{
    static struct watched watched[WATCHED]; // lives as long as those that use it
    memset(watched, 0, sizeof watched);
    keel_trap_exit(true);
    keel_term before = keel_process_list();
    keel_child_spec children[] = {keel_health_child(.name = keel_atom(health),
            .probe = look_for_a_while, .every = KEEL_MS(100))};
    keel_pid tree = keel_started_or_exit(
            keel_supervisor_start_link(children, 1, .intensity = 1000));
    keel_term spared = keel_cons(keel_from_pid(tree), before);
    for (int i = 0; i < 60; i++) {
        watched[keel_random() % WATCHED].well = keel_random() % 2 == 0 ? KEEL_OK
                                                                       : KEEL_E_REFUSED;
        watch_all(watched); // one that came back knows none
        keel_sleep(KEEL_US(keel_random() % 50000));
        kill_one(spared);
    }
    for (int i = 0; i < WATCHED; i++) {
        watched[i].well = i % 2 == 0 ? KEEL_OK : KEEL_E_REFUSED;
    }
    keel_sleep(KEEL_MS(1)); // until it is back
    watch_all(watched);
    keel_sleep(KEEL_SECONDS(2));
    for (int i = 0; i < WATCHED; i++) {
        CHECK_TERM(keel_health_status_of("health", keel_int(i)),
                "#{status := ^S, reason := ^R}",
                i % 2 == 0 ? keel_atom(healthy) : keel_atom(critical),
                i % 2 == 0 ? keel_atom(none) : keel_atom(not_well));
        CHECK_INT(watched[i].beside, 0);
    }
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
    keel_sleep(KEEL_MS(100)); // a check ends with its checker
    for (int i = 0; i < WATCHED; i++) {
        CHECK_INT(watched[i].looked_at, 0);
    }
}

// --- over HTTP: a server on loopback that answers /ok, /bad, and never /slow ---

struct server {
    int listener;
    pthread_t thread;
    char url[64];
};

static void *serve(void *at)
{
    struct server *server = at;
    int slow = -1;
    for (;;) {
        int client = accept(server->listener, NULL, NULL);
        if (client < 0) {
            break;
        }
        char request[1024] = "";
        if (recv(client, request, sizeof request - 1, 0) <= 0) {
            close(client);
            continue;
        }
        const char *answer = strstr(request, "/bad") != NULL
                                     ? "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
                                     : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        if (strstr(request, "/slow") != NULL) {
            slow = client;
            continue;
        }
        (void)send(client, answer, strlen(answer), MSG_NOSIGNAL);
        close(client);
    }
    if (slow >= 0) {
        close(slow);
    }
    return NULL;
}

static void open_server(struct server *server)
{
    struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(server->listener, (struct sockaddr *)&address, size), 0);
    CHECK_INT(listen(server->listener, 64), 0);
    CHECK_INT(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d",
            ntohs(address.sin_port));
    CHECK_INT(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void close_server(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

static keel_term url(const struct server *server, const char *path)
{
    return keel_format("%s%s", server->url, path);
}

THREADS_TEST("a GET that is answered with 200 is well, and nothing else is")
{
    struct server server;
    keel_term reason = KEEL_NONE;
    if (keel_health_http(keel_string("http://127.0.0.1:1"), KEEL_SECONDS(5), &reason) ==
            KEEL_E_UNSUPPORTED) {
        kl_test_skip("built without libcurl");
    }
    open_server(&server);
    CHECK_OK(keel_health_http(url(&server, "/ok"), KEEL_SECONDS(5), &reason));
    CHECK_INT(keel_health_http(url(&server, "/bad"), KEEL_SECONDS(5), &reason),
            KEEL_E_REFUSED);
    CHECK_TERM(reason, "{bad_status, 503}");
    CHECK_INT(
            keel_health_http(url(&server, "/slow"), KEEL_MS(50), &reason), KEEL_E_TIMEOUT);
    CHECK_TERM(reason, "timeout");
    close_server(&server);
    CHECK_INT(keel_health_http(url(&server, "/ok"), KEEL_SECONDS(5), &reason),
            KEEL_E_NODEDOWN);
    CHECK(keel_is_binary(reason));
    CHECK_INT(keel_health_http(keel_string("file:///etc/passwd"), KEEL_SECONDS(5), &reason),
            KEEL_E_NODEDOWN);
    CHECK_INT(keel_health_http(keel_int(1), KEEL_SECONDS(5), &reason), KEEL_E_NODEDOWN);
}

static keel_status await_status(const char *service, const char *expected)
{
    keel_deadline late = SOON;
    while (!keel_deadline_passed(late)) {
        keel_scope scope = keel_scope_open();
        keel_term status = keel_health_status_of("health", keel_string(service));
        const char *now = keel_atom_name(keel_map_get(status, keel_atom(status)));
        bool there = now != NULL && strcmp(now, expected) == 0;
        keel_scope_close(&scope);
        if (there) {
            return KEEL_OK;
        }
        keel_sleep(KEEL_MS(1));
    }
    return KEEL_E_TIMEOUT;
}

THREADS_TEST("services are watched over HTTP, many at once")
{
    enum { SERVICES = 30 };
    keel_term reason = KEEL_NONE;
    if (keel_health_http(keel_string("http://127.0.0.1:1"), KEEL_SECONDS(5), &reason) ==
            KEEL_E_UNSUPPORTED) {
        kl_test_skip("built without libcurl");
    }
    struct server server;
    open_server(&server);
    keel_pid health = start((keel_health_opts){.every = KEEL_MS(20), .max_failures = 3});
    char name[16];
    for (int i = 0; i < SERVICES; i++) {
        snprintf(name, sizeof name, "s%d", i);
        CHECK_OK(keel_health_add(
                "health", keel_string(name), url(&server, i % 3 == 0 ? "/bad" : "/ok")));
    }
    for (int i = 0; i < SERVICES; i++) {
        snprintf(name, sizeof name, "s%d", i);
        CHECK_OK(await_status(name, i % 3 == 0 ? "critical" : "healthy"));
    }
    close_server(&server);
    CHECK_OK(await_status("s1", "critical"));
    stop(health);
}
