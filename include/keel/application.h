#ifndef KEEL_APPLICATION_H
#define KEEL_APPLICATION_H

#include <keel/runtime.h>
#include <keel/supervisor.h>

// Applications: a supervision tree with a name, what must run before it, and settings.
//
//   static keel_started start(keel_term type, keel_term argument)
//   {
//       keel_child_spec children[] = {keel_child(&counter, keel_int(0))};
//       return keel_supervisor_start_link(children, KEEL_COUNT(children));
//   }
//   const keel_application shop = {.name = "shop", .version = "1.0.0", .start = start};
//
// <keel/main.h> makes a program of it. Functions that can fail give KEEL_OK, or
// KEEL_E_REFUSED and what OTP would have put into {error, Reason}; KEEL_E_STOPPED. An
// application is named by an atom; where one of the process's own may be left out,
// KEEL_NONE stands for the application that the caller belongs to.

KEEL_BEGIN_DECLS

/// An option of the command line that sets one key of the environment.
typedef struct keel_option {
    const char *name; ///< `--name`; its key in the environment, with _ for -
    char letter; ///< `-n`; 0: none
    const char *value; ///< what help calls its value; NULL: it takes none and sets true
    const char *help;
    int64_t min, max; ///< unless both are 0: its value is a whole number in this range
} keel_option;

/// What an application is. Static. OTP: the .app file and the behaviour application.
typedef struct keel_application keel_application;
struct keel_application {
    const char *name;
    const char *description;
    const char *version;
    /// These must run before it: `(const keel_application *const[]){&db, &cache, NULL}`.
    const keel_application *const *applications;
    /// Names of some that start before it if they are there at all; ends with NULL.
    const char *const *optional_applications;
    /// Loaded with it, and started by its own tree.
    const keel_application *const *included_applications;
    const char *const *registered; ///< names of its processes, for people; ends with NULL
    const char *module; ///< what reasons call these functions; NULL: the name
    const char *env; ///< its settings in Erlang notation: "[{port, 8080}, {depth, 3}]"
    const char *argument; ///< of start, in Erlang notation; NULL: []
    const char *start_phases; ///< "[{warm, []}, {listen, [1]}]"; NULL: none
    /// Starts the tree, in a process of its own, and returns what a supervisor's start
    /// gives; `info` of it is handed to the functions below as `state` ([] without).
    /// `type` is the atom normal. NULL: an application without processes.
    keel_started (*start)(keel_term type, keel_term argument);
    /// Called after start for each phase; returns ok or {error, Reason}.
    keel_term (*start_phase)(keel_term phase, keel_term type, keel_term argument);
    /// Before any of its processes is stopped; returns the new state.
    keel_term (*prep_stop)(keel_term state);
    /// After the tree has ended, by whatever.
    void (*stop)(keel_term state);
    /// For keel_main: options beside --config, --control, --help, --version; ends with {0}.
    const keel_option *options;
    /// For keel_main: what help calls the arguments that are no options, "FILE..."; NULL:
    /// there are none, and one that is given is refused.
    const char *arguments;
    const keel_config *runtime; ///< for keel_main; NULL: defaults, with faults caught
    keel_duration stop_within; ///< for keel_main: then the rest is killed; 0: 30 s
};

// --- loading ---

/// Makes an application known under its name, with those it needs and includes. Returns
/// the name, KEEL_NONE when it has no proper one. @thread any @since 0.1
KEEL_API keel_term keel_application_register(const keel_application *application);
/// Loads one that is known. Reasons: {already_loaded, Name}, {"no such file or directory",
/// "Name.app"}, {invalid_options, …}. OTP: application:load/1. @thread any @since 0.1
KEEL_API keel_status keel_application_load(keel_term name, keel_term *ret_reason);
/// Loads from {application, Name, Options}, as .app files have it; the module of `mod` is
/// that of an application that is known. @thread any @since 0.1
KEEL_API keel_status keel_application_load_term(keel_term spec, keel_term *ret_reason);
/// Forgets it and its environment. {not_loaded, Name}, {running, Name}.
/// OTP: application:unload/1. @thread any @since 0.1
KEEL_API keel_status keel_application_unload(keel_term name, keel_term *ret_reason);

// --- starting and stopping; `type` says what its end by itself means: permanent: the
// whole program ends; transient: it does unless the reason was normal; temporary: nothing

/// Starts it when all it needs runs. {already_started, Name}, {not_started, Other},
/// {R, {Module, start, [normal, Argument]}}, {bad_return, …}.
/// OTP: application:start/2. @thread any: an outside thread blocks @since 0.1
KEEL_API keel_status keel_application_start(
        keel_term name, keel_restart type, keel_term *ret_reason);
/// The same; fine when it runs. OTP: application:ensure_started/2. @thread any @since 0.1
KEEL_API keel_status keel_application_ensure_started(
        keel_term name, keel_restart type, keel_term *ret_reason);
/// Starts it, or a list of them, and before each what it needs. When one fails, what was
/// started is stopped again.
/// @param concurrent  those that do not need each other start at the same time
/// @param ret         KEEL_OK: the names of those started, in order; else {Name, Reason}
/// OTP: application:ensure_all_started/3. @thread any @since 0.1
KEEL_API keel_status keel_application_ensure_all_started(
        keel_term names, keel_restart type, bool concurrent, keel_term *ret);
/// Stops it: prep_stop, the tree, stop. {not_started, Name}.
/// OTP: application:stop/1. @thread any @since 0.1
KEEL_API keel_status keel_application_stop(keel_term name, keel_term *ret_reason);
/// One that is not permitted is held back by start until it is; forbidding one that runs
/// stops it. OTP: application:permit/2. @thread any @since 0.1
KEEL_API keel_status keel_application_permit(
        keel_term name, bool permitted, keel_term *ret_reason);
