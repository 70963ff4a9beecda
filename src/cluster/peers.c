// The table of peers, their way up and down, and who is attached to them.

#include "peers.h"
#include "flags.h"
#include "peers_inside.h"
#include <string.h>

enum { PEERS_MAX = 65534 }; // the upper half of a connection's number, which is not 0

static struct kl_lock table_lock; // guards additions
static struct kl_hash by_name; // guarded by it
static struct kl_peer **table; // atomic; PEERS_MAX of them
static uint32_t count; // atomic
static uint64_t tickets; // atomic

static struct kl_peer *make(keel_term name)
{
    if (table == NULL) {
        struct kl_peer **fresh = kl_alloc_pages(PEERS_MAX * sizeof *fresh);
        if (fresh == NULL) {
            return NULL;
        }
        kl_store_release(&table, fresh); // pairs with the acquire in kl_peer_at
    }
    struct kl_peer *peer = count >= PEERS_MAX ? NULL : kl_alloc_zero(sizeof *peer);
    if (peer == NULL || !kl_hash_put(&by_name, name.word, peer)) {
        kl_free(peer, sizeof *peer);
        return NULL;
    }
    peer->name = name;
    peer->index = count;
    peer->out_tail = &peer->out;
    peer->waiting_tail = &peer->waiting;
    uint64_t caller = kl_caller_of_locked(name);
    peer->called = caller != 0 && kl_peer_begin_locked(peer, caller);
    table[count] = peer;
    kl_store_release(&count, count + 1); // pairs with the acquire in kl_peer_at
    return peer;
}

void kl_peer_table_lock(void)
{
    kl_lock_take(&table_lock);
}

void kl_peer_table_unlock(void)
{
    kl_lock_give(&table_lock);
}

struct kl_peer *kl_peer_find_locked(keel_term name)
{
    return kl_hash_get(&by_name, name.word);
}

struct kl_peer *kl_peer_of(keel_term name)
{
    kl_lock_take(&table_lock);
    struct kl_peer *peer = kl_hash_get(&by_name, name.word);
    if (peer == NULL) {
        peer = make(name);
    }
    kl_lock_give(&table_lock);
    return peer;
}

struct kl_peer *kl_peer_known(keel_term name)
{
    kl_lock_take(&table_lock);
    struct kl_peer *peer = kl_hash_get(&by_name, name.word);
    kl_lock_give(&table_lock);
    return peer;
}

struct kl_peer *kl_peer_at(uint32_t index)
{
    return index < kl_load_acquire(&count) ? kl_load_acquire(&table)[index] : NULL;
}

struct kl_peer *kl_peer_on(uint32_t connection)
{
    return connection >> 16 == 0 ? NULL : kl_peer_at((connection >> 16) - 1);
}

uint64_t kl_peer_ticket(void)
{
    return kl_add_relaxed(&tickets, 1) + 1;
}

// --- attached processes: the hash holds counts where it is meant to hold pointers ---

bool kl_peer_attach_locked(struct kl_peer *peer, keel_pid pid)
{
    uintptr_t times = (uintptr_t)kl_hash_get(&peer->attached, pid.word);
    return kl_hash_put(&peer->attached, pid.word, (void *)(times + 1));
}

bool kl_peer_attach(struct kl_peer *peer, uint32_t connection, keel_pid pid)
{
    kl_lock_take(&peer->lock);
    bool attached = peer->state != KL_PEER_DOWN && kl_peer_connection(peer) == connection &&
                    kl_peer_attach_locked(peer, pid);
    kl_lock_give(&peer->lock);
    return attached;
}

void kl_peer_detach(struct kl_peer *peer, uint32_t connection, keel_pid pid)
{
    kl_lock_take(&peer->lock);
    if (peer->state != KL_PEER_DOWN && kl_peer_connection(peer) == connection &&
            pid.word != 0) {
        uintptr_t times = (uintptr_t)kl_hash_get(&peer->attached, pid.word);
        bool put = times > 1 && kl_hash_put(&peer->attached, pid.word, (void *)(times - 1));
        if (times == 1 || (times > 1 && !put)) {
            kl_hash_remove(&peer->attached, pid.word);
        }
    }
    kl_lock_give(&peer->lock);
}

// --- watched by name ---

struct kl_named {
    struct kl_named *next; // of the same hash
    keel_pid pid;
    struct kl_remote_ref ref;
};

