#ifndef KL_PROC_PROCESS_H
#define KL_PROC_PROCESS_H

// The record of a process and what the files of this room do with it.

#include "base/base.h"
#include "envelope.h"
#include "sched/sched.h"
#include "slots.h"
#include "term/term.h"
#include <keel/gen.h>
#include <keel/inspect.h>
#include <keel/runtime.h>
#include <keel/timer.h>

// --- the door ---
//
// `door` holds KL_DOOR_IDLE (nobody runs the process and nothing waits for it),
// KL_DOOR_CLOSED (it has ended), or the newest envelope of a LIFO chain, NULL when the
// chain is empty but the process is scheduled or running. Rules:
// 1. Whoever replaces IDLE, by an envelope or by an empty chain, owns the process until it
//    wakes the task, and nobody else wakes it. If two did, two workers would run one
//    process.
// 2. Only the owner (the turn under way) writes IDLE, and only over an empty chain. If it
//    wrote it over a chain, those messages would wait for ever.
// 3. An envelope carries the generation it was meant for; the owner answers those of an
//    earlier tenant of the slot as sent to a dead process.
#define KL_DOOR_IDLE ((uintptr_t)1)
#define KL_DOOR_CLOSED ((uintptr_t)2)

enum kl_process_flag {
    KL_TRAP_EXIT = 1, // by the owner
    KL_DYING = 2, // an exit reason is set; finish at the end of the turn
    KL_BORN = 4, // has run: `state` is no longer the birth
    KL_HANDLER = 8, // `entry` is a keel_handler
    KL_STARTED = 16, // by keel_gen_start or keel_start_body
    KL_AGAIN = 32, // the handler wants KEEL_MESSAGE_AGAIN
    KL_HANDLER_SUSPENDED = 64, // takes system messages only
    KL_TIMED_OUT = 128, // the deadline of the wait has passed
    KL_LIMITED = 256, // has a mailbox limit; task.mark tells the senders
    KL_CHANGED = 512, // something a wait may look for has happened
    KL_FAULT = 1024, // ended by a signal
    KL_ERROR = 2048, // ended by a runtime error: keel_error, assertion
    KL_FINAL = 4096, // deferred functions run: no waiting any more
    KL_HAS_LEADER = 8192,
    KL_QUEUE_WATCHED = 16384, // extras->queue_watches is not empty
    KL_ALARMED = 32768, // the queue alarm was given and not yet taken back
    KL_INIT_FAILED = 131072, // keel_gen_fail: extras->init_failure is the starter's result
    KL_ENTERED = 262144, // keel_gen_enter: the state is keel_alloc's
    KL_ESCAPED = 524288, // left a callback by keel_exit, keel_error or a fault
    KL_STAND_IN = 2097152, // acts for a thread outside: its children have no parent
    KL_EXPLAINING = 1048576, // its stack is being made readable: no stall of its own
    KL_LINKED_START = 8388608, // its parent started it with a link
    KL_WARM = 4194304, // its mailbox was fetched for this turn or the next, see warm.c
    KL_REPLACED = 65536, // hibernate_then: born again with the next message
};

enum kl_process_status {
    KL_FREE,
    KL_WAITING,
    KL_RUNNABLE,
    KL_RUNNING,
    KL_SUSPENDED,
    KL_EXITING
};

// Where a process comes from: shared by all children of one parent.
struct kl_ancestor {
    uint32_t refs;
    uint32_t name; // atom index + 1 of the parent's name when it spawned, or 0
    keel_pid pid;
    struct kl_ancestor *next;
};

// Four cache lines. What senders read and write is apart from what the owner writes with
// each message: on two cores they would take the line from each other all the time.
struct kl_process {
    // --- first line: looked at by all, written once a turn or more seldom, but for the
    // door
    struct kl_task task; // its `mark` is true when there is a mailbox limit
    uintptr_t door; // by senders and the owner, see above
    uint32_t slot; // never changes
    uint32_t generation; // changes when the process has ended
    keel_pid parent; // or none
    const char *entry_name; // given by the spawn, or NULL
    uint32_t name; // atom index + 1; guarded by the lock of the names
    uint32_t timers; // index + 1 of the first on its list, see timer_table.c

