#include "printer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void kl_printer_put(struct kl_printer *printer, const void *text, size_t size)
{
    if (printer->cut) {
        return;
    }
    if (size > printer->limit - printer->length) {
        const uint8_t *bytes = text;
        size = printer->limit - printer->length;
        // Not in the middle of a character.
        while (size > 0 && (bytes[size] & 0xc0) == 0x80) {
            size--;
        }
        printer->cut = true;
    }
    if (printer->length < printer->size) {
        size_t room = printer->size - printer->length;
        memcpy(printer->buffer + printer->length, text, size < room ? size : room);
    }
    printer->length += size;
}

void kl_printer_puts(struct kl_printer *printer, const char *text)
{
    kl_printer_put(printer, text, strlen(text));
}

void kl_printer_put_integer(struct kl_printer *printer, int64_t value)
{
    char text[24];
    char *at = text + sizeof text;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--at = '-';
    }
    kl_printer_put(printer, at, (size_t)(text + sizeof text - at));
}

void kl_printer_putf(struct kl_printer *printer, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (size > 0) {
        kl_printer_put(
                printer, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
    }
}
