// A turn: what a worker does with a process that it took from its run queue.

#include "turn.h"

// What a turn found out about its process.
enum outcome {
    PARK, // waits: go idle unless something came
    AGAIN, // has more to do: back into the queue
    ENDED,
    RESUME, // is to be resumed on its stack
};

// A handler that has not begun, and asks for nothing but an ordinary stack.
static bool is_plain_birth(const struct kl_process *self)
{
    const struct kl_envelope *birth = self->state;
    return (self->flags & (KL_BORN | KL_HANDLER)) == KL_HANDLER && birth->deadline == 0 &&
           kl_turn_needs_little(self);
}

// The last handler on this thread has left its stack as the next one needs it.
static bool activate_kept(struct kl_process *self)
{
    if (!kl_turn_is_plain(self) && !is_plain_birth(self)) {
        return false;
    }
    struct kl_stack *stack = kl_stack_take_kept();
    if (stack == NULL) {
        return false;
    }
    kl_turn_attach_kept(self, stack);
    return true;
}

static bool activate(struct kl_process *self)
{
    struct kl_envelope *birth = (self->flags & KL_BORN) == 0 ? self->state : NULL;
    size_t bytes = birth != NULL ? (size_t)birth->deadline : 0;
    if (bytes == 0 && self->extras != NULL) {
        bytes = self->extras->stack_bytes;
    }
    struct kl_stack *stack = kl_stack_acquire(bytes);
    if (stack == NULL) {
        return false;
    }
    kl_turn_attach(self, stack);
    struct kl_activation *activation = stack->scratch;
    activation->process = self;
    activation->serving = (keel_from){{0}, {0}};
    activation->serving_deadline = INT64_MAX;
    activation->starter = (keel_from){{0}, {0}};
    activation->again = false;
    activation->expects = false;
    activation->lends = false;
    activation->failures = 0;
    activation->afar = 0;
    activation->afar_to = NULL;
    activation->message = NULL;
    activation->tries = NULL;
    activation->handling = false;
    kl_heap_init(
            &activation->heap, activation + 1, stack->scratch_bytes - sizeof *activation);
    if (self->extras != NULL) {
        activation->heap.max_bytes = self->extras->max_memory;
    }
    kl_fiber_prepare(stack,
            (self->flags & KL_HANDLER) != 0 ? kl_handler_main : kl_body_main, activation);
    return true;
}

static void deactivate(struct kl_process *self)
{
    struct kl_stack *stack = self->stack;
    kl_heap_done(&kl_activation(self)->heap);
    kl_turn_detach(self);
    kl_stack_release(stack);
}

// The handler is done with what there was, and its stack is as clean as it was before.
static void rest(struct kl_process *self)
{
    struct kl_stack *stack = self->stack;
    if (kl_activation(self)->heap.max_bytes == 0 && kl_stack_keep(stack)) {
        kl_turn_detach(self);
    } else {
        kl_fiber_abandon(stack);
        deactivate(self);
    }
}

// Something to run: a body that has not begun, a handler with a message, a due timeout.
static bool has_work(struct kl_process *self)
{
    if ((self->flags & KL_BORN) == 0) {
        return (self->flags & KL_REPLACED) == 0 || self->head != NULL;
    }
    if ((self->flags & KL_AGAIN) != 0) {
        return true;
    }
    if ((self->flags & KL_HANDLER_SUSPENDED) != 0) {
        return (self->flags & KL_CHANGED) != 0;
    }
    return self->head != NULL || (self->flags & KL_TIMED_OUT) != 0;
}

// Looks whether the wait's deadline has passed, and has an alarm set for it if not.
static void look_at_deadline(struct kl_process *self)
{
    if (self->deadline == INT64_MAX || (self->flags & KL_TIMED_OUT) != 0) {
        return;
    }
    if (self->deadline <= kl_now() && self->deadline <= kl_now_exact()) {
        kl_flags_add(self, KL_TIMED_OUT | KL_CHANGED);
    }
}

static void alarm_fired(struct kl_timer *timer)
{
    struct kl_alarm *alarm = KL_CONTAINER(timer, struct kl_alarm, timer);
    kl_deliver(kl_pid_make(alarm->envelope.slot, alarm->envelope.generation),
            &alarm->envelope);
}

