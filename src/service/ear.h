#ifndef KL_SERVICE_EAR_H
#define KL_SERVICE_EAR_H

#include "base/base.h"
#include <keel/status.h>
#include <keel/time.h>

// What is said where no process may act (on any thread, with locks held, by a process that
// is dying) is put down here, and a process hears it. Bounded: what finds no room is
// counted. Zeroed it is closed.
struct kl_ear {
    struct kl_lock lock; // guards all below
    void **items; // a ring
    unsigned room, first, count;
    uint64_t dropped;
    bool over;
    int wake; // written to after each change
};

// Opens it for `room` items. KEEL_E_NOMEM, -errno.
keel_status kl_ear_open(struct kl_ear *ear, unsigned room);
// From anywhere. False: it is closed, or full and that was counted; the item stays the
// caller's.
bool kl_ear_put(struct kl_ear *ear, void *item);
// Tells who waits that nothing more will come.
void kl_ear_end(struct kl_ear *ear);

// For the process that hears: the oldest item, NULL when there is none.
void *kl_ear_take(struct kl_ear *ear);
// How many found no room since it was last asked.
uint64_t kl_ear_dropped(struct kl_ear *ear);
// Waits until something has come. False: it has ended.
bool kl_ear_wait(struct kl_ear *ear);
// Nothing is put down from now on; what is left is handed to `left`, one by one.
void kl_ear_close(struct kl_ear *ear, void (*left)(void *item));

#endif // KL_SERVICE_EAR_H
