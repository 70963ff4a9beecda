#include "showcase.h"

#include <stdio.h>
#include <string.h>

struct rooms {
    char room[48]; // the one that is open; "": none
    char user[48];
};

static void mount(keel_live *page, void *state)
{
    (void)state;
    if (keel_live_connected(page)) {
        keel_pubsub_subscribe(EVENTS, rooms_topic());
    }
}

// The address says which room is open and under which name: it is there again after a
// reconnect.
static void handle_params(keel_live *page, keel_term query, void *state)
{
    struct rooms *rooms = state;
    const char *room = keel_web_value(query, "room"), *user = keel_web_value(query, "as");
    if (keel_live_connected(page) && rooms->room[0] != '\0') {
        keel_pubsub_unsubscribe(EVENTS, room_topic(rooms->room));
    }
    snprintf(rooms->room, sizeof(rooms->room), "%s",
            room != NULL && rooms_is_name(room) ? room : "");
    snprintf(rooms->user, sizeof(rooms->user), "%s", user != NULL ? user : "");
    if (keel_live_connected(page) && rooms->room[0] != '\0') {
        keel_pubsub_subscribe(EVENTS, room_topic(rooms->room));
        if (rooms->user[0] != '\0') {
            (void)rooms_join(rooms->room, rooms->user);
        }
    }
}

static void open_room(keel_live *page, const char *room, const char *user, void *state)
{
    keel_term query = keel_make("#{<<\"room\">> => Room, <<\"as\">> => User}", room, user);
    char text[128];
    snprintf(text, sizeof(text), "room=%s", room);
    if (user[0] != '\0') {
        // Only letters that an address takes as they are.
        char safe[48];
        size_t size = 0;
        for (const char *at = user; *at != '\0' && size + 1 < sizeof(safe); at++) {
            if (strchr("&=#%+? ", *at) == NULL) {
                safe[size++] = *at;
            }
        }
        safe[size] = '\0';
        snprintf(text, sizeof(text), "room=%s&as=%s", room, safe);
        query = keel_map_put(query, keel_string("as"), keel_string(safe));
    }
    handle_params(page, query, state);
    keel_live_patch(page, text);
}

static void create(keel_live *page, const char *id, void *state)
{
    struct rooms *rooms = state;
    keel_status status = rooms_create(id != NULL ? id : "");
    if (status == KEEL_E_BADARG) {
        keel_live_notice(page, "error",
                "A room is called by 1 to 40 letters, digits, - and _ without blanks.");
    } else if (status != KEEL_OK && status != KEEL_E_TAKEN) {
        keel_live_notice(page, "error", "No room: %s", keel_status_text(status));
    } else {
        open_room(page, id, rooms->user, state);
    }
}

static void say(keel_live *page, keel_term values, void *state)
{
    struct rooms *rooms = state;
    const char *user = keel_web_value(values, "user"),
               *text = keel_web_value(values, "text");
    const char *room = keel_web_value(values, "room");
    if (user == NULL || user[0] == '\0' || strlen(user) > 40) {
        keel_live_notice(page, "error", "Say who you are, in 40 letters at most.");
    } else if (text == NULL || text[0] == '\0' || strlen(text) > 2000) {
        keel_live_notice(page, "error", "A message has 1 to 2000 letters.");
    } else if (room != NULL && keel_is_none(rooms_say(room, user, text))) {
        keel_live_notice(page, "error", "This room is closed.");
    } else if (room != NULL && strcmp(user, rooms->user) != 0) {
        open_room(page, room, user, state);
    }
}

static void handle_event(keel_live *page, const char *event, keel_term values, void *state)
{
    const char *id = keel_web_value(values, "id");
    if (strcmp(event, "create") == 0) {
        create(page, id, state);
    } else if (strcmp(event, "say") == 0) {
        say(page, values, state);
    } else if (strcmp(event, "close") == 0 && id != NULL) {
        (void)rooms_close(id);
    }
}

static void handle_info(keel_live *page, keel_term message, void *state)
{
    struct rooms *rooms = state;
    (void)message; // whatever it was, the page is shown anew
    // A room that crashed has come back without its guests.
    if (rooms->room[0] != '\0' && rooms->user[0] != '\0' &&
            keel_match(message, "{created, _}")) {
        (void)rooms_join(rooms->room, rooms->user);
    }
    (void)page;
}

