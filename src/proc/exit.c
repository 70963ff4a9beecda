// How a process ends.
//
// The order matters:
// 1. deferred functions run, the process still exists for them;
// 2. the door closes: whatever comes later is answered as sent to a dead process;
// 3. the name becomes free, before anybody hears of the end, or a supervisor that
//    restarts the child would find it taken;
// 4. links, monitors and callers hear of it;
// 5. memory goes; 6. whoever waits in a start hears of it last, so that nothing is left
//    of the child when its start returns; 7. the slot is free for the next generation.

#include "event.h"
#include "proc.h"
#include "process.h"
#include <pthread.h>
#include <signal.h>

void kl_exit_begin(struct kl_process *self, keel_term reason, struct kl_envelope *holder)
{
    if ((self->flags & KL_DYING) != 0) {
        if (holder != NULL) {
            kl_envelope_free(holder);
        }
        return;
    }
    kl_flags_add(self, KL_DYING | KL_CHANGED);
    self->exit_reason = reason;
    self->exit_envelope = holder;
}

// A keel_try under way; lies on the stack of the process.
struct kl_try {
    struct kl_try *outer;
    kl_mark back;
    keel_term reason;
};

_Noreturn void kl_exit_now(struct kl_process *self, keel_term reason, uint32_t flags)
{
    struct kl_try *innermost = kl_activation(self)->tries;
    if (innermost != NULL && (flags & KL_ESCAPED) != 0 && (self->flags & KL_DYING) == 0) {
        innermost->reason = reason;
        KL_MARK_JUMP(innermost->back);
    }
    if ((self->flags & KL_DYING) == 0) {
        kl_flags_add(self, flags);
        kl_exit_begin(self, keel_is_none(reason) ? KL_ATOM(undefined) : reason, NULL);
    }
    kl_fiber_finish();
}

static _Noreturn void exit_outside(const char *function)
{
    kl_log(KL_LOG_ERROR, "%s called outside a process: the thread ends", function);
    pthread_exit(NULL);
}

void keel_exit(keel_term reason)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        exit_outside("keel_exit");
    }
    if (keel_is_none(reason)) {
        keel_error(KL_ATOM(badarg));
    }
    kl_exit_now(self, reason, KL_ESCAPED);
}

keel_status keel_try(void (*fn)(void *context), void *context, keel_term *ret_reason)
{
    struct kl_process *self = kl_process_current();
    if (fn == NULL || ret_reason == NULL) {
        return KEEL_E_BADARG;
    }
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    struct kl_activation *activation = kl_activation(self);
    struct kl_try attempt = {.outer = activation->tries};
    activation->tries = &attempt;
    if (KL_MARK_SET(attempt.back) == 0) {
        fn(context);
        activation->tries = attempt.outer;
        return KEEL_OK;
    }
    activation->tries = attempt.outer;
    *ret_reason = attempt.reason;
    return KEEL_E_EXIT;
}

static keel_term explain(struct kl_process *self, const uintptr_t *pcs, size_t count)
{
    kl_store_relaxed(&self->flags, self->flags | KL_EXPLAINING);
    keel_term trace = kl_exit_stacktrace(pcs, count);
    kl_store_relaxed(&self->flags, self->flags & ~(uint32_t)KL_EXPLAINING);
    return trace;
}

// The stack of the calling process, from the caller of the function that asks.
static keel_term own_stacktrace(void)
{
    struct kl_stack *stack = kl_fiber_current();
    uintptr_t pcs[32];
    size_t count = 0;
    if (stack != NULL) {
        count = kl_symbol_walk((uintptr_t)__builtin_return_address(0),
                *(const uintptr_t *)__builtin_frame_address(0), (uintptr_t)stack->low,
                (uintptr_t)stack->high, pcs, 32);
    }
    return explain(kl_process_current(), pcs, count);
}

void keel_error(keel_term reason)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        exit_outside("keel_error");
    }
    reason = keel_is_none(reason) ? KL_ATOM(badarg) : reason;
    kl_exit_now(self, keel_tuple_of(reason, own_stacktrace()), KL_ERROR | KL_ESCAPED);
}

void keel_assert_failed(const char *text, const char *file, int line)
{
    text = text != NULL ? text : "";
    file = file != NULL ? file : "";
    if (kl_process_current() == NULL) {
        kl_log(KL_LOG_ERROR, "assertion failed outside a process: %s (%s:%d)", text, file,
                line);
        exit_outside("KEEL_ASSERT");
    }
    keel_error(keel_tuple_of(
            keel_atom(assertion), keel_string(text), keel_string(file), keel_int(line)));
}

