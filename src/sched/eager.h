#ifndef KL_SCHED_EAGER_H
#define KL_SCHED_EAGER_H

#include <stdbool.h>
#include <stdint.h>

// Whether an idle worker goes on looking at descriptors before it sleeps. To be woken costs
// microseconds on both sides, tens of them where the processor had gone to sleep as well;
// to look costs the processor. So it looks as long as that finds something: a peer that
// asks and waits for the answer is answered without anybody falling asleep, and a program
// that has nothing to do sleeps.
//
// Pure bookkeeping: the caller looks, waits and has the clock.
struct kl_eager {
    uint32_t credit; // vain looks that are still allowed
    uint32_t waits; // short ones since the last try
    uint32_t patience; // short waits before looking is tried again
};

enum {
    KL_EAGER_NS = 60000, // for so long it looks
    KL_EAGER_SHORT_NS = 100000, // a wait that ended so soon might have been spared
    KL_EAGER_CROWDED_NS = 50000, // giving way took so long: others want the processor
};

void kl_eager_init(struct kl_eager *eager);
// Whether the next look is a long one.
static inline bool kl_eager_wants(const struct kl_eager *eager)
{
    return eager->credit > 0;
}
// A look, short or long, has found a descriptor ready.
void kl_eager_found(struct kl_eager *eager);
// A long one has not.
void kl_eager_vain(struct kl_eager *eager);
// It was given up, as others want the processor.
void kl_eager_crowded(struct kl_eager *eager);
// A descriptor has ended a wait of so many nanoseconds.
void kl_eager_waited(struct kl_eager *eager, int64_t ns);

#endif // KL_SCHED_EAGER_H
