#include "gen_statem_timer.h"
#include <keel/timer.h>

struct kl_statem_timer {
    struct kl_statem_timer *next;
    struct kl_held_event *held; // what it will be
    keel_ref ref; // none: of no time at all
};

static struct kl_statem_timer **find(
        struct kl_statem_timers *timers, keel_event_type type, keel_term name);
static struct kl_held_event *unlink_timer(struct kl_statem_timer **link);

static void start(struct kl_statem_timers *timers, const struct kl_timeout *timeout)
{
    keel_event event = {
            .type = timeout->type, .name = timeout->name, .content = timeout->content};
    struct kl_statem_timer *timer = keel_alloc(sizeof *timer);
    timer->held = kl_held_event_new(&event);
    keel_term self = keel_from_pid(keel_self());
    keel_term mark = keel_pointer(timers);
    if (timeout->what == KL_TIMEOUT_AT) {
        timer->ref = keel_start_timer_at(keel_deadline_at(timeout->time), self, mark);
    } else if (timeout->what == KL_TIMEOUT_AFTER && timeout->time > 0) {
        timer->ref = keel_start_timer(timeout->time, self, mark);
    }
    timers->used = true;
    struct kl_statem_timer **end = &timers->first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = timer;
}

void kl_statem_timers_do(struct kl_statem_timers *timers, const struct kl_timeout *timeout)
{
    struct kl_statem_timer **running = find(timers, timeout->type, timeout->name);
    if (timeout->what == KL_TIMEOUT_UPDATE && *running != NULL) {
        keel_set(&(*running)->held->event.content, timeout->content);
        return;
    }
    kl_statem_timers_cancel(timers, timeout->type, timeout->name);
    if (timeout->what != KL_TIMEOUT_CANCEL) {
        start(timers, timeout);
    }
}

// A message that has left already is recognised when it comes: its reference is unknown
// then.
void kl_statem_timers_cancel(
        struct kl_statem_timers *timers, keel_event_type type, keel_term name)
{
    struct kl_statem_timer **running = find(timers, type, name);
    if (*running != NULL) {
        if ((*running)->ref.word != 0) {
            keel_cancel_timer((*running)->ref, NULL);
        }
        kl_held_event_free(unlink_timer(running));
    }
}

bool kl_statem_timers_message(struct kl_statem_timers *timers, keel_term message,
        struct kl_held_event **ret_event)
{
    keel_ref ref;
    void *mark;
    if (!keel_match(message, "{timeout, Ref, Mark}", &ref, &mark) || mark != timers) {
        return false;
    }
    struct kl_statem_timer **link = &timers->first;
    while (*link != NULL && (*link)->ref.word != ref.word) {
        link = &(*link)->next;
    }
    *ret_event = *link == NULL ? NULL : unlink_timer(link);
    return true;
}

struct kl_held_event *kl_statem_timers_due(struct kl_statem_timers *timers)
{
    struct kl_statem_timer **link = &timers->first;
    while (*link != NULL && (*link)->ref.word != 0) {
        link = &(*link)->next;
    }
    return *link == NULL ? NULL : unlink_timer(link);
}

keel_term kl_statem_timers_term(const struct kl_statem_timers *timers, size_t *ret_count)
{
    keel_term shown = keel_nil();
    *ret_count = 0;
    const struct kl_statem_timer *timer = timers->first;
    for (; timer != NULL; timer = timer->next) {
        const keel_event *event = &timer->held->event;
        shown = keel_cons(
                keel_tuple_of(keel_event_type_term(event), event->content), shown);
        *ret_count += 1;
    }
    return keel_list_reverse(shown);
}

// Where the running timer of this type and name hangs, or the end of the list.
static struct kl_statem_timer **find(
        struct kl_statem_timers *timers, keel_event_type type, keel_term name)
{
    struct kl_statem_timer **link = &timers->first;
    while (*link != NULL) {
        const keel_event *event = &(*link)->held->event;
        if (event->type == type &&
                (type != KEEL_EVENT_NAMED_TIMEOUT || keel_equal(event->name, name))) {
            break;
        }
        link = &(*link)->next;
    }
    return link;
}

static struct kl_held_event *unlink_timer(struct kl_statem_timer **link)
{
    struct kl_statem_timer *timer = *link;
    struct kl_held_event *held = timer->held;
    *link = timer->next;
    keel_free(timer);
    return held;
}
