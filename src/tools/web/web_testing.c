#include "web_testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct start {
    const keel_web_endpoint *endpoint;
    keel_web_opts opts;
};

// The root: holds the supervisor until the runtime stops.
static void hold(keel_term argument)
{
    struct start *start = keel_to_pointer(argument, NULL);
    keel_child_spec children[] = {keel_web_child_opt(start->endpoint, &start->opts)};
    keel_started tree = keel_supervisor_start_link(children, 1);
    if (tree.status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "no endpoint: %s", keel_show(tree.reason));
    }
    keel_gen_ack(keel_nil());
    (void)keel_receive();
}

int start_endpoint(const keel_web_endpoint *endpoint, keel_web_opts opts)
{
    static struct start start;
    keel_config config = {.workers = 2, .catch_faults = true};
    keel_pid pid;
    keel_term ack;
    start = (struct start){endpoint, opts};
    CHECK_OK(keel_start(&config));
    CHECK_OK(keel_start_body(
            hold, keel_pointer(&start), NULL, KEEL_IN(KEEL_SECONDS(20)), &pid, NULL, &ack));
    int port = keel_web_port(keel_is_none(opts.name) ? keel_atom(web) : opts.name);
    CHECK(port > 0);
    return port;
}

void stop_endpoint(void)
{
    keel_stop_report report;
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(10)), &report));
    CHECK_INT(report.killed, 0);
}

int connect_to(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
            .sin_port = htons((uint16_t)port),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(fd >= 0);
    CHECK_INT(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void say(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; // the answer says why
        }
        at += sent;
        size -= (size_t)sent;
    }
}

static bool readable(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    return poll(&poller, 1, 20000) == 1;
}

size_t hear(int fd, char *buffer, size_t size)
{
    size_t got = 0;
    while (got + 1 < size && readable(fd)) {
        ssize_t count = recv(fd, buffer + got, size - 1 - got, 0);
        if (count <= 0) {
            break;
        }
        got += (size_t)count;
    }
    buffer[got] = '\0';
    return got;
}

const char *header_of(const char *answer, const char *name)
{
    static char value[1024];
    size_t size = strlen(name);
    value[0] = '\0';
    for (const char *line = strstr(answer, "\r\n"); line != NULL && line[2] != '\r';
            line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, size) == 0 && line[2 + size] == ':') {
            const char *start = line + 2 + size + 1 + strspn(line + 2 + size + 1, " ");
            snprintf(value, sizeof(value), "%.*s", (int)strcspn(start, "\r"), start);
        }
    }
    return value;
}

const char *between(const char *answer, const char *before)
{
    static char value[1024];
    const char *start = strstr(answer, before);
    if (start == NULL) {
        kl_test_fail(__FILE__, __LINE__, "no %s in %.2000s", before, answer);
    }
    start += strlen(before);
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(start, "\""), start);
    return value;
}

int hear_answer(int fd, char *buffer, size_t size)
{
    size_t got = 0, wanted = SIZE_MAX;
    while (got + 1 < size && got < wanted && readable(fd)) {
        ssize_t count = recv(fd, buffer + got, 1, 0);
        if (count <= 0) {
            break;
        }
        got += (size_t)count;
        buffer[got] = '\0';
        if (wanted == SIZE_MAX && got >= 4 && strcmp(buffer + got - 4, "\r\n\r\n") == 0) {
            wanted = got + (size_t)atoi(header_of(buffer, "content-length"));
        }
    }
    buffer[got] = '\0';
    return got > 12 ? atoi(buffer + 9) : 0;
}

int ask(int port, const char *head, const char *body, char *answer, size_t size)
{
    char length[128] = "";
    int fd = connect_to(port);
    if (body != NULL) {
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    }
    say(fd, head, strlen(head));
    if (strstr(head, "Host:") == NULL) {
        say(fd, "\r\nHost: localhost", 17);
    }
    say(fd, "\r\n", 2);
    say(fd, length, strlen(length));
    say(fd, "\r\n", 2);
    say(fd, body != NULL ? body : "", body != NULL ? strlen(body) : 0);
    int status = hear_answer(fd, answer, size);
    close(fd);
    return status;
}

// --- WebSockets ---

int open_page(int port, const char *path, const char *document)
{
    char request[2048], answer[4096], cookie[128], csrf[1024];
    snprintf(cookie, sizeof(cookie), "%.*s",
            (int)strcspn(header_of(document, "set-cookie"), ";"),
            header_of(document, "set-cookie"));
    snprintf(csrf, sizeof(csrf), "%s", between(document, "data-csrf=\""));
    snprintf(request, sizeof(request),
            "GET /keel/live?path=%s&csrf=%s&query= HTTP/1.1\r\nHost: localhost:%d\r\n"
            "Origin: http://localhost:%d\r\nCookie: %s\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: keel-live\r\n\r\n",
            path, csrf, port, port, cookie);
    int fd = connect_to(port);
    say(fd, request, strlen(request));
    if (hear_answer(fd, answer, sizeof(answer)) != 101) {
        close(fd);
        return -1;
    }
    return fd;
}

void say_text(int fd, const char *text)
{
    size_t size = strlen(text), at = 0;
    uint8_t frame[70000];
    frame[at++] = 0x81;
    if (size < 126) {
        frame[at++] = (uint8_t)(0x80 | size);
    } else {
        frame[at++] = 0x80 | 126;
        frame[at++] = (uint8_t)(size >> 8);
        frame[at++] = (uint8_t)size;
    }
    memset(frame + at, 0, 4); // a mask of zeros changes nothing
    at += 4;
    memcpy(frame + at, text, size);
    say(fd, frame, at + size);
}

static bool hear_exactly(int fd, void *buffer, size_t size)
{
    size_t got = 0;
    while (got < size && readable(fd)) {
        ssize_t count = recv(fd, (char *)buffer + got, size - got, 0);
        if (count <= 0) {
            return false;
        }
        got += (size_t)count;
    }
    return got == size;
}

bool hear_text(int fd, char *buffer, size_t size)
{
    uint8_t head[2], more[8];
    if (!hear_exactly(fd, head, 2) || (head[0] & 0x0f) != 1) {
        return false;
    }
    size_t length = head[1] & 0x7f;
    size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (extra > 0) {
        length = 0;
        if (!hear_exactly(fd, more, extra)) {
            return false;
        }
        for (size_t index = 0; index < extra; index++) {
            length = length << 8 | more[index];
        }
    }
    if (length + 1 > size || !hear_exactly(fd, buffer, length)) {
        return false;
    }
    buffer[length] = '\0';
    return true;
}