/// Stops all, the last started first, and forgets everything about applications. Returns
/// when they have ended. keel_stop does it too. @thread any @since 0.1
KEEL_API keel_status keel_application_stop_all(void);
/// Called with the reason before keel_application_stop_all stops the first; NULL: none.
/// Returns the old one. OTP: shutdown_func of kernel. @thread any @since 0.1
typedef void (*keel_application_hook)(keel_term reason);
KEEL_API keel_application_hook keel_application_on_shutdown(keel_application_hook hook);
/// Called when the end of an application means the end of the program, after all have been
/// stopped, with {Name, Reason}, or with {application_start_failure, Name, Reason} when it
/// could not start, in a process. NULL: keel_stop, on a thread of its own.
/// Returns the old one. @thread any @since 0.1
KEEL_API keel_application_hook keel_application_on_end(keel_application_hook hook);

// --- asking ---

/// [{Name, Description, Version}]: those that run, the last started first; all that are
/// loaded. OTP: application:which_applications/0, loaded_applications/0.
/// @thread any @since 0.1
KEEL_API keel_term keel_application_which(void);
KEEL_API keel_term keel_application_loaded(void);
/// A field of the specification: description, vsn, modules, registered, applications,
/// optional_applications, included_applications, env, mod, start_phases, maxP, maxT, id.
/// KEEL_NONE when there is none. OTP: application:get_key/2. @thread any @since 0.1
KEEL_API keel_term keel_application_get_key(keel_term name, keel_term key);
/// [{Key, Value}], or KEEL_NONE. OTP: application:get_all_key/1. @thread any @since 0.1
KEEL_API keel_term keel_application_get_all_key(keel_term name);
/// The application a process belongs to, or KEEL_NONE. OTP: application:get_application/1.
/// @thread process @since 0.1
KEEL_API keel_term keel_application_of(keel_pid pid);
/// Its top process, or none. OTP: application:get_supervisor/1. @thread any @since 0.1
KEEL_API keel_pid keel_application_supervisor(keel_term name);
/// normal in the process that runs start; else KEEL_NONE. OTP: application:start_type/0.
/// @thread any @since 0.1
KEEL_API keel_term keel_application_start_type(void);

// --- the environment; keys are atoms, results copies that live as terms do ---

/// The value, or `otherwise`. OTP: application:get_env/3. @thread any @since 0.1
KEEL_API keel_term keel_application_get_env(
        keel_term name, keel_term key, keel_term otherwise);
/// KEEL_OK, KEEL_E_NOPROC when there is none. Elixir: Application.fetch_env/2.
/// @thread any @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_application_fetch_env(
        keel_term name, keel_term key, keel_term *ret_value);
/// The value; else the caller ends with {{badarg, Why}, Stack}. @thread process @since 0.1
KEEL_API keel_term keel_application_fetch_env_or_exit(keel_term name, keel_term key);
/// KEEL_OK, KEEL_E_BADARG (no atoms), KEEL_E_NOMEM, KEEL_E_STOPPED.
/// OTP: application:set_env/3, unset_env/2. @thread any @since 0.1
KEEL_API keel_status keel_application_put_env(
        keel_term name, keel_term key, keel_term value);
KEEL_API keel_status keel_application_delete_env(keel_term name, keel_term key);
/// The same, and for every later load of it: what was put stands in the place of the
/// specification's own value until it is taken away, which a later load then has again.
/// OTP: application:set_env/4, unset_env/3 with {persistent, true}. @thread any @since 0.1
KEEL_API keel_status keel_application_put_env_persistent(
        keel_term name, keel_term key, keel_term value);
KEEL_API keel_status keel_application_delete_env_persistent(keel_term name, keel_term key);
/// Sets it from what people type, in the kind of the value it replaces (KEEL_E_BADARG: it
/// is none of that kind, such as "http" for 80); where there is none: a number, true or
/// false, else a binary. @thread any @since 0.1
KEEL_API keel_status keel_application_put_env_text(
        keel_term name, keel_term key, const char *text);
/// Sets [{Name, [{Key, Value}]}] in one step, or nothing: KEEL_E_BADARG, and `ret_why` (may
/// be NULL) a text that names the culprit. OTP: application:set_env/1.
/// @thread any @since 0.1
KEEL_API keel_status keel_application_put_all_env(keel_term config, keel_term *ret_why);
/// [{Key, Value}]. OTP: application:get_all_env/1. @thread any @since 0.1
KEEL_API keel_term keel_application_get_all_env(keel_term name);

/// Settings that take the place of a specification's own when it is loaded:
/// [{Name, [{Key, Value}]}]; of several calls the last counts, key by key. A variable
/// NAME_KEY of the environment comes after them, in the kind of the value it replaces; the
/// application is not loaded when it is of another.
/// @param ret_why  a text; may be NULL
/// @return KEEL_OK, KEEL_E_BADARG, KEEL_E_STOPPED @thread any @since 0.1
KEEL_API keel_status keel_application_configure(keel_term config, keel_term *ret_why);
/// The same from a file in the notation of sys.config: one such list and a full stop; a
/// string in it names a further file. Reads the file in the calling thread.
/// @return also -errno, KEEL_E_SYNTAX, … of keel_parse @thread any @since 0.1
KEEL_API keel_status keel_application_configure_file(const char *path, keel_term *ret_why);

KEEL_END_DECLS

#endif // KEEL_APPLICATION_H
