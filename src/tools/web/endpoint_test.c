#include "web_testing.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char answer[1 << 20];

// --- what is served ---

static const keel_web_endpoint endpoint;

static void say_hello(keel_web_request *request)
{
    keel_web_reply(request, 200, "text/plain", "hello", 5);
}

static void echo(keel_web_request *request)
{
    keel_term map;
    if (keel_web_json(request, &map)) {
        keel_web_reply_json(request, 201, map);
    }
}

static void show_item(keel_web_request *request)
{
    keel_web_reply_json(request, 200,
            keel_make("{[{id, Id}, {query, Query}]}", keel_web_param(request, "id"),
                    keel_web_query(request)));
}

static void crash(keel_web_request *request)
{
    (void)request;
    *(volatile int *)NULL = 0;
}

static void say_nothing(keel_web_request *request)
{
    (void)request;
}

static void say_much(keel_web_request *request)
{
    char *much = keel_alloc(600000);
    memset(much, 'x', 600000);
    keel_web_reply(request, 200, "text/plain", much, 600000);
}

// Says back what was asked, word for word.
static void mirror(keel_web_request *request)
{
    keel_bytes body = keel_web_body(request);
    const char *agent = keel_web_header(request, "User-Agent");
    CHECK(keel_web_header(request, "x-unknown") == NULL);
    CHECK(!keel_web_answered(request));
    keel_web_header_set(request, "x-mirror", "clear");
    keel_web_reply_json(request, 200,
            keel_make("{[{method, Method}, {path, Path}, {agent, Agent}, {body, Body}, "
                      "{form, Form}]}",
                    keel_web_method(request), keel_web_path(request),
                    agent != NULL ? agent : "none", body, keel_web_form(request)));
    CHECK(keel_web_answered(request));
    keel_web_fail(request, 500, "the first answer counts");
}

static void show_page(keel_web_request *request)
{
    keel_html *html = keel_html_new();
    keel_web_stylesheet(html, &endpoint, "/style.css");
    keel_html_print(html, "<p>%s</p>", "1 < 2");
    keel_web_reply_html(request, 202, html);
    keel_html_free(html);
}

static void send_away(keel_web_request *request)
{
    keel_web_redirect(
            request, keel_web_param(request, "to")[0] == 'h' ? "/hello" : "//far");
}

static void refuse(keel_web_request *request)
{
    keel_web_fail(request, 503, "%d are too many", 7);
}

static void count_in_text(keel_web_request *request)
{
    keel_bytes text = keel_to_bytes(keel_web_metrics_text(request));
    keel_term more = keel_format("%.*sown 1\n", (int)text.size, (const char *)text.data);
    text = keel_to_bytes(more);
    keel_web_reply(request, 200, "text/plain", text.data, text.size);
}

// Until the test says go on.
static void wait_long(keel_web_request *request)
{
    keel_term name = keel_whereis("first").word == 0 ? keel_atom(first) : keel_atom(second);
    CHECK_OK(keel_register(name, keel_self()));
    (void)keel_receive();
    keel_web_reply(request, 200, "text/plain", "late", 4);
}

static const keel_web_route routes[] = {
        {"GET", "/hello", say_hello, NULL},
        {"POST", "/echo", echo, NULL},
        {"GET", "/items/:id", show_item, NULL},
        {"GET", "/crash", crash, NULL},
        {"GET", "/nothing", say_nothing, NULL},
        {"GET", "/much", say_much, NULL},
        {"GET", "/wait", wait_long, NULL},
        {"GET", "/metrics", keel_web_metrics, NULL},
        {"PUT", "/mirror", mirror, NULL},
        {"GET", "/page", show_page, NULL},
        {"GET", "/away/:to", send_away, NULL},
        {"GET", "/refused", refuse, NULL},
        {"GET", "/figures", count_in_text, NULL},
};
static const keel_web_asset assets[] = {{"/style.css", "text/css", "a{}", 3}};
static const keel_web_endpoint endpoint = {
        .routes = routes,
        .route_count = KEEL_COUNT(routes),
        .assets = assets,
        .asset_count = KEEL_COUNT(assets),
};

