// What a service manager wants to hear, and what it hands over: the datagrams and the
// variables that systemd documents.

#include <errno.h>
#include <fcntl.h>
#include <keel/main.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

// The address in NOTIFY_SOCKET: a path, or an abstract name behind an @.
static bool address_of(const char *text, struct sockaddr_un *address, socklen_t *length)
{
    size_t size = strlen(text);
    if (size < 2 || size >= sizeof address->sun_path || (*text != '/' && *text != '@')) {
        return false;
    }
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, text, size);
    if (*text == '@') {
        address->sun_path[0] = '\0';
    }
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    return true;
}

keel_status keel_notify(const char *state)
{
    const char *where = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t length;
    if (state == NULL) {
        return KEEL_E_BADARG;
    }
    if (where == NULL || !address_of(where, &address, &length)) {
        return KEEL_E_UNSUPPORTED;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL,
            (const struct sockaddr *)&address, length);
    keel_status status = sent < 0 ? -errno : KEEL_OK;
    close(fd);
    return status;
}

// True when the variable is not set, or names this very program: a child of it that
// inherited the variables is not meant.
static bool meant(const char *variable)
{
    const char *text = getenv(variable);
    return text == NULL || strtol(text, NULL, 10) == (long)getpid();
}

keel_duration keel_notify_watchdog(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    char *end = NULL;
    long long microseconds = text != NULL ? strtoll(text, &end, 10) : 0;
    bool good = text != NULL && *end == '\0' && microseconds > 0 &&
                microseconds < INT64_MAX / 1000 && meant("WATCHDOG_PID");
    return good ? KEEL_US(microseconds) : 0;
}

// The index of a name in a list that is separated by colons; -1 when it is not there.
static int index_of(const char *list, const char *name)
{
    size_t size = strlen(name);
    for (int index = 0; list != NULL; index++) {
        size_t length = strcspn(list, ":");
        if (length == size && strncmp(list, name, size) == 0) {
            return index;
        }
        list = list[length] == ':' ? list + length + 1 : NULL;
    }
    return -1;
}

int keel_listen_fd(const char *name)
{
    const char *text = getenv("LISTEN_FDS");
    long count = text != NULL ? strtol(text, NULL, 10) : 0;
    int index = name == NULL ? 0 : index_of(getenv("LISTEN_FDNAMES"), name);
    if (getenv("LISTEN_PID") == NULL || !meant("LISTEN_PID") || index < 0 ||
            index >= count) {
        return -1;
    }
    int fd = FIRST_FD + index;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
            fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return -1;
    }
    return fd;
}
