// Where a peer listens: as it was told, or as the epmd of its host says.

#include "epmd.h"
#include "node.h"
#include <string.h>
#include <unistd.h>

static void close_fd(void *context)
{
    close(*(int *)context);
}

static keel_status ask(
        int fd, const struct kl_node_name *name, keel_deadline deadline, uint16_t *ret_port)
{
    uint8_t request[KL_EPMD_REQUEST_MAX], answer[1024];
    struct iovec piece = {request, kl_epmd_look_up(request, name->alive, name->alive_size)};
    keel_status status = kl_socket_write(fd, &piece, 1, deadline);
    size_t size = 0;
    while (status == KEEL_OK) {
        size_t got = 0;
        status = size < sizeof answer ? kl_socket_read(fd, answer + size,
                                                sizeof answer - size, deadline, &got)
                                      : KEEL_E_MALFORMED;
        size += got;
        struct kl_epmd_node node;
        enum kl_epmd_answer parsed = kl_epmd_looked_up(answer, size, &node);
        if (parsed == KL_EPMD_OK) {
            *ret_port = node.port;
            return KEEL_OK;
        }
        if (parsed != KL_EPMD_MORE || got == 0) {
            return KEEL_E_NODEDOWN;
        }
    }
    return status;
}

static keel_status ask_epmd(const char *host, const struct kl_node_name *name,
        keel_deadline deadline, uint16_t *ret_port)
{
    int *fd = keel_alloc(sizeof *fd);
    *fd = kl_socket_connect(host, kl_cluster.epmd_port, deadline);
    if (*fd < 0) {
        int error = *fd;
        keel_free(fd);
        return error;
    }
    keel_status status = keel_defer(close_fd, fd);
    if (status == KEEL_OK) {
        status = ask(*fd, name, deadline, ret_port);
        keel_undefer(close_fd, fd);
    }
    close(*fd);
    keel_free(fd);
    return status;
}

// Copies what was told about the peer; false when nothing was.
static bool told(struct kl_peer *peer, char *host, size_t room, uint16_t *ret_port)
{
    kl_lock_take(&peer->lock);
    bool known = peer->host != NULL && strlen(peer->host) < room;
    if (known) {
        memcpy(host, peer->host, strlen(peer->host) + 1);
        *ret_port = peer->port;
    }
    kl_lock_give(&peer->lock);
    return known;
}

keel_status kl_locate(struct kl_peer *peer, keel_deadline deadline, char *host,
        size_t host_room, uint16_t *ret_port)
{
    const char *text = keel_atom_name(peer->name);
    struct kl_node_name name;
    if (told(peer, host, host_room, ret_port)) {
        return KEEL_OK;
    }
    if (kl_cluster.no_epmd || !kl_node_name_parse(text, strlen(text), &name) ||
            name.host_size >= host_room) {
        return KEEL_E_NODEDOWN;
    }
    memcpy(host, name.host, name.host_size);
    host[name.host_size] = 0;
    return ask_epmd(host, &name, deadline, ret_port);
}
