#include "cluster_testing.h"
#include "testing/harness.h"
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, ARGUMENTS_MAX = 40 };

void kl_testing_needs(const char *program)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t length = strcspn(path, ":");
        char name[PATH_MAX];
        snprintf(name, sizeof name, "%.*s/%s", (int)length, path, program);
        if (access(name, X_OK) == 0) {
            return;
        }
        path += length + (path[length] == ':');
    }
    kl_test_skip("%s is not installed", program);
}

// --- programs ---

// Starts a program that dies with us, with pipes at its input and output.
static pid_t start(const char *const *arguments, int *ret_to, int *ret_from)
{
    int to[2] = {-1, -1}, from[2] = {-1, -1};
    CHECK(pipe(to) == 0);
    CHECK(pipe(from) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        for (int fd = 3; fd < 256; fd++) {
            close(fd);
        }
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    *ret_to = to[1];
    *ret_from = from[0];
    return pid;
}

void kl_testing_kill(pid_t *copy)
{
    if (*copy > 0) {
        kill(*copy, SIGKILL);
        waitpid(*copy, NULL, 0);
        *copy = 0;
    }
}

pid_t kl_testing_copy(void (*start_copy)(const char *name), const char *name)
{
    int ready[2];
    char byte = 0;
    CHECK(pipe(ready) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        start_copy(name);
        CHECK(write(ready[1], &byte, 1) == 1);
        for (;;) {
            pause();
        }
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static bool try_connect(uint16_t port, int *ret_fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
            .sin_port = htons(port),
            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        *ret_fd = fd;
        return true;
    }
    close(fd);
    return false;
}

// A port that was free a moment ago. Who takes it meanwhile makes epmd end at once, and
// another one is tried.
static uint16_t find_port(void)
{
    uint16_t port;
    close(kl_testing_listen(&port));
    return port;
}

// False when it ends at once, as it does where the port is taken.
static bool try_epmd(struct kl_epmd_daemon *daemon, const char *address, uint16_t port)
{
    char number[8];
    snprintf(number, sizeof number, "%u", port);
    const char *const arguments[] = {"epmd", "-port", number, "-address", address, NULL};
    int to, from, fd;
    daemon->port = port;
    daemon->pid = start(arguments, &to, &from);
    close(to);
    close(from);
    // It is up when it answers. There is nothing else to wait for.
    while (waitpid(daemon->pid, NULL, WNOHANG) == 0) {
        if (try_connect(port, &fd)) {
            close(fd);
            return true;
        }
        usleep(10000);
    }
    return false;
}

void kl_epmd_daemon_start(struct kl_epmd_daemon *daemon)
{
    for (int tries = 0; tries < 10; tries++) {
        if (try_epmd(daemon, "127.0.0.1", find_port())) {
            return;
        }
    }
    kl_test_fail(__FILE__, __LINE__, "epmd does not start");
}

void kl_epmd_daemon_start_at(
        struct kl_epmd_daemon *daemon, const char *address, uint16_t port)
{
    CHECK(try_epmd(daemon, address, port));
}

void kl_epmd_daemon_stop(struct kl_epmd_daemon *daemon)
{
    kl_testing_kill(&daemon->pid);
}

void kl_beam_start(struct kl_beam *beam, const struct kl_epmd_daemon *daemon,
        const char *name, const char *cookie, const char *const *arguments)
{
    char port[8];
    snprintf(port, sizeof port, "%u", daemon->port);
    setenv("ERL_EPMD_PORT", port, 1);
    const char *all[ARGUMENTS_MAX] = {"erl", "-noshell", "-start_epmd", "false", "-name",
            name, "-setcookie", cookie, "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
            "-kernel", "logger", "[{handler,default,undefined}]"};
    size_t count = 0;
    while (all[count]) {
        count++;
    }
    while (arguments && *arguments) {
        CHECK(count < ARGUMENTS_MAX - 3);
        all[count++] = *arguments++;
    }
    all[count++] = "-eval";
    all[count++] = "file:eval(\"" KL_CLUSTER_PEER "\").";
    beam->size = 0;
    beam->pid = start(all, &beam->to, &beam->from);
    CHECK_STR(kl_beam_line(beam), "ready");
}

void kl_beam_stop(struct kl_beam *beam)
{
    kl_testing_kill(&beam->pid);
    close(beam->to);
    close(beam->from);
}

void kl_beam_ask(struct kl_beam *beam, const char *expression)
{
    kl_testing_write(beam->to, expression, strlen(expression));
    kl_testing_write(beam->to, ".\n", 2);
}

const char *kl_beam_line(struct kl_beam *beam)
{
    static char line[sizeof beam->text];
    char *end;
    while (!(end = memchr(beam->text, '\n', beam->size))) {
        struct pollfd wait = {.fd = beam->from, .events = POLLIN};
        CHECK(beam->size < sizeof beam->text);
        if (poll(&wait, 1, PATIENCE_MS) != 1) {
            kl_test_fail(__FILE__, __LINE__, "the BEAM node says nothing");
        }
        size_t got = kl_testing_read(
                beam->from, beam->text + beam->size, sizeof beam->text - beam->size);
        if (got == 0) {
            kl_test_fail(__FILE__, __LINE__, "the BEAM node has ended: %.*s",
                    (int)beam->size, beam->text);
        }
        beam->size += got;
    }
    size_t length = (size_t)(end - beam->text);
    memcpy(line, beam->text, length);
    line[length] = 0;
    beam->size -= length + 1;
    memmove(beam->text, end + 1, beam->size);
    return line;
}

const char *kl_beam_await(struct kl_beam *beam, const char *start_of_line)
{
    for (;;) {
        const char *line = kl_beam_line(beam);
        if (strncmp(line, start_of_line, strlen(start_of_line)) == 0) {
            return line + strlen(start_of_line);
        }
    }
}

const char *kl_beam_eval(struct kl_beam *beam, const char *expression)
{
    kl_beam_ask(beam, expression);
    return kl_beam_await(beam, "= ");
}

// --- sockets ---

int kl_testing_connect(uint16_t port)
{
    int fd = -1;
    CHECK(try_connect(port, &fd));
    return fd;
}

int kl_testing_listen(uint16_t *ret_port)
{
    struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(fd, 16) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

void kl_testing_write(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t written = write(fd, at, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        CHECK(written > 0);
        at += written;
        size -= (size_t)written;
    }
}

size_t kl_testing_read(int fd, void *data, size_t room)
{
    ssize_t got;
    do {
        got = read(fd, data, room);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? 0 : (size_t)got;
}

bool kl_testing_read_all(int fd, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        size_t got = kl_testing_read(fd, at, size);
        if (got == 0) {
            return false;
        }
        at += got;
        size -= got;
    }
    return true;
}
