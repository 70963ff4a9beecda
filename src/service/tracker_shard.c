// A shard of a tracker: the presences of its topics, as the processes of this node see
// them.

#include "tracker.h"
#include <keel/function.h>
#include <keel/link.h>

struct shard {
    struct kl_tracker *tracker;
};

typedef keel_term (*change_function)(keel_term meta, keel_term argument);

static keel_result init(keel_term packed, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_info(keel_term message, void *state);
static keel_term show(const void *state);

const keel_gen_server kl_tracker_shard = {
        .name = "tracker_shard",
        .state = KEEL_STATE(struct shard, tracker),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
        .get_state = show,
};

// --- the process ---

// Hash tables are the library's memory, and do not go with the process.
static void give_up(void *context)
{
    struct kl_tracker *tracker = context;
    kl_presences_done(&tracker->presences);
    kl_presences_done(&tracker->delta);
    kl_deltas_done(&tracker->deltas);
}

// No two trackers of a node have the same version, and a later one has the greater.
static uint64_t new_version(void)
{
    static uint64_t last; // only the number itself is shared: nothing is ordered by it
    uint64_t now = (uint64_t)keel_system_time() / 1000, before = kl_load_relaxed(&last);
    uint64_t next = now > before ? now : before + 1;
    while (!kl_cas_acq_rel(&last, &before, next)) {
        next = now > before ? now : before + 1;
    }
    return next;
}

static keel_result init(keel_term packed, void *state)
{
    struct kl_tracker *tracker = keel_alloc(sizeof *tracker);
    keel_tracker_opts opts;
    tracker->module = kl_tracker_unpack(packed, &opts);
    tracker->opts = kl_tracker_defaults(&opts);
    tracker->opts.argument = KEEL_NONE; // init's alone
    for (int i = 0; i < KL_DELTA_LOTS; i++) {
        tracker->deltas.limits[i] = (size_t)tracker->opts.max_delta_sizes[i];
    }
    ((struct shard *)state)->tracker = tracker;
    if (keel_defer(give_up, tracker) != KEEL_OK) {
        return keel_stop_with(keel_atom(system_limit));
    }
    // Who is tracked is linked: its end is a message.
    keel_trap_exit(true);
    tracker->user = keel_alloc(tracker->module->state.bytes + 1);
    keel_term node = keel_pubsub_node_name(opts.pubsub);
    tracker->ref = keel_keep(keel_tuple_of(node, keel_uint(new_version())));
    tracker->presences.own = kl_presences_meet(&tracker->presences, tracker->ref);
    tracker->topic = keel_keep(keel_tuple_of(keel_atom(keel_tracker), opts.name));
    tracker->pending = keel_nil();
    if (!kl_tracker_gossip_start(tracker)) {
        return keel_stop_with(keel_make("{badarg, {pubsub, Name}}", opts.pubsub));
    }
    const keel_tracker *module = tracker->module;
    return module->init == NULL ? keel_ok() : module->init(opts.argument, tracker->user);
}

void kl_tracker_report(struct kl_tracker *tracker, struct kl_diff *diff)
{
    keel_term map = kl_diff_take(diff);
    const keel_tracker *module = tracker->module;
    if (keel_is_none(map) || module->handle_diff == NULL) {
        return;
    }
    keel_result result = module->handle_diff(map, tracker->user);
    if (result.kind != KEEL_RESULT_OK && result.kind != KEEL_RESULT_NOREPLY) {
        keel_exit(keel_make("{bad_return_value, {handle_diff, Kind}}", result.kind));
    }
}

// As keel_sys_get_state shows it.
static keel_term show(const void *state)
{
    const struct kl_tracker *tracker = ((const struct shard *)state)->tracker;
    return keel_make("#{replica => Ref, clock => Clock, presences => N, module => State}",
            tracker->ref, kl_presences_clock(&tracker->presences), tracker->presences.alive,
            keel_state_to_term(&tracker->module->state, tracker->user));
}

// --- presences of this node ---

static struct kl_presence *find_own(
        struct kl_tracker *tracker, keel_term topic, keel_term pid, keel_term key)
{
    const struct kl_presence_index *index = &tracker->presences.index;
    struct kl_presence *at = kl_presence_of_key(index, topic, key, NULL);
    while (at != NULL && !(at->replica == tracker->presences.own &&
                                 keel_equal(kl_presence_pid(at), pid))) {
        at = kl_presence_of_key(index, topic, key, at);
    }
    return at;
}

static struct kl_presence *next_own(struct kl_tracker *tracker, keel_term pid)
{
    const struct kl_presence_index *index = &tracker->presences.index;
    struct kl_presence *at = kl_presence_of_pid(index, pid, NULL);
    while (at != NULL && at->replica != tracker->presences.own) {
        at = kl_presence_of_pid(index, pid, at);
    }
    return at;
}

// Adds what {Topic, Pid, Key, Meta} says, with a reference of its own in the meta.
static keel_term add(struct kl_tracker *tracker, keel_term entry, struct kl_diff *diff)
{
    uint64_t dot = kl_dots_last(&tracker->presences.own->dots) + 1;
    keel_term ref = keel_format(
            "%llx-%llx", (unsigned long long)keel_random(), (unsigned long long)dot);
    keel_term meta = keel_map_put(keel_element(entry, 3), keel_atom(phx_ref), ref);
    entry = keel_set_element(entry, 3, meta);
    kl_presences_add(&tracker->presences, &tracker->delta, entry);
    kl_diff_note(diff, true, entry);
    return ref;
}

static void remove_own(
        struct kl_tracker *tracker, struct kl_presence *presence, struct kl_diff *diff)
{
    kl_diff_note(diff, false, presence->entry);
    kl_presences_remove(&tracker->presences, &tracker->delta, presence);
}

static keel_result track(struct kl_tracker *tracker, keel_term entry)
{
    struct kl_diff diff = {0};
    keel_term topic = keel_element(entry, 0), pid = keel_element(entry, 1);
    keel_term key = keel_element(entry, 2);
    if (find_own(tracker, topic, pid, key) != NULL) {
        return keel_reply(
                keel_make("{error, {already_tracked, Pid, Topic, Key}}", pid, topic, key));
    }
    // One that is dead already is heard of as one that ends.
    keel_link(keel_to_pid(pid));
    keel_term ref = add(tracker, entry, &diff);
    kl_tracker_report(tracker, &diff);
    return keel_reply(keel_tuple_of(keel_atom(ok), ref));
}

// `meta` is the new one, or a function that makes it of the old one and `argument`.
static keel_result update(
        struct kl_tracker *tracker, keel_term entry, keel_term meta, keel_term argument)
{
    struct kl_diff diff = {0};
    struct kl_presence *presence = find_own(tracker, keel_element(entry, 0),
            keel_element(entry, 1), keel_element(entry, 2));
    if (presence == NULL) {
        return keel_reply(keel_make("{error, nopresence}"));
    }
    keel_term old = keel_copy(kl_presence_meta(presence));
    if (!keel_is_map(meta)) {
        meta = keel_to_function(change_function, meta)(old, argument);
    }
    if (!keel_is_map(meta)) {
        keel_exit(keel_make("{badmap, Meta}", keel_is_none(meta) ? keel_nil() : meta));
    }
    remove_own(tracker, presence, &diff);
    meta = keel_map_put(
            meta, keel_atom(phx_ref_prev), keel_map_get(old, keel_atom(phx_ref)));
    keel_term ref = add(tracker, keel_set_element(entry, 3, meta), &diff);
    kl_tracker_report(tracker, &diff);
    return keel_reply(keel_tuple_of(keel_atom(ok), ref));
}

static keel_result untrack(struct kl_tracker *tracker, keel_term entry)
{
    struct kl_diff diff = {0};
    keel_term pid = keel_element(entry, 1);
    struct kl_presence *presence = find_own(
            tracker, keel_element(entry, 0), pid, keel_element(entry, 2));
    if (presence != NULL) {
        remove_own(tracker, presence, &diff);
        if (next_own(tracker, pid) == NULL) {
            keel_unlink(keel_to_pid(pid));
        }
        kl_tracker_report(tracker, &diff);
    }
    return keel_reply(keel_atom(ok));
}

// True when it had any.
static bool untrack_all(struct kl_tracker *tracker, keel_term pid)
{
    struct kl_diff diff = {0};
    struct kl_presence *presence = next_own(tracker, pid);
    bool any = presence != NULL;
    while (presence != NULL) {
        remove_own(tracker, presence, &diff);
        presence = next_own(tracker, pid);
    }
    kl_tracker_report(tracker, &diff);
    return any;
}

// --- what is there ---

static keel_term list_topic(struct kl_tracker *tracker, keel_term topic)
{
    keel_term list = keel_nil();
    const struct kl_presence_index *index = &tracker->presences.index;
    struct kl_presence *at = kl_presence_of_topic(index, topic, NULL);
    for (; at != NULL; at = kl_presence_of_topic(index, topic, at)) {
        if (!at->replica->hidden) {
            keel_term pair = keel_tuple_of(kl_presence_key(at), kl_presence_meta(at));
            list = keel_cons(pair, list);
        }
    }
    return list;
}

static keel_term list_key(struct kl_tracker *tracker, keel_term topic, keel_term key)
{
    keel_term list = keel_nil();
    const struct kl_presence_index *index = &tracker->presences.index;
    struct kl_presence *at = kl_presence_of_key(index, topic, key, NULL);
    for (; at != NULL; at = kl_presence_of_key(index, topic, key, at)) {
        if (!at->replica->hidden) {
            keel_term pair = keel_tuple_of(kl_presence_pid(at), kl_presence_meta(at));
            list = keel_cons(pair, list);
        }
    }
    return list;
}

// --- callbacks ---

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct kl_tracker *tracker = ((struct shard *)state)->tracker;
    keel_term topic, pid, key, meta, argument;
    (void)from;
    if (keel_match(request, "{list, Topic}", &topic)) {
        return keel_reply(list_topic(tracker, topic));
    }
    if (keel_match(request, "{get_by_key, Topic, Key}", &topic, &key)) {
        return keel_reply(list_key(tracker, topic, key));
    }
    if (keel_match(request, "{track, Topic, Pid, Key, Meta}", &topic, &pid, &key, &meta)) {
        return track(tracker, keel_tuple_of(topic, pid, key, meta));
    }
    if (keel_match(request, "{update, Topic, Pid, Key, Meta, Argument}", &topic, &pid, &key,
                &meta, &argument)) {
        keel_term entry = keel_tuple_of(topic, pid, key, keel_nil());
        return update(tracker, entry, meta, argument);
    }
    if (keel_match(request, "{untrack, Topic, Pid, Key}", &topic, &pid, &key)) {
        return untrack(tracker, keel_tuple_of(topic, pid, key, keel_nil()));
    }
    if (keel_match(request, "{untrack, Pid}", &pid)) {
        if (untrack_all(tracker, pid)) {
            keel_unlink(keel_to_pid(pid));
        }
        return keel_reply(keel_atom(ok));
    }
    if (keel_is(request, graceful_permdown)) {
        kl_tracker_gossip_leave(tracker);
        return keel_reply(keel_atom(ok));
    }
    return keel_unexpected(request);
}

static keel_result handle_info(keel_term message, void *state)
{
    struct kl_tracker *tracker = ((struct shard *)state)->tracker;
    keel_term pid;
    if (kl_tracker_gossip_heard(tracker, message)) {
        return keel_noreply();
    }
    if (keel_match(message, "{'EXIT', Pid, _}", &pid)) {
        untrack_all(tracker, pid);
        return keel_noreply();
    }
    if (tracker->module->handle_info == NULL) {
        return keel_unexpected(message);
    }
    return tracker->module->handle_info(message, tracker->user);
}
