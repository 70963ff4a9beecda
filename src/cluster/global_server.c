#include "base/base.h"
#include "global.h"
#include "global_tables.h"
#include "node.h"

// The process `global_name_server`: names and locks of this node, and its word to others.
// Its requests are those of OTP's; {keel, …} are our own, for this node.

struct server {
    struct kl_global *global;
    int64_t changes;
};

enum { NODES = KEEL_NODES_VISIBLE | KL_NODES_LASTING };

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_cast(keel_term request, void *state);
static keel_result handle_info(keel_term message, void *state);
static void terminate(keel_term reason, void *state);

const keel_gen_server kl_global_server = {
        .name = "global_name_server",
        .state = KEEL_STATE(struct server, changes),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
        .terminate = terminate,
};

static void release(void *context)
{
    struct kl_global *global = context;
    kl_watchers_remove(keel_self(), KEEL_NONE, NODES, false);
    kl_global_names_done(&global->names);
    kl_global_locks_done(&global->locks);
}

static keel_result init(keel_term argument, void *state)
{
    (void)argument;
    struct server *server = state;
    struct kl_global *global = keel_alloc(sizeof *global);
    *global = (struct kl_global){
            .last_tag = (int64_t)(keel_random() >>
                                  16), // no tag of a server before this one
            .creation = (int64_t)(keel_random() >> 8)};
    server->global = global;
    if (keel_defer(release, global) != KEEL_OK ||
            kl_watchers_add(keel_self(), KEEL_NONE, NODES, false) != KEEL_OK) {
        return keel_stop_with(keel_atom(system_limit));
    }
    global->locker = keel_spawn_link(kl_global_locker, keel_nil());
    global->registrar = keel_spawn_link(kl_global_registrar, keel_nil());
    keel_term nodes = keel_node_list(KEEL_NODES_VISIBLE), node;
    while (keel_list_next(&nodes, &node)) {
        kl_global_nodeup(global, node);
    }
    return keel_ok();
}

static void end(keel_pid helper)
{
    keel_unlink(helper);
    keel_process_exit(helper, keel_atom(kill));
}

// A normal end does not end those linked to it.
static void terminate(keel_term reason, void *state)
{
    (void)reason;
    const struct server *server = state;
    end(server->global->locker);
    end(server->global->registrar);
}

// --- names ---

// Who has the name; `undefined` also when it has ended and we have not heard of it yet.
static keel_term whereis(struct kl_global *global, keel_term name)
{
    const struct kl_global_name *found = kl_global_names_find(&global->names, name);
    if (!found) {
        return keel_atom(undefined);
    }
    keel_pid pid = keel_to_pid(found->pid);
    bool gone = kl_pid_is_local(pid) && !keel_process_alive(pid);
    return gone ? keel_atom(undefined) : keel_copy(found->pid);
}

static void forget_monitor(keel_ref monitor)
{
    if (monitor.word != 0) {
        keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH);
    }
}

void kl_global_delete(struct kl_global *global, keel_term name)
{
    forget_monitor(kl_global_names_remove(&global->names, name));
}

// Whether who changes names still has the lock on them. One whose lock was freed since it
// died, or its node was lost, must not leave a name behind that others do not know.
static bool is_locked_for(struct kl_global *global, keel_term holder, keel_term lock_id)
{
    keel_term resource = keel_atom(global);
    const struct kl_global_lock *lock = kl_global_locks_find(&global->locks, resource);
    if (lock == NULL) {
        return !global->lock_died;
    }
    if (!keel_is_none(holder)) {
        return kl_global_locks_holds(&global->locks, resource, lock->requester, holder);
    }
    return keel_tuple_size(lock_id) == 2 &&
           keel_equal(keel_element(lock_id, 1), lock->requester);
}

void kl_global_insert(struct kl_global *global, keel_term name, keel_term pid,
        keel_term method, keel_term holder, keel_term lock_id)
{
    kl_global_delete(global, name);
    if (!is_locked_for(global, holder, lock_id)) {
        return;
    }
    keel_ref monitor = keel_monitor(keel_to_pid(pid));
    if (!kl_global_names_add(&global->names, name, pid, method, monitor)) {
        forget_monitor(monitor);
    }
}

void kl_global_change(struct kl_global *global, keel_term ops, keel_term lock_id)
{
    keel_term op, rest = ops, name, pid, method;
    while (keel_list_next(&rest, &op)) {
        if (keel_match(op, "{insert, {Name, Pid, Method}}", &name, &pid, &method) &&
                keel_is_pid(pid)) {
            kl_global_insert(global, name, pid, method, KEEL_NONE, lock_id);
        }
    }
    while (keel_list_next(&ops, &op)) {
        if (keel_match(op, "{delete, Name}", &name)) {
            kl_global_delete(global, name);
        }
    }
}

static bool may_register(struct kl_global *global, keel_term name, keel_term pid)
{
    if (!keel_is(whereis(global, name), undefined)) {
        return false;
    }
    if (kl_global_names_has(&global->names, pid)) {
        kl_log(KL_LOG_WARNING, "global: %s has a name already and does not get another one",
                keel_show(pid));
        return false;
    }
    return true;
}

