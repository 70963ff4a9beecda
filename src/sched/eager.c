#include "eager.h"

enum {
    CREDIT = 4,
    PATIENCE_MIN = 8,
    PATIENCE_MAX = 128,
};

void kl_eager_init(struct kl_eager *eager)
{
    *eager = (struct kl_eager){.patience = PATIENCE_MIN};
}

void kl_eager_found(struct kl_eager *eager)
{
    eager->credit = CREDIT;
    eager->waits = 0;
    // What others took once they may leave alone now; but only many finds outweigh it, as
    // who is crowded out loses milliseconds.
    if (eager->patience > PATIENCE_MIN) {
        eager->patience--;
    }
}

void kl_eager_vain(struct kl_eager *eager)
{
    if (eager->credit > 0) {
        eager->credit--;
    }
}

void kl_eager_crowded(struct kl_eager *eager)
{
    eager->credit = 0;
    eager->waits = 0;
    if (eager->patience < PATIENCE_MAX) {
        eager->patience *= 2;
    }
}

void kl_eager_waited(struct kl_eager *eager, int64_t ns)
{
    if (ns < KL_EAGER_SHORT_NS && ++eager->waits >= eager->patience) {
        eager->waits = 0;
        eager->credit = 1;
    }
}
