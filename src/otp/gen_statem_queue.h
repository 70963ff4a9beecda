#ifndef KL_OTP_GEN_STATEM_QUEUE_H
#define KL_OTP_GEN_STATEM_QUEUE_H

#include <keel/gen_statem.h>

// Events that a state machine holds: postponed, put back, inserted. Their terms are kept.

struct kl_held_event {
    struct kl_held_event *next;
    keel_event event;
};

// Oldest first; zeroed: empty. A ring, so that both ends and joining two cost the same.
struct kl_held_events {
    struct kl_held_event *last; // last->next is the first
};

// A copy of the event, in memory of the process.
struct kl_held_event *kl_held_event_new(const keel_event *event);
void kl_held_event_free(struct kl_held_event *held); // NULL is fine

void kl_held_events_append(struct kl_held_events *list, struct kl_held_event *held);
// The first one, taken out, or NULL.
struct kl_held_event *kl_held_events_take(struct kl_held_events *list);
// Moves all of `front` to the front of `list`.
void kl_held_events_prepend(struct kl_held_events *list, struct kl_held_events *front);
// [{Type, Content}, …]
keel_term kl_held_events_term(const struct kl_held_events *list);

#endif // KL_OTP_GEN_STATEM_QUEUE_H
