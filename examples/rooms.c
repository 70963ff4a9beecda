// Rooms on demand: a registry that names them, a dynamic supervisor that holds them.

#include "rooms.h"

struct room {
    keel_term id;
    keel_term users; // a list, the newest first
    keel_term messages; // of {User, Text}, the newest first
};

static keel_result init(keel_term id, void *state)
{
    struct room *room = state;
    keel_set(&room->id, id);
    keel_set(&room->users, keel_nil());
    keel_set(&room->messages, keel_nil());
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct room *room = state;
    keel_term user, text;
    if (keel_match(request, "{say, User, Text}", &user, &text)) {
        if (!keel_list_member(user, room->users)) {
            keel_set(&room->users, keel_cons(user, room->users));
        }
        keel_set(&room->messages, keel_cons(keel_tuple_of(user, text), room->messages));
        return keel_reply(keel_atom(ok));
    }
    if (keel_is(request, read)) {
        return keel_reply(keel_make("#{id => Id, users => Users, messages => Messages}",
                room->id, room->users, room->messages));
    }
    return keel_unexpected(request);
}

static const keel_gen_server room_server = {
        .name = "room",
        .state = KEEL_STATE(struct room, id, users, messages),
        .init = init,
        .handle_call = handle_call,
};

static keel_term via(keel_term id)
{
    return keel_registry_via(keel_atom(rooms), id);
}

static keel_started start_link(keel_term id)
{
    return keel_gen_server_start_link(&room_server, id, .name = via(id));
}

keel_child_spec rooms_registry(void)
{
    return keel_registry_child(.name = keel_atom(rooms), .keys = KEEL_UNIQUE);
}

keel_child_spec rooms_supervisor(void)
{
    return keel_child_dynamic_supervisor(.name = keel_atom(room_supervisor));
}

keel_started rooms_create(keel_term id)
{
    return keel_dynamic_supervisor_start_child(
            "room_supervisor", &keel_child_fn(start_link, id));
}

keel_status rooms_close(keel_term id)
{
    keel_pid room = rooms_find(id);
    return room.word == 0
                   ? KEEL_E_NOPROC
                   : keel_dynamic_supervisor_terminate_child("room_supervisor", room, NULL);
}

keel_pid rooms_find(keel_term id)
{
    return keel_registry_whereis(keel_atom(rooms), id);
}

keel_status rooms_say(keel_term id, keel_term user, keel_term text)
{
    keel_term ok;
    return keel_call(via(id), keel_make("{say, User, Text}", user, text), &ok);
}

keel_status rooms_read(keel_term id, keel_term *ret_room)
{
    return keel_call(via(id), keel_atom(read), ret_room);
}
