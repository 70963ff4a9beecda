#ifndef KEEL_RUNTIME_H
#define KEEL_RUNTIME_H

#include <keel/process.h>
#include <keel/status.h>
#include <keel/time.h>

// Starting and stopping the runtime. One runtime per OS process; it may be started again
// after it was stopped. Nothing runs before keel_start, and the library never exits the
// host for a mistake of the user.

KEEL_BEGIN_DECLS

/// How the runtime runs; zeroed: the defaults given here.
typedef struct keel_config {
    unsigned workers; ///< threads that run processes; 0: one per core
    bool no_threads; ///< no workers: the host calls keel_run_once in its own loop
    size_t max_processes; ///< alive at once, 16 to 2^28; 0: 4,194,304
    size_t max_atoms; ///< 0: 1,048,576
    size_t stack_bytes; ///< of a process that runs, unless its spawn says more; 0: 64 KiB
    unsigned blocking_threads; ///< most threads of keel_blocking; 0: 64
    unsigned blocking_queue; ///< most calls that wait for one; 0: 1,024
    keel_duration stall; ///< a callback longer than this is reported; 0: 20 ms;
                         ///< negative: nobody watches
    size_t queue_alarm; ///< a mailbox longer than this is reported; 0: 100,000
    bool catch_faults; ///< SIGSEGV, SIGBUS, SIGFPE, SIGILL, abort() in a process end that
                       ///< process; installs signal handlers
} keel_config;

/// Starts the runtime.
/// @param config  @borrows until the call returns; NULL: defaults
/// @return KEEL_OK, KEEL_E_RUNNING, KEEL_E_BADARG (a field out of range), KEEL_E_INSIDE,
///         KEEL_E_NOMEM, or -errno of what the system refused
/// @thread outside
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_start(const keel_config *config);

/// A process that did not stop by itself.
typedef struct keel_straggler {
    keel_pid pid;
    char name[64]; ///< registered name or entry; empty when unknown
    char waiting_for[128]; ///< what it was doing, such as "call to <0.12.1>"
} keel_straggler;

/// What keel_stop had to do.
typedef struct keel_stop_report {
    size_t stopped; ///< processes that ended by themselves when asked
    size_t killed; ///< processes that had to be killed
    size_t count; ///< entries of `stragglers` in use
    keel_straggler stragglers[16]; ///< the first of those killed
} keel_stop_report;

/// Stops the runtime: processes that were started from outside get the exit signal
/// `shutdown`, then those left; at `deadline` the rest is killed. A process that is stuck
/// in C code past `deadline` + 1 s makes the call fail with KEEL_E_TIMEOUT, the runtime
/// stays up and a later call may succeed.
/// @param ret_report  may be NULL
/// @return KEEL_OK, KEEL_E_STOPPED, KEEL_E_INSIDE, KEEL_E_TIMEOUT
/// @thread outside
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_stop(
        keel_deadline deadline, keel_stop_report *ret_report);

/// True between keel_start and keel_stop. @thread any @since 0.1
KEEL_API bool keel_is_running(void);

/// With `no_threads`: runs what is runnable, fires due timers, and waits no longer than
/// until `deadline` for the first thing to do. Returns the number of turns run.
/// @thread outside, one at a time @since 0.1
KEEL_API size_t keel_run_once(keel_deadline deadline);

/// With `no_threads`: a descriptor that is readable when keel_run_once has something to
/// do; -1 otherwise. Owned by the runtime. @thread outside @since 0.1
KEEL_API int keel_fd(void);

KEEL_END_DECLS

#endif // KEEL_RUNTIME_H
