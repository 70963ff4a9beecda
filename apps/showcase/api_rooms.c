#include "api.h"

static keel_term with_time(keel_term message)
{
    return keel_make("{[{user, User}, {text, Text}, {at, At}]}",
            keel_map_get(message, keel_atom(user)), keel_map_get(message, keel_atom(text)),
            api_time(keel_map_get(message, keel_atom(at))));
}

static keel_term as_json(keel_term room)
{
    keel_term id, users, messages, message, list = keel_nil();
    if (!keel_match(room, "{[{id, Id}, {users, Users}, {messages, Messages}]}", &id, &users,
                &messages)) {
        return KEEL_NONE;
    }
    while (keel_list_next(&messages, &message)) {
        list = keel_cons(with_time(message), list);
    }
    return keel_make("{[{id, Id}, {users, Users}, {messages, Messages}]}", id, users,
            keel_list_reverse(list));
}

void api_rooms_list(keel_web_request *request)
{
    keel_term list = rooms_list(), rooms = keel_nil(), id;
    while (keel_list_next(&list, &id)) {
        rooms = keel_cons(keel_make("#{id => Id}", id), rooms);
    }
    keel_web_reply_json(
            request, 200, keel_make("#{rooms => Rooms}", keel_list_reverse(rooms)));
}

void api_rooms_create(keel_web_request *request)
{
    keel_term body;
    const char *id;
    if (!keel_web_json(request, &body) ||
            (id = api_text(request, body, "id", 40)) == NULL) {
        return;
    }
    keel_status status = rooms_create(id);
    if (status == KEEL_OK) {
        keel_web_reply_json(request, 201, as_json(rooms_get(id)));
    } else if (status == KEEL_E_TAKEN) {
        keel_web_fail(request, 409, "id: there is a room of that name");
    } else if (status == KEEL_E_BADARG) {
        keel_web_fail(request, 400, "id: must be letters, digits, - and _");
    } else {
        keel_web_fail(request, 503, "%s", keel_status_text(status));
    }
}

void api_rooms_show(keel_web_request *request)
{
    keel_term room = as_json(rooms_get(keel_web_param(request, "id")));
    if (keel_is_none(room)) {
        keel_web_fail(request, 404, "there is no such room");
    } else {
        keel_web_reply_json(request, 200, room);
    }
}

void api_rooms_say(keel_web_request *request)
{
    keel_term body;
    const char *user, *text;
    if (!keel_web_json(request, &body) ||
            (user = api_text(request, body, "user", 40)) == NULL ||
            (text = api_text(request, body, "text", 2000)) == NULL) {
        return;
    }
    keel_term message = rooms_say(keel_web_param(request, "id"), user, text);
    if (keel_is_none(message)) {
        keel_web_fail(request, 404, "there is no such room");
    } else {
        keel_web_reply_json(request, 201, with_time(message));
    }
}

void api_rooms_close(keel_web_request *request)
{
    const char *id = keel_web_param(request, "id");
    if (rooms_close(id) == KEEL_OK) {
        keel_web_reply_json(request, 200, keel_make("#{closed => Id}", id));
    } else {
        keel_web_fail(request, 404, "there is no such room");
    }
}
