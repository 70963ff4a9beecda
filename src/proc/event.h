#ifndef KL_PROC_EVENT_H
#define KL_PROC_EVENT_H

#include "process.h"
#include <keel/runtime_event.h>

// Events for who listens to them. The listener is read relaxed: who sets it waits for
// nobody, and it is code, which stays.
extern keel_runtime_event_listener kl_event_listener; // NULL: nobody; atomic

static inline bool kl_event_wanted(void)
{
    return __builtin_expect(kl_load_relaxed(&kl_event_listener) != NULL, 0);
}

// For the listener, if there is one still.
void kl_event_tell(const keel_runtime_event *event);
void kl_event_tell_start(const struct kl_process *child);
void kl_event_tell_exit(const struct kl_process *self);

#endif // KL_PROC_EVENT_H
