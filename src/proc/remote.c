// What comes from other nodes: signals and messages of remote processes, which a connection
// puts through the doors of local ones.
//
// A signal is an envelope of kind KL_REMOTE whose body is {Operation, Connection, From, …};
// remote pids and references are boxed terms in it. A message is an envelope of kind KL_RAW
// with the bytes as they came behind it, or as a binary for its body; `from` is the
// connection, `ref` an alias or 0.

#include "proc.h"
#include "process.h"

keel_etf_limits kl_remote_limits;

enum operation {
    LINK, // From
    UNLINK, // From, Id
    UNLINK_ACK, // From, Id
    LINK_EXIT, // From, Reason
    MONITOR, // From, Ref, Name or []
    DEMONITOR, // [], Ref
    DOWN, // [], Ref, Reason
    LOST, // nothing
};

// A signal taken apart.
struct signal {
    enum operation operation;
    uint32_t connection;
    keel_pid from;
    keel_term first, second;
};

static void send_signal(keel_pid to, enum operation operation, uint32_t connection,
        keel_term from, keel_term first, keel_term second)
{
    keel_scope scope = keel_scope_open();
    struct kl_envelope *envelope = kl_envelope_new(KL_REMOTE,
            keel_tuple_of(keel_int(operation), keel_int(connection), from, first, second));
    keel_scope_close(&scope);
    if (envelope != NULL) {
        kl_deliver(to, envelope);
    }
}

static uint64_t id_of(const struct signal *signal)
{
    uint64_t id = 0;
    bool fits = keel_get_uint(signal->first, &id);
    return fits ? id : 0;
}

static struct signal take_apart(const struct kl_envelope *envelope)
{
    keel_term body = envelope->body;
    return (struct signal){
            .operation = (enum operation)keel_to_int(keel_element(body, 0)),
            .connection = (uint32_t)keel_to_int(keel_element(body, 1)),
            .from = {keel_element(body, 2).word},
            .first = keel_element(body, 3),
            .second = keel_element(body, 4),
    };
}

// --- what a connection calls ---

void kl_remote_link(uint32_t connection, keel_pid from, keel_pid to)
{
    send_signal(to, LINK, connection, keel_from_pid(from), keel_nil(), keel_nil());
}

void kl_remote_unlink(uint32_t connection, keel_pid from, keel_pid to, uint64_t id)
{
    send_signal(to, UNLINK, connection, keel_from_pid(from), keel_uint(id), keel_nil());
}

void kl_remote_unlink_ack(uint32_t connection, keel_pid from, keel_pid to, uint64_t id)
{
    send_signal(to, UNLINK_ACK, connection, keel_from_pid(from), keel_uint(id), keel_nil());
}

void kl_remote_link_exit(uint32_t connection, keel_pid from, keel_pid to, keel_term reason)
{
    send_signal(to, LINK_EXIT, connection, keel_from_pid(from), reason, keel_nil());
}

void kl_remote_monitor(
        uint32_t connection, keel_pid from, keel_pid to, keel_term ref, keel_term name)
{
    send_signal(to, MONITOR, connection, keel_from_pid(from), ref,
            keel_is_none(name) ? keel_nil() : name);
}

void kl_remote_demonitor(uint32_t connection, keel_pid to, keel_term ref)
{
    send_signal(to, DEMONITOR, connection, keel_nil(), ref, keel_nil());
}

void kl_remote_down(uint32_t connection, keel_pid to, keel_ref ref, keel_term reason)
{
    send_signal(to, DOWN, connection, keel_nil(), keel_from_ref(ref), reason);
}

void kl_remote_lost(uint32_t connection, keel_pid to)
{
    send_signal(to, LOST, connection, keel_nil(), keel_nil(), keel_nil());
}

void kl_remote_exit(keel_pid from, keel_pid to, keel_term reason)
{
    keel_scope scope = keel_scope_open();
    struct kl_envelope *envelope = kl_exit_envelope(KL_EXIT, from, reason);
    keel_scope_close(&scope);
    if (envelope != NULL) {
        envelope->from = 0; // the pid stands in the body alone
        kl_deliver(to, envelope);
    }
}

void kl_remote_leader(keel_pid leader, keel_pid to)
{
    struct kl_envelope *envelope = kl_envelope_new(KL_LEADER, keel_from_pid(leader));
    if (envelope != NULL) {
        kl_deliver(to, envelope); // nobody waits for the answer
    }
}

static struct kl_envelope *raw(
        uint32_t connection, uint64_t alias, const struct kl_raw *payload)
{
    struct kl_envelope *envelope = keel_is_none(payload->binary)
                                           ? kl_envelope_new_bytes(
                                                     KL_RAW, payload->data, payload->size)
                                           : kl_envelope_new(KL_RAW, payload->binary);
    if (envelope != NULL) {
        envelope->from = connection;
        envelope->ref = alias;
    }
    return envelope;
}

keel_status kl_remote_send(uint32_t connection, keel_pid to, const struct kl_raw *payload)
{
    struct kl_envelope *envelope = raw(connection, 0, payload);
    return envelope == NULL ? KEEL_E_NOMEM : kl_deliver_message(to, envelope);
}