keel_term kl_exit_stacktrace(const uintptr_t *pcs, size_t count)
{
    keel_term frames[32];
    for (size_t i = 0; i < count; i++) {
        struct kl_symbol symbol;
        kl_symbol_resolve(pcs[i], &symbol);
        keel_term function = symbol.function == NULL ? keel_format("0x%zx", (size_t)pcs[i])
                                                     : keel_string(symbol.function);
        keel_term place = symbol.file == NULL
                                  ? keel_nil()
                                  : keel_list_of(keel_tuple_of(keel_atom(file),
                                                         keel_string(symbol.file)),
                                            keel_tuple_of(keel_atom(line),
                                                    keel_int(symbol.line)));
        frames[i] = keel_tuple_of(function, place);
    }
    return keel_list(frames, count);
}

static keel_term fault_cause(const struct kl_fault *fault)
{
    if (fault->stack_overflow) {
        return keel_atom(stack_overflow);
    }
    switch (fault->signal) {
    case SIGSEGV:
        return keel_tuple_of(keel_atom(sigsegv), keel_uint(fault->address));
    case SIGBUS:
        return keel_tuple_of(keel_atom(sigbus), keel_uint(fault->address));
    case SIGFPE:
        return keel_atom(sigfpe);
    case SIGILL:
        return keel_atom(sigill);
    default:
        return keel_atom(abort);
    }
}

void kl_exit_begin_fault(struct kl_process *self, const struct kl_fault *fault)
{
    if ((self->flags & KL_DYING) != 0) {
        return; // in a deferred function
    }
    struct kl_heap *before = kl_heap_use(&kl_activation(self)->heap);
    keel_term trace = explain(self, fault->pcs, fault->frames);
    keel_term reason = keel_tuple_of(fault_cause(fault), trace);
    kl_heap_use(before);
    kl_flags_add(self, KL_FAULT | KL_ESCAPED);
    kl_exit_begin(self, reason, NULL);
}

// A tuple that lies on the C stack, for what copies it at once.
struct loose_tuple {
    uint64_t header;
    keel_term item[5];
};

struct kl_envelope *kl_exit_envelope(
        enum kl_envelope_kind kind, keel_pid from, keel_term reason)
{
    const struct loose_tuple body = {
            kl_tuple_header(3), {KL_ATOM(EXIT), keel_from_pid(from), reason}};
    struct kl_envelope *envelope = kl_envelope_new(kind, (keel_term){(uintptr_t)&body});
    if (envelope != NULL) {
        envelope->from = from.word;
    }
    return envelope;
}

keel_status keel_process_exit(keel_pid pid, keel_term reason)
{
    if (!keel_is_pid(keel_from_pid(pid)) || keel_is_none(reason)) {
        return KEEL_E_BADARG;
    }
    kl_observable();
    keel_pid self = keel_self();
    if (!kl_pid_is_local(pid)) {
        if (kl_route != NULL) {
            kl_route->exit(self, pid, reason);
        }
        return KEEL_OK;
    }
    if (kl_process_find(pid) == NULL) {
        return KEEL_OK;
    }
    keel_scope scope = keel_scope_open();
    // From outside the signal comes from no process: the receiver itself stands in.
    struct kl_envelope *envelope = kl_exit_envelope(
            KL_EXIT, self.word != 0 ? self : pid, reason);
    keel_scope_close(&scope);
    if (envelope == NULL) {
        return KEEL_E_NOMEM;
    }
    if (self.word == 0) {
        envelope->from = 0;
    }
    kl_deliver(pid, envelope);
    if (self.word == pid.word) { // to oneself it acts at once
        struct kl_process *process = kl_process_current();
        kl_take(process);
        kl_end_if_dying(process);
    }
    return KEEL_OK;
}

// --- the end ---

static void defers_main(void *argument)
{
    struct kl_process *self = ((struct kl_activation *)argument)->process;
    while (self->extras->defers != NULL) {
        struct kl_defer defer = *self->extras->defers;
        kl_pool_free(self->extras->defers, sizeof defer);
        self->extras->defers = defer.next;
        defer.fn(defer.arg);
    }
}

// Runs what was deferred, each function once; one that faults or exits is left behind.
static void run_defers(struct kl_process *self)
{
    if (self->extras == NULL || self->extras->defers == NULL) {
        return;
    }
    if (self->stack == NULL) {
        struct kl_stack *stack = kl_stack_acquire(0);
        if (stack == NULL) {
            kl_log(KL_LOG_ERROR, "no stack for the deferred functions of a process");
            return;
        }
        stack->owner = self;
        stack->site = self->entry;
        kl_store_relaxed(&self->stack, stack);
        struct kl_activation *activation = stack->scratch;
        *activation = (struct kl_activation){.process = self};
        kl_heap_init(&activation->heap, activation + 1,
                stack->scratch_bytes - sizeof *activation);
    }
    kl_flags_add(self, KL_FINAL);
    struct kl_activation *activation = kl_activation(self);
    while (self->extras->defers != NULL) {
        kl_fiber_prepare(self->stack, defers_main, activation);
        kl_process_current_set(self);
        kl_heap_use(&activation->heap);
        if (kl_fiber_resume(self->stack) == KL_FIBER_YIELDED) {
            kl_fiber_abandon(self->stack);
        }
        kl_heap_use(NULL);
        kl_process_current_set(NULL);
    }
}