    // --- second line: by the owner, with every message ---
    uint32_t flags; // enum kl_process_flag, by the owner; read by others as hints
    uint32_t queue_len;
    struct kl_envelope *head; // the mailbox
    struct kl_envelope **tail;
    struct kl_stack *stack; // while it runs or waits on one
    const void *entry; // keel_handler, or a keel_body
    void *state; // of a handler; before it has run the KL_BIRTH
    struct kl_extras *extras; // what few processes have
    uint64_t messages_in;

    // --- third line: by the owner, with every turn or call ---
    uint64_t reductions;
    int64_t deadline; // of the present wait
    uint64_t await_ref; // of the answer it waits for; others peek
    struct kl_envelope *reply; // that answer
    keel_pid waiting_for;
    int64_t waiting_since;
    size_t heap_bytes; // of the terms on its stack, when it last gave way
    uint8_t status; // enum kl_process_status
    uint8_t wait; // enum keel_wait
    bool suspended; // some suspend is not resumed
    uint8_t turns; // counted to find one of 64
    uint32_t relation_count;

    // --- fourth line: by the owner ---
    struct kl_relation *relations; // links, monitors, calls owed
    struct kl_alarm *alarm; // armed; it may be for an earlier deadline
    struct kl_owned *owned; // keel_alloc, keel_keep
    size_t owned_bytes;
    struct kl_ancestor *ancestors;
    int64_t run_ns; // estimated from samples
    keel_term exit_reason; // while dying
    struct kl_envelope *exit_envelope; // what holds it, if not the heap
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct kl_process) == 256, "a process is four cache lines");

// The flags are written by the owner alone, in one piece: others read them as hints.
static inline void kl_flags_add(struct kl_process *self, uint32_t flags)
{
    kl_store_relaxed(&self->flags, self->flags | flags);
}
static inline void kl_flags_drop(struct kl_process *self, uint32_t flags)
{
    kl_store_relaxed(&self->flags, self->flags & ~flags);
}

// What few processes have, made when first needed.
struct kl_extras {
    struct kl_defer *defers; // newest first
    struct kl_pair *dictionary;
    keel_term label; // kept
    keel_term init_failure; // kept
    keel_pid leader;
    struct kl_ancestor *as_ancestor; // of its children
    uint32_t ancestor_spare; // references to it that are counted, but nobody's yet
    struct kl_hash *relation_index; // when there are many relations
    struct kl_envelope **first_end; // behind the last priority message
    struct kl_queue_watch *queue_watches;
    struct kl_suspension *suspensions; // of others, by this process
    uint64_t suspends; // of this process by others, not resumed
    int64_t suspended_at; // when the first of them came
    size_t max_memory;
    size_t stack_bytes;
    keel_priority priority;
    uint32_t aliases; // active ones
    struct kl_alias *alias_list;
    // --- read and counted by senders too, even when the process has ended ---
    size_t mailbox_limit;
    // Messages sent to a limited mailbox and not yet taken; above 32 bits whose they are: a
    // sender that comes too late does not count against the slot's next tenant.
    uint64_t mailbox_counted;
    uint64_t dropped;
    uint8_t mailbox_policy;
};
static inline uint64_t kl_mailbox_count_of(uint32_t generation)
{
    return (uint64_t)generation << 32; // no messages
}

// What a process has while it holds a stack; lies in the stack's scratch.
struct kl_activation {
    struct kl_heap heap;
    struct kl_process *process;
    keel_from serving; // the call whose callback runs; tag none when answered
    int64_t serving_deadline;
    uint8_t serving_flags; // of its envelope
    struct kl_envelope *message; // what a handler's callback got; freed after it
    keel_message handled; // the same as the handler sees it; for keel_handler.failed
    bool handling; // the above is in use: no longer in start
    keel_from starter; // waits for the ack; zeroed when given
    int64_t began; // when its turn did, INT64_MIN: that is not wanted
    uint32_t budget; // messages handled and sent until it should give way
    uint8_t failures; // of this callback, see keel_handler.failed
    struct kl_try *tries; // innermost keel_try
    bool again; // more to do, put it back into the queue
    bool lends; // its turn to whom it calls
    uint8_t stays; // how often it was allowed more, since many messages wait
    uint32_t afar; // messages in one go to a process of another worker
    struct kl_process *afar_to; // and to which; it may have ended
    bool expects; // the answer of one that runs soon: not worth going idle for
};

