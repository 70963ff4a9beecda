#ifndef KL_PARTS_BREAKER_STATE_H
#define KL_PARTS_BREAKER_STATE_H

#include "rate.h"

// What a circuit breaker knows and how it changes: pure, the caller passes the time.

enum kl_circuit_state {
    KL_CIRCUIT_GONE, // no breaker runs; zeroed memory
    KL_CIRCUIT_CLOSED,
    KL_CIRCUIT_OPEN,
    KL_CIRCUIT_HALF, // the next one is a trial
    KL_CIRCUIT_TRIAL, // one is under way
};

struct kl_circuit {
    // The turn, and in its low bits the state; another turn whenever the state changes, so
    // that what was permitted before can be told. Read without the lock, see breaker.c.
    uint64_t turn;
    unsigned limit, needed; // failures that open, successes that close
    keel_duration within, reset_after;
    unsigned failures; // in a row; read without the lock too
    struct kl_window recent; // failures, with `within`
    unsigned successes; // of trials, in a row
    int64_t until; // open, or a trial: when it is over
};

enum { KL_CIRCUIT_STATES = 8 };
static inline enum kl_circuit_state kl_circuit_state(uint64_t turn)
{
    return (enum kl_circuit_state)(turn % KL_CIRCUIT_STATES);
}

void kl_circuit_set(struct kl_circuit *circuit, enum kl_circuit_state state, int64_t now);
// Whether somebody may go now; what is over at `now` is so from here on.
bool kl_circuit_ask(struct kl_circuit *circuit, int64_t now);
// How what was permitted in `turn` went; an old turn changes nothing.
void kl_circuit_report(
        struct kl_circuit *circuit, uint64_t turn, bool success, int64_t now);
// Failures that count at `now`.
unsigned kl_circuit_failures(struct kl_circuit *circuit, int64_t now);

#endif // KL_PARTS_BREAKER_STATE_H
