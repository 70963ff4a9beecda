#ifndef KL_SERVICE_DOTS_H
#define KL_SERVICE_DOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A set of numbers counted from 1, as the spans it consists of. One tracker numbers what
// happens to its presences ("dots"), and others know of it a first part without gaps and,
// when messages were lost, some spans behind that.
//
// A zeroed struct is the empty set. Memory is keel_alloc's.
struct kl_span {
    uint64_t first, last; // both are in it
};
struct kl_dots {
    struct kl_span *spans; // in order; between two of them lies at least one number
    size_t count, room;
};

void kl_dots_done(struct kl_dots *dots);
bool kl_dots_has(const struct kl_dots *dots, uint64_t dot);
// All from `first` to `last`; true when last < first, too.
bool kl_dots_have_all(const struct kl_dots *dots, uint64_t first, uint64_t last);
// Up to which number it has all, from 1 on; 0: not even 1.
uint64_t kl_dots_prefix(const struct kl_dots *dots);
uint64_t kl_dots_last(const struct kl_dots *dots); // 0: empty
// How many numbers.
uint64_t kl_dots_size(const struct kl_dots *dots);

void kl_dots_add(struct kl_dots *dots, uint64_t first, uint64_t last); // 1 <= first <= last
void kl_dots_add_all(struct kl_dots *dots, const struct kl_dots *more);
void kl_dots_remove(struct kl_dots *dots, uint64_t dot);

#endif // KL_SERVICE_DOTS_H
