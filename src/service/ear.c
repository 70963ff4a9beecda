// Items from anywhere for one process that waits for them.

#include "ear.h"

#include <errno.h>
#include <keel/io.h>
#include <sys/eventfd.h>
#include <unistd.h>

keel_status kl_ear_open(struct kl_ear *ear, unsigned room)
{
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0) {
        return -errno;
    }
    void **items = kl_alloc(room * sizeof *items);
    if (items == NULL) {
        close(wake);
        return KEEL_E_NOMEM;
    }
    kl_lock_take(&ear->lock);
    ear->items = items;
    ear->first = ear->count = 0;
    ear->dropped = 0;
    ear->over = false;
    ear->wake = wake;
    ear->room = room; // it is open
    kl_lock_give(&ear->lock);
    return KEEL_OK;
}

// Under the lock.
static void wake(struct kl_ear *ear)
{
    uint64_t one = 1;
    ssize_t written = write(ear->wake, &one, sizeof one);
    (void)written; // full: it is readable all the same
}

bool kl_ear_put(struct kl_ear *ear, void *item)
{
    kl_lock_take(&ear->lock);
    bool kept = ear->count < ear->room;
    if (kept) {
        ear->items[(ear->first + ear->count++) % ear->room] = item;
    } else {
        ear->dropped++;
    }
    // Who hears has yet to look at what was there before: one word of it is enough.
    if (ear->room > 0 && (ear->count == 1 || !kept)) {
        wake(ear);
    }
    kl_lock_give(&ear->lock);
    return kept;
}

void kl_ear_end(struct kl_ear *ear)
{
    kl_lock_take(&ear->lock);
    ear->over = true;
    if (ear->room > 0) {
        wake(ear);
    }
    kl_lock_give(&ear->lock);
}

void *kl_ear_take(struct kl_ear *ear)
{
    void *item = NULL;
    kl_lock_take(&ear->lock);
    if (ear->count > 0) {
        item = ear->items[ear->first];
        ear->first = ear->first + 1 == ear->room ? 0 : ear->first + 1;
        ear->count--;
    }
    kl_lock_give(&ear->lock);
    return item;
}

uint64_t kl_ear_dropped(struct kl_ear *ear)
{
    kl_lock_take(&ear->lock);
    uint64_t dropped = ear->dropped;
    ear->dropped = 0;
    kl_lock_give(&ear->lock);
    return dropped;
}

bool kl_ear_wait(struct kl_ear *ear)
{
    kl_lock_take(&ear->lock);
    bool over = ear->over;
    kl_lock_give(&ear->lock);
    if (over || keel_wait_fd(ear->wake, KEEL_READABLE, KEEL_NEVER, NULL) != KEEL_OK) {
        return false;
    }
    uint64_t times;
    ssize_t got = read(ear->wake, &times, sizeof times);
    (void)got;
    return true;
}

void kl_ear_close(struct kl_ear *ear, void (*left)(void *item))
{
    kl_lock_take(&ear->lock);
    unsigned room = ear->room, first = ear->first, count = ear->count;
    void **items = ear->items;
    ear->room = ear->count = 0;
    if (room > 0) {
        close(ear->wake);
    }
    ear->items = NULL;
    kl_lock_give(&ear->lock);
    for (unsigned i = 0; i < count; i++) {
        left(items[(first + i) % room]);
    }
    kl_free(items, room * sizeof *items);
}
