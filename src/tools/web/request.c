#include "request.h"

#include "fields.h"
#include "live.h"
#include "loop.h"
#include "route.h"

#include <keel/process.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Runs when the process ends, whatever ends it: nobody is left waiting.
static void answer_for_the_dead(void *peer)
{
    struct kl_answer answer = {.status = 500, .content_type = "application/json"};
    answer.body = "{\"error\":\"the request crashed; the log says why\"}";
    answer.size = strlen(answer.body);
    kl_web_peer_answer(peer, &answer); // the first answer counts
    kl_web_peer_unref(peer);
}

void kl_request_run(keel_term argument)
{
    struct kl_web_peer *peer = kl_web_peer_of_term(argument);
    keel_web_request request = {.peer = peer};
    keel_defer(answer_for_the_dead, kl_web_peer_ref(peer));
    if (peer->route->view != NULL) {
        kl_live_serve(&request);
    } else {
        peer->route->handle(&request);
    }
}

void kl_request_csrf(const struct kl_web_peer *peer, char digest[static KL_DIGEST_SIZE])
{
    kl_guard_digest(peer->web->secret, "csrf", peer->session, digest);
}

// --- what was asked ---

const char *keel_web_method(const keel_web_request *request)
{
    if (request == NULL) {
        return NULL;
    }
    return request->peer->method;
}

const char *keel_web_path(const keel_web_request *request)
{
    if (request == NULL) {
        return NULL;
    }
    return request->peer->path;
}

const char *keel_web_param(const keel_web_request *request, const char *name)
{
    if (request == NULL || name == NULL) {
        return NULL;
    }
    const struct kl_web_peer *peer = request->peer;
    size_t size = strlen(peer->path) + 1;
    char *value = keel_alloc(size);
    (void)kl_route_param(peer->route->path, peer->path, name, value, size);
    return value;
}

const char *keel_web_header(const keel_web_request *request, const char *name)
{
    if (request == NULL || name == NULL) {
        return NULL;
    }
    static const char *const names[KL_HEADERS] = {"host", "origin", "cookie",
            "content-type", "accept", "authorization", "user-agent", "sec-fetch-site"};
    for (int header = 0; header < KL_HEADERS; header++) {
        if (strcasecmp(names[header], name) == 0) {
            return request->peer->headers[header];
        }
    }
    return NULL;
}

keel_bytes keel_web_body(const keel_web_request *request)
{
    if (request == NULL) {
        return (keel_bytes){0};
    }
    return (keel_bytes){(const uint8_t *)request->peer->body, request->peer->body_size};
}

keel_term keel_web_query(const keel_web_request *request)
{
    if (request == NULL) {
        return KEEL_NONE;
    }
    return kl_fields_of_pairs(request->peer->query, request->peer->query_size);
}

static bool has_type(const keel_web_request *request, const char *type)
{
    const char *given = request->peer->headers[KL_CONTENT_TYPE];
    size_t size = strlen(type);
    return given != NULL && strncasecmp(given, type, size) == 0 &&
           (given[size] == '\0' || given[size] == ';' || given[size] == ' ');
}

keel_term keel_web_form(const keel_web_request *request)
{
    if (request == NULL) {
        return KEEL_NONE;
    }
    const struct kl_web_peer *peer = request->peer;
    bool is_form = has_type(request, "application/x-www-form-urlencoded");
    return kl_fields_of_form(peer->body, is_form ? peer->body_size : 0);
}

bool keel_web_json(keel_web_request *request, keel_term *ret_map)
{
    if (request == NULL || ret_map == NULL) {
        return false;
    }
    const struct kl_web_peer *peer = request->peer;
    // A page of another site could send anything else without being asked first. curl -d
    // calls everything a form, so what reads as JSON is taken from programs as well.
    bool from_a_page = peer->headers[KL_ORIGIN] != NULL;
    if (from_a_page && !has_type(request, "application/json")) {
        keel_web_fail(request, 415, "Content-Type: must be application/json");
        return false;
    }
    if (peer->body_size == 0) {
        keel_web_fail(request, 400, "body: must be a JSON object, and is empty");
        return false;
    }
    keel_json_error error;
    keel_term term;
    keel_status status = keel_json_decode(peer->body, peer->body_size, &term, &error);
    if (status != KEEL_OK) {
        keel_web_fail(request, 400, "body: no JSON, line %d: %s", error.line, error.text);
        return false;
    }
    if (!keel_is_map(term)) {
        keel_web_fail(request, 400, "body: must be a JSON object");
        return false;
    }
    *ret_map = term;
    return true;
}

