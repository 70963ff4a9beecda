#include "loop.h"
#include "route.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool admits_host(struct kl_web_peer *peer);
static bool admits_token(struct kl_web_peer *peer);
static bool admits_origin(struct kl_web_peer *peer);

bool kl_gate_admits(struct kl_web_peer *peer)
{
    return admits_host(peer) && admits_token(peer) && admits_origin(peer);
}

bool kl_gate_admits_page(struct kl_web_peer *peer)
{
    const char *origin = peer->headers[KL_ORIGIN];
    const char *csrf = kl_web_peer_query(peer, "csrf");
    const char *path = kl_web_peer_query(peer, "path");
    if (!kl_gate_admits(peer)) {
        return false;
    }
    // Browsers always tell where a WebSocket comes from.
    if (origin == NULL || !kl_guard_same_origin(origin, peer->headers[KL_HOST])) {
        kl_loop_fail(peer, 403, "Origin: not from here");
        return false;
    }
    char digest[KL_DIGEST_SIZE];
    kl_guard_digest(peer->web->secret, "csrf", peer->session, digest);
    if (peer->new_session || csrf == NULL || !kl_guard_same(csrf, digest)) {
        kl_loop_fail(peer, 403, "csrf: not ours, or from before a restart");
        return false;
    }
    bool known;
    peer->route = path != NULL ? kl_route_find(peer->web->endpoint, "GET", path, &known)
                               : NULL;
    if (peer->route == NULL || peer->route->view == NULL) {
        kl_loop_fail(peer, 404, "there is no such page");
        return false;
    }
    return true;
}

// A name that leads here but is not ours belongs to somebody who wants a browser to believe
// that we are theirs.
static bool admits_host(struct kl_web_peer *peer)
{
    const struct kl_web *web = peer->web;
    const char *host = peer->headers[KL_HOST];
    if (host == NULL) {
        kl_loop_fail(peer, 400, "Host: missing");
        return false;
    }
    if (web->token != NULL && web->hosts == NULL) {
        return true;
    }
    if (!kl_guard_host_allowed(host, web->address, web->hosts)) {
        kl_loop_fail(peer, 403, "Host: not one of ours");
        return false;
    }
    return true;
}

// Who opens an address with the right token gets a cookie, and the address without it.
static void let_in(struct kl_web_peer *peer)
{
    struct kl_answer answer = {.status = 303, .content_type = "text/plain"};
    char cookie[256];
    snprintf(cookie, sizeof(cookie), "keel_access=%s; Path=/; HttpOnly; SameSite=Lax",
            peer->web->access);
    kl_answer_header(&answer, "set-cookie", cookie);
    kl_answer_header(&answer, "location", peer->path);
    kl_web_peer_answer(peer, &answer);
}

static bool admits_token(struct kl_web_peer *peer)
{
    const struct kl_web *web = peer->web;
    if (web->token == NULL) {
        return true;
    }
    char cookie[KL_DIGEST_SIZE];
    if (kl_guard_cookie(peer->headers[KL_COOKIE], "keel_access", cookie, sizeof(cookie)) &&
            kl_guard_same(cookie, web->access)) {
        return true;
    }
    const char *authorization = peer->headers[KL_AUTHORIZATION];
    if (authorization != NULL && strncasecmp(authorization, "Bearer ", 7) == 0 &&
            kl_guard_same(authorization + 7, web->token)) {
        return true;
    }
    const char *shown = kl_web_peer_query(peer, "token");
    if (shown != NULL && kl_guard_same(shown, web->token) &&
            strcmp(peer->method, "GET") == 0 && strncmp(peer->path, "//", 2) != 0) {
        let_in(peer);
    } else {
        kl_loop_fail(peer, 401, "token: open this address with ?token=... once");
    }
    return false;
}

// What changes something must not come from another site's page. Programs send neither
// header.
static bool admits_origin(struct kl_web_peer *peer)
{
    const char *origin = peer->headers[KL_ORIGIN], *site = peer->headers[KL_FETCH_SITE];
    if (strcmp(peer->method, "GET") == 0 || peer->is_head) {
        return true;
    }
    if ((origin != NULL && !kl_guard_same_origin(origin, peer->headers[KL_HOST])) ||
            (site != NULL && strcmp(site, "same-origin") != 0 &&
                    strcmp(site, "none") != 0)) {
        kl_loop_fail(peer, 403, "Origin: not from here");
        return false;
    }
    return true;
}
