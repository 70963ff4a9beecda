#ifndef KEEL_MAIN_H
#define KEEL_MAIN_H

#include <keel/application.h>

// A whole program:
//
//   int main(int argc, char **argv)
//   {
//       return keel_main(&shop, argc, argv);
//   }

KEEL_BEGIN_DECLS

/// Runs an application as a program. Reads the command line (--config FILE, --control PATH,
/// --help, --version, the application's own options), starts the runtime with faults
/// caught, then the control socket if one was asked for (<keel/control.h>), what the
/// application needs and the application, all permanent: the end of one of them is the end
/// of the program. SIGTERM and SIGINT stop all, the last started first, within
/// `stop_within`; who had to be killed is logged. A second signal does not wait. SIGPIPE
/// is ignored. Under systemd it tells READY, STOPPING and WATCHDOG.
///
/// The two signals are blocked in every thread: a program that starts others by itself
/// gives them their own signal mask.
///
/// @return what main returns: 0; 1: it did not start, ended by itself, or did not end in
///         time; 2: the command line is wrong; 128 + signal after a second signal; or what
///         keel_main_stop said
/// @thread outside
/// @since 0.1
KEEL_API int keel_main(const keel_application *application, int argc, char **argv);
/// Asks keel_main to stop everything and return `code`; returns at once.
/// OTP: init:stop/1. @thread any @since 0.1
KEEL_API void keel_main_stop(int code);
/// The list of arguments that were no options, as binaries. @thread any @since 0.1
KEEL_API keel_term keel_main_arguments(void);

/// Tells the service manager something, as sd_notify does: "STATUS=warming up".
/// @return KEEL_OK; KEEL_E_UNSUPPORTED (nobody listens); KEEL_E_BADARG; -errno
/// @thread any @since 0.1
KEEL_API keel_status keel_notify(const char *state);
/// How often the service manager wants to hear WATCHDOG=1; 0: not at all. keel_main tells
/// it twice as often. @thread any @since 0.1
KEEL_API keel_duration keel_notify_watchdog(void);
/// The socket that the service manager opened for the program under `name` (NULL: the
/// first), -1 when there is none. It is marked close-on-exec and non-blocking.
/// @thread any @since 0.1
KEEL_API int keel_listen_fd(const char *name);

KEEL_END_DECLS

#endif // KEEL_MAIN_H
