#include "fields.h"

#include "text.h"

#include <keel/process.h>
#include <string.h>

#define MOST 256

struct fields {
    keel_term names[MOST], values[MOST];
    size_t count;
};

// Adds "name=value"; without a = the value is empty.
static void add_pair(struct fields *fields, const char *pair, size_t size)
{
    if (fields->count == MOST || size == 0 || memchr(pair, '\0', size) != NULL) {
        return;
    }
    const char *equals = memchr(pair, '=', size);
    size_t name_size = equals != NULL ? (size_t)(equals - pair) : size;
    fields->names[fields->count] = keel_binary(pair, name_size);
    fields->values[fields->count++] = equals != NULL ? keel_binary(equals + 1,
                                                               size - name_size - 1)
                                                     : keel_binary("", 0);
}

static keel_term take_map(struct fields *fields)
{
    keel_term map = keel_map(fields->names, fields->values, fields->count);
    keel_free(fields);
    return map;
}

keel_term kl_fields_of_pairs(const char *pairs, size_t size)
{
    struct fields *fields = keel_alloc(sizeof(*fields));
    while (size > 0) {
        size_t length = strnlen(pairs, size);
        add_pair(fields, pairs, length);
        size_t step = length < size ? length + 1 : size;
        pairs += step;
        size -= step;
    }
    return take_map(fields);
}

static int hex_digit(char letter)
{
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    letter |= 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// Decodes in place; returns the new size. A % without two digits stands for itself.
static size_t decode(char *text, size_t size)
{
    size_t to = 0;
    for (size_t from = 0; from < size; from++, to++) {
        int high = from + 2 < size && text[from] == '%' ? hex_digit(text[from + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[from + 2]) : -1;
        if (low >= 0) {
            text[to] = (char)(high << 4 | low);
            from += 2;
        } else {
            text[to] = text[from] == '+' ? ' ' : text[from];
        }
    }
    return to;
}

keel_term kl_fields_of_form(const char *text, size_t size)
{
    struct fields *fields = keel_alloc(sizeof(*fields));
    char *pair = keel_alloc(size + 1);
    const char *end = text + size;
    while (text < end) {
        const char *amp = memchr(text, '&', (size_t)(end - text));
        size_t length = amp != NULL ? (size_t)(amp - text) : (size_t)(end - text);
        // The = is looked for before decoding: a name or value may hold a decoded one.
        const char *equals = memchr(text, '=', length);
        size_t name_size = equals != NULL ? (size_t)(equals - text) : length;
        memcpy(pair, text, length);
        size_t decoded_name = decode(pair, name_size);
        if (fields->count < MOST && length > 0 &&
                memchr(pair, '\0', decoded_name) == NULL) {
            char *value = pair + name_size + (equals != NULL);
            size_t value_size = decode(value, length - name_size - (equals != NULL));
            if (memchr(value, '\0', value_size) == NULL) {
                fields->names[fields->count] = keel_binary(pair, decoded_name);
                fields->values[fields->count++] = keel_binary(value, value_size);
            }
        }
        text += length + 1;
    }
    keel_free(pair);
    return take_map(fields);
}

static void encode(struct kl_text *text, keel_bytes bytes)
{
    for (size_t index = 0; index < bytes.size; index++) {
        uint8_t byte = bytes.data[index];
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') ||
                     (byte != 0 && strchr("-_.~", byte) != NULL);
        if (plain) {
            kl_text_add(text, &byte, 1);
        } else {
            kl_text_print(text, "%%%02X", byte);
        }
    }
}

keel_term kl_fields_encode(keel_term map)
{
    struct kl_text text = {0};
    keel_term name, value;
    for (size_t index = 0; keel_map_at(map, index, &name, &value); index++) {
        kl_text_addz(&text, index > 0 ? "&" : "");
        encode(&text, keel_to_bytes(name));
        kl_text_addz(&text, "=");
        encode(&text, keel_to_bytes(value));
    }
    keel_term encoded = keel_binary(text.data, text.size);
    kl_text_done(&text);
    return encoded;
}
