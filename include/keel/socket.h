#ifndef KEEL_SOCKET_H
#define KEEL_SOCKET_H

#include <keel/supervisor.h>

// TCP, UDP and Unix sockets as Erlang has them: a socket is a term that belongs to a
// process, its owner, and is closed when the owner ends.
//
// A passive socket is read with keel_socket_recv; only the caller waits. An active one
// sends its owner messages: {tcp, Socket, Data}, at the end {tcp_closed, Socket}, after a
// failure {tcp_error, Socket, Reason} first; {udp, Socket, Address, Port, Data}. Unix
// sockets of streams are tcp too. Data are binaries, each a packet as `packet` says.

KEEL_BEGIN_DECLS

typedef enum keel_packet {
    KEEL_PACKET_RAW, ///< whatever comes
    KEEL_PACKET_LINE, ///< up to and including a newline
    KEEL_PACKET_1, ///< a length of one byte before it, big-endian, which Keel adds and
                   ///< takes off
    KEEL_PACKET_2,
    KEEL_PACKET_4,
} keel_packet;

typedef enum keel_active {
    KEEL_PASSIVE,
    KEEL_ACTIVE_ONCE, ///< one message, then passive
    KEEL_ACTIVE, ///< all
} keel_active;

/// Options; zeroed: passive, raw.
typedef struct keel_socket_opts {
    keel_packet packet;
    keel_active active;
    size_t packet_bytes; ///< longest packet and line; 0: 16 MiB
    const char *address; ///< to bind to; NULL: loopback for listeners and udp, any else
    unsigned backlog; ///< of a listener; 0: 1,024
    bool delay; ///< lets TCP collect small writes (Nagle)
    unsigned mode; ///< permissions of a Unix listener's file, such as 0600, set before
                   ///< anybody can connect; 0: as the umask leaves them
    bool replace; ///< a Unix listener takes the place of a socket's file that a program
                  ///< has left behind: nobody listens there any more
} keel_socket_opts;

/// What recv and send return when the socket is closed, by either side.
#define KEEL_SOCKET_CLOSED (-107) // -ENOTCONN

/// Listens for TCP connections; port 0: any. The caller owns the socket.
/// @return KEEL_OK, -errno, KEEL_E_BADARG, KEEL_E_OUTSIDE. OTP: gen_tcp:listen/2
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_tcp_listen(
        uint16_t port, const keel_socket_opts *opts, keel_term *ret_socket);
/// The same at a path, which must not exist (unless opts->replace); one that begins with @
/// is abstract, has no permissions (KEEL_E_BADARG with opts->mode) and leaves no file.
/// @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_unix_listen(
        const char *path, const keel_socket_opts *opts, keel_term *ret_socket);
/// A socket around a listening descriptor, such as one of keel_listen_fd. It takes the
/// descriptor. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_socket_from_fd(
        int fd, const keel_socket_opts *opts, keel_term *ret_socket);
/// Waits for a connection, for any listener; several processes may. The caller owns it; it
/// has the listener's options.
/// @return KEEL_OK, KEEL_E_TIMEOUT, KEEL_SOCKET_CLOSED, -errno. OTP: gen_tcp:accept/2
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_socket_accept(
        keel_term listener, keel_deadline deadline, keel_term *ret_socket);
/// Connects. A name is looked up on the blocking pool, and each of its addresses is tried.
/// @return KEEL_OK, KEEL_E_TIMEOUT, KEEL_E_NOPROC (no such host), -errno.
/// OTP: gen_tcp:connect/4 @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_tcp_connect(const char *host, uint16_t port,
        const keel_socket_opts *opts, keel_deadline deadline, keel_term *ret_socket);
KEEL_API KEEL_MUST_USE keel_status keel_unix_connect(
        const char *path, const keel_socket_opts *opts, keel_term *ret_socket);
/// A socket for datagrams; port 0: any. OTP: gen_udp:open/2. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_udp_open(
        uint16_t port, const keel_socket_opts *opts, keel_term *ret_socket);