struct kl_relation {
    struct kl_relation *next, *prev;
    uint64_t key; // word of the pid of a link, of the reference otherwise; or their hash
    uint8_t kind; // enum kl_relation_kind
    uint8_t flags;
    uint8_t alias; // keel_alias_mode
    uint32_t connection; // that it hangs on, see proc.h; 0: both sides are here
    keel_pid pid; // of the other side; kept when it is of another node
    // Kept, or none: the tag of a DOWN that this process will send, or of one from another
    // node; the reference of a watcher on another node.
    keel_term tag;
    keel_term object; // a watcher's {Name, Node}: kept, or none: the pid
    uint64_t id; // of an unlink under way
};
enum kl_relation_kind {
    KL_REL_LINK,
    KL_REL_MONITOR, // this process watches `pid`
    KL_REL_WATCHER, // `pid` watches this process
    KL_REL_OWED, // `pid` waits for an answer to a call
    KL_REL_REQUEST, // this process sent a request to `pid`
};
enum {
    KL_REL_INACTIVE = 1,
    KL_REL_FIRST = 2,
    KL_REL_QUEUE = 4,
    KL_REL_SHARES_KEY = 8, // or did
};

// An alarm travels to its process as an envelope; the process frees it.
struct kl_alarm {
    struct kl_envelope envelope;
    struct kl_timer timer;
};

// --- extend.c ---
// For the scheduler, while simulated: says which process a task is, and tells who observes.
uint64_t kl_extend_turn(struct kl_task *task);

// --- runtime.c ---
// The runtime's state.
struct kl_runtime {
    bool running;
    bool stopping;
    bool simulated;
    keel_config config;
    int64_t started_at;
    uint64_t dropped;
};
extern struct kl_runtime kl_runtime;

// --- table.c ---
extern struct kl_slots kl_table;
static inline struct kl_process *kl_table_at(
        uint32_t slot) // NULL beyond what was ever used
{
    return kl_slots_at(&kl_table, slot);
}
// The record if `pid` is local and not known to have ended. It may end at any time.
static inline struct kl_process *kl_process_find(keel_pid pid)
{
    if (!kl_pid_is_local(pid)) {
        return NULL;
    }
    struct kl_process *process = kl_table_at(kl_pid_slot(pid));
    // Relaxed: the door tells for certain; this only spares the way there.
    if (process == NULL ||
            kl_load_relaxed(&process->generation) != kl_pid_generation(pid)) {
        return NULL;
    }
    return process;
}
static inline keel_pid kl_process_pid(const struct kl_process *process)
{
    return kl_pid_make(process->slot, process->generation);
}
struct kl_process *kl_table_take(void); // a free record, or NULL
void kl_table_give(struct kl_process *process);
void kl_table_give_back(struct kl_process *process); // one that never was a process
uint32_t kl_table_end(void); // beyond the highest slot ever used
size_t kl_table_count(void);
uint64_t kl_table_spawned(void);
keel_status kl_table_start(size_t max_processes);
void kl_table_stop(void);
size_t kl_table_max(void);
void kl_table_wait_empty(int64_t deadline); // outside, until the count is 0 or deadline

// --- who runs ---
// The process that runs on this thread; read again after every possible switch.
static inline struct kl_process *kl_process_current(void)
{
    return kl_here()->process;
}
static inline void kl_process_current_set(struct kl_process *process)
{
    kl_here()->process = process;
}
static inline struct kl_activation *kl_activation(const struct kl_process *process)
{
    return process->stack->scratch;
}

// --- mailbox.c ---
// Puts `envelope` (taken) through the door of `to`. False when it has ended: the envelope
// was answered as sent to a dead process and is gone.
bool kl_deliver(keel_pid to, struct kl_envelope *envelope);
// The same for who has found the process already.
bool kl_deliver_to(struct kl_process *process, keel_pid to, struct kl_envelope *envelope);
// The same for what counts against a limit; also KEEL_E_OVERLOAD.
keel_status kl_deliver_message(keel_pid to, struct kl_envelope *envelope);
// The same for a call; the answer may be there already when it comes back.
keel_status kl_deliver_call(struct kl_process *self, keel_pid to,
        struct kl_envelope *envelope, int64_t deadline);
