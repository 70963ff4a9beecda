// Trackers as their users see them: each question goes to the shard of its topic.

#include "tracker.h"
#include <keel/function.h>

static int shard_count(keel_term tracker);
static keel_status ask_shard(
        keel_term tracker, int number, keel_term request, keel_term *ret_reply);
static keel_status ask(
        keel_term tracker, keel_term topic, keel_term request, keel_term *ret_reply);
static keel_pid pid_of(const keel_presence *presence);
static bool is_complete(const keel_presence *presence);
static keel_status take_ref(
        keel_status status, keel_term reply, const keel_presence *presence);

keel_status keel_tracker_track_opt(keel_term tracker, const keel_presence *presence)
{
    keel_term reply = KEEL_NONE;
    if (!is_complete(presence)) {
        return KEEL_E_BADARG;
    }
    keel_term meta = keel_is_none(presence->meta) ? keel_make("#{}") : presence->meta;
    keel_status status = ask(tracker, presence->topic,
            keel_make("{track, Topic, Pid, Key, Meta}", presence->topic, pid_of(presence),
                    presence->key, meta),
            &reply);
    status = take_ref(status, reply, presence);
    return status == KEEL_E_REFUSED ? KEEL_E_TAKEN : status;
}

keel_status keel_tracker_update_opt(keel_term tracker, const keel_presence *presence)
{
    keel_term reply = KEEL_NONE;
    if (!is_complete(presence)) {
        return KEEL_E_BADARG;
    }
    keel_term meta = presence->change != NULL       ? keel_function(presence->change)
                     : keel_is_none(presence->meta) ? keel_make("#{}")
                                                    : presence->meta;
    keel_term argument = keel_is_none(presence->argument) ? keel_nil() : presence->argument;
    keel_status status = ask(tracker, presence->topic,
            keel_make("{update, Topic, Pid, Key, Meta, Argument}", presence->topic,
                    pid_of(presence), presence->key, meta, argument),
            &reply);
    return take_ref(status, reply, presence);
}

keel_status keel_tracker_untrack_opt(keel_term tracker, const keel_presence *presence)
{
    keel_term reply = KEEL_NONE;
    if (!is_complete(presence)) {
        return KEEL_E_BADARG;
    }
    return ask(tracker, presence->topic,
            keel_make("{untrack, Topic, Pid, Key}", presence->topic, pid_of(presence),
                    presence->key),
            &reply);
}

keel_status keel_tracker_untrack_all(keel_term tracker, keel_pid pid)
{
    if (!keel_is_pid(keel_from_pid(pid))) {
        return KEEL_E_BADARG;
    }
    int count = shard_count(tracker);
    keel_status status = count == 0 ? KEEL_E_NOPROC : KEEL_OK;
    for (int i = 0; i < count && status == KEEL_OK; i++) {
        keel_term reply;
        status = ask_shard(tracker, i, keel_make("{untrack, Pid}", pid), &reply);
    }
    return status;
}

keel_term keel_tracker_list(keel_term tracker, keel_term topic)
{
    keel_term list = KEEL_NONE;
    keel_status status = keel_is_none(topic)
                                 ? KEEL_E_BADARG
                                 : ask(tracker, topic, keel_make("{list, Topic}", topic),
                                           &list);
    return status == KEEL_OK ? list : KEEL_NONE;
}

keel_term keel_tracker_get_by_key(keel_term tracker, keel_term topic, keel_term key)
{
    keel_term list = KEEL_NONE;
    if (keel_is_none(topic) || keel_is_none(key)) {
        return KEEL_NONE;
    }
    keel_status status = ask(
            tracker, topic, keel_make("{get_by_key, Topic, Key}", topic, key), &list);
    return status == KEEL_OK ? list : KEEL_NONE;
}

keel_status keel_tracker_graceful_permdown(keel_term tracker)
{
    int count = shard_count(tracker);
    keel_term supervisor, reply;
    if (!kl_tracker_name(tracker, ".Supervisor", -1, &supervisor)) {
        return KEEL_E_BADARG;
    }
    for (int i = 0; i < count; i++) {
        // A shard that does not answer has nothing to say any more.
        keel_status status = ask_shard(tracker, i, keel_atom(graceful_permdown), &reply);
        (void)status;
    }
    return keel_gen_server_stop(supervisor, keel_atom(normal), KEEL_NEVER);
}

// To use one that does not run is a mistake of the program, as with a registry.
static int shard_count(keel_term tracker)
{
    return (int)keel_to_int(keel_registry_get_meta(tracker, KL_TRACKER_SHARDS));
}

static keel_status ask_shard(
        keel_term tracker, int number, keel_term request, keel_term *ret_reply)
{
    keel_term shard;
    if (!kl_tracker_name(tracker, "_shard", number, &shard)) {
        return KEEL_E_SYSTEM_LIMIT;
    }
    return keel_call(shard, request, ret_reply);
}

static keel_status ask(
        keel_term tracker, keel_term topic, keel_term request, keel_term *ret_reply)
{
    int count = shard_count(tracker);
    if (count == 0) {
        return KEEL_E_NOPROC;
    }
    return ask_shard(tracker, (int)keel_phash2(topic, (uint64_t)count), request, ret_reply);
}

static keel_pid pid_of(const keel_presence *presence)
{
    return presence->pid.word == 0 ? keel_self() : presence->pid;
}

static bool is_complete(const keel_presence *presence)
{
    return presence != NULL && !keel_is_none(presence->topic) &&
           !keel_is_none(presence->key) && keel_is_pid(keel_from_pid(pid_of(presence))) &&
           (keel_is_none(presence->meta) || keel_is_map(presence->meta));
}

// The reply is {ok, Ref} or {error, Why}.
static keel_status take_ref(
        keel_status status, keel_term reply, const keel_presence *presence)
{
    keel_term ref;
    if (status != KEEL_OK) {
        return status;
    }
    if (!keel_match(reply, "{ok, Ref}", &ref)) {
        return KEEL_E_REFUSED;
    }
    if (presence->ret_ref != NULL) {
        *presence->ret_ref = ref;
    }
    return KEEL_OK;
}
