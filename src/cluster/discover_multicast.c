#include "base/base.h"
#include "discover.h"
#include "discover_beat.h"
#include <arpa/inet.h>
#include <errno.h>
#include <keel/io.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Nodes that tell of themselves by multicast. Each interval we say our own name, and pass
// on what we have heard since: each name once, and not more than a few hundred, so that
// whoever floods the network does not flood the server.

enum { HEARD_MAX = 256, BURST = 64, DEFAULT_PORT = 45892 };
static const char default_group[] = "230.1.1.251";

struct seeker {
    int fd;
    struct sockaddr_in group;
    size_t heard;
    struct {
        uint16_t size;
        char text[KL_NODE_NAME_MAX];
    } names[HEARD_MAX];
};

static void close_socket(void *context)
{
    close(((struct seeker *)context)->fd);
}

static bool set(int fd, int option, const void *value, size_t size)
{
    return setsockopt(fd, IPPROTO_IP, option, value, (socklen_t)size) == 0;
}

// A socket that hears the group on one interface and speaks to it there.
static bool join(struct seeker *seeker, const keel_discover_opts *opts)
{
    int fd = seeker->fd, on = 1, ttl = opts->multicast_ttl ? opts->multicast_ttl : 1;
    struct ip_mreqn request = {.imr_multiaddr = seeker->group.sin_addr};
    inet_pton(AF_INET, opts->multicast, &request.imr_address);
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           bind(fd, (struct sockaddr *)&seeker->group, sizeof seeker->group) == 0 &&
           set(fd, IP_ADD_MEMBERSHIP, &request, sizeof request) &&
           set(fd, IP_MULTICAST_IF, &request, sizeof request) &&
           set(fd, IP_MULTICAST_TTL, &ttl, sizeof ttl) &&
           set(fd, IP_MULTICAST_LOOP, &on, sizeof on);
}

static struct seeker *open_seeker(const keel_discover_opts *opts)
{
    struct seeker *seeker = keel_alloc(sizeof *seeker);
    uint16_t port = opts->multicast_port ? opts->multicast_port : DEFAULT_PORT;
    seeker->group = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, opts->multicast_group ? opts->multicast_group : default_group,
            &seeker->group.sin_addr);
    seeker->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (seeker->fd < 0 || keel_defer(close_socket, seeker) != KEEL_OK ||
            !join(seeker, opts)) {
        kl_log(KL_LOG_WARNING, "discovery cannot use multicast on %s: %s", opts->multicast,
                strerror(errno));
        keel_exit(keel_make("{multicast, Error}", keel_string(strerror(errno))));
    }
    return seeker;
}

static void say(const struct seeker *seeker)
{
    uint8_t beat[KL_BEAT_MAX];
    size_t size = kl_beat_write(beat, keel_atom_name(keel_node_self()));
    // Nobody is sure to hear it, so a failure is one beat lost like any other.
    ssize_t sent = sendto(seeker->fd, beat, size, MSG_NOSIGNAL,
            (const struct sockaddr *)&seeker->group, sizeof seeker->group);
    (void)sent;
}

static void note(struct seeker *seeker, const char *name, size_t size)
{
    struct kl_node_name parts;
    if (!kl_node_name_parse(name, size, &parts) || seeker->heard == HEARD_MAX) {
        return;
    }
    for (size_t i = 0; i < seeker->heard; i++) {
        if (seeker->names[i].size == size &&
                memcmp(seeker->names[i].text, name, size) == 0) {
            return;
        }
    }
    seeker->names[seeker->heard].size = (uint16_t)size;
    memcpy(seeker->names[seeker->heard++].text, name, size);
}

static void hear(struct seeker *seeker)
{
    uint8_t data[KL_BEAT_MAX + 1];
    const char *name;
    size_t name_size;
    ssize_t size;
    for (int i = 0; i < BURST; i++) {
        size = recv(seeker->fd, data, sizeof data, 0);
        if (size < 0) {
            return;
        }
        if (kl_beat_read(data, (size_t)size, &name, &name_size)) {
            note(seeker, name, name_size);
        }
    }
    keel_yield();
}

static void tell(struct seeker *seeker, keel_pid server, size_t from)
{
    keel_scope scope = keel_scope_open();
    keel_term names = keel_nil();
    for (size_t i = seeker->heard; i-- > from;) {
        names = keel_cons(keel_binary(seeker->names[i].text, seeker->names[i].size), names);
    }
    kl_discover_tell(server, KL_FOUND_STRANGER, names);
    keel_scope_close(&scope);
}

void kl_discover_multicast_body(keel_term argument)
{
    keel_pid server;
    const keel_discover_opts *opts = kl_discover_argument(argument, &server);
    struct seeker *seeker = open_seeker(opts);
    for (;;) {
        seeker->heard = 0;
        say(seeker);
        keel_deadline end = KEEL_IN(kl_discover_interval(opts));
        while (!keel_deadline_passed(end) &&
                keel_wait_fd(seeker->fd, KEEL_READABLE, end, NULL) == KEEL_OK) {
            size_t before = seeker->heard;
            hear(seeker);
            if (seeker->heard > before) {
                tell(seeker, server, before);
            }
        }
    }
}