/// Sends all of it, as one packet; from any process, one after the other.
/// @return KEEL_OK, KEEL_E_TIMEOUT (a part may have been sent), KEEL_SOCKET_CLOSED,
///         KEEL_E_TOO_LARGE (for the packet's length), -errno. OTP: gen_tcp:send/2
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_socket_send(
        keel_term socket, const void *data, size_t size, keel_deadline deadline);
/// The next packet of a passive socket; raw: exactly `size` bytes, or with 0 what is there.
/// @param ret_data  a binary
/// @return KEEL_OK, KEEL_E_TIMEOUT (nothing is lost), KEEL_SOCKET_CLOSED, KEEL_E_TOO_LARGE,
///         KEEL_E_REFUSED (it is active, or another process receives), -errno.
/// OTP: gen_tcp:recv/3 @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_socket_recv(
        keel_term socket, size_t size, keel_deadline deadline, keel_term *ret_data);
/// Sends a datagram to a numeric address. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_udp_send(keel_term socket, const char *address,
        uint16_t port, const void *data, size_t size, keel_deadline deadline);
/// Waits for a datagram: {Address, Port, Data}. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_udp_recv(
        keel_term socket, keel_deadline deadline, keel_term *ret_datagram);

/// Changes how it delivers. OTP: inet:setopts/2. KEEL_OK, KEEL_SOCKET_CLOSED.
/// @thread process @since 0.1
KEEL_API keel_status keel_socket_active(keel_term socket, keel_active active);
/// @thread any @since 0.1
KEEL_API keel_status keel_socket_packet(keel_term socket, keel_packet packet);
/// Makes another process the owner; by the owner. What the old one got already it has to
/// pass on by itself. KEEL_E_REFUSED: the caller is not the owner.
/// OTP: gen_tcp:controlling_process/2. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_socket_give(keel_term socket, keel_pid to);
/// No more is sent: the other side reads the end. OTP: gen_tcp:shutdown(_, write).
/// @thread any @since 0.1
KEEL_API keel_status keel_socket_shutdown(keel_term socket);
/// Closes it; who waits for it gets KEEL_SOCKET_CLOSED. Fine when it is closed.
/// @thread any @since 0.1
KEEL_API void keel_socket_close(keel_term socket);
/// {Address, Port}, or the path; KEEL_NONE. OTP: inet:sockname/1, peername/1.
/// @thread any @since 0.1
KEEL_API keel_term keel_socket_name(keel_term socket);
KEEL_API keel_term keel_socket_peer(keel_term socket);

/// Looks a name up on the blocking pool: a list of numeric addresses as binaries.
/// @return KEEL_OK, KEEL_E_NOPROC (no such host), KEEL_E_TIMEOUT, KEEL_E_OVERLOAD
/// OTP: inet:getaddrs/2 @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_resolve(
        const char *host, keel_deadline deadline, keel_term *ret_addresses);

// --- servers ---

/// A listener with processes that accept, and a supervised process a connection.
typedef struct keel_socket_server {
    uint16_t port; ///< of TCP, unless `path` or `fd` is given
    const char *path; ///< of a Unix socket
    int fd; ///< a listening descriptor; 0: none
    unsigned acceptors; ///< 0: 8
    keel_socket_opts opts;
    /// Runs in a process of its own, which owns the socket; when it returns, that ends.
    void (*serve)(keel_term socket, keel_term argument);
    keel_term argument;
    keel_term name; ///< of the listener's process, for keel_socket_server_name
} keel_socket_server;

/// Starts such a server as a supervisor linked to the caller: child of another with
/// keel_child_fn. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_started keel_socket_server_start_link(
        const keel_socket_server *server);
/// keel_socket_name of its listener; `listener` is the name given. @thread any @since 0.1
KEEL_API keel_term keel_socket_server_name(keel_term listener);

KEEL_END_DECLS

#endif // KEEL_SOCKET_H
