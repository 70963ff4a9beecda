// Starting a process and waiting until it says that it has started: proc_lib's start.
//
// The child owes its starter an answer from the beginning, as if it served a call: an
// acknowledgement, a failure, or, when it just ends, its reason, which kl_exit_finish sends
// when nothing of the child is left.

#include "proc.h"
#include "process.h"

static bool is_exit_of(keel_term message, void *context)
{
    keel_pid *child = context;
    return keel_tuple_size(message) == 3 && keel_is(keel_element(message, 0), EXIT) &&
           keel_element(message, 1).word == child->word;
}

// A linked child that failed to start leaves no EXIT behind.
static void take_exit(keel_pid child)
{
    keel_term message;
    keel_status status = keel_receive_where(is_exit_of, &child, KEEL_AT_ONCE, &message);
    (void)status; // there is none when the starter does not trap
}

// The child did not acknowledge in time: it is killed, and gone when this returns.
static void kill_late(struct kl_process *self, keel_pid child, keel_ref ref, bool link)
{
    // Before anything else: an acknowledgement that comes now must not be dropped, or
    // nobody would answer any more.
    kl_store_relaxed(&self->await_ref, ref.word);
    if (link) {
        keel_unlink(child);
    }
    keel_process_exit(child, KL_ATOM(kill));
    struct kl_envelope *answer = NULL;
    if (kl_await(self, child, KEEL_WAIT_START, INT64_MAX, &answer) == KEEL_OK) {
        if ((answer->flags & KL_FAILED) == 0) {
            // It acknowledged at the last moment; its end is still to come.
            kl_envelope_free(answer);
            keel_ref monitor = keel_monitor(child);
            keel_status status = keel_receive_match(
                    KEEL_NEVER, "{'DOWN', ^Ref, process, _, _}", monitor);
            (void)status;
        } else {
            kl_envelope_free(answer);
        }
    }
}

static keel_status outcome(struct kl_process *self, struct kl_envelope *answer,
        keel_pid child, bool link, keel_term *ret_ack)
{
    uint8_t flags = answer->flags;
    keel_term body = kl_envelope_open(answer, &kl_activation(self)->heap);
    if ((flags & KL_FAILED) == 0) {
        *ret_ack = body;
        return KEEL_OK;
    }
    if (link) {
        take_exit(child);
    }
    keel_term result;
    if (keel_match(body, "{'$init_fail', Result}", &result)) {
        *ret_ack = result;
        return KEEL_E_CANCELED;
    }
    *ret_ack = body;
    return KEEL_E_EXIT;
}

static keel_status start(const void *entry, uint32_t flags, keel_term argument,
        const keel_spawn_opts *opts, keel_deadline timeout, keel_pid *ret_pid,
        keel_ref *ret_monitor, keel_term *ret_ack)
{
    struct kl_process *self = kl_process_current();
    bool link = opts != NULL && opts->link;
    keel_ref monitor = {0};
    if (opts != NULL && opts->monitor) {
        monitor = keel_make_ref();
    }
    keel_ref ref = kl_call_ref();
    kl_store_relaxed(&self->await_ref, ref.word);
    keel_from starter = {kl_process_pid(self), keel_from_ref(ref)};
    keel_pid child;
    keel_status status = kl_spawn(
            entry, flags | KL_STARTED, argument, opts, monitor, starter, &child);
    if (status != KEEL_OK) {
        kl_store_relaxed(&self->await_ref, 0);
        if (status == KEEL_E_TAKEN) {
            *ret_ack = keel_from_pid(keel_whereis_term(opts->name));
        }
        return status;
    }
    if (ret_monitor != NULL) {
        *ret_monitor = monitor;
    }
    if (ret_pid != NULL) {
        *ret_pid = child;
    }
    struct kl_envelope *answer;
    if (kl_await(self, child, KEEL_WAIT_START, timeout.at, &answer) != KEEL_OK) {
        kill_late(self, child, ref, link);
        return KEEL_E_TIMEOUT; // the monitor tells of the end, as of any other
    }
    return outcome(self, answer, child, link, ret_ack);
}

// From outside a process starts it, in the thread's place.
struct outside_start {
    const void *entry;
    uint32_t flags;
    keel_term argument;
    const keel_spawn_opts *opts;
    keel_deadline timeout;
    keel_pid pid;
    keel_term ack; // in `heap`
    keel_status status;
    struct kl_heap heap;
    uint32_t done; // futex word
};

static void outside_done(void *context)
{
    struct outside_start *start = context;
    kl_store_release(&start->done, 1);
    kl_futex_wake(&start->done, 1);
}

