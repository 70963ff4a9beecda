#include "dots.h"

#include <keel/process.h>
#include <string.h>

// The first span that ends at `dot` or behind it; `count` when there is none.
static size_t find(const struct kl_dots *dots, uint64_t dot);
static void open_gap(struct kl_dots *dots, size_t index);

void kl_dots_done(struct kl_dots *dots)
{
    keel_free(dots->spans);
    *dots = (struct kl_dots){0};
}

bool kl_dots_has(const struct kl_dots *dots, uint64_t dot)
{
    return kl_dots_have_all(dots, dot, dot);
}

bool kl_dots_have_all(const struct kl_dots *dots, uint64_t first, uint64_t last)
{
    if (last < first) {
        return true;
    }
    size_t index = find(dots, first);
    return index < dots->count && dots->spans[index].first <= first &&
           last <= dots->spans[index].last;
}

uint64_t kl_dots_prefix(const struct kl_dots *dots)
{
    return dots->count > 0 && dots->spans[0].first == 1 ? dots->spans[0].last : 0;
}

uint64_t kl_dots_last(const struct kl_dots *dots)
{
    return dots->count > 0 ? dots->spans[dots->count - 1].last : 0;
}

uint64_t kl_dots_size(const struct kl_dots *dots)
{
    uint64_t size = 0;
    for (size_t i = 0; i < dots->count; i++) {
        // Spans have no number in common, and none has 0: this cannot overflow.
        size += dots->spans[i].last - dots->spans[i].first + 1;
    }
    return size;
}

void kl_dots_add(struct kl_dots *dots, uint64_t first, uint64_t last)
{
    // Spans that overlap the new one or touch it become one with it.
    size_t from = find(dots, first - 1), to = from;
    while (to < dots->count && dots->spans[to].first - 1 <= last) {
        to++;
    }
    if (from == to) {
        open_gap(dots, from);
        dots->spans[from] = (struct kl_span){first, last};
        return;
    }
    struct kl_span *span = &dots->spans[from];
    uint64_t end = dots->spans[to - 1].last;
    span->first = first < span->first ? first : span->first;
    span->last = last > end ? last : end;
    memmove(span + 1, &dots->spans[to], (dots->count - to) * sizeof *span);
    dots->count -= to - from - 1;
}

void kl_dots_add_all(struct kl_dots *dots, const struct kl_dots *more)
{
    for (size_t i = 0; i < more->count; i++) {
        kl_dots_add(dots, more->spans[i].first, more->spans[i].last);
    }
}

void kl_dots_remove(struct kl_dots *dots, uint64_t dot)
{
    size_t index = find(dots, dot);
    if (index == dots->count || dots->spans[index].first > dot) {
        return;
    }
    struct kl_span span = dots->spans[index];
    if (span.first == span.last) {
        dots->count--;
        memmove(&dots->spans[index], &dots->spans[index + 1],
                (dots->count - index) * sizeof span);
    } else if (span.first == dot) {
        dots->spans[index].first++;
    } else if (span.last == dot) {
        dots->spans[index].last--;
    } else {
        open_gap(dots, index);
        dots->spans[index].last = dot - 1;
        dots->spans[index + 1].first = dot + 1;
    }
}

static size_t find(const struct kl_dots *dots, uint64_t dot)
{
    size_t low = 0, high = dots->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (dots->spans[middle].last < dot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// Makes room for a span before `index`, which is there twice then.
static void open_gap(struct kl_dots *dots, size_t index)
{
    if (dots->count == dots->room) {
        dots->room = dots->room == 0 ? 2 : 2 * dots->room;
        dots->spans = keel_realloc(dots->spans, dots->room * sizeof *dots->spans);
    }
    memmove(&dots->spans[index + 1], &dots->spans[index],
            (dots->count - index) * sizeof *dots->spans);
    dots->count++;
}