#define ASK(port, head, body) ask((port), (head), (body), answer, sizeof(answer))
static bool told(const char *what)
{
    return strstr(answer, what) != NULL;
}

// --- tests ---

TEST("a request is answered by the function of its route")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 200);
    CHECK(told("\r\n\r\nhello"));
    CHECK_INT(ASK(port, "GET /items/a%20b?x=1%262&y=%C3%BC+1 HTTP/1.1", NULL), 200);
    CHECK(told("{\"id\":\"a b\",\"query\":{\"x\":\"1&2\",\"y\":\"\xc3\xbc 1\"}}"));
    CHECK_INT(ASK(port, "GET /style.css HTTP/1.1", NULL), 200);
    CHECK_STR(header_of(answer, "content-type"), "text/css");
    CHECK_INT(ASK(port, "GET /keel/live.js?v=1 HTTP/1.1", NULL), 200);
    CHECK(strstr(header_of(answer, "cache-control"), "immutable") != NULL);
    stop_endpoint();
}

TEST("a function sees its request as it was sent, and its first answer counts")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    const char *head = "PUT /mirror?not=this HTTP/1.1\r\nUser-Agent: glass\r\n"
                       "Content-Type: application/x-www-form-urlencoded";
    CHECK_INT(ASK(port, head, "a=1&b=%21"), 200);
    CHECK_STR(header_of(answer, "x-mirror"), "clear");
    CHECK(told("{\"method\":\"PUT\",\"path\":\"/mirror\",\"agent\":\"glass\","
               "\"body\":\"a=1&b=%21\",\"form\":{\"a\":\"1\",\"b\":\"!\"}}"));
    stop_endpoint();
}

TEST("an answer is a page, another place, or a refusal that says when to come again")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    CHECK_INT(ASK(port, "GET /page HTTP/1.1", NULL), 202);
    CHECK(told("<p>1 &lt; 2</p>"));
    CHECK(told("<link rel=\"stylesheet\" href=\"/style.css?v="));
    CHECK_STR(header_of(answer, "content-type"), "text/html; charset=utf-8");
    CHECK_INT(ASK(port, "GET /away/hello HTTP/1.1", NULL), 303);
    CHECK_STR(header_of(answer, "location"), "/hello");
    CHECK_INT(ASK(port, "GET /away/elsewhere HTTP/1.1", NULL), 303);
    CHECK_STR(header_of(answer, "location"), "/"); // never off this server
    CHECK_INT(ASK(port, "GET /refused HTTP/1.1", NULL), 503);
    CHECK(told("{\"error\":\"7 are too many\"}"));
    CHECK_STR(header_of(answer, "retry-after"), "1");
    CHECK_INT(ASK(port, "GET /figures HTTP/1.1", NULL), 200);
    CHECK(told("keel_web_requests 1\n") && told("\nown 1\n"));
    stop_endpoint();
}

TEST("what nobody serves is a 404, another method a 405 that names the right ones")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    CHECK_INT(ASK(port, "GET /nowhere HTTP/1.1", NULL), 404);
    CHECK(told("{\"error\":\"there is no such path\"}"));
    CHECK_INT(ASK(port, "DELETE /hello HTTP/1.1", NULL), 405);
    CHECK_STR(header_of(answer, "allow"), "GET");
    CHECK_INT(ASK(port, "GET /nowhere HTTP/1.1\r\nAccept: text/html", NULL), 404);
    CHECK(told("<h1>404</h1>"));
    stop_endpoint();
}

TEST("HEAD is answered as GET, without the body")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    int fd = connect_to(port);
    static const char both[] = "HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    say(fd, both, strlen(both));
    shutdown(fd, SHUT_WR);
    (void)hear(fd, answer, sizeof(answer));
    CHECK(told("content-length: 5"));
    CHECK(!told("hello"));
    close(fd);
    stop_endpoint();
}

