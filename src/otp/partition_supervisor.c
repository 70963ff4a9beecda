// Partition supervisors: a supervisor whose children write down their pids in a table that
// whoever routes a request reads.

#include "base/base.h"
#include "child_spec.h"
#include <keel/etf.h>
#include <keel/function.h>
#include <keel/inspect.h>
#include <keel/partition_supervisor.h>
#include <pthread.h>

// The partitions of one supervisor. Made and released in its process; read and resized by
// anybody. All of it is guarded by `lock`.
struct table {
    keel_pid supervisor;
    keel_pid resizer; // who is changing the size at present, one at a time; none: nobody
    int count; // in use
    int most;
    keel_pid pids[]; // none: the partition has no process
};

static struct kl_hash tables; // by the word of the supervisor's pid
static struct kl_lock lock;

static keel_term init(keel_term argument);
static keel_started start_partition(keel_term plan);
static keel_pid whereis(keel_term name_and_key);
static bool register_name(keel_term key, keel_pid pid);
static void unregister_name(keel_term key);

static const keel_supervisor module = {.name = "partition_supervisor", .init = init};
static const keel_via_ops via = {.whereis = whereis,
        .register_name = register_name,
        .unregister_name = unregister_name};

static keel_term via_module(void)
{
    return keel_atom_text("Elixir.PartitionSupervisor");
}

static void install(void)
{
    if (keel_via_register(via_module(), &via) != KEEL_OK) {
        kl_log(KL_LOG_ERROR, "partition supervisors cannot be named: no memory");
    }
}

static bool is_via(keel_term name)
{
    return keel_tuple_size(name) == 3 && keel_is(keel_element(name, 0), via);
}

// KEEL_NONE, or what is wrong.
static keel_term wrong_option(const keel_child_spec *child, const keel_partition_opts *opts)
{
    struct kl_child_spec spec;
    if (opts == NULL) {
        return keel_tuple_of(keel_atom(name), keel_atom(undefined));
    }
    bool named = keel_is_atom(opts->name) || is_via(opts->name);
    if (!named) {
        return keel_tuple_of(keel_atom(name),
                keel_is_none(opts->name) ? keel_atom(undefined) : opts->name);
    }
    if (opts->partitions < 0) {
        return keel_tuple_of(keel_atom(partitions), keel_int(opts->partitions));
    }
    if (child == NULL) {
        return keel_tuple_of(keel_atom(child_spec), keel_atom(undefined));
    }
    keel_child_spec any_id = *child;
    any_id.id = keel_is_none(child->id) ? keel_int(0) : child->id;
    keel_term why = kl_child_spec_parse(
            kl_child_spec_of_c(&any_id), KEEL_NEVER_SHUTDOWN, &spec);
    return keel_is_none(why) ? KEEL_NONE : keel_tuple_of(keel_atom(child_spec), why);
}

// What each partition is started with, as the caller says it, now and for all restarts:
// a list, or {Number} of the one for which it says nothing that could be used.
static keel_term arguments_of(
        const struct kl_child_spec *spec, const keel_partition_opts *opts, int count)
{
    keel_term own = kl_child_argument(spec);
    bool by_name = spec->start == NULL && spec->start_module == NULL;
    keel_term arguments = keel_nil();
    for (int i = 0; i < count; i++) {
        keel_term argument = opts->with_arguments == NULL ? own
                                                          : opts->with_arguments(own, i);
        size_t length;
        if (keel_is_none(argument) || (by_name && !keel_list_length(argument, &length))) {
            return keel_tuple_of(keel_int(i));
        }
        arguments = keel_cons(argument, arguments);
    }
    return keel_list_reverse(arguments);
}

