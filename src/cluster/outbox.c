// What waits to be sent to a peer: put in by senders, taken out by the connection's writer.

#include "node.h"
#include "peers_inside.h"
#include <string.h>

// --- encoding ---

// One control message as it goes over the wire; NULL and the reason in `ret_why`.
static struct kl_out *encode(
        const struct kl_control *control, uint64_t agreed, keel_status *ret_why)
{
    struct kl_control_plan plan;
    struct kl_etf_measure payload = {0};
    *ret_why = kl_control_plan(control, agreed, &plan);
    bool follows = *ret_why == KEEL_OK && !keel_is_none(plan.content);
    if (follows) {
        *ret_why = kl_control_measure(control, &payload);
    }
    if (*ret_why != KEEL_OK) {
        return NULL;
    }
    struct kl_out *out = kl_pool_alloc(sizeof *out + plan.bytes + payload.bytes);
    if (out == NULL) {
        *ret_why = KEEL_E_NOMEM;
        return NULL;
    }
    *out = (struct kl_out){.control_size = plan.bytes, .payload_size = payload.bytes};
    *ret_why = kl_control_write(out->bytes, &plan);
    if (*ret_why == KEEL_OK && follows) {
        *ret_why = kl_etf_encode_into(out->bytes + plan.bytes, plan.content, &payload);
    }
    if (*ret_why != KEEL_OK) {
        kl_out_free(out);
        return NULL;
    }
    return out;
}

void kl_out_free(struct kl_out *out)
{
    if (out != NULL) {
        kl_pool_free(out, kl_out_bytes(out));
    }
}

void kl_peer_drop_out(struct kl_out *list)
{
    while (list != NULL) {
        struct kl_out *gone = list;
        list = list->next;
        kl_out_free(gone);
    }
}

// --- what waits for a connection is kept as terms ---

// A tuple of numbers and of those terms that a control message has; which these are tells
// the last number.
enum { NUMBERS = 4, TERMS = 9 };

static void list_terms(struct kl_control *control, keel_term *terms[TERMS])
{
    keel_term *all[TERMS] = {&control->from, &control->to, &control->name, &control->ref,
            &control->leader, &control->mfa, &control->opts, &control->result,
            &control->content};
    memcpy(terms, all, sizeof all);
}

static struct kl_waiting_out *wrap(const struct kl_control *original)
{
    struct kl_control control = *original;
    keel_term *terms[TERMS], fields[NUMBERS + TERMS];
    size_t count = NUMBERS;
    unsigned present = 0;
    list_terms(&control, terms);
    for (unsigned i = 0; i < TERMS; i++) {
        if (!keel_is_none(*terms[i])) {
            fields[count++] = *terms[i];
            present |= 1u << i;
        }
    }
    keel_scope scope = keel_scope_open();
    fields[0] = keel_int(control.kind);
    fields[1] = keel_int(control.flags);
    fields[2] = keel_uint(control.id);
    fields[3] = keel_int(present);
    keel_term copy;
    struct kl_fragment *fragment = kl_fragment_new(
            keel_tuple(fields, count), sizeof(struct kl_waiting_out), &copy);
    keel_scope_close(&scope);
    if (fragment == NULL) {
        return NULL;
    }
    struct kl_waiting_out *waiting = (struct kl_waiting_out *)(void *)((char *)fragment +
                                                                       fragment->size -
                                                                       sizeof *waiting);
    *waiting = (struct kl_waiting_out){.fragment = fragment, .control = copy};
    return waiting;
}

static void drop_wrapped(struct kl_waiting_out *waiting)
{
    struct kl_fragment *fragment = waiting->fragment;
    kl_fragment_release(fragment);
    kl_pool_free(fragment, fragment->size);
}

void kl_peer_drop_waiting(struct kl_waiting_out *list)
{
    while (list != NULL) {
        struct kl_waiting_out *gone = list;
        list = list->next;
        drop_wrapped(gone);
    }
}

static struct kl_control unwrap(const struct kl_waiting_out *waiting)
{
    keel_term all = waiting->control;
    struct kl_control control = {
            .kind = (enum kl_control_kind)keel_to_int(keel_element(all, 0)),
            .flags = (uint32_t)keel_to_int(keel_element(all, 1)),
    };
    bool has_id = keel_get_uint(keel_element(all, 2), &control.id);
    (void)has_id; // we have put it in
    unsigned present = (unsigned)keel_to_int(keel_element(all, 3));
    keel_term *terms[TERMS];
    size_t at = NUMBERS;
    list_terms(&control, terms);
    for (unsigned i = 0; i < TERMS; i++) {
        if ((present & 1u << i) != 0) {
            *terms[i] = keel_element(all, at++);
        }
    }
    return control;
}

