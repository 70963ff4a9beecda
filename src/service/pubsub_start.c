// Starting an instance of publish and subscribe: a registry, and what the adapter runs.

#include <keel/pubsub.h>

#include "base/base.h"
#include <stdio.h>

static const keel_pubsub_adapter *usual_adapter;

static keel_term wrong_option(const keel_pubsub_opts *opts);
static keel_pubsub_opts with_defaults(const keel_pubsub_opts *opts);
static bool supervisor_name(keel_term name, keel_term *ret_name);
static keel_started start_from_term(keel_term options);

void keel_pubsub_adapter_set(const keel_pubsub_adapter *adapter)
{
    // Release: pairs with the acquire in with_defaults, so that the adapter is ready.
    kl_store_release(&usual_adapter, adapter);
}

keel_started keel_pubsub_start_link_opt(const keel_pubsub_opts *given)
{
    keel_term wrong = wrong_option(given);
    keel_term supervisor;
    if (keel_is_none(wrong) && !supervisor_name(given->name, &supervisor)) {
        wrong = keel_tuple_of(keel_atom(name), given->name);
    }
    if (!keel_is_none(wrong)) {
        keel_term reason = keel_tuple_of(keel_atom(badarg), wrong);
        return (keel_started){.status = KEEL_E_BADARG, .reason = reason};
    }
    keel_pubsub_opts opts = with_defaults(given);
    keel_child_spec children[2] = {
            keel_registry_child(.name = opts.name, .keys = KEEL_DUPLICATE,
                    .partitions = opts.registry_size,
                    .meta = keel_list_of(
                            keel_tuple_of(keel_atom(pubsub), keel_pointer(opts.adapter)))),
    };
    size_t count = 1;
    if (opts.adapter != NULL && opts.adapter->child != NULL) {
        children[count++] = opts.adapter->child(
                opts.name, opts.pool_size, opts.broadcast_pool_size);
    }
    return keel_supervisor_start_link(
            children, count, .strategy = KEEL_REST_FOR_ONE, .name = supervisor);
}

keel_child_spec keel_pubsub_child_opt(const keel_pubsub_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_pubsub_opts){0};
    keel_term name = keel_is_none(opts->name) ? keel_nil() : opts->name;
    return (keel_child_spec){
            .id = name,
            .start = start_from_term,
            .argument = keel_make("{Name, Pool, Broadcast, Registry, Adapter}", name,
                    opts->pool_size, opts->broadcast_pool_size, opts->registry_size,
                    keel_pointer(opts->adapter)),
            .type = KEEL_SUPERVISOR,
    };
}

static keel_started start_from_term(keel_term options)
{
    return keel_pubsub_start_link(.name = keel_element(options, 0),
            .pool_size = (int)keel_to_int(keel_element(options, 1)),
            .broadcast_pool_size = (int)keel_to_int(keel_element(options, 2)),
            .registry_size = (int)keel_to_int(keel_element(options, 3)),
            .adapter = keel_to_pointer(keel_element(options, 4), NULL));
}

// As {Option, Value}, or KEEL_NONE when all are in order.
static keel_term wrong_option(const keel_pubsub_opts *opts)
{
    if (opts == NULL) {
        return keel_tuple_of(keel_atom(name), keel_nil());
    }
    if (!keel_is_atom(opts->name) || keel_is_bool(opts->name) || keel_is(opts->name, nil) ||
            keel_is(opts->name, undefined)) {
        keel_term name = keel_is_none(opts->name) ? keel_nil() : opts->name;
        return keel_tuple_of(keel_atom(name), name);
    }
    if (opts->pool_size < 0) {
        return keel_make("{pool_size, N}", opts->pool_size);
    }
    int pool = opts->pool_size == 0 ? 1 : opts->pool_size;
    if (opts->broadcast_pool_size < 0 || opts->broadcast_pool_size > pool) {
        return keel_make("{broadcast_pool_size, N}", opts->broadcast_pool_size);
    }
    if (opts->registry_size < 0) {
        return keel_make("{registry_size, N}", opts->registry_size);
    }
    return KEEL_NONE;
}

static keel_pubsub_opts with_defaults(const keel_pubsub_opts *given)
{
    keel_pubsub_opts opts = *given;
    if (opts.pool_size == 0) {
        opts.pool_size = 1;
    }
    if (opts.broadcast_pool_size == 0) {
        opts.broadcast_pool_size = opts.pool_size;
    }
    if (opts.registry_size == 0) {
        opts.registry_size = opts.pool_size;
    }
    if (opts.adapter == NULL) {
        // Acquire: pairs with the release in keel_pubsub_adapter_set.
        opts.adapter = kl_load_acquire(&usual_adapter);
    }
    return opts;
}

static bool supervisor_name(keel_term name, keel_term *ret_name)
{
    char text[4 * KEEL_ATOM_CHARS_MAX + sizeof ".Supervisor"];
    int length = snprintf(text, sizeof text, "%s.Supervisor", keel_atom_name(name));
    return keel_atom_from(text, (size_t)length, ret_name) == KEEL_OK;
}
