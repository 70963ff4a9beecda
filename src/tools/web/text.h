#ifndef KL_WEB_TEXT_H
#define KL_WEB_TEXT_H

#include <keel/term.h>
#include <stdarg.h>
#include <stddef.h>

// A text that grows. Memory of the process that made it (keel_alloc), so a page that
// crashes while it writes leaves nothing behind.
struct kl_text {
    char *data; // NUL-terminated once anything was added
    size_t size, capacity;
};

void kl_text_done(struct kl_text *text);
void kl_text_add(struct kl_text *text, const void *data, size_t size);
void kl_text_addz(struct kl_text *text, const char *string);
__attribute__((format(printf, 2, 3))) void kl_text_print(
        struct kl_text *text, const char *format, ...);

// The length of the UTF-8 character at `data`, 0 when there is none: browsers close a
// WebSocket that carries anything else.
size_t kl_utf8_length(const uint8_t *data, size_t left);

// FNV-1a, continued from `hash`; begin with KL_HASH_BEGIN.
#define KL_HASH_BEGIN UINT64_C(14695981039346656037)
uint64_t kl_text_hash(uint64_t hash, const void *data, size_t size);

#endif // KL_WEB_TEXT_H
