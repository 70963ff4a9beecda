#include "global.h"
#include "base/base.h"
#include "global_locks.h"
#include "global_names.h"
#include "term/term.h"
#include <string.h>

// The process `global_name_server`. Its requests are those of OTP's, so that other nodes
// can lock here; {name, …} is our own.

struct tables {
    struct kl_global_names names;
    struct kl_global_locks locks;
};

struct server {
    struct tables *tables;
    int64_t changes;
};

enum { PROTOCOL_VERSION = 8 };

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_cast(keel_term request, void *state);
static keel_result handle_info(keel_term message, void *state);

static const keel_gen_server name_server = {
        .name = "global_name_server",
        .state = KEEL_STATE(struct server, changes),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
};

static bool take_name(keel_term name, keel_pid pid)
{
    return keel_global_register(name, pid) == KEEL_OK;
}

static void give_name(keel_term name)
{
    keel_global_unregister(name);
}

static const keel_via_ops names_of_servers = {
        .whereis = keel_global_whereis,
        .register_name = take_name,
        .unregister_name = give_name,
        .send = keel_global_send,
};

keel_status keel_global_start(void)
{
    keel_started started = keel_gen_server_start(
            &name_server, KEEL_NONE, .name = keel_atom(global_name_server));
    if (started.status != KEEL_OK && started.status != KEEL_E_TAKEN) {
        return started.status;
    }
    return keel_via_register(keel_atom(global), &names_of_servers);
}

keel_status kl_global_ask(keel_term request, keel_term *ret_reply)
{
    return keel_gen_call(keel_atom(global_name_server), request, KEEL_NEVER, ret_reply);
}

// --- names, for who asks ---

// {name, What, Name, Pid}. While somebody holds the lock on `global`, names stay as they
// are.
static keel_status change_name(keel_term what, keel_term name, keel_term pid)
{
    for (int times = 0;; times++) {
        keel_scope scope = keel_scope_open();
        keel_term reply;
        keel_status status = kl_global_ask(
                keel_make("{name, What, Name, Pid}", what, name, pid), &reply);
        bool locked = status == KEEL_OK && keel_is(reply, locked);
        if (status == KEEL_OK && keel_is(reply, no)) {
            status = KEEL_E_TAKEN;
        }
        keel_scope_close(&scope);
        if (!locked) {
            return status;
        }
        kl_global_pause(times);
    }
}

keel_status keel_global_register(keel_term name, keel_pid pid)
{
    return pid.word == 0 ? KEEL_E_BADARG
                         : change_name(keel_atom(register), name, keel_from_pid(pid));
}

keel_status keel_global_re_register(keel_term name, keel_pid pid)
{
    return pid.word == 0 ? KEEL_E_BADARG
                         : change_name(keel_atom(re_register), name, keel_from_pid(pid));
}

keel_status keel_global_unregister(keel_term name)
{
    return change_name(keel_atom(unregister), name, keel_atom(undefined));
}

keel_pid keel_global_whereis(keel_term name)
{
    keel_term reply;
    if (kl_global_ask(keel_make("{whereis, Name}", name), &reply) != KEEL_OK ||
            !keel_is_pid(reply)) {
        return (keel_pid){0};
    }
    return keel_to_pid(reply);
}

keel_term keel_global_registered(void)
{
    keel_term names;
    return kl_global_ask(keel_atom(registered_names), &names) == KEEL_OK ? names
                                                                         : keel_nil();
}

keel_status keel_global_send(keel_term name, keel_term message)
{
    keel_pid pid = keel_global_whereis(name);
    return pid.word == 0 ? KEEL_E_BADARG : keel_send(pid, message);
}

keel_pid keel_global_send_or_exit(keel_term name, keel_term message)
{
    keel_pid pid = keel_global_whereis(name);
    if (pid.word == 0) {
        keel_exit(keel_make("{badarg, {Name, Message}}", name, message));
    }
    keel_send(pid, message);
    return pid;
}

// --- the server ---

static void release(void *context)
{
    struct tables *tables = context;
    kl_global_names_done(&tables->names);
    kl_global_locks_done(&tables->locks);
}

static keel_result init(keel_term argument, void *state)
{
    (void)argument;
    struct server *server = state;
    server->tables = keel_alloc(sizeof *server->tables);
    *server->tables = (struct tables){0};
    return keel_defer(release, server->tables) == KEEL_OK
                   ? keel_ok()
                   : keel_stop_with(keel_atom(system_limit));
}

