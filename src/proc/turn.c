// A turn: what a worker does with a process that it took from its run queue.

#include "process.h"

// Messages handled and sent before others get a turn. Enough to make the switch cheap,
// little enough that a sender that floods gives way while its messages are still warm.
enum { BUDGET = 200 };

// What a turn found out about its process.
enum outcome {
    PARK, // waits: go idle unless something came
    AGAIN, // has more to do: back into the queue
    ENDED,
};

static __thread struct kl_process *current __attribute__((tls_model("initial-exec")));

__attribute__((noinline)) struct kl_process *kl_process_current(void)
{
    return current;
}

__attribute__((noinline)) void kl_process_current_set(struct kl_process *process)
{
    current = process;
}

static void body_main(void *argument);
static void handler_main(void *argument);
static void failed_main(void *argument);

static struct kl_activation *activate(struct kl_process *self)
{
    struct kl_birth *birth = (self->flags & KL_BORN) == 0 ? self->state : NULL;
    size_t bytes = birth != NULL ? birth->stack_bytes : 0;
    if (bytes == 0 && self->extras != NULL) {
        bytes = self->extras->stack_bytes;
    }
    struct kl_stack *stack = kl_stack_acquire(bytes);
    if (stack == NULL) {
        return NULL;
    }
    stack->owner = self;
    stack->site = self->entry;
    self->stack = stack;
    struct kl_activation *activation = stack->scratch;
    activation->process = self;
    activation->serving = (keel_from){{0}, {0}};
    activation->serving_deadline = INT64_MAX;
    activation->starter = (keel_from){{0}, {0}};
    activation->again = false;
    activation->failures = 0;
    activation->tries = NULL;
    kl_heap_init(&activation->heap, activation + 1, stack->scratch_bytes - sizeof *activation);
    if (self->extras != NULL) {
        activation->heap.max_bytes = self->extras->max_memory;
    }
    kl_fiber_prepare(stack,
            (self->flags & KL_HANDLER) != 0 ? handler_main : body_main, activation);
    return activation;
}

static void deactivate(struct kl_process *self)
{
    struct kl_stack *stack = self->stack;
    kl_heap_done(&kl_activation(self)->heap);
    self->stack = NULL;
    kl_stack_release(stack);
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
        self->flags |= KL_TIMED_OUT | KL_CHANGED;
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
    if (self->deadline == INT64_MAX || (self->flags & KL_TIMED_OUT) != 0) {
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
    if ((self->flags & (KL_HANDLER | KL_ESCAPED | KL_INIT_FAILED)) != (KL_HANDLER | KL_ESCAPED)
            || ((const keel_handler *)self->entry)->failed == NULL) {
        return false;
    }
    return kl_activation(self)->failures++ < MOST_FAILURES;
}

static enum kl_fiber_end handle_failure(struct kl_process *self)
{
    self->flags &= ~(uint32_t)(KL_DYING | KL_ESCAPED);
    kl_activation(self)->tries = NULL;
    kl_fiber_prepare(self->stack, failed_main, kl_activation(self));
    kl_heap_use(&kl_activation(self)->heap);
    enum kl_fiber_end end = kl_fiber_resume(self->stack);
    kl_heap_use(NULL);
    if (end == KL_FIBER_FAULTED) {
        kl_exit_begin_fault(self, kl_fiber_fault());
    }
    return end;
}

static enum outcome after_fiber(struct kl_process *self, enum kl_fiber_end end)
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
    if (end == KL_FIBER_DONE) {
        if ((self->flags & (KL_HANDLER | KL_REPLACED)) == 0) {
            kl_exit_begin(self, KL_ATOM(normal), NULL);
            return ENDED;
        }
        again = again || (self->flags & KL_AGAIN) != 0;
        deactivate(self);
    }
    return again ? AGAIN : PARK;
}

