// A reader of JSON that knows nothing of the writer: the grammar of RFC 8259, no more.

#include "ctl_testing.h"

#include <string.h>

struct reader {
    const char *at, *end;
};

static bool read_value(struct reader *reader, int depth);

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) != NULL &&
            *reader->at != '\0') {
        reader->at++;
    }
}

static bool take(struct reader *reader, const char *text)
{
    size_t length = strlen(text);
    bool there = (size_t)(reader->end - reader->at) >= length &&
                 memcmp(reader->at, text, length) == 0;
    reader->at += there ? length : 0;
    return there;
}

static bool read_escape(struct reader *reader)
{
    if (take(reader, "u")) {
        for (int i = 0; i < 4; i++) {
            if (reader->at == reader->end ||
                    strchr("0123456789abcdefABCDEF", *reader->at) == NULL ||
                    *reader->at++ == '\0') {
                return false;
            }
        }
        return true;
    }
    return reader->at < reader->end && *reader->at != '\0' &&
           strchr("\"\\/bfnrt", *reader->at++) != NULL;
}

static bool read_string(struct reader *reader)
{
    if (!take(reader, "\"")) {
        return false;
    }
    while (reader->at < reader->end) {
        unsigned char byte = (unsigned char)*reader->at++;
        if (byte == '"') {
            return true;
        }
        if (byte < 0x20 || (byte == '\\' && !read_escape(reader))) {
            return false;
        }
    }
    return false;
}

static size_t read_digits(struct reader *reader)
{
    size_t count = 0;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
        reader->at++;
        count++;
    }
    return count;
}

static bool read_number(struct reader *reader)
{
    take(reader, "-");
    bool zero = take(reader, "0");
    if (!zero && read_digits(reader) == 0) {
        return false;
    }
    if (take(reader, ".") && read_digits(reader) == 0) {
        return false;
    }
    if (take(reader, "e") || take(reader, "E")) {
        (void)(take(reader, "+") || take(reader, "-"));
        return read_digits(reader) > 0;
    }
    return true;
}

// The inside of an array or an object, with its end.
static bool read_items(struct reader *reader, const char *end, bool keys, int depth)
{
    skip_blanks(reader);
    if (take(reader, end)) {
        return true;
    }
    for (;;) {
        skip_blanks(reader);
        if (keys) {
            bool key = read_string(reader);
            skip_blanks(reader);
            if (!key || !take(reader, ":")) {
                return false;
            }
        }
        if (!read_value(reader, depth + 1)) {
            return false;
        }
        skip_blanks(reader);
        if (take(reader, end)) {
            return true;
        }
        if (!take(reader, ",")) {
            return false;
        }
    }
}

static bool read_value(struct reader *reader, int depth)
{
    skip_blanks(reader);
    if (depth > 1000 || reader->at == reader->end) {
        return false;
    }
    if (take(reader, "[")) {
        return read_items(reader, "]", false, depth);
    }
    if (take(reader, "{")) {
        return read_items(reader, "}", true, depth);
    }
    if (*reader->at == '"') {
        return read_string(reader);
    }
    return take(reader, "true") || take(reader, "false") || take(reader, "null") ||
           read_number(reader);
}

bool is_json(const char *text, size_t size)
{
    struct reader reader = {text, text + size};
    bool valid = read_value(&reader, 0);
    skip_blanks(&reader);
    return valid && reader.at == reader.end;
}
