#ifndef KL_OTP_CALL_H
#define KL_OTP_CALL_H

#include <keel/gen.h>

// What a failed call is called in exit reasons: noproc, timeout, calling_self, {nodedown,
// Node}, or `reason`, with which the server ended.
keel_term kl_call_why(keel_status status, keel_term server, keel_term reason);
// A time limit as OTP writes it: milliseconds or infinity.
keel_term kl_call_milliseconds(keel_duration timeout);

#endif // KL_OTP_CALL_H
