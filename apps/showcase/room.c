#include "room.h"

#include "showcase.h"

// What is remembered of what was said.
#define MOST_MESSAGES 100

struct room {
    keel_term id;
    keel_term messages; // newest first
    keel_term guests; // #{Monitor => {Pid, User}}
    int count; // of messages
};

static void tell(const struct room *room, keel_term what)
{
    keel_pubsub_broadcast(EVENTS, keel_tuple_of(keel_atom(room), room->id), what);
}

static keel_result init(keel_term id, void *state)
{
    struct room *room = state;
    keel_set(&room->id, id);
    keel_set(&room->messages, keel_nil());
    keel_set(&room->guests, keel_make("#{}"));
    return keel_ok();
}

static keel_term first_of(keel_term list, int count)
{
    keel_term taken = keel_nil(), item;
    while (count-- > 0 && keel_list_next(&list, &item)) {
        taken = keel_cons(item, taken);
    }
    return keel_list_reverse(taken);
}

static keel_term say(struct room *room, keel_term user, keel_term text)
{
    keel_term message = keel_make("#{user => User, text => Text, at => At}", user, text,
            keel_system_time() / 1000000);
    if (room->count == MOST_MESSAGES) {
        keel_set(&room->messages, first_of(room->messages, MOST_MESSAGES - 1));
        room->count--;
    }
    room->count++;
    keel_set(&room->messages, keel_cons(message, room->messages));
    tell(room, keel_tuple_of(keel_atom(said), message));
    return message;
}

static keel_term users_of(const struct room *room)
{
    keel_term users = keel_nil(), guest, monitor;
    for (size_t index = keel_map_size(room->guests); index > 0; index--) {
        (void)keel_map_at(room->guests, index - 1, &monitor, &guest);
        keel_term user = keel_element(guest, 1);
        users = keel_list_member(user, users) ? users : keel_cons(user, users);
    }
    return users;
}

// Forgets the guest with that pid, who joins anew.
static void leave(struct room *room, keel_pid pid)
{
    keel_term guest, monitor;
    for (size_t index = 0; keel_map_at(room->guests, index, &monitor, &guest); index++) {
        if (keel_to_pid(keel_element(guest, 0)).word == pid.word) {
            (void)keel_demonitor(keel_to_ref(monitor), KEEL_DEMONITOR_FLUSH);
            keel_set(&room->guests, keel_map_remove(room->guests, monitor));
            return;
        }
    }
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct room *room = state;
    keel_term user, text;
    if (keel_is(request, get)) {
        return keel_reply(keel_make("{[{id, Id}, {users, Users}, {messages, Messages}]}",
                room->id, users_of(room), keel_list_reverse(room->messages)));
    }
    if (keel_match(request, "{say, User, Text}", &user, &text)) {
        return keel_reply(say(room, user, text));
    }
    if (keel_match(request, "{join, User}", &user)) {
        leave(room, from.pid);
        keel_ref monitor = keel_monitor(from.pid);
        keel_term guest = keel_tuple_of(keel_from_pid(from.pid), user);
        keel_set(&room->guests, keel_map_put(room->guests, keel_from_ref(monitor), guest));
        tell(room, keel_atom(changed));
        return keel_reply(keel_atom(ok));
    }
    return keel_unexpected(request);
}

static keel_result handle_info(keel_term message, void *state)
{
    struct room *room = state;
    keel_term monitor;
    if (keel_match(message, "{'DOWN', Monitor, process, _, _}", &monitor)) {
        keel_set(&room->guests, keel_map_remove(room->guests, monitor));
        tell(room, keel_atom(changed));
        return keel_noreply();
    }
    return keel_unexpected(message);
}

const keel_gen_server room_server = {
        .name = "room",
        .state = KEEL_STATE(struct room, id, messages, guests, count),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};