// Answers an envelope whose receiver does not exist (any more) and frees it.
void kl_undeliverable(struct kl_envelope *envelope);
// Takes the chain and acts on it in order. Returns false when there was none.
// Acts on a chain in the order it was sent.
void kl_act_on(struct kl_process *self, struct kl_envelope *newest);
bool kl_take_chain(struct kl_process *self);
static inline bool kl_take(struct kl_process *self)
{
    // Relaxed: what comes a moment later is taken a moment later.
    return kl_load_relaxed(&self->door) != 0 && kl_take_chain(self);
}
// Appends to the own mailbox; to that of a process which the caller owns.
void kl_mailbox_append_first(struct kl_process *self, struct kl_envelope *envelope);
static inline void kl_mailbox_append(struct kl_process *self, struct kl_envelope *envelope)
{
    kl_store_relaxed(&self->queue_len, self->queue_len + 1);
    kl_flags_add(self, KL_CHANGED);
    if ((envelope->flags & KL_FIRST) != 0) {
        kl_mailbox_append_first(self, envelope);
        return;
    }
    envelope->next = NULL;
    *self->tail = envelope;
    self->tail = &envelope->next;
}
// Takes the entry that `*link` points to out of the mailbox.
struct kl_envelope *kl_mailbox_remove(struct kl_process *self, struct kl_envelope **link);
// The first entry, which is there; the same as kl_mailbox_remove, for the usual process.
static inline struct kl_envelope *kl_mailbox_pop(struct kl_process *self)
{
    if (self->extras != NULL) {
        return kl_mailbox_remove(self, &self->head);
    }
    struct kl_envelope *envelope = self->head;
    self->head = envelope->next;
    if (envelope->next == NULL) {
        self->tail = &self->head;
    }
    kl_store_relaxed(&self->queue_len, self->queue_len - 1);
    return envelope;
}
void kl_mailbox_drop_all(struct kl_process *self, bool answer);
// The message that an entry of the mailbox is, as a term; calls as OTP's tuples.
// Built in the current heap, unless it is the body itself.
keel_term kl_mailbox_view(struct kl_envelope *envelope);

// --- signal.c ---
void kl_signal(struct kl_process *self, struct kl_envelope *envelope);

// --- turn.c ---
void kl_turn(struct kl_task *task);
// Waits until something new has come through the door or `*deadline` has passed. False
// when it has. Other processes run meanwhile. Only from the process. The time it was
// suspended meanwhile does not count: the deadline moves on by that.
bool kl_wait(struct kl_process *self, enum keel_wait what, int64_t *deadline);

// --- follow.c ---
// Serves the handler that the activation is of, and those that follow; returns the stack to
// go on with, or NULL: the worker's loop is needed.
struct kl_stack *kl_turn_serve(void *activation);
// Lets `server`, idle and taken by the caller, run at once with what is in its mailbox, and
// `self` wait meanwhile: for something new, or until `deadline`. False: that cannot be.
bool kl_turn_lend(struct kl_process *self, struct kl_process *server, int64_t deadline);

// --- serve.c ---
// Handles messages until there are none or others should have a turn.
void kl_serve(struct kl_process *self, struct kl_activation *activation);
// The first functions on a process's stack; their argument is the activation.
void kl_body_main(void *argument);
void kl_handler_main(void *argument);
void kl_failed_main(void *argument); // hears of its own failure
// Whose exit signal ends a handler that traps exits.
keel_pid kl_gen_parent(const struct kl_process *self);
// Makes a handler of a body; does not return.
_Noreturn void kl_turn_enter(
        struct kl_process *self, const keel_handler *handler, void *state, keel_next first);

void kl_give_way(struct kl_process *self);
// Leaves the body or callback when a signal that was taken ends the process. Its deferred
// functions, which run after that, go on.
static inline void kl_end_if_dying(struct kl_process *self)
{
    if ((self->flags & (KL_DYING | KL_FINAL)) == KL_DYING) {
        kl_fiber_finish();
    }
}
// Counts one step of work; gives way when there were many.
static inline void kl_step(struct kl_process *self)
{
    kl_store_relaxed(&self->reductions, self->reductions + 1);
    struct kl_activation *activation = kl_activation(self);
    if (activation->budget > 0) {
        activation->budget--;
    } else if ((self->flags & KL_FINAL) == 0) {
        kl_give_way(self);
    }
}
void kl_observable_simulated(void);
// Where the simulator may switch.
static inline void kl_observable(void)
{
    if (__builtin_expect(kl_runtime.simulated, 0)) {
        kl_observable_simulated();
    }
}