// One alarm serves many waits: it is armed for the earliest deadline since it last rang,
// and set anew when it rings too early. So a call with a timeout costs no timer.
static void set_alarm(struct kl_process *self)
{
    if ((self->flags & KL_TIMED_OUT) != 0) {
        return;
    }
    struct kl_alarm *alarm = self->alarm;
    if (alarm != NULL) {
        if (alarm->timer.at <= self->deadline) {
            return;
        }
        if (!kl_timer_cancel(&alarm->timer)) {
            return; // it is on its way
        }
    } else {
        alarm = kl_pool_alloc(sizeof *alarm);
        if (alarm == NULL) {
            kl_exit_begin(self, KL_ATOM(system_limit), NULL);
            return;
        }
        alarm->envelope = (struct kl_envelope){.kind = KL_ALARM, .flags = KL_STATIC};
        alarm->envelope.slot = self->slot;
        alarm->envelope.generation = self->generation;
        alarm->timer = (struct kl_timer){.fire = alarm_fired};
        self->alarm = alarm;
    }
    kl_timer_arm(&alarm->timer, self->deadline);
}

// A handler hears of the failure of its own callback, and of that of hearing of it, but
// not for ever.
static bool may_handle_failure(struct kl_process *self)
{
    enum { MOST_FAILURES = 3 };
    if ((self->flags & (KL_HANDLER | KL_ESCAPED | KL_INIT_FAILED)) !=
                    (KL_HANDLER | KL_ESCAPED) ||
            ((const keel_handler *)self->entry)->failed == NULL) {
        return false;
    }
    return kl_activation(self)->failures++ < MOST_FAILURES;
}

static enum kl_fiber_end handle_failure(struct kl_process *self)
{
    kl_flags_drop(self, KL_DYING | KL_ESCAPED);
    kl_activation(self)->tries = NULL;
    kl_fiber_prepare(self->stack, kl_failed_main, kl_activation(self));
    kl_heap_use(&kl_activation(self)->heap);
    enum kl_fiber_end end = kl_fiber_resume(self->stack);
    kl_heap_use(NULL);
    if (end == KL_FIBER_FAULTED) {
        kl_exit_begin_fault(self, kl_fiber_fault());
    }
    return end;
}

static inline enum outcome after_fiber(struct kl_process *self, enum kl_fiber_end end)
{
    if (end == KL_FIBER_FAULTED) {
        kl_exit_begin_fault(self, kl_fiber_fault());
    }
    while ((self->flags & KL_DYING) != 0) {
        if (!may_handle_failure(self)) {
            return ENDED;
        }
        end = handle_failure(self);
    }
    struct kl_activation *activation = kl_activation(self);
    bool again = activation->again;
    activation->again = false;
    if (end == KL_FIBER_RESTED) {
        again = again || (self->flags & KL_AGAIN) != 0;
        rest(self);
    } else if (end == KL_FIBER_DONE) {
        if ((self->flags & (KL_HANDLER | KL_REPLACED)) == 0) {
            kl_exit_begin(self, KL_ATOM(normal), NULL);
            return ENDED;
        }
        again = again || (self->flags & KL_AGAIN) != 0;
        deactivate(self);
    }
    return again ? AGAIN : PARK;
}

static inline enum outcome proceed(struct kl_process *self)
{
    if ((self->flags & KL_DYING) != 0) {
        return ENDED;
    }
    if (self->suspended) {
        return PARK;
    }
    look_at_deadline(self);
    if (self->stack != NULL) {
        // It waits on its own stack: go on if something changed, let it look.
        return (self->flags & KL_CHANGED) != 0 ? RESUME : PARK;
    }
    if (!has_work(self)) {
        return PARK;
    }
    if (!activate_kept(self) && !activate(self)) {
        kl_exit_begin(self, KL_ATOM(system_limit), NULL);
        return ENDED;
    }
    return RESUME;
}

static inline bool may_idle(struct kl_process *self)
{
    kl_store_relaxed(&self->status, self->suspended ? KL_SUSPENDED : KL_WAITING);
    // While it is suspended its deadline stands still, see resume_arrived().
    if (self->deadline != INT64_MAX && !self->suspended) {
        set_alarm(self);
        if ((self->flags & KL_DYING) != 0) {
            return false;
        }
    }
    uintptr_t expected = 0;
    // Release: pairs with the acquire of push, whose turn then sees all we wrote.
    return kl_cas_acq_rel(&self->door, &expected, KL_DOOR_IDLE);
}

static void take_another_turn(struct kl_process *self)
{
    struct kl_task *task = &self->task;
    kl_flags_add(self, KL_CHANGED); // it goes on without anything new
    kl_store_relaxed(&self->status, KL_RUNNABLE);
    if (self->extras != NULL) {
        static const uint8_t order[] = {
                KL_PRIORITY_NORMAL, KL_PRIORITY_LOW, KL_PRIORITY_HIGH, KL_PRIORITY_MAX};
        task->priority = order[self->extras->priority];
    }
    const struct kl_activation *activation = self->stack == NULL ? NULL
                                                                 : kl_activation(self);
    if (activation != NULL && activation->afar >= KL_TURN_AFAR) {
        kl_sched_wake_beside(task, &activation->afar_to->task);
    } else {
        kl_sched_wake(task);
    }
}