// {Spec, Partitions, Arguments, Flags}; or {error, Why}.
static keel_term plan_of(const keel_child_spec *child, const keel_partition_opts *opts)
{
    keel_term why = wrong_option(child, opts);
    if (!keel_is_none(why)) {
        return keel_tuple_of(keel_atom(error), why);
    }
    keel_runtime_view runtime;
    keel_inspect_runtime(&runtime);
    int usual = runtime.workers > 0 ? (int)runtime.workers : 1;
    int count = opts->partitions == 0 ? usual : opts->partitions;
    keel_child_spec any_id = *child;
    any_id.id = keel_is_none(child->id) ? keel_int(0) : child->id;
    keel_term spec_term = keel_child_spec_to_term(&any_id);
    struct kl_child_spec spec = kl_child_spec_read(spec_term);
    keel_term arguments = arguments_of(&spec, opts, count);
    if (!keel_is_list(arguments)) {
        return keel_make("{error, {with_arguments, I}}", keel_element(arguments, 0));
    }
    const keel_supervisor_opts flags = {.strategy = opts->strategy,
            .intensity = opts->intensity,
            .period = opts->period};
    return keel_tuple_of(
            spec_term, keel_int(count), arguments, kl_supervisor_flags_of_c(&flags));
}

static bool is_error(keel_term plan)
{
    return keel_is(keel_element(plan, 0), error);
}