TEST("a connection serves request after request")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    int fd = connect_to(port);
    static const char one[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char two[] = "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                              "Content-Length: 7\r\n\r\n{\"a\":1}";
    for (int round = 0; round < 50; round++) {
        say(fd, one, strlen(one));
        CHECK_INT(hear_answer(fd, answer, sizeof(answer)), 200);
        say(fd, two, strlen(two));
        CHECK_INT(hear_answer(fd, answer, sizeof(answer)), 201);
        CHECK(told("\r\n\r\n{\"a\":1}"));
    }
    close(fd);
    stop_endpoint();
}

TEST("requests that are sent without waiting are answered, or the connection ends before "
     "them")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    static const char get[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char post[] = "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Length: 7\r\n\r\n{\"a\":1}";
    const char *const pairs[][2] = {{get, get}, {get, post}, {post, get}, {post, post}};
    for (size_t index = 0; index < 20 * KEEL_COUNT(pairs); index++) {
        const char *const *pair = pairs[index % KEEL_COUNT(pairs)];
        char both[512];
        // In one piece, or cut somewhere in the second one.
        size_t cut = strlen(pair[0]) + index % strlen(pair[1]);
        snprintf(both, sizeof(both), "%s%s", pair[0], pair[1]);
        int fd = connect_to(port);
        say(fd, both, index % 3 == 0 ? strlen(both) : cut);
        CHECK_INT(hear_answer(fd, answer, sizeof(answer)), pair[0] == get ? 200 : 201);
        if (!told("connection: close")) {
            say(fd, both + cut, index % 3 == 0 ? 0 : strlen(both) - cut);
            int status = hear_answer(fd, answer, sizeof(answer));
            CHECK(status == 0 || status == (pair[1] == get ? 200 : 201));
            CHECK(status != 201 || told("\r\n\r\n{\"a\":1}"));
        }
        close(fd);
    }
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 200);
    stop_endpoint();
}

// Lets the request that waits under a name be answered.
static void release(const char *name)
{
    while (keel_whereis(name).word == 0) {
        sched_yield();
    }
    keel_send(keel_whereis(name), keel_atom(go_on));
}

TEST("a request that comes while another one is served waits, and may have to come again")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    int fd = connect_to(port);
    static const char wait[] = "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char post[] = "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Length: 7\r\n\r\n{\"a\":1}";
    say(fd, wait, strlen(wait));
    while (keel_whereis("first").word == 0) {
        sched_yield(); // it is served
    }
    say(fd, post, strlen(post));
    // Sent later on another connection: when it is answered the server has most likely read
    // the one above.
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 200);
    release("first");
    CHECK_INT(hear_answer(fd, answer, sizeof(answer)), 200);
    CHECK(told("late"));
    int status = told("connection: close") ? 0 : hear_answer(fd, answer, sizeof(answer));
    CHECK(status == 0 || (status == 201 && told("\r\n\r\n{\"a\":1}")));
    close(fd);
    stop_endpoint();
}

TEST("bodies that are no JSON object are refused with the reason")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1", "{\"a\": }"), 400);
    CHECK(told("no JSON, line 1"));
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1", "[1]"), 400);
    CHECK(told("must be a JSON object"));
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1", ""), 400);
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1", NULL), 400);
    stop_endpoint();
}

TEST("a body over the limit is a 413, and the connection goes on")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){.max_body = 1000});
    char *body = malloc(200001);
    memset(body, ' ', 200000);
    body[200000] = '\0';
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1", body), 413);
    CHECK(told("too large"));
    body[1001] = '\0';
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1", body), 413);
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1\r\nContent-Length: 99999999999", NULL), 413);
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1\r\nContent-Length: many", NULL), 400);
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked", NULL), 411);
    free(body);
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 200);
    stop_endpoint();
}

TEST("a request that crashes or says nothing is a 500, and touches no other")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    CHECK_INT(ASK(port, "GET /crash HTTP/1.1", NULL), 500);
    CHECK_INT(ASK(port, "GET /nothing HTTP/1.1", NULL), 500);
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 200);
    stop_endpoint();
}

