#ifndef KEEL_IO_H
#define KEEL_IO_H

#include <keel/status.h>
#include <keel/time.h>

KEEL_BEGIN_DECLS

enum { KEEL_READABLE = 1, KEEL_WRITABLE = 4, KEEL_FAILED = 8, KEEL_HUNGUP = 16 };

/// Waits until descriptor `fd` is ready for one of `events` (KEEL_READABLE,
/// KEEL_WRITABLE, or both); only the calling process waits. The descriptor should be
/// non-blocking and stay open meanwhile.
/// @param ret_events  what it is ready for; may be NULL
/// @return KEEL_OK, KEEL_E_TIMEOUT, KEEL_E_BADARG, KEEL_E_OUTSIDE, -errno (EPERM: a plain
///         file, EBADF)
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_wait_fd(
        int fd, int events, keel_deadline deadline, int *ret_events);

KEEL_END_DECLS

#endif // KEEL_IO_H
