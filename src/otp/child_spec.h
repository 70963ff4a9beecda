#ifndef KL_OTP_CHILD_SPEC_H
#define KL_OTP_CHILD_SPEC_H

#include "restart.h"
#include <keel/supervisor.h>

// Child specifications and supervisor flags: checked, and between C and terms. A
// specification always travels as a term, OTP's map; what only C knows (addresses) lies
// in it under a key of its own.

// A checked specification. Its terms are parts of `term`: who keeps that keeps all.
struct kl_child_spec {
    keel_term term; // the map, with defaults filled in
    keel_term id;
    keel_term mfa; // {Module, Function, Arguments}
    keel_term modules; // list of atoms, or dynamic
    keel_start_function start; // or
    keel_start_module start_module; // of `module`; both NULL: mfa names the function
    const void *module;
    keel_term argument, name;
    keel_duration shutdown; // KEEL_BRUTAL_KILL, KEEL_FOREVER, or a time
    keel_restart restart;
    keel_child_type type;
    bool significant;
};

// Checks a map or a tuple of six and reads it. Returns KEEL_NONE, or what is wrong, as OTP
// says it: missing_id, {invalid_restart_type, X}, … .
keel_term kl_child_spec_parse(
        keel_term term, keel_auto_shutdown auto_shutdown, struct kl_child_spec *ret);
// Reads a term that has been checked: a kept copy of spec.term.
struct kl_child_spec kl_child_spec_read(keel_term term);
// The map without what only C knows.
keel_term kl_child_spec_shown(const struct kl_child_spec *spec);
keel_term kl_child_spec_of_c(const keel_child_spec *spec);
keel_term kl_restart_term(keel_restart restart);
keel_term kl_child_type_term(keel_child_type type);
keel_term kl_shutdown_term(keel_duration shutdown);

// --- child_start.c ---
// What a child is started with: the argument, or the arguments of the function that mfa
// names.
keel_term kl_child_argument(const struct kl_child_spec *spec);
// Starts a child, linked to the caller, with `argument` in that place.
keel_started kl_child_run_start(const struct kl_child_spec *spec, keel_term argument);
// The same; a start function that fails is an answer like others, and told apart by
// `ret_exited`. One that gives neither a process nor a reason has failed with badarg.
keel_started kl_child_try_start(
        const struct kl_child_spec *spec, keel_term argument, bool *ret_exited);
// Counts a restart at this moment; false when it is one too many. What it is counted in
// grows in the memory of the process.
bool kl_child_may_restart(struct kl_restarts *restarts);

// Checked flags.
struct kl_supervisor_flags {
    keel_strategy strategy;
    keel_auto_shutdown auto_shutdown;
    uint32_t intensity;
    keel_duration period;
    keel_duration hibernate_after; // KEEL_FOREVER: never
    keel_duration backoff, backoff_max;
};
// Returns KEEL_NONE or what is wrong: {invalid_strategy, X}, … .
keel_term kl_supervisor_flags_parse(keel_term term, struct kl_supervisor_flags *ret);
keel_term kl_supervisor_flags_of_c(const keel_supervisor_opts *opts);
keel_term kl_strategy_term(keel_strategy strategy);
keel_term kl_auto_shutdown_term(keel_auto_shutdown auto_shutdown);

#endif // KL_OTP_CHILD_SPEC_H
