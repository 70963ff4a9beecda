#ifndef KEEL_REGISTRY_H
#define KEEL_REGISTRY_H

#include <keel/supervisor.h>

// Registries: keys, the processes that have them, and a value for each.
//
//   keel_registry_start_link(.name = keel_atom(rooms), .keys = KEEL_UNIQUE);
//   keel_registry_register(keel_atom(rooms), keel_int(7), keel_nil(), NULL);   // the
//   caller keel_call(keel_registry_via(keel_atom(rooms), keel_int(7)), request, &reply);
//
// In a registry of unique keys a key names one process; in one of duplicate keys any number
// may have it, several times if they like. A process registers itself, and what it has
// registered goes when it ends, before anybody hears of the end. Looking up asks no
// process.
//
// Keys and values are terms and compared exactly: 1 and 1.0 are two keys. A registry is
// named by an atom. To use one that does not run, or in a way its kind of keys rules out,
// is a mistake of the program: the calling process ends with {badarg, {unknown_registry,
// Name}} or the like; outside a process the log says so, and the function gives nothing.
//
// Patterns and guards are terms, as ETS and Elixir's Registry take them: '_' matches
// anything, '$1' anything and names it for the guards {'>', '$1', 3}; write them with
// keel_make("{'_', '$1'}"). KEEL_NONE as guards: none.

KEEL_BEGIN_DECLS

typedef enum keel_registry_keys {
    KEEL_UNIQUE = 1, ///< a key belongs to one process
    KEEL_DUPLICATE, ///< to any number; each partition keeps the entries of its processes
    KEEL_DUPLICATE_BY_KEY, ///< the same, partitioned by key: dispatch calls once
} keel_registry_keys;

/// What a registry is; zeroed: the defaults, where there are any.
typedef struct keel_registry_opts {
    keel_term name; ///< an atom, needed; its supervisor is registered under it
    keel_registry_keys keys; ///< needed
    int partitions; ///< processes that processes with entries are linked to; 0: 1
    keel_term listeners; ///< a list of names: each gets {register, Registry, Key, Pid,
                         ///< Value} and {unregister, Registry, Key, Pid}, but nothing of
                         ///< entries that go with their process: it may monitor Pid
    keel_term meta; ///< a list of {Key, Value}, see keel_registry_put_meta
} keel_registry_opts;

// --- starting ---

/// Starts a registry, a supervisor of its partitions, linked to the caller:
/// keel_registry_start_link(.name = keel_atom(rooms), .keys = KEEL_UNIQUE). KEEL_E_BADARG
/// with a reason {badarg, {Option, Value}} for options that are not in order; else as
/// keel_supervisor_start_link. OTP: Registry.start_link/1. @thread process @since 0.1
#define keel_registry_start_link(...)                                                      \
    keel_registry_start_link_opt(KEEL_OPTS(keel_registry_opts, __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_registry_start_link_opt(
        const keel_registry_opts *opts);
/// The same with Elixir's options: [{keys, unique}, {name, rooms}, {partitions, 4}, …];
/// keys also duplicate, {duplicate, pid}, {duplicate, key}. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_started keel_registry_start_link_term(keel_term options);
/// A registry as a child of a supervisor, with its name as id.
/// OTP: Registry.child_spec/1. @thread any @since 0.1
#define keel_registry_child(...)                                                           \
    keel_registry_child_opt(KEEL_OPTS(keel_registry_opts, __VA_ARGS__))
KEEL_API keel_child_spec keel_registry_child_opt(const keel_registry_opts *opts);

// --- registering: always the calling process ---

/// Registers the caller under `key`.
/// @param value      KEEL_NONE: nil
/// @param ret_owner  may be NULL; KEEL_OK: the partition, which the caller is now linked
/// to;
///                   KEEL_E_TAKEN: who has the key
/// @return KEEL_OK, KEEL_E_TAKEN (unique keys; also by the caller itself), KEEL_E_NOMEM,
///         KEEL_E_BADARG (no key), KEEL_E_OUTSIDE
/// OTP: Registry.register/3. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_registry_register(
        keel_term registry, keel_term key, keel_term value, keel_pid *ret_owner);
/// Removes the caller's entries under `key`; there need be none. KEEL_OK, KEEL_E_OUTSIDE.
/// OTP: Registry.unregister/2. @thread process @since 0.1
KEEL_API keel_status keel_registry_unregister(keel_term registry, keel_term key);
/// Those of them whose value matches. OTP: Registry.unregister_match/4. @thread process
/// @since 0.1
KEEL_API keel_status keel_registry_unregister_match(
        keel_term registry, keel_term key, keel_term pattern, keel_term guards);
/// Replaces the caller's value under a unique key by update(old, context).
/// @param ret_new, ret_old  may be NULL
/// @return KEEL_OK, KEEL_E_NOPROC (not the caller's key; `update` was not called),
///         KEEL_E_NOMEM, KEEL_E_OUTSIDE
/// OTP: Registry.update_value/3. @thread process @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_registry_update_value(keel_term registry,
        keel_term key, keel_term (*update)(keel_term old, void *context), void *context,
        keel_term *ret_new, keel_term *ret_old);