static void make_known(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

static keel_started start(keel_term plan, keel_term name)
{
    make_known();
    return keel_supervisor_start_link_module(&module, plan, .name = name);
}

keel_started keel_partition_supervisor_start_link_opt(
        const keel_child_spec *child, const keel_partition_opts *opts)
{
    keel_term plan = plan_of(child, opts);
    if (is_error(plan)) {
        return (keel_started){.status = KEEL_E_BADARG, .reason = keel_element(plan, 1)};
    }
    return start(plan, opts->name);
}

// The start function of keel_child_partition_supervisor: {Plan, Name}, or {error, Why}.
static keel_started start_child(keel_term plan_and_name)
{
    if (is_error(plan_and_name)) {
        return keel_started_failed(keel_element(plan_and_name, 1));
    }
    return start(keel_element(plan_and_name, 0), keel_element(plan_and_name, 1));
}

keel_child_spec keel_partition_supervisor_spec(
        const keel_child_spec *child, const keel_partition_opts *opts)
{
    keel_term plan = plan_of(child, opts);
    return (keel_child_spec){
            .id = opts == NULL         ? KEEL_NONE
                  : is_via(opts->name) ? keel_element(opts->name, 2)
                                       : opts->name,
            .start = start_child,
            .argument = is_error(plan) ? plan : keel_tuple_of(plan, opts->name),
            .type = KEEL_SUPERVISOR,
            .modules = keel_list_of(keel_atom(partition_supervisor)),
    };
}

keel_term keel_partition_term(keel_term supervisor, keel_term key)
{
    make_known(); // a name may be used before any supervisor was started
    return keel_tuple_of(keel_atom(via), via_module(), keel_tuple_of(supervisor, key));
}

// --- the table ---

static struct table *table_of(keel_pid supervisor)
{
    return supervisor.word == 0 ? NULL : kl_hash_get(&tables, supervisor.word);
}

static void release(void *context)
{
    struct table *table = context;
    kl_lock_take(&lock);
    kl_hash_remove(&tables, table->supervisor.word);
    if (tables.count == 0) {
        kl_hash_done(&tables);
    }
    kl_lock_give(&lock);
    kl_free(table, sizeof *table + (size_t)table->most * sizeof table->pids[0]);
}

// A code change calls init again: the table stays then.
static bool make_table(int most)
{
    kl_lock_take(&lock);
    struct table *table = table_of(keel_self());
    kl_lock_give(&lock);
    if (table != NULL) {
        return true;
    }
    table = kl_alloc(sizeof *table + (size_t)most * sizeof table->pids[0]);
    if (table == NULL) {
        return false;
    }
    *table = (struct table){.supervisor = keel_self(), .count = most, .most = most};
    for (int i = 0; i < most; i++) {
        table->pids[i] = (keel_pid){0};
    }
    kl_lock_take(&lock);
    bool done = kl_hash_put(&tables, table->supervisor.word, table);
    kl_lock_give(&lock);
    if (!done || keel_defer(release, table) != KEEL_OK) {
        kl_free(table, sizeof *table + (size_t)most * sizeof table->pids[0]);
        return false;
    }
    return true;
}

// --- in the supervisor ---

static keel_term init(keel_term plan)
{
    int most = (int)keel_to_int(keel_element(plan, 1));
    keel_term spec = keel_element(plan, 0);
    keel_term arguments = keel_list_reverse(keel_element(plan, 2));
    keel_term specs = keel_nil();
    if (!make_table(most)) {
        keel_exit(keel_atom(system_limit));
    }
    const keel_child_spec native = {.id = keel_atom(partition), .start = start_partition};
    keel_term own = keel_child_spec_to_term(&native);
    keel_term entry = keel_atom_text("$start");
    for (int i = most - 1; i >= 0; i--) {
        keel_term start = keel_make(
                "{partition_supervisor, start_child, [{I, Spec, Argument}]}", i, spec,
                keel_head(arguments));
        arguments = keel_tail(arguments);
        keel_term child = keel_map_put(spec, keel_atom(id), keel_int(i));
        child = keel_map_put(child, keel_atom(start), start);
        child = keel_map_put(child, entry, keel_map_get(own, entry));
        specs = keel_cons(child, specs);
    }
    return keel_make("{ok, {Flags, Specs}}", keel_element(plan, 3), specs);
}

// {Index, Spec, Argument}
static keel_started start_partition(keel_term plan)
{
    int index = (int)keel_to_int(keel_element(plan, 0));
    struct kl_child_spec spec = kl_child_spec_read(keel_element(plan, 1));
    keel_started started = kl_child_run_start(&spec, keel_element(plan, 2));
    kl_lock_take(&lock);
    table_of(keel_self())->pids[index] = started.status == KEEL_OK ? started.pid
                                                                   : (keel_pid){0};
    kl_lock_give(&lock);
    return started;
}

// --- routing ---

// The remainder of a big integer's magnitude, by its external form: a head that tells the
// size in one byte or four, the sign, and the bytes from the least significant on.
static int remainder_of(keel_term big, int count)
{
    enum { SMALL_BIG = 110, SMALL_HEAD = 3, LARGE_HEAD = 6 };
    keel_term encoded;
    if (keel_etf_encode(big, &(const keel_etf_opts){.no_version = true}, &encoded) !=
            KEEL_OK) {
        keel_exit(keel_atom(system_limit));
    }
    keel_bytes bytes = keel_to_bytes(encoded);
    const uint8_t *first = bytes.data;
    first += *first == SMALL_BIG ? SMALL_HEAD : LARGE_HEAD;
    uint64_t rest = 0;
    for (const uint8_t *at = (const uint8_t *)bytes.data + bytes.size; at > first;) {
        rest = (rest << 8 | *--at) % (uint64_t)count;
    }
    return (int)rest;
}

static int partition_of(keel_term key, int count)
{
    int64_t number;
    if (keel_get_int(key, &number)) {
        uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
        return (int)(size % (uint64_t)count);
    }
    return keel_is_int(key) ? remainder_of(key, count)
                            : (int)keel_phash2(key, (uint64_t)count);
}

static keel_pid whereis(keel_term name_and_key)
{
    keel_pid pid = {0};
    keel_term name = keel_element(name_and_key, 0);
    keel_term key = keel_element(name_and_key, 1);
    if (keel_is_none(key)) {
        return pid;
    }
    keel_pid supervisor = keel_to_pid(keel_server_whereis_term(name));
    kl_lock_take(&lock);
    const struct table *table = table_of(supervisor);
    int count = table == NULL ? 0 : table->count;
    kl_lock_give(&lock);
    if (count == 0) {
        return pid;
    }
    int index = partition_of(key, count); // it may have been resized meanwhile
    kl_lock_take(&lock);
    table = table_of(supervisor);
    pid = table == NULL ? pid : table->pids[index];
    kl_lock_give(&lock);
    return pid;
}

// Partitions have the names they have.
static bool register_name(keel_term key, keel_pid pid)
{
    (void)key;
    (void)pid;
    return false;
}

static void unregister_name(keel_term key)
{
    (void)key;
}

// --- size ---

static bool look(keel_term supervisor, keel_pid *ret_pid, int *ret_count, int *ret_most)
{
    *ret_pid = keel_to_pid(keel_server_whereis_term(supervisor));
    kl_lock_take(&lock);
    const struct table *table = table_of(*ret_pid);
    if (table != NULL) {
        *ret_count = table->count;
        *ret_most = table->most;
    }
    kl_lock_give(&lock);
    return table != NULL;
}

static void set_count(keel_pid supervisor, int count)
{
    kl_lock_take(&lock);
    struct table *table = table_of(supervisor);
    if (table != NULL) {
        table->count = count;
    }
    kl_lock_give(&lock);
}

keel_status keel_partition_supervisor_partitions_term(keel_term supervisor, int *ret_count)
{
    keel_pid pid;
    int most;
    return look(supervisor, &pid, ret_count, &most) ? KEEL_OK : KEEL_E_NOPROC;
}

// Whoever changes the size does so alone. Takes the place of `last`, who has ended or is
// nobody, and gives nobody; or gives who else is at it.
static keel_pid take_turn(keel_pid supervisor, keel_pid last)
{
    keel_pid other = {0};
    kl_lock_take(&lock);
    struct table *table = table_of(supervisor);
    bool taken = table != NULL && table->resizer.word != 0;
    if (taken && table->resizer.word != last.word) {
        other = table->resizer;
    } else if (table != NULL) {
        table->resizer = keel_self();
    }
    kl_lock_give(&lock);
    return other;
}

static void end_turn(keel_pid supervisor)
{
    kl_lock_take(&lock);
    struct table *table = table_of(supervisor);
    if (table != NULL) {
        table->resizer = (keel_pid){0};
    }
    kl_lock_give(&lock);
}

// Each step of the other's is a question to the supervisor: the answer to one of our own
// comes when that is done.
static keel_status await_turn(keel_pid supervisor)
{
    keel_status status = KEEL_OK;
    keel_pid last = {0};
    keel_pid other = take_turn(supervisor, last);
    while (status == KEEL_OK && other.word != 0) {
        keel_child_counts counts;
        status = keel_supervisor_count_children(supervisor, &counts);
        last = keel_process_alive(other) ? (keel_pid){0} : other;
        other = take_turn(supervisor, last);
    }
    return status;
}

// Those that go are out of use before they end, those that come in use when all of them
// run.
static keel_status change_size(keel_pid supervisor, int before, int count)
{
    keel_status status = KEEL_OK;
    if (count < before) {
        set_count(supervisor, count);
    }
    for (int i = before - 1; i >= count && status == KEEL_OK; i--) {
        status = keel_supervisor_terminate_child(supervisor, keel_int(i), NULL);
    }
    for (int i = before; i < count && status == KEEL_OK; i++) {
        keel_started started = keel_supervisor_restart_child(supervisor, keel_int(i));
        bool runs = keel_is(started.reason, running);
        status = started.status == KEEL_E_IGNORED || runs ? KEEL_OK : started.status;
    }
    if (count > before && status == KEEL_OK) {
        set_count(supervisor, count);
    }
    return status;
}

keel_status keel_partition_supervisor_resize_term(
        keel_term supervisor, int count, int *ret_previous)
{
    keel_pid pid;
    int before = 0;
    int most = 0;
    if (!look(supervisor, &pid, &before, &most)) {
        return KEEL_E_NOPROC;
    }
    if (count < 0 || count > most) {
        return KEEL_E_BADARG;
    }
    keel_status status = await_turn(pid);
    if (status != KEEL_OK) {
        return status;
    }
    bool still = look(supervisor, &pid, &before, &most);
    status = still ? change_size(pid, before, count) : KEEL_E_NOPROC;
    end_turn(pid);
    if (status == KEEL_OK && ret_previous != NULL) {
        *ret_previous = before;
    }
    return status;
}
