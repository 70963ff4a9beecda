#include "showcase.h"

#include <string.h>

#define REFRESH KEEL_MS(400)

struct pattern {
    const char *name; // as patterns_use calls it
    const char *title, *about;
    const char *label; // of its field; NULL: it has none
    const char *value; // in the field at first
    const char *button;
    const char *second, *second_value; // another button, which sends that value; or NULL
};

static const struct pattern patterns[] = {
        {"cache", "Cache",
                "Looking up takes 0.7 s; what was looked up stays for 15 s, and many who "
                "ask at "
                "once wait for one.",
                "What", "apples", "Look up", NULL, NULL},
        {"limiter", "Rate limiter",
                "Five in ten seconds for each name, from a token bucket.", "Who", "Ada",
                "Try", NULL, NULL},
        {"pool", "Connection pool",
                "Three lines, and one more when all are lent. Each click borrows one for 3 "
                "s; who "
                "comes too late waits in a queue.",
                NULL, NULL, "Borrow", NULL, NULL},
        {"workers", "Worker pool",
                "Two servers that need a second for a text; who finds none free waits.",
                "Text", "hello", "Ask", NULL, NULL},
        {"batcher", "Batcher",
                "Hands on five letters at once, or what there is after 3 s. A batch with "
                "“fail” "
                "in it fails at first, and comes again.",
                "Letter", "dear", "Add", "Add one that fails", "fail"},
        {"breaker", "Circuit breaker",
                "Three failures in a row open it for 8 s; then one call is let through to "
                "try.",
                NULL, NULL, "Call that works", "Call that fails", "fail"},
};

static void mount(keel_live *page, void *state)
{
    (void)state;
    if (keel_live_connected(page)) {
        (void)keel_send_interval(
                REFRESH, keel_from_pid(keel_self()), keel_atom(refresh), NULL);
    }
}

static void handle_event(keel_live *page, const char *event, keel_term values, void *state)
{
    const char *pattern = keel_web_value(values, "pattern");
    const char *argument = keel_web_value(values, "argument");
    const char *second = keel_web_value(values, "second");
    char text[200];
    (void)state;
    if (strcmp(event, "use") != 0 || pattern == NULL) {
        return;
    }
    argument = second != NULL ? second : argument != NULL ? argument : "";
    if (strlen(argument) > 60) {
        keel_live_notice(page, "error", "60 letters at most.");
        return;
    }
    keel_status status = patterns_use(pattern, argument, text, sizeof(text));
    if (status == KEEL_E_NOPROC) {
        keel_live_notice(page, "error", "It is being started anew.");
    } else {
        keel_live_notice(page, status == KEEL_OK ? "info" : "error", "%s", text);
    }
}

static void render_facts(keel_html *html, const char *pattern)
{
    keel_term stats = patterns_stats(pattern), key, value;
    if (keel_is_none(stats)) {
        keel_html_raw(html, "<p class=\"empty\">It is being started anew.</p>");
        return;
    }
    keel_html_raw(html, "<dl class=\"facts\">");
    for (size_t index = 0; keel_map_at(stats, index, &key, &value); index++) {
        if (keel_is(key, kind)) {
            continue;
        }
        char name[64];
        size_t size = 0;
        for (const char *at = keel_atom_name(key); *at != '\0' && size + 1 < sizeof(name);
                at++) {
            name[size++] = *at == '_' ? ' ' : *at;
        }
        name[size] = '\0';
        keel_html_print(html, "<dt>%s</dt><dd>", name);
        if (keel_is(key, state)) {
            keel_html_print(html, "<span class=\"pill %s\">", keel_atom_name(value));
            keel_html_text(
                    html, keel_is(value, half_open) ? "half open" : keel_atom_name(value));
            keel_html_raw(html, "</span>");
        } else if (keel_is_float(value)) {
            keel_html_print(html, "%.2f", keel_to_float(value));
        } else {
            keel_html_term(html, value);
        }
        keel_html_raw(html, "</dd>");
    }
    keel_html_raw(html, "</dl>");
}

static void render_pattern(keel_live *page, keel_html *html, const struct pattern *pattern)
{
    keel_html_print(html, "<section class=\"card\"><h2>%s</h2><p class=\"soft\">%s</p>",
            pattern->title, pattern->about);
    keel_live_form(page, html, "use", "class=\"row\"");
    keel_html_print(
            html, "<input type=\"hidden\" name=\"pattern\" value=\"%s\">", pattern->name);
    if (pattern->label != NULL) {
        keel_html_print(html,
                "<label class=\"grow\">%s<input name=\"argument\" value=\"%s\" "
                "maxlength=\"60\" "
                "required autocomplete=\"off\"></label>",
                pattern->label, pattern->value);
    }
    keel_html_print(html, "<button>%s</button>", pattern->button);
    if (pattern->second != NULL) {
        keel_html_print(html,
                "<button class=\"quiet\" name=\"second\" value=\"%s\">%s</button>",
                pattern->second_value, pattern->second);
    }
    keel_html_raw(html, "</form>");
    keel_html_begin(html, "div", "", "facts-%s", pattern->name);
    render_facts(html, pattern->name);
    keel_html_end(html);
    keel_html_raw(html, "</section>");
}

static void render(keel_live *page, keel_html *html, void *state)
{
    (void)state;
    layout_title(html, "Patterns",
            "Ready-made parts at work, with their figures as they change. Two tabs, or a "
            "loop of "
            "curl, and they have something to do.");
    keel_html_raw(html, "<div class=\"grid\">");
    for (size_t index = 0; index < KEEL_COUNT(patterns); index++) {
        render_pattern(page, html, &patterns[index]);
    }
    keel_html_raw(html, "</div>");
}

static void handle_info(keel_live *page, keel_term message, void *state)
{
    (void)page; // it is time to look again
    (void)message;
    (void)state;
}

const keel_live_view patterns_page = {
        .name = "patterns_page",
        .title = "Patterns · Keel",
        .mount = mount,
        .handle_event = handle_event,
        .handle_info = handle_info,
        .render = render,
};
