// A client in front of programs that mean harm, or are none. The real ones are those of
// end_to_end_test.c.

#include "ctl_testing.h"
#include <keel/etf.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], path[80];

// Answers the first that connects with these bytes and closes, or stays silent.
static void serve(int listener, const void *bytes, size_t size, bool silent)
{
    char request[256];
    int fd = accept(listener, NULL, NULL);
    // The whole request: its length, and as much as that says.
    ssize_t got = recv(fd, request, 4, MSG_WAITALL);
    got = got == 4 ? recv(fd, request, (size_t)request[3], MSG_WAITALL) : -1;
    for (size_t sent = 0; got > 0 && sent < size;) {
        ssize_t wrote = send(fd, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL);
        if (wrote <= 0) {
            break;
        }
        sent += (size_t)wrote;
    }
    while (silent && got > 0) { // until the client has gone
        got = read(fd, request, sizeof request);
    }
    _exit(0);
}

// A client that has asked somebody who answers so.
static pid_t answered_with(
        struct kl_ctl_client *client, const void *bytes, size_t size, bool silent)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(folder, P_tmpdir "/keel-ctl-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_OK(bind(listener, (struct sockaddr *)&address, sizeof address));
    CHECK_OK(listen(listener, 1));
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        serve(listener, bytes, size, silent);
    }
    close(listener);
    *client = (struct kl_ctl_client){.fd = -1, .timeout_ms = silent ? 50 : 50000};
    CHECK(kl_ctl_client_open(client, path));
    CHECK(kl_ctl_client_ask(client, "ps", kl_ctl_map()));
    return pid;
}

static void leave(struct kl_ctl_client *client, pid_t pid)
{
    int status;
    kl_ctl_client_close(client);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_OK(unlink(path));
    CHECK_OK(rmdir(folder));
}

static void check_refused(int line, const void *bytes, size_t size, const char *expected)
{
    struct kl_ctl_client client;
    keel_term row = KEEL_NONE;
    pid_t pid = answered_with(&client, bytes, size, false);
    enum kl_ctl_more more;
    while ((more = kl_ctl_client_next(&client, &row)) == KL_CTL_ROW) {}
    if (more != KL_CTL_FAILED || strstr(client.error, expected) == NULL) {
        kl_test_fail(__FILE__, line, "%d: %s", (int)more, client.error);
    }
    leave(&client, pid);
}
#define CHECK_REFUSED(bytes, size, expected)                                               \
    check_refused(__LINE__, (bytes), (size), (expected))

// A packet around a term.
static size_t put_packet(uint8_t *bytes, keel_term term)
{
    keel_term external = KEEL_NONE;
    CHECK_OK(keel_etf_encode(term, NULL, &external));
    keel_bytes data = keel_to_bytes(external);
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(data.size >> (24 - 8 * i));
    }
    memcpy(bytes + 4, data.data, data.size);
    return data.size + 4;
}

TEST("what is no control socket is called so, whatever it says")
{
    static uint8_t deep[4096] = {0, 0, 15, 252, 131};
    CHECK_REFUSED("\xff\xff\xff\xff", 4, "is no control socket");
    CHECK_REFUSED("HTTP/1.1 400 Bad Request\r\n", 26, "is no control socket");
    CHECK_REFUSED("\0\0\0\3abc", 7, "is no control socket");
    CHECK_REFUSED("\0\0\0\0", 4, "is no control socket");
    CHECK_REFUSED("\0\0\0\10\x83l\xff\xff\xff\xff\x61\x01", 12, "is no control socket");
    // An atom that is not there.
    CHECK_REFUSED("\0\0\0\14\x83w\x09no_such_a", 16, "is no control socket");
    for (size_t i = 5; i + 1 < sizeof deep; i += 2) {
        deep[i] = 104;
        deep[i + 1] = 1;
    }
    CHECK_REFUSED(deep, sizeof deep, "is no control socket");
}

TEST("an answer that stops in the middle, or never comes, is no answer")
{
    struct kl_ctl_client client;
    keel_term row = KEEL_NONE;
    CHECK_REFUSED("", 0, "has closed the connection");
    CHECK_REFUSED("\0\0", 2, "has closed the connection");
    CHECK_REFUSED("\0\0\1\0\x83", 5, "has closed the connection");
    pid_t pid = answered_with(&client, "\0\0", 2, true);
    CHECK(kl_ctl_client_next(&client, &row) == KL_CTL_FAILED);
    CHECK_STR(client.error, "the program has not answered for 0.05 s");
    leave(&client, pid);
}

TEST("rows come one by one from several packets; what is no row is passed over")
{
    struct kl_ctl_client client;
    keel_term row = KEEL_NONE;
    uint8_t bytes[512];
    size_t size = put_packet(
            bytes, keel_make("{rows, [#{<<\"n\">> => 1}, 7, #{<<\"n\">> => 2}]}"));
    size += put_packet(bytes + size, keel_make("{rows, []}"));
    size += put_packet(bytes + size, keel_make("{rows, 5}"));
    size += put_packet(bytes + size, keel_make("{rows, [#{<<\"n\">> => 3} | 4]}"));
    size += put_packet(bytes + size, keel_atom(done));
    pid_t pid = answered_with(&client, bytes, size, false);
    for (uint64_t i = 1; i <= 3; i++) {
        CHECK(kl_ctl_client_next(&client, &row) == KL_CTL_ROW);
        CHECK_INT(kl_ctl_get_number(row, "n"), i);
    }
    CHECK(kl_ctl_client_next(&client, &row) == KL_CTL_DONE);
    leave(&client, pid);
}

TEST("an error is a text, and not longer than one may be")
{
    static uint8_t bytes[8192];
    static char text[5000];
    size_t size = put_packet(bytes, keel_make("{error, <<\"no\">>}"));
    CHECK_REFUSED(bytes, size, "no");
    memset(text, 'x', sizeof text - 1);
    size = put_packet(bytes, keel_make("{error, Text}", text));
    CHECK_REFUSED(bytes, size, "xxxx");
    size = put_packet(bytes, keel_make("{error, 5}"));
    CHECK_REFUSED(bytes, size, "");
}

TEST("a path that cannot be one of a socket is refused with its length")
{
    struct kl_ctl_client client = {.fd = -1};
    char long_path[300];
    memset(long_path, 'x', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    CHECK(!kl_ctl_client_open(&client, long_path));
    CHECK(strstr(client.error, "107 bytes") != NULL);
    CHECK(!kl_ctl_client_open(&client, "/no/such/folder"));
    CHECK_STR(client.error, "there is no control socket at /no/such/folder");
    kl_ctl_client_close(&client);
    CHECK(!kl_ctl_client_open(&client, P_tmpdir)); // a folder
    CHECK(strstr(client.error, "nobody answers") != NULL);
    kl_ctl_client_close(&client);
}
