// Telemetry: a table of handlers, and telling them.

#include "base/base.h"
#include "held.h"
#include <keel/logger.h>
#include <keel/telemetry.h>

enum { AT_ONCE_MAX = 32 };

// One handler attached to one event; those of a list share the id.
struct attached {
    struct attached *next;
    struct kl_held id, event, config;
    keel_telemetry_handler handler;
};

static struct attached *table; // oldest first; under the lock
static struct kl_lock lock;
static uint32_t attached_count; // read without the lock: a hint

// What is needed to call a handler, held so that a detach meanwhile does no harm.
struct running {
    struct kl_held id, event, config;
    keel_telemetry_handler handler;
};

bool keel_telemetry_is_on(void)
{
    return kl_load_relaxed(&attached_count) > 0;
}

// --- the table ---

static void free_attached(struct attached *list)
{
    while (list != NULL) {
        struct attached *next = list->next;
        kl_held_unref(list->id);
        kl_held_unref(list->event);
        kl_held_unref(list->config);
        kl_free(list, sizeof *list);
        list = next;
    }
}

static bool is_event(keel_term event)
{
    keel_term item;
    bool good = keel_is_list(event) && !keel_is_nil(event);
    while (good && keel_list_next(&event, &item)) {
        good = keel_is_atom(item);
    }
    return good && keel_is_nil(event);
}