// --- locks ---

static keel_term lock(
        struct kl_global *global, keel_term resource, keel_term requester, keel_pid holder)
{
    struct kl_global_locks *locks = &global->locks;
    keel_term pid = keel_from_pid(holder);
    if (!kl_global_locks_is_free(locks, resource, requester)) {
        return keel_atom(false);
    }
    if (kl_global_locks_holds(locks, resource, requester, pid)) {
        return keel_atom(true);
    }
    keel_ref monitor = keel_monitor(holder);
    bool added = kl_global_locks_add(locks, resource, requester, pid, monitor);
    if (!added) {
        forget_monitor(monitor);
    }
    return keel_bool(added);
}

static bool names_are_locked(const struct kl_global *global)
{
    return kl_global_locks_find(&global->locks, keel_atom(global)) != NULL;
}

static void unlock(
        struct kl_global *global, keel_term resource, keel_term requester, keel_pid holder)
{
    keel_ref monitor = kl_global_locks_remove(
            &global->locks, resource, requester, keel_from_pid(holder));
    forget_monitor(monitor);
    if (monitor.word != 0 && keel_is(resource, global)) {
        global->lock_died = false;
    }
}

static void unlock_dead(struct kl_global *global, keel_ref monitor)
{
    bool locked = names_are_locked(global);
    kl_global_locks_remove_by(&global->locks, monitor);
    if (locked && !names_are_locked(global)) {
        global->lock_died = true;
    }
}

// --- requests ---

// Of processes of this node.
static keel_result handle_own(struct kl_global *global, keel_term request, keel_from from)
{
    keel_term what, name, pid, method;
    if (keel_match(request, "{keel, whereis, Name}", &name)) {
        return keel_reply(whereis(global, name));
    }
    if (keel_match(request, "{keel, change, What, Name, Pid, Method}", &what, &name, &pid,
                &method)) {
        keel_send(global->registrar,
                keel_make("{change, What, Name, Pid, Method, From}", what, name, pid,
                        method, keel_from_to_term(from)));
        return keel_noreply();
    }
    if (keel_match(request, "{keel, names}")) {
        return keel_reply(kl_global_names_list(&global->names));
    }
    if (keel_match(request, "{keel, may_register, Name, Pid}", &name, &pid)) {
        return keel_reply(keel_bool(may_register(global, name, pid)));
    }
    if (keel_match(request, "{keel, may_lock, {Resource, Requester}}", &name, &pid)) {
        return keel_reply(keel_bool(kl_global_locks_is_free(&global->locks, name, pid)));
    }
    return keel_noreply(); // OTP's says nothing to what it does not know, either
}

static keel_result handle_question(
        struct kl_global *global, keel_term request, keel_from from)
{
    keel_term nodes;
    size_t count;
    if (keel_is(request, get_known)) {
        return keel_reply(kl_global_known(global));
    }
    if (keel_is(request, get_synced)) {
        return keel_reply(kl_global_synced(global));
    }
    if (keel_is(request, get_names_ext)) {
        return keel_reply(keel_nil());
    }
    if (keel_is(request, get_protocol_version)) {
        return keel_reply(keel_int(KL_GLOBAL_VERSION));
    }
    if (keel_match(request, "{sync, Nodes}", &nodes) && keel_list_length(nodes, &count)) {
        kl_global_sync(global, from, nodes);
        return keel_noreply();
    }
    return handle_own(global, request, from);
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct server *server = state;
    struct kl_global *global = server->global;
    keel_term name, pid, method, resource, requester;
    if (keel_match(request, "{set_lock, {Resource, Requester}}", &resource, &requester)) {
        return keel_reply(lock(global, resource, requester, from.pid));
    }
    if (keel_match(request, "{del_lock, {Resource, Requester}}", &resource, &requester)) {
        unlock(global, resource, requester, from.pid);
        return keel_reply(keel_atom(true));
    }
    if (keel_match(request, "{register, Name, Pid, Method}", &name, &pid, &method) ||
            keel_match(request, "{register_ext, Name, Pid, Method, _}", &name, &pid,
                    &method)) {
        if (!keel_is_pid(pid)) {
            return keel_reply(keel_atom(no));
        }
        server->changes++;
        kl_global_insert(global, name, pid, method, keel_from_pid(from.pid), KEEL_NONE);
        return keel_reply(keel_atom(yes));
    }
    if (keel_match(request, "{unregister, Name}", &name)) {
        server->changes++;
        kl_global_delete(global, name);
        return keel_reply(keel_atom(ok));
    }
    return handle_question(global, request, from);
}

static keel_result handle_cast(keel_term request, void *state)
{
    const struct server *server = state;
    kl_global_cast(server->global, request); // what it does not know, it ignores
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    const struct server *server = state;
    keel_ref monitor;
    if (keel_match(message, "{'DOWN', Ref, process, _, _}", &monitor)) {
        if (!kl_global_names_remove_by(&server->global->names, monitor)) {
            unlock_dead(server->global, monitor);
        }
        return keel_noreply();
    }
    kl_global_info(server->global, message);
    return keel_noreply();
}
