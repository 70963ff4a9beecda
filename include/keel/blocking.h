#ifndef KEEL_BLOCKING_H
#define KEEL_BLOCKING_H

#include <keel/status.h>
#include <keel/time.h>

KEEL_BEGIN_DECLS

/// Runs fn(context) on a thread of the bounded pool; only the calling process waits. `fn`
/// may block; it is outside the runtime there and builds no terms for the caller. When
/// the deadline passes, or the caller is killed, while it runs, it runs on to its end: then
/// `context` must not lie on the caller's stack or in its memory; `release` (may be NULL)
/// is called with it after fn has ended or was dropped, exactly once, on any thread.
/// @return KEEL_OK, KEEL_E_TIMEOUT, KEEL_E_OVERLOAD (the pool's queue is full),
///         KEEL_E_OUTSIDE, KEEL_E_BADARG
/// @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_blocking(void (*fn)(void *context), void *context,
        void (*release)(void *context), keel_deadline deadline);

KEEL_END_DECLS

#endif // KEEL_BLOCKING_H
