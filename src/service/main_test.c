// Whole programs, started and stopped: main_fixture.c is built beside this one.

#include "testing/harness.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 8, PATIENCE_MS = 20000 };

static struct {
    pid_t pid;
    int output; // both of its streams
    char text[16384];
    size_t length;
} program;

static void run_fixture(char **argv)
{
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    path[length > 0 ? length : 0] = '\0';
    strcpy(strrchr(path, '/') + 1, "main-fixture");
    argv[0] = path;
    execv(path, argv);
    // An emulated program cannot start another of its kind by itself.
    if (errno == ENOEXEC && getenv("KEEL_TEST_WRAPPER") != NULL) {
        argv[-1] = path;
        execl("/bin/sh", "sh", "-c", "exec $KEEL_TEST_WRAPPER \"$0\" \"$@\"", path, argv[1],
                argv[2], argv[3], argv[4], (char *)NULL);
    }
    _exit(99);
}

// Starts the fixture with up to four arguments.
static void start(const char *a, const char *b, const char *c, const char *d)
{
    int ends[2];
    char *argv[ARGUMENTS_MAX] = {NULL, NULL, (char *)a, (char *)b, (char *)c, (char *)d};
    CHECK_OK(pipe(ends));
    program.length = 0;
    program.pid = fork();
    CHECK(program.pid >= 0);
    if (program.pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        run_fixture(argv + 1);
    }
    close(ends[1]);
    program.output = ends[0];
}

// Reads what is there; false at the end.
static bool read_more(void)
{
    struct pollfd fd = {program.output, POLLIN, 0};
    if (poll(&fd, 1, PATIENCE_MS) != 1) {
        kill(program.pid, SIGKILL);
        kl_test_fail(__FILE__, __LINE__, "the program is silent after: %s", program.text);
    }
    ssize_t got = read(program.output, program.text + program.length,
            sizeof program.text - program.length - 1);
    program.length += got > 0 ? (size_t)got : 0;
    program.text[program.length] = '\0';
    return got > 0;
}

static void await_text(const char *wanted)
{
    program.text[program.length] = '\0';
    while (strstr(program.text, wanted) == NULL) {
        if (!read_more()) {
            kl_test_fail(__FILE__, __LINE__, "no \"%s\" in: %s", wanted, program.text);
        }
    }
}