void kl_remote_send_alias(uint32_t connection, keel_ref alias, const struct kl_raw *payload)
{
    struct kl_envelope *envelope = raw(connection, alias.word, payload);
    if (envelope != NULL) {
        kl_alias_send(alias, envelope, false);
    }
}

// --- messages arrive ---

// The answer to a call that was made here and passed on to another node comes as a message.
static bool is_answer(keel_term message)
{
    return keel_tuple_size(message) == 2 && kl_is_call_ref(keel_element(message, 0).word);
}

static keel_status decode(const struct kl_envelope *raw, keel_term *ret_message)
{
    if (!keel_is_none(raw->body)) {
        return kl_etf_decode_binary(raw->body, &kl_remote_limits, ret_message);
    }
    size_t used;
    keel_status status = kl_etf_decode(
            kl_envelope_bytes(raw), raw->body_bytes, &kl_remote_limits, &used, ret_message);
    return status == KEEL_OK && used != raw->body_bytes ? KEEL_E_MALFORMED : status;
}

static struct kl_envelope *decoded(const struct kl_envelope *raw)
{
    keel_term message;
    keel_status status = decode(raw, &message);
    if (status != KEEL_OK) {
        if (kl_route != NULL) {
            kl_route->malformed((uint32_t)raw->from, status);
        }
        return NULL;
    }
    if (!is_answer(message)) {
        return kl_envelope_new(raw->ref != 0 ? KL_ALIAS_MESSAGE : KL_MESSAGE, message);
    }
    struct kl_envelope *reply = kl_envelope_new(KL_REPLY, keel_element(message, 1));
    if (reply != NULL) {
        reply->flags = KL_BY_OTHER;
        reply->ref = keel_element(message, 0).word;
    }
    return reply;
}

void kl_raw_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    // Decoded beside the process's own terms: of what is built here only the copy in the
    // new envelope stays.
    uint64_t lent[128];
    struct kl_heap heap;
    kl_heap_init(&heap, lent, sizeof lent);
    struct kl_heap *before = kl_heap_use(&heap);
    struct kl_envelope *message = decoded(envelope);
    kl_heap_use(before);
    kl_heap_done(&heap);
    if (message == NULL) {
        kl_envelope_free(envelope);
        return;
    }
    message->flags |= envelope->flags & KL_COUNTED;
    message->generation = self->generation;
    message->slot = self->slot;
    if (message->kind == KL_ALIAS_MESSAGE) {
        message->ref = envelope->ref;
    }
    kl_envelope_free(envelope);
    if (message->kind == KL_MESSAGE) {
        kl_mailbox_append(self, message);
    } else {
        kl_signal(self, message);
    }
}

// --- signals arrive ---

static void broken(struct kl_process *self, keel_pid from, keel_term reason, bool first)
{
    keel_scope scope = keel_scope_open();
    struct kl_envelope *envelope = kl_exit_envelope(KL_LINK_EXIT, from, reason);
    keel_scope_close(&scope);
    if (envelope == NULL) {
        return;
    }
    envelope->from = 0;
    envelope->flags |= first ? KL_FIRST : 0;
    kl_exit_arrived(self, envelope, true);
}

static void link_broke(struct kl_process *self, const struct signal *signal)
{
    struct kl_relation *link = kl_relation_find_term(self, keel_from_pid(signal->from));
    if (link == NULL || link->connection != signal->connection) {
        return; // unlinked meanwhile, or of another connection
    }
    bool active = (link->flags & KL_REL_INACTIVE) == 0;
    bool first = (link->flags & KL_REL_FIRST) != 0;
    kl_relation_remove(self, link);
    if (active) {
        broken(self, signal->from, signal->first, first);
    }
}

static void link_arrived(struct kl_process *self, const struct signal *signal)
{
    keel_term from = keel_from_pid(signal->from);
    if (kl_relation_find_term(self, from) != NULL) {
        return;
    }
    struct kl_relation *link = kl_relation_add_term(self, from, KL_REL_LINK, signal->from);
    if (link == NULL) {
        kl_route->link_exit(signal->connection, kl_process_pid(self), signal->from,
                KL_ATOM(noproc)); // no memory: as if this process had ended
        return;
    }
    if (kl_route->attach(signal->connection, kl_process_pid(self))) {
        link->connection = signal->connection;
    } else {
        kl_relation_remove(self, link);
        broken(self, signal->from, KL_ATOM(noconnection), false);
    }
}

static void unlink_arrived(struct kl_process *self, const struct signal *signal)
{
    struct kl_relation *link = kl_relation_find_term(self, keel_from_pid(signal->from));
    if (link != NULL && (link->flags & KL_REL_INACTIVE) == 0) {
        kl_relation_remove(self, link);
    }
    kl_route->unlink_ack(
            signal->connection, kl_process_pid(self), signal->from, id_of(signal));
}

