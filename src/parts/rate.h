#ifndef KL_PARTS_RATE_H
#define KL_PARTS_RATE_H

#include <keel/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The arithmetic of rate limits: pure, the caller passes the time.

// A token bucket told by one number, the moment at which it is full again (the virtual
// scheduling of the generic cell rate algorithm): an empty one is full one whole filling
// later, a full one has been so since that moment.
struct kl_bucket {
    int64_t full_at;
};

// A rate as a bucket needs it; rounded up, so that never more than the limit is let
// through.
struct kl_bucket_rate {
    int64_t interval; // nanoseconds a token
    int64_t depth; // time that fills an empty bucket
};

struct kl_bucket_rate kl_bucket_rate(uint32_t limit, keel_duration per, uint32_t burst);
// Takes `cost` tokens: 0 when they were there, else how long until they will be; INT64_MAX:
// never.
int64_t kl_bucket_take(struct kl_bucket *bucket, const struct kl_bucket_rate *rate,
        uint32_t cost, int64_t now);
uint32_t kl_bucket_left(
        const struct kl_bucket *bucket, const struct kl_bucket_rate *rate, int64_t now);

// A sliding window: what was let through, and when, as far back as it counts. A ring that
// grows as it must.
struct kl_taken {
    int64_t at;
    uint32_t cost;
};
struct kl_window {
    struct kl_taken *ring; // malloc
    uint32_t first, count, room; // room: a power of two, or 0
    uint32_t sum; // of the costs in it
};

// As kl_bucket_take; -1: no memory.
int64_t kl_window_take(struct kl_window *window, uint32_t limit, keel_duration per,
        uint32_t cost, int64_t now);
uint32_t kl_window_left(
        struct kl_window *window, uint32_t limit, keel_duration per, int64_t now);
// When nothing in it counts any more.
int64_t kl_window_idle_at(const struct kl_window *window, keel_duration per);
void kl_window_done(struct kl_window *window);

#endif // KL_PARTS_RATE_H
