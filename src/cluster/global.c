#include "global.h"
#include "global_resolve.h"
#include "global_through.h"
#include "term/term.h"

// Global names, for who asks; and what the parts of it share.

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
            &kl_global_server, KEEL_NONE, .name = keel_atom(global_name_server));
    if (started.status != KEEL_OK && started.status != KEEL_E_TAKEN) {
        return started.status;
    }
    keel_status status = kl_global_resolve_allow();
    return status == KEEL_OK ? keel_via_register(keel_atom(global), &names_of_servers)
                             : status;
}

keel_status kl_global_ask(keel_term request, keel_term *ret_reply)
{
    return keel_gen_call(keel_atom(global_name_server), request, KEEL_NEVER, ret_reply);
}

static keel_status change_elsewhere(const char *function, keel_term arguments)
{
    keel_term reply = kl_global_call_there(function, arguments);
    return keel_is_none(reply)  ? KEEL_E_NODEDOWN
           : keel_is(reply, no) ? KEEL_E_TAKEN
                                : KEEL_OK;
}

// The registrar answers, once this node and those it knows have changed.
static keel_status change_name(
        keel_term what, keel_term name, keel_term pid, keel_term method)
{
    keel_scope scope = keel_scope_open();
    keel_term reply;
    keel_status status = kl_global_ask(
            keel_make("{keel, change, What, Name, Pid, Method}", what, name, pid, method),
            &reply);
    if (status == KEEL_OK && keel_is(reply, no)) {
        status = KEEL_E_TAKEN;
    }
    keel_scope_close(&scope);
    return status;
}

static keel_status register_elsewhere(
        keel_term what, keel_term name, keel_pid pid, keel_global_resolver resolver)
{
    keel_scope scope = keel_scope_open();
    keel_term method = kl_global_otp_method_of(resolver);
    keel_status status = KEEL_E_BADARG;
    if (!keel_is_none(method)) {
        status = change_elsewhere(
                keel_is(what, register) ? "register_name" : "re_register_name",
                keel_list_of(name, keel_from_pid(pid), method));
    }
    keel_scope_close(&scope);
    return status;
}

static keel_status register_name(
        keel_term what, keel_term name, keel_pid pid, keel_global_resolver resolver)
{
    if (!keel_is_pid(keel_from_pid(pid)) || keel_is_none(name)) {
        return KEEL_E_BADARG;
    }
    if (kl_global_elsewhere()) {
        return register_elsewhere(what, name, pid, resolver);
    }
    keel_term method = kl_global_method_of(resolver);
    return keel_is_none(method) ? KEEL_E_NOMEM
                                : change_name(what, name, keel_from_pid(pid), method);
}

keel_status keel_global_register(keel_term name, keel_pid pid)
{
    return register_name(keel_atom(register), name, pid, NULL);
}

keel_status keel_global_register_with(
        keel_term name, keel_pid pid, keel_global_resolver resolver)
{
    return register_name(keel_atom(register), name, pid, resolver);
}

keel_status keel_global_re_register(keel_term name, keel_pid pid)
{
    return register_name(keel_atom(re_register), name, pid, NULL);
}

keel_status keel_global_re_register_with(
        keel_term name, keel_pid pid, keel_global_resolver resolver)
{
    return register_name(keel_atom(re_register), name, pid, resolver);
}

keel_status keel_global_unregister(keel_term name)
{
    if (kl_global_elsewhere()) {
        keel_scope scope = keel_scope_open();
        keel_status status = change_elsewhere("unregister_name", keel_list_of(name));
        keel_scope_close(&scope);
        return status;
    }
    return change_name(keel_atom(unregister), name, keel_nil(), keel_nil());
}

keel_status keel_global_sync(void)
{
    if (kl_global_elsewhere()) {
        return change_elsewhere("sync", keel_nil());
    }
    keel_term reply;
    return kl_global_ask(
            keel_make("{sync, Nodes}", keel_node_list(KEEL_NODES_VISIBLE)), &reply);
}

keel_pid keel_global_whereis(keel_term name)
{
    keel_term reply;
    if (kl_global_elsewhere()) {
        reply = kl_global_call_there("whereis_name", keel_list_of(name));
    } else if (kl_global_ask(keel_make("{keel, whereis, Name}", name), &reply) != KEEL_OK) {
        return (keel_pid){0};
    }
    return keel_is_pid(reply) ? keel_to_pid(reply) : (keel_pid){0};
}

keel_term keel_global_registered(void)
{
    keel_term names;
    if (kl_global_elsewhere()) {
        names = kl_global_call_there("registered_names", keel_nil());
        return keel_is_none(names) ? keel_nil() : names;
    }
    return kl_global_ask(keel_make("{keel, names}"), &names) == KEEL_OK ? names
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

// --- shared ---

keel_term kl_global_server_on(keel_term node)
{
    keel_term server = keel_atom(global_name_server);
    return node.word == keel_node_self().word ? server : keel_tuple_of(server, node);
}

keel_term kl_global_boss(keel_term nodes)
{
    keel_term boss = keel_head(nodes), node;
    while (keel_list_next(&nodes, &node)) {
        boss = keel_compare(node, boss) > 0 ? node : boss;
    }
    return boss;
}

keel_term kl_global_without(keel_term list, keel_term item)
{
    keel_term rest = keel_nil(), other;
    while (keel_list_next(&list, &other)) {
        rest = keel_equal(other, item) ? rest : keel_cons(other, rest);
    }
    return rest;
}

keel_term kl_global_node_of(keel_term pid)
{
    struct kl_remote_pid remote;
    return kl_pid_remote(keel_to_pid(pid), &remote) ? remote.node : keel_node_self();
}

void kl_global_unlock_all(keel_term id, keel_term nodes)
{
    keel_term boss = kl_global_boss(nodes);
    keel_global_unlock(id, kl_global_without(nodes, boss));
    keel_global_unlock(id, keel_list_of(boss));
}
