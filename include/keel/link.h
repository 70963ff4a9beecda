#ifndef KEEL_LINK_H
#define KEEL_LINK_H

#include <keel/message.h>

// Links and monitors.

KEEL_BEGIN_DECLS

/// Links the caller and `pid`: when one ends, the other gets an exit signal with its
/// reason. Linking to a dead pid gives the caller the exit signal `noproc`; to itself
/// does nothing. OTP: link/1. @return KEEL_OK, KEEL_E_BADARG, KEEL_E_OUTSIDE
/// @thread process
/// @since 0.1
KEEL_API keel_status keel_link(keel_pid pid);
/// The same, whose EXIT message is a priority message. OTP 28: link/2. @thread process
/// @since 0.1
KEEL_API keel_status keel_link_priority(keel_pid pid);
/// Removes the link, from both sides; no signal of it arrives afterwards (one that has
/// become a message stays). OTP: unlink/1. @thread process @since 0.1
KEEL_API keel_status keel_unlink(keel_pid pid);

/// Watches a process: when it ends the caller gets {'DOWN', Ref, process, Pid, Reason}
/// once; noproc when there is none. By name the object is {Name, Node}. None when `target`
/// is no pid, name or {Name, Node}, or outside. OTP: monitor/2. @thread process @since 0.1
#define keel_monitor(target) keel_monitor_term(KEEL_TO(target))
KEEL_API keel_ref keel_monitor_term(keel_term target);
/// With options. KEEL_OK, KEEL_E_BADARG, KEEL_E_OUTSIDE. OTP: monitor/3. @thread process
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_monitor_opt(
        keel_term target, const keel_monitor_opts *opts, keel_ref *ret_monitor);

enum {
    KEEL_DEMONITOR_FLUSH = 1, ///< also take its DOWN out of the mailbox
    KEEL_DEMONITOR_INFO = 2, ///< false when there was no active monitor
};
/// Ends a monitor of the caller: no DOWN of it is delivered afterwards. True; with INFO,
/// whether an active one was removed. A reference that is no monitor is fine.
/// OTP: demonitor/2. @thread process @since 0.1
KEEL_API bool keel_demonitor(keel_ref monitor, int flags);
/// The same with the options as a list of atoms, checked as OTP does: KEEL_E_BADARG, also
/// for a reference that another node made.
/// @thread process @since 0.1
KEEL_API keel_status keel_demonitor_opt(
        keel_term monitor, keel_term options, bool *ret_result);

/// Watches the length of a mailbox: {'QUEUE', Ref, Pid, high, Length} when it has grown
/// to `high`, {…, low, Length} when it has fallen to `low` again; one message a crossing.
/// Ends with keel_demonitor and with either process. KEEL_E_BADARG (low >= high),
/// KEEL_E_NOPROC, KEEL_E_OUTSIDE. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_monitor_queue(
        keel_pid pid, size_t high, size_t low, keel_ref *ret_monitor);

KEEL_END_DECLS

#endif // KEEL_LINK_H
