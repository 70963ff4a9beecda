#include "loop.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 16384

// Pages load nothing from elsewhere and run no script but ours.
static const char *const every_answer[][2] = {
        {"content-security-policy:",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                "connect-src 'self'; form-action 'self'; base-uri 'none'; "
                "frame-ancestors 'none'"},
        {"x-content-type-options:", "nosniff"},
        {"referrer-policy:", "same-origin"},
        {"cross-origin-opener-policy:", "same-origin"},
        {"cross-origin-resource-policy:", "same-origin"},
};

void kl_answer_header(struct kl_answer *answer, const char *name, const char *value)
{
    size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;
    char *headers = realloc(answer->headers, answer->headers_size + name_size + value_size);
    if (headers == NULL) {
        return;
    }
    memcpy(headers + answer->headers_size, name, name_size);
    memcpy(headers + answer->headers_size + name_size, value, value_size);
    answer->headers = headers;
    answer->headers_size += name_size + value_size;
}

void kl_loop_fail(struct kl_web_peer *peer, int status, const char *why)
{
    struct kl_answer answer = {.status = status};
    const char *accept = peer->headers[KL_ACCEPT];
    bool html = accept != NULL && strstr(accept, "text/html") != NULL;
    char body[512];
    // `why` is one of the loop's own sentences: nothing in it needs an escape.
    if (html) {
        snprintf(body, sizeof(body),
                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>%d</title>"
                "<h1>%d</h1><p>%s</p>",
                status, status, why);
    } else {
        snprintf(body, sizeof(body), "{\"error\":\"%s\"}", why);
    }
    snprintf(answer.content_type, sizeof(answer.content_type), "%s",
            html ? "text/html; charset=utf-8" : "application/json");
    answer.owned = strdup(body);
    answer.body = answer.owned;
    answer.size = answer.owned != NULL ? strlen(answer.owned) : 0;
    if (status == 503) {
        kl_answer_header(&answer, "retry-after", "1");
    }
    answer.close = status == 408 || status == 411 || status == 503;
    kl_web_peer_answer(peer, &answer);
}

void kl_loop_serve(struct kl_web_peer *peer, const keel_web_asset *asset)
{
    struct kl_answer answer = {.status = 200, .body = asset->data, .size = asset->size};
    snprintf(answer.content_type, sizeof(answer.content_type), "%s", asset->content_type);
    answer.cached = kl_web_peer_query(peer, "v") != NULL;
    kl_web_peer_answer(peer, &answer);
}

static bool add_header(
        struct lws *wsi, const char *name, const char *value, uint8_t **at, uint8_t *end)
{
    return lws_add_http_header_by_name(wsi, (const uint8_t *)name, (const uint8_t *)value,
                   (int)strlen(value), at, end) == 0;
}

static bool add_own_headers(
        struct kl_answer *answer, struct lws *wsi, uint8_t **at, uint8_t *end)
{
    const char *name = answer->headers;
    const char *last = name != NULL ? name + answer->headers_size : NULL;
    while (name != NULL && name < last) {
        const char *value = name + strlen(name) + 1;
        char with_colon[64];
        snprintf(with_colon, sizeof(with_colon), "%s:", name);
        if (!add_header(wsi, with_colon, value, at, end)) {
            return false;
        }
        name = value + strlen(value) + 1;
    }
    return true;
}

static bool write_headers(struct kl_answer *answer, struct lws *wsi)
{
    uint8_t buffer[LWS_PRE + 6144];
    uint8_t *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof(buffer) - 1;
    if (lws_add_http_common_headers(wsi, (unsigned)answer->status, answer->content_type,
                answer->size, &at, end) != 0) {
        return false;
    }
    for (size_t index = 0; index < LWS_ARRAY_SIZE(every_answer); index++) {
        if (!add_header(wsi, every_answer[index][0], every_answer[index][1], &at, end)) {
            return false;
        }
    }
    const char *cache = answer->cached ? "public, max-age=31536000, immutable" : "no-store";
    return add_header(wsi, "cache-control:", cache, &at, end) &&
           (!answer->close || add_header(wsi, "connection:", "close", &at, end)) &&
           add_own_headers(answer, wsi, &at, end) &&
           lws_finalize_write_http_header(wsi, start, &at, end) == 0;
}

// Whether libwebsockets has read ahead on this connection (or on another one: then it takes
// no harm from being closed). It must not go on with that: 4.1 takes the head of such a
// request for its body, and never comes back when there is a body. Who sends requests
// without waiting is told that the connection ends, and sends the rest again (RFC
// 9112, 9.3.2).
static bool has_read_ahead(struct lws *wsi)
{
    return lws_service_adjust_timeout(lws_get_context(wsi), 1, 0) == 0;
}

static int complete(struct kl_web_peer *peer, struct lws *wsi)
{
    peer->done = true;
    if (peer->answer.close || has_read_ahead(wsi)) {
        return -1;
    }
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

int kl_loop_write(struct kl_web_peer *peer, struct lws *wsi)
{
    struct kl_answer *answer = &peer->answer;
    if (!answer->begun) {
        answer->begun = true;
        answer->close |= peer->impatient || has_read_ahead(wsi);
        if (!write_headers(answer, wsi)) {
            return -1;
        }
        int class = answer->status / 100;
        __atomic_fetch_add(&peer->web->by_class[class >= 1 && class <= 5 ? class : 0], 1,
                __ATOMIC_RELAXED);
        if (peer->is_head || answer->size == 0) {
            return complete(peer, wsi);
        }
        lws_callback_on_writable(wsi);
        return 0;
    }
    uint8_t buffer[LWS_PRE + CHUNK];
    size_t left = answer->size - answer->sent;
    size_t size = left < CHUNK ? left : CHUNK;
    memcpy(buffer + LWS_PRE, answer->body + answer->sent, size);
    answer->sent += size;
    bool last = answer->sent == answer->size;
    // Who takes nothing for so long is not waited for.
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)peer->web->timeout_s);
    if (lws_write(wsi, buffer + LWS_PRE, size,
                last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) != (int)size) {
        return -1;
    }
    if (last) {
        return complete(peer, wsi);
    }
    lws_callback_on_writable(wsi);
    return 0;
}