// --- looking up ---

/// The process that has a unique key, or none. OTP: Registry.whereis_name/1. @thread any
/// @since 0.1
KEEL_API keel_pid keel_registry_whereis(keel_term registry, keel_term key);
/// The list of {Pid, Value} under a key. OTP: Registry.lookup/2. @thread any @since 0.1
KEEL_API keel_term keel_registry_lookup(keel_term registry, keel_term key);
/// The keys of a process, once for each entry. OTP: Registry.keys/2. @thread any @since 0.1
KEEL_API keel_term keel_registry_keys_of(keel_term registry, keel_pid pid);
/// The values that a process has under a key. OTP: Registry.values/3. @thread any @since
/// 0.1
KEEL_API keel_term keel_registry_values(keel_term registry, keel_term key, keel_pid pid);
/// The number of entries. OTP: Registry.count/1. @thread any @since 0.1
KEEL_API size_t keel_registry_count(keel_term registry);
/// The {Pid, Value} under a key whose value matches, and how many they are.
/// OTP: Registry.match/4, count_match/4. @thread any @since 0.1
KEEL_API keel_term keel_registry_match(
        keel_term registry, keel_term key, keel_term pattern, keel_term guards);
KEEL_API size_t keel_registry_count_match(
        keel_term registry, keel_term key, keel_term pattern, keel_term guards);
/// One result for each entry that one of the specifications matches, of the first that
/// does: a list of {{KeyPattern, PidPattern, ValuePattern}, Guards, Body}, and the last
/// expression of the body is the result. `count_select` counts those whose result is true.
///   keel_registry_select(rooms, keel_make("[{{'$1', '_', '_'}, [], ['$1']}]"))
/// OTP: Registry.select/2, count_select/2. @thread any @since 0.1
KEEL_API keel_term keel_registry_select(keel_term registry, keel_term specifications);
KEEL_API size_t keel_registry_count_select(keel_term registry, keel_term specifications);
/// Calls fn with the list of {Pid, Value} under a key, in the caller; not when there are
/// none. With KEEL_DUPLICATE once for each partition that has any. KEEL_OK, KEEL_E_BADARG.
/// OTP: Registry.dispatch/3. @thread any @since 0.1
KEEL_API keel_status keel_registry_dispatch(keel_term registry, keel_term key,
        void (*fn)(keel_term entries, void *context), void *context);
/// The same, with a task for each partition that has entries, all at the same time, and
/// waits for them; what one fails with ends the caller. `context` is shared by them. Keys
/// that lie in one partition only, and callers outside a process: as
/// keel_registry_dispatch. OTP: Registry.dispatch/4 with parallel: true.
/// @thread any @since 0.1
KEEL_API keel_status keel_registry_dispatch_parallel(keel_term registry, keel_term key,
        void (*fn)(keel_term entries, void *context), void *context);

// --- as a keeper of names ---

/// The name of a server that registers itself under a unique key, or is found by it:
/// {via, 'Elixir.Registry', {Registry, Key}}; the second registers with a value. Good for
/// start_link's .name, calls and casts, keel_server_whereis and keel_server_send.
/// @thread any @since 0.1
KEEL_API keel_term keel_registry_via(keel_term registry, keel_term key);
KEEL_API keel_term keel_registry_via_value(
        keel_term registry, keel_term key, keel_term value);

// --- metadata: terms that belong to the registry ---

/// KEEL_OK, KEEL_E_NOMEM, KEEL_E_BADARG. OTP: Registry.put_meta/3. @thread any @since 0.1
KEEL_API keel_status keel_registry_put_meta(
        keel_term registry, keel_term key, keel_term value);
/// The value, or KEEL_NONE. OTP: Registry.meta/2. @thread any @since 0.1
KEEL_API keel_term keel_registry_get_meta(keel_term registry, keel_term key);
/// There need be none. OTP: Registry.delete_meta/2. @thread any @since 0.1
KEEL_API keel_status keel_registry_delete_meta(keel_term registry, keel_term key);

// --- locks ---

/// Runs fn(context) in the caller while nobody else runs under the same key in the same
/// registry. Who waits is served in order of arrival. When fn fails, or its process ends,
/// the next one goes on. Its value is returned.
/// OTP: Registry.lock/3. @thread process @since 0.1
KEEL_API keel_term keel_registry_lock(
        keel_term registry, keel_term key, keel_term (*fn)(void *context), void *context);

KEEL_END_DECLS

#endif // KEEL_REGISTRY_H
