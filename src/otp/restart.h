#ifndef KL_OTP_RESTART_H
#define KL_OTP_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How many restarts a supervisor tolerates within a sliding period, and how long it waits
// before one.
//
// Pure bookkeeping: no clock, no processes, no allocation. The caller passes the current
// time, so a test can replay any history.
struct kl_restarts {
    int64_t period; // length of the window, in nanoseconds
    uint32_t limit; // restarts allowed within one window
    uint32_t room; // entries that `at` has; the ring grows when the caller lends more
    uint32_t count; // entries in use, at most `limit`
    uint32_t oldest; // index of the oldest entry
    int64_t *at; // when the restarts were; borrowed from the caller
};

// Forgets restarts that have left the window. Returns true when another one would need
// more room than there is: the caller then lends some before it asks.
bool kl_restarts_full(struct kl_restarts *restarts, int64_t now);
// Moves the ring into a larger piece of memory; returns the old one.
int64_t *kl_restarts_lend(struct kl_restarts *restarts, int64_t *at, uint32_t room);
// Records one restart at `now`. False when this is one too many: the supervisor must then
// stop instead. A restart exactly one period old still counts, as in OTP.
bool kl_restarts_allow(struct kl_restarts *restarts, int64_t now);

// How long the attempt number `tries` (from 0) waits: first, doubled each time, at most
// `most` (0: 16 times the first).
int64_t kl_restart_delay(int64_t first, int64_t most, uint32_t tries);

#endif // KL_OTP_RESTART_H
