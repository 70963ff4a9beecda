#ifndef KEEL_TELEMETRY_H
#define KEEL_TELEMETRY_H

#include <keel/start.h>

// Events that a program tells whoever listens; the names and semantics of Erlang's library
// telemetry. An event is a list of atoms; measurements and metadata are maps.
//
//   keel_telemetry_attach(keel_atom(slow_log), keel_make("[shop, order, stop]"), log_slow,
//           KEEL_NONE);
//   keel_telemetry(keel_make("[shop, order, stop]"), keel_make("#{duration => D}", d),
//           keel_make("#{id => Id}", id));
//
// While nobody listens to anything an event costs a load, and its terms are not made.

KEEL_BEGIN_DECLS

/// Called in the process (or thread) that tells the event, for every one it is attached to.
/// It should be quick. One that fails in a process is detached, and the log says so.
typedef void (*keel_telemetry_handler)(
        keel_term event, keel_term measurements, keel_term metadata, keel_term config);

/// Attaches a handler to an event, or to each of a list of them, under `id` (any term).
/// @param config  handed to the handler; copied
/// @return KEEL_OK, KEEL_E_TAKEN (the id is in use), KEEL_E_BADARG (no event, no handler),
///         KEEL_E_NOMEM. telemetry:attach/4, attach_many/4
/// @thread any
/// @since 0.1
KEEL_API keel_status keel_telemetry_attach(
        keel_term id, keel_term event, keel_telemetry_handler handler, keel_term config);
KEEL_API keel_status keel_telemetry_attach_many(
        keel_term id, keel_term events, keel_telemetry_handler handler, keel_term config);
/// KEEL_E_NOPROC when nobody has the id. A handler that runs now runs to its end.
/// telemetry:detach/1. @thread any @since 0.1
KEEL_API keel_status keel_telemetry_detach(keel_term id);
/// [{Id, Event}] of those attached to events that begin with `prefix`.
/// telemetry:list_handlers/1. @thread any @since 0.1
KEEL_API keel_term keel_telemetry_handlers(keel_term prefix);

/// True when somebody listens to something. @thread any @since 0.1
KEEL_API bool keel_telemetry_is_on(void);
/// Tells an event. telemetry:execute/3. @thread any @since 0.1
KEEL_API void keel_telemetry_execute(
        keel_term event, keel_term measurements, keel_term metadata);
#define keel_telemetry(event, measurements, metadata)                                      \
    (keel_telemetry_is_on() ? keel_telemetry_execute((event), (measurements), (metadata))  \
                            : (void)0)

/// Runs fn(context) between the events `prefix` ++ [start] and ++ [stop], or ++
/// [exception] when it fails; the failure goes on. Measurements: monotonic_time and
/// system_time, or monotonic_time and duration, in nanoseconds. Metadata: what is given,
/// telemetry_span_context, with exception also kind and reason. Without a function the
/// caller ends with badarg.
/// telemetry:span/3. @thread process @since 0.1
KEEL_API void keel_telemetry_span(
        keel_term prefix, keel_term metadata, void (*fn)(void *context), void *context);

/// Starts the process that tells the runtime's own events, one a node, as a child of a
/// supervisor: keel_child_fn(keel_telemetry_runtime_start_link, keel_nil()). The handlers
/// run in it, a moment after the event.
///
///   [keel, process, start]        #{pid, parent, entry}
///   [keel, process, exit]         #{pid, reason, entry}
///   [keel, process, overload]     #{pid, entry}         measured: messages
///   [keel, process, stall]        #{pid, entry}         measured: duration, nanoseconds
///   [keel, supervisor, restart]   #{supervisor, child}
///   [keel, telemetry, dropped]    #{}                   measured: count
///
/// All but the last measure system_time, nanoseconds, as well. `entry` is a binary, the
/// name of a handler or of the body's function. When events come faster than they are told
/// the rest is dropped and counted.
/// @return KEEL_OK; `reason` already_started, or a text
/// @thread process
/// @since 0.1
KEEL_API keel_started keel_telemetry_runtime_start_link(keel_term unused);

KEEL_END_DECLS

#endif // KEEL_TELEMETRY_H
