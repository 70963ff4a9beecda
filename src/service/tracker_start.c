// Starting a tracker: a supervisor over its shards and a registry, in whose metadata stands
// how many shards there are.

#include "tracker.h"
#include <stdio.h>
#include <string.h>

enum { MOST_SHARDS = 1024 };

static keel_term wrong_option(const keel_tracker_opts *opts);
static keel_started start_from_term(keel_term packed);
static keel_term pack(const keel_tracker *tracker, const keel_tracker_opts *opts);

keel_started keel_tracker_start_link_opt(
        const keel_tracker *tracker, const keel_tracker_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_tracker_opts){0};
    keel_term wrong = wrong_option(opts), supervisor;
    if (keel_is_none(wrong) &&
            !kl_tracker_name(opts->name, ".Supervisor", -1, &supervisor)) {
        wrong = keel_tuple_of(keel_atom(name), opts->name);
    }
    if (!keel_is_none(wrong)) {
        keel_term reason = keel_tuple_of(keel_atom(badarg), wrong);
        return (keel_started){.status = KEEL_E_BADARG, .reason = reason};
    }
    int count = opts->pool_size == 0 ? 1 : opts->pool_size;
    keel_child_spec *children = keel_alloc(((size_t)count + 1) * sizeof *children);
    children[0] = keel_registry_child(.name = opts->name, .keys = KEEL_UNIQUE,
            .meta = keel_list_of(keel_tuple_of(KL_TRACKER_SHARDS, keel_int(count))));
    keel_tracker_opts shard = *opts;
    for (int i = 0; i < count; i++) {
        if (!kl_tracker_name(opts->name, "_shard", i, &shard.name)) {
            keel_free(children);
            return keel_started_failed(keel_atom(system_limit));
        }
        children[i + 1] = (keel_child_spec){.id = shard.name,
                .start_module = keel_gen_server_start_child,
                .module = &kl_tracker_shard,
                .argument = pack(tracker, &shard),
                .name = shard.name};
    }
    keel_started started = keel_supervisor_start_link(
            children, (size_t)count + 1, .name = supervisor);
    keel_free(children);
    return started;
}

keel_child_spec keel_tracker_child_opt(
        const keel_tracker *tracker, const keel_tracker_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_tracker_opts){0};
    return (keel_child_spec){
            .id = keel_is_none(opts->name) ? keel_nil() : opts->name,
            .start = start_from_term,
            .argument = pack(tracker, opts),
            .type = KEEL_SUPERVISOR,
    };
}

bool kl_tracker_name(keel_term name, const char *suffix, int number, keel_term *ret_name)
{
    char text[4 * KEEL_ATOM_CHARS_MAX + 32];
    const char *base = keel_atom_name(name);
    int length = base == NULL ? -1
                 : number < 0 ? snprintf(text, sizeof text, "%s%s", base, suffix)
                              : snprintf(text, sizeof text, "%s%s%d", base, suffix, number);
    return length >= 0 && keel_atom_from(text, (size_t)length, ret_name) == KEEL_OK;
}

// As {Option, Value}, or KEEL_NONE when all are in order.
static keel_term wrong_option(const keel_tracker_opts *opts)
{
    const keel_tracker_opts full = kl_tracker_defaults(opts);
    if (!keel_is_atom(opts->name) || keel_is_bool(opts->name)) {
        keel_term name = keel_is_none(opts->name) ? keel_nil() : opts->name;
        return keel_tuple_of(keel_atom(name), name);
    }
    if (!keel_is_atom(opts->pubsub)) {
        keel_term pubsub = keel_is_none(opts->pubsub) ? keel_nil() : opts->pubsub;
        return keel_tuple_of(keel_atom(pubsub), pubsub);
    }
    if (opts->pool_size < 0 || opts->pool_size > MOST_SHARDS) {
        return keel_make("{pool_size, N}", opts->pool_size);
    }
    if (full.broadcast_period <= 0) {
        return keel_make("{broadcast_period, Time}", opts->broadcast_period);
    }
    if (full.max_silent_periods < KEEL_TRACKER_NEVER_SILENT) {
        return keel_make("{max_silent_periods, N}", opts->max_silent_periods);
    }
    if (full.down_period / 2 < full.broadcast_period) {
        return keel_make("{down_period, Time}", opts->down_period);
    }
    if (full.permdown_period < full.down_period) {
        return keel_make("{permdown_period, Time}", opts->permdown_period);
    }
    if (full.clock_sample_periods < 0) {
        return keel_make("{clock_sample_periods, N}", opts->clock_sample_periods);
    }
    for (size_t i = 0; i < KEEL_COUNT(full.max_delta_sizes); i++) {
        int least = i == 0 ? 1 : full.max_delta_sizes[i - 1];
        if (full.max_delta_sizes[i] < least) {
            return keel_make("{max_delta_sizes, N}", opts->max_delta_sizes[i]);
        }
    }
    return KEEL_NONE;
}

keel_tracker_opts kl_tracker_defaults(const keel_tracker_opts *given)
{
    static const int sizes[] = {100, 1000, 10000};
    keel_tracker_opts opts = *given;
    if (opts.broadcast_period == 0) {
        opts.broadcast_period = KEEL_MS(1500);
    }
    if (opts.max_silent_periods == 0) {
        opts.max_silent_periods = 10;
    }
    if (opts.down_period == 0) {
        int periods = opts.max_silent_periods < 1 ? 1 : opts.max_silent_periods;
        opts.down_period = 2 * periods * opts.broadcast_period;
    }
    if (opts.permdown_period == 0) {
        opts.permdown_period = KEEL_MINUTES(20);
        if (opts.permdown_period < opts.down_period) {
            opts.permdown_period = opts.down_period;
        }
    }
    if (opts.clock_sample_periods == 0) {
        opts.clock_sample_periods = 2;
    }
    if (opts.max_delta_sizes[0] == 0) {
        for (size_t i = 0; i < KEEL_COUNT(sizes); i++) {
            opts.max_delta_sizes[i] = sizes[i];
        }
    }
    return opts;
}

static keel_term pack(const keel_tracker *tracker, const keel_tracker_opts *opts)
{
    keel_tracker_opts plain = *opts; // its terms travel beside it
    plain.name = plain.pubsub = plain.argument = KEEL_NONE;
    keel_term none = keel_nil();
    return keel_make("{Module, Name, Pubsub, Argument, Plain}", keel_pointer(tracker),
            keel_is_none(opts->name) ? none : opts->name,
            keel_is_none(opts->pubsub) ? none : opts->pubsub,
            keel_is_none(opts->argument) ? none : opts->argument,
            keel_binary(&plain, sizeof plain));
}

const keel_tracker *kl_tracker_unpack(keel_term packed, keel_tracker_opts *ret_opts)
{
    keel_bytes plain = keel_to_bytes(keel_element(packed, 4));
    memcpy(ret_opts, plain.data, sizeof *ret_opts);
    ret_opts->name = keel_element(packed, 1);
    ret_opts->pubsub = keel_element(packed, 2);
    ret_opts->argument = keel_element(packed, 3);
    return keel_to_pointer(keel_element(packed, 0), NULL);
}

static keel_started start_from_term(keel_term packed)
{
    keel_tracker_opts opts;
    const keel_tracker *tracker = kl_tracker_unpack(packed, &opts);
    return keel_tracker_start_link_opt(tracker, &opts);
}