// --- exit.c ---
// Marks the process as dying with `reason`, which lives as long as `holder` (taken; NULL:
// in the process's own heap, or immediate).
void kl_exit_begin(struct kl_process *self, keel_term reason, struct kl_envelope *holder);
void kl_exit_begin_fault(struct kl_process *self, const struct kl_fault *fault);
// Does all that the end of a process entails; on the worker's own stack.
void kl_exit_finish(struct kl_process *self);
// The list of frames of the running process, as in {Reason, Stack}.
keel_term kl_exit_stacktrace(const uintptr_t *pcs, size_t count);
struct kl_envelope *kl_exit_envelope(
        enum kl_envelope_kind kind, keel_pid from, keel_term reason);
_Noreturn void kl_exit_now(struct kl_process *self, keel_term reason, uint32_t flags);

// --- spawn.c ---
// All spawns: `starter` waits for an acknowledgement (zeroed: nobody), `monitor` is the
// reference when opts->monitor.
keel_status kl_spawn(const void *entry, uint32_t flags, keel_term argument,
        const keel_spawn_opts *opts, keel_ref monitor, keel_from starter,
        keel_pid *ret_pid);
// The same, but it does not run before kl_spawn_release.
keel_status kl_spawn_held(const void *entry, keel_term argument,
        const keel_spawn_opts *opts, keel_ref monitor, keel_pid *ret_pid,
        struct kl_process **ret_child);
void kl_spawn_release(struct kl_process *child);

// --- relation.c ---
struct kl_relation *kl_relation_find(struct kl_process *self, uint64_t key);
// NULL when memory is exhausted.
struct kl_relation *kl_relation_add(
        struct kl_process *self, uint64_t key, enum kl_relation_kind kind, keel_pid pid);
void kl_relation_remove(struct kl_process *self, struct kl_relation *relation);
// The same by the pid or reference itself, which may be of another node. Who adds a
// watcher of another node sets `tag` to its reference next.
struct kl_relation *kl_relation_find_term(struct kl_process *self, keel_term identity);
struct kl_relation *kl_relation_add_term(struct kl_process *self, keel_term identity,
        enum kl_relation_kind kind, keel_pid pid);

// --- memory.c ---
struct kl_extras *kl_extras(struct kl_process *self); // makes them; exits when it cannot
void kl_extras_free(struct kl_process *self);
void *kl_owned_alloc(struct kl_process *self, size_t bytes); // self NULL: the program's
void kl_owned_free(struct kl_process *self, void *memory);
void kl_owned_free_all(struct kl_process *self);
void kl_memory_hooks(void);
struct kl_defer {
    struct kl_defer *next;
    void (*fn)(void *);
    void *arg;
};
keel_term kl_keep_for(struct kl_process *self, keel_term term);
static inline void kl_drop_for(struct kl_process *self, keel_term term)
{
    (void)self; // the block knows its owner
    if (!kl_is_immediate(term)) {
        keel_drop(term);
    }
}

// --- warm.c ---
enum {
    KL_WARM_MAILBOX = 64, // from so many messages on it is worth the while
    KL_WARM_CHAIN = 16, // and from so many at a door, whose length nobody knows
};
// The running process begins with a long list, what is left of which is `own`: that, and
// the mailboxes of those whose turns are next, are fetched together.
void kl_warm(struct kl_process *self, const struct kl_envelope *own);

// --- call.c ---
// Answers everything this process owes with `reason`.
void kl_call_fail(keel_pid to, uint64_t ref, uint8_t flags, keel_term reason);
void kl_call_settle(struct kl_process *self, const struct kl_envelope *settled);
// After a callback or at the end: the call being served was not answered yet.
void kl_call_defer(struct kl_process *self, struct kl_activation *activation);
// Notes that `from` is owed an answer, if it waits for one; `flags` of the call's envelope.
void kl_call_owe(struct kl_process *self, keel_from from, uint8_t flags);
void kl_call_reply_arrived(struct kl_process *self, struct kl_envelope *envelope);
// The answer that `self` waits for is there.
static inline void kl_call_take_reply(struct kl_process *self, struct kl_envelope *envelope)
{
    self->reply = envelope;
    kl_store_relaxed(&self->await_ref, 0);
    kl_flags_add(self, KL_CHANGED);
}
keel_ref kl_call_ref(void);
// Waits for the answer with await_ref; the caller opens or frees it.
keel_status kl_await(struct kl_process *self, keel_pid whom, enum keel_wait what,
        int64_t deadline, struct kl_envelope **ret_reply);
