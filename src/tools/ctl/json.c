#include "json.h"

#include <stdint.h>
#include <string.h>

// How many bytes the character at `data` takes; 0: it is not UTF-8.
static size_t character_bytes(const unsigned char *data, size_t size)
{
    static const struct {
        unsigned char first, last, low, high; // of the first byte, and of the second
        size_t bytes;
    } forms[] = {
            {0x00, 0x7f, 0, 0, 1},
            {0xc2, 0xdf, 0x80, 0xbf, 2},
            {0xe0, 0xe0, 0xa0, 0xbf, 3},
            {0xe1, 0xec, 0x80, 0xbf, 3},
            {0xed, 0xed, 0x80, 0x9f, 3}, // no surrogates
            {0xee, 0xef, 0x80, 0xbf, 3},
            {0xf0, 0xf0, 0x90, 0xbf, 4},
            {0xf1, 0xf3, 0x80, 0xbf, 4},
            {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (data[0] < forms[i].first || data[0] > forms[i].last) {
            continue;
        }
        bool right = forms[i].bytes <= size;
        for (size_t at = 1; right && at < forms[i].bytes; at++) {
            right = at == 1 ? data[1] >= forms[i].low && data[1] <= forms[i].high
                            : (data[at] & 0xc0) == 0x80;
        }
        return right ? forms[i].bytes : 0;
    }
    return 0;
}

void kl_ctl_json_string(FILE *file, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    fputc('"', file);
    for (size_t at = 0; at < size;) {
        size_t taken = character_bytes(bytes + at, size - at);
        if (taken == 0) {
            fputs("\\ufffd", file);
            taken = 1;
        } else if (bytes[at] == '"' || bytes[at] == '\\') {
            fprintf(file, "\\%c", bytes[at]);
        } else if (bytes[at] < 0x20 || bytes[at] == 0x7f) {
            fprintf(file, "\\u%04x", bytes[at]);
        } else {
            fwrite(bytes + at, 1, taken, file);
        }
        at += taken;
    }
    fputc('"', file);
}

static void put_list(FILE *file, keel_term list)
{
    keel_term item;
    const char *before = "";
    fputc('[', file);
    while (keel_list_next(&list, &item)) {
        fputs(before, file);
        kl_ctl_json_term(file, item);
        before = ", ";
    }
    fputc(']', file);
}

static void put_text(FILE *file, keel_term term)
{
    keel_bytes bytes = keel_to_bytes(term);
    const char *text = keel_is_binary(term) ? (const char *)bytes.data : keel_show(term);
    kl_ctl_json_string(file, text, keel_is_binary(term) ? bytes.size : strlen(text));
}

static void put_map(FILE *file, keel_term map)
{
    keel_term key, value;
    fputc('{', file);
    for (size_t i = 0; keel_map_at(map, i, &key, &value); i++) {
        fputs(i == 0 ? "" : ", ", file);
        put_text(file, key);
        fputs(": ", file);
        kl_ctl_json_term(file, value);
    }
    fputc('}', file);
}

void kl_ctl_json_term(FILE *file, keel_term term)
{
    size_t length;
    if (keel_is_int(term) || keel_is_float(term) || keel_is_bool(term)) {
        fputs(keel_show(term), file);
    } else if (keel_is_map(term)) {
        put_map(file, term);
    } else if (keel_is_list(term) && keel_list_length(term, &length)) {
        put_list(file, term);
    } else {
        put_text(file, term);
    }
}