TEST("a long answer arrives whole")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    CHECK_INT(ASK(port, "GET /much HTTP/1.1", NULL), 200);
    CHECK_STR(header_of(answer, "content-length"), "600000");
    CHECK_INT(strspn(strstr(answer, "\r\n\r\n") + 4, "x"), 600000);
    stop_endpoint();
}

TEST("only our own names are answered, and pages of others change nothing")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){.hosts = "keel.example other"});
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1\r\nHost: evil.example", NULL), 403);
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:4000", NULL), 200);
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1\r\nHost: KEEL.example:80", NULL), 200);
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1\r\nOrigin: http://evil.example", "{}"), 403);
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1\r\nOrigin: null", "{}"), 403);
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1\r\nSec-Fetch-Site: cross-site", "{}"), 403);
    CHECK_INT(ASK(port, "POST /echo HTTP/1.1\r\nOrigin: http://localhost", "{}"), 415);
    CHECK_INT(ASK(port,
                      "POST /echo HTTP/1.1\r\nOrigin: http://localhost\r\n"
                      "Content-Type: application/json",
                      "{}"),
            201);
    stop_endpoint();
}

TEST("answers carry a strict content security policy")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 200);
    const char *policy = header_of(answer, "content-security-policy");
    CHECK(strstr(policy, "default-src 'none'") != NULL);
    CHECK(strstr(policy, "unsafe") == NULL);
    CHECK_STR(header_of(answer, "x-content-type-options"), "nosniff");
    stop_endpoint();
}

TEST("with a token only those who show it are let in")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){.token = "letmein"});
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 401);
    CHECK_INT(ASK(port, "GET /style.css HTTP/1.1", NULL), 401);
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1\r\nAuthorization: Bearer wrong", NULL), 401);
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1\r\nAuthorization: Bearer letmein", NULL), 200);
    CHECK_INT(ASK(port, "GET /hello?token=letme HTTP/1.1", NULL), 401);
    CHECK_INT(ASK(port, "GET /hello?token=letmein HTTP/1.1", NULL), 303);
    char head[512];
    const char *cookie = header_of(answer, "set-cookie");
    snprintf(head, sizeof(head), "GET /hello HTTP/1.1\r\nCookie: a=b; %.*s",
            (int)strcspn(cookie, ";"), cookie);
    CHECK_INT(ASK(port, head, NULL), 200);
    stop_endpoint();
}

static void start_open(keel_term unused)
{
    (void)unused;
    keel_trap_exit(true);
    keel_child_spec children[] = {keel_web_child(&endpoint, .address = "0.0.0.0")};
    keel_started tree = keel_supervisor_start_link(children, 1);
    CHECK(tree.status != KEEL_OK);
    CHECK(strstr(keel_show(tree.reason), "{badarg,{token,") != NULL);
}

TEST("an address that others can reach is refused without a token")
{
    CHECK_OK(keel_start(NULL));
    keel_pid pid = keel_spawn(start_open, keel_nil());
    while (keel_process_alive(pid)) {}
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(5)), NULL));
}

TEST("connections and requests beyond the limits get a 503, then service again")
{
    int port = start_endpoint(
            &endpoint, (keel_web_opts){.max_connections = 4, .max_requests = 2});
    int busy[2], idle[2];
    static const char wait[] = "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (int index = 0; index < 2; index++) {
        busy[index] = connect_to(port);
        say(busy[index], wait, strlen(wait));
        while (keel_whereis(index == 0 ? "first" : "second").word == 0) {}
    }
    CHECK_INT(ASK(port, "GET /style.css HTTP/1.1", NULL), 200);
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 503);
    CHECK_STR(header_of(answer, "retry-after"), "1");
    for (int index = 0; index < 2; index++) {
        idle[index] = connect_to(port);
    }
    CHECK_INT(ASK(port, "GET /style.css HTTP/1.1", NULL), 503);
    CHECK(told("too many connections"));
    for (int index = 0; index < 2; index++) {
        (void)keel_send(index == 0 ? "first" : "second", keel_atom(go_on));
        CHECK_INT(hear_answer(busy[index], answer, sizeof(answer)), 200);
        close(busy[index]);
        close(idle[index]);
    }
    while (ASK(port, "GET /hello HTTP/1.1", NULL) == 503) {}
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 200);
    keel_web_stats stats;
    CHECK(keel_web_inspect(keel_atom(web), &stats));
    CHECK(stats.refused >= 2);
    stop_endpoint();
}

