#ifndef KEEL_PARTITION_SUPERVISOR_H
#define KEEL_PARTITION_SUPERVISOR_H

#include <keel/supervisor.h>

// Partition supervisors: several copies of one child, numbered from 0, and requests that go
// to one of them by a key.
//
//   keel_partition_supervisor_start_link(
//           &keel_child(&counter, keel_int(0)), .name = keel_atom(counters));
//   keel_call_or_exit(keel_partition("counters", user), keel_atom(value));
//
// It takes the load off a process that would be a bottleneck, where requests need not see
// each other. It is a supervisor: <keel/supervisor.h> tells how to ask it.

KEEL_BEGIN_DECLS

/// How it works; zeroed: the defaults given here.
typedef struct keel_partition_opts {
    size_t size; ///< of this struct; filled in by the macros
    keel_term name; ///< an atom or {via, Module, Key}; needed
    int partitions; ///< at least 1; 0: one per worker of the runtime
    /// Makes the argument of each partition out of the child's own, once, in the process
    /// that starts the supervisor. NULL: all get the same.
    keel_term (*with_arguments)(keel_term argument, int partition);
    keel_strategy strategy; ///< one_for_one
    int intensity; ///< as keel_supervisor_opts
    keel_duration period;
} keel_partition_opts;

/// Starts one, linked to the caller, and its partitions. KEEL_E_BADARG with {Option,
/// Value}: wrong, and no process was made; else as keel_supervisor_start_link, with the
/// number of the partition as the child's id.
/// @param child  its id does not matter; must not be temporary
/// Elixir: PartitionSupervisor.start_link/1. @thread process @since 0.1
#define keel_partition_supervisor_start_link(child, ...)                                   \
    keel_partition_supervisor_start_link_opt(                                              \
            (child), KEEL_OPTS(keel_partition_opts, .size = sizeof(keel_partition_opts),   \
                             __VA_ARGS__))
KEEL_API KEEL_MUST_USE keel_started keel_partition_supervisor_start_link_opt(
        const keel_child_spec *child, const keel_partition_opts *opts);
/// One as a child: its id is its name, or the key of its via name.
/// Elixir: PartitionSupervisor.child_spec/1. @thread any @since 0.1
#define keel_child_partition_supervisor(child, ...)                                        \
    keel_partition_supervisor_spec(                                                        \
            (child), KEEL_OPTS(keel_partition_opts, .size = sizeof(keel_partition_opts),   \
                             __VA_ARGS__))
KEEL_API keel_child_spec keel_partition_supervisor_spec(
        const keel_child_spec *child, const keel_partition_opts *opts);

/// The name of the partition that `key` belongs to, for whatever takes the name of a
/// server: an integer's absolute value modulo the number of partitions, anything else by
/// a hash. Elixir: {:via, PartitionSupervisor, {name, key}}. @thread any @since 0.1
#define keel_partition(supervisor, key) keel_partition_term(KEEL_TO(supervisor), (key))
KEEL_API keel_term keel_partition_term(keel_term supervisor, keel_term key);

/// The number of partitions in use. KEEL_E_NOPROC: there is no such supervisor.
/// Elixir: PartitionSupervisor.partitions/1. @thread any @since 0.1
#define keel_partition_supervisor_partitions(supervisor, ret_count)                        \
    keel_partition_supervisor_partitions_term(KEEL_TO(supervisor), (ret_count))
KEEL_API KEEL_MUST_USE keel_status keel_partition_supervisor_partitions_term(
        keel_term supervisor, int *ret_count);
/// Changes how many partitions there are, from 0 to as many as it was started with: ends
/// those with the highest numbers, or starts them again. One caller at a time: others wait.
/// @param ret_previous  may be NULL
/// @return KEEL_OK; KEEL_E_BADARG: out of range, nothing has changed; KEEL_E_NOPROC;
///         KEEL_E_REFUSED: a partition did not start, as many as before are in use
/// Elixir: PartitionSupervisor.resize!/2. @thread process @since 0.1
#define keel_partition_supervisor_resize(supervisor, count, ret_previous)                  \
    keel_partition_supervisor_resize_term(KEEL_TO(supervisor), (count), (ret_previous))
KEEL_API KEEL_MUST_USE keel_status keel_partition_supervisor_resize_term(
        keel_term supervisor, int count, int *ret_previous);

KEEL_END_DECLS

#endif // KEEL_PARTITION_SUPERVISOR_H