static bool is_ref(const struct kl_named *named, const struct kl_remote_ref *ref)
{
    return named->ref.node.word == ref->node.word && named->ref.creation == ref->creation &&
           named->ref.count == ref->count &&
           memcmp(named->ref.word, ref->word, ref->count * sizeof ref->word[0]) == 0;
}

static uint64_t ref_key(keel_term ref)
{
    return keel_hash(ref) | 1;
}

bool kl_peer_named_put(
        struct kl_peer *peer, uint32_t connection, keel_term ref, keel_pid pid)
{
    struct kl_named *named = kl_pool_alloc(sizeof *named);
    if (named == NULL) {
        return false;
    }
    *named = (struct kl_named){.pid = pid};
    kl_lock_take(&peer->lock);
    bool put = peer->state == KL_PEER_UP && kl_peer_connection(peer) == connection &&
               kl_ref_remote(keel_to_ref(ref), &named->ref);
    if (put) {
        named->next = kl_hash_get(&peer->named, ref_key(ref));
        put = kl_hash_put(&peer->named, ref_key(ref), named);
    }
    kl_lock_give(&peer->lock);
    if (!put) {
        kl_pool_free(named, sizeof *named);
    }
    return put;
}

keel_pid kl_peer_named_take(struct kl_peer *peer, keel_term ref)
{
    struct kl_remote_ref wanted;
    keel_pid pid = {0};
    if (!kl_ref_remote(keel_to_ref(ref), &wanted)) {
        return pid;
    }
    kl_lock_take(&peer->lock);
    struct kl_named *first = kl_hash_get(&peer->named, ref_key(ref));
    struct kl_named **link = &first;
    while (*link != NULL && !is_ref(*link, &wanted)) {
        link = &(*link)->next;
    }
    struct kl_named *found = *link;
    if (found != NULL) {
        *link = found->next;
        if (first == NULL) {
            kl_hash_remove(&peer->named, ref_key(ref));
        } else {
            bool put = kl_hash_put(&peer->named, ref_key(ref), first); // there already
            (void)put;
        }
        pid = found->pid;
    }
    kl_lock_give(&peer->lock);
    kl_pool_free(found, sizeof *found);
    return pid;
}

static void free_named(struct kl_hash *named)
{
    struct kl_hash_cursor at = {0};
    while (kl_hash_each(named, &at)) {
        for (struct kl_named *next = at.value; next != NULL;) {
            struct kl_named *gone = next;
            next = next->next;
            kl_pool_free(gone, sizeof *gone);
        }
    }
    kl_hash_done(named);
}

// --- those who wait ---

bool kl_peer_await_locked(struct kl_peer *peer)
{
    keel_pid self = keel_self();
    for (struct kl_awaiting *at = peer->awaiting; at != NULL; at = at->next) {
        if (at->pid.word == self.word) {
            return true;
        }
    }
    struct kl_awaiting *awaiting = kl_pool_alloc(sizeof *awaiting);
    if (awaiting == NULL) {
        return false;
    }
    *awaiting = (struct kl_awaiting){.pid = self, .next = peer->awaiting};
    peer->awaiting = awaiting;
    return true;
}

bool kl_peer_await_outside_locked(struct kl_peer *peer, uint32_t *done)
{
    struct kl_awaiting *awaiting = kl_pool_alloc(sizeof *awaiting);
    if (awaiting == NULL) {
        return false;
    }
    *awaiting = (struct kl_awaiting){.next = peer->awaiting, .done = done};
    peer->awaiting = awaiting;
    return true;
}

void kl_peer_unawait_outside(struct kl_peer *peer, const uint32_t *done)
{
    kl_lock_take(&peer->lock);
    struct kl_awaiting **link = &peer->awaiting;
    while (*link != NULL && (*link)->done != done) {
        link = &(*link)->next;
    }
    struct kl_awaiting *gone = *link;
    if (gone != NULL) {
        *link = gone->next;
    }
    kl_lock_give(&peer->lock);
    kl_pool_free(gone, sizeof *gone);
}

static void wake_one(const struct kl_awaiting *awaiting)
{
    if (awaiting->done == NULL) {
        kl_wake(awaiting->pid);
        return;
    }
    uint32_t *done = awaiting->done;
    kl_store_release(done, 1); // pairs with the acquire in kl_runtime_await
    kl_futex_wake(done, 1); // its stack may be gone: nobody waits there then
}

