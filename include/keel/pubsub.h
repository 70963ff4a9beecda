#ifndef KEEL_PUBSUB_H
#define KEEL_PUBSUB_H

#include <keel/registry.h>

// Publishing and subscribing by topic, as Phoenix.PubSub does.
//
//   keel_pubsub_start_link(.name = keel_atom(news));
//   keel_pubsub_subscribe(keel_atom(news), keel_string("sport"));          // the caller
//   keel_pubsub_broadcast(keel_atom(news), keel_string("sport"), keel_atom(goal));
//
// A topic is any term and compared exactly; there are no wildcards. A subscriber gets the
// message itself, as many times as it has subscribed. However many there are, the message
// is copied once. What one process broadcasts on a topic arrives in the order sent.
//
// An instance is named by an atom. To use one that does not run is a mistake of the
// program, as with a registry (<keel/registry.h>).

KEEL_BEGIN_DECLS

/// How messages reach the subscribers of a topic on this node, if not by being sent to
/// each. Static.
typedef struct keel_pubsub_dispatcher {
    const char *name; ///< by which other nodes know it
    /// Called in the broadcasting process, once for each partition with subscribers.
    /// `entries` is a list of {Pid, Metadata}; `from` is none but for the forms with it.
    void (*dispatch)(keel_term entries, keel_pid from, keel_term message);
} keel_pubsub_dispatcher;

/// How broadcasts reach other nodes. Static. What arrives there is handed to
/// keel_pubsub_local_broadcast. `dispatcher` is NULL for plain sending. A status other than
/// KEEL_OK is what the broadcast gives.
typedef struct keel_pubsub_adapter {
    /// The name of this node.
    keel_term (*node_name)(keel_term pubsub);
    /// To the instances of that name on all other nodes; the subscribers here are served
    /// after it.
    keel_status (*broadcast)(keel_term pubsub, keel_term topic, keel_term message,
            const keel_pubsub_dispatcher *dispatcher);
    /// To the instance on one node, which may be this one.
    keel_status (*direct_broadcast)(keel_term pubsub, keel_term node, keel_term topic,
            keel_term message, const keel_pubsub_dispatcher *dispatcher);
    /// What runs beside the instance; NULL: nothing.
    keel_child_spec (*child)(keel_term pubsub, int pool_size, int broadcast_pool_size);
} keel_pubsub_adapter;

/// What an instance is; zeroed: the defaults.
typedef struct keel_pubsub_opts {
    keel_term name; ///< an atom, needed; its registry is registered under it, its
                    ///< supervisor under Name.Supervisor
    int pool_size; ///< of the adapter, and of the registry; 0: 1
    int broadcast_pool_size; ///< of the adapter, for sending; 0: pool_size; not more than
                             ///< it
    int registry_size; ///< partitions of the subscriptions; 0: pool_size
    const keel_pubsub_adapter *adapter; ///< NULL: see keel_pubsub_adapter_set
} keel_pubsub_opts;

// --- starting ---

