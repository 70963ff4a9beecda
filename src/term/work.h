#ifndef KL_TERM_WORK_H
#define KL_TERM_WORK_H

#include "base/base.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A stack of words still to be worked on, for walking terms without recursion: terms may be
// nested 100,000s deep and a process's stack is small. The first words lie inside.
enum { KL_WORK_INSIDE = 48 };

struct kl_work {
    uint64_t *words;
    size_t count;
    size_t room;
    uint64_t inside[KL_WORK_INSIDE];
};

static inline void kl_work_init(struct kl_work *work)
{
    work->words = work->inside;
    work->count = 0;
    work->room = KL_WORK_INSIDE;
}
static inline void kl_work_done(struct kl_work *work)
{
    if (work->words != work->inside) {
        kl_free(work->words, work->room * sizeof *work->words);
    }
}

// Makes room for at least `more` further words; false when memory is exhausted.
bool kl_work_grow(struct kl_work *work, size_t more);
// For walks that have no way to fail (comparing, hashing): ends the process, or outside of
// one the program, when memory is exhausted.
void kl_work_must_grow(struct kl_work *work, size_t more);

static inline bool kl_work_has_room(const struct kl_work *work, size_t more)
{
    return work->room - work->count >= more;
}
static inline uint64_t kl_work_pop(struct kl_work *work)
{
    return work->words[--work->count];
}
// The caller has made sure of the room.
static inline void kl_work_put(struct kl_work *work, uint64_t word)
{
    work->words[work->count++] = word;
}
static inline bool kl_work_push(struct kl_work *work, uint64_t word)
{
    if (!kl_work_has_room(work, 1) && !kl_work_grow(work, 1)) {
        return false;
    }
    kl_work_put(work, word);
    return true;
}

#endif // KL_TERM_WORK_H