void kl_peer_wake_all(struct kl_awaiting *awaiting)
{
    while (awaiting != NULL) {
        struct kl_awaiting *gone = awaiting;
        awaiting = awaiting->next;
        wake_one(gone);
        kl_pool_free(gone, sizeof *gone);
    }
}

// --- the way up and down ---

bool kl_peer_begin_locked(struct kl_peer *peer, uint64_t ticket)
{
    if (peer->state != KL_PEER_DOWN) {
        peer->wanted = true;
        return false;
    }
    peer->state = KL_PEER_CONNECTING;
    peer->called = peer->wanted = false;
    peer->epoch++;
    peer->ticket = ticket;
    return true;
}

bool kl_peer_begin(struct kl_peer *peer, uint64_t ticket)
{
    kl_lock_take(&peer->lock);
    bool begun = kl_peer_begin_locked(peer, ticket);
    kl_lock_give(&peer->lock);
    return begun;
}

bool kl_peer_overtake(struct kl_peer *peer, uint64_t ticket)
{
    kl_lock_take(&peer->lock);
    bool overtaken = peer->state == KL_PEER_CONNECTING;
    struct kl_awaiting *awaiting = NULL;
    if (overtaken) {
        peer->ticket = ticket;
        awaiting = peer->awaiting;
        peer->awaiting = NULL;
    }
    kl_lock_give(&peer->lock);
    kl_peer_wake_all(awaiting);
    return overtaken;
}

bool kl_peer_has_ticket(struct kl_peer *peer, uint64_t ticket)
{
    kl_lock_take(&peer->lock);
    bool has = peer->ticket == ticket;
    kl_lock_give(&peer->lock);
    return has;
}

struct overtaking {
    struct kl_peer *peer;
    uint64_t ticket;
};

static bool is_overtaken(void *context)
{
    const struct overtaking *overtaking = context;
    struct kl_peer *peer = overtaking->peer;
    kl_lock_take(&peer->lock);
    bool overtaken = peer->ticket != overtaking->ticket || !kl_peer_await_locked(peer);
    kl_lock_give(&peer->lock);
    return overtaken;
}

bool kl_peer_await_overtaken(struct kl_peer *peer, uint64_t ticket, int64_t deadline)
{
    struct overtaking overtaking = {peer, ticket};
    return kl_wait_until(is_overtaken, &overtaking, deadline);
}

keel_pid kl_peer_reader(struct kl_peer *peer)
{
    kl_lock_take(&peer->lock);
    keel_pid reader = peer->state == KL_PEER_UP ? peer->reader : (keel_pid){0};
    kl_lock_give(&peer->lock);
    return reader;
}

void kl_peer_abandon(struct kl_peer *peer)
{
    for (uint64_t ticket = 1; ticket != 0;) {
        kl_lock_take(&peer->lock);
        ticket = peer->ticket; // none: it is DOWN
        peer->successor = 0;
        kl_lock_give(&peer->lock);
        if (ticket != 0 && kl_peer_lost(peer, ticket)) {
            kl_peer_left(peer);
        }
    }
}

void kl_peer_left(struct kl_peer *peer)
{
    kl_lock_take(&peer->lock);
    struct kl_awaiting *awaiting = peer->awaiting;
    peer->awaiting = NULL;
    peer->leaving = false;
    kl_lock_give(&peer->lock);
    kl_peer_wake_all(awaiting);
}

static bool has_left(void *context)
{
    struct kl_peer *peer = context;
    kl_lock_take(&peer->lock);
    bool left = !peer->leaving || !kl_peer_await_locked(peer);
    kl_lock_give(&peer->lock);
    return left;
}

void kl_peer_await_left(struct kl_peer *peer)
{
    bool left = kl_wait_until(has_left, peer, KEEL_IN(KEEL_SECONDS(5)).at);
    (void)left; // whoever should have told is stuck: the news must go on
}