// While the door is open: an alarm that rings at a closed one is freed there, by the thread
// that rings it, and may not be looked at here any more.
static void stop_alarm(struct kl_process *self)
{
    if (self->alarm != NULL && kl_timer_cancel(&self->alarm->timer)) {
        kl_pool_free(self->alarm, sizeof *self->alarm);
    }
    self->alarm = NULL; // one that rings now comes through the door, or finds it closed
}

static void close_door(struct kl_process *self)
{
    // Full barrier: pairs with kl_name_release and keel_register.
    uintptr_t chain = __atomic_exchange_n(&self->door, KL_DOOR_CLOSED, __ATOMIC_SEQ_CST);
    kl_act_on(self, (struct kl_envelope *)chain);
}

static void tell_link(struct kl_relation *link, keel_pid self, keel_term reason)
{
    if (link->connection != 0) {
        kl_route->link_exit(link->connection, self, link->pid, reason);
        return;
    }
    struct kl_envelope *envelope = kl_exit_envelope(KL_LINK_EXIT, self, reason);
    if (envelope != NULL) {
        kl_deliver(link->pid, envelope);
    }
}

static void tell_watcher(struct kl_relation *watcher, keel_pid self, keel_term reason)
{
    keel_term tag = keel_is_none(watcher->tag) ? KL_ATOM(DOWN) : watcher->tag;
    keel_term object = keel_is_none(watcher->object) ? keel_from_pid(self)
                                                     : watcher->object;
    if (watcher->connection != 0) { // the other node makes the message
        kl_route->down(watcher->connection, object, watcher->pid, watcher->tag, reason);
        return;
    }
    const struct loose_tuple down = {
            kl_tuple_header(5), {tag, {watcher->key}, KL_ATOM(process), object, reason}};
    struct kl_envelope *envelope = kl_envelope_new(KL_DOWN, (keel_term){(uintptr_t)&down});
    if (envelope != NULL) {
        envelope->from = self.word;
        envelope->ref = watcher->key;
        kl_deliver(watcher->pid, envelope);
    }
}

static void tell_plain(
        struct kl_relation *relation, keel_pid self, enum kl_envelope_kind kind)
{
    if (kl_process_find(relation->pid) == NULL) {
        return;
    }
    struct kl_envelope *envelope = kl_envelope_new(kind, KEEL_NONE);
    if (envelope != NULL) {
        envelope->from = self.word;
        envelope->ref = relation->key;
        envelope->flags = relation->kind == KL_REL_REQUEST ? KL_ASYNC : 0;
        kl_deliver(relation->pid, envelope);
    }
}

static void tell(struct kl_process *self, struct kl_relation *relation, keel_pid pid)
{
    keel_term reason = self->exit_reason;
    switch ((enum kl_relation_kind)relation->kind) {
    case KL_REL_LINK:
        if ((relation->flags & KL_REL_INACTIVE) == 0) {
            tell_link(relation, pid, reason);
        }
        break;
    case KL_REL_WATCHER:
        tell_watcher(relation, pid, reason);
        break;
    case KL_REL_MONITOR:
        if (relation->connection == 0) {
            tell_plain(relation, pid, KL_DEMONITOR);
        } else {
            keel_term target = keel_is_none(relation->object) ? keel_from_pid(relation->pid)
                                                              : relation->object;
            kl_route->demonitor(
                    relation->connection, pid, target, (keel_ref){relation->key});
        }
        break;
    case KL_REL_OWED:
        kl_call_fail(relation->pid, relation->key, 0, reason);
        break;
    case KL_REL_REQUEST:
        tell_plain(relation, pid, KL_SETTLED);
        break;
    }
}