// Who has the name; `undefined` also when it has ended and we have not heard of it yet.
static keel_term whereis(struct server *server, keel_term name)
{
    const struct kl_global_name *found = kl_global_names_find(&server->tables->names, name);
    if (!found) {
        return keel_atom(undefined);
    }
    keel_pid pid = keel_to_pid(found->pid);
    bool gone = kl_pid_is_local(pid) && !keel_process_alive(pid);
    return gone ? keel_atom(undefined) : keel_copy(found->pid);
}

static void remove_name(struct server *server, keel_term name)
{
    keel_ref monitor = kl_global_names_remove(&server->tables->names, name);
    if (monitor.word != 0) {
        keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH);
    }
    server->changes++;
}

static keel_term insert_name(struct server *server, keel_term name, keel_term pid)
{
    remove_name(server, name);
    keel_ref monitor = keel_monitor(keel_to_pid(pid));
    if (!kl_global_names_add(&server->tables->names, name, pid, monitor)) {
        keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH);
        return keel_atom(no);
    }
    return keel_atom(yes);
}

static keel_term register_name(struct server *server, keel_term name, keel_term pid)
{
    if (!keel_is(whereis(server, name), undefined)) {
        return keel_atom(no);
    }
    if (kl_global_names_has(&server->tables->names, pid)) {
        kl_log(KL_LOG_WARNING, "global: %s has a name already and does not get another one",
                keel_show(pid));
        return keel_atom(no);
    }
    return insert_name(server, name, pid);
}

static keel_result change(
        struct server *server, const char *what, keel_term name, keel_term pid)
{
    if (kl_global_locks_find(&server->tables->locks, keel_atom(global))) {
        return keel_reply(keel_atom(locked));
    }
    if (strcmp(what, "unregister") == 0) {
        remove_name(server, name);
        return keel_reply(keel_atom(ok));
    }
    if (!keel_is_pid(pid)) {
        return keel_reply(keel_atom(no));
    }
    if (strcmp(what, "register") == 0) {
        return keel_reply(register_name(server, name, pid));
    }
    return keel_reply(insert_name(server, name, pid));
}

static keel_term lock(
        struct server *server, keel_term resource, keel_term requester, keel_pid holder)
{
    struct kl_global_locks *locks = &server->tables->locks;
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
        keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH);
    }
    return keel_bool(added);
}

static void unlock(
        struct server *server, keel_term resource, keel_term requester, keel_pid holder)
{
    keel_ref monitor = kl_global_locks_remove(
            &server->tables->locks, resource, requester, keel_from_pid(holder));
    if (monitor.word != 0) {
        keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH);
    }
}

// What other nodes ask of a name server of OTP.
static keel_result handle_question(keel_term request)
{
    if (keel_is(request, get_known) || keel_is(request, get_synced) ||
            keel_is(request, get_names_ext)) {
        return keel_reply(keel_nil());
    }
    if (keel_is(request, get_protocol_version)) {
        return keel_reply(keel_int(PROTOCOL_VERSION));
    }
    return keel_noreply(); // OTP's says nothing to what it does not know, either
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct server *server = state;
    keel_term name, pid, resource, requester;
    const char *what;
    if (keel_match(request, "{whereis, Name}", &name)) {
        return keel_reply(whereis(server, name));
    }
    if (keel_match(request, "{name, What, Name, Pid}", &what, &name, &pid)) {
        return change(server, what, name, pid);
    }
    if (keel_match(request, "{set_lock, {Resource, Requester}}", &resource, &requester)) {
        return keel_reply(lock(server, resource, requester, from.pid));
    }
    if (keel_match(request, "{del_lock, {Resource, Requester}}", &resource, &requester)) {
        unlock(server, resource, requester, from.pid);
        return keel_reply(keel_atom(true));
    }
    if (keel_is(request, registered_names)) {
        return keel_reply(kl_global_names_list(&server->tables->names));
    }
    return handle_question(request);
}

static keel_result handle_cast(keel_term request, void *state)
{
    (void)request;
    (void)state;
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct server *server = state;
    keel_ref monitor;
    if (keel_match(message, "{'DOWN', Ref, process, _, _}", &monitor) &&
            !kl_global_names_remove_by(&server->tables->names, monitor)) {
        kl_global_locks_remove_by(&server->tables->locks, monitor);
    }
    return keel_noreply();
}
