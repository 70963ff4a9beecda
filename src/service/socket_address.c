// Addresses as text and as the system has them, and names.

#include "socket.h"
#include <arpa/inet.h>
#include <keel/blocking.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { ADDRESSES_MAX = 16, HOST_BYTES = 256 };

bool kl_address_numeric(struct kl_address *address, const char *text, uint16_t port)
{
    *address = (struct kl_address){0};
    text = text != NULL ? text : "127.0.0.1";
    struct sockaddr_in *four = (struct sockaddr_in *)&address->as.storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address->as.storage;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        address->length = sizeof *four;
        return true;
    }
    if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        address->length = sizeof *six;
        return true;
    }
    return false;
}

bool kl_address_path(struct kl_address *address, const char *path)
{
    *address = (struct kl_address){0};
    size_t size = path != NULL ? strlen(path) : 0;
    if (size == 0 || size >= sizeof address->as.local.sun_path) {
        return false;
    }
    address->as.local.sun_family = AF_UNIX;
    memcpy(address->as.local.sun_path, path, size);
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + 1);
    if (path[0] == '@') {
        address->as.local.sun_path[0] = '\0';
        address->length--;
    }
    return true;
}

static keel_term path_term(const struct kl_address *address)
{
    size_t before = offsetof(struct sockaddr_un, sun_path);
    size_t size = address->length > before ? address->length - before : 0;
    const char *path = address->as.local.sun_path;
    if (size > 0 && path[0] == '\0') {
        return keel_format("@%.*s", (int)size - 1, path + 1);
    }
    return keel_binary(path, strnlen(path, size));
}

keel_term kl_address_term(const struct kl_address *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    const struct sockaddr_in *four = (const struct sockaddr_in *)&address->as.storage;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address->as.storage;
    switch (address->as.any.sa_family) {
    case AF_UNIX:
        return path_term(address);
    case AF_INET:
        inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
        return keel_make("{Text, Port}", text, ntohs(four->sin_port));
    case AF_INET6:
        inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
        return keel_make("{Text, Port}", text, ntohs(six->sin6_port));
    default:
        return KEEL_NONE;
    }
}

// --- names ---

// Shared by the process that asks and the thread that looks up: either may be gone first.
struct lookup {
    char host[HOST_BYTES];
    int error;
    size_t count;
    char found[ADDRESSES_MAX][INET6_ADDRSTRLEN];
    uint32_t holders;
};

static void look_up(void *context)
{
    struct lookup *lookup = context;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    lookup->error = getaddrinfo(lookup->host, NULL, &hints, &list);
    for (struct addrinfo *at = lookup->error == 0 ? list : NULL;
            at != NULL && lookup->count < ADDRESSES_MAX; at = at->ai_next) {
        if (getnameinfo(at->ai_addr, at->ai_addrlen, lookup->found[lookup->count],
                    INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST) == 0) {
            lookup->count++;
        }
    }
    if (list != NULL) {
        freeaddrinfo(list);
    }
}

static void release(void *context)
{
    struct lookup *lookup = context;
    if (kl_add_acq_rel(&lookup->holders, (uint32_t)-1) == 1) { // pairs with itself
        kl_free(lookup, sizeof *lookup);
    }
}

static keel_term found_terms(const struct lookup *lookup)
{
    keel_term list = keel_nil();
    for (size_t i = lookup->count; i > 0; i--) {
        list = keel_cons(keel_string(lookup->found[i - 1]), list);
    }
    return list;
}

keel_status keel_resolve(const char *host, keel_deadline deadline, keel_term *ret_addresses)
{
    struct kl_address numeric;
    if (host == NULL || strlen(host) >= HOST_BYTES) {
        return KEEL_E_BADARG;
    }
    if (kl_address_numeric(&numeric, host, 0)) {
        *ret_addresses = keel_list_of(keel_string(host));
        return KEEL_OK;
    }
    struct lookup *lookup = kl_alloc_zero(sizeof *lookup);
    if (lookup == NULL) {
        return KEEL_E_NOMEM;
    }
    lookup->holders = 2;
    memcpy(lookup->host, host, strlen(host) + 1);
    keel_defer(release, lookup); // also when the caller is killed meanwhile
    keel_status status = keel_blocking(look_up, lookup, release, deadline);
    if (status == KEEL_OK) {
        status = lookup->count > 0 ? KEEL_OK : KEEL_E_NOPROC;
        if (status == KEEL_OK) {
            *ret_addresses = found_terms(lookup);
        }
    }
    keel_undefer(release, lookup);
    release(lookup);
    return status;
}
