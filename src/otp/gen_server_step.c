#include "gen_server_step.h"

static struct kl_step step(enum kl_step_verdict verdict, keel_term reason, keel_term reply)
{
    return (struct kl_step){.verdict = verdict, .reason = reason, .reply = reply};
}

struct kl_step kl_step_decide(enum kl_step_phase phase, const keel_result *result)
{
    static const struct {
        bool init, call, other;
    } allowed[] = {
            [KEEL_RESULT_NOTHING] = {false, false, false},
            [KEEL_RESULT_OK] = {true, false, false},
            [KEEL_RESULT_REPLY] = {false, true, false},
            [KEEL_RESULT_NOREPLY] = {false, true, true},
            [KEEL_RESULT_STOP] = {true, true, true},
            [KEEL_RESULT_STOP_REPLY] = {false, true, false},
            [KEEL_RESULT_IGNORE] = {true, false, false},
            [KEEL_RESULT_FAIL] = {true, false, false},
            [KEEL_RESULT_UNEXPECTED] = {false, true, true},
    };
    size_t kind = result->kind;
    if (kind >= sizeof allowed / sizeof allowed[0]) {
        return step(KL_STEP_BAD, KEEL_NONE, KEEL_NONE);
    }
    bool may = phase == KL_STEP_INIT   ? allowed[kind].init
               : phase == KL_STEP_CALL ? allowed[kind].call
                                       : allowed[kind].other;
    // A reply or a reason that is no term is as bad as none at all.
    bool needs_value = kind != KEEL_RESULT_OK && kind != KEEL_RESULT_NOREPLY &&
                       kind != KEEL_RESULT_IGNORE;
    if (!may || (needs_value && keel_is_none(result->value))) {
        return step(KL_STEP_BAD, KEEL_NONE, KEEL_NONE);
    }
    switch (kind) {
    case KEEL_RESULT_REPLY:
        return step(KL_STEP_GO_ON, KEEL_NONE, result->value);
    case KEEL_RESULT_STOP:
        return step(KL_STEP_STOP, result->value, KEEL_NONE);
    case KEEL_RESULT_STOP_REPLY:
        return step(KL_STEP_STOP, result->value, result->extra);
    case KEEL_RESULT_IGNORE:
        return step(KL_STEP_IGNORE, KEEL_NONE, KEEL_NONE);
    case KEEL_RESULT_FAIL:
        return step(KL_STEP_FAIL, result->value, KEEL_NONE);
    case KEEL_RESULT_UNEXPECTED:
        return step(KL_STEP_UNEXPECTED, result->value, KEEL_NONE);
    default:
        return step(KL_STEP_GO_ON, KEEL_NONE, KEEL_NONE);
    }
}

// A term where there may be none.
static keel_term some(keel_term term)
{
    return keel_is_none(term) ? keel_atom(undefined) : term;
}

keel_term kl_step_result_term(const keel_result *result)
{
    keel_term value = some(result->value);
    switch (result->kind) {
    case KEEL_RESULT_OK:
        return keel_atom(ok);
    case KEEL_RESULT_REPLY:
        return keel_tuple_of(keel_atom(reply), value);
    case KEEL_RESULT_NOREPLY:
        return keel_atom(noreply);
    case KEEL_RESULT_STOP:
        return keel_tuple_of(keel_atom(stop), value);
    case KEEL_RESULT_STOP_REPLY:
        return keel_tuple_of(keel_atom(stop), value, some(result->extra));
    case KEEL_RESULT_IGNORE:
        return keel_atom(ignore);
    case KEEL_RESULT_FAIL:
        return keel_tuple_of(keel_atom(error), value);
    case KEEL_RESULT_UNEXPECTED:
        return keel_tuple_of(keel_atom(unexpected), value);
    default:
        return keel_tuple_of(keel_atom(keel_result), keel_int(result->kind));
    }
}
