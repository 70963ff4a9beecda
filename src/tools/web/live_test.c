#include "web_testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char document[1 << 16], answer[1 << 16], pushed[1 << 17];

// --- a page: a list of names that its visitors share, and what each of them filters by ---

struct names {
    keel_term list;
    char filter[32];
    int shown; // how often it was rendered
};

static void mount(keel_live *page, void *state)
{
    struct names *names = state;
    keel_set(&names->list, keel_nil());
    if (keel_live_connected(page)) {
        keel_pubsub_subscribe(keel_atom(news), keel_atom(names));
    }
}

static void handle_params(keel_live *page, keel_term query, void *state)
{
    struct names *names = state;
    (void)page;
    const char *filter = keel_web_value(query, "filter");
    snprintf(names->filter, sizeof(names->filter), "%s", filter != NULL ? filter : "");
}

static void handle_event(keel_live *page, const char *event, keel_term values, void *state)
{
    struct names *names = state;
    const char *name = keel_web_value(values, "name");
    if (strcmp(event, "add") == 0 && name != NULL && name[0] != '\0') {
        keel_set(&names->list, keel_cons(keel_string(name), names->list));
        keel_pubsub_broadcast_from(keel_atom(news), keel_self(), keel_atom(names),
                keel_make("{added, Name}", name));
    } else if (strcmp(event, "add") == 0) {
        keel_live_notice(page, "error", "name: must not be empty");
    } else if (strcmp(event, "crash") == 0) {
        keel_error(keel_atom(oh_no));
    } else if (strcmp(event, "filter") == 0) {
        keel_live_patch(page, "filter=me");
        snprintf(names->filter, sizeof(names->filter), "me");
    } else if (strcmp(event, "leave") == 0) {
        keel_live_redirect(page, "/elsewhere");
    }
}

static void handle_info(keel_live *page, keel_term message, void *state)
{
    struct names *names = state;
    keel_term name;
    (void)page;
    if (keel_match(message, "{added, Name}", &name)) {
        keel_set(&names->list, keel_cons(name, names->list));
    }
}

static void render(keel_live *page, keel_html *html, void *state)
{
    struct names *names = state;
    keel_term list = names->list, name;
    int number = 0;
    names->shown++;
    keel_html_print(html, "<h1>Names</h1><p>filter [%s]</p>", names->filter);
    keel_live_form(page, html, "add", "class=\"adder\"");
    keel_html_raw(html, "<input name=\"name\"></form>");
    keel_html_begin(html, "ul", "", "names");
    while (keel_list_next(&list, &name)) {
        keel_html_begin(html, "li", "", "name-%d", number++);
        keel_html_term(html, name);
        keel_html_end(html);
    }
    keel_html_end(html);
    keel_html_begin(html, "p", "", "aside");
    keel_html_raw(html, "never changes");
    keel_html_end(html);
}

static const keel_live_view names_view = {
        .name = "names",
        .title = "Names & more",
        .state = KEEL_STATE(struct names, filter, shown),
        .mount = mount,
        .handle_params = handle_params,
        .handle_event = handle_event,
        .handle_info = handle_info,
        .render = render,
};

// A page that shows where it is.
static void show_place(keel_live *page, keel_html *html, void *state)
{
    (void)state;
    CHECK(strlen(keel_live_csrf(page)) >= 16);
    const char *by = keel_web_value(keel_live_query(page), "by");
    keel_html_print(html, "<p>%s of %s by %s, csrf %s</p>", keel_live_param(page, "id"),
            keel_live_path(page), by != NULL ? by : "nobody", keel_live_csrf(page));
}

static const keel_live_view place_view = {
        .name = "place", .title = "Place", .render = show_place};
static const keel_web_route routes[] = {{.path = "/names", .view = &names_view},
        {.path = "/places/:id", .view = &place_view}};
static const keel_web_endpoint endpoint = {.routes = routes, .route_count = 2};

static void hold_news(keel_term unused)
{
    (void)unused;
    keel_started news = keel_pubsub_start_link(.name = keel_atom(news));
    CHECK_OK(news.status);
    keel_gen_ack(keel_nil());
    (void)keel_receive();
}

static int start_with(keel_web_opts opts)
{
    keel_pid pid;
    keel_term ack;
    int port = start_endpoint(&endpoint, opts);
    CHECK_OK(keel_start_body(
            hold_news, keel_nil(), NULL, KEEL_IN(KEEL_SECONDS(20)), &pid, NULL, &ack));
    CHECK_INT(ask(port, "GET /names?filter=%3Cb%3E HTTP/1.1", NULL, document,
                      sizeof(document)),
            200);
    return port;
}

static int start(void)
{
    return start_with((keel_web_opts){.secret = "a secret"});
}

static int open_names(int port)
{
    int fd = open_page(port, "/names", document);
    CHECK(fd >= 0);
    CHECK(hear_text(fd, pushed, sizeof(pushed)));
    CHECK(strstr(pushed, "\"all\":\"<div id=\\\"page\\\">") != NULL);
    return fd;
}

