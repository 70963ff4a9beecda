#ifndef KL_BASE_LOCK_H
#define KL_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

// A small lock (4 bytes): a few spins, then a futex. For short sections only; never held
// across a switch of stacks or a callback of the user.
struct kl_lock {
    uint32_t state; // 0 free, 1 held, 2 held and somebody waits
};
void kl_lock_take(struct kl_lock *lock);
bool kl_lock_try(struct kl_lock *lock);
void kl_lock_give(struct kl_lock *lock);

// Futex wait and wake on a word; `timeout_ns` < 0: no limit. Wait returns at once when
// *word != expected.
void kl_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns);
void kl_futex_wake(uint32_t *word, int count);

#endif // KL_BASE_LOCK_H
