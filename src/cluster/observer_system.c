// The runtime as a whole, in the words of erlang:system_info, memory and statistics. What
// has no counterpart here is said as by a node that has none of it.

#include "node.h"
#include "observer.h"
#include <keel/inspect.h>
#include <sys/utsname.h>
#include <unistd.h>

static keel_runtime_view look(void)
{
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    return view;
}

// --- memory ---

// All there is counts as the processes', which is what the allocator can tell.
static keel_term memory_list(void)
{
    keel_term total = keel_uint(look().memory);
    return keel_make("[{total, T}, {processes, T}, {processes_used, T}, {system, 0}, "
                     "{atom, 0}, {atom_used, 0}, {binary, 0}, {code, 0}, {ets, 0}]",
            total);
}

keel_term kl_observer_memory(keel_term arguments)
{
    keel_term which, list = memory_list(), some = keel_nil();
    if (keel_is_nil(arguments)) {
        return list;
    }
    which = keel_head(arguments);
    if (!keel_is_list(which)) {
        keel_term value = keel_proplist_get(list, which);
        if (keel_is_none(value)) {
            kl_observer_badarg();
        }
        return value;
    }
    keel_term item;
    while (keel_list_next(&which, &item)) {
        keel_term value = keel_proplist_get(list, item);
        if (keel_is_none(value)) {
            kl_observer_badarg();
        }
        some = keel_cons(keel_tuple_of(item, value), some);
    }
    return keel_list_reverse(some);
}

// --- statistics ---

// [{Worker, BusyTime, Time}] with workers numbered from 1.
static keel_term wall_times(void)
{
    keel_worker_view worker;
    keel_term list = keel_nil(), uptime = keel_int(look().uptime_ns);
    for (unsigned i = 0; keel_inspect_worker(i, &worker); i++) {
        list = keel_cons(
                keel_tuple_of(keel_uint(i + 1), keel_int(worker.busy_ns), uptime), list);
    }
    return list;
}

// What went over connections to other nodes.
static keel_term traffic(void)
{
    return keel_make("{{input, In}, {output, Out}}", kl_load_relaxed(&kl_cluster.bytes_in),
            kl_load_relaxed(&kl_cluster.bytes_out));
}

static bool add_reductions(const keel_process_view *view, void *context)
{
    *(uint64_t *)context += view->reductions;
    return true;
}

keel_term kl_observer_statistics(keel_term arguments)
{
    keel_term what = kl_observer_argument(arguments, 0);
    keel_runtime_view view = look();
    if (keel_is(what, run_queue) || keel_is(what, total_run_queue_lengths) ||
            keel_is(what, total_active_tasks)) {
        return keel_uint(view.runnable);
    }
    if (keel_is(what, io)) {
        return traffic();
    }
    if (keel_is(what, scheduler_wall_time)) {
        return wall_times();
    }
    if (keel_is(what, wall_clock)) {
        return keel_tuple_of(keel_int(view.uptime_ns / 1000000), keel_int(0));
    }
    if (keel_is(what, reductions)) { // of the processes that live
        uint64_t total = 0;
        keel_inspect_each(add_reductions, &total);
        return keel_tuple_of(keel_uint(total), keel_int(0));
    }
    if (keel_is(what, context_switches) || keel_is(what, garbage_collection)) {
        return keel_make("{0, 0}");
    }
    kl_observer_badarg();
}

keel_term kl_observer_fetch_stats(keel_term arguments)
{
    int64_t period_ms;
    keel_term to = kl_observer_argument(arguments, 0);
    if (!keel_get_int(kl_observer_argument(arguments, 1), &period_ms) || period_ms < 1 ||
            period_ms > INT32_MAX) {
        kl_observer_badarg();
    }
    // Any message ends it, and so does the end of whoever is linked.
    keel_status status = KEEL_E_TIMEOUT;
    while (status == KEEL_E_TIMEOUT) {
        keel_scope scope = keel_scope_open();
        status = keel_receive_match(KEEL_IN(KEEL_MS(period_ms)), "_");
        if (status == KEEL_E_TIMEOUT) {
            keel_send(to, keel_make("{stats, 1, Times, Io, Memory}", wall_times(),
                                  traffic(), memory_list()));
        }
        keel_scope_close(&scope);
    }
    return keel_atom(ok);
}

// --- system_info ---

static keel_term architecture(void)
{
    struct utsname name;
    if (uname(&name) != 0) {
        return keel_charlist("unknown");
    }
    return keel_charlist(name.machine);
}

static keel_term online(void)
{
    return keel_int(sysconf(_SC_NPROCESSORS_ONLN));
}

// A list of all that can be asked; what tools show in one table comes first.
static keel_term system_list(void)
{
    keel_runtime_view view = look();
    keel_term version = keel_charlist(keel_version()), workers = keel_uint(view.workers);
    keel_term processors = keel_make("[{logical_processors, N}, "
                                     "{logical_processors_online, N}, "
                                     "{logical_processors_available, N}]",
            online());
    keel_term threads = keel_make(
            "[{schedulers, N}, {schedulers_online, N}, {otp_release, V}, {version, V}, "
            "{system_architecture, A}, {kernel_poll, true}, {smp_support, true}, "
            "{threads, true}, {thread_pool_size, P}, {wordsize, 8}]",
            workers, version, architecture(), view.blocking_threads);
    keel_term limits = keel_make(
            "[{process_count, C}, {process_limit, L}, {atom_count, A}, {atom_limit, M}, "
            "{port_count, 0}, {port_limit, 0}, {ets_count, 0}, {ets_limit, 0}, "
            "{dist_buf_busy_limit, B}]",
            view.processes, view.processes_max, view.atoms, view.atoms_max,
            kl_cluster.busy_bytes);
    return keel_list_append(processors, keel_list_append(threads, limits));
}

keel_term kl_observer_system_info(keel_term arguments)
{
    keel_term what = kl_observer_argument(arguments, 0), kind;
    if (keel_match(what, "{wordsize, Kind}", &kind)) {
        return keel_int(8);
    }
    if (keel_is(what, multi_scheduling)) {
        return keel_atom(enabled);
    }
    if (keel_is(what, creation)) {
        return keel_uint(kl_cluster.creation);
    }
    if (keel_is(what, alloc_util_allocators)) {
        return keel_nil();
    }
    if (keel_match(what, "{allocator_sizes, _}") || keel_is(what, allocator)) {
        return keel_nil();
    }
    keel_term value = keel_proplist_get(system_list(), what);
    if (keel_is_none(value)) {
        kl_observer_badarg();
    }
    return value;
}

keel_term kl_observer_sys_info(keel_term arguments)
{
    (void)arguments;
    keel_runtime_view view = look();
    keel_term in = keel_uint(kl_load_relaxed(&kl_cluster.bytes_in));
    keel_term out = keel_uint(kl_load_relaxed(&kl_cluster.bytes_out));
    keel_term first = keel_make(
            "[{uptime, U}, {run_queue, R}, {io_input, I}, {io_output, O}, "
            "{schedulers_available, N}, {wordsize_internal, 8}, {wordsize_external, 8}, "
            "{alloc_info, []}]",
            view.uptime_ns / 1000000, view.runnable, in, out, view.workers);
    return keel_list_append(first, keel_list_append(system_list(), memory_list()));
}
