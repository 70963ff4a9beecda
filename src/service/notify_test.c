// What is told to a service manager, and what it hands over.

#include "testing/harness.h"
#include <fcntl.h>
#include <keel/main.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TEST("a state goes to the socket that the environment names, abstract ones too")
{
    char text[64] = "";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "keel-notify-%d",
            (int)getpid());
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                                   strlen(address.sun_path + 1));
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    CHECK_OK(bind(fd, (struct sockaddr *)&address, length));
    snprintf(text, sizeof text, "@%s", address.sun_path + 1);
    setenv("NOTIFY_SOCKET", text, 1);
    CHECK_OK(keel_notify("STATUS=half way"));
    CHECK_INT(
            recv(fd, text, sizeof text, MSG_DONTWAIT), (ssize_t)strlen("STATUS=half way"));
    CHECK(memcmp(text, "STATUS=half way", strlen("STATUS=half way")) == 0);
    close(fd);
    CHECK(keel_notify("X=1") < 0); // nobody is there any more
}

TEST("without a proper socket nobody listens")
{
    unsetenv("NOTIFY_SOCKET");
    CHECK_INT(keel_notify("READY=1"), KEEL_E_UNSUPPORTED);
    setenv("NOTIFY_SOCKET", "relative", 1);
    CHECK_INT(keel_notify("READY=1"), KEEL_E_UNSUPPORTED);
    setenv("NOTIFY_SOCKET", "@", 1);
    CHECK_INT(keel_notify("READY=1"), KEEL_E_UNSUPPORTED);
    CHECK_INT(keel_notify(NULL), KEEL_E_BADARG);
}

TEST("the time of the watchdog counts for the program it was meant for")
{
    char own[32];
    snprintf(own, sizeof own, "%d", (int)getpid());
    unsetenv("WATCHDOG_USEC");
    CHECK_INT(keel_notify_watchdog(), 0);
    setenv("WATCHDOG_USEC", "1500", 1);
    CHECK_INT(keel_notify_watchdog(), KEEL_US(1500));
    setenv("WATCHDOG_PID", own, 1);
    CHECK_INT(keel_notify_watchdog(), KEEL_US(1500));
    setenv("WATCHDOG_PID", "1", 1);
    CHECK_INT(keel_notify_watchdog(), 0);
    setenv("WATCHDOG_PID", own, 1);
    setenv("WATCHDOG_USEC", "12x", 1);
    CHECK_INT(keel_notify_watchdog(), 0);
    setenv("WATCHDOG_USEC", "-5", 1);
    CHECK_INT(keel_notify_watchdog(), 0);
}

TEST("sockets of the service manager are found by their names")
{
    char own[32];
    int ends[2];
    snprintf(own, sizeof own, "%d", (int)getpid());
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    CHECK_INT(dup2(ends[0], 3), 3);
    CHECK_INT(dup2(ends[1], 4), 4);
    CHECK_INT(keel_listen_fd(NULL), -1);
    setenv("LISTEN_FDS", "2", 1);
    CHECK_INT(keel_listen_fd(NULL), -1); // it is not said for whom
    setenv("LISTEN_PID", own, 1);
    setenv("LISTEN_FDNAMES", "web:admin", 1);
    CHECK_INT(keel_listen_fd(NULL), 3);
    CHECK_INT(keel_listen_fd("web"), 3);
    CHECK_INT(keel_listen_fd("admin"), 4);
    CHECK((fcntl(4, F_GETFD) & FD_CLOEXEC) != 0 && (fcntl(4, F_GETFL) & O_NONBLOCK) != 0);
    CHECK_INT(keel_listen_fd("adm"), -1);
    CHECK_INT(keel_listen_fd("other"), -1);
    setenv("LISTEN_FDS", "1", 1);
    CHECK_INT(keel_listen_fd("admin"), -1);
    setenv("LISTEN_PID", "1", 1);
    CHECK_INT(keel_listen_fd("web"), -1);
}
