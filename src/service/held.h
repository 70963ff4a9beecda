#ifndef KL_SERVICE_HELD_H
#define KL_SERVICE_HELD_H

#include "base/base.h"
#include <keel/term.h>

// A term in a table that several processes read. It is counted, so that a reader can take
// it along, let the table's lock go, and copy it at leisure: copying may end the reader,
// and that must not happen under a lock. Zeroed: KEEL_NONE.
struct kl_held {
    keel_term term;
    struct kl_held_count *count; // NULL for immediate terms
};

// Holds a copy of `term`; false when memory is exhausted.
bool kl_held_init(struct kl_held *held, keel_term term);
// One more, or one fewer, who holds it.
struct kl_held kl_held_ref(struct kl_held held);
void kl_held_unref(struct kl_held held);

#endif // KL_SERVICE_HELD_H
