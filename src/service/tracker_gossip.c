// What the shards of one name tell each other. All goes through publish and subscribe, on
// the topic {keel_tracker, Shard}:
//
//   {'$tracker', heartbeat, Replica, Part | empty, Clock}   to all: what has changed since
//                                                           the last one, what it knows of
//   {'$tracker', transfer_req, Replica, Clock}    to one node: what has somebody with this
//                                                 clock missed?
//   {'$tracker', transfer_ack, Replica, Part}     to one node: this
//   {'$tracker', graceful_permdown, Replica}      to all: it goes for good
//   {'$tracker', beat}                            to itself, each period
//
// A heartbeat that is lost shows in the clocks of those who have got it, or of the next
// one; who notices asks. Nothing is believed of a replica that was not heard itself.

#include "tracker.h"
#include "tracker_clocks.h"
#include <keel/logger.h>
#include <keel/timer.h>

static void beat(struct kl_tracker *tracker);
static void beat_after(struct kl_tracker *tracker, keel_duration duration);
static void tell_all(struct kl_tracker *tracker, keel_term message);
static void tell_one(struct kl_tracker *tracker, keel_term ref, keel_term message);
static void be_heard(struct kl_tracker *tracker);
static void see(struct kl_tracker *tracker, keel_term ref, struct kl_diff *diff);
static void merge(struct kl_tracker *tracker, keel_term part, struct kl_diff *diff);
static void forget(struct kl_tracker *tracker, keel_term ref, struct kl_diff *diff);
static void remember_clock(struct kl_tracker *tracker, keel_term ref, keel_term clock);

#define EAR(diff) (&(const struct kl_presence_ear){kl_diff_note, (diff)})

bool kl_tracker_gossip_start(struct kl_tracker *tracker)
{
    if (keel_pubsub_subscribe(tracker->opts.pubsub, tracker->topic) != KEEL_OK) {
        return false;
    }
    tracker->samples_left = tracker->opts.clock_sample_periods;
    be_heard(tracker);
    // Trackers that start together do not speak all at the same time.
    uint64_t most = (uint64_t)tracker->opts.broadcast_period / 4;
    beat_after(tracker, (keel_duration)(keel_random() % (most + 1)));
    return true;
}

bool kl_tracker_gossip_heard(struct kl_tracker *tracker, keel_term message)
{
    struct kl_diff diff = {0};
    keel_term ref, part, clock;
    if (keel_element(message, 0).word != keel_atom_text("$tracker").word) {
        return false;
    }
    if (keel_is(keel_element(message, 1), beat)) {
        beat(tracker);
        return true;
    }
    // What was under way when this one said farewell comes too late.
    ref = keel_element(message, 2);
    if (tracker->leaving || keel_tuple_size(ref) != 2 ||
            keel_equal(keel_element(ref, 0), keel_element(tracker->ref, 0))) {
        return true;
    }
    if (keel_match(message, "{_, heartbeat, _, Part, Clock}", &part, &clock)) {
        see(tracker, ref, &diff);
        kl_tracker_report(tracker, &diff); // what is back may go again by what is merged
        if (kl_replicas_know(&tracker->replicas, ref)) {
            merge(tracker, part, &diff);
            remember_clock(tracker, ref, clock);
        }
    } else if (keel_match(message, "{_, transfer_req, _, Clock}", &clock)) {
        part = kl_deltas_since(&tracker->deltas, &tracker->presences, clock, NULL);
        tell_one(tracker, ref,
                keel_make("{'$tracker', transfer_ack, Ref, Part}", tracker->ref, part));
    } else if (keel_match(message, "{_, transfer_ack, _, Part}", &part)) {
        merge(tracker, part, &diff);
    } else if (keel_match(message, "{_, graceful_permdown, _}")) {
        if (kl_replicas_remove(&tracker->replicas, ref)) {
            forget(tracker, ref, &diff);
        }
    }
    kl_tracker_report(tracker, &diff);
    return true;
}

void kl_tracker_gossip_leave(struct kl_tracker *tracker)
{
    tracker->leaving = true;
    tell_all(tracker, keel_make("{'$tracker', graceful_permdown, Ref}", tracker->ref));
}

// --- each period ---

static void send_heartbeat(struct kl_tracker *tracker)
{
    keel_term part = keel_atom(empty);
    int most = tracker->opts.max_silent_periods;
    if (tracker->delta.replicas != NULL) {
        part = kl_presences_all(&tracker->delta);
        kl_presences_done(&tracker->delta);
        kl_deltas_push(&tracker->deltas, part);
    } else if (tracker->silent < most) {
        tracker->silent++;
        return;
    }
    tracker->silent = 0;
    tell_all(tracker, keel_make("{'$tracker', heartbeat, Ref, Part, Clock}", tracker->ref,
                              part, kl_presences_clock(&tracker->presences)));
}

