#ifndef KEEL_RUNTIME_EVENT_H
#define KEEL_RUNTIME_EVENT_H

#include <keel/process.h>

// What happens in the runtime, told as it happens, for those who count or trace. Ordinary
// programs attach to the same events by <keel/telemetry.h>, where they come as terms to an
// ordinary function; see keel_child_telemetry_runtime.

KEEL_BEGIN_DECLS

typedef enum keel_runtime_event_kind {
    KEEL_RUNTIME_EVENT_START, ///< a process: `pid`; `other`: its parent
    KEEL_RUNTIME_EVENT_EXIT, ///< a process: `pid`; `term`: the reason
    KEEL_RUNTIME_EVENT_RESTART, ///< `pid`: a supervisor starts a child anew; `term`: its id
    KEEL_RUNTIME_EVENT_OVERLOAD, ///< a mailbox has grown over the alarm: `pid`; `number`:
                                 ///< messages
    KEEL_RUNTIME_EVENT_STALL, ///< `pid` keeps its worker from others; `number`: nanoseconds
                              ///< so far
} keel_runtime_event_kind;

typedef struct keel_runtime_event {
    keel_runtime_event_kind kind;
    keel_pid pid, other;
    keel_term term; ///< borrowed: valid until the listener returns
    uint64_t number;
    const char *entry; ///< handler's name or the body's function; NULL: not known; static
} keel_runtime_event;

/// Has `listener` told of each event from now on; NULL: nobody. Returns the one before.
///
/// It is called where the thing happens: on any thread, on several at once, with locks of
/// the runtime held. It may look at its argument and take note of it; it may not send,
/// wait, spawn or end, and an event that is told on its way out may reach it after it was
/// replaced. While nobody listens an event costs a load.
/// @thread any
/// @since 0.1
typedef void (*keel_runtime_event_listener)(const keel_runtime_event *event);
KEEL_API keel_runtime_event_listener keel_runtime_event_listen(
        keel_runtime_event_listener listener);

/// Tells that the calling process, a supervisor, starts the child `id` anew. Those of Keel
/// do; a supervisor of one's own may. @thread process @since 0.1
KEEL_API void keel_runtime_event_restart(keel_term id);

KEEL_END_DECLS

#endif // KEEL_RUNTIME_EVENT_H
