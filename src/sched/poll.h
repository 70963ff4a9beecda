#ifndef KL_SCHED_POLL_H
#define KL_SCHED_POLL_H

#include "sched.h"

// The poller: one epoll set with all watched descriptors and the eventfd that wakes
// whoever waits in it. At most one thread has the poller's role at a time.

keel_status kl_poll_start(void);
void kl_poll_stop(void);
// The epoll descriptor.
int kl_poll_fd(void);

// True when somebody waits for a descriptor.
bool kl_poll_wanted(void);
// True when a thread has the poller's role.
bool kl_poll_taken(void);
// Takes the role; false when another thread has it.
bool kl_poll_begin(void);
void kl_poll_end(void);
// Waits up to `timeout_ns` (0: looks only, negative: no limit) for descriptors or a kick
// and calls `ready` of what happened. For who has the role. Returns the number of calls.
size_t kl_poll_wait(int64_t timeout_ns);
// Ends the wait of whoever has the role, or the next one.
void kl_poll_kick(void);
// In a foreign loop: the time at which the epoll descriptor becomes readable by itself.
void kl_poll_set_alarm(int64_t at);

#endif // KL_SCHED_POLL_H