static void outside_body(keel_term argument)
{
    struct outside_start *outside = keel_to_pointer(argument, NULL);
    kl_flags_add(kl_process_current(), KL_STAND_IN);
    keel_defer(outside_done, outside);
    keel_term ack = KEEL_NONE;
    outside->status = start(outside->entry, outside->flags, outside->argument,
            outside->opts, outside->timeout, &outside->pid, NULL, &ack);
    if (!keel_is_none(ack)) {
        outside->ack = kl_heap_copy(&outside->heap, ack);
    }
}

static keel_status start_outside(
        struct outside_start *outside, keel_pid *ret_pid, keel_term *ret_ack)
{
    kl_heap_init(&outside->heap, NULL, 0);
    outside->status = KEEL_E_STOPPED;
    keel_pid stand_in;
    keel_status status = keel_spawn_opt(
            outside_body, keel_pointer(outside), NULL, &stand_in, NULL);
    if (status != KEEL_OK) {
        return status;
    }
    while (!kl_runtime_await(&outside->done)) {
        // Simulated, and the child can never acknowledge. The stand-in uses our memory.
        outside->status = KEEL_E_TIMEOUT;
        keel_process_exit(stand_in, KL_ATOM(kill));
    }
    if (ret_pid != NULL && outside->pid.word != 0) {
        *ret_pid = outside->pid;
    }
    if (!keel_is_none(outside->ack)) {
        *ret_ack = kl_heap_copy(kl_heap_current(), outside->ack);
    }
    kl_heap_done(&outside->heap);
    return outside->status;
}

static keel_status start_anywhere(const void *entry, uint32_t flags, keel_term argument,
        const keel_spawn_opts *opts, keel_deadline timeout, keel_pid *ret_pid,
        keel_ref *ret_monitor, keel_term *ret_ack)
{
    keel_term unwanted;
    ret_ack = ret_ack != NULL ? ret_ack : &unwanted;
    if (!kl_runtime.running) {
        return KEEL_E_STOPPED;
    }
    if (kl_process_current() != NULL) {
        return start(entry, flags, argument, opts, timeout, ret_pid, ret_monitor, ret_ack);
    }
    if (opts != NULL && (opts->link || opts->monitor)) {
        return KEEL_E_OUTSIDE;
    }
    struct outside_start outside = {.entry = entry,
            .flags = flags,
            .argument = argument,
            .opts = opts,
            .timeout = timeout};
    return start_outside(&outside, ret_pid, ret_ack);
}

keel_status keel_gen_start(const keel_handler *handler, keel_term argument,
        const keel_spawn_opts *opts, keel_deadline timeout, keel_pid *ret_pid,
        keel_ref *ret_monitor, keel_term *ret_ack)
{
    if (handler == NULL || handler->start == NULL || handler->receive == NULL) {
        return KEEL_E_BADARG;
    }
    return start_anywhere(
            handler, KL_HANDLER, argument, opts, timeout, ret_pid, ret_monitor, ret_ack);
}

keel_status keel_start_body(keel_body body, keel_term argument, const keel_spawn_opts *opts,
        keel_deadline timeout, keel_pid *ret_pid, keel_ref *ret_monitor, keel_term *ret_ack)
{
    return start_anywhere((const void *)(uintptr_t)body, 0, argument, opts, timeout,
            ret_pid, ret_monitor, ret_ack);
}

// --- in the child ---

void keel_gen_ack(keel_term ack)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL || self->stack == NULL) {
        return;
    }
    keel_from *starter = &kl_activation(self)->starter;
    if (starter->tag.word == 0) {
        return;
    }
    struct kl_envelope *envelope = kl_envelope_new(
            KL_REPLY, keel_is_none(ack) ? KL_ATOM(ok) : ack);
    if (envelope == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    envelope->ref = starter->tag.word;
    keel_pid to = starter->pid;
    *starter = (keel_from){{0}, {0}};
    kl_deliver(to, envelope);
    kl_observable();
}

void keel_gen_fail(keel_term result, keel_term reason)
{
    struct kl_process *self = kl_process_current();
    if (self != NULL && kl_activation(self)->starter.tag.word != 0) {
        kl_flags_add(self, KL_INIT_FAILED);
        kl_extras(self)->init_failure = keel_keep(result);
    }
    keel_exit(reason);
}

bool keel_gen_started(void)
{
    struct kl_process *self = kl_process_current();
    return self != NULL && (self->flags & KL_STARTED) != 0;
}

void keel_gen_enter(const keel_handler *handler, void *state, keel_next first)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL || handler == NULL || handler->receive == NULL ||
            (self->flags & KL_HANDLER) != 0) {
        keel_error(KL_ATOM(badarg));
    }
    // A starter that still waits hears of our end, as one whose call we owe.
    keel_from *starter = &kl_activation(self)->starter;
    if (starter->tag.word != 0) {
        kl_call_owe(self, *starter, 0);
        *starter = (keel_from){{0}, {0}};
    }
    kl_turn_enter(self, handler, state, first);
}
