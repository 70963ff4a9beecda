#ifndef KL_CLUSTER_CONTROL_H
#define KL_CLUSTER_CONTROL_H

#include "term/term.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Control messages: what one node asks another to do. On the wire they are tuples that
// start with a number; several numbers say the same thing with a trace token, or with the
// reason behind the tuple instead of in it. Here there is one kind for each thing.
enum kl_control_kind {
    KL_CONTROL_LINK, // from, to
    KL_CONTROL_SEND, // [from], to; message. Without `from`: the old form
    KL_CONTROL_EXIT, // from, to; reason: a link broke
    KL_CONTROL_REG_SEND, // from, name; message
    KL_CONTROL_GROUP_LEADER, // leader, to
    KL_CONTROL_EXIT2, // from, to; reason: exit/2
    KL_CONTROL_MONITOR, // from (the watcher), to or name, ref
    KL_CONTROL_DEMONITOR, // from (the watcher), to or name, ref
    KL_CONTROL_MONITOR_EXIT, // from or name (the watched), to (the watcher), ref; reason
    KL_CONTROL_SPAWN_REQUEST, // ref, from, leader, mfa, opts; arguments
    KL_CONTROL_SPAWN_REPLY, // ref, to, flags, result
    KL_CONTROL_ALIAS_SEND, // from, ref (the alias); message
    KL_CONTROL_UNLINK, // id, from, to
    KL_CONTROL_UNLINK_ACK, // id, from, to
    KL_CONTROL_KINDS,
};
enum { KL_SPAWN_LINK = 1, KL_SPAWN_MONITOR = 2 }; // flags of SPAWN_REPLY

// What a kind does not have is KEEL_NONE, or 0.
struct kl_control {
    enum kl_control_kind kind;
    uint32_t flags; // SPAWN_REPLY
    uint64_t id; // UNLINK, UNLINK_ACK: never 0
    keel_term from; // pid; of the peer's node when received
    keel_term to; // pid; of this node when received, perhaps of an earlier life of it
    keel_term name; // atom
    keel_term ref;
    keel_term leader; // pid of any node
    keel_term mfa; // {Module, Function, Arity}
    keel_term opts; // list
    keel_term result; // SPAWN_REPLY: pid of the new process, or an atom: why there is none
    keel_term token; // of seq_trace; goes on with whatever the message causes, or none
    // To be sent: message, reason or arguments, wherever the agreed form has it. Received:
    // a reason that stood in the tuple; what comes as payload stays bytes, see `payload`.
    keel_term content;
    bool payload; // received: a payload must follow
};

// --- sending ---

// What a control message takes on the wire. `content` is the term to be sent as payload;
// KEEL_NONE: nothing follows.
enum { KL_CONTROL_ELEMENTS = 7 }; // behind the number, and one more for the end
struct kl_control_plan {
    size_t bytes;
    keel_term content;
    uint8_t op;
    uint8_t count;
    struct kl_control_element {
        keel_term term;
        struct kl_etf_measure measure;
    } element[KL_CONTROL_ELEMENTS];
};

// Chooses the form by the flags agreed (kl_dist_flags_agreed) and measures it.
// KEEL_E_UNSUPPORTED when the peer cannot understand it (it would close the connection),
// KEEL_E_NOT_ENCODABLE, KEEL_E_TOO_LARGE, KEEL_E_NOMEM.
keel_status kl_control_plan(const struct kl_control *control, uint64_t agreed,
        struct kl_control_plan *ret_plan);
// Measures the content of a message, which the plan leaves to be written behind it.
keel_status kl_control_measure(
        const struct kl_control *control, struct kl_etf_measure *ret_measure);
// Writes exactly plan->bytes, without version byte. KEEL_E_NOMEM only.
keel_status kl_control_write(uint8_t *at, const struct kl_control_plan *plan);

// --- receiving ---

// Decodes the control term that `body` starts with into the current heap and checks it:
// kind, arity, types; that `from` lives on `peer` (an atom) and `to` here. Anything else is
// KEEL_E_MALFORMED, and *ret_why (static) says what was wrong: the connection must close.
// Other failures are those of kl_etf_decode. `ret_used` gets the bytes of the term, behind
// which kl_assembly_payload looks for the payload. What the peer has not agreed to is still
// understood.
keel_status kl_control_decode(const uint8_t *body, size_t size, keel_term peer,
        const keel_etf_limits *limits, struct kl_control *ret_control, size_t *ret_used,
        const char **ret_why);

// For the log.
const char *kl_control_name(enum kl_control_kind kind);

#endif // KL_CLUSTER_CONTROL_H
