// Starting what a specification tells of, for each kind of supervisor.

#include "child_spec.h"
#include <keel/process.h>

static bool is_named(const struct kl_child_spec *spec)
{
    return spec->start_module == NULL && spec->start == NULL;
}

keel_term kl_child_argument(const struct kl_child_spec *spec)
{
    return is_named(spec) ? keel_element(spec->mfa, 2) : spec->argument;
}

keel_started kl_child_run_start(const struct kl_child_spec *spec, keel_term argument)
{
    if (is_named(spec)) {
        return keel_start_apply(
                keel_element(spec->mfa, 0), keel_element(spec->mfa, 1), argument);
    }
    if (spec->start != NULL) {
        return spec->start(argument);
    }
    const keel_start_opts opts = {.argument = argument,
            .name = keel_is(spec->name, undefined) ? KEEL_NONE : spec->name};
    return spec->start_module(spec->module, &opts);
}

struct attempt {
    const struct kl_child_spec *spec;
    keel_term argument;
    keel_started started;
};

static void run_attempt(void *context)
{
    struct attempt *attempt = context;
    attempt->started = kl_child_run_start(attempt->spec, attempt->argument);
}

keel_started kl_child_try_start(
        const struct kl_child_spec *spec, keel_term argument, bool *ret_exited)
{
    struct attempt attempt = {.spec = spec, .argument = argument};
    keel_term reason = KEEL_NONE;
    *ret_exited = keel_try(run_attempt, &attempt, &reason) != KEEL_OK;
    if (*ret_exited) {
        return keel_started_failed(reason);
    }
    keel_started started = attempt.started;
    bool nobody = started.status == KEEL_OK && started.pid.word == 0;
    bool failed = started.status != KEEL_OK && started.status != KEEL_E_IGNORED;
    if (nobody || (failed && keel_is_none(started.reason))) {
        return keel_started_failed(keel_atom(badarg));
    }
    return started;
}

bool kl_child_may_restart(struct kl_restarts *restarts)
{
    int64_t now = keel_now();
    if (kl_restarts_full(restarts, now)) {
        uint32_t room = restarts->room == 0 ? 4 : restarts->room * 2;
        keel_free(kl_restarts_lend(restarts, keel_alloc(room * sizeof(int64_t)), room));
    }
    return kl_restarts_allow(restarts, now);
}