struct kl_out *kl_peer_encode_waiting(
        struct kl_waiting_out *waiting, uint64_t agreed, size_t *ret_bytes)
{
    struct kl_out *first = NULL, **tail = &first;
    while (waiting != NULL) {
        struct kl_waiting_out *next = waiting->next;
        struct kl_control control = unwrap(waiting);
        keel_status why;
        *ret_bytes += waiting->fragment->size;
        struct kl_out *out = encode(&control, agreed, &why);
        if (out != NULL) {
            *tail = out;
            tail = &out->next;
        } else {
            kl_log(KL_LOG_WARNING, "a %s that waited for a connection is dropped: %s",
                    kl_control_name(control.kind), keel_status_text(why));
        }
        drop_wrapped(waiting);
        waiting = next;
    }
    return first;
}

// --- putting in ---

void kl_peer_append_locked(struct kl_peer *peer, struct kl_out *list)
{
    *peer->out_tail = list;
    for (; list != NULL; list = list->next) {
        peer->out_tail = &list->next;
        peer->queued += kl_out_bytes(list);
        kl_store_relaxed(&peer->sent, peer->sent + 1); // a hint for the reader
    }
}

// What a sender found: which connection, and in which state.
struct entrance {
    uint32_t number; // 0: none
    enum kl_peer_state state;
    uint64_t agreed;
    uint64_t ticket; // not 0: the caller must have somebody dial
};

static struct entrance enter(struct kl_peer *peer, uint32_t connection, keel_pid attach)
{
    struct entrance entrance = {0};
    kl_lock_take(&peer->lock);
    if (connection == 0 && peer->state == KL_PEER_DOWN && kl_cluster_alive()) {
        entrance.ticket = kl_peer_ticket();
        kl_peer_begin_locked(peer, entrance.ticket);
    } else if (connection == 0 && peer->state == KL_PEER_CONNECTING) {
        peer->wanted = true;
    }
    entrance.state = peer->state;
    entrance.agreed = peer->agreed;
    uint32_t number = peer->state == KL_PEER_DOWN ? 0 : kl_peer_connection(peer);
    if (connection == 0 || number == connection) {
        entrance.number = number;
    }
    if (entrance.number != 0 && attach.word != 0 && !kl_peer_attach_locked(peer, attach)) {
        entrance.number = 0;
    }
    kl_lock_give(&peer->lock);
    return entrance;
}

// Puts a signal where it waits for a connection that is being made. False when it has been
// made meanwhile.
static bool let_wait(
        struct kl_peer *peer, struct entrance *entrance, const struct kl_control *control)
{
    struct kl_waiting_out *waiting = wrap(control);
    if (waiting == NULL) {
        entrance->number = 0;
        return true;
    }
    kl_lock_take(&peer->lock);
    bool same = kl_peer_connection(peer) == entrance->number;
    bool waits = same && peer->state == KL_PEER_CONNECTING;
    bool open = same && peer->state == KL_PEER_UP;
    entrance->agreed = peer->agreed;
    if (waits) {
        *peer->waiting_tail = waiting;
        peer->waiting_tail = &waiting->next;
        peer->queued += waiting->fragment->size;
    }
    kl_lock_give(&peer->lock);
    if (!waits) {
        drop_wrapped(waiting);
    }
    return !open;
}

// Appends what was encoded for connection `number`, unless that is over.
static void append(struct kl_peer *peer, uint32_t number, struct kl_out *out)
{
    keel_pid idle = {0};
    kl_lock_take(&peer->lock);
    bool open = peer->state == KL_PEER_UP && kl_peer_connection(peer) == number;
    if (open) {
        kl_peer_append_locked(peer, out);
        if (peer->writer_idle) {
            peer->writer_idle = false;
            idle = peer->writer;
        }
    }
    kl_lock_give(&peer->lock);
    if (!open) {
        kl_out_free(out);
    }
    if (idle.word != 0) {
        kl_wake(idle);
    }
}

uint32_t kl_peer_send(struct kl_peer *peer, uint32_t connection, keel_pid attach,
        const struct kl_control *control, keel_status *ret_why)
{
    keel_status why = KEEL_OK;
    struct entrance entrance = enter(peer, connection, attach);
    bool waits = entrance.number != 0 && entrance.state == KL_PEER_CONNECTING &&
                 let_wait(peer, &entrance, control);
    if (entrance.ticket != 0) {
        kl_dial_start(peer, entrance.ticket);
    }
    if (entrance.number == 0) {
        why = KEEL_E_NODEDOWN;
    } else if (!waits) {
        struct kl_out *out = encode(control, entrance.agreed, &why);
        if (out != NULL) {
            append(peer, entrance.number, out);
        } else {
            kl_peer_detach(peer, entrance.number, attach);
            entrance.number = 0;
        }
    }
    if (ret_why != NULL) {
        *ret_why = why;
    }
    return entrance.number;
}

