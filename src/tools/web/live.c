#include "live.h"

#include "fields.h"
#include "live_script.h"
#include "loop.h"
#include "route.h"

#include <keel/process.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// --- for views ---

bool keel_live_connected(const keel_live *page)
{
    return page != NULL && page->connected;
}

const char *keel_live_path(const keel_live *page)
{
    return page != NULL ? page->path : NULL;
}

const char *keel_live_param(const keel_live *page, const char *name)
{
    if (page == NULL || name == NULL) {
        return NULL;
    }
    size_t size = strlen(page->path) + 1;
    char *value = keel_alloc(size);
    (void)kl_route_param(page->peer->route->path, page->path, name, value, size);
    return value;
}

keel_term keel_live_query(const keel_live *page)
{
    if (page == NULL) {
        return KEEL_NONE;
    }
    return keel_copy(page->query); // a patch drops it
}

const char *keel_live_csrf(const keel_live *page)
{
    return page != NULL ? page->csrf : NULL;
}

static char *copy_string(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(keel_alloc(size), text, size);
}

void keel_live_patch(keel_live *page, const char *query)
{
    if (page == NULL || query == NULL) {
        return;
    }
    keel_free(page->patch);
    page->patch = copy_string(query);
    keel_set(&page->query, kl_fields_of_form(query, strlen(query)));
}

void keel_live_redirect(keel_live *page, const char *path)
{
    if (page == NULL || path == NULL) {
        return;
    }
    keel_free(page->redirect);
    page->redirect = copy_string(path);
}

void keel_live_notice(keel_live *page, const char *kind, const char *format, ...)
{
    if (page == NULL || kind == NULL || format == NULL) {
        return;
    }
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    kl_text_done(&page->notice);
    kl_text_addz(&page->notice, text);
    page->notice_kind = strcmp(kind, "error") == 0 ? "error" : "info";
}

void keel_live_form_at(
        const keel_live *page, keel_html *html, const char *event, const char *attributes)
{
    if (page == NULL || html == NULL || event == NULL || attributes == NULL) {
        return;
    }
    keel_html_print(html, "<form method=\"post\" action=\"%s\" data-live ", page->path);
    keel_html_add(html, attributes, strlen(attributes));
    keel_html_print(html,
            "><input type=\"hidden\" name=\"_csrf\" value=\"%s\">"
            "<input type=\"hidden\" name=\"event\" value=\"%s\">",
            page->csrf, event);
}

// --- what both ways of showing a page share ---

void kl_live_begin(struct keel_live *page, struct kl_web_peer *peer, keel_term query)
{
    const char *path = peer->is_socket ? kl_web_peer_query(peer, "path") : peer->path;
    page->peer = peer;
    page->view = peer->route->view;
    page->connected = peer->is_socket;
    page->path = copy_string(path);
    keel_set(&page->query, query);
    kl_request_csrf(peer, page->csrf);
    if (page->view->state.bytes > 0) {
        page->state = keel_alloc(page->view->state.bytes);
    }
    if (page->view->mount != NULL) {
        page->view->mount(page, page->state);
    }
    kl_live_params(page, keel_live_query(page));
}

void kl_live_params(struct keel_live *page, keel_term query)
{
    keel_set(&page->query, query);
    if (page->view->handle_params != NULL) {
        page->view->handle_params(page, keel_live_query(page), page->state);
    }
}

void kl_live_event(struct keel_live *page, const char *event, keel_term values)
{
    kl_text_done(&page->notice);
    page->notice_kind = NULL;
    if (page->view->handle_event != NULL) {
        page->view->handle_event(page, event, values, page->state);
    }
}

keel_html *kl_live_render(struct keel_live *page)
{
    keel_html *html = keel_html_new();
    keel_html_begin(html, "div", "", KL_LIVE_ROOT);
    keel_html_begin(html, "div", "role=\"status\" aria-live=\"polite\"", "notice");
    if (page->notice_kind != NULL) {
        keel_html_print(html, "<p class=\"notice %s\">%s</p>", page->notice_kind,
                page->notice.data);
    }
    keel_html_end(html);
    keel_html_begin(html, "div", "", "content");
    page->view->render(page, html, page->state);
    keel_html_end(html);
    keel_html_end(html);
    return html;
}

// --- rendered once ---

static void reply_document(keel_web_request *request, struct keel_live *page, int status)
{
    const keel_web_endpoint *endpoint = request->peer->web->endpoint;
    keel_html *html = keel_html_new();
    keel_html_print(html,
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
            "<title>%s</title><script defer src=\"%s?v=%s\"></script>",
            page->view->title, kl_live_script.path, kl_live_script_version);
    if (endpoint->head != NULL) {
        endpoint->head(html, page);
    }
    keel_html_raw(html, "</head><body>");
    if (endpoint->header != NULL) {
        endpoint->header(html, page);
    }
    keel_html_print(html, "<main id=\"main\" data-live-path=\"%s\" data-csrf=\"%s\">",
            page->path, page->csrf);
    keel_html *content = kl_live_render(page);
    keel_bytes bytes = keel_html_bytes(content);
    keel_html_add(html, (const char *)bytes.data, bytes.size);
    keel_html_raw(html, "</main>");
    if (endpoint->footer != NULL) {
        endpoint->footer(html, page);
    }
    keel_html_raw(html, "<div id=\"connection\" role=\"status\" hidden>Connection lost. "
                        "Trying again …</div></body></html>");
    kl_request_set_session(request);
    keel_web_reply_html(request, status, html);
}

// After a form: to the page again, so that loading it anew sends nothing twice; but what it
// has to say must be seen.
static void reply_to_form(keel_web_request *request, struct keel_live *page)
{
    if (page->redirect != NULL) {
        keel_web_redirect(request, page->redirect);
        return;
    }
    if (page->notice_kind != NULL) {
        bool is_error = strcmp(page->notice_kind, "error") == 0;
        reply_document(request, page, is_error ? 422 : 200);
        return;
    }
    struct kl_text address = {0};
    keel_bytes query = keel_to_bytes(kl_fields_encode(page->query));
    kl_text_addz(&address, page->path);
    kl_text_addz(&address, query.size > 0 ? "?" : "");
    kl_text_add(&address, query.data, query.size);
    keel_web_redirect(request, address.data);
}

void kl_live_serve(keel_web_request *request)
{
    struct keel_live page = {0};
    bool is_form = strcmp(keel_web_method(request), "POST") == 0;
    keel_term form = is_form ? keel_web_form(request) : KEEL_NONE;
    if (is_form) {
        char digest[KL_DIGEST_SIZE];
        const char *csrf = keel_web_value(form, "_csrf");
        kl_request_csrf(request->peer, digest);
        if (request->peer->new_session || csrf == NULL || !kl_guard_same(csrf, digest)) {
            keel_web_fail(request, 403, "_csrf: not ours; load the page again");
            return;
        }
    }
    kl_live_begin(&page, request->peer, keel_web_query(request));
    if (!is_form) {
        if (page.redirect != NULL) {
            keel_web_redirect(request, page.redirect);
        } else {
            reply_document(request, &page, 200);
        }
        return;
    }
    const char *event = keel_web_value(form, "event");
    form = keel_map_remove(
            keel_map_remove(form, keel_string("_csrf")), keel_string("event"));
    kl_live_event(&page, event != NULL ? event : "", form);
    reply_to_form(request, &page);
}