TEST("who sends a request slowly, or nothing, or nonsense, is dropped and holds up nobody",
        .timeout_s = 30)
{
    int port = start_endpoint(&endpoint, (keel_web_opts){.timeout = KEEL_SECONDS(1)});
    int slow = connect_to(port), silent = connect_to(port), half = connect_to(port);
    say(slow, "GET /hello HT", 13);
    static const char head[] =
            "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{";
    say(half, head, strlen(head));
    static const char *const nonsense[] = {"\r\n\r\n\r\n", "\x16\x03\x01\x02",
            "GET\r\n\r\n", "GET /hello HTTP/9.9\r\n\r\n",
            "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"};
    for (size_t index = 0; index < KEEL_COUNT(nonsense); index++) {
        int fd = connect_to(port);
        say(fd, nonsense[index], strlen(nonsense[index]));
        close(fd);
        CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 200);
    }
    char *long_line = malloc(100001);
    memset(long_line, 'a', 100000);
    long_line[100000] = '\0';
    int fd = connect_to(port);
    say(fd, "GET /", 5);
    say(fd, long_line, 100000);
    (void)hear(fd, answer, sizeof(answer));
    close(fd);
    free(long_line);
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 200);
    // Each is closed by the other side.
    (void)hear(slow, answer, sizeof(answer));
    CHECK(strstr(answer, "200") == NULL);
    (void)hear(half, answer, sizeof(answer));
    CHECK(strstr(answer, "201") == NULL);
    (void)hear(silent, answer, sizeof(answer));
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 200);
    stop_endpoint();
}

TEST("a listener that is killed comes back on its port")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    keel_pid old = keel_whereis("web");
    CHECK_OK(keel_process_exit(old, keel_atom(kill)));
    keel_pid now = old;
    while (now.word == 0 || now.word == old.word) {
        now = keel_whereis("web");
    }
    CHECK_INT(keel_web_port(keel_atom(web)), port);
    CHECK_INT(ASK(port, "GET /hello HTTP/1.1", NULL), 200);
    stop_endpoint();
}

TEST("the metrics are text that Prometheus reads")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    CHECK_INT(ASK(port, "GET /metrics HTTP/1.1", NULL), 200);
    CHECK(told("# TYPE keel_processes gauge\nkeel_processes "));
    CHECK(told("keel_web_requests 1\n"));
    CHECK(strncmp(header_of(answer, "content-type"), "text/plain; version=0.0.4", 25) == 0);
    stop_endpoint();
}

// Whether the kernel lists a socket that listens on that address, as it writes it.
static bool listens(const char *address, int port)
{
    char line[512], wanted[64];
    FILE *table = fopen("/proc/net/tcp", "r");
    CHECK(table != NULL);
    snprintf(wanted, sizeof(wanted), "%s:%04X 00000000:0000 0A", address, port);
    bool found = false;
    while (fgets(line, sizeof(line), table) != NULL) {
        found = found || strstr(line, wanted) != NULL;
    }
    fclose(table);
    return found;
}

TEST("an endpoint listens on loopback only, unless told otherwise")
{
    int port = start_endpoint(&endpoint, (keel_web_opts){0});
    CHECK(listens("0100007F", port));
    stop_endpoint();
    port = start_endpoint(&endpoint, (keel_web_opts){.address = "0.0.0.0", .token = "t"});
    CHECK(listens("00000000", port));
    stop_endpoint();
}
