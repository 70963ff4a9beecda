#ifndef KL_PARTS_LOANS_H
#define KL_PARTS_LOANS_H

#include <keel/gen.h>

// Who has borrowed something from a pool, and who waits for it: found by number, by the
// borrower's own reference, and in order of arrival. Memory of the pool's process.

#define KL_LOAN_WAITS UINT32_MAX // of `what`

struct kl_loan {
    uint64_t id; // how often its place was used, and the place; 0 there: nobody's
    keel_term key; // the borrower's reference; kept
    keel_from from; // its tag kept
    keel_term note; // kept; the pool's
    keel_ref monitor; // kept
    uint32_t what; // is lent, or KL_LOAN_WAITS
    uint32_t same_bucket; // places counted from 1; 0: none
    uint32_t before, after; // in the queue
};

struct kl_loans {
    struct kl_loan *loan;
    uint32_t room, unused; // unused: a place nobody has, chained by same_bucket
    uint32_t *bucket; // as many as `room`, a power of two
    uint32_t first, last; // of the queue
    size_t waiting;
};

// Adds one at the end of the queue, and monitors its process: when that ends, a message
// {Id, Ref, process, Pid, Reason} comes: a number takes no memory.
struct kl_loan *kl_loans_add(
        struct kl_loans *loans, keel_term key, keel_term note, keel_from from);
// By its number, or by the borrower's reference; NULL: it is over.
struct kl_loan *kl_loans_find(struct kl_loans *loans, uint64_t id);
struct kl_loan *kl_loans_find_key(struct kl_loans *loans, keel_term key);
// Who has waited for longest; NULL: nobody waits.
struct kl_loan *kl_loans_first(struct kl_loans *loans);
// It waits no more: `what` is lent.
void kl_loans_lend(struct kl_loans *loans, struct kl_loan *loan, uint32_t what);
// What was lent was none: it waits again, before all others.
void kl_loans_requeue(struct kl_loans *loans, struct kl_loan *loan);
// It is over, lent or waiting.
void kl_loans_remove(struct kl_loans *loans, struct kl_loan *loan);

#endif // KL_PARTS_LOANS_H
