#ifndef KEEL_START_H
#define KEEL_START_H

#include <keel/gen.h>

// How every behaviour is started, and what a start gives. A start function that runs as a
// supervisor's child has one of two shapes:
//
//   static keel_started counter_start_link(keel_term initial)
//   {
//       return keel_gen_server_start_link(&counter, initial, .name = keel_atom(counter));
//   }
//
// or, for a behaviour with callbacks, (module, options), as keel_start_module below.

KEEL_BEGIN_DECLS

/// Options of a start; zeroed: the defaults. The start macros take them by name:
/// `keel_gen_server_start_link(&counter, keel_int(0), .name = keel_atom(counter))`.
typedef struct keel_start_opts {
    keel_term argument; ///< of init; KEEL_NONE: []
    keel_term name; ///< an atom, {local, Atom}, {via, Module, Key}, {global, Term};
                    ///< KEEL_NONE or nil: no name
    keel_duration timeout; ///< for init; the process is then killed; 0: no limit
    keel_duration hibernate_after; ///< hibernates when idle for so long; 0: never by itself
    keel_term debug; ///< a list for keel_sys_options: trace, log, {log, N}, statistics, …
    keel_spawn_opts spawn; ///< link: as if start_link were called; monitor is refused with
                           ///< KEEL_E_BADARG, start_monitor gives one; name is ignored
} keel_start_opts;

/// What a start gave: {ok, Pid}, {ok, Pid, Info}, {error, Reason} or ignore.
typedef struct keel_started {
    keel_status
            status; ///< KEEL_OK; KEEL_E_EXIT: init failed; KEEL_E_IGNORED: init declined;
                    ///< KEEL_E_TAKEN: `pid` has the name; KEEL_E_TIMEOUT; KEEL_E_REFUSED: a
                    ///< supervisor said no; KEEL_E_BADARG and what keel_gen_start gives
    keel_pid pid; ///< of the new process; when its init failed or declined, what it was;
                  ///< KEEL_E_TAKEN: who has the name
    keel_ref monitor; ///< of start_monitor that worked: one that failed leaves no message
    keel_term reason; ///< R of {error, R}; KEEL_NONE when it did not fail
    keel_term info; ///< of {ok, Pid, Info}; else KEEL_NONE
} keel_started;

/// What a start function written by hand returns. @thread any @since 0.1
KEEL_API keel_started keel_started_ok(keel_pid pid);
KEEL_API keel_started keel_started_ok_with(keel_pid pid, keel_term info);
KEEL_API keel_started keel_started_ignored(void);
KEEL_API keel_started keel_started_failed(keel_term reason);
/// {ok, Pid} | {ok, Pid, Info} | {error, Reason} | ignore. @thread any @since 0.1
KEEL_API keel_term keel_started_to_term(keel_started started);
/// The other way; any other term X gives what {error, X} gives. @thread any @since 0.1
KEEL_API keel_started keel_started_from_term(keel_term term);
/// The pid of a start that worked; else the calling process exits with the reason.
/// @thread process @since 0.1
KEEL_API keel_pid keel_started_or_exit(keel_started started);

/// A start function: links the new process to the caller, as proc_lib:start_link does.
typedef keel_started (*keel_start_function)(keel_term argument);
/// The start function of a behaviour. `module` is its struct of callbacks, whose first
/// member is always `const char *name`.
typedef keel_started (*keel_start_module)(const void *module, const keel_start_opts *opts);

/// Names a start function, so that child specifications in terms can speak of it:
/// {Module, Function, Arguments}. It is called with the list of arguments. A second
/// function under the same name takes the first one's place.
/// @return KEEL_OK, KEEL_E_BADARG (no atoms, no function), KEEL_E_NOMEM
/// @thread any
/// @since 0.1
KEEL_API keel_status keel_start_register(
        keel_term module, keel_term function, keel_start_function start);
/// Calls the function registered under the name; when there is none the caller exits with
/// {undef, [{Module, Function, Arguments, []}]}. @thread process @since 0.1
KEEL_API keel_started keel_start_apply(
        keel_term module, keel_term function, keel_term arguments);

/// How many entries an array has.
#define KEEL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

KEEL_END_DECLS

#endif // KEEL_START_H