static bool was_pushed(const char *what)
{
    return strstr(pushed, what) != NULL;
}

// Posts the form of the document with the cookie it came with.
static int post(int port, const char *csrf, const char *fields)
{
    char head[512], body[512], cookie[128];
    snprintf(cookie, sizeof(cookie), "%.*s",
            (int)strcspn(header_of(document, "set-cookie"), ";"),
            header_of(document, "set-cookie"));
    snprintf(head, sizeof(head),
            "POST /names HTTP/1.1\r\nCookie: %s\r\n"
            "Content-Type: application/x-www-form-urlencoded",
            cookie);
    snprintf(body, sizeof(body), "_csrf=%s&%s", csrf, fields);
    return ask(port, head, body, answer, sizeof(answer));
}

// --- tests ---

TEST("a page is rendered once for those without JavaScript")
{
    (void)start();
    CHECK(strstr(document, "<title>Names &amp; more</title>") != NULL);
    CHECK(strstr(document, "<p>filter [&lt;b&gt;]</p>") != NULL);
    CHECK(strstr(document, "<form method=\"post\" action=\"/names\" data-live class=") !=
            NULL);
    CHECK(strstr(header_of(document, "set-cookie"), "HttpOnly; SameSite=Lax") != NULL);
    stop_endpoint();
}

TEST("a page knows its path, its part of it, its query and its token")
{
    int port = start_with((keel_web_opts){0});
    CHECK_INT(
            ask(port, "GET /places/a%20b?by=me HTTP/1.1", NULL, document, sizeof document),
            200);
    CHECK(strstr(document, "<p>a b of /places/a b by me, csrf ") != NULL);
    stop_endpoint();
}

TEST("its forms work without JavaScript, with the CSRF token of the session only")
{
    int port = start();
    char csrf[128];
    snprintf(csrf, sizeof(csrf), "%s", between(document, "data-csrf=\""));
    CHECK_INT(post(port, csrf, "event=add&name=a+%26+b"), 303);
    CHECK_STR(header_of(answer, "location"), "/names");
    CHECK_INT(post(port, csrf, "event=add&name="), 422);
    CHECK(strstr(answer, "name: must not be empty") != NULL);
    CHECK_INT(post(port, csrf, "event=filter"), 303);
    CHECK_STR(header_of(answer, "location"), "/names?filter=me");
    CHECK_INT(post(port, csrf, "event=leave"), 303);
    CHECK_STR(header_of(answer, "location"), "/elsewhere");
    csrf[0] ^= 1;
    CHECK_INT(post(port, csrf, "event=add&name=x"), 403);
    stop_endpoint();
}

TEST("an event changes the page, and only the part that changed is sent")
{
    int port = start();
    int fd = open_names(port);
    say_text(fd, "{\"event\":\"add\",\"values\":{\"name\":\"J\xc3\xb6rg <3\"}}");
    CHECK(hear_text(fd, pushed, sizeof(pushed)));
    CHECK_STR(pushed, "{\"v\":1,\"parts\":{\"names\":\"<ul id=\\\"names\\\"><li "
                      "id=\\\"name-0\\\">J\xc3\xb6rg &lt;3</li></ul>\"}}");
    say_text(fd, "{\"event\":\"add\",\"values\":{\"name\":\"\"}}");
    CHECK(hear_text(fd, pushed, sizeof(pushed)));
    CHECK(was_pushed("{\"parts\":{\"notice\":") || was_pushed("\"parts\":{\"notice\":"));
    CHECK(!was_pushed("names"));
    close(fd);
    stop_endpoint();
}

TEST("what one page does the others show")
{
    int port = start();
    int one = open_names(port), two = open_names(port);
    say_text(one, "{\"event\":\"add\",\"values\":{\"name\":\"Ada\"}}");
    CHECK(hear_text(two, pushed, sizeof(pushed)));
    CHECK(was_pushed("Ada"));
    CHECK(hear_text(one, pushed, sizeof(pushed)));
    CHECK(was_pushed("Ada"));
    close(one);
    close(two);
    stop_endpoint();
}

TEST("the query of a page can be changed from either side")
{
    int port = start();
    int fd = open_names(port);
    say_text(fd, "{\"query\":\"filter=x%20y\"}");
    CHECK(hear_text(fd, pushed, sizeof(pushed)));
    CHECK(was_pushed("filter [x y]"));
    say_text(fd, "{\"event\":\"filter\",\"values\":{}}");
    CHECK(hear_text(fd, pushed, sizeof(pushed)));
    CHECK(was_pushed("filter [me]") && was_pushed("\"patch\":\"filter=me\""));
    say_text(fd, "{\"event\":\"leave\"}");
    CHECK(hear_text(fd, pushed, sizeof(pushed)));
    CHECK(was_pushed("\"redirect\":\"/elsewhere\""));
    close(fd);
    stop_endpoint();
}

