#ifndef KEEL_EXTEND_H
#define KEEL_EXTEND_H

#include <keel/runtime.h>

// Seams for Keel's sibling libraries, which are linked apart and so cannot see what the
// library hides. Not for programs: nothing here is promised to stay. The symbols carry the
// name of their release, and the loader refuses a sibling of another one.

KEEL_BEGIN_DECLS

// --- the simulator, for libkeel-test ---

/// Starts the runtime under virtual time, with every choice from `seed`, on the caller's
/// thread: processes run only in keel_extend_settle. keel_stop stops it.
/// @param config  @borrows until the call returns; NULL: defaults
/// @return as keel_start
/// @thread outside
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_extend_simulate(
        uint64_t seed, const keel_config *config);
/// True while a runtime that keel_extend_simulate started is up. @thread any @since 0.1
KEEL_API bool keel_extend_is_simulated(void);

/// Runs processes until none can run at the present virtual time. False when `max_turns`
/// (0: no limit) were not enough, and when there is no simulation or a process asks.
/// @thread outside: the one that started it
/// @since 0.1
KEEL_API bool keel_extend_settle(size_t max_turns);
/// Moves virtual time on and runs nothing. Time must not be moved past a timer: see
/// keel_extend_next_timer. Negative durations are ignored. @thread as settle @since 0.1
KEEL_API void keel_extend_advance(keel_duration duration);
/// When the earliest timer is due, on the clock of keel_now; KEEL_NEVER when none is armed.
/// @thread as settle @since 0.1
KEEL_API keel_deadline keel_extend_next_timer(void);

/// A number below `count`, as the seed wills; part of the course. 0 when there is no
/// simulation. @thread any that runs in it @since 0.1
KEEL_API size_t keel_extend_choose(size_t count);
/// A hash of the course taken so far: who ran in which order, and every choice.
/// @thread any @since 0.1
KEEL_API uint64_t keel_extend_trace(void);
/// Has `turn` called before each turn of a process, until called with NULL. It may look
/// (<keel/inspect.h>) but not act. @thread as settle @since 0.1
KEEL_API void keel_extend_observe(void (*turn)(keel_pid pid, void *context), void *context);
/// How often threads other than the one that started the simulation have woken a process:
/// no seed can replay that. @thread any @since 0.1
KEEL_API size_t keel_extend_foreign_wakes(void);

/// How many timers (<keel/timer.h>) are armed for a name or a process alive. Those for a
/// process that has ended do nothing and are not counted. @thread outside @since 0.1
KEEL_API size_t keel_extend_timers(void);
/// Bytes of messages, kept terms, allocations and records that are in use, those lent to
/// the terms of the calling thread excepted. Gives idle memory back. Atoms and patterns,
/// which stay, are not counted. @thread outside @since 0.1
KEEL_API size_t keel_extend_memory(void);

KEEL_END_DECLS

#endif // KEEL_EXTEND_H