// Asks those who know what this one does not, every few periods: many say the same.
static void ask_others(struct kl_tracker *tracker)
{
    if (--tracker->samples_left > 0) {
        return;
    }
    keel_term clock = kl_presences_clock(&tracker->presences), ref;
    keel_term ahead = kl_clockset_ahead(keel_copy(tracker->pending), clock);
    while (keel_list_next(&ahead, &ref)) {
        if (kl_replicas_know(&tracker->replicas, ref)) {
            tell_one(tracker, ref,
                    keel_make(
                            "{'$tracker', transfer_req, Ref, Clock}", tracker->ref, clock));
        }
    }
    keel_set(&tracker->pending, keel_nil());
    tracker->samples_left = tracker->opts.clock_sample_periods;
}

static void notice_silence(struct kl_tracker *tracker)
{
    struct kl_diff diff = {0};
    int64_t now = keel_now();
    enum kl_replica_news news;
    keel_term ref;
    while ((news = kl_replicas_silent(&tracker->replicas, now - tracker->opts.down_period,
                    now - tracker->opts.permdown_period, &ref)) != KL_REPLICA_NO_NEWS) {
        keel_log_debug("tracker %s: replica %s is %s", keel_show(tracker->topic),
                keel_show(ref), news == KL_REPLICA_DOWN ? "down" : "forgotten");
        if (news == KL_REPLICA_DOWN) {
            kl_presences_hide(&tracker->presences, ref, true, EAR(&diff));
        } else {
            forget(tracker, ref, &diff);
        }
        keel_drop(ref);
    }
    kl_tracker_report(tracker, &diff);
}

static void beat(struct kl_tracker *tracker)
{
    if (tracker->leaving) {
        return;
    }
    send_heartbeat(tracker);
    ask_others(tracker);
    notice_silence(tracker);
    beat_after(tracker, tracker->opts.broadcast_period);
}

static void beat_after(struct kl_tracker *tracker, keel_duration duration)
{
    (void)tracker;
    keel_send_after(duration, keel_self(), keel_make("{'$tracker', beat}"));
}

// --- sending: what does not arrive is asked for later ---

static void tell_all(struct kl_tracker *tracker, keel_term message)
{
    keel_status status = keel_pubsub_broadcast_from(
            tracker->opts.pubsub, keel_self(), tracker->topic, message);
    (void)status;
}

static void tell_one(struct kl_tracker *tracker, keel_term ref, keel_term message)
{
    keel_status status = keel_pubsub_direct_broadcast(
            tracker->opts.pubsub, keel_element(ref, 0), tracker->topic, message);
    (void)status;
}

// --- others ---

// The next heartbeat is sent, also when there is nothing new in it: to whoever is new, this
// one is.
static void be_heard(struct kl_tracker *tracker)
{
    tracker->silent = tracker->opts.max_silent_periods;
}

// A replica speaks: it is there.
static void see(struct kl_tracker *tracker, keel_term ref, struct kl_diff *diff)
{
    keel_term old;
    switch (kl_replicas_heard(&tracker->replicas, ref, keel_now(), &old)) {
    case KL_REPLICA_REPLACED:
        forget(tracker, old, diff);
        keel_drop(old);
        kl_presences_meet(&tracker->presences, ref);
        be_heard(tracker);
        break;
    case KL_REPLICA_UP:
        keel_log_debug(
                "tracker %s: replica %s is up", keel_show(tracker->topic), keel_show(ref));
        kl_presences_meet(&tracker->presences, ref);
        kl_presences_hide(&tracker->presences, ref, false, EAR(diff));
        be_heard(tracker);
        break;
    default:
        break;
    }
}

// What is new is also kept for those who missed it; of unknown replicas nothing is.
static void merge(struct kl_tracker *tracker, keel_term part, struct kl_diff *diff)
{
    keel_term known = keel_nil(), share;
    while (keel_list_next(&part, &share)) {
        if (kl_replicas_know(&tracker->replicas, keel_element(share, 0))) {
            known = keel_cons(share, known);
        }
    }
    if (!keel_is_nil(known)) {
        kl_presences_merge(&tracker->presences, known, false, EAR(diff));
        kl_deltas_push(&tracker->deltas, known);
    }
}

static void forget(struct kl_tracker *tracker, keel_term ref, struct kl_diff *diff)
{
    kl_presences_forget(&tracker->presences, ref, EAR(diff));
    kl_deltas_forget(&tracker->deltas, ref);
}

static void remember_clock(struct kl_tracker *tracker, keel_term ref, keel_term clock)
{
    keel_term known = keel_make("#{}"), replica, number;
    for (size_t i = 0; keel_map_at(clock, i, &replica, &number); i++) {
        if (kl_presences_replica(&tracker->presences, replica) != NULL) {
            known = keel_map_put(known, replica, number);
        }
    }
    keel_term pending = keel_copy(tracker->pending);
    keel_set(&tracker->pending, kl_clockset_add(pending, ref, known));
}
