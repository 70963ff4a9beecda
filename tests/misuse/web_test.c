// What the web is made of. A request and a live page are known only to the function that
// was given one: here they are NULL.

#include "table.h"

#include <keel/web/endpoint.h>
#include <keel/web/html.h>
#include <keel/web/json.h>
#include <keel/web/live.h>
#include <keel/web/request.h>

static const keel_web_endpoint no_endpoint;

// How much a stylesheet writes into HTML.
static size_t styled(const keel_web_endpoint *endpoint, const char *path)
{
    keel_html *html = keel_html_new();
    keel_web_stylesheet(html, endpoint, path);
    size_t size = keel_html_bytes(html).size;
    keel_html_free(html);
    return size;
}

TABLE(markup, "HTML and JSON: what is misused writes nothing, and gives a clear failure")
{
    HARMLESS(keel_html_free(NULL));
    NOTHING(keel_html_bytes(NULL).data);
    HARMLESS(keel_html_add(NULL, "x", 1));
    HARMLESS(keel_html_text(NULL, "x"));
    HARMLESS(keel_html_term(NULL, one));
    HARMLESS(keel_html_format(NULL, "x"));
    HARMLESS(keel_html_begin_at(NULL, "p", "", "x"));
    HARMLESS(keel_html_end(NULL));
    STATUS(KEEL_E_SYNTAX, keel_json_decode(NULL, 0, &result, NULL));
    STATUS(KEEL_E_BADARG, keel_json_decode(NULL, 3, &result, NULL));
    STATUS(KEEL_E_BADARG, keel_json_decode("1", 1, NULL, NULL));
    STATUS(KEEL_E_SYNTAX, keel_json_decode("{", 1, &result, NULL));
    STATUS(KEEL_E_SYNTAX, keel_json_decode("\xff", 1, &result, NULL));
    NOTHING(keel_json_encode(nothing));
}

TABLE(requests, "requests that are none are answered by nobody")
{
    NOTHING(keel_web_method(NULL));
    NOTHING(keel_web_path(NULL));
    NOTHING(keel_web_param(NULL, "id"));
    NOTHING(keel_web_header(NULL, "host"));
    NOTHING(keel_web_body(NULL).data);
    NOTHING(keel_web_query(NULL));
    NOTHING(keel_web_form(NULL));
    NOTHING(keel_web_json(NULL, &result));
    NOTHING(keel_web_value(any_word(), "key"));
    NOTHING(keel_web_value(keel_make("#{a => 1}"), NULL));
    HARMLESS(keel_web_header_set(NULL, "a", "b"));
    HARMLESS(keel_web_reply(NULL, 200, "text/plain", "", 0));
    HARMLESS(keel_web_reply_html(NULL, 200, NULL));
    HARMLESS(keel_web_reply_json(NULL, 200, one));
    HARMLESS(keel_web_fail(NULL, 404, "x"));
    HARMLESS(keel_web_redirect(NULL, "/"));
    NOTHING(keel_web_answered(NULL));
    HARMLESS(keel_web_metrics(NULL));
    HARMLESS(keel_web_metrics_text(NULL));
}

TABLE(pages, "live pages and endpoints that are none are nothing")
{
    NOTHING(keel_live_connected(NULL));
    NOTHING(keel_live_path(NULL));
    NOTHING(keel_live_param(NULL, "id"));
    NOTHING(keel_live_query(NULL));
    NOTHING(keel_live_csrf(NULL));
    HARMLESS(keel_live_patch(NULL, "a=b"));
    HARMLESS(keel_live_redirect(NULL, "/"));
    HARMLESS(keel_live_notice(NULL, "info", "x"));
    HARMLESS(keel_live_form_at(NULL, NULL, "event", ""));
    HARMLESS(keel_web_child_opt(NULL, NULL).id);
    NOTHING(keel_web_port(any_word()));
    NOTHING(keel_web_inspect(any_word(), &(keel_web_stats){0}));
    NOTHING(keel_web_inspect(nobody, NULL));
    HARMLESS(keel_web_stylesheet(NULL, &no_endpoint, "/a.css"));
    NOTHING(styled(NULL, "/a.css"));
    NOTHING(styled(&no_endpoint, NULL));
}
