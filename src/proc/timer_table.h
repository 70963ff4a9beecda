#ifndef KL_PROC_TIMER_TABLE_H
#define KL_PROC_TIMER_TABLE_H

#include "process.h"

// The timers of keel_send_after and the like, found by their references.

// Arms one that sends `message`, or {timeout, Ref, message} when `wrap`, to a local pid or
// a name. One whose receiver has ended is not armed; its reference is given all the same.
keel_status kl_timer_table_arm(
        int64_t at, keel_term to, keel_term message, bool wrap, keel_ref *ret_timer);
// False when it does not run. `ret_left` may be NULL: the clock is not read then.
bool kl_timer_table_cancel(keel_ref ref, keel_duration *ret_left);
bool kl_timer_table_read(keel_ref ref, keel_duration *ret_left);

#endif // KL_PROC_TIMER_TABLE_H
