#ifndef KL_OTP_APPLICATION_H
#define KL_OTP_APPLICATION_H

#include "base/base.h"
#include <keel/application.h>

// What the files of applications share.
//
// There is one table of applications (application_table.c). Anybody reads it, under a short
// lock; only the controller, a gen_server that the first use starts, changes what is in it
// besides environments. So asking never waits for an application that is starting or
// stopping. An application that runs has a *master*: the process that called its start, the
// leader of the group that all its processes belong to.

enum kl_app_state {
    KL_APP_UNKNOWN,
    KL_APP_LOADED,
    KL_APP_STARTING,
    KL_APP_RUNNING,
    KL_APP_STOPPING
};

// A term that several processes read and that goes with its last reader: copying may end
// the reader, and must not happen under the lock.
struct kl_app_value {
    uint32_t count;
    keel_term term; // of keel_keep_shared
};

struct kl_app_env {
    struct kl_app_env *next;
    keel_term key;
    struct kl_app_value *value;
};

// An application in the table; also one that only has an environment. Stays until the
// controller ends. Fields up to `sequence` are read and written under the lock.
struct kl_app {
    struct kl_app *next;
    keel_term name;
    struct kl_app_value *keys; // NULL: not loaded; else what get_all_key gives, without env
    struct kl_app_env *env;
    enum kl_app_state state;
    keel_pid master, supervisor;
    uint64_t sequence; // of starts that succeeded
    // by the controller alone
    keel_restart type;
    bool held_back; // started, but not permitted
    bool forbidden;
    struct kl_app_waiter *waiters;
};

// --- application_table.c ---

void kl_apps_lock(void);
void kl_apps_unlock(void);
// Under the lock: the record, or NULL; the first of all.
struct kl_app *kl_apps_find(keel_term name);
struct kl_app *kl_apps_first(void);
// The same by the master's pid.
struct kl_app *kl_apps_find_master(keel_pid master);
// Takes and gives the lock. The record, made if need be; NULL when memory is exhausted.
struct kl_app *kl_apps_make(keel_term name);
// Empties the table.
void kl_apps_clear(void);
struct kl_app_value *kl_app_value_new(keel_term term); // NULL: no memory
void kl_app_value_unref(struct kl_app_value *value); // NULL is fine
// Reads a value: a copy for the caller. Takes over the caller's count of it.
keel_term kl_app_value_read(struct kl_app_value *value);
// What get_all_key gives without env, or KEEL_NONE when it is not loaded.
keel_term kl_app_keys(keel_term name);
// The name of the caller's application, or KEEL_NONE.
keel_term kl_app_own(void);
// Sets one pair, or removes the key (KEEL_NONE). False when memory is exhausted.
bool kl_app_env_put(keel_term name, keel_term key, keel_term value);
void kl_app_env_clear(keel_term name);

// --- application_spec.c ---

// The application known under a name; the one whose functions a module's name stands for.
const keel_application *kl_app_known(keel_term name);
const keel_application *kl_app_module(keel_term module);
// {application, Name, Options} of a C structure; KEEL_NONE and a reason when a text in it
// is no term.
keel_term kl_app_spec_of_c(const keel_application *application, keel_term *ret_reason);
// What get_all_key gives, of {application, Name, Options}; KEEL_NONE and a reason when it
// is wrong. `ret_env` gets its environment.
keel_term kl_app_spec_check(keel_term spec, keel_term *ret_env, keel_term *ret_reason);

// --- application_config.c ---

// Puts the pairs of `over` into `list`, key by key.
keel_term kl_app_merge(keel_term list, keel_term over);
// `list` without the pair of this key.
keel_term kl_app_without(keel_term list, keel_term key);
// What is wrong with [{Name, [{Key, Value}]}], or KEEL_NONE.
keel_term kl_app_config_wrong(keel_term config);
// The environment of `name` at its load; KEEL_NONE and a text when a variable of the
// program's environment does not fit.
keel_term kl_app_env_at_load(
        keel_term name, keel_term env, keel_term config, keel_term *ret_why);
// The value that a text stands for where `old` stood (KEEL_NONE: nothing); KEEL_NONE when
// it is none of that kind.
keel_term kl_app_value_of_text(const char *text, keel_term old);

// --- application_master.c ---

// The body of a master: {Name, Module, Argument, Phases, Controller}. Tells the controller
// {application_started, Master, ok | {error, Reason}, Supervisor | undefined}.
void kl_app_master(keel_term plan);

// --- application_controller.c ---

extern const keel_gen_server kl_app_controller;
// Sees to it that the controller runs. KEEL_OK, KEEL_E_STOPPED, KEEL_E_NOMEM, ….
keel_status kl_app_controller_ensure(void);
// Calls it: ok, or {error, Reason}.
keel_status kl_app_request(keel_term request, keel_term *ret_reason);
void kl_app_report_end(keel_term name, keel_term reason, keel_restart type);
keel_term kl_app_type_term(keel_restart type);

#endif // KL_OTP_APPLICATION_H
