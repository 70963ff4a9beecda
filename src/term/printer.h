#ifndef KL_TERM_PRINTER_H
#define KL_TERM_PRINTER_H

#include "value.h"

// Where printed text goes: into a buffer as far as that reaches, counted on beyond it, and
// cut at a limit.
struct kl_printer {
    char *buffer;
    size_t size; // of the buffer
    size_t length; // of the text so far
    size_t limit; // the text may not become longer
    bool cut; // it would have: the end is missing, and nothing more is taken
};

void kl_printer_put(struct kl_printer *printer, const void *text, size_t size);
void kl_printer_puts(struct kl_printer *printer, const char *text);
void kl_printer_put_integer(struct kl_printer *printer, int64_t value);
void kl_printer_putf(struct kl_printer *printer, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

// Prints what holds no other terms: all but cells, tuples and maps.
void kl_print_flat(struct kl_printer *printer, keel_term term);
// Prints a list as a string when all its items are printable characters; false, and
// nothing printed, when they are not.
bool kl_print_string(struct kl_printer *printer, keel_term list);

#endif // KL_TERM_PRINTER_H
