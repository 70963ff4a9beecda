// What the owner does with the signals that came through its door.

#include "process.h"

void kl_exit_arrived(struct kl_process *self, struct kl_envelope *envelope, bool linked)
{
    keel_term reason = keel_element(envelope->body, 2);
    bool kill = !linked && keel_is(reason, kill);
    if (kill) {
        kl_envelope_free(envelope);
        kl_exit_begin(self, KL_ATOM(killed), NULL);
        return;
    }
    if ((self->flags & KL_TRAP_EXIT) != 0) {
        envelope->kind = KL_MESSAGE;
        kl_mailbox_append(self, envelope);
        return;
    }
    bool own = envelope->from == kl_process_pid(self).word;
    if (keel_is(reason, normal) && (linked || !own)) {
        kl_envelope_free(envelope);
        return;
    }
    kl_exit_begin(self, reason, envelope);
}

void kl_link_exit_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_relation *link = kl_relation_find(self, envelope->from);
    if (link == NULL || (link->flags & KL_REL_INACTIVE) != 0) {
        if (link != NULL) {
            kl_relation_remove(self, link); // it has ended: no answer to the unlink comes
        }
        kl_envelope_free(envelope);
        return;
    }
    if ((link->flags & KL_REL_FIRST) != 0) {
        envelope->flags |= KL_FIRST;
    }
    kl_relation_remove(self, link);
    kl_exit_arrived(self, envelope, true);
}

void kl_down_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_relation *monitor = kl_relation_find(self, envelope->ref);
    if (monitor == NULL) {
        kl_envelope_free(envelope); // demonitored meanwhile
        return;
    }
    if (monitor->alias == KEEL_ALIAS_DEMONITOR ||
            monitor->alias == KEEL_ALIAS_REPLY_DEMONITOR) {
        kl_alias_release(self, envelope->ref);
    }
    if ((monitor->flags & KL_REL_FIRST) != 0) {
        envelope->flags |= KL_FIRST;
    }
    kl_relation_remove(self, monitor);
    envelope->kind = KL_MESSAGE;
    kl_mailbox_append(self, envelope);
}

bool kl_down_taken_in(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_relation *monitor = kl_relation_find(self, envelope->ref);
    if (monitor == NULL || monitor->alias != KEEL_ALIAS_NONE || monitor->flags != 0 ||
            monitor->connection != 0 || (self->flags & KL_DYING) != 0) {
        return false;
    }
    kl_relation_remove(self, monitor);
    envelope->kind = KL_MESSAGE;
    kl_mailbox_append(self, envelope);
    return true;
}

static void link_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    if (kl_relation_find(self, envelope->from) == NULL &&
            kl_relation_add(self, envelope->from, KL_REL_LINK,
                    (keel_pid){envelope->from}) == NULL) {
        kl_undeliverable(envelope); // no memory: as if this process had ended
        return;
    }
    kl_envelope_free(envelope);
}

static void unlink_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_relation *link = kl_relation_find(self, envelope->from);
    if (link != NULL && (link->flags & KL_REL_INACTIVE) == 0) {
        kl_relation_remove(self, link);
    }
    envelope->kind = KL_UNLINK_ACK;
    keel_pid from = {envelope->from};
    envelope->from = kl_process_pid(self).word;
    kl_deliver(from, envelope);
}

static void unlink_ack_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_relation *link = kl_relation_find(self, envelope->from);
    if (link != NULL && (link->flags & KL_REL_INACTIVE) != 0 && link->id == envelope->ref) {
        kl_relation_remove(self, link);
    }
    kl_envelope_free(envelope);
}

static void monitor_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_relation *watcher = kl_relation_add(
            self, envelope->ref, KL_REL_WATCHER, (keel_pid){envelope->from});
    if (watcher == NULL) {
        kl_undeliverable(envelope);
        return;
    }
    if (keel_is_tuple(envelope->body)) {
        keel_term object = keel_element(envelope->body, 0);
        keel_term tag = keel_element(envelope->body, 1); // may be none
        watcher->tag = keel_is_none(tag) ? KEEL_NONE : kl_keep_for(self, tag);
        watcher->object = keel_is_nil(object) ? KEEL_NONE : kl_keep_for(self, object);
    }
    kl_envelope_free(envelope);
}