const char *keel_web_value(keel_term map, const char *key)
{
    keel_term value = keel_map_get(map, keel_string(key));
    if (!keel_is_binary(value)) {
        return NULL;
    }
    keel_bytes bytes = keel_to_bytes(value);
    uint8_t *text;
    (void)keel_binary_new(bytes.size + 1, &text);
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    return (const char *)text;
}

// --- answering ---

void keel_web_header_set(keel_web_request *request, const char *name, const char *value)
{
    if (request == NULL || name == NULL || value == NULL) {
        return;
    }
    if (strpbrk(name, "\r\n:") != NULL || strpbrk(value, "\r\n") != NULL) {
        keel_error(keel_make("{badarg, {header, Name}}", name));
    }
    kl_answer_header(&request->answer, name, value);
}

void keel_web_reply(keel_web_request *request, int status, const char *content_type,
        const void *data, size_t size)
{
    if (request == NULL || (data == NULL && size > 0)) {
        return;
    }
    struct kl_answer *answer = &request->answer;
    if (request->answered) {
        return;
    }
    request->answered = true;
    answer->status = status;
    snprintf(answer->content_type, sizeof(answer->content_type), "%s",
            content_type != NULL ? content_type : "text/plain");
    answer->owned = malloc(size > 0 ? size : 1);
    answer->body = answer->owned;
    if (answer->owned != NULL && size > 0) {
        memcpy(answer->owned, data, size);
        answer->size = size;
    }
    if (request->peer->web->took != NULL) {
        keel_metric_observe(request->peer->web->took,
                (double)(keel_system_time() - request->peer->since) / 1e9);
    }
    kl_web_peer_answer(request->peer, answer);
}

void keel_web_reply_html(keel_web_request *request, int status, const keel_html *html)
{
    if (request == NULL || html == NULL) {
        return;
    }
    keel_bytes bytes = keel_html_bytes(html);
    keel_web_reply(request, status, "text/html; charset=utf-8", bytes.data, bytes.size);
}

void keel_web_reply_json(keel_web_request *request, int status, keel_term term)
{
    keel_bytes bytes = keel_to_bytes(keel_json_encode(term));
    keel_web_reply(request, status, "application/json", bytes.data, bytes.size);
}

static bool has_header(const struct kl_answer *answer, const char *name)
{
    for (size_t at = 0; at < answer->headers_size;) {
        const char *given = answer->headers + at;
        if (strcasecmp(given, name) == 0) {
            return true;
        }
        at += strlen(given) + 1;
        at += strlen(answer->headers + at) + 1;
    }
    return false;
}

void keel_web_fail(keel_web_request *request, int status, const char *format, ...)
{
    if (request == NULL || format == NULL) {
        return;
    }
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (status == 503 && !has_header(&request->answer, "retry-after")) {
        keel_web_header_set(request, "retry-after", "1");
    }
    keel_web_reply_json(request, status, keel_make("#{error => Text}", text));
}

void keel_web_redirect(keel_web_request *request, const char *path)
{
    if (request == NULL || path == NULL) {
        return;
    }
    // "//elsewhere" would lead away from here.
    bool ours = path[0] == '/' && path[1] != '/' && path[1] != '\\';
    keel_web_header_set(request, "location", ours ? path : "/");
    keel_web_reply(request, 303, "text/plain", NULL, 0);
}

bool keel_web_answered(const keel_web_request *request)
{
    return request != NULL && request->answered;
}

void kl_request_set_session(keel_web_request *request)
{
    if (request->peer->new_session) {
        char cookie[128];
        snprintf(cookie, sizeof(cookie), "keel_session=%s; Path=/; HttpOnly; SameSite=Lax",
                request->peer->session);
        keel_web_header_set(request, "set-cookie", cookie);
    }
}
