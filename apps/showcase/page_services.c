#include "showcase.h"

#include <stdio.h>
#include <string.h>

static void mount(keel_live *page, void *state)
{
    (void)state;
    if (keel_live_connected(page)) {
        keel_pubsub_subscribe(EVENTS, services_topic());
        keel_pubsub_subscribe(EVENTS, keel_atom(health));
        (void)keel_send_interval(
                KEEL_SECONDS(1), keel_from_pid(keel_self()), keel_atom(second), NULL);
    }
}

static void add(keel_live *page, const char *name, const char *url)
{
    if (name == NULL || name[0] == '\0' || strlen(name) > 60) {
        keel_live_notice(page, "error", "A service has a name of 1 to 60 letters.");
        return;
    }
    keel_status status = services_add(name, url != NULL ? url : "");
    if (status == KEEL_E_BADARG) {
        keel_live_notice(page, "error", "The address begins with http:// or https://.");
    } else if (status == KEEL_E_TAKEN) {
        keel_live_notice(page, "error", "There is a service called %s.", name);
    } else if (status != KEEL_OK) {
        keel_live_notice(page, "error", "The list is being started anew.");
    }
}

static void handle_event(keel_live *page, const char *event, keel_term values, void *state)
{
    const char *name = keel_web_value(values, "name");
    (void)state;
    if (strcmp(event, "add") == 0) {
        add(page, name, keel_web_value(values, "url"));
    } else if (strcmp(event, "remove") == 0 && name != NULL) {
        (void)services_remove(name);
    } else if (strcmp(event, "switch") == 0) {
        services_set_test_fails(!services_test_fails());
    }
}

static void handle_info(keel_live *page, keel_term message, void *state)
{
    (void)page; // whatever it was, the list is looked at again
    (void)message;
    (void)state;
}

static void render_service(
        keel_live *page, keel_html *html, keel_term name, keel_term about)
{
    const char *status = keel_atom_name(keel_map_get(about, keel_atom(status)));
    int64_t number;
    keel_html_begin(html, "li", "", "service-%llx",
            (unsigned long long)keel_phash2(name, 1ULL << 32));
    keel_html_raw(html, "<span class=\"name\">");
    keel_html_term(html, name);
    keel_html_raw(html, " <small class=\"soft\">");
    keel_html_term(html, keel_map_get(about, keel_atom(target)));
    if (keel_get_int(keel_map_get(about, keel_atom(failures)), &number) && number > 0) {
        keel_html_print(html, " · %lld in a row: ", (long long)number);
        keel_html_term(html, keel_map_get(about, keel_atom(reason)));
    } else if (keel_get_int(keel_map_get(about, keel_atom(response_us)), &number)) {
        keel_html_print(html, " · %.1f ms", (double)number / 1000);
    }
    if (keel_get_int(keel_map_get(about, keel_atom(last_check)), &number)) {
        keel_html_raw(html, " · ");
        layout_ago(html, number);
    }
    keel_html_print(
            html, "</small></span><span class=\"pill %s\">%s</span>", status, status);
    keel_live_form(page, html, "remove", "");
    keel_html_raw(html, "<input type=\"hidden\" name=\"name\" value=\"");
    keel_html_term(html, name);
    keel_html_raw(html, "\"><button class=\"quiet small\">Remove</button></form>");
    keel_html_end(html);
}

static void render_add(keel_live *page, keel_html *html)
{
    keel_html_raw(html, "<section class=\"card\">");
    keel_live_form(page, html, "add", "class=\"row\"");
    keel_html_print(html,
            "<label>Name<input name=\"name\" required maxlength=\"60\" value=\"local\" "
            "size=\"12\" "
            "autocomplete=\"off\"></label><label class=\"grow\">Address<input name=\"url\" "
            "type=\"url\" required maxlength=\"500\" "
            "value=\"http://127.0.0.1:%d/test-service\"></label><button>Watch</button></"
            "form>",
            keel_web_port(keel_atom(web)));
    keel_html_raw(html, "</section><section class=\"card\"><div class=\"row\">");
    keel_html_begin(html, "p", "class=\"grow test\"", "test");
    keel_html_print(html,
            "The local test service <code>/test-service</code> is <span class=\"pill %s"
            "\">%s</span>",
            services_test_fails() ? "critical" : "healthy",
            services_test_fails() ? "failing" : "well");
    keel_html_end(html);
    keel_live_form(page, html, "switch", "");
    keel_html_begin(html, "button", "class=\"quiet\"", "switch");
    keel_html_text(html, services_test_fails() ? "Make it well" : "Make it fail");
    keel_html_end(html);
    keel_html_raw(html, "</form></div></section>");
}

static void render(keel_live *page, keel_html *html, void *state)
{
    keel_term services = services_list(), name, about;
    (void)state;
    layout_title(html, "Services",
            "Each is asked over HTTP every three seconds. One failure is degraded, three "
            "in a row "
            "are critical, one success is healthy again.");
    render_add(page, html);
    keel_html_raw(html, "<section class=\"card\">");
    keel_html_begin(html, "ul", "class=\"items\"", "services");
    if (keel_is_none(services)) {
        keel_html_raw(html, "<li class=\"empty\">The checker is being started anew.</li>");
    } else if (keel_map_size(services) == 0) {
        keel_html_raw(html, "<li class=\"empty\">Nothing is watched yet.</li>");
    }
    for (size_t index = 0;
            !keel_is_none(services) && keel_map_at(services, index, &name, &about);
            index++) {
        render_service(page, html, name, about);
    }
    keel_html_end(html);
    keel_html_raw(html, "</section>");
}

const keel_live_view services_page = {
        .name = "services_page",
        .title = "Services · Keel",
        .mount = mount,
        .handle_event = handle_event,
        .handle_info = handle_info,
        .render = render,
};
