#include "peer.h"

#include <keel/process.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

struct kl_web *kl_web_ref(struct kl_web *web)
{
    // Relaxed: who takes a reference has one.
    __atomic_fetch_add(&web->refs, 1, __ATOMIC_RELAXED);
    return web;
}

void kl_web_unref(struct kl_web *web)
{
    // Release and acquire pair with each other: the last one sees what the others wrote.
    if (web == NULL || __atomic_fetch_sub(&web->refs, 1, __ATOMIC_ACQ_REL) != 1) {
        return;
    }
    free(web->address);
    free(web->hosts);
    free(web->token);
    free(web->secret);
    pthread_mutex_destroy(&web->lock);
    free(web);
}

void kl_web_wake(struct kl_web *web)
{
    pthread_mutex_lock(&web->lock);
    if (web->context != NULL) {
        lws_cancel_service(web->context);
    }
    pthread_mutex_unlock(&web->lock);
}

void kl_web_stop(struct kl_web *web)
{
    pthread_mutex_lock(&web->lock); // or the loop may be about to tell somebody something
    __atomic_store_n(&web->stopping, true, __ATOMIC_RELEASE); // pairs with the loop's load
    pthread_mutex_unlock(&web->lock);
    kl_web_wake(web);
}

// --- peers ---

struct kl_web_peer *kl_web_peer_new(struct kl_web *web)
{
    struct kl_web_peer *peer = calloc(1, sizeof(*peer));
    if (peer != NULL) {
        peer->refs = 1;
        peer->web = kl_web_ref(web);
    }
    return peer;
}

struct kl_web_peer *kl_web_peer_ref(struct kl_web_peer *peer)
{
    __atomic_fetch_add(&peer->refs, 1, __ATOMIC_RELAXED); // as kl_web_ref
    return peer;
}

void kl_web_peer_unref(struct kl_web_peer *peer)
{
    // As kl_web_unref.
    if (peer == NULL || __atomic_fetch_sub(&peer->refs, 1, __ATOMIC_ACQ_REL) != 1) {
        return;
    }
    free(peer->method);
    free(peer->path);
    for (int header = 0; header < KL_HEADERS; header++) {
        free(peer->headers[header]);
    }
    free(peer->query);
    free(peer->body);
    free(peer->answer.headers);
    free(peer->answer.owned);
    free(peer->push);
    kl_web_unref(peer->web);
    free(peer);
}

static void unref_resource(void *peer)
{
    kl_web_peer_unref(peer);
}

keel_term kl_web_peer_term(struct kl_web_peer *peer)
{
    keel_term term = keel_resource("web_peer", kl_web_peer_ref(peer), unref_resource);
    if (keel_is_none(term)) {
        kl_web_peer_unref(peer);
    }
    return term;
}

struct kl_web_peer *kl_web_peer_of_term(keel_term term)
{
    return keel_to_pointer(term, "web_peer");
}

// --- the outbox ---

// Under the lock. True when the loop has to be woken.
static bool put_into_outbox(struct kl_web_peer *peer)
{
    struct kl_web *web = peer->web;
    if (peer->queued || web->context == NULL) {
        return false;
    }
    bool was_empty = web->outbox == NULL;
    peer->queued = true;
    peer->next = NULL;
    *web->outbox_end = kl_web_peer_ref(peer);
    web->outbox_end = &peer->next;
    return was_empty;
}

// Ends a change that was made under the lock.
static void hand_to_loop(struct kl_web_peer *peer)
{
    struct kl_web *web = peer->web;
    if (put_into_outbox(peer)) {
        lws_cancel_service(web->context);
    }
    pthread_mutex_unlock(&web->lock);
}

struct kl_web_peer *kl_web_take_outbox(struct kl_web *web)
{
    pthread_mutex_lock(&web->lock);
    struct kl_web_peer *first = web->outbox;
    web->outbox = NULL;
    web->outbox_end = &web->outbox;
    pthread_mutex_unlock(&web->lock);
    return first;
}

void kl_web_peer_answer(struct kl_web_peer *peer, const struct kl_answer *answer)
{
    pthread_mutex_lock(&peer->web->lock);
    if (peer->answered) {
        pthread_mutex_unlock(&peer->web->lock);
        free(answer->headers);
        free(answer->owned);
        return;
    }
    peer->answered = true;
    peer->answer = *answer;
    hand_to_loop(peer);
}

bool kl_web_peer_push(struct kl_web_peer *peer, const char *text, size_t size)
{
    // libwebsockets writes its frame in front of what it sends.
    char *copy = malloc(LWS_PRE + size);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy + LWS_PRE, text, size);
    pthread_mutex_lock(&peer->web->lock);
    if (peer->gone || peer->push != NULL) {
        bool gone = peer->gone;
        pthread_mutex_unlock(&peer->web->lock);
        free(copy);
        return !gone;
    }
    peer->push = copy;
    peer->push_size = size;
    hand_to_loop(peer);
    return true;
}

void kl_web_peer_resume(struct kl_web_peer *peer)
{
    pthread_mutex_lock(&peer->web->lock);
    peer->resume = true;
    hand_to_loop(peer);
}

void kl_web_peer_close(struct kl_web_peer *peer)
{
    pthread_mutex_lock(&peer->web->lock);
    peer->close = true;
    hand_to_loop(peer);
}

bool kl_web_peer_attach(struct kl_web_peer *peer, keel_pid page)
{
    pthread_mutex_lock(&peer->web->lock);
    bool here = !peer->gone;
    peer->page = page;
    pthread_mutex_unlock(&peer->web->lock);
    return here;
}