static void render_list(keel_live *page, keel_html *html, const struct rooms *rooms)
{
    keel_term list = rooms_list(), id;
    bool any = false;
    keel_html_raw(html, "<section class=\"card\" aria-label=\"Rooms\">");
    keel_live_form(page, html, "create", "class=\"row\"");
    keel_html_raw(html,
            "<label class=\"grow\">New room<input name=\"id\" required maxlength=\"40\" "
            "pattern=\"[A-Za-z0-9_\\-]+\" placeholder=\"lobby\" autocomplete=\"off\" "
            "data-clear></label><button>Create</button></form>");
    keel_html_begin(html, "ul", "class=\"rooms\"", "room-list");
    while (keel_list_next(&list, &id)) {
        keel_bytes bytes = keel_to_bytes(id);
        any = true;
        bool open = strlen(rooms->room) == bytes.size &&
                    memcmp(rooms->room, bytes.data, bytes.size) == 0;
        keel_html_print(html, "<li><a data-live-patch href=\"/rooms?room=%.*s",
                (int)bytes.size, (const char *)bytes.data);
        keel_html_print(html, "%s%s\"%s># %.*s</a></li>", rooms->user[0] ? "&as=" : "",
                rooms->user, open ? " aria-current=page" : "", (int)bytes.size,
                (const char *)bytes.data);
    }
    keel_html_end(html);
    if (!any) {
        keel_html_raw(html,
                "<p class=\"empty\">No room yet. Create one, and open this page in "
                "another tab.</p>");
    }
    keel_html_raw(html, "</section>");
}

static void render_message(keel_html *html, keel_term message, int number)
{
    keel_html_begin(html, "li", "", "message-%d", number);
    keel_html_raw(html, "<b>");
    keel_html_term(html, keel_map_get(message, keel_atom(user)));
    keel_html_raw(html, "</b> <span>");
    keel_html_term(html, keel_map_get(message, keel_atom(text)));
    keel_html_raw(html, "</span>");
    keel_html_end(html);
}

static void render_talk(keel_live *page, keel_html *html, const struct rooms *rooms)
{
    keel_term room = rooms_get(rooms->room), id, users, messages, item;
    if (!keel_match(room, "{[{id, Id}, {users, Users}, {messages, Messages}]}", &id, &users,
                &messages)) {
        keel_html_print(html, "<p class=\"empty\">The room %s is closed.</p>", rooms->room);
        return;
    }
    keel_html_print(
            html, "<header class=\"row\"><h2 class=\"grow\"># %s</h2>", rooms->room);
    keel_live_form(page, html, "close", "");
    keel_html_print(html,
            "<input type=\"hidden\" name=\"id\" value=\"%s\"><button class=\"quiet\">Close "
            "room</button></form></header>",
            rooms->room);
    keel_html_begin(html, "p", "class=\"users\"", "users");
    keel_html_raw(html, "Here: ");
    bool any = false;
    while (keel_list_next(&users, &item)) {
        keel_html_raw(html, "<span class=\"pill\">");
        keel_html_term(html, item);
        keel_html_raw(html, "</span> ");
        any = true;
    }
    keel_html_text(html, any ? "" : "nobody by name yet");
    keel_html_end(html);
    keel_html_begin(html, "ol", "class=\"talk\" data-stick tabindex=\"0\"", "talk");
    for (int number = 0; keel_list_next(&messages, &item); number++) {
        render_message(html, item, number);
    }
    keel_html_end(html);
    keel_live_form(page, html, "say", "class=\"row\"");
    keel_html_print(html,
            "<input type=\"hidden\" name=\"room\" value=\"%s\"><label>You<input "
            "name=\"user\" "
            "value=\"%s\" required maxlength=\"40\" size=\"10\" "
            "autocomplete=\"nickname\"></label>"
            "<label class=\"grow\">Message<input name=\"text\" required maxlength=\"2000\" "
            "autocomplete=\"off\" data-clear></label><button>Send</button></form>",
            rooms->room, rooms->user);
}

static void render(keel_live *page, keel_html *html, void *state)
{
    struct rooms *rooms = state;
    layout_title(html, "Rooms",
            "Each room is a server of its own, found through a registry, started by a "
            "dynamic "
            "supervisor. Open this page twice: what one says the other sees.");
    keel_html_raw(html, "<div class=\"columns\">");
    render_list(page, html, rooms);
    keel_html_raw(html, "<section class=\"card wide\" aria-label=\"Talk\">");
    if (rooms->room[0] != '\0') {
        render_talk(page, html, rooms);
    } else {
        keel_html_raw(html, "<p class=\"empty\">Choose a room.</p>");
    }
    keel_html_raw(html, "</section></div>");
}

const keel_live_view rooms_page = {
        .name = "rooms_page",
        .title = "Rooms · Keel",
        .state = KEEL_STATE(struct rooms, room, user),
        .mount = mount,
        .handle_params = handle_params,
        .handle_event = handle_event,
        .handle_info = handle_info,
        .render = render,
};