static struct attached *make(
        keel_term id, keel_term event, keel_telemetry_handler handler, keel_term config)
{
    struct attached *made = kl_alloc_zero(sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->handler = handler;
    if (!kl_held_init(&made->id, id) || !kl_held_init(&made->event, event) ||
            !kl_held_init(&made->config, config)) {
        free_attached(made);
        return NULL;
    }
    return made;
}

static bool is_taken(keel_term id)
{
    struct attached *at = table;
    while (at != NULL && !keel_equal(at->id.term, id)) {
        at = at->next;
    }
    return at != NULL;
}

// Adds a whole list, unless the id is taken.
static keel_status add(struct attached *list, keel_term id, uint32_t count)
{
    kl_lock_take(&lock);
    bool taken = is_taken(id);
    if (!taken) {
        struct attached **last = &table;
        while (*last != NULL) {
            last = &(*last)->next;
        }
        *last = list;
        kl_store_relaxed(&attached_count, attached_count + count);
    }
    kl_lock_give(&lock);
    if (taken) {
        free_attached(list);
    }
    return taken ? KEEL_E_TAKEN : KEEL_OK;
}

keel_status keel_telemetry_attach_many(
        keel_term id, keel_term events, keel_telemetry_handler handler, keel_term config)
{
    struct attached *list = NULL;
    struct attached **last = &list;
    uint32_t count = 0;
    keel_term event = KEEL_NONE;
    keel_status status = keel_is_none(id) || handler == NULL ? KEEL_E_BADARG : KEEL_OK;
    config = keel_is_none(config) ? keel_nil() : config;
    while (status == KEEL_OK && keel_list_next(&events, &event)) {
        if (!is_event(event)) {
            status = KEEL_E_BADARG;
            break;
        }
        *last = make(id, event, handler, config);
        if (*last == NULL) {
            status = KEEL_E_NOMEM;
            break;
        }
        last = &(*last)->next;
        count++;
    }
    if (status != KEEL_OK || !keel_is_nil(events) || count == 0) {
        free_attached(list);
        return status != KEEL_OK ? status : KEEL_E_BADARG;
    }
    return add(list, id, count);
}

keel_status keel_telemetry_attach(
        keel_term id, keel_term event, keel_telemetry_handler handler, keel_term config)
{
    return keel_telemetry_attach_many(id, keel_list_of(event), handler, config);
}

keel_status keel_telemetry_detach(keel_term id)
{
    struct attached *gone = NULL;
    kl_lock_take(&lock);
    struct attached **link = &table;
    while (*link != NULL) {
        struct attached *at = *link;
        if (keel_equal(at->id.term, id)) {
            *link = at->next;
            at->next = gone;
            gone = at;
            kl_store_relaxed(&attached_count, attached_count - 1);
        } else {
            link = &at->next;
        }
    }
    kl_lock_give(&lock);
    keel_status status = gone != NULL ? KEEL_OK : KEEL_E_NOPROC;
    free_attached(gone);
    return status;
}

static bool begins_with(keel_term list, keel_term prefix)
{
    keel_term wanted;
    keel_term item;
    while (keel_list_next(&prefix, &wanted)) {
        if (!keel_list_next(&list, &item) || item.word != wanted.word) {
            return false;
        }
    }
    return true;
}

static struct running hold(const struct attached *at)
{
    return (struct running){.id = kl_held_ref(at->id),
            .event = kl_held_ref(at->event),
            .config = kl_held_ref(at->config),
            .handler = at->handler};
}

static void release(struct running *running)
{
    kl_held_unref(running->id);
    kl_held_unref(running->event);
    kl_held_unref(running->config);
}

keel_term keel_telemetry_handlers(keel_term prefix)
{
    keel_term list = keel_nil();
    // One a look: building terms may end the process, and not under the lock.
    for (size_t index = 0;; index++) {
        kl_lock_take(&lock);
        struct attached *at = table;
        for (size_t i = 0; at != NULL && i < index; i++) {
            at = at->next;
        }
        struct running running = {0};
        bool found = at != NULL;
        if (found) {
            running = hold(at);
        }
        kl_lock_give(&lock);
        if (!found) {
            return keel_list_reverse(list);
        }
        if (begins_with(running.event.term, prefix)) {
            list = keel_cons(keel_tuple_of(keel_copy(running.id.term),
                                     keel_copy(running.event.term)),
                    list);
        }
        release(&running);
    }
}

// --- telling ---

struct telling {
    struct running *running;
    keel_term event, measurements, metadata;
};

static void call_handler(void *context)
{
    struct telling *telling = context;
    telling->running->handler(telling->event, telling->measurements, telling->metadata,
            telling->running->config.term);
}

static void tell_one(struct telling *telling)
{
    keel_term reason = KEEL_NONE;
    if (!keel_in_process()) {
        call_handler(telling);
    } else if (keel_try(call_handler, telling, &reason) == KEEL_E_EXIT) {
        keel_telemetry_detach(telling->running->id.term);
        keel_log_error("the telemetry handler %s has failed and is detached: %s",
                keel_show(telling->running->id.term), keel_show(reason));
    }
    release(telling->running);
}

// Those attached to the event, beginning with the `skip`th; returns how many.
static size_t collect(keel_term event, size_t skip, struct running found[AT_ONCE_MAX])
{
    size_t count = 0;
    kl_lock_take(&lock);
    for (struct attached *at = table; at != NULL && count < AT_ONCE_MAX; at = at->next) {
        if (keel_equal(at->event.term, event)) {
            if (skip > 0) {
                skip--;
            } else {
                found[count++] = hold(at);
            }
        }
    }
    kl_lock_give(&lock);
    return count;
}

void keel_telemetry_execute(keel_term event, keel_term measurements, keel_term metadata)
{
    struct running found[AT_ONCE_MAX];
    if (!keel_telemetry_is_on()) {
        return;
    }
    keel_term empty = keel_map(NULL, NULL, 0);
    measurements = keel_is_none(measurements) ? empty : measurements;
    metadata = keel_is_none(metadata) ? empty : metadata;
    size_t told = 0;
    size_t count;
    do {
        count = collect(event, told, found);
        for (size_t i = 0; i < count; i++) {
            struct telling telling = {&found[i], event, measurements, metadata};
            tell_one(&telling);
        }
        told += count;
    } while (count == AT_ONCE_MAX);
}

static void tell_span(keel_term prefix, keel_term what, const char *measure, int64_t value,
        keel_term metadata)
{
    keel_term event = keel_list_append(prefix, keel_list_of(what));
    keel_term measurements = keel_make("#{monotonic_time => Now}", keel_deadline_in(0).at);
    keel_term key = KEEL_NONE;
    if (keel_atom_from(measure, __builtin_strlen(measure), &key) == KEEL_OK) {
        measurements = keel_map_put(measurements, key, keel_int(value));
    }
    keel_telemetry_execute(event, measurements, metadata);
}

void keel_telemetry_span(
        keel_term prefix, keel_term metadata, void (*fn)(void *context), void *context)
{
    if (fn == NULL) {
        keel_error(keel_atom(badarg));
    }
    if (!keel_telemetry_is_on()) {
        fn(context);
        return;
    }
    keel_term reason = KEEL_NONE;
    metadata = keel_is_none(metadata) ? keel_map(NULL, NULL, 0) : metadata;
    metadata = keel_map_put(
            metadata, keel_atom(telemetry_span_context), keel_from_ref(keel_make_ref()));
    tell_span(prefix, keel_atom(start), "system_time", keel_system_time(), metadata);
    int64_t began = keel_deadline_in(0).at;
    if (keel_try(fn, context, &reason) == KEEL_OK) {
        tell_span(prefix, keel_atom(stop), "duration", keel_deadline_in(0).at - began,
                metadata);
        return;
    }
    keel_term more = keel_map_put(metadata, keel_atom(kind), keel_atom(exit));
    more = keel_map_put(more, keel_atom(reason), reason);
    tell_span(
            prefix, keel_atom(exception), "duration", keel_deadline_in(0).at - began, more);
    keel_exit(reason);
}
