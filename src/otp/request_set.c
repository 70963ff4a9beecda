// Collections of requests under way, found by reference at once.

#include "base/base.h"
#include "copy.h"
#include <keel/request.h>

struct entry {
    struct kl_link order;
    struct entry *next; // with the same hash
    uint64_t hash;
    keel_request request; // its terms are kept
    keel_term label; // kept
};

struct keel_requests {
    struct kl_link order; // ring of entries, as they were added
    struct kl_hash by_ref; // not memory of the process: see keel_defer
    size_t count;
};

static void release(void *requests);
static struct entry *find(const keel_requests *requests, keel_term ref);
static struct entry *find_for(const keel_requests *requests, keel_term message);
static void remove_entry(keel_requests *requests, struct entry *entry);
static keel_status take(keel_requests *requests, keel_term message, bool remove,
        keel_response *ret_response);

keel_requests *keel_requests_new(void)
{
    keel_requests *requests = keel_alloc(sizeof *requests);
    if (requests != NULL) {
        kl_ring_init(&requests->order);
        kl_hash_init(&requests->by_ref);
        keel_defer(release, requests);
    }
    return requests;
}

static void release(void *context)
{
    kl_hash_done(&((keel_requests *)context)->by_ref);
}

void keel_requests_free(keel_requests *requests)
{
    if (requests == NULL) {
        return;
    }
    while (!kl_ring_empty(&requests->order)) {
        remove_entry(requests, KL_CONTAINER(requests->order.next, struct entry, order));
    }
    keel_undefer(release, requests);
    release(requests);
    keel_free(requests);
}

size_t keel_requests_size(const keel_requests *requests)
{
    return requests == NULL ? 0 : requests->count;
}

keel_status keel_requests_add(
        keel_requests *requests, keel_request request, keel_term label)
{
    keel_term ref = keel_from_ref(request.ref);
    if (requests == NULL || !keel_is_ref(ref) || request.owner.word != keel_self().word ||
            find(requests, ref) != NULL) {
        return KEEL_E_BADARG;
    }
    struct entry *entry = keel_alloc(sizeof *entry);
    entry->hash = keel_hash(ref);
    entry->next = kl_hash_get(&requests->by_ref, entry->hash);
    if (!kl_hash_put(&requests->by_ref, entry->hash, entry)) {
        keel_free(entry);
        return KEEL_E_NOMEM;
    }
    entry->request = request;
    entry->request.ref = keel_to_ref(keel_keep(ref));
    entry->request.server = keel_keep(request.server);
    entry->label = keel_keep(keel_is_none(label) ? keel_atom(undefined) : label);
    kl_ring_append(&requests->order, &entry->order);
    requests->count++;
    return KEEL_OK;
}

keel_term keel_requests_list(const keel_requests *requests)
{
    keel_term list = keel_nil();
    if (requests == NULL) {
        return list;
    }
    for (struct kl_link *link = requests->order.prev; link != &requests->order;
            link = link->prev) {
        struct entry *entry = KL_CONTAINER(link, struct entry, order);
        list = keel_cons(
                keel_tuple_of(keel_from_ref(entry->request.ref), entry->label), list);
    }
    return list;
}

static bool is_response(keel_term message, void *context)
{
    return find_for(context, message) != NULL;
}

keel_status keel_requests_wait(keel_requests *requests, keel_deadline deadline, bool remove,
        keel_response *ret_response)
{
    if (keel_requests_size(requests) == 0 || ret_response == NULL) {
        return KEEL_E_BADARG;
    }
    keel_term message = KEEL_NONE;
    keel_status status = keel_receive_where(is_response, requests, deadline, &message);
    return status == KEEL_OK ? take(requests, message, remove, ret_response) : status;
}

keel_status keel_requests_receive(keel_requests *requests, keel_deadline deadline,
        bool remove, keel_response *ret_response)
{
    keel_status status = keel_requests_wait(requests, deadline, remove, ret_response);
    if (status == KEEL_E_TIMEOUT) {
        for (struct kl_link *link = requests->order.next; link != &requests->order;
                link = link->next) {
            keel_gen_abandon(KL_CONTAINER(link, struct entry, order)->request.ref);
        }
    }
    return status;
}

keel_status keel_requests_check(keel_requests *requests, keel_term message, bool remove,
        keel_response *ret_response)
{
    return keel_requests_size(requests) == 0 || ret_response == NULL
                   ? KEEL_E_BADARG
                   : take(requests, message, remove, ret_response);
}

static struct entry *find(const keel_requests *requests, keel_term ref)
{
    struct entry *entry = kl_hash_get(&requests->by_ref, keel_hash(ref));
    while (entry != NULL && !keel_equal(keel_from_ref(entry->request.ref), ref)) {
        entry = entry->next;
    }
    return entry;
}

// The request a message may answer: {Ref, _}, {[alias | Ref], _}, {'DOWN', Ref, …}.
static struct entry *find_for(const keel_requests *requests, keel_term message)
{
    keel_term ref = keel_element(message, keel_tuple_size(message) == 5 ? 1 : 0);
    if (keel_is_list(ref) && !keel_is_nil(ref)) {
        ref = keel_tail(ref);
    }
    struct entry *entry = keel_is_ref(ref) ? find(requests, ref) : NULL;
    keel_term reply;
    bool answers = entry != NULL && keel_gen_check_response(message, entry->request.ref,
                                            &reply) != KEEL_E_NOPROC;
    return answers ? entry : NULL;
}

// The terms of the response outlive the entry: they lie in the message, or are copied.
static keel_status take(keel_requests *requests, keel_term message, bool remove,
        keel_response *ret_response)
{
    struct entry *entry = find_for(requests, message);
    if (entry == NULL) {
        return KEEL_E_NOPROC;
    }
    keel_response response = {.request = entry->request};
    response.status = keel_gen_check_response(message, entry->request.ref, &response.reply);
    if (remove) {
        keel_term copy = kl_copy_here(keel_tuple_of(
                entry->label, entry->request.server, keel_from_ref(entry->request.ref)));
        response.label = keel_element(copy, 0);
        response.request.server = keel_element(copy, 1);
        response.request.ref = keel_to_ref(keel_element(copy, 2));
        remove_entry(requests, entry);
    } else {
        response.label = entry->label;
    }
    *ret_response = response;
    return KEEL_OK;
}

static void remove_entry(keel_requests *requests, struct entry *entry)
{
    struct entry *first = kl_hash_get(&requests->by_ref, entry->hash);
    if (first == entry && entry->next == NULL) {
        kl_hash_remove(&requests->by_ref, entry->hash);
    } else if (first == entry) {
        (void)kl_hash_put(&requests->by_ref, entry->hash, entry->next);
    } else {
        while (first->next != entry) {
            first = first->next;
        }
        first->next = entry->next;
    }
    kl_ring_remove(&entry->order);
    requests->count--;
    keel_drop(keel_from_ref(entry->request.ref));
    keel_drop(entry->request.server);
    keel_drop(entry->label);
    keel_free(entry);
}
