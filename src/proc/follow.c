// How one turn follows another on the same stack: the next handler is served where the last
// one has been, and a caller lends its turn to the server it calls. What is not simple goes
// the usual way, through the worker's loop and turn.c.

#include "turn.h"

// A handler that, on the stack it has or is given, has nothing to do but what serve() does.
static inline bool is_simple(const struct kl_process *self)
{
    return kl_turn_is_plain(self) &&
           (self->flags & (KL_DYING | KL_AGAIN | KL_HANDLER_SUSPENDED)) == 0 &&
           !self->suspended && self->deadline == INT64_MAX;
}

// Whether a process that waits for its turn can have it now.
static bool fits(struct kl_task *task)
{
    if (task->run != kl_turn) {
        return false;
    }
    struct kl_process *next = KL_CONTAINER(task, struct kl_process, task);
    if (next->stack == NULL) {
        return is_simple(next);
    }
    // It goes on on its own stack, while this one is kept. What came through its door may
    // be of importance.
    return (next->flags & (KL_DYING | KL_CHANGED)) == KL_CHANGED && !next->suspended &&
           kl_load_relaxed(&next->door) == 0 && kl_stack_keep(kl_fiber_current());
}

// The process leaves the stack and is idle; false when there is more for it to do.
static inline bool leave(struct kl_process *self, struct kl_activation *activation)
{
    struct kl_stack *stack = self->stack;
    if (!is_simple(self) || activation->again || self->head != NULL || stack->measured ||
            activation->heap.max_bytes != 0) {
        return false;
    }
    kl_turn_account(self, activation);
    kl_turn_detach(self);
    kl_store_relaxed(&self->status, KL_WAITING);
    kl_here()->process = NULL;
    uintptr_t expected = 0;
    // Release: pairs with the acquire of push, whose turn then sees all we wrote.
    if (__builtin_expect(kl_cas_acq_rel(&self->door, &expected, KL_DOOR_IDLE), 1)) {
        return true;
    }
    kl_turn_attach(self, stack);
    kl_turn_begin(self, activation);
    return false;
}

struct kl_stack *kl_turn_serve(void *argument)
{
    struct kl_activation *activation = argument;
    struct kl_stack *stack = kl_fiber_current();
    for (;;) {
        struct kl_process *self = activation->process;
        kl_serve(self, activation);
        if (!leave(self, activation)) {
            return NULL; // the worker's loop sees to it
        }
        struct kl_task *task = kl_sched_relay(fits);
        if (task == NULL) {
            return NULL;
        }
        struct kl_process *next = KL_CONTAINER(task, struct kl_process, task);
        if (next->stack != NULL) {
            struct kl_activation *other = kl_activation(next);
            if (!other->lends) {
                kl_turn_allow(other);
            }
            kl_turn_begin(next, other);
            return next->stack;
        }
        kl_turn_attach_kept(next, stack);
        kl_turn_allow(activation);
        kl_turn_begin(next, activation);
        kl_take(next);
        if ((next->flags & KL_DYING) != 0 || next->suspended) {
            return NULL;
        }
    }
}

bool kl_turn_lend(struct kl_process *self, struct kl_process *server, int64_t deadline)
{
    // One that waits in the midst of a callback has a stack, and goes on there.
    if (server->stack != NULL || !is_simple(server) || kl_load_relaxed(&self->door) != 0 ||
            (self->flags & KL_FINAL) != 0) {
        return false;
    }
    struct kl_stack *stack = kl_stack_take_kept();
    if (stack == NULL) {
        return false;
    }
    if (!kl_sched_lend(&self->task, &server->task)) {
        kl_stack_keep(stack);
        return false;
    }
    struct kl_activation *own = kl_activation(self);
    kl_turn_account(self, own);
    kl_flags_drop(self, KL_TIMED_OUT | KL_CHANGED);
    self->deadline = deadline;
    kl_store_relaxed(&self->wait, (uint8_t)KEEL_WAIT_REPLY);
    kl_store_relaxed(&self->waiting_since, kl_now());
    kl_store_relaxed(&self->status, KL_WAITING);
    own->lends = true;

    kl_turn_attach_kept(server, stack);
    struct kl_activation *activation = stack->scratch;
    kl_turn_allow(activation);
    kl_turn_begin(server, activation);
    kl_fiber_cross(stack);

    // On another thread, maybe, and long after.
    own->lends = false;
    self->deadline = INT64_MAX;
    kl_store_relaxed(&self->wait, KEEL_WAIT_NOTHING);
    return true;
}
