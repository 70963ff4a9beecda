#include "room.h"
#include "showcase.h"

#include <stdlib.h>
#include <string.h>

#define ROOMS keel_atom(rooms)

static keel_started start_rooms(keel_term unused)
{
    (void)unused;
    // Rooms are found through the registry: without it they are no use.
    keel_child_spec children[] = {
            keel_registry_child(.name = ROOMS, .keys = KEEL_UNIQUE),
            keel_child_dynamic_supervisor(.name = keel_atom(room_supervisor)),
    };
    return keel_supervisor_start_link(children, KEEL_COUNT(children),
            .strategy = KEEL_REST_FOR_ONE, .name = keel_atom(rooms_system));
}

keel_child_spec rooms_child(void)
{
    keel_child_spec child = keel_child_fn(start_rooms, keel_nil(), .id = keel_atom(rooms));
    child.type = KEEL_SUPERVISOR;
    return child;
}

keel_term rooms_topic(void)
{
    return ROOMS;
}

keel_term room_topic(const char *id)
{
    return keel_tuple_of(keel_atom(room), keel_string(id));
}

bool rooms_is_name(const char *id)
{
    size_t size = strlen(id);
    return size > 0 && size <= 40 &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
                   size;
}

static keel_term via(const char *id)
{
    return keel_registry_via(ROOMS, keel_string(id));
}

keel_status rooms_create(const char *id)
{
    if (!rooms_is_name(id)) {
        return KEEL_E_BADARG;
    }
    keel_started room = keel_dynamic_supervisor_start_child(
            "room_supervisor", &keel_child(&room_server, keel_string(id), .name = via(id)));
    if (room.status != KEEL_OK) {
        return keel_registry_whereis(ROOMS, keel_string(id)).word != 0 ? KEEL_E_TAKEN
                                                                       : room.status;
    }
    keel_pubsub_broadcast(
            EVENTS, rooms_topic(), keel_tuple_of(keel_atom(created), keel_string(id)));
    return KEEL_OK;
}

keel_status rooms_close(const char *id)
{
    keel_pid room = keel_registry_whereis(ROOMS, keel_string(id));
    if (room.word == 0) {
        return KEEL_E_NOPROC;
    }
    keel_status status = keel_dynamic_supervisor_terminate_child(
            "room_supervisor", room, NULL);
    if (status == KEEL_OK) {
        keel_pubsub_broadcast(
                EVENTS, rooms_topic(), keel_tuple_of(keel_atom(closed), keel_string(id)));
    }
    return status;
}

static int by_order(const void *left, const void *right)
{
    return keel_compare(*(const keel_term *)left, *(const keel_term *)right);
}

keel_term rooms_list(void)
{
    keel_term all = keel_registry_select(
            ROOMS, keel_make("[{{'$1', '_', '_'}, [], ['$1']}]"));
    keel_term id;
    size_t count = 0, index = 0;
    (void)keel_list_length(all, &count);
    keel_term *ids = keel_alloc((count + 1) * sizeof(*ids));
    while (keel_list_next(&all, &id)) {
        ids[index++] = id;
    }
    qsort(ids, count, sizeof(*ids), by_order);
    keel_term list = keel_list(ids, count);
    keel_free(ids);
    return list;
}

// With ten thousand guests on a slow machine the last one waits for longer than a call does
// by itself, and would be shown a room that is not there.
static keel_term ask(const char *id, keel_term request)
{
    keel_term answer;
    keel_deadline patience = KEEL_IN(KEEL_SECONDS(60));
    return keel_call_within(via(id), request, patience, &answer) == KEEL_OK ? answer
                                                                            : KEEL_NONE;
}

keel_term rooms_get(const char *id)
{
    return ask(id, keel_atom(get));
}

keel_term rooms_say(const char *id, const char *user, const char *text)
{
    return ask(id, keel_make("{say, User, Text}", user, text));
}

keel_status rooms_join(const char *id, const char *user)
{
    return keel_is_none(ask(id, keel_make("{join, User}", user))) ? KEEL_E_NOPROC : KEEL_OK;
}
