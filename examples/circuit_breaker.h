#ifndef CIRCUIT_BREAKER_H
#define CIRCUIT_BREAKER_H

#include <keel/keel.h>

/// May fail: then it exits.
typedef keel_term (*circuit_breaker_function)(keel_term argument);

keel_started circuit_breaker_start_link(keel_term unused);
/// {ok, Result}, {error, Reason} when the function failed, {error, circuit_open}.
keel_term circuit_breaker_call(
        keel_pid server, circuit_breaker_function function, keel_term argument);

#endif // CIRCUIT_BREAKER_H
