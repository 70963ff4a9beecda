#ifndef KL_OTP_DYNAMIC_H
#define KL_OTP_DYNAMIC_H

#include "base/base.h"
#include "child_spec.h"
#include "restart.h"
#include <keel/dynamic_supervisor.h>

// What the files of the dynamic supervisor share. It is a gen_server like any other: this
// is its state, and dynamic_supervisor.c its callbacks.

enum kl_dynamic_status {
    KL_DYNAMIC_UP,
    KL_DYNAMIC_RESTARTING, // an attempt failed; `pid` is still the one it had before
    KL_DYNAMIC_STOPPING, // told to end, or found ended; its DOWN is still to come
};

// One child. There may be very many, so it holds no more than its end needs.
struct kl_dynamic_child {
    struct kl_link order;
    struct kl_dynamic_child *next; // with the same hash
    uint64_t hash; // of the pid
    keel_pid pid; // kept, as a remote one is a term
    keel_term spec; // kept: the specification; of temporary children, which are never
                    // started again, {{Module, Function, undefined}, Modules}
    keel_term ended; // why it has ended, if its exit was read ahead; else none
    keel_duration shutdown; // as in a specification
    uint8_t restart, type, status;
};

struct kl_dynamic_flags {
    uint32_t intensity;
    keel_duration period;
    size_t max_children; // SIZE_MAX: no limit
    keel_term extra; // list of arguments that go first
};

struct kl_dynamic {
    struct kl_link order; // ring of children
    struct kl_hash by_pid;
    size_t count;
    struct kl_dynamic_flags flags; // `extra` is kept
    struct kl_restarts restarts;
    const keel_dynamic_supervisor *module; // NULL: started with options alone
    const keel_dynamic_supervisor *previous; // before an upgrade, for the way back
    keel_term argument; // kept: of the module's init, or {ok, Flags}
    keel_term name; // kept: {local, Name}, {global, Name}, {via, …}, {Pid, Module}
    // With simple_one_for_one (supervisor_simple.c), where the rules are those of OTP's
    // supervisor and not of Elixir's; else NULL both. What all children are made of:
    const struct kl_child_spec *pattern;
    // Takes the place of judging, and reporting, how a child ended that was stopped.
    void (*stopped)(
            struct kl_dynamic *self, struct kl_dynamic_child *child, keel_term reason);
};

// --- dynamic_supervisor.c ---
extern const keel_gen_server kl_dynamic_module;
keel_started kl_dynamic_start(const keel_dynamic_supervisor *module, keel_term argument,
        const keel_start_opts *opts);

// --- dynamic_flags.c ---
// Returns KEEL_NONE or what is wrong: {invalid_strategy, X}, … .
keel_term kl_dynamic_flags_parse(keel_term term, struct kl_dynamic_flags *ret);
// Checks a specification: as a map, as a tuple of six, or, as Elixir's client sends it, as
// {Start, Restart, Shutdown, Type, Modules}. Returns KEEL_NONE or what is wrong.
keel_term kl_dynamic_spec_parse(keel_term term, struct kl_child_spec *ret);

// --- dynamic_children.c ---
void kl_dynamic_init_children(struct kl_dynamic *self);
struct kl_dynamic_child *kl_dynamic_find(const struct kl_dynamic *self, keel_pid pid);
// What start_child answers: {ok, Pid}, {ok, Pid, Info}, ignore or {error, Reason}.
keel_term kl_dynamic_start_child(struct kl_dynamic *self, const struct kl_child_spec *spec);
void kl_dynamic_remove(struct kl_dynamic *self, struct kl_dynamic_child *child);
// A child has ended by itself. Returns false when the supervisor must stop.
bool kl_dynamic_ended(
        struct kl_dynamic *self, struct kl_dynamic_child *child, keel_term reason);
// Starts a child anew, if the intensity allows. Returns false when the supervisor must
// stop.
bool kl_dynamic_restart(struct kl_dynamic *self, struct kl_dynamic_child *child);
// {Module, Function, Arguments} and the list of modules of a child.
keel_term kl_dynamic_mfa(const struct kl_dynamic_child *child);
keel_term kl_dynamic_modules(const struct kl_dynamic_child *child);
void kl_dynamic_report(const struct kl_dynamic *self, keel_term context, keel_term reason,
        const struct kl_dynamic_child *child, keel_term shown_pid);

// --- dynamic_stop.c ---
// Stops one child, or (NULL) all of them at once, as their specifications say, waits for
// their end and forgets them.
void kl_dynamic_stop(struct kl_dynamic *self, struct kl_dynamic_child *only);

#endif // KL_OTP_DYNAMIC_H