bool kl_peer_up(struct kl_peer *peer, const struct kl_peer_link *link)
{
    kl_lock_take(&peer->lock);
    kl_peer_begin_locked(peer, link->ticket);
    if (peer->state != KL_PEER_CONNECTING || peer->ticket != link->ticket) {
        kl_lock_give(&peer->lock);
        return false;
    }
    // What waits is encoded outside the lock; more may come to wait meanwhile.
    while (peer->waiting != NULL) {
        struct kl_waiting_out *waiting = peer->waiting;
        peer->waiting = NULL;
        peer->waiting_tail = &peer->waiting;
        kl_lock_give(&peer->lock);
        size_t waited = 0;
        struct kl_out *encoded = kl_peer_encode_waiting(waiting, link->agreed, &waited);
        kl_lock_take(&peer->lock);
        peer->queued -= waited;
        kl_peer_append_locked(peer, encoded);
        if (peer->ticket != link->ticket || peer->state != KL_PEER_CONNECTING) {
            kl_lock_give(&peer->lock);
            return false;
        }
    }
    peer->state = KL_PEER_UP;
    peer->agreed = link->agreed;
    peer->creation = link->creation;
    peer->hidden = link->hidden;
    peer->form = KL_PEER_FORM_UNKNOWN;
    peer->reader = link->reader;
    peer->writer = link->writer;
    peer->writer_idle = false;
    struct kl_awaiting *awaiting = peer->awaiting;
    peer->awaiting = NULL;
    kl_lock_give(&peer->lock);
    kl_peer_wake_all(awaiting);
    kl_wake(link->writer);
    return true;
}

bool kl_peer_lost(struct kl_peer *peer, uint64_t ticket)
{
    kl_lock_take(&peer->lock);
    if (peer->state == KL_PEER_DOWN || peer->ticket != ticket) {
        kl_lock_give(&peer->lock);
        return false;
    }
    struct kl_peer gone = {.out = peer->out,
            .waiting = peer->waiting,
            .awaiting = peer->awaiting,
            .attached = peer->attached,
            .named = peer->named,
            .writer = peer->writer};
    uint32_t connection = kl_peer_connection(peer);
    peer->leaving = true;
    peer->state = KL_PEER_DOWN;
    peer->ticket = 0;
    peer->reader = peer->writer = (keel_pid){0};
    peer->out = NULL;
    peer->out_tail = &peer->out;
    peer->waiting = NULL;
    peer->waiting_tail = &peer->waiting;
    peer->queued = 0;
    peer->awaiting = NULL;
    kl_hash_init(&peer->attached);
    kl_hash_init(&peer->named);
    if (peer->successor != 0) { // it calls already: we do not dial it as well
        kl_peer_begin_locked(peer, peer->successor);
        peer->called = true;
        peer->successor = 0;
    }
    kl_lock_give(&peer->lock);

    kl_peer_drop_out(gone.out);
    kl_peer_drop_waiting(gone.waiting);
    free_named(&gone.named);
    struct kl_hash_cursor at = {0};
    while (kl_hash_each(&gone.attached, &at)) {
        kl_remote_lost(connection, (keel_pid){at.key});
    }
    kl_hash_done(&gone.attached);
    kl_peer_wake_all(gone.awaiting);
    kl_wake(gone.writer);
    return true;
}

bool kl_peer_is_full(struct kl_peer *peer)
{
    kl_lock_take(&peer->lock);
    bool full = peer->state == KL_PEER_UP &&
                (peer->agreed & KL_FLAG_DIST_MONITOR_NAME) != 0;
    kl_lock_give(&peer->lock);
    return full;
}

// --- what the node's release means ---

bool kl_peer_form_set(struct kl_peer *peer, uint32_t connection, enum kl_peer_form form)
{
    kl_lock_take(&peer->lock);
    struct kl_awaiting *awaiting = NULL;
    bool same = peer->state == KL_PEER_UP && kl_peer_connection(peer) == connection;
    if (same) {
        peer->form = (uint8_t)form;
        awaiting = peer->awaiting;
        peer->awaiting = NULL;
    }
    kl_lock_give(&peer->lock);
    kl_peer_wake_all(awaiting);
    return same;
}

static bool has_form(void *context)
{
    struct kl_peer *peer = context;
    kl_lock_take(&peer->lock);
    bool ready = peer->state != KL_PEER_UP || peer->form != KL_PEER_FORM_UNKNOWN ||
                 !kl_peer_await_locked(peer);
    kl_lock_give(&peer->lock);
    return ready;
}

enum kl_peer_form kl_peer_form_await(struct kl_peer *peer)
{
    bool ready = kl_wait_until(has_form, peer, KEEL_IN(KEEL_SECONDS(1)).at);
    kl_lock_take(&peer->lock);
    enum kl_peer_form form = ready && peer->state == KL_PEER_UP
                                     ? (enum kl_peer_form)peer->form
                                     : KL_PEER_FORM_UNKNOWN;
    kl_lock_give(&peer->lock);
    return form;
}
