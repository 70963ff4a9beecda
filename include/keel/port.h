#ifndef KEEL_PORT_H
#define KEEL_PORT_H

#include <keel/socket.h>

// Programs of the operating system as processes. A port runs one; what it writes to its
// standard output comes to the owner as {Port, {data, Data}}, its end as {Port,
// {exit_status, Status}} (128 + signal when one ended it), after everything it wrote. When
// the owner ends, so does the program: its input is closed, it gets SIGTERM, and SIGKILL
// when that does not help within a second; with it the processes it has started, unless
// they have left its group. `Port` is a pid.

KEEL_BEGIN_DECLS

/// How a program is run; zeroed: raw data, our environment and folder.
typedef struct keel_port_opts {
    keel_packet packet; ///< of both directions, as with sockets
    size_t packet_bytes; ///< longest packet and line; 0: 16 MiB
    const char *const *environment; ///< "NAME=value", …, NULL; NULL: ours
    const char *folder; ///< to run it in; NULL: ours
    bool with_errors; ///< its standard error comes as data too; else it is ours
} keel_port_opts;

/// Starts a program, looked for along PATH, owned by the caller.
/// @param arguments  its name first; ends with NULL
/// @return KEEL_OK, KEEL_E_BADARG, KEEL_E_OUTSIDE, -errno (ENOENT: there is none).
/// OTP: open_port({spawn_executable, _}, _)
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_port_open(
        const char *const *arguments, const keel_port_opts *opts, keel_pid *ret_port);
/// Writes to its standard input; returns when the system has taken it. KEEL_OK,
/// KEEL_SOCKET_CLOSED, KEEL_E_TOO_LARGE, KEEL_E_TIMEOUT, KEEL_E_NOPROC.
/// OTP: port_command/2. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_port_send(
        keel_pid port, const void *data, size_t size, keel_deadline deadline);
/// Closes its standard input: the program reads the end. @thread any @since 0.1
KEEL_API keel_status keel_port_end_input(keel_pid port);
/// Ends the program, as the end of its owner does; no message comes of it.
/// OTP: port_close/1. @thread any @since 0.1
KEEL_API void keel_port_close(keel_pid port);
/// The number of its OS process; 0 when the port has ended. @thread any @since 0.1
KEEL_API int keel_port_os_pid(keel_pid port);
/// Runs a program to its end and collects what it writes.
/// @param ret_output  a binary; may be NULL
/// @param ret_status  its exit status; may be NULL
/// @return KEEL_OK, KEEL_E_TIMEOUT (it was ended), and as keel_port_open.
/// Elixir: System.cmd/3. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_port_run(const char *const *arguments,
        const keel_port_opts *opts, keel_deadline deadline, keel_term *ret_output,
        int *ret_status);

KEEL_END_DECLS

#endif // KEEL_PORT_H
