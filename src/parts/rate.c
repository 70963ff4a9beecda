#include "rate.h"

#include <stdlib.h>

struct kl_bucket_rate kl_bucket_rate(uint32_t limit, keel_duration per, uint32_t burst)
{
    int64_t interval = per / limit + (per % limit != 0);
    int64_t depth;
    if (__builtin_mul_overflow(interval, (int64_t)burst, &depth)) {
        depth = INT64_MAX / 4;
    }
    return (struct kl_bucket_rate){interval, depth < INT64_MAX / 4 ? depth : INT64_MAX / 4};
}

int64_t kl_bucket_take(struct kl_bucket *bucket, const struct kl_bucket_rate *rate,
        uint32_t cost, int64_t now)
{
    int64_t filling;
    if (__builtin_mul_overflow(rate->interval, (int64_t)cost, &filling) ||
            filling > rate->depth) {
        return INT64_MAX;
    }
    int64_t full_at = (bucket->full_at > now ? bucket->full_at : now) + filling;
    if (full_at - now > rate->depth) {
        return full_at - now - rate->depth;
    }
    bucket->full_at = full_at;
    return 0;
}

uint32_t kl_bucket_left(
        const struct kl_bucket *bucket, const struct kl_bucket_rate *rate, int64_t now)
{
    int64_t missing = bucket->full_at > now ? bucket->full_at - now : 0;
    return missing > rate->depth ? 0 : (uint32_t)((rate->depth - missing) / rate->interval);
}

// --- windows ---

static struct kl_taken *taken_at(const struct kl_window *window, uint32_t index)
{
    return &window->ring[(window->first + index) & (window->room - 1)];
}

// Forgets what has left the window: something counts until `per` after it.
static void forget(struct kl_window *window, keel_duration per, int64_t now)
{
    while (window->count > 0 && now - taken_at(window, 0)->at >= per) {
        window->sum -= taken_at(window, 0)->cost;
        window->first = (window->first + 1) & (window->room - 1);
        window->count--;
    }
}

static bool make_room(struct kl_window *window)
{
    if (window->count < window->room) {
        return true;
    }
    uint32_t room = window->room == 0 ? 2 : window->room * 2;
    struct kl_taken *ring = malloc(room * sizeof *ring);
    if (ring == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < window->count; i++) {
        ring[i] = *taken_at(window, i);
    }
    free(window->ring);
    window->ring = ring;
    window->room = room;
    window->first = 0;
    return true;
}

int64_t kl_window_take(struct kl_window *window, uint32_t limit, keel_duration per,
        uint32_t cost, int64_t now)
{
    if (cost > limit) {
        return INT64_MAX;
    }
    forget(window, per, now);
    if (window->sum <= limit - cost) {
        struct kl_taken *last = window->count == 0 ? NULL
                                                   : taken_at(window, window->count - 1);
        if (cost == 0) {
            return 0;
        }
        if (last == NULL || last->at != now) {
            if (!make_room(window)) {
                return -1;
            }
            *taken_at(window, window->count++) = (struct kl_taken){now, 0};
            last = taken_at(window, window->count - 1);
        }
        last->cost += cost;
        window->sum += cost;
        return 0;
    }
    // It fits once enough of the oldest have gone.
    uint32_t sum = window->sum;
    uint32_t i = 0;
    while (sum > limit - cost) {
        sum -= taken_at(window, i++)->cost;
    }
    return taken_at(window, i - 1)->at + per - now;
}

uint32_t kl_window_left(
        struct kl_window *window, uint32_t limit, keel_duration per, int64_t now)
{
    forget(window, per, now);
    return limit - window->sum;
}

int64_t kl_window_idle_at(const struct kl_window *window, keel_duration per)
{
    return window->count == 0 ? INT64_MIN : taken_at(window, window->count - 1)->at + per;
}

void kl_window_done(struct kl_window *window)
{
    free(window->ring);
    *window = (struct kl_window){0};
}
