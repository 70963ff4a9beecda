#ifndef KL_TOOLS_CTL_TEXT_H
#define KL_TOOLS_CTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// What a terminal is given: where it goes, what it may carry, how wide it is, and figures
// in units that a person reads.

struct kl_ctl_out {
    FILE *file;
    bool colour;
    bool utf8; // else only ASCII is written
    size_t width; // columns of the terminal; 0: it is none, and nothing is cut
};

enum kl_ctl_style {
    KL_CTL_PLAIN,
    KL_CTL_BOLD,
    KL_CTL_DIM,
    KL_CTL_WARN,
    KL_CTL_BAD,
};

// Standard output as it is: colours on a terminal without NO_COLOR, UTF-8 as the locale
// says.
void kl_ctl_out_init(struct kl_ctl_out *out);
// Writes `text`, which must be clean.
void kl_ctl_put(const struct kl_ctl_out *out, enum kl_ctl_style style, const char *text);

// Copies what a program has said into `buffer` as what a terminal may be given: control
// characters, those that turn the direction of text, what is not UTF-8 and, without `utf8`,
// what is not ASCII become \xNN. NUL-terminated, cut at a whole character. Returns the
// length.
size_t kl_ctl_clean(char *buffer, size_t size, const void *data, size_t length, bool utf8);
// The columns that a clean text takes: wide characters two, those that join others none.
size_t kl_ctl_columns(const char *text);
// Shortens a clean text in a buffer of `size` to so many columns (at least 1), the last one
// telling that more followed.
void kl_ctl_cut(char *text, size_t size, size_t columns, bool utf8);

// 517 B, 12.3 KiB, 4.0 GiB
void kl_ctl_bytes(char *buffer, size_t size, uint64_t bytes);
// 4.2 ms, 12 s, 3 min 5 s, 2 d 4 h
void kl_ctl_time(char *buffer, size_t size, uint64_t nanoseconds);
// 99999, 123 k, 4.5 M
void kl_ctl_count(char *buffer, size_t size, uint64_t count);

// "250ms", "10s", "5", "2m", "1h" as milliseconds, from 1 ms to a day. False: it is no
// time.
bool kl_ctl_parse_time(const char *text, int64_t *ret_milliseconds);

#endif // KL_TOOLS_CTL_TEXT_H
