#include "work.h"

#include "heap.h"
#include <string.h>

bool kl_work_grow(struct kl_work *work, size_t more)
{
    size_t room = work->room * 2;
    while (room - work->count < more) {
        room *= 2;
    }
    size_t old_bytes = work->room * sizeof *work->words;
    size_t bytes = room * sizeof *work->words;
    uint64_t *words;
    if (work->words == work->inside) {
        words = kl_alloc(bytes);
        if (words) {
            memcpy(words, work->inside, old_bytes);
        }
    } else {
        words = kl_realloc(work->words, old_bytes, bytes);
    }
    if (!words) {
        return false;
    }
    work->words = words;
    work->room = room;
    return true;
}

void kl_work_must_grow(struct kl_work *work, size_t more)
{
    if (kl_work_grow(work, more)) {
        return;
    }
    kl_work_done(work);
    kl_heap_refuse(kl_heap_current());
    kl_panic("memory is exhausted while a deep term is compared or hashed");
}
