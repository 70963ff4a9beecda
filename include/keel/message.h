#ifndef KEEL_MESSAGE_H
#define KEEL_MESSAGE_H

#include <keel/match.h>
#include <keel/process.h>

// Sending, receiving, names, aliases.

KEEL_BEGIN_DECLS

// A destination is a pid, a registered name (an atom, or a C string), {Name, Node}, or an
// alias (a reference). KEEL_TO turns any of them into a term.
static inline keel_term keel_to_of_term(keel_term term)
{
    return term;
}
static inline keel_term keel_to_of_pid(keel_pid pid)
{
    return keel_from_pid(pid);
}
static inline keel_term keel_to_of_ref(keel_ref ref)
{
    return keel_from_ref(ref);
}
/// The atom `name` if there is one, else an atom that names nobody. @thread any @since 0.1
KEEL_API keel_term keel_to_of_name(const char *name);
#ifdef __cplusplus
KEEL_END_DECLS
static inline keel_term keel_to_of(keel_term term)
{
    return term;
}
static inline keel_term keel_to_of(keel_pid pid)
{
    return keel_from_pid(pid);
}
static inline keel_term keel_to_of(keel_ref ref)
{
    return keel_from_ref(ref);
}
static inline keel_term keel_to_of(const char *name)
{
    return keel_to_of_name(name);
}
#define KEEL_TO(x) keel_to_of(x)
KEEL_BEGIN_DECLS
#else
// clang-format off
#define KEEL_TO(x)                                                                        \
    _Generic((x), keel_term: keel_to_of_term, keel_pid: keel_to_of_pid,                   \
        keel_ref: keel_to_of_ref, char *: keel_to_of_name,                                \
        const char *: keel_to_of_name)(x)
// clang-format on
#endif

/// Sends `message` (copied) and never waits for a receiver. A dead pid, a name's node that
/// cannot be reached and an inactive alias swallow it. Who sends to another node faster
/// than its connection takes it (keel_node_config.busy_bytes) waits meanwhile, threads too.
/// @return KEEL_OK; KEEL_E_BADARG when `to` is no destination, or an atom that names
///         nobody; KEEL_E_OVERLOAD from a mailbox with the policy `reject`; KEEL_E_STOPPED
/// @thread any
/// @since 0.1
#define keel_send(to, message) keel_send_term(KEEL_TO(to), (message))
KEEL_API keel_status keel_send_term(keel_term to, keel_term message);
/// The same; never suspends the caller for a slow connection either.
/// OTP: erlang:send/3 with nosuspend. @thread any @since 0.1
KEEL_API keel_status keel_send_nosuspend(keel_term to, keel_term message);
/// The same, before ordinary messages and after earlier priority ones, when `to` is a
/// priority alias (else as keel_send). OTP 28: erlang:send/3 with priority. @thread any
/// @since 0.1
KEEL_API keel_status keel_send_priority(keel_term to, keel_term message);
/// Sends one copy of `message`, shared, to `count` pids: first those of this node.
/// @return as keel_send; KEEL_E_BADARG also at the first that is no pid: those of other
///         nodes after it get nothing
/// @thread any @since 0.1
KEEL_API keel_status keel_broadcast(const keel_pid *pids, size_t count, keel_term message);

/// Takes the first message, waiting for it. @thread process @since 0.1
KEEL_API keel_term keel_receive(void);
/// Takes the first message, or gives up at `deadline` with KEEL_E_TIMEOUT. KEEL_AT_ONCE
/// looks at what is queued. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_receive_until(
        keel_deadline deadline, keel_term *ret_message);
/// Takes the first message that `wanted` accepts; the others stay, in order. `wanted` sees
/// each message once, and may not receive or wait. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_receive_where(
        bool (*wanted)(keel_term message, void *context), void *context,
        keel_deadline deadline, keel_term *ret_message);
/// Takes the first message that matches a pattern (<keel/match.h>):
///   keel_receive_match(KEEL_IN(KEEL_SECONDS(1)), "{^Ref, Reply}", ref, &reply)
/// @thread process @since 0.1
#define keel_receive_match(deadline, ...)                                                  \
    KEEL_SITE_(keel_receive_match_at, (deadline), __VA_ARGS__)
KEEL_API KEEL_MUST_USE keel_status keel_receive_match_at(keel_pattern_site *site,
        keel_deadline deadline, const keel_arg *args, size_t count);
/// The number of messages in the caller's mailbox. @thread process @since 0.1
KEEL_API size_t keel_queue_length(void);
/// Throws away every message in the mailbox; returns how many. @thread process @since 0.1
KEEL_API size_t keel_flush(void);
/// A relative receive timeout in milliseconds as a deadline, checked as receive … after
/// does: an integer of 0 to 2^32-1 or the atom infinity, else KEEL_E_BADARG
/// (`timeout_value`). @thread any @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_timeout_from(
        keel_term milliseconds, keel_deadline *ret_deadline);

// --- names ---

/// Gives a live process of this node a name. KEEL_E_TAKEN (the name is taken, or the
/// process has one), KEEL_E_NOPROC (dead), KEEL_E_BADARG (no atom, or undefined, nil,
/// true, false). OTP: register/2 (which raises badarg for all). @thread any @since 0.1
KEEL_API keel_status keel_register(keel_term name, keel_pid pid);
/// KEEL_E_BADARG when nobody has the name. OTP: unregister/1. @thread any @since 0.1
KEEL_API keel_status keel_unregister(keel_term name);
/// The process with the name, or none. OTP: whereis/1. @thread any @since 0.1
#define keel_whereis(name) keel_whereis_term(KEEL_TO(name))
KEEL_API keel_pid keel_whereis_term(keel_term name);
/// The list of all names in use. OTP: registered/0. @thread any @since 0.1
KEEL_API keel_term keel_registered(void);
/// The name of this node: nonode@nohost until it has one. @thread any @since 0.1
KEEL_API keel_term keel_node_self(void);
/// The node on which a pid, reference or port was made; KEEL_NONE for any other term. OTP:
/// node/1. @thread any @since 0.1
KEEL_API keel_term keel_node_of(keel_term term);

// --- aliases ---

/// A reference that can be sent to as if it were the caller, until keel_unalias.
/// none outside. OTP: alias/0. @thread process @since 0.1
KEEL_API keel_ref keel_alias(void);
/// With options, as alias/1: a list of explicit_unalias, reply, priority.
/// KEEL_E_BADARG for others. @thread process @since 0.1
KEEL_API keel_status keel_alias_opt(keel_term options, keel_ref *ret_alias);
/// True when it was an active alias of the caller. OTP: unalias/1. @thread process
/// @since 0.1
KEEL_API bool keel_unalias(keel_ref alias);

KEEL_END_DECLS

#endif // KEEL_MESSAGE_H
