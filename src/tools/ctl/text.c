#include "text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

// --- where it goes ---

static bool speaks_utf8(void)
{
    setlocale(LC_CTYPE, "");
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (!utf8) {
        // Widths are asked for all the same, and only this locale has them.
        setlocale(LC_CTYPE, "C.UTF-8");
    }
    return utf8;
}

void kl_ctl_out_init(struct kl_ctl_out *out)
{
    struct winsize size = {.ws_col = 0};
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool is_terminal = isatty(STDOUT_FILENO) != 0;
    *out = (struct kl_ctl_out){.file = stdout, .utf8 = speaks_utf8()};
    if (is_terminal) {
        out->colour = (no_colour == NULL || no_colour[0] == '\0') && terminal != NULL &&
                      strcmp(terminal, "dumb") != 0;
        bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
        out->width = known ? size.ws_col : 80;
    }
}

void kl_ctl_put(const struct kl_ctl_out *out, enum kl_ctl_style style, const char *text)
{
    static const char *const codes[] = {
            [KL_CTL_PLAIN] = "",
            [KL_CTL_BOLD] = "\033[1m",
            [KL_CTL_DIM] = "\033[2m",
            [KL_CTL_WARN] = "\033[33m",
            [KL_CTL_BAD] = "\033[31m",
    };
    bool styled = out->colour && style != KL_CTL_PLAIN && text[0] != '\0';
    fprintf(out->file, "%s%s%s", styled ? codes[style] : "", text, styled ? "\033[0m" : "");
}

// --- what it may carry ---

// The character that `data` begins with, and how many bytes it takes; 0 when it is none.
static size_t decode(const unsigned char *data, size_t length, uint32_t *ret_code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = data[0] < 0x80             ? 1
                  : (data[0] & 0xe0) == 0xc0 ? 2
                  : (data[0] & 0xf0) == 0xe0 ? 3
                  : (data[0] & 0xf8) == 0xf0 ? 4
                                             : 0;
    if (size == 0 || size > length) {
        return 0;
    }
    uint32_t code = size == 1 ? data[0] : data[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((data[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (data[i] & 0x3f);
    }
    *ret_code = code;
    bool valid = code >= least[size] && code <= 0x10ffff &&
                 (code < 0xd800 || code > 0xdfff);
    return valid ? size : 0;
}

// Marks that turn the direction of what follows: a name could hide in them.
static bool turns(uint32_t code)
{
    return code == 0x061c || code == 0x200e || code == 0x200f ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static bool is_shown(uint32_t code, bool utf8)
{
    if (code < 0x80) {
        return code >= 0x20 && code != 0x7f;
    }
    // What the C library gives no width is a control character or not known to it.
    return utf8 && !turns(code) && wcwidth((wchar_t)code) >= 0;
}

size_t kl_ctl_clean(char *buffer, size_t size, const void *data, size_t length, bool utf8)
{
    const unsigned char *bytes = data;
    size_t used = 0;
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t taken = decode(bytes + at, length - at, &code);
        char escaped[5];
        const char *text = (const char *)bytes + at;
        size_t count = taken;
        if (taken == 0 || !is_shown(code, utf8)) {
            snprintf(escaped, sizeof escaped, "\\x%02X", bytes[at]);
            text = escaped;
            count = 4;
            taken = 1;
        }
        if (used + count + 1 > size) {
            break;
        }
        memcpy(buffer + used, text, count);
        used += count;
        at += taken;
    }
    if (size > 0) {
        buffer[used] = '\0';
    }
    return used;
}

static size_t columns_of(uint32_t code)
{
    int width = code < 0x80 ? 1 : wcwidth((wchar_t)code);
    return width > 0 ? (size_t)width : 0;
}

size_t kl_ctl_columns(const char *text)
{
    size_t columns = 0, length = strlen(text);
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t taken = decode((const unsigned char *)text + at, length - at, &code);
        columns += columns_of(code);
        at += taken > 0 ? taken : 1;
    }
    return columns;
}

void kl_ctl_cut(char *text, size_t size, size_t columns, bool utf8)
{
    if (kl_ctl_columns(text) <= columns) {
        return;
    }
    size_t length = strlen(text), at = 0, used = 0;
    while (at < length) {
        uint32_t code = 0;
        size_t taken = decode((const unsigned char *)text + at, length - at, &code);
        used += columns_of(code);
        if (used > columns - 1) {
            break;
        }
        at += taken > 0 ? taken : 1;
    }
    // What goes may have been one byte: the mark must fit.
    const char *mark = utf8 && at + sizeof "…" <= size ? "…" : ">";
    strcpy(text + at, mark);
}

// --- figures ---

static void put_scaled(char *buffer, size_t size, double value, const char *unit)
{
    snprintf(buffer, size, value < 99.95 ? "%.1f %s" : "%.0f %s", value, unit);
}

void kl_ctl_bytes(char *buffer, size_t size, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes < 1024) {
        snprintf(buffer, size, "%d B", (int)bytes);
        return;
    }
    while (value >= 1023.5) {
        value /= 1024;
        unit++;
    }
    put_scaled(buffer, size, value, units[unit]);
}

void kl_ctl_count(char *buffer, size_t size, uint64_t count)
{
    static const char *const units[] = {"k", "M", "G", "T", "P", "E"};
    double value = (double)count / 1000;
    size_t unit = 0;
    if (count < 100000) {
        snprintf(buffer, size, "%d", (int)count);
        return;
    }
    while (value >= 999.5) {
        value /= 1000;
        unit++;
    }
    put_scaled(buffer, size, value, units[unit]);
}

void kl_ctl_time(char *buffer, size_t size, uint64_t nanoseconds)
{
    static const struct {
        uint64_t nanoseconds;
        const char *large, *small;
        uint64_t part; // of the small one
    } spans[] = {
            {86400000000000, "d", "h", 3600000000000},
            {3600000000000, "h", "min", 60000000000},
            {60000000000, "min", "s", 1000000000},
    };
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        if (nanoseconds >= spans[i].nanoseconds) {
            snprintf(buffer, size, "%llu %s %llu %s",
                    (unsigned long long)(nanoseconds / spans[i].nanoseconds),
                    spans[i].large,
                    (unsigned long long)(nanoseconds % spans[i].nanoseconds /
                                         spans[i].part),
                    spans[i].small);
            return;
        }
    }
    if (nanoseconds >= 1000000000) {
        snprintf(buffer, size, "%.1f s", (double)(nanoseconds / 100000000) / 10);
    } else if (nanoseconds >= 100000 || nanoseconds == 0) {
        snprintf(buffer, size,
                nanoseconds >= 9950000 || nanoseconds == 0 ? "%.0f ms" : "%.1f ms",
                (double)nanoseconds / 1000000);
    } else {
        snprintf(buffer, size, "<0.1 ms");
    }
}

bool kl_ctl_parse_time(const char *text, int64_t *ret_milliseconds)
{
    static const struct {
        const char *unit;
        double milliseconds;
    } units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"min", 60000},
            {"h", 3600000}};
    char *end;
    // Digits and a point: no signs, no exponents, no "inf".
    size_t digits = strspn(text, "0123456789.");
    double value = strtod(text, &end);
    if (digits == 0 || digits > 12 || end != text + digits) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].unit) == 0) {
            double milliseconds = value * units[i].milliseconds;
            if (milliseconds < 1 || milliseconds > 86400000) {
                return false;
            }
            *ret_milliseconds = (int64_t)milliseconds;
            return true;
        }
    }
    return false;
}
