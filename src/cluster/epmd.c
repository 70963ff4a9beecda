#include "epmd.h"
#include "wire.h"

enum {
    REGISTER = 120, // ALIVE2_REQ
    REGISTERED = 121, // ALIVE2_RESP: creation of 16 bits
    REGISTERED_BIG = 118, // ALIVE2_X_RESP: creation of 32 bits
    LOOK_UP = 122, // PORT_PLEASE2_REQ
    LOOKED_UP = 119, // PORT2_RESP
    NAMES = 110, // NAMES_REQ
};
enum { NORMAL_NODE = 77, HIDDEN_NODE = 72, TCP_IPV4 = 0 };

// --- requests ---

size_t kl_epmd_register(
        uint8_t *at, const char *alive, size_t size, uint16_t port, bool visible)
{
    if (size == 0 || size > KL_NODE_NAME_MAX) {
        return 0;
    }
    uint8_t *end = kl_wire_put_16(at, (uint16_t)(13 + size));
    end = kl_wire_put_8(end, REGISTER);
    end = kl_wire_put_16(end, port);
    end = kl_wire_put_8(end, visible ? NORMAL_NODE : HIDDEN_NODE);
    end = kl_wire_put_8(end, TCP_IPV4);
    end = kl_wire_put_16(end, KL_EPMD_VERSION); // the highest we speak
    end = kl_wire_put_16(end, KL_EPMD_VERSION); // and the lowest
    end = kl_wire_put_16(end, (uint16_t)size);
    end = kl_wire_put_bytes(end, alive, size);
    end = kl_wire_put_16(end, 0); // nothing extra
    return (size_t)(end - at);
}

size_t kl_epmd_look_up(uint8_t *at, const char *alive, size_t size)
{
    if (size == 0 || size > KL_NODE_NAME_MAX) {
        return 0;
    }
    uint8_t *end = kl_wire_put_16(at, (uint16_t)(1 + size));
    end = kl_wire_put_8(end, LOOK_UP);
    end = kl_wire_put_bytes(end, alive, size);
    return (size_t)(end - at);
}

size_t kl_epmd_names(uint8_t *at)
{
    uint8_t *end = kl_wire_put_16(at, 1);
    end = kl_wire_put_8(end, NAMES);
    return (size_t)(end - at);
}

// --- answers ---

enum kl_epmd_answer kl_epmd_registered(
        const uint8_t *data, size_t size, uint32_t *ret_creation, size_t *ret_used)
{
    if (size >= 1 && data[0] != REGISTERED && data[0] != REGISTERED_BIG) {
        return KL_EPMD_MALFORMED;
    }
    if (size < 2) {
        return KL_EPMD_MORE;
    }

    // The creation comes with a refusal too; who has been refused hangs up.
    if (data[1] != 0) {
        *ret_used = 2;
        return KL_EPMD_REFUSED;
    }
    size_t whole = data[0] == REGISTERED_BIG ? 6 : 4;
    if (size < whole) {
        return KL_EPMD_MORE;
    }
    *ret_used = whole;
    *ret_creation = data[0] == REGISTERED_BIG ? kl_wire_get_32(data + 2)
                                              : kl_wire_get_16(data + 2);
    return KL_EPMD_OK;
}

enum kl_epmd_answer kl_epmd_looked_up(
        const uint8_t *data, size_t size, struct kl_epmd_node *ret_node)
{
    if (size >= 1 && data[0] != LOOKED_UP) {
        return KL_EPMD_MALFORMED;
    }
    if (size < 2) {
        return KL_EPMD_MORE;
    }
    if (data[1] != 0) {
        return KL_EPMD_REFUSED;
    }

    // Name and extra follow what we want. Waiting for them costs nothing and tells an
    // answer that was cut.
    if (size < 12) {
        return KL_EPMD_MORE;
    }
    size_t name = kl_wire_get_16(data + 10);
    if (size < 12 + name + 2) {
        return KL_EPMD_MORE;
    }
    size_t extra = kl_wire_get_16(data + 12 + name);
    if (size < 12 + name + 2 + extra) {
        return KL_EPMD_MORE;
    }
    uint16_t port = kl_wire_get_16(data + 2);
    if (port == 0 || data[5] != TCP_IPV4) {
        return KL_EPMD_MALFORMED;
    }
    *ret_node = (struct kl_epmd_node){
            .port = port,
            .visible = data[4] == NORMAL_NODE,
            .highest = kl_wire_get_16(data + 6),
            .lowest = kl_wire_get_16(data + 8),
    };
    return KL_EPMD_OK;
}

// --- names: the port of epmd itself, then lines "name X at port N" ---

static bool take(const uint8_t **at, const uint8_t *end, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(end - *at) < length || memcmp(*at, word, length) != 0) {
        return false;
    }
    *at += length;
    return true;
}

static bool take_port(const uint8_t *at, const uint8_t *end, uint16_t *ret_port)
{
    uint32_t port = 0;
    if (at == end) {
        return false;
    }
    for (; at < end; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        port = port * 10 + (*at - '0');
        if (port > UINT16_MAX) {
            return false;
        }
    }
    *ret_port = (uint16_t)port;
    return true;
}

static bool parse_line(const uint8_t *at, const uint8_t *end, struct kl_epmd_name *ret_name)
{
    if (!take(&at, end, "name ")) {
        return false;
    }
    const uint8_t *alive = at;
    const uint8_t *behind = memchr(alive, ' ', (size_t)(end - alive));
    if (!behind || behind == alive || behind - alive > KL_NODE_NAME_MAX) {
        return false;
    }
    at = behind;
    if (!take(&at, end, " at port ") || !take_port(at, end, &ret_name->port)) {
        return false;
    }
    ret_name->alive = (const char *)alive;
    ret_name->size = (size_t)(behind - alive);
    return true;
}

enum kl_epmd_answer kl_epmd_next_name(const uint8_t *data, size_t size, bool ended,
        size_t *at, struct kl_epmd_name *ret_name)
{
    enum { PORT_BYTES = 4 };
    size_t start = *at < PORT_BYTES ? PORT_BYTES : *at;
    if (size < start) {
        return ended ? KL_EPMD_MALFORMED : KL_EPMD_MORE;
    }
    const uint8_t *end = memchr(data + start, '\n', size - start);
    if (!end) {
        if (!ended) {
            return KL_EPMD_MORE;
        }
        return size == start ? KL_EPMD_REFUSED : KL_EPMD_MALFORMED;
    }
    if (!parse_line(data + start, end, ret_name)) {
        return KL_EPMD_MALFORMED;
    }
    *at = (size_t)(end - data) + 1;
    return KL_EPMD_OK;
}
