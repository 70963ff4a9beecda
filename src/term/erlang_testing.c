#include "erlang_testing.h"

#include "etf.h"
#include "testing/harness.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_installed(const char *program)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t length = strcspn(path, ":");
        char name[PATH_MAX];
        snprintf(name, sizeof name, "%.*s/%s", (int)length, path, program);
        if (access(name, X_OK) == 0) {
            return true;
        }
        path += length + (path[length] == ':');
    }
    return false;
}

struct kl_erlang kl_erlang_start(const char *escript, size_t room)
{
    if (!is_installed("escript")) {
        kl_test_skip("no Erlang is installed (escript)");
    }
    int to[2], from[2];
    CHECK(pipe(to) == 0 && pipe(from) == 0);
    struct kl_erlang erlang = {
            .to = to[1], .from = from[0], .answer = malloc(room), .room = room};
    erlang.pid = fork();
    CHECK(erlang.pid >= 0);
    if (erlang.pid == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[1]);
        close(from[0]);
        execlp("escript", "escript", escript, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    signal(SIGPIPE, SIG_IGN);
    keel_bytes release = kl_erlang_ask(&erlang, 'v', NULL, 0);
    printf("# OTP %.*s\n", (int)release.size, (const char *)release.data);
    return erlang;
}

static void send_bytes(struct kl_erlang *erlang, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t written = write(erlang->to, at, size);
        CHECK(written > 0 || errno == EINTR);
        at += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
}

static void receive_bytes(struct kl_erlang *erlang, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        ssize_t got = read(erlang->from, at, size);
        CHECK(got > 0 || (got < 0 && errno == EINTR)); // 0: Erlang is gone
        at += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
}

keel_bytes kl_erlang_ask(struct kl_erlang *erlang, char op, const void *data, size_t size)
{
    uint8_t head[5];
    kl_etf_put_32(head, (uint32_t)size + 1);
    head[4] = (uint8_t)op;
    send_bytes(erlang, head, sizeof head);
    send_bytes(erlang, data, size);
    receive_bytes(erlang, head, 4);
    size_t answer = kl_etf_get_32(head);
    CHECK(answer <= erlang->room);
    receive_bytes(erlang, erlang->answer, answer);
    return (keel_bytes){erlang->answer, answer};
}

void kl_erlang_stop(struct kl_erlang *erlang)
{
    close(erlang->to);
    int status;
    CHECK(waitpid(erlang->pid, &status, 0) == erlang->pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(erlang->from);
    free(erlang->answer);
}
