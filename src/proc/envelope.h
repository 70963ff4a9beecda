#ifndef KL_PROC_ENVELOPE_H
#define KL_PROC_ENVELOPE_H

// What travels between processes: messages and signals, all through the same door, so
// that the order between two processes is kept by construction.

#include "base/base.h"
#include "term/term.h"
#include <stddef.h>

enum kl_envelope_kind {
    // These become entries of the receiver's mailbox.
    KL_MESSAGE, // body: the message
    KL_CALL, // body: the request; from, ref: whom to answer; deadline
    KL_SYSTEM, // the same for a system message
    KL_CAST, // body: the request
    // These are acted on when the chain is taken.
    KL_REPLY, // ref; body: the reply, or with KL_FAILED the reason
    KL_EXIT, // from; body: {'EXIT', From, Reason}: exit/2
    KL_LINK, // from
    KL_UNLINK, // from; ref: the id of this unlink
    KL_UNLINK_ACK, // from; ref: the id
    KL_LINK_EXIT, // from; body: {'EXIT', From, Reason}: a link broke
    KL_MONITOR, // from, ref; body: none, or {Tag, Object} with either none as []
    KL_DEMONITOR, // from, ref
    KL_DOWN, // ref; body: the complete message
    KL_SETTLED, // ref: nobody waits for the answer to this call any more
    KL_ALARM, // a struct kl_alarm: the time has come that somebody waited for
    KL_SUSPEND, // from, ref
    KL_RESUME, // from
    KL_INFO, // from, ref; body: the item or list of items
    KL_PING, // from, ref: answered once everything before it was acted on
    KL_LEADER, // body: the new group leader's pid
    KL_WATCH_QUEUE, // from, ref; deadline: high << 32 | low
    KL_BIRTH, // never sent: what a process begins with; body: the argument of its spawn;
    // from, ref: who waits for the ack; deadline: bytes of stack, or 0
    KL_WAKE, // no more than a reason to look again
    KL_TIMER, // ref: of the timer; body: its message
    KL_TIMER_GONE, // the same envelope: another process has cancelled it
    KL_TIMER_NOTE, // ref: of a timer that another process has set for this one
    KL_ALIAS_MESSAGE, // ref: the alias; body: the message
    KL_REMOTE, // a signal from another node: see remote.c
    KL_RAW, // a message from another node, not yet decoded: see remote.c
};

enum {
    KL_FAILED = 1, // KL_REPLY: the server ended, body is the reason
    KL_BY_OTHER = 2, // KL_REPLY: from another process than the server
    KL_FIRST = 4, // goes before ordinary messages
    KL_ASYNC = 8, // KL_CALL: made by send_request; KL_SETTLED: of such a one
    KL_SHARES = 16, // its body lies in a struct kl_shared_body
    KL_COUNTED = 32, // was counted against it
    KL_STATIC = 64, // lies inside something else: see kl_envelope_free
    KL_NOPROC = 128, // KL_REPLY: there was no such process
};

// One block holds an envelope and its body:
//   an immediate body          [ envelope ]
//   a flat body (see term.h)   [ envelope | the body's words ]      flat
//   any other                  [ fragment | the body's words ] [ envelope ]
//   bytes                      [ envelope | bytes ]                 flat
//   one body of many envelopes [ envelope | where it is ]           flat, KL_SHARES
// so that a fragment can be handed to a heap whole. What goes into mailboxes by the
// million, messages and casts, has only the brief half of the envelope: with a small tuple
// that is one cache line.
struct kl_envelope {
    struct kl_envelope *next;
    keel_term body;
    uint32_t generation; // of the receiver it was meant for
    uint32_t slot; // of the receiver
    union {
        struct {
            uint64_t body_bytes : 46; // in this block, a fragment's header included
            uint64_t flat : 1;
            uint64_t brief : 1; // what follows kind and flags is not there
            uint64_t kind : 8; // enum kl_envelope_kind
            uint64_t flags : 8;
        };
        uint64_t shape; // all of these, to write them at once
    };
    // --- not in brief ones ---
    uint64_t from; // word of a pid
    uint64_t ref; // word of a reference, or an id
    int64_t deadline;
};