static void demonitor_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_relation *watcher = kl_relation_find(self, envelope->ref);
    if (watcher != NULL && watcher->kind == KL_REL_WATCHER) {
        kl_relation_remove(self, watcher);
    } else if ((self->flags & KL_QUEUE_WATCHED) != 0) {
        kl_queue_watch_remove(self, envelope->ref);
    }
    kl_envelope_free(envelope);
}

static void alarm_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_alarm *alarm = KL_CONTAINER(envelope, struct kl_alarm, envelope);
    if (self->alarm == alarm) {
        self->alarm = NULL;
    }
    kl_pool_free(alarm, sizeof *alarm);
    kl_flags_add(self, KL_CHANGED); // the turn looks whether the deadline has passed
}

static void answer_ping(struct kl_process *self, struct kl_envelope *envelope)
{
    (void)self;
    struct kl_envelope *reply = kl_envelope_new(KL_REPLY, KL_ATOM(true));
    if (reply != NULL) {
        reply->ref = envelope->ref;
        kl_deliver((keel_pid){envelope->from}, reply);
    }
    kl_envelope_free(envelope);
}

static void suspend_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    struct kl_extras *extras = kl_extras(self);
    if (extras->suspends++ == 0) {
        extras->suspended_at = kl_now_exact();
        self->suspended = true;
        kl_timers_pause(self);
    }
    answer_ping(self, envelope);
}

static void leader_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    kl_leader_set(self, keel_to_pid(envelope->body));
    answer_ping(self, envelope);
}

// Links and monitors that were made before the end hear of its real reason, and those
// that were taken back hear nothing.
static bool matters_to_the_dying(const struct kl_envelope *envelope)
{
    return envelope->kind == KL_ALARM || envelope->kind == KL_LINK ||
           envelope->kind == KL_UNLINK || envelope->kind == KL_UNLINK_ACK ||
           envelope->kind == KL_MONITOR || envelope->kind == KL_DEMONITOR ||
           envelope->kind == KL_SETTLED || envelope->kind == KL_REMOTE;
}

static void exit_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    kl_exit_arrived(self, envelope, false);
}

static void settled_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    kl_call_settle(self, envelope);
    kl_envelope_free(envelope);
}

static void wake_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    kl_flags_add(self, KL_CHANGED);
    kl_envelope_free(envelope);
}

// Its timers, and a deadline it waits for, stood still meanwhile: what they had left they
// have again.
static void resume_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    if (self->suspended && --self->extras->suspends == 0) {
        self->suspended = false;
        kl_timers_go_on(self);
        if (self->deadline != INT64_MAX && self->deadline != INT64_MIN) {
            int64_t paused = kl_now_exact() - self->extras->suspended_at;
            bool never = self->deadline > INT64_MAX - paused;
            self->deadline = never ? INT64_MAX : self->deadline + paused;
        }
    }
    wake_arrived(self, envelope);
}

void kl_signal(struct kl_process *self, struct kl_envelope *envelope)
{
    static void (*const arrived[])(struct kl_process *, struct kl_envelope *) = {
            [KL_REPLY] = kl_call_reply_arrived,
            [KL_EXIT] = exit_arrived,
            [KL_LINK] = link_arrived,
            [KL_UNLINK] = unlink_arrived,
            [KL_UNLINK_ACK] = unlink_ack_arrived,
            [KL_LINK_EXIT] = kl_link_exit_arrived,
            [KL_MONITOR] = monitor_arrived,
            [KL_DEMONITOR] = demonitor_arrived,
            [KL_DOWN] = kl_down_arrived,
            [KL_SETTLED] = settled_arrived,
            [KL_ALARM] = alarm_arrived,
            [KL_SUSPEND] = suspend_arrived,
            [KL_RESUME] = resume_arrived,
            [KL_INFO] = kl_info_answer,
            [KL_PING] = answer_ping,
            [KL_LEADER] = leader_arrived,
            [KL_WATCH_QUEUE] = kl_queue_watch_add,
            [KL_WAKE] = wake_arrived,
            [KL_TIMER] = kl_timer_arrived,
            [KL_TIMER_GONE] = kl_timer_arrived,
            [KL_TIMER_NOTE] = kl_timer_noted,
            [KL_ALIAS_MESSAGE] = kl_alias_arrived,
            [KL_REMOTE] = kl_remote_arrived,
            [KL_RAW] = kl_raw_arrived,
    };
    if ((self->flags & KL_DYING) != 0 && !matters_to_the_dying(envelope)) {
        kl_undeliverable(envelope);
        return;
    }
    arrived[envelope->kind](self, envelope);
}
