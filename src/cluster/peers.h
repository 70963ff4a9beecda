#ifndef KL_CLUSTER_PEERS_H
#define KL_CLUSTER_PEERS_H

#include "base/base.h"
#include "control.h"
#include "name.h"
#include "proc/proc.h"

// The other nodes, by name. A peer is made when its name is first used and stays for good:
// connections come and go. It owns what must outlive a socket: what waits to be sent, who
// is attached, who waits.
//
//   DOWN ──▸ CONNECTING ──▸ UP ──▸ DOWN
//
// Each time it leaves DOWN the peer gets a new connection number (proc.h); when it is DOWN
// again everyone who was attached to that number hears of it. Rules:
// 1. Whoever makes a connection or holds one has a *ticket*. Only the owner of the peer's
//    present ticket may change its state, so an attempt that was overtaken ends unnoticed.
// 2. While CONNECTING, signals wait as terms, since their form depends on what the other
//    side can do; from UP on they are encoded by who sends them, outside the lock.
// 3. Nothing is sent to a process while the lock is held.

enum kl_peer_state { KL_PEER_DOWN, KL_PEER_CONNECTING, KL_PEER_UP };

// One message on its way out: control and payload in external format, one behind the other.
struct kl_out {
    struct kl_out *next;
    size_t control_size, payload_size;
    uint8_t bytes[];
};

// One that waits for the connection.
struct kl_waiting_out {
    struct kl_waiting_out *next;
    struct kl_fragment *fragment;
    keel_term control; // the fields, as a tuple
};

struct kl_peer {
    struct kl_lock lock; // guards all that is not said to be constant
    uint32_t index; // constant
    keel_term name; // constant
    enum kl_peer_state state;
    uint16_t epoch;
    bool writer_idle;
    bool leaving; // was lost, and not everybody has been told
    bool hidden;
    bool called; // CONNECTING: the other side dials (callers.h)
    bool wanted; // and somebody here has wanted the connection
    uint64_t ticket;
    uint64_t successor; // of a caller that has heard that we are connected; 0: none
    uint64_t agreed; // flags
    uint32_t creation;
    keel_pid reader, writer;
    struct kl_out *out, **out_tail;
    struct kl_waiting_out *waiting, **waiting_tail;
    size_t queued; // bytes of both
    uint64_t sent; // messages since ever; read without the lock
    struct kl_hash attached; // word of a pid → how often
    struct kl_hash named; // hash of a watcher's reference → struct kl_named
    struct kl_awaiting *awaiting; // processes to be woken
    uint8_t form; // enum kl_peer_form, of the node that is UP
    char *cookie; // or NULL
    char *host; // or NULL: epmd knows
    uint16_t port;
};

struct kl_peer *kl_peer_of(keel_term name); // made when new; NULL: no memory, too many
struct kl_peer *kl_peer_known(keel_term name); // or NULL
struct kl_peer *kl_peer_at(uint32_t index); // NULL behind the last
struct kl_peer *kl_peer_on(uint32_t connection); // whose number it is or was

static inline uint32_t kl_peer_connection(const struct kl_peer *peer)
{
    return (peer->index + 1) << 16 | peer->epoch;
}
uint64_t kl_peer_ticket(void); // a new one

// --- the way up and down ---

// Makes a DOWN peer CONNECTING under `ticket`; false when it is in another state.
bool kl_peer_begin(struct kl_peer *peer, uint64_t ticket);
// Takes a CONNECTING peer over from whoever tries.
bool kl_peer_overtake(struct kl_peer *peer, uint64_t ticket);
bool kl_peer_has_ticket(struct kl_peer *peer, uint64_t ticket);
// Waits until the ticket is the peer's no more; false at the deadline.
bool kl_peer_await_overtaken(struct kl_peer *peer, uint64_t ticket, int64_t deadline);
// Makes it DOWN whoever has the ticket.
void kl_peer_abandon(struct kl_peer *peer);
// Who reads from it while it is UP, else none.
keel_pid kl_peer_reader(struct kl_peer *peer);

struct kl_peer_link {
    uint64_t ticket;
    uint64_t agreed;
    uint32_t creation;
    bool hidden;
    keel_pid reader, writer;
};
// Encodes what waited and makes the peer UP. From DOWN too: an accepted connection. False
// when the ticket is not the peer's, or it is UP already.
bool kl_peer_up(struct kl_peer *peer, const struct kl_peer_link *link);
// Makes it DOWN and tells all who are attached; false when the ticket is not the peer's. A
// caller that was to replace the connection goes on: then it is CONNECTING.
bool kl_peer_lost(struct kl_peer *peer, uint64_t ticket);
// Whoever hears of nodes has been told of it: the news of the next connection, which may be
// there already, waits for that.
void kl_peer_left(struct kl_peer *peer);
void kl_peer_await_left(struct kl_peer *peer);

// --- sending ---

// Queues a control message for `connection` (0: the present one, or a new one). `attach`
// may be none. Returns the connection's number, or 0 and the reason in `ret_why` (which may
// be NULL): KEEL_E_NODEDOWN, KEEL_E_NOMEM and what kl_control_plan gives.
uint32_t kl_peer_send(struct kl_peer *peer, uint32_t connection, keel_pid attach,
        const struct kl_control *control, keel_status *ret_why);
bool kl_peer_attach(struct kl_peer *peer, uint32_t connection, keel_pid pid);
void kl_peer_detach(struct kl_peer *peer, uint32_t connection, keel_pid pid);
// True when so much waits that senders should, too.
bool kl_peer_busy(struct kl_peer *peer);
// Waits while it is busy, in a process.
void kl_peer_await_room(struct kl_peer *peer, uint32_t connection);
// Waits until everything is written, or the deadline has passed, in a process.
void kl_peer_await_written(struct kl_peer *peer, int64_t deadline);
// Waits until a CONNECTING peer is something else, in a process; true when it is UP.
bool kl_peer_await_up(struct kl_peer *peer);

// True when it can be monitored, as servers and name services do: simple clients, which
// take what they did not ask for as an answer to what they did, are left alone.
bool kl_peer_is_full(struct kl_peer *peer);

// --- what the node's release means ---

enum kl_peer_form { KL_PEER_FORM_UNKNOWN, KL_PEER_FORM_BARE, KL_PEER_FORM_WRAPPED };
// Tells how the node of `connection` answers get_state; false when that is over.
bool kl_peer_form_set(struct kl_peer *peer, uint32_t connection, enum kl_peer_form form);
// Waits until it is told, in a process, for a while.
enum kl_peer_form kl_peer_form_await(struct kl_peer *peer);

// --- for the connection's writer ---

// Waits for something to send until `deadline`, and takes it; NULL when late, or when the
// ticket is no more (*ret_over).
struct kl_out *kl_peer_take(
        struct kl_peer *peer, uint64_t ticket, int64_t deadline, bool *ret_over);
// So many bytes have been written.
void kl_peer_written(struct kl_peer *peer, uint64_t ticket, size_t bytes);
void kl_out_free(struct kl_out *out);
static inline size_t kl_out_bytes(const struct kl_out *out)
{
    return sizeof *out + out->control_size + out->payload_size;
}

// --- monitors by name, which the other side takes back by name ---

// Notes that the watcher with `ref` watches `pid`, found by name, over `connection`.
bool kl_peer_named_put(
        struct kl_peer *peer, uint32_t connection, keel_term ref, keel_pid pid);
// Forgets it; none when there is no such.
keel_pid kl_peer_named_take(struct kl_peer *peer, keel_term ref);

#endif // KL_CLUSTER_PEERS_H