// --- giving way to a slow connection ---

bool kl_peer_busy(struct kl_peer *peer)
{
    kl_lock_take(&peer->lock);
    bool busy = peer->queued > kl_cluster.busy_bytes;
    kl_lock_give(&peer->lock);
    return busy;
}

struct room {
    struct kl_peer *peer;
    uint32_t connection;
};

static bool has_room_locked(const struct kl_peer *peer, uint32_t connection)
{
    return peer->state == KL_PEER_DOWN || kl_peer_connection(peer) != connection ||
           peer->queued <= kl_cluster.busy_bytes;
}

static bool has_room(void *context)
{
    struct room *room = context;
    struct kl_peer *peer = room->peer;
    kl_lock_take(&peer->lock);
    bool ready = has_room_locked(peer, room->connection) || !kl_peer_await_locked(peer);
    kl_lock_give(&peer->lock);
    return ready;
}

// A thread of the host, or of the blocking pool, waits as a process does: or it alone could
// fill the memory. Timers that fire on a worker may not wait.
static void await_room_outside(struct kl_peer *peer, uint32_t connection)
{
    bool ready = kl_worker_current() >= 0;
    while (!ready) {
        uint32_t done = 0;
        kl_lock_take(&peer->lock);
        ready = has_room_locked(peer, connection) ||
                !kl_peer_await_outside_locked(peer, &done);
        kl_lock_give(&peer->lock);
        if (!ready && !kl_runtime_await(&done)) {
            kl_peer_unawait_outside(peer, &done); // simulated, and nothing else happens
            ready = true;
        }
    }
}

void kl_peer_await_room(struct kl_peer *peer, uint32_t connection)
{
    struct room room = {peer, connection};
    if (!keel_in_process()) {
        await_room_outside(peer, connection);
        return;
    }
    bool ready = kl_wait_until(has_room, &room, INT64_MAX);
    (void)ready; // there is no end to the time it may take
}

static bool is_written(void *context)
{
    struct kl_peer *peer = context;
    kl_lock_take(&peer->lock);
    bool written = peer->state != KL_PEER_UP || peer->queued == 0 ||
                   !kl_peer_await_locked(peer);
    kl_lock_give(&peer->lock);
    return written;
}

void kl_peer_await_written(struct kl_peer *peer, int64_t deadline)
{
    bool written = kl_wait_until(is_written, peer, deadline);
    (void)written; // who does not read gets no more
}

static bool is_decided(void *context)
{
    struct kl_peer *peer = context;
    kl_lock_take(&peer->lock);
    bool decided = peer->state != KL_PEER_CONNECTING || !kl_peer_await_locked(peer);
    kl_lock_give(&peer->lock);
    return decided;
}

bool kl_peer_await_up(struct kl_peer *peer)
{
    bool decided = kl_wait_until(is_decided, peer, INT64_MAX);
    kl_lock_take(&peer->lock);
    bool up = peer->state == KL_PEER_UP;
    kl_lock_give(&peer->lock);
    return decided && up;
}

// --- taking out ---

struct taking {
    struct kl_peer *peer;
    uint64_t ticket;
    struct kl_out *out;
    bool over;
};

static bool take(void *context)
{
    struct taking *taking = context;
    struct kl_peer *peer = taking->peer;
    kl_lock_take(&peer->lock);
    taking->over = peer->ticket != taking->ticket;
    if (!taking->over) {
        taking->out = peer->out;
        peer->out = NULL;
        peer->out_tail = &peer->out;
        peer->writer_idle = taking->out == NULL;
    }
    kl_lock_give(&peer->lock);
    return taking->over || taking->out != NULL;
}

struct kl_out *kl_peer_take(
        struct kl_peer *peer, uint64_t ticket, int64_t deadline, bool *ret_over)
{
    struct taking taking = {.peer = peer, .ticket = ticket};
    bool ready = kl_wait_until(take, &taking, deadline);
    (void)ready; // late: NULL
    *ret_over = taking.over;
    return taking.out;
}

void kl_peer_written(struct kl_peer *peer, uint64_t ticket, size_t bytes)
{
    struct kl_awaiting *awaiting = NULL;
    kl_lock_take(&peer->lock);
    if (peer->ticket == ticket) {
        peer->queued -= bytes;
        if (peer->queued <= kl_cluster.busy_bytes / 2) {
            awaiting = peer->awaiting;
            peer->awaiting = NULL;
        }
    }
    kl_lock_give(&peer->lock);
    kl_peer_wake_all(awaiting);
}
