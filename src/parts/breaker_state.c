#include "breaker_state.h"

// Written under the lock only, but breaker.c looks at it without.
static void set_failures(struct kl_circuit *circuit, unsigned failures)
{
    __atomic_store_n(&circuit->failures, failures, __ATOMIC_RELAXED);
}

void kl_circuit_set(struct kl_circuit *circuit, enum kl_circuit_state state, int64_t now)
{
    uint64_t turn = circuit->turn / KL_CIRCUIT_STATES + 1;
    if (state == KL_CIRCUIT_CLOSED || state == KL_CIRCUIT_GONE) {
        set_failures(circuit, 0);
        circuit->successes = 0;
        kl_window_done(&circuit->recent);
    }
    if (state == KL_CIRCUIT_OPEN) {
        circuit->successes = 0;
    }
    circuit->until = now + circuit->reset_after;
    // Relaxed: everything else of the circuit is read under its lock.
    __atomic_store_n(&circuit->turn, turn * KL_CIRCUIT_STATES + state, __ATOMIC_RELAXED);
}

bool kl_circuit_ask(struct kl_circuit *circuit, int64_t now)
{
    switch (kl_circuit_state(circuit->turn)) {
    case KL_CIRCUIT_CLOSED:
        return true;
    case KL_CIRCUIT_HALF:
        kl_circuit_set(circuit, KL_CIRCUIT_TRIAL, now);
        return true;
    case KL_CIRCUIT_OPEN:
    case KL_CIRCUIT_TRIAL: // nobody has reported on it: another one may try
        if (now < circuit->until) {
            return false;
        }
        circuit->successes = 0;
        kl_circuit_set(circuit, KL_CIRCUIT_TRIAL, now);
        return true;
    default:
        return false;
    }
}

static void count_failure(struct kl_circuit *circuit, int64_t now)
{
    if (circuit->within == 0) {
        set_failures(circuit, circuit->failures + 1);
    } else {
        (void)kl_window_take(&circuit->recent, circuit->limit, circuit->within, 1, now);
    }
    if (kl_circuit_failures(circuit, now) >= circuit->limit) {
        kl_circuit_set(circuit, KL_CIRCUIT_OPEN, now);
    }
}

void kl_circuit_report(struct kl_circuit *circuit, uint64_t turn, bool success, int64_t now)
{
    if (turn != circuit->turn) {
        return;
    }
    bool trial = kl_circuit_state(turn) == KL_CIRCUIT_TRIAL;
    if (!trial && success) {
        set_failures(circuit, 0);
    } else if (!trial) {
        count_failure(circuit, now);
    } else if (!success) {
        kl_circuit_set(circuit, KL_CIRCUIT_OPEN, now);
    } else {
        bool enough = ++circuit->successes >= circuit->needed;
        kl_circuit_set(circuit, enough ? KL_CIRCUIT_CLOSED : KL_CIRCUIT_HALF, now);
    }
}

unsigned kl_circuit_failures(struct kl_circuit *circuit, int64_t now)
{
    return circuit->within == 0
                   ? circuit->failures
                   : circuit->limit - kl_window_left(&circuit->recent, circuit->limit,
                                              circuit->within, now);
}