/// Starts an instance linked to the caller: keel_pubsub_start_link(.name =
/// keel_atom(news)). KEEL_E_BADARG with a reason {badarg, {Option, Value}} for options that
/// are not in order.
/// @thread process @since 0.1
#define keel_pubsub_start_link(...)                                                        \
    keel_pubsub_start_link_opt(KEEL_OPTS(keel_pubsub_opts, __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_pubsub_start_link_opt(
        const keel_pubsub_opts *opts);
/// An instance as a child of a supervisor, with its name as id.
/// OTP: Phoenix.PubSub.child_spec/1. @thread any @since 0.1
#define keel_pubsub_child(...)                                                             \
    keel_pubsub_child_opt(KEEL_OPTS(keel_pubsub_opts, __VA_ARGS__))
KEEL_API keel_child_spec keel_pubsub_child_opt(const keel_pubsub_opts *opts);
/// The adapter of instances that are started without one; NULL: this node only, as at
/// first. @thread any @since 0.1
KEEL_API void keel_pubsub_adapter_set(const keel_pubsub_adapter *adapter);
/// The name of this node. @thread any @since 0.1
KEEL_API keel_term keel_pubsub_node_name(keel_term pubsub);

// --- subscribing: always the calling process ---

/// What is subscribed to; the macro takes the topic first and the rest by name.
typedef struct keel_subscription {
    keel_term topic;
    keel_term metadata; ///< for dispatchers; KEEL_NONE: nil
} keel_subscription;

/// Subscribes the caller; again: it gets each message once more.
/// keel_pubsub_subscribe(news, keel_string("sport"), .metadata = keel_int(1))
/// @return KEEL_OK, KEEL_E_NOMEM, KEEL_E_BADARG (no topic), KEEL_E_OUTSIDE
/// @thread process
/// @since 0.1
#define keel_pubsub_subscribe(pubsub, ...)                                                 \
    keel_pubsub_subscribe_opt((pubsub), KEEL_OPTS(keel_subscription, .topic = __VA_ARGS__))
KEEL_API keel_status keel_pubsub_subscribe_opt(
        keel_term pubsub, const keel_subscription *subscription);
/// Ends all subscriptions of the caller to the topic; there need be none. KEEL_OK,
/// KEEL_E_BADARG, KEEL_E_OUTSIDE. @thread process @since 0.1
KEEL_API keel_status keel_pubsub_unsubscribe(keel_term pubsub, keel_term topic);

// --- broadcasting ---

/// What is broadcast; the macros take the message first and the rest by name.
typedef struct keel_publication {
    keel_term message;
    const keel_pubsub_dispatcher *dispatcher; ///< NULL: sent to each subscriber
} keel_publication;

/// To all subscribers, or all but `from`; on all nodes, on this one, or on one node.
///   keel_pubsub_broadcast(news, topic, message)
///   keel_pubsub_broadcast(news, topic, message, .dispatcher = &fastlane)
/// A node that is not there, and a topic without subscribers, are fine.
/// @return KEEL_OK, KEEL_E_NOMEM, KEEL_E_STOPPED, KEEL_E_BADARG (no topic, message, from or
///         node), what the adapter gives
/// @thread any
/// @since 0.1
#define keel_pubsub_broadcast(pubsub, topic, ...)                                          \
    keel_pubsub_broadcast_opt((pubsub), (topic), KEEL_PUBLICATION_(__VA_ARGS__))
#define keel_pubsub_broadcast_from(pubsub, from, topic, ...)                               \
    keel_pubsub_broadcast_from_opt(                                                        \
            (pubsub), (from), (topic), KEEL_PUBLICATION_(__VA_ARGS__))
#define keel_pubsub_local_broadcast(pubsub, topic, ...)                                    \
    keel_pubsub_local_broadcast_opt((pubsub), (topic), KEEL_PUBLICATION_(__VA_ARGS__))
#define keel_pubsub_local_broadcast_from(pubsub, from, topic, ...)                         \
    keel_pubsub_local_broadcast_from_opt(                                                  \
            (pubsub), (from), (topic), KEEL_PUBLICATION_(__VA_ARGS__))
#define keel_pubsub_direct_broadcast(pubsub, node, topic, ...)                             \
    keel_pubsub_direct_broadcast_opt(                                                      \
            (pubsub), (node), (topic), KEEL_PUBLICATION_(__VA_ARGS__))
#define KEEL_PUBLICATION_(...) (KEEL_OPTS(keel_publication, .message = __VA_ARGS__))
KEEL_API keel_status keel_pubsub_broadcast_opt(
        keel_term pubsub, keel_term topic, const keel_publication *publication);
KEEL_API keel_status keel_pubsub_broadcast_from_opt(keel_term pubsub, keel_pid from,
        keel_term topic, const keel_publication *publication);
KEEL_API keel_status keel_pubsub_local_broadcast_opt(
        keel_term pubsub, keel_term topic, const keel_publication *publication);
KEEL_API keel_status keel_pubsub_local_broadcast_from_opt(keel_term pubsub, keel_pid from,
        keel_term topic, const keel_publication *publication);
KEEL_API keel_status keel_pubsub_direct_broadcast_opt(keel_term pubsub, keel_term node,
        keel_term topic, const keel_publication *publication);

/// The raising form of any of them: keel_pubsub_or_exit(keel_pubsub_broadcast(…)). For a
/// status other than KEEL_OK the caller exits with {broadcast_error, Why}, its name as an
/// atom. OTP: broadcast!/4 and the like. @thread process @since 0.1
KEEL_API void keel_pubsub_or_exit(keel_status status);

KEEL_END_DECLS

#endif // KEEL_PUBSUB_H
