// Cookies: what nodes must know of each other to connect. One of our own, from a file as
// Erlang's, and others for single peers.

#include "node.h"
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void kl_cookie_for(struct kl_peer *peer, char cookie[KL_COOKIE_MAX + 1])
{
    cookie[0] = 0;
    if (peer != NULL) {
        kl_lock_take(&peer->lock);
        if (peer->cookie != NULL) {
            memcpy(cookie, peer->cookie, strlen(peer->cookie) + 1);
        }
        kl_lock_give(&peer->lock);
    }
    if (cookie[0] == 0) {
        kl_lock_take(&kl_cluster.lock);
        memcpy(cookie, kl_cluster.cookie, sizeof kl_cluster.cookie);
        kl_lock_give(&kl_cluster.lock);
    }
}

keel_status kl_cookie_set(struct kl_peer *peer, const char *cookie)
{
    size_t size = cookie == NULL ? 0 : strlen(cookie);
    if (size > KL_COOKIE_MAX || (cookie != NULL && size == 0)) {
        return KEEL_E_BADARG;
    }
    if (peer == NULL) {
        if (cookie == NULL) {
            return KEEL_E_BADARG;
        }
        kl_lock_take(&kl_cluster.lock);
        memcpy(kl_cluster.cookie, cookie, size + 1);
        kl_lock_give(&kl_cluster.lock);
        return KEEL_OK;
    }
    char *copy = NULL;
    if (cookie != NULL) {
        copy = kl_alloc(KL_COOKIE_MAX + 1);
        if (copy == NULL) {
            return KEEL_E_NOMEM;
        }
        memcpy(copy, cookie, size + 1);
    }
    kl_lock_take(&peer->lock);
    char *old = peer->cookie;
    peer->cookie = copy;
    kl_lock_give(&peer->lock);
    if (old != NULL) {
        explicit_bzero(old, KL_COOKIE_MAX + 1);
        kl_free(old, KL_COOKIE_MAX + 1);
    }
    return KEEL_OK;
}

// --- the file ---

static bool default_path(char *path, size_t room)
{
    const char *home = getenv("HOME");
    if (home == NULL || home[0] == 0) {
        struct passwd entry, *found = NULL;
        char buffer[1024];
        if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) != 0 ||
                found == NULL) {
            return false;
        }
        return snprintf(path, room, "%s/.erlang.cookie", found->pw_dir) < (int)room;
    }
    return snprintf(path, room, "%s/.erlang.cookie", home) < (int)room;
}

// A new cookie of twenty letters, as Erlang makes it.
static int create(const char *path)
{
    char letters[20];
    uint64_t random = 0;
    for (size_t i = 0; i < sizeof letters; i++) {
        if (i % 8 == 0) {
            random = kl_clock_entropy();
        }
        letters[i] = (char)('A' + random % 26);
        random /= 26;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    if (fd < 0) {
        return errno;
    }
    ssize_t written = write(fd, letters, sizeof letters);
    int error = written == (ssize_t)sizeof letters ? 0 : written < 0 ? errno : EIO;
    close(fd);
    explicit_bzero(letters, sizeof letters);
    return error;
}

static keel_status refuse(const char *path, const char *why)
{
    kl_log(KL_LOG_ERROR, "the cookie file %s %s", path, why);
    return KEEL_E_REFUSED;
}

static keel_status read_open(int fd, const char *path, char cookie[KL_COOKIE_MAX + 1])
{
    struct stat status;
    char text[KL_COOKIE_MAX + 2];
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return refuse(path, "is no file");
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return refuse(path, "must be accessible by its owner only");
    }
    ssize_t size = read(fd, text, sizeof text);
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r')) {
        size--;
    }
    if (size <= 0 || size > KL_COOKIE_MAX || memchr(text, 0, (size_t)size) != NULL) {
        return refuse(path, "does not hold a cookie of 1 to 255 bytes");
    }
    memcpy(cookie, text, (size_t)size);
    cookie[size] = 0;
    explicit_bzero(text, sizeof text);
    return KEEL_OK;
}

keel_status kl_cookie_read(const char *path, char cookie[KL_COOKIE_MAX + 1])
{
    char own[512];
    if (path == NULL) {
        if (!default_path(own, sizeof own)) {
            return refuse(".erlang.cookie", "has no home directory to be in");
        }
        path = own;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        int error = create(path);
        fd = error == 0 || error == EEXIST ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    }
    if (fd < 0) {
        return refuse(path, strerror(errno));
    }
    keel_status status = read_open(fd, path, cookie);
    close(fd);
    return status;
}
