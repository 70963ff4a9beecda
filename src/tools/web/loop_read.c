#include "loop.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

// Longest query: libwebsockets bounds all headers together at 8 KiB.
#define QUERY_MAX 8192

static char *copy_token(struct lws *wsi, enum lws_token_indexes token)
{
    int length = lws_hdr_total_length(wsi, token);
    if (length <= 0) {
        return NULL;
    }
    char *copy = malloc((size_t)length + 1);
    if (copy != NULL && lws_hdr_copy(wsi, copy, length + 1, token) < 0) {
        free(copy);
        return NULL;
    }
    return copy;
}

static char *copy_custom(struct lws *wsi, const char *name)
{
    int length = lws_hdr_custom_length(wsi, name, (int)strlen(name));
    char *copy = length > 0 ? malloc((size_t)length + 1) : NULL;
    if (copy != NULL &&
            lws_hdr_custom_copy(wsi, copy, length + 1, name, (int)strlen(name)) < 0) {
        free(copy);
        return NULL;
    }
    return copy;
}

// The query arrives decoded, a fragment a field; joined by & it could not be told apart.
static void copy_query(struct kl_web_peer *peer, struct lws *wsi)
{
    char buffer[QUERY_MAX];
    size_t size = 0;
    for (int index = 0; size + 1 < sizeof(buffer); index++) {
        int length = lws_hdr_copy_fragment(wsi, buffer + size, (int)(sizeof(buffer) - size),
                WSI_TOKEN_HTTP_URI_ARGS, index);
        if (length < 0) {
            break;
        }
        size += (size_t)length;
        buffer[size++] = '\0';
    }
    peer->query = size > 0 ? malloc(size) : NULL;
    if (peer->query != NULL) {
        memcpy(peer->query, buffer, size);
        peer->query_size = size;
    }
}

static bool copy_method_and_path(struct kl_web_peer *peer, struct lws *wsi)
{
    static const char *const methods[] = {
            "GET", "POST", "OPTIONS", "PUT", "PATCH", "DELETE", "CONNECT", "HEAD"};
    char *path;
    int path_size;
    int method = lws_http_get_uri_and_method(wsi, &path, &path_size);
    if (method < 0 || method >= (int)(sizeof(methods) / sizeof(methods[0]))) {
        return false;
    }
    peer->method = strdup(methods[method]);
    peer->path = strndup(path, (size_t)path_size);
    peer->is_head = strcmp(methods[method], "HEAD") == 0;
    return peer->method != NULL && peer->path != NULL;
}

static void read_session(struct kl_web_peer *peer)
{
    if (!kl_guard_cookie(peer->headers[KL_COOKIE], "keel_session", peer->session,
                sizeof(peer->session)) ||
            !kl_guard_is_session(peer->session)) {
        peer->new_session = kl_guard_random(peer->session, sizeof(peer->session));
    }
}

struct kl_web_peer *kl_loop_read(struct kl_connection *connection, struct lws *wsi)
{
    struct kl_web_peer *peer = kl_web_peer_new(connection->web);
    if (peer == NULL || !copy_method_and_path(peer, wsi)) {
        kl_web_peer_unref(peer);
        return NULL;
    }
    peer->wsi = wsi;
    peer->headers[KL_HOST] = copy_token(wsi, WSI_TOKEN_HOST);
    peer->headers[KL_ORIGIN] = copy_token(wsi, WSI_TOKEN_ORIGIN);
    peer->headers[KL_COOKIE] = copy_token(wsi, WSI_TOKEN_HTTP_COOKIE);
    peer->headers[KL_CONTENT_TYPE] = copy_token(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
    peer->headers[KL_ACCEPT] = copy_token(wsi, WSI_TOKEN_HTTP_ACCEPT);
    peer->headers[KL_AUTHORIZATION] = copy_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
    peer->headers[KL_USER_AGENT] = copy_token(wsi, WSI_TOKEN_HTTP_USER_AGENT);
    peer->headers[KL_FETCH_SITE] = copy_custom(wsi, "sec-fetch-site:");
    copy_query(peer, wsi);
    read_session(peer);
    return peer;
}

const char *kl_web_peer_query(const struct kl_web_peer *peer, const char *name)
{
    size_t name_size = strlen(name);
    const char *at = peer->query;
    const char *end = at != NULL ? at + peer->query_size : NULL;
    while (at != NULL && at < end) {
        if (strncmp(at, name, name_size) == 0 && at[name_size] == '=') {
            return at + name_size + 1;
        }
        at += strlen(at) + 1;
    }
    return NULL;
}