TEST("a page that crashes is closed, and touches no other")
{
    int port = start();
    int one = open_names(port), two = open_names(port);
    say_text(one, "{\"event\":\"crash\"}");
    CHECK(!hear_text(one, pushed, sizeof(pushed)));
    say_text(two, "{\"event\":\"add\",\"values\":{\"name\":\"Ada\"}}");
    CHECK(hear_text(two, pushed, sizeof(pushed)));
    CHECK(was_pushed("Ada"));
    close(one);
    one = open_names(port); // it comes back
    close(one);
    close(two);
    stop_endpoint();
}

TEST("a page ends with its browser")
{
    int port = start();
    keel_web_stats stats;
    keel_child_counts counts;
    int fds[20];
    for (int index = 0; index < 20; index++) {
        fds[index] = open_names(port);
    }
    CHECK(keel_web_inspect(keel_atom(web), &stats));
    CHECK_INT(stats.pages, 20);
    for (int index = 0; index < 20; index++) {
        close(fds[index]);
    }
    do {
        CHECK_OK(keel_supervisor_count_children("web.pages", &counts));
        CHECK(keel_web_inspect(keel_atom(web), &stats));
    } while (counts.active > 0 || stats.pages > 0);
    stop_endpoint();
}

// Waits, however long, for a ping and answers it; false: the page was closed.
static bool answer_ping(int fd)
{
    uint8_t frame[6] = {0};
    ssize_t count = recv(fd, frame, sizeof(frame), MSG_WAITALL);
    CHECK(count != sizeof(frame) || (frame[0] == 0x89 && frame[1] == 4));
    const uint8_t pong[10] = {
            0x8a, 0x84, 0, 0, 0, 0, frame[2], frame[3], frame[4], frame[5]};
    return count == sizeof(frame) && send(fd, pong, sizeof(pong), MSG_NOSIGNAL) > 0;
}

TEST("a browser that says nothing is asked, and its page ends when it does not answer")
{
    int port = start_with((keel_web_opts){.timeout = KEEL_SECONDS(1)});
    keel_child_counts counts;
    char byte;
    int silent = open_names(port), there = open_names(port);
    // Only a page whose answer was heard is asked again; on a machine that is too slow to
    // answer in time another one is opened.
    while (!answer_ping(there) || !answer_ping(there)) {
        close(there);
        there = open_names(port);
    }
    while (recv(silent, &byte, 1, 0) > 0) {
        // Until it has been hung up.
    }
    close(silent);
    close(there);
    do {
        CHECK_OK(keel_supervisor_count_children("web.pages", &counts));
    } while (counts.active > 0);
    stop_endpoint();
}

TEST("events that make no sense, or never end, close the page and nothing else")
{
    int port = start();
    static const char *const nonsense[] = {"", "{", "[]", "{\"event\":7}\n\n]", "\x01"};
    for (size_t index = 0; index < KEEL_COUNT(nonsense); index++) {
        int fd = open_names(port);
        say_text(fd, nonsense[index]);
        CHECK(!hear_text(fd, pushed, sizeof(pushed)));
        close(fd);
    }
    char *much = malloc(65001);
    memset(much, '[', 65000);
    much[65000] = '\0';
    int fd = open_names(port);
    say_text(fd, much);
    CHECK(!hear_text(fd, pushed, sizeof(pushed)));
    close(fd);
    // Many events at once are taken one by one.
    fd = open_names(port);
    for (int index = 0; index < 2000; index++) {
        say_text(fd, "{\"event\":\"add\",\"values\":{\"name\":\"n\"}}");
    }
    say_text(fd, "{\"event\":\"filter\"}");
    while (!was_pushed("filter [me]")) {
        CHECK(hear_text(fd, pushed, sizeof(pushed)));
    }
    free(much);
    close(fd);
    stop_endpoint();
}

TEST("a socket from elsewhere, without our token or for no page, is refused")
{
    int port = start();
    char spoiled[sizeof(document)];
    CHECK_INT(open_page(port, "/nowhere", document), -1);
    memcpy(spoiled, document, sizeof(spoiled));
    *strstr(spoiled, "data-csrf=\"") = '\0';
    strcat(spoiled, "data-csrf=\"0\"");
    CHECK_INT(open_page(port, "/names", spoiled), -1);
    char head[1024];
    snprintf(head, sizeof(head),
            "GET /keel/live?path=/names&csrf=%s HTTP/1.1\r\nOrigin: http://evil.example\r\n"
            "Cookie: %.*s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: keel-live",
            between(document, "data-csrf=\""),
            (int)strcspn(header_of(document, "set-cookie"), ";"),
            header_of(document, "set-cookie"));
    CHECK_INT(ask(port, head, NULL, answer, sizeof(answer)), 403);
    int fd = open_names(port);
    close(fd);
    stop_endpoint();
}

TEST("a page can be looked into as any server")
{
    int port = start();
    int fd = open_names(port);
    keel_term children, state, child, rest;
    CHECK_OK(keel_supervisor_which_children("web.pages", &children));
    CHECK(keel_match(children, "[Child | Rest]", &child, &rest));
    CHECK_OK(keel_sys_get_state(keel_element(child, 1), &state));
    CHECK(strstr(keel_show(state), "shown") != NULL);
    close(fd);
    stop_endpoint();
}
