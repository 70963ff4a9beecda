#ifndef KL_BASE_BOUNDED_H
#define KL_BASE_BOUNDED_H

#include <stddef.h>

// Text that grows into a buffer and is counted beyond it, for functions that fill a buffer
// and return the whole length as snprintf does. With a size of 0 the buffer may be NULL.
struct kl_bounded {
    char *buffer;
    size_t size, length;
};

void kl_bounded_put(struct kl_bounded *text, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void kl_bounded_put_bytes(struct kl_bounded *text, const char *data, size_t size);
// The room that is left, for functions that work as snprintf does themselves; what they
// return is added to text->length. Never NULL.
char *kl_bounded_room(struct kl_bounded *text, size_t *ret_room);

#endif // KL_BASE_BOUNDED_H
