#include "discover_beat.h"
#include "wire.h"

enum {
    VERSION = 131,
    MAP = 116,
    ATOM = 100,
    SMALL_ATOM = 115,
    UTF8 = 118,
    SMALL_UTF8 = 119
};

static const char greeting[] = "heartbeat::";
static const char key[] = "node";

static uint8_t *put_atom(uint8_t *at, const char *text)
{
    size_t size = strlen(text);
    at = kl_wire_put_8(at, SMALL_UTF8);
    at = kl_wire_put_8(at, (uint8_t)size);
    return kl_wire_put_bytes(at, text, size);
}

size_t kl_beat_write(uint8_t at[KL_BEAT_MAX], const char *name)
{
    uint8_t *end = kl_wire_put_bytes(at, greeting, strlen(greeting));
    end = kl_wire_put_8(end, VERSION);
    end = kl_wire_put_8(end, MAP);
    end = kl_wire_put_32(end, 1);
    end = put_atom(end, key);
    end = put_atom(end, name);
    return (size_t)(end - at);
}

// An atom in any of the forms there are.
static bool take_atom(
        const uint8_t **at, const uint8_t *end, const char **ret_text, size_t *ret_size)
{
    size_t left = (size_t)(end - *at);
    const uint8_t *data = *at;
    size_t head, size;
    if (left >= 2 && (*data == SMALL_ATOM || *data == SMALL_UTF8)) {
        head = 2;
        size = data[1];
    } else if (left >= 3 && (*data == ATOM || *data == UTF8)) {
        head = 3;
        size = kl_wire_get_16(data + 1);
    } else {
        return false;
    }
    if (left - head < size) {
        return false;
    }
    *ret_text = (const char *)data + head;
    *ret_size = size;
    *at += head + size;
    return true;
}

bool kl_beat_read(
        const uint8_t *data, size_t size, const char **ret_name, size_t *ret_name_size)
{
    const uint8_t map[] = {VERSION, MAP, 0, 0, 0, 1};
    const uint8_t *end = data + size;
    size_t before = strlen(greeting);
    if (size < before + sizeof map || memcmp(data, greeting, before) != 0 ||
            memcmp(data + before, map, sizeof map) != 0) {
        return false;
    }
    const uint8_t *at = data + before + sizeof map;
    const char *text;
    size_t length;
    if (!take_atom(&at, end, &text, &length) || length != strlen(key) ||
            memcmp(text, key, length) != 0 || !take_atom(&at, end, &text, &length) ||
            at != end) {
        return false;
    }
    *ret_name = text;
    *ret_name_size = length;
    return true;
}
