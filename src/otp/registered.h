#ifndef KL_OTP_REGISTERED_H
#define KL_OTP_REGISTERED_H

#include "base/base.h"
#include <keel/term.h>

// A small table from a pair of atoms to a pointer that programs fill once, when they
// start: keepers of names, start functions. Looked up without a lock; entries stay for
// good, only their value changes.
struct kl_registered {
    struct kl_registered_entry *first; // newest first; read by anybody
    struct kl_lock lock; // of those who add
};

// False when memory is exhausted. A zero value makes the pair unknown again.
bool kl_registered_put(
        struct kl_registered *table, keel_term first, keel_term second, uintptr_t value);
// Zero when the pair is unknown. `second` may be none in both calls.
uintptr_t kl_registered_get(
        const struct kl_registered *table, keel_term first, keel_term second);

#endif // KL_OTP_REGISTERED_H
