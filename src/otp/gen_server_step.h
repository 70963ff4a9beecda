#ifndef KL_OTP_GEN_SERVER_STEP_H
#define KL_OTP_GEN_SERVER_STEP_H

#include <keel/result.h>

// What a callback's result means, decided without doing any of it.

enum kl_step_phase { KL_STEP_INIT, KL_STEP_CALL, KL_STEP_OTHER };

enum kl_step_verdict {
    KL_STEP_GO_ON, // and then what the result says
    KL_STEP_STOP, // with `reason`
    KL_STEP_IGNORE, // the start is declined
    KL_STEP_FAIL, // the start fails, the process ends normally
    KL_STEP_UNEXPECTED, // no clause took the request
    KL_STEP_BAD, // no result this callback may give
};

struct kl_step {
    enum kl_step_verdict verdict;
    keel_term reason; // of STOP and FAIL; the request of UNEXPECTED
    keel_term reply; // to give to the caller, or none
};

struct kl_step kl_step_decide(enum kl_step_phase phase, const keel_result *result);
// The result as a term, for {bad_return_value, X}.
keel_term kl_step_result_term(const keel_result *result);

#endif // KL_OTP_GEN_SERVER_STEP_H
