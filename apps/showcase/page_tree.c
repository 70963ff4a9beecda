#include "showcase.h"

#include <stdio.h>
#include <string.h>

struct tree_view {
    keel_term tree; // KEEL_NONE while the one that looks is being started anew
};

static void look(struct tree_view *view)
{
    keel_set(&view->tree, tree_get());
}

static void mount(keel_live *page, void *state)
{
    if (keel_live_connected(page)) {
        keel_pubsub_subscribe(EVENTS, tree_topic());
        tree_watch();
        // Whoever looks may be killed as well.
        (void)keel_send_interval(
                KEEL_SECONDS(2), keel_from_pid(keel_self()), keel_atom(watch_again), NULL);
    }
    look(state);
}

static void handle_event(keel_live *page, const char *event, keel_term values, void *state)
{
    const char *key = keel_web_value(values, "key"), *name = keel_web_value(values, "name");
    if (strcmp(event, "kill") != 0 || key == NULL) {
        return;
    }
    keel_status status = tree_kill(key);
    if (status == KEEL_OK) {
        keel_live_notice(page, "info", "%s was killed.", name != NULL ? name : "It");
    } else {
        keel_live_notice(page, "error", "It is not there any more.");
        look(state);
    }
}

static void handle_info(keel_live *page, keel_term message, void *state)
{
    struct tree_view *view = state;
    keel_term tree;
    (void)page;
    if (keel_match(message, "{tree, Tree}", &tree)) {
        keel_set(&view->tree, tree);
    } else if (keel_is(message, watch_again) && keel_is_none(view->tree)) {
        tree_watch();
        look(view);
    }
}

static void render_kill(keel_live *page, keel_html *html, const char *key, const char *name)
{
    keel_live_form(page, html, "kill", "");
    keel_html_print(html,
            "<input type=\"hidden\" name=\"key\" value=\"%s\"><input type=\"hidden\" "
            "name=\"name\" value=\"%s\"><button class=\"danger small\" aria-label=\"Kill "
            "%s\">Kill</button></form>",
            key, name, name);
}

static const char *text_of(keel_term term)
{
    return keel_is_atom(term) ? keel_atom_name(term)
                              : keel_web_value(keel_map_put(keel_map(NULL, NULL, 0),
                                                       keel_string("x"), term),
                                        "x");
}

static void render_node(keel_live *page, keel_html *html, keel_term node)
{
    keel_term name_term, pid, key, kind, children, child;
    int64_t restarts, queue, memory, more;
    bool alive;
    if (!keel_match(node,
                "{[{name, Name}, {pid, Pid}, {key, Key}, {kind, Kind}, {alive, Alive}, "
                "{restarts, Restarts}, {queue, Queue}, {memory, Memory}, {more, More}, "
                "{children, Children}]}",
                &name_term, &pid, &key, &kind, &alive, &restarts, &queue, &memory, &more,
                &children)) {
        return;
    }
    const char *name = text_of(name_term), *key_text = text_of(key);
    keel_html_begin(html, "li", "", "node-%s", key_text);
    keel_html_print(html,
            "<div class=\"node %s%s\"><span class=\"dot\" aria-hidden=\"true\"></span>"
            "<span class=\"grow\"><b>%s</b> <code>%s</code></span>",
            text_of(kind), alive ? "" : " gone", name, alive ? text_of(pid) : "");
    if (restarts > 0) {
        keel_html_print(html, "<span class=\"pill restarts\">%lld restart%s</span>",
                (long long)restarts, restarts == 1 ? "" : "s");
    }
    keel_html_print(html, "<span class=\"figure\">%lld.%lld KiB</span>",
            (long long)(memory / 1024), (long long)(memory % 1024 * 10 / 1024));
    if (strcmp(name, "showcase") == 0) {
        keel_html_raw(html, "<span class=\"pill\">the program</span>");
    } else if (alive) {
        render_kill(page, html, key_text, name);
    } else {
        // `undefined` for a child that has no process, because it wants none or was
        // stopped.
        bool comes_back = keel_equal(pid, keel_string("restarting"));
        keel_html_print(html, "<span class=\"pill\">%s</span>",
                comes_back ? "starting" : "no process");
    }
    keel_html_raw(html, "</div>");
    if (!keel_is_nil(children) || more > 0) {
        keel_html_raw(html, "<ul>");
        while (keel_list_next(&children, &child)) {
            render_node(page, html, child);
        }
        if (more > 0) {
            keel_html_print(
                    html, "<li class=\"empty\">and %lld more</li>", (long long)more);
        }
        keel_html_raw(html, "</ul>");
    }
    keel_html_end(html);
}

static void render(keel_live *page, keel_html *html, void *state)
{
    struct tree_view *view = state;
    layout_title(html, "Tree",
            "Everything that runs, under its supervisor. Kill what you like and watch it "
            "come "
            "back; only after more than three ends within five seconds a supervisor gives "
            "up, and "
            "its own supervisor starts it anew.");
    keel_html_raw(html, "<section class=\"card\"><ul class=\"tree\">");
    if (keel_is_none(view->tree)) {
        keel_html_raw(html,
                "<li class=\"empty\">The one that looks at the tree is being started "
                "anew.</li>");
    } else {
        render_node(page, html, view->tree);
    }
    keel_html_raw(html, "</ul></section>");
}

const keel_live_view tree_page = {
        .name = "tree_page",
        .title = "Tree · Keel",
        .state = KEEL_STATE(struct tree_view, tree),
        .mount = mount,
        .handle_event = handle_event,
        .handle_info = handle_info,
        .render = render,
};
