#ifndef KEEL_PARTS_RETRY_H
#define KEEL_PARTS_RETRY_H

#include <keel/process.h>

// Trying again: what fails may work a little later.
//
//   static keel_status fetch(void *context) { … }
//   keel_status status = keel_retry(fetch, &page, .attempts = 5);
//
// The caller itself tries, and sleeps in between; a server has a task do it.

KEEL_BEGIN_DECLS

/// How long to wait after a failure: `first`, and each further time `factor` times as long,
/// up to `most`. Of that a random part is taken, at least half, so that many who failed
/// together do not come back together. Zeroed: the defaults given here.
typedef struct keel_backoff {
    keel_duration first; ///< 0: 100 ms
    keel_duration most; ///< 0: 30 s
    double factor; ///< 0: 2; at least 1
    bool exact; ///< always the whole of it
} keel_backoff;

/// How long to wait after so many failures in a row, counted from 1.
/// @param backoff  NULL: the defaults @thread any @since 0.1
KEEL_API keel_duration keel_backoff_delay(const keel_backoff *backoff, unsigned failures);

/// One attempt.
typedef keel_status (*keel_retry_function)(void *context);

/// How to try; zeroed: the defaults given here.
typedef struct keel_retry_opts {
    void *context; ///< of the functions
    unsigned attempts; ///< 0: 3; UINT_MAX: without end
    keel_backoff backoff;
    keel_duration timeout; ///< no attempt begins later; 0: no limit
    /// Whether to try again after this; NULL: after any but KEEL_OK.
    bool (*retry_if)(keel_status status, void *context);
    /// Hears of each failure that is followed by another attempt, before the wait.
    void (*failed)(keel_status status, unsigned attempt, keel_duration wait, void *context);
    /// An attempt that exits counts as one that gave KEEL_E_EXIT.
    bool catch_exits;
} keel_retry_opts;

/// Runs fn(context) until it gives KEEL_OK or trying is over: keel_retry(fetch, &page,
/// .attempts = 5, .timeout = KEEL_SECONDS(30)).
/// @return what the last attempt gave; KEEL_E_BADARG: no function; KEEL_E_OUTSIDE
/// @thread process @since 0.1
#define keel_retry(fn, ...)                                                                \
    keel_retry_opt((fn), KEEL_OPTS(keel_retry_opts, .context = __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_status keel_retry_opt(
        keel_retry_function fn, const keel_retry_opts *opts);

KEEL_END_DECLS

#endif // KEEL_PARTS_RETRY_H
