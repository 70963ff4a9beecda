#ifndef KEEL_TIME_H
#define KEEL_TIME_H

#include <keel/version.h>
#include <stdbool.h>
#include <stdint.h>

KEEL_BEGIN_DECLS

/// A length of time in nanoseconds; written KEEL_MS(250), KEEL_SECONDS(5).
typedef int64_t keel_duration;

#define KEEL_NS(n) ((keel_duration)(n))
#define KEEL_US(n) ((keel_duration)(n)*1000)
#define KEEL_MS(n) ((keel_duration)(n)*1000000)
#define KEEL_SECONDS(n) ((keel_duration)(n)*1000000000)
#define KEEL_MINUTES(n) KEEL_SECONDS((keel_duration)(n)*60)

/// A point on the runtime's monotonic clock, in nanoseconds; zeroed it lies in the past.
typedef struct keel_deadline {
    int64_t at;
} keel_deadline;

/// Never comes.
#define KEEL_NEVER keel_deadline_at(INT64_MAX)
/// Has passed already: "look, but do not wait".
#define KEEL_AT_ONCE keel_deadline_at(INT64_MIN)
/// `duration` from now.
#define KEEL_IN(duration) keel_deadline_in(duration)

/// The same by the time of the present turn: 20 ns cheaper, and early by as long as the
/// turn has lasted, but not by more than half the time after which a turn counts as stuck
/// (keel_config.stall, some milliseconds). For limits that only have to end some time.
#define KEEL_ABOUT(duration) keel_deadline_about(duration)

static inline keel_deadline keel_deadline_at(int64_t nanoseconds)
{
    keel_deadline deadline = {nanoseconds};
    return deadline;
}

/// Returns the deadline that lies `duration` from now, by a clock read now. Negative
/// durations give a deadline that has passed, ones too long for the clock give KEEL_NEVER.
/// @thread any
/// @since 0.1
KEEL_API keel_deadline keel_deadline_in(keel_duration duration);

/// The same from keel_now(), see KEEL_ABOUT. @thread any @since 0.1
KEEL_API keel_deadline keel_deadline_about(keel_duration duration);

/// Returns true when `deadline` has passed.
/// @thread any
/// @since 0.1
KEEL_API bool keel_deadline_passed(keel_deadline deadline);

/// Returns the runtime's monotonic clock in nanoseconds: the time of the present
/// turn inside a process (read once a turn), virtual under the simulator.
/// OTP: erlang:monotonic_time/0.
/// @thread any
/// @since 0.1
KEEL_API int64_t keel_now(void);

/// Returns wall-clock time in nanoseconds since 1970; virtual under the simulator.
/// OTP: erlang:system_time/0.
/// @thread any
/// @since 0.1
KEEL_API int64_t keel_system_time(void);

/// Returns 64 random bits: good for shuffling and jitter, not for secrets. Under the
/// simulator they come from the seed.
/// @thread any
/// @since 0.1
KEEL_API uint64_t keel_random(void);

KEEL_END_DECLS

#endif // KEEL_TIME_H
