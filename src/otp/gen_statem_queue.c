#include "gen_statem_queue.h"
#include <keel/process.h>

static keel_term keep(keel_term term)
{
    return keel_is_none(term) ? KEEL_NONE : keel_keep(term);
}

struct kl_held_event *kl_held_event_new(const keel_event *event)
{
    struct kl_held_event *held = keel_alloc(sizeof *held);
    held->event.type = event->type;
    held->event.from.pid = keel_to_pid(keep(keel_from_pid(event->from.pid)));
    held->event.from.tag = keep(event->from.tag);
    held->event.name = keep(event->name);
    held->event.content = keep(event->content);
    return held;
}

void kl_held_event_free(struct kl_held_event *held)
{
    if (held != NULL) {
        keel_drop(keel_from_pid(held->event.from.pid));
        keel_drop(held->event.from.tag);
        keel_drop(held->event.name);
        keel_drop(held->event.content);
        keel_free(held);
    }
}

void kl_held_events_append(struct kl_held_events *list, struct kl_held_event *held)
{
    if (list->last == NULL) {
        held->next = held;
    } else {
        held->next = list->last->next;
        list->last->next = held;
    }
    list->last = held;
}

struct kl_held_event *kl_held_events_take(struct kl_held_events *list)
{
    struct kl_held_event *last = list->last;
    if (last == NULL) {
        return NULL;
    }
    struct kl_held_event *first = last->next;
    last->next = first->next;
    if (first == last) {
        list->last = NULL;
    }
    return first;
}

void kl_held_events_prepend(struct kl_held_events *list, struct kl_held_events *front)
{
    if (front->last == NULL) {
        return;
    }
    if (list->last == NULL) {
        list->last = front->last;
    } else {
        struct kl_held_event *first = front->last->next;
        front->last->next = list->last->next;
        list->last->next = first;
    }
    front->last = NULL;
}

keel_term kl_held_events_term(const struct kl_held_events *list)
{
    keel_term shown = keel_nil();
    struct kl_held_event *held = list->last;
    if (held == NULL) {
        return shown;
    }
    do {
        held = held->next;
        shown = keel_cons(
                keel_tuple_of(keel_event_type_term(&held->event), held->event.content),
                shown);
    } while (held != list->last);
    return keel_list_reverse(shown);
}