// True when the turn is over; the process may run elsewhere then.
static inline bool conclude(struct kl_process *self, enum outcome outcome)
{
    if (outcome == ENDED || (self->flags & KL_DYING) != 0) {
        kl_exit_finish(self);
        return true;
    }
    if (outcome == AGAIN) {
        take_another_turn(self);
        return true;
    }
    if (self->stack != NULL && kl_activation(self)->expects) {
        kl_activation(self)->expects = false;
        kl_store_relaxed(&self->status, KL_WAITING);
        kl_sched_wait_turn(&self->task);
        return true;
    }
    return may_idle(self);
}

static void came_back(struct kl_task *task, enum kl_fiber_end end);

// Asks the worker to resume the process; came_back() is called then.
static inline void resume(struct kl_process *self)
{
    struct kl_activation *activation = kl_activation(self);
    kl_turn_allow(activation);
    kl_turn_begin(self, activation);
    kl_fiber_next(self->stack, came_back);
}

// Does what there is to do, until the process is to be resumed or the turn is over.
static inline void go_on(struct kl_process *self)
{
    enum outcome outcome;
    do {
        kl_take(self);
        outcome = proceed(self);
    } while (outcome != RESUME && !conclude(self, outcome));
    if (outcome == RESUME) {
        resume(self);
    }
}

// A handler's stack that nobody is on any more.
static void put_away(struct kl_stack *stack)
{
    if (!kl_stack_keep(stack)) {
        struct kl_activation *activation = stack->scratch;
        kl_fiber_abandon(stack);
        kl_heap_done(&activation->heap);
        kl_stack_release(stack);
    }
}

static void came_back(struct kl_task *task, enum kl_fiber_end end)
{
    kl_here()->heap = NULL;
    if (kl_process_current() == NULL) {
        KL_CHECK(end == KL_FIBER_RESTED); // the turn has ended before, see follow.c
        put_away(kl_fiber_rested());
        return;
    }
    struct kl_process *self = KL_CONTAINER(task, struct kl_process, task);
    kl_turn_account(self, kl_activation(self));
    enum outcome outcome = after_fiber(self, end);
    kl_here()->process = NULL;
    if (!conclude(self, outcome)) {
        go_on(self);
    }
}

void kl_turn(struct kl_task *task)
{
    struct kl_process *self = KL_CONTAINER(task, struct kl_process, task);
    kl_store_relaxed(&self->status, KL_RUNNABLE);
    go_on(self);
}

// --- from inside ---

void kl_give_way(struct kl_process *self)
{
    kl_activation(self)->again = true;
    kl_fiber_yield();
}

void kl_observable_simulated(void)
{
    struct kl_process *self = kl_process_current();
    if (self != NULL && (self->flags & KL_FINAL) == 0 && self->stack != NULL &&
            kl_fiber_current() == self->stack && kl_sim_should_yield()) {
        kl_give_way(self);
    }
}

bool kl_wait(struct kl_process *self, enum keel_wait what, int64_t *deadline)
{
    if ((self->flags & KL_FINAL) != 0) {
        return false; // deferred functions may not wait
    }
    kl_flags_drop(self, KL_TIMED_OUT);
    self->deadline = *deadline;
    kl_store_relaxed(&self->wait, (uint8_t)what);
    kl_store_relaxed(&self->waiting_since, kl_now());
    kl_flags_drop(self, KL_CHANGED);
    kl_take(self);
    if ((self->flags & KL_DYING) != 0) {
        kl_fiber_finish();
    }
    if ((self->flags & KL_CHANGED) == 0 || self->suspended) {
        kl_fiber_yield(); // the turn resumes it when something has changed
    }
    kl_flags_drop(self, KL_CHANGED);
    bool late = (self->flags & KL_TIMED_OUT) != 0;
    kl_flags_drop(self, KL_TIMED_OUT);
    *deadline = self->deadline;
    self->deadline = INT64_MAX;
    kl_store_relaxed(&self->wait, KEEL_WAIT_NOTHING);
    return !late;
}

void keel_yield(void)
{
    struct kl_process *self = kl_process_current();
    if (self != NULL && (self->flags & KL_FINAL) == 0) {
        kl_store_relaxed(&self->reductions, self->reductions + 1);
        kl_give_way(self);
    }
}
