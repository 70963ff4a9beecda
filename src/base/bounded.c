#include "bounded.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char *kl_bounded_room(struct kl_bounded *text, size_t *ret_room)
{
    static char nowhere[1];
    *ret_room = text->length < text->size ? text->size - text->length : 0;
    return *ret_room > 0 ? text->buffer + text->length : nowhere;
}

void kl_bounded_put(struct kl_bounded *text, const char *format, ...)
{
    size_t room;
    char *at = kl_bounded_room(text, &room);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(room > 0 ? at : NULL, room, format, arguments);
    va_end(arguments);
    text->length += length > 0 ? (size_t)length : 0;
}

void kl_bounded_put_bytes(struct kl_bounded *text, const char *data, size_t size)
{
    size_t room;
    char *at = kl_bounded_room(text, &room);
    if (room > 0) {
        size_t copied = size < room - 1 ? size : room - 1;
        memcpy(at, data, copied);
        at[copied] = '\0';
    }
    text->length += size;
}
