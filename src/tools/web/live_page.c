#include "fields.h"
#include "json.h"
#include "live.h"
#include "loop.h"

#include <keel/time.h>
#include <string.h>

// A burst of messages is shown once.
#define BETWEEN_PUSHES KEEL_MS(25)

struct connected {
    struct keel_live page;
    struct kl_shown shown;
    bool begun; // the view is mounted
    bool dirty; // what is shown may differ from what is
    bool unsent; // the last push is not out: a slow browser gets fewer, not older ones
    int64_t pushed_at;
};

static void let_peer_go(void *peer)
{
    kl_web_peer_close(peer);
    kl_web_peer_unref(peer);
}

static keel_result init(keel_term argument, void *state)
{
    struct connected *connected = state;
    struct kl_web_peer *peer = kl_web_peer_of_term(argument);
    connected->page.peer = kl_web_peer_ref(peer);
    keel_defer(let_peer_go, peer);
    if (!kl_web_peer_attach(peer, keel_self())) {
        return keel_stop_with(keel_atom(normal));
    }
    keel_process_set_label(keel_string(peer->route->view->name));
    return keel_then_continue(keel_ok(), keel_atom(mount));
}

// --- pushing ---

static void add_field(struct kl_text *json, const char *name, char **text)
{
    if (*text != NULL) {
        kl_text_print(json, ",\"%s\":", name);
        kl_json_string(json, *text, strlen(*text));
        keel_free(*text);
        *text = NULL;
    }
}

static void push(struct connected *connected)
{
    struct kl_text parts = {0}, json = {0};
    keel_html *html = kl_live_render(&connected->page);
    uint32_t written = kl_live_parts(&connected->shown, html, &parts);
    kl_text_addz(&json, "{\"v\":1");
    if (written == KL_EVERYTHING) {
        keel_bytes bytes = keel_html_bytes(html);
        kl_text_addz(&json, ",\"all\":");
        kl_json_string(&json, bytes.data, bytes.size);
    } else if (written > 0) {
        kl_text_addz(&json, ",\"parts\":");
        kl_text_add(&json, parts.data, parts.size);
    }
    bool more = connected->page.patch != NULL || connected->page.redirect != NULL;
    add_field(&json, "patch", &connected->page.patch);
    add_field(&json, "redirect", &connected->page.redirect);
    kl_text_addz(&json, "}");
    connected->dirty = false;
    connected->pushed_at = keel_now();
    if (written > 0 || more) {
        connected->unsent = kl_web_peer_push(connected->page.peer, json.data, json.size);
    }
    kl_text_done(&parts);
    kl_text_done(&json);
    keel_html_free(html);
}

// After every message: pushes now, soon, or when the last push is out.
static keel_result show(struct connected *connected, bool at_once)
{
    if (!connected->dirty || connected->unsent) {
        return keel_noreply();
    }
    int64_t due = connected->pushed_at + BETWEEN_PUSHES;
    if (!at_once && keel_now() < due) {
        return keel_then_message(
                keel_noreply(), keel_deadline_at(due), keel_atom(web_flush));
    }
    push(connected);
    return keel_noreply();
}

static keel_result handle_continue(keel_term argument, void *state)
{
    struct connected *connected = state;
    (void)argument;
    const char *query = kl_web_peer_query(connected->page.peer, "query");
    kl_live_begin(&connected->page, connected->page.peer,
            kl_fields_of_form(
                    query != NULL ? query : "", query != NULL ? strlen(query) : 0));
    connected->begun = true;
    connected->dirty = true;
    return show(connected, true);
}

// --- what the browser says ---

static keel_term strings_only(keel_term values)
{
    return keel_is_map(values) ? values : keel_map(NULL, NULL, 0);
}

// {"event": …, "values": {…}}, {"query": "…"} or {"beat": …}. False: it makes no sense.
static bool take_event(struct connected *connected, keel_bytes text)
{
    keel_term said;
    if (keel_json_decode((const char *)text.data, text.size, &said, NULL) != KEEL_OK ||
            !keel_is_map(said)) {
        return false;
    }
    const char *event = keel_web_value(said, "event");
    const char *query = keel_web_value(said, "query");
    if (event != NULL) {
        keel_term values = strings_only(keel_map_get(said, keel_string("values")));
        kl_live_event(&connected->page, event, values);
    } else if (query != NULL) {
        kl_live_params(&connected->page, kl_fields_of_form(query, strlen(query)));
    } else if (!connected->unsent) {
        // A beat: the browser wants to know whether anybody is here.
        connected->unsent = kl_web_peer_push(connected->page.peer, "{\"v\":1}", 7);
    }
    connected->dirty = connected->dirty || event != NULL || query != NULL;
    return true;
}

static keel_result handle_info(keel_term message, void *state)
{
    struct connected *connected = state;
    keel_bytes text;
    if (keel_is(message, web_closed)) {
        return keel_stop_with(keel_atom(normal));
    }
    if (keel_is(message, web_sent)) {
        connected->unsent = false;
        return show(connected, false);
    }
    if (keel_is(message, web_flush)) {
        return show(connected, true);
    }
    if (keel_match(message, "{web_event, Text}", &text)) {
        if (!take_event(connected, text)) {
            return keel_stop_with(keel_atom(normal));
        }
        kl_web_peer_resume(connected->page.peer);
        return show(connected, true);
    }
    if (connected->page.view->handle_info != NULL) {
        connected->page.view->handle_info(&connected->page, message, connected->page.state);
        connected->dirty = true;
    }
    return show(connected, false);
}

static keel_term get_state(const void *state)
{
    const struct connected *connected = state;
    return connected->begun
                   ? keel_state_to_term(&connected->page.view->state, connected->page.state)
                   : keel_atom(undefined);
}

const keel_gen_server kl_live_page = {
        .name = "live_page",
        .state = {"struct connected", sizeof(struct connected), NULL, 0},
        .init = init,
        .handle_continue = handle_continue,
        .handle_info = handle_info,
        .get_state = get_state,
};
