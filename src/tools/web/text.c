#include "text.h"

#include <keel/process.h>
#include <stdio.h>
#include <string.h>

void kl_text_done(struct kl_text *text)
{
    keel_free(text->data);
    *text = (struct kl_text){0};
}

// Room for `more` bytes and the NUL.
static void reserve(struct kl_text *text, size_t more)
{
    size_t needed = text->size + more + 1;
    if (needed <= text->capacity) {
        return;
    }
    size_t capacity = text->capacity > 0 ? text->capacity : 1024;
    while (capacity < needed) {
        capacity *= 2;
    }
    text->data = keel_realloc(text->data, capacity);
    text->capacity = capacity;
}

void kl_text_add(struct kl_text *text, const void *data, size_t size)
{
    reserve(text, size);
    if (size > 0) {
        memcpy(text->data + text->size, data, size);
    }
    text->size += size;
    text->data[text->size] = '\0';
}

void kl_text_addz(struct kl_text *text, const char *string)
{
    kl_text_add(text, string, strlen(string));
}

void kl_text_print(struct kl_text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length > 0) {
        reserve(text, (size_t)length);
        vsnprintf(text->data + text->size, (size_t)length + 1, format, again);
        text->size += (size_t)length;
    }
    va_end(again);
}

size_t kl_utf8_length(const uint8_t *data, size_t left)
{
    static const struct {
        uint8_t mask, lead, length;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800},
            {0xf8, 0xf0, 4, 0x10000}};
    for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
        if ((data[0] & forms[form].mask) != forms[form].lead) {
            continue;
        }
        size_t length = forms[form].length;
        if (length > left) {
            return 0;
        }
        uint32_t code = data[0] & (uint8_t)~forms[form].mask;
        for (size_t index = 1; index < length; index++) {
            if ((data[index] & 0xc0) != 0x80) {
                return 0;
            }
            code = code << 6 | (data[index] & 0x3f);
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        return code < forms[form].least || code > 0x10ffff || surrogate ? 0 : length;
    }
    return 0;
}

uint64_t kl_text_hash(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t index = 0; index < size; index++) {
        hash = (hash ^ bytes[index]) * UINT64_C(1099511628211);
    }
    return hash;
}