static inline bool kl_envelope_is_brief(enum kl_envelope_kind kind)
{
    return kind == KL_MESSAGE || kind == KL_CAST;
}
static inline size_t kl_envelope_head_bytes(bool brief)
{
    return brief ? offsetof(struct kl_envelope, from) : sizeof(struct kl_envelope);
}
// Writes all but the body of an envelope.
static inline void kl_envelope_begin(struct kl_envelope *envelope,
        enum kl_envelope_kind kind, size_t body_bytes, bool flat, bool brief)
{
    envelope->next = NULL;
    envelope->generation = 0;
    envelope->slot = 0;
    envelope->shape = body_bytes | (uint64_t)flat << 46 | (uint64_t)brief << 47 |
                      (uint64_t)kind << 48;
    if (!brief) {
        envelope->from = 0;
        envelope->ref = 0;
        envelope->deadline = INT64_MAX;
    }
}

struct kl_envelope *kl_envelope_new_behind_fragment(
        enum kl_envelope_kind kind, keel_term body);

// An envelope whose body is a copy of `body` (KEEL_NONE and immediate terms cost no copy).
// NULL when memory is exhausted.
static inline struct kl_envelope *kl_envelope_new(
        enum kl_envelope_kind kind, keel_term body)
{
    bool brief = kl_envelope_is_brief(kind);
    size_t head = kl_envelope_head_bytes(brief);
    if (kl_is_immediate(body)) {
        struct kl_envelope *envelope = kl_pool_alloc_small(head);
        if (envelope != NULL) {
            kl_envelope_begin(envelope, kind, 0, true, brief);
            envelope->body = body;
        }
        return envelope;
    }
    size_t words = kl_flat_words(body);
    if (words > 0) {
        size_t bytes = words * sizeof(uint64_t);
        struct kl_envelope *envelope = kl_pool_alloc_small(head + bytes);
        if (envelope == NULL) {
            return NULL;
        }
        uint64_t *copy = (uint64_t *)(void *)((char *)envelope + head);
        if (__builtin_expect(kl_flat_copy(copy, body, words), 1)) {
            kl_envelope_begin(envelope, kind, bytes, true, brief);
            envelope->body.word = (uintptr_t)copy;
            return envelope;
        }
        kl_pool_free_small(envelope, head + bytes);
    }
    return kl_envelope_new_behind_fragment(kind, body);
}

// An envelope with a copy of `size` bytes behind it and no body.
struct kl_envelope *kl_envelope_new_bytes(
        enum kl_envelope_kind kind, const uint8_t *bytes, size_t size);
// Those bytes; body_bytes says how many.
static inline const uint8_t *kl_envelope_bytes(const struct kl_envelope *envelope)
{
    return (const uint8_t *)(envelope + 1);
}

// Releases the envelope and its body.
void kl_envelope_free_other(struct kl_envelope *envelope);
static inline void kl_envelope_free(struct kl_envelope *envelope)
{
    if (__builtin_expect(
                envelope->flat && (envelope->flags & (KL_STATIC | KL_SHARES)) == 0 &&
                        envelope->body_bytes <= KL_FLAT_WORDS_MAX * sizeof(uint64_t),
                1)) {
        kl_pool_free_small(
                envelope, kl_envelope_head_bytes(envelope->brief) + envelope->body_bytes);
    } else {
        kl_envelope_free_other(envelope);
    }
}
// Hands the body to `heap` and frees the rest; the result lives as long as the heap's
// terms do.
keel_term kl_envelope_open(struct kl_envelope *envelope, struct kl_heap *heap);
// One copy of a term that many envelopes share: the body of each points into it. Lives as
// long as every such envelope and what was opened from it. It is made for so many
// envelopes, each of which is one use; its maker gives back what is left over.
struct kl_shared_body;
struct kl_shared_body *kl_shared_body_new(keel_term body, size_t uses); // NULL: no memory
void kl_shared_body_give_back(struct kl_shared_body *shared, size_t uses);
// NULL when memory is exhausted: that is no use.
struct kl_envelope *kl_envelope_new_shared(
        enum kl_envelope_kind kind, struct kl_shared_body *shared);

#endif // KL_PROC_ENVELOPE_H