static enum outcome resume(struct kl_process *self)
{
    struct kl_activation *activation = kl_activation(self);
    activation->budget = BUDGET;
    kl_store_relaxed(&self->status, KL_RUNNING);
    kl_process_current_set(self);
    kl_heap_use(&activation->heap);
    // Reading the clock costs more than many a turn: one turn of 64 stands for all.
    bool sample = (self->turns++ & 63) == 0;
    int64_t began = sample ? kl_now_exact() : 0;
    enum kl_fiber_end end = kl_fiber_resume(self->stack);
    kl_heap_use(NULL);
    if (sample) {
        kl_store_relaxed(&self->run_ns, self->run_ns + (kl_now_exact() - began) * 64);
    }
    enum outcome outcome = after_fiber(self, end);
    kl_process_current_set(NULL);
    return outcome;
}

static enum outcome proceed(struct kl_process *self)
{
    if ((self->flags & KL_DYING) != 0) {
        return ENDED;
    }
    if (self->suspended > 0) {
        return PARK;
    }
    look_at_deadline(self);
    if (self->stack != NULL) {
        // It waits on its own stack: go on if something changed, let it look.
        return (self->flags & KL_CHANGED) != 0 ? resume(self) : PARK;
    }
    if (!has_work(self)) {
        return PARK;
    }
    if (activate(self) == NULL) {
        kl_exit_begin(self, KL_ATOM(system_limit), NULL);
        return ENDED;
    }
    return resume(self);
}

static bool may_idle(struct kl_process *self)
{
    kl_store_relaxed(&self->status, self->suspended > 0 ? KL_SUSPENDED : KL_WAITING);
    set_alarm(self);
    if ((self->flags & KL_DYING) != 0) {
        return false;
    }
    uintptr_t expected = 0;
    // Release: pairs with the acquire of push, whose turn then sees all we wrote.
    return kl_cas_acq_rel(&self->door, &expected, KL_DOOR_IDLE);
}

void kl_turn(struct kl_task *task)
{
    struct kl_process *self = KL_CONTAINER(task, struct kl_process, task);
    kl_store_relaxed(&self->status, KL_RUNNABLE);
    for (;;) {
        kl_take(self);
        enum outcome outcome = proceed(self);
        if (outcome == ENDED || (self->flags & KL_DYING) != 0) {
            kl_exit_finish(self);
            return;
        }
        if (outcome == AGAIN) {
            self->flags |= KL_CHANGED; // it goes on without anything new
            kl_store_relaxed(&self->status, KL_RUNNABLE);
            if (self->extras != NULL) {
                static const uint8_t order[] = {KL_PRIORITY_NORMAL, KL_PRIORITY_LOW,
                        KL_PRIORITY_HIGH, KL_PRIORITY_MAX};
                task->priority = order[self->extras->priority];
            }
            kl_sched_wake(task);
            return;
        }
        if (may_idle(self)) {
            return; // from here on the process may run elsewhere
        }
    }
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
    if (self != NULL && (self->flags & KL_FINAL) == 0 && self->stack != NULL
            && kl_fiber_current() == self->stack && kl_sim_should_yield()) {
        kl_give_way(self);
    }
}