keel_status kl_call_outside(keel_term to, keel_term request, enum kl_envelope_kind kind,
        keel_deadline deadline, keel_term *ret_reply);
static inline bool kl_is_call_ref(uint64_t word)
{
    return (word & 15) == 14 && (word >> 61) == 1;
}

// --- remote.c ---
void kl_remote_arrived(struct kl_process *self, struct kl_envelope *envelope);
void kl_remote_undeliverable(const struct kl_envelope *envelope);
void kl_raw_arrived(struct kl_process *self, struct kl_envelope *envelope);

// --- the others, for signal.c and exit.c ---
void kl_link_exit_arrived(struct kl_process *self, struct kl_envelope *envelope);
// Ends a monitor of `self`, whoever runs; false when there was none.
bool kl_demonitor(struct kl_process *self, keel_ref ref);
void kl_down_arrived(struct kl_process *self, struct kl_envelope *envelope);
// The same for one that somebody else does for `self`, which it owns meanwhile. False: this
// needs `self` itself, and nothing was done.
bool kl_down_taken_in(struct kl_process *self, struct kl_envelope *envelope);
void kl_name_release(struct kl_process *self);
void kl_alias_release_all(struct kl_process *self);
void kl_alias_arrived(struct kl_process *self, struct kl_envelope *envelope);
void kl_alias_release(struct kl_process *self, uint64_t ref);
keel_status kl_alias_make(struct kl_process *self, keel_ref ref, uint8_t mode, bool first);
bool kl_alias_active(struct kl_process *self, uint64_t ref);
// For the timer service: names the calling process; who it names, 0 when it has ended.
keel_ref kl_alias_for_timer(void);
keel_pid kl_alias_timer(keel_ref ref);
// Sends a message through an alias; takes the envelope.
void kl_alias_send(keel_ref alias, struct kl_envelope *envelope, bool first);
// An exit signal from exit/2 or a broken link; takes the envelope.
void kl_exit_arrived(struct kl_process *self, struct kl_envelope *envelope, bool linked);
void kl_info_answer(struct kl_process *self, struct kl_envelope *envelope);
void kl_ancestor_unref(struct kl_ancestor *ancestor, uint32_t references);
struct kl_ancestor *kl_ancestor_of(struct kl_process *parent);
void kl_crash_report(struct kl_process *self, keel_term reason);
void kl_timer_forget(uint64_t ref); // its receiver has ended
void kl_timers_forget(struct kl_process *self); // all on the list of one that ends
void kl_timers_pause(struct kl_process *self); // the same of one that is suspended
void kl_timers_go_on(struct kl_process *self); // and resumed
void kl_timer_noted(struct kl_process *self, struct kl_envelope *envelope);
void kl_timer_arrived(struct kl_process *self, struct kl_envelope *envelope);
void kl_queue_check(struct kl_process *self, size_t before);
void kl_queue_watch_add(struct kl_process *self, struct kl_envelope *envelope);
void kl_queue_watch_remove(struct kl_process *self, uint64_t ref);
// Prints symbolised frames, one a line; returns the length.
size_t kl_frames_print(const uintptr_t *pcs, size_t count, char *buffer, size_t size);
const char *kl_process_entry_name(const struct kl_process *process);
keel_term kl_dictionary(struct kl_process *self);
keel_term kl_dictionary_get(struct kl_process *self, keel_term key);
keel_term kl_ancestors(const struct kl_process *self);
void kl_leader_set(struct kl_process *self, keel_pid leader);
keel_term kl_priority_atom(const struct kl_process *self);
// Sends a question that the receiver's turn answers, and waits. KEEL_E_NOPROC.
keel_status kl_ask(struct kl_process *self, keel_pid pid, enum kl_envelope_kind kind,
        keel_term body, int64_t extra, struct kl_envelope **ret_reply);
bool kl_timers_start(void);
void kl_timers_stop(void);
// How many timers of keel_send_after and the like still have somebody to send to, or a
// name.
size_t kl_timers_pending(void);
void kl_names_stop(void);
keel_term kl_suspending(struct kl_process *self);
size_t kl_process_memory(const struct kl_process *process);
void kl_suspensions_release(struct kl_process *self);

#endif // KL_PROC_PROCESS_H
