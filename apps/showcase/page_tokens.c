#include "showcase.h"

#include <string.h>

struct tokens_view {
    keel_term rows; // KEEL_NONE while the server is being started anew
};

static void load(struct tokens_view *view)
{
    keel_set(&view->rows, tokens_list());
}

static void mount(keel_live *page, void *state)
{
    if (keel_live_connected(page)) {
        keel_pubsub_subscribe(EVENTS, tokens_topic());
        // What is left of each runs down.
        (void)keel_send_interval(
                KEEL_SECONDS(1), keel_from_pid(keel_self()), keel_atom(second), NULL);
    }
    load(state);
}

static void use(keel_live *page, const char *user)
{
    keel_term token, before;
    if (user == NULL || user[0] == '\0' || strlen(user) > 60) {
        keel_live_notice(page, "error", "Say for whom, in 60 letters at most.");
    } else if (!keel_match(tokens_use(user), "{Token, Before}", &token, &before)) {
        keel_live_notice(page, "error", "The tokens are being started anew.");
    } else if (keel_is_binary(before)) {
        keel_bytes bytes = keel_to_bytes(before);
        keel_live_notice(page, "info",
                "All were lent: %.*s had one longest and gave it to %s.", (int)bytes.size,
                (const char *)bytes.data, user);
    }
}

static void handle_event(keel_live *page, const char *event, keel_term values, void *state)
{
    if (strcmp(event, "use") == 0) {
        use(page, keel_web_value(values, "user"));
    } else if (strcmp(event, "check") == 0) {
        keel_live_notice(page, "info", "Released: %lld.", (long long)tokens_check());
    }
    load(state);
}

static void handle_info(keel_live *page, keel_term message, void *state)
{
    struct tokens_view *view = state;
    (void)page;
    if (keel_is(message, changed) || keel_is_none(view->rows)) {
        load(view);
    }
}

static void render_token(keel_html *html, keel_term row)
{
    int64_t since, lifetime = tokens_lifetime();
    bool used = keel_get_int(keel_element(row, 3), &since);
    keel_html_begin(html, "li", "", "token-%d", (int)keel_to_int(keel_element(row, 0)));
    keel_html_raw(html, "<span class=\"name\"><code>");
    keel_html_term(html, keel_element(row, 1));
    keel_html_raw(html, "</code> ");
    if (used) {
        int64_t left = since + lifetime - keel_system_time() / 1000000;
        left = left > 0 ? left : 0;
        keel_html_term(html, keel_element(row, 2));
        keel_html_print(html,
                "</span><span class=\"figure\">%lld s left</span><span class=\"pill "
                "used\">lent"
                "</span><progress max=\"%lld\" value=\"%lld\">%lld s</progress>",
                (long long)(left + 999) / 1000, (long long)(lifetime / 1000),
                (long long)(left + 999) / 1000, (long long)(left + 999) / 1000);
    } else {
        keel_html_raw(html, "</span><span class=\"pill free\">free</span>");
    }
    keel_html_end(html);
}

static void render(keel_live *page, keel_html *html, void *state)
{
    struct tokens_view *view = state;
    keel_term rows = view->rows, row;
    layout_title(html, "Tokens",
            "Ten tokens, lent to whoever asks. One that is in use for more than two "
            "minutes is "
            "released; a server checks every thirty seconds. When all are lent the oldest "
            "is taken "
            "away. They lie in the database and outlive whatever is killed.");
    keel_html_raw(html, "<section class=\"card\"><div class=\"row\">");
    keel_live_form(page, html, "use", "class=\"row grow\"");
    keel_html_raw(html,
            "<label class=\"grow\">For whom<input name=\"user\" required maxlength=\"60\" "
            "placeholder=\"Ada\" autocomplete=\"off\" data-clear></label>"
            "<button>Use a token</button></form>");
    keel_live_form(page, html, "check", "");
    keel_html_raw(html, "<button class=\"quiet\">Check now</button></form></div></section>"
                        "<section class=\"card\"><ul class=\"items\">");
    if (keel_is_none(rows)) {
        keel_html_raw(html, "<li class=\"empty\">The tokens are being started anew.</li>");
    }
    while (!keel_is_none(rows) && keel_list_next(&rows, &row)) {
        render_token(html, row);
    }
    keel_html_raw(html, "</ul></section>");
}

const keel_live_view tokens_page = {
        .name = "tokens_page",
        .title = "Tokens · Keel",
        .state = KEEL_STATE(struct tokens_view, rows),
        .mount = mount,
        .handle_event = handle_event,
        .handle_info = handle_info,
        .render = render,
};