static void unlink_ack_arrived(struct kl_process *self, const struct signal *signal)
{
    struct kl_relation *link = kl_relation_find_term(self, keel_from_pid(signal->from));
    if (link != NULL && (link->flags & KL_REL_INACTIVE) != 0 &&
            link->connection == signal->connection && link->id == id_of(signal)) {
        kl_relation_remove(self, link);
    }
}

static void monitor_arrived(struct kl_process *self, const struct signal *signal)
{
    struct kl_relation *watcher = kl_relation_add_term(
            self, signal->first, KL_REL_WATCHER, signal->from);
    if (watcher == NULL) {
        kl_route->down(signal->connection, keel_from_pid(kl_process_pid(self)),
                signal->from, signal->first, KL_ATOM(noproc));
        return;
    }
    watcher->tag = kl_keep_for(self, signal->first);
    watcher->object = keel_is_nil(signal->second) ? KEEL_NONE : signal->second;
    if (kl_route->attach(signal->connection, kl_process_pid(self))) {
        watcher->connection = signal->connection;
    } else {
        kl_relation_remove(self, watcher);
    }
}

static void demonitor_arrived(struct kl_process *self, const struct signal *signal)
{
    struct kl_relation *watcher = kl_relation_find_term(self, signal->first);
    if (watcher != NULL && watcher->connection == signal->connection) {
        kl_relation_remove(self, watcher);
    }
}

static void down(struct kl_process *self, struct kl_relation *monitor, keel_term reason)
{
    keel_scope scope = keel_scope_open();
    keel_term tag = keel_is_none(monitor->tag) ? KL_ATOM(DOWN) : monitor->tag;
    keel_term object = keel_is_none(monitor->object) ? keel_from_pid(monitor->pid)
                                                     : monitor->object;
    struct kl_envelope *envelope = kl_envelope_new(
            KL_DOWN, keel_tuple_of(tag, (keel_term){monitor->key}, KL_ATOM(process), object,
                             reason));
    keel_scope_close(&scope);
    if (envelope != NULL) {
        envelope->ref = monitor->key;
        kl_down_arrived(self, envelope);
    }
}

static void down_arrived(struct kl_process *self, const struct signal *signal)
{
    struct kl_relation *monitor = kl_relation_find(self, signal->first.word);
    if (monitor != NULL && monitor->kind == KL_REL_MONITOR &&
            monitor->connection == signal->connection) {
        down(self, monitor, signal->second);
    }
}

static void lost(struct kl_process *self, uint32_t connection)
{
    for (struct kl_relation *next = self->relations; next != NULL;) {
        struct kl_relation *relation = next;
        next = next->next;
        if (relation->connection != connection) {
            continue;
        }
        if (relation->kind == KL_REL_MONITOR) {
            down(self, relation, KL_ATOM(noconnection));
            continue;
        }
        bool linked = relation->kind == KL_REL_LINK &&
                      (relation->flags & KL_REL_INACTIVE) == 0;
        bool first = (relation->flags & KL_REL_FIRST) != 0;
        keel_scope scope = keel_scope_open();
        keel_pid from = {
                kl_heap_copy(kl_heap_current(), keel_from_pid(relation->pid)).word};
        kl_relation_remove(self, relation);
        if (linked) {
            broken(self, from, KL_ATOM(noconnection), first);
        }
        keel_scope_close(&scope);
    }
}

// Links and monitors that were made before the end hear of its real reason; the rest means
// nothing to one that ends.
static bool matters(struct kl_process *self, const struct signal *signal)
{
    bool dying = (self->flags & KL_DYING) != 0;
    return !dying || (signal->operation != LINK_EXIT && signal->operation != DOWN &&
                             signal->operation != LOST);
}

void kl_remote_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    struct signal signal = take_apart(envelope);
    if (matters(self, &signal)) {
        switch (signal.operation) {
        case LINK:
            link_arrived(self, &signal);
            break;
        case UNLINK:
            unlink_arrived(self, &signal);
            break;
        case UNLINK_ACK:
            unlink_ack_arrived(self, &signal);
            break;
        case LINK_EXIT:
            link_broke(self, &signal);
            break;
        case MONITOR:
            monitor_arrived(self, &signal);
            break;
        case DEMONITOR:
            demonitor_arrived(self, &signal);
            break;
        case DOWN:
            down_arrived(self, &signal);
            break;
        case LOST:
            lost(self, signal.connection);
            break;
        }
    }
    kl_envelope_free(envelope);
}

void kl_remote_undeliverable(const struct kl_envelope *envelope)
{
    struct signal signal = take_apart(envelope);
    keel_pid dead = kl_pid_make(envelope->slot, envelope->generation);
    if (signal.operation == LINK) {
        kl_route->link_exit(signal.connection, dead, signal.from, KL_ATOM(noproc));
    } else if (signal.operation == UNLINK) {
        kl_route->unlink_ack(signal.connection, dead, signal.from, id_of(&signal));
    } else if (signal.operation == MONITOR) {
        keel_term watched = keel_is_nil(signal.second) ? keel_from_pid(dead)
                                                       : signal.second;
        kl_route->down(
                signal.connection, watched, signal.from, signal.first, KL_ATOM(noproc));
    }
}