bool kl_wait(struct kl_process *self, enum keel_wait what, int64_t deadline)
{
    if ((self->flags & KL_FINAL) != 0) {
        return false; // deferred functions may not wait
    }
    self->flags &= ~(uint32_t)KL_TIMED_OUT;
    self->deadline = deadline;
    kl_store_relaxed(&self->wait, (uint8_t)what);
    kl_store_relaxed(&self->waiting_since, kl_now());
    self->flags &= ~(uint32_t)KL_CHANGED;
    kl_take(self);
    if ((self->flags & KL_DYING) != 0) {
        kl_fiber_finish();
    }
    if ((self->flags & KL_CHANGED) == 0 || self->suspended > 0) {
        kl_fiber_yield(); // the turn resumes it when something has changed
    }
    self->flags &= ~(uint32_t)KL_CHANGED;
    bool late = (self->flags & KL_TIMED_OUT) != 0;
    self->flags &= ~(uint32_t)KL_TIMED_OUT;
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

// --- what runs on the stack ---

// Takes what the process was born with.
static keel_term be_born(struct kl_process *self, struct kl_activation *activation)
{
    struct kl_birth *birth = self->state;
    struct kl_envelope *argument = birth->argument;
    activation->starter.pid.word = argument->from;
    activation->starter.tag.word = argument->ref;
    if (birth->stack_bytes != 0) {
        kl_extras(self)->stack_bytes = birth->stack_bytes;
    }
    kl_pool_free(birth, sizeof *birth);
    self->state = NULL;
    self->flags |= KL_BORN;
    self->flags &= ~(uint32_t)KL_REPLACED;
    return kl_envelope_open(argument, &activation->heap);
}

static void body_main(void *argument)
{
    struct kl_activation *activation = argument;
    struct kl_process *self = activation->process;
    keel_term term = be_born(self, activation);
    keel_body body = (keel_body)(uintptr_t)self->entry;
    if (body == NULL) {
        keel_error(KL_ATOM(undef));
    }
    body(term);
}

// Carries out what a callback returned.
static void follow(struct kl_process *self, keel_next next)
{
    self->flags &= ~(uint32_t)(KL_AGAIN | KL_HANDLER_SUSPENDED);
    self->deadline = INT64_MAX;
    switch (next.action) {
    case KEEL_NEXT_EXIT:
        kl_exit_now(self, next.reason, 0);
    case KEEL_NEXT_AGAIN:
        self->flags |= KL_AGAIN;
        return;
    case KEEL_NEXT_SUSPENDED:
        self->flags |= KL_HANDLER_SUSPENDED;
        return;
    case KEEL_NEXT_WAIT:
    case KEEL_NEXT_HIBERNATE: // a handler that waits holds no memory anyway
        self->deadline = next.until.at;
        return;
    default:
        keel_error(keel_make("{bad_return_value, {keel_next, N}}", next.action));
    }
}

// Which link of the mailbox holds what the handler takes next.
static struct kl_envelope **next_link(struct kl_process *self)
{
    struct kl_envelope **link = &self->head;
    if ((self->flags & KL_HANDLER_SUSPENDED) == 0) {
        return link;
    }
    keel_pid parent = self->ancestors == NULL ? (keel_pid){0} : self->ancestors->pid;
    for (; *link != NULL; link = &(*link)->next) {
        struct kl_envelope *envelope = *link;
        keel_term body = envelope->body;
        if (envelope->kind == KL_SYSTEM) {
            break;
        }
        if (envelope->kind == KL_MESSAGE && keel_tuple_size(body) == 3) {
            keel_term tag = keel_element(body, 0);
            if (keel_is(tag, system)
                    || (keel_is(tag, EXIT) && parent.word != 0
                               && keel_element(body, 1).word == parent.word)) {
                break;
            }
        }
    }
    return link;
}

// What kind of message a plain term is to a handler.
static void classify(struct kl_process *self, keel_message *message)
{
    keel_term body = message->body;
    size_t size = keel_tuple_size(body);
    if (size != 2 && size != 3) {
        return;
    }
    keel_term tag = keel_element(body, 0);
    if (size == 2) {
        if (keel_is(tag, $gen_cast)) {
            message->kind = KEEL_MESSAGE_CAST;
            message->body = keel_element(body, 1);
        }
        return;
    }
    keel_term second = keel_element(body, 1);
    if (keel_is(tag, EXIT)) {
        if (self->ancestors != NULL && (self->flags & KL_STARTED) != 0
                && second.word == self->ancestors->pid.word) {
            message->kind = KEEL_MESSAGE_PARENT_EXIT;
            message->body = keel_element(body, 2);
        }
        return;
    }
    bool call = keel_is(tag, $gen_call);
    if ((call || keel_is(tag, system)) && keel_tuple_size(second) == 2
            && keel_is_pid(keel_element(second, 0))) {
        message->kind = call ? KEEL_MESSAGE_CALL : KEEL_MESSAGE_SYSTEM;
        message->from = keel_from_of_term(second);
        message->body = keel_element(body, 2);
    }
}

static void fill_message(struct kl_process *self, struct kl_activation *activation,
        struct kl_envelope *envelope, keel_message *message)
{
    static const keel_message_kind kinds[] = {KEEL_MESSAGE_INFO, KEEL_MESSAGE_CALL,
            KEEL_MESSAGE_SYSTEM, KEEL_MESSAGE_CAST};
    uint8_t kind = envelope->kind;
    message->kind = kinds[kind];
    if (kind == KL_CALL || kind == KL_SYSTEM) {
        message->from.pid.word = envelope->from;
        message->from.tag.word = envelope->ref;
        activation->serving_deadline = envelope->deadline;
        activation->serving_flags = envelope->flags;
    }
    message->body = kl_envelope_open(envelope, &activation->heap);
    if (kind == KL_MESSAGE) {
        classify(self, message);
    }
    if (message->kind == KEEL_MESSAGE_CALL || message->kind == KEEL_MESSAGE_SYSTEM) {
        activation->serving = message->from;
    }
}

// Takes the next message of a handler into `message`; false when there is none now.
static bool next_message(struct kl_process *self, struct kl_activation *activation,
        keel_message *message)
{
    *message = (keel_message){KEEL_MESSAGE_AGAIN, KEEL_NONE, {{0}, {0}}};
    if ((self->flags & KL_AGAIN) != 0) {
        return true;
    }
    if (self->head == NULL) {
        kl_take(self);
        if ((self->flags & KL_DYING) != 0 || self->suspended > 0) {
            return false;
        }
    }
    struct kl_envelope **link = next_link(self);
    if (*link != NULL) {
        struct kl_envelope *envelope = kl_mailbox_remove(self, link);
        kl_store_relaxed(&self->messages_in, self->messages_in + 1);
        fill_message(self, activation, envelope, message);
        return true;
    }
    message->kind = KEEL_MESSAGE_TIMEOUT;
    return (self->flags & KL_TIMED_OUT) != 0;
}

// Handles messages until there are none or others should have a turn.
static void serve(struct kl_process *self, struct kl_activation *activation)
{
    const keel_handler *handler = self->entry;
    keel_message message;
    while (next_message(self, activation, &message)) {
        self->flags &= ~(uint32_t)(KL_TIMED_OUT | KL_AGAIN);
        self->deadline = INT64_MAX;
        keel_next next = handler->receive(self->state, &message);
        if (activation->serving.tag.word != 0) {
            kl_call_defer(self, activation);
        }
        activation->serving_deadline = INT64_MAX;
        follow(self, next);
        kl_heap_reset(&activation->heap);
        if (self->suspended > 0) {
            break;
        }
        kl_store_relaxed(&self->reductions, self->reductions + 1);
        if (activation->budget == 0) {
            activation->again = true;
            break;
        }
        activation->budget--;
        kl_observable();
    }
    self->flags &= ~(uint32_t)KL_CHANGED;
}

static void handler_main(void *argument)
{
    struct kl_activation *activation = argument;
    struct kl_process *self = activation->process;
    const keel_handler *handler = self->entry;
    if ((self->flags & KL_BORN) == 0) {
        keel_term term = be_born(self, activation);
        self->state = kl_pool_alloc(handler->state_bytes);
        if (self->state == NULL && handler->state_bytes != 0) {
            kl_exit_now(self, KL_ATOM(system_limit), 0);
        }
        __builtin_memset(self->state, 0, handler->state_bytes);
        follow(self, handler->start(self->state, term));
        keel_gen_ack(KL_ATOM(ok)); // for a start that acknowledged nothing itself
        kl_heap_reset(&activation->heap);
    }
    serve(self, activation);
}

void kl_turn_enter(
        struct kl_process *self, const keel_handler *handler, void *state, keel_next first)
{
    // The body's frames end here; the state and the reason to go on are all that is left.
    self->entry = handler;
    self->state = state;
    self->flags |= KL_HANDLER | KL_ENTERED;
    follow(self, first);
    kl_fiber_finish();
}

static void failed_main(void *argument)
{
    struct kl_activation *activation = argument;
    struct kl_process *self = activation->process;
    const keel_handler *handler = self->entry;
    keel_next next = handler->failed(self->state, self->exit_reason);
    if (next.action != KEEL_NEXT_EXIT) {
        self->flags &= ~(uint32_t)(KL_ERROR | KL_FAULT);
    }
    if (activation->serving.tag.word != 0) {
        kl_call_defer(self, activation);
    }
    activation->serving_deadline = INT64_MAX;
    follow(self, next);
    keel_gen_ack(KL_ATOM(ok));
    activation->failures = 0;
    kl_heap_reset(&activation->heap);
    serve(self, activation);
}
