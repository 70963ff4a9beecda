// What happens in the runtime, for who listens.

#include "event.h"

keel_runtime_event_listener kl_event_listener;

keel_runtime_event_listener keel_runtime_event_listen(keel_runtime_event_listener listener)
{
    return __atomic_exchange_n(&kl_event_listener, listener, __ATOMIC_RELAXED);
}

void kl_event_tell(const keel_runtime_event *event)
{
    keel_runtime_event_listener listener = kl_load_relaxed(&kl_event_listener);
    if (listener != NULL) {
        listener(event);
    }
}

void kl_event_tell_start(const struct kl_process *child)
{
    kl_event_tell(&(keel_runtime_event){
            .kind = KEEL_RUNTIME_EVENT_START,
            .pid = kl_process_pid(child),
            .other = {kl_load_relaxed(&child->parent.word)},
            .entry = kl_process_entry_name(child),
    });
}

void kl_event_tell_exit(const struct kl_process *self)
{
    kl_event_tell(&(keel_runtime_event){
            .kind = KEEL_RUNTIME_EVENT_EXIT,
            .pid = kl_process_pid(self),
            .term = self->exit_reason,
            .entry = kl_process_entry_name(self),
    });
}

void keel_runtime_event_restart(keel_term id)
{
    if (kl_event_wanted() && keel_in_process()) {
        kl_event_tell(&(keel_runtime_event){
                .kind = KEEL_RUNTIME_EVENT_RESTART, .pid = keel_self(), .term = id});
    }
}