static void tell_everybody(struct kl_process *self)
{
    keel_pid pid = kl_process_pid(self);
    if (kl_event_wanted()) {
        kl_event_tell_exit(self);
    }
    // Room for the usual messages, which carry a short reason.
    uint64_t room[64];
    struct kl_heap heap;
    kl_heap_init(&heap, room, sizeof room);
    struct kl_heap *before = kl_heap_use(&heap);
    if (self->stack != NULL && kl_activation(self)->serving.tag.word != 0) {
        keel_from caller = kl_activation(self)->serving;
        if (kl_is_call_ref(caller.tag.word)) {
            kl_call_fail(caller.pid, caller.tag.word, 0, self->exit_reason);
        }
    }
    if (self->head != NULL) {
        kl_mailbox_drop_all(self, true);
    }
    // First those whom one who has heard of the end by a monitor may ask about it: servers,
    // that owe this process nothing any more, and a supervisor, whose child has ended.
    if (self->await_ref != 0) {
        struct kl_relation call = {.pid = self->waiting_for, .key = self->await_ref};
        // Before the server hears of it: see rule 2 of call.c.
        kl_store_relaxed(&self->await_ref, (uint64_t)0);
        tell_plain(&call, pid, KL_SETTLED);
    }
    for (struct kl_relation *next = self->relations; next != NULL;) {
        struct kl_relation *relation = next;
        next = next->next;
        if (relation->kind == KL_REL_LINK || relation->kind == KL_REL_REQUEST) {
            tell(self, relation, pid);
            kl_relation_remove(self, relation);
        }
    }
    while (self->relations != NULL) {
        struct kl_relation *relation = self->relations;
        tell(self, relation, pid);
        kl_relation_remove(self, relation);
        kl_heap_reset(&heap);
    }
    if (self->extras != NULL) {
        kl_suspensions_release(self);
    }
    if (self->timers != 0) {
        kl_timers_forget(self);
    }
    kl_heap_use(before);
    kl_heap_done(&heap);
}

// Who waits for this process to start, taken from wherever that is noted.
static keel_from take_starter(struct kl_process *self)
{
    keel_from starter = {{0}, {0}};
    if ((self->flags & KL_BORN) == 0 && self->state != NULL) {
        struct kl_envelope *birth = self->state;
        starter.pid.word = birth->from;
        starter.tag.word = birth->ref;
        kl_envelope_free(birth);
        self->state = NULL;
    } else if (self->stack != NULL) {
        starter = kl_activation(self)->starter;
    }
    return starter;
}

static void release_memory(struct kl_process *self)
{
    if (self->reply != NULL) {
        kl_envelope_free(self->reply);
        self->reply = NULL;
    }
    if ((self->flags & (KL_HANDLER | KL_ENTERED)) == KL_HANDLER && self->state != NULL) {
        kl_pool_free(self->state, ((const keel_handler *)self->entry)->state_bytes);
    }
    self->state = NULL;
    kl_owned_free_all(self);
    kl_extras_free(self);
    struct kl_ancestor *ancestors = self->ancestors;
    kl_store_relaxed(&self->ancestors, NULL); // inspection may look
    kl_ancestor_unref(ancestors, 1);
    if (self->stack != NULL) {
        struct kl_stack *stack = self->stack;
        if (kl_activation(self)->message != NULL) {
            kl_envelope_free(kl_activation(self)->message);
        }
        kl_heap_done(&kl_activation(self)->heap);
        kl_store_relaxed(&self->stack, NULL);
        kl_stack_release(stack);
    }
    if (self->exit_envelope != NULL) {
        kl_envelope_free(self->exit_envelope);
        self->exit_envelope = NULL;
    }
}

// What the starter hears of a child that did not acknowledge.
static struct kl_envelope *start_failure(struct kl_process *self)
{
    if ((self->flags & KL_INIT_FAILED) == 0) {
        return kl_envelope_new(KL_REPLY, self->exit_reason);
    }
    keel_scope scope = keel_scope_open();
    struct kl_envelope *failure = kl_envelope_new(KL_REPLY,
            keel_tuple_of(keel_atom_text("$init_fail"), self->extras->init_failure));
    keel_scope_close(&scope);
    return failure;
}

void kl_exit_finish(struct kl_process *self)
{
    kl_store_relaxed(&self->status, KL_EXITING);
    if (self->stack != NULL) {
        kl_fiber_abandon(self->stack); // the frames of one that was killed while it waited
    }
    run_defers(self);
    kl_take(self);
    if ((self->flags & (KL_ERROR | KL_FAULT | KL_STARTED)) != 0) { // else nobody is told
        kl_crash_report(self, self->exit_reason);
    }
    stop_alarm(self);
    close_door(self);
    kl_name_release(self);
    if (self->extras != NULL) {
        kl_alias_release_all(self);
    }
    tell_everybody(self);
    keel_from starter = take_starter(self);
    struct kl_envelope *failure = NULL;
    if (starter.tag.word != 0) {
        failure = start_failure(self);
    }
    release_memory(self);
    kl_store_relaxed(&self->status, KL_FREE);
    // Release: whoever sees the next generation sees a process that has ended.
    kl_store_release(&self->generation, self->generation + 1);
    kl_table_give(self);
    if (failure != NULL) {
        failure->ref = starter.tag.word;
        failure->flags = KL_FAILED;
        kl_deliver(starter.pid, failure);
    }
}
