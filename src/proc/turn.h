#ifndef KL_PROC_TURN_H
#define KL_PROC_TURN_H

#include "process.h"

// What turn.c and follow.c share: how a turn on a stack begins and ends.

// Messages handled and sent before others get a turn. Enough to make the switch cheap,
// little enough that a sender that floods gives way while its messages are still warm.
enum {
    KL_TURN_BUDGET = 200,
    KL_TURN_STAYS = 8, // how often it may have as many again, when many messages wait
    KL_TURN_AFAR = 150, // messages of one turn that all went to one process elsewhere
};

// A turn begins, with all the steps it may make.
static inline void kl_turn_allow(struct kl_activation *activation)
{
    activation->budget = KL_TURN_BUDGET;
    activation->stays = 0;
    activation->afar /= 2; // what the last turn was like is not forgotten at once
}

static inline void kl_turn_attach(struct kl_process *self, struct kl_stack *stack)
{
    stack->owner = self;
    stack->site = self->entry;
    // Release: pairs with the acquire in print_parked(), which looks at the stack's bounds.
    kl_store_release(&self->stack, stack);
}

static inline void kl_turn_detach(struct kl_process *self)
{
    kl_store_relaxed(&self->stack, NULL);
    kl_store_relaxed(&self->heap_bytes, 0);
}

// A stack whose fiber rests becomes that of a handler.
static inline void kl_turn_attach_kept(struct kl_process *self, struct kl_stack *stack)
{
    kl_turn_attach(self, stack);
    struct kl_activation *activation = stack->scratch;
    activation->process = self;
    activation->failures = 0;
    activation->afar = 0;
}

// From here on `self` is the process that runs on this thread.
static inline void kl_turn_begin(struct kl_process *self, struct kl_activation *activation)
{
    kl_store_relaxed(&self->status, KL_RUNNING);
    struct kl_here *here = kl_here();
    here->process = self;
    here->heap = &activation->heap;
    // Reading the clock costs more than many a turn: one turn of 64 stands for all.
    activation->began = (self->turns++ & 63) == 0 ? kl_now_exact() : INT64_MIN;
}

static inline void kl_turn_account(
        struct kl_process *self, const struct kl_activation *activation)
{
    kl_store_relaxed(&self->heap_bytes, activation->heap.bytes);
    if ((self->flags & KL_WARM) != 0) {
        kl_flags_drop(self, KL_WARM);
    }
    // Less than KL_NEWBORN: see KL_TURN_STAYS.
    uint32_t steps = KL_TURN_BUDGET * (activation->stays + 1u) - activation->budget;
    self->task.talk = (uint8_t)(steps / 8);
    if (activation->began != INT64_MIN) {
        int64_t ns = (kl_now_exact() - activation->began) * 64;
        kl_store_relaxed(&self->run_ns, self->run_ns + ns);
    }
}

// Whether it has no more than the usual to itself: the stack that the last one has left
// will do.
static inline bool kl_turn_needs_little(const struct kl_process *self)
{
    const struct kl_extras *extras = self->extras;
    return extras == NULL || (extras->stack_bytes | extras->max_memory) == 0;
}

// Whether an ordinary stack will do for the handler that `self` is.
static inline bool kl_turn_is_plain(const struct kl_process *self)
{
    return (self->flags & (KL_BORN | KL_HANDLER)) == (KL_BORN | KL_HANDLER) &&
           kl_turn_needs_little(self);
}

#endif // KL_PROC_TURN_H
