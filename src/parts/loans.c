#include "loans.h"

static void grow(struct kl_loans *loans);

static uint32_t place_of(const struct kl_loans *loans, const struct kl_loan *loan)
{
    return (uint32_t)(loan - loans->loan) + 1;
}

static uint32_t *bucket_of(struct kl_loans *loans, keel_term key)
{
    return &loans->bucket[keel_hash(key) & (loans->room - 1)];
}

struct kl_loan *kl_loans_add(
        struct kl_loans *loans, keel_term key, keel_term note, keel_from from)
{
    if (loans->unused == 0) {
        grow(loans);
    }
    uint32_t place = loans->unused;
    struct kl_loan *loan = &loans->loan[place - 1];
    loans->unused = loan->same_bucket;
    uint64_t uses = (loan->id >> 32) + 1; // a free place remembers them
    *loan = (struct kl_loan){.id = uses << 32 | place,
            .key = keel_keep(key),
            .note = keel_keep(note),
            .from = {from.pid, keel_keep(from.tag)},
            .what = KL_LOAN_WAITS,
            .before = loans->last};
    uint32_t *bucket = bucket_of(loans, key);
    loan->same_bucket = *bucket;
    *bucket = place;
    *(loans->last == 0 ? &loans->first : &loans->loan[loans->last - 1].after) = place;
    loans->last = place;
    loans->waiting++;
    keel_monitor_opts opts = {.tag = keel_uint(loan->id)};
    keel_ref monitor = {0};
    if (keel_monitor_opt(keel_from_pid(from.pid), &opts, &monitor) == KEEL_OK) {
        loan->monitor = keel_to_ref(keel_keep(keel_from_ref(monitor)));
    }
    return loan;
}

struct kl_loan *kl_loans_find(struct kl_loans *loans, uint64_t id)
{
    uint32_t place = (uint32_t)id;
    if (place == 0 || place > loans->room || loans->loan[place - 1].id != id) {
        return NULL;
    }
    return &loans->loan[place - 1];
}

struct kl_loan *kl_loans_find_key(struct kl_loans *loans, keel_term key)
{
    uint32_t place = loans->room == 0 ? 0 : *bucket_of(loans, key);
    while (place != 0 && !keel_equal(loans->loan[place - 1].key, key)) {
        place = loans->loan[place - 1].same_bucket;
    }
    return place == 0 ? NULL : &loans->loan[place - 1];
}

struct kl_loan *kl_loans_first(struct kl_loans *loans)
{
    return loans->first == 0 ? NULL : &loans->loan[loans->first - 1];
}

static void leave_queue(struct kl_loans *loans, struct kl_loan *loan)
{
    *(loan->before == 0 ? &loans->first
                        : &loans->loan[loan->before - 1].after) = loan->after;
    *(loan->after == 0 ? &loans->last
                       : &loans->loan[loan->after - 1].before) = loan->before;
    loan->before = loan->after = 0;
    loans->waiting--;
}

void kl_loans_lend(struct kl_loans *loans, struct kl_loan *loan, uint32_t what)
{
    leave_queue(loans, loan);
    loan->what = what;
}

void kl_loans_requeue(struct kl_loans *loans, struct kl_loan *loan)
{
    uint32_t place = place_of(loans, loan);
    loan->what = KL_LOAN_WAITS;
    loan->after = loans->first;
    *(loans->first == 0 ? &loans->last : &loans->loan[loans->first - 1].before) = place;
    loans->first = place;
    loans->waiting++;
}

void kl_loans_remove(struct kl_loans *loans, struct kl_loan *loan)
{
    uint32_t place = place_of(loans, loan);
    if (loan->what == KL_LOAN_WAITS) {
        leave_queue(loans, loan);
    }
    uint32_t *at = bucket_of(loans, loan->key);
    while (*at != place) {
        at = &loans->loan[*at - 1].same_bucket;
    }
    *at = loan->same_bucket;
    keel_demonitor(loan->monitor, KEEL_DEMONITOR_FLUSH);
    keel_drop(keel_from_ref(loan->monitor));
    keel_drop(loan->key);
    keel_drop(loan->note);
    keel_drop(loan->from.tag);
    // The number says that it is nobody's, and how often the place was used.
    loan->id = loan->id >> 32 << 32;
    loan->same_bucket = loans->unused;
    loans->unused = place;
}

// Twice the room; every loan finds its new bucket.
static void grow(struct kl_loans *loans)
{
    enum { FIRST = 8 };
    uint32_t old = loans->room;
    loans->room = old == 0 ? FIRST : old * 2;
    loans->loan = keel_realloc(loans->loan, loans->room * sizeof *loans->loan);
    keel_free(loans->bucket);
    loans->bucket = keel_alloc(loans->room * sizeof *loans->bucket);
    for (uint32_t i = 0; i < old; i++) {
        uint32_t *bucket = bucket_of(loans, loans->loan[i].key);
        loans->loan[i].same_bucket = *bucket;
        *bucket = i + 1;
    }
    for (uint32_t i = loans->room; i > old; i--) {
        loans->loan[i - 1].same_bucket = loans->unused;
        loans->unused = i;
    }
}