// Waits for its end; returns the exit code.
static int finish(void)
{
    int status;
    while (read_more()) {}
    close(program.output);
    CHECK(waitpid(program.pid, &status, 0) == program.pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define CHECK_SAYS(text_) check_says(__LINE__, (text_))
static void check_says(int line, const char *text)
{
    if (strstr(program.text, text) == NULL) {
        kl_test_fail(__FILE__, line, "no \"%s\" in: %s", text, program.text);
    }
}

TEST("the command line is answered without starting anything")
{
    start("serve", "--help", NULL, NULL);
    CHECK_INT(finish(), 0);
    CHECK_SAYS("Usage: ");
    CHECK_SAYS("-p, --port PORT");
    start("serve", "--version", NULL, NULL);
    CHECK_INT(finish(), 0);
    CHECK_STR(program.text, "serve 1.2.3\n");
    start("serve", "--nonsense", NULL, NULL);
    CHECK_INT(finish(), 2);
    CHECK_SAYS("there is no option --nonsense");
    start("serve", "--port", NULL, NULL);
    CHECK_INT(finish(), 2);
    CHECK_SAYS("option --port wants a value: PORT");
}

TEST("SIGTERM stops all, the last started first", .ids = "AP-077")
{
    start("serve", "--port=8080", "rest", NULL);
    await_text("serving\n");
    CHECK_OK(kill(program.pid, SIGTERM));
    CHECK_INT(finish(), 0);
    CHECK_SAYS("needed\nport 8080 arguments [<<\"rest\">>]\nserving\n");
    const char *first = strstr(program.text, "terminated\n");
    const char *second = first != NULL ? strstr(first + 1, "terminated\n") : NULL;
    CHECK(second != NULL && strstr(second, "needed stopped\n") != NULL);
    CHECK_SAYS("serve stops: Terminated\n"); // the log is complete
    CHECK_SAYS("application serve exited: stopped");
    CHECK_SAYS("application needed exited: stopped");
}

TEST("who does not end in time is killed and named")
{
    start("serve", "--slow", NULL, NULL);
    await_text("serving\n");
    CHECK_OK(kill(program.pid, SIGINT));
    CHECK_INT(finish(), 1);
    CHECK_SAYS("terminating slowly");
    CHECK_SAYS("worker:init/1, which waited for a sleep's end");
}

TEST("a second signal does not wait")
{
    start("serve", "-s", NULL, NULL);
    await_text("serving\n");
    CHECK_OK(kill(program.pid, SIGTERM));
    await_text("terminating slowly");
    CHECK_OK(kill(program.pid, SIGINT));
    CHECK_INT(finish(), 128 + SIGINT);
}

TEST("a program may stop itself with a code of its own")
{
    start("stop", "7", NULL, NULL);
    CHECK_INT(finish(), 7);
    CHECK_SAYS("terminated");
}

TEST("a permanent application that does not start ends the program", .ids = "AP-038")
{
    start("fail", NULL, NULL, NULL);
    CHECK_INT(finish(), 1);
    CHECK_SAYS("fail did not start: no_disk");
}

TEST("the end of a permanent application ends the program", .ids = "AP-068")
{
    start("end", NULL, NULL, NULL);
    CHECK_INT(finish(), 1);
    CHECK_SAYS("the application 'end' ended: tired");
}

TEST("a program that hangs in its start can be stopped")
{
    start("hang", NULL, NULL, NULL);
    await_text("starting");
    CHECK_OK(kill(program.pid, SIGTERM));
    CHECK_INT(finish(), 0);
}

TEST("settings come from a file, and a wrong one is named with its place", .ids = "AP-021")
{
    char path[] = P_tmpdir "/keel-main-XXXXXX";
    int fd = mkstemp(path);
    const char settings[] = "[{serve, [{port, 4711}]}].\n";
    CHECK(fd >= 0 && write(fd, settings, strlen(settings)) == (ssize_t)strlen(settings));
    start("serve", "--config", path, NULL);
    await_text("serving\n");
    CHECK_SAYS("port 4711 arguments");
    CHECK_OK(kill(program.pid, SIGTERM));
    CHECK_INT(finish(), 0);
    CHECK(pwrite(fd, "[{serve,, ", 10, 0) == 10);
    start("serve", "-c", path, NULL);
    CHECK_INT(finish(), 1);
    CHECK_SAYS("serve did not start: " P_tmpdir);
    CHECK_SAYS(":1:9: ");
    close(fd);
    unlink(path);
}

// --- what a service manager hears ---

static void await_datagram(int fd, const char *wanted)
{
    char text[256] = "";
    do {
        struct pollfd poll_fd = {fd, POLLIN, 0};
        CHECK_INT(poll(&poll_fd, 1, PATIENCE_MS), 1);
        ssize_t got = recv(fd, text, sizeof text - 1, 0);
        CHECK(got > 0);
        text[got] = '\0';
    } while (strcmp(text, wanted) != 0);
}

TEST("a service manager hears that it is ready, lives, and stops")
{
    char folder[] = P_tmpdir "/keel-notify-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", folder);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK_OK(bind(fd, (struct sockaddr *)&address, sizeof address));
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    setenv("WATCHDOG_USEC", "20000", 1);
    start("serve", NULL, NULL, NULL);
    await_datagram(fd, "READY=1");
    await_datagram(fd, "WATCHDOG=1");
    await_datagram(fd, "WATCHDOG=1");
    CHECK_OK(kill(program.pid, SIGTERM));
    await_datagram(fd, "STOPPING=1");
    CHECK_INT(finish(), 0);
    close(fd);
    unlink(address.sun_path);
    rmdir(folder);
}
