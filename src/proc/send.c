// Sending to whatever a destination may be.

#include "proc.h"
#include "process.h"

const struct kl_route_ops *kl_route;

static keel_status send_local(keel_pid to, keel_term message)
{
    struct kl_envelope *envelope = kl_envelope_new(KL_MESSAGE, message);
    if (envelope == NULL) {
        return KEEL_E_NOMEM;
    }
    keel_status status = kl_deliver_message(to, envelope);
    return status == KEEL_E_NOPROC ? KEEL_OK : status;
}

static keel_status send_remote(keel_term to, keel_term message, bool nosuspend)
{
    return kl_route == NULL ? KEEL_OK : kl_route->send(keel_self(), to, message, nosuspend);
}

static keel_status send_alias(keel_ref alias, keel_term message, bool first)
{
    if (!kl_ref_is_local(alias)) {
        return send_remote(keel_from_ref(alias), message, false);
    }
    struct kl_envelope *envelope = kl_envelope_new(KL_ALIAS_MESSAGE, message);
    if (envelope == NULL) {
        return KEEL_E_NOMEM;
    }
    kl_alias_send(alias, envelope, first);
    return KEEL_OK;
}

static keel_status send_other(keel_term to, keel_term message, bool nosuspend, bool first)
{
    if (keel_is_atom(to)) {
        keel_pid pid = keel_whereis_term(to);
        return pid.word == 0 ? KEEL_E_BADARG : send_local(pid, message);
    }
    if (keel_is_pid(to)) {
        return send_remote(to, message, nosuspend);
    }
    if (keel_is_ref(to)) {
        return send_alias(keel_to_ref(to), message, first);
    }
    if (keel_tuple_size(to) == 2 && keel_is_atom(keel_element(to, 0)) &&
            keel_is_atom(keel_element(to, 1))) {
        if (keel_element(to, 1).word != kl_node_name().word) {
            return send_remote(to, message, nosuspend);
        }
        keel_pid pid = keel_whereis_term(keel_element(to, 0));
        return pid.word == 0 ? KEEL_OK : send_local(pid, message);
    }
    return KEEL_E_BADARG;
}

static keel_status send(keel_term to, keel_term message, bool nosuspend, bool first)
{
    if (keel_is_none(message)) {
        return KEEL_E_BADARG;
    }
    if (!kl_runtime.running) {
        return KEEL_E_STOPPED;
    }
    kl_observable();
    keel_pid pid = {to.word};
    keel_status status = kl_pid_is_local(pid) ? send_local(pid, message)
                                              : send_other(to, message, nosuspend, first);
    struct kl_process *self = kl_process_current();
    if (self != NULL) {
        kl_step(self);
    }
    return status;
}

keel_status keel_send_term(keel_term to, keel_term message)
{
    return send(to, message, false, false);
}

keel_status keel_send_nosuspend(keel_term to, keel_term message)
{
    return send(to, message, true, false);
}

keel_status keel_send_priority(keel_term to, keel_term message)
{
    return send(to, message, false, true);
}

// To those of them that are processes of this node, whose number is `locals`. Nothing in
// it gives way, so that nobody can end the caller before it has given back what is left.
static keel_status broadcast_here(
        const keel_pid *pids, size_t count, size_t locals, keel_term message)
{
    enum { AHEAD = 4 };
    struct kl_shared_body *shared = NULL;
    if (!kl_is_immediate(message)) {
        shared = kl_shared_body_new(message, locals);
        if (shared == NULL) {
            return KEEL_E_NOMEM;
        }
    }
    keel_status status = KEEL_OK;
    for (size_t i = 0; i < count && locals > 0; i++) {
        if (!kl_pid_is_local(pids[i])) {
            continue;
        }
        if (i + AHEAD < count) {
            // Each is another record, which its process has written last.
            __builtin_prefetch(kl_table_at(kl_pid_slot(pids[i + AHEAD])));
        }
        struct kl_envelope *envelope = shared == NULL
                                               ? kl_envelope_new(KL_MESSAGE, message)
                                               : kl_envelope_new_shared(KL_MESSAGE, shared);
        if (envelope == NULL) {
            status = KEEL_E_NOMEM;
            break;
        }
        locals--;
        kl_deliver_message(pids[i], envelope); // what a mailbox refuses is counted there
    }
    if (shared != NULL) {
        kl_shared_body_give_back(shared, locals);
    }
    return status;
}

keel_status keel_broadcast(const keel_pid *pids, size_t count, keel_term message)
{
    if (keel_is_none(message) || (pids == NULL && count > 0)) {
        return KEEL_E_BADARG;
    }
    if (!kl_runtime.running) {
        return KEEL_E_STOPPED;
    }
    size_t locals = 0;
    for (size_t i = 0; i < count; i++) {
        locals += kl_pid_is_local(pids[i]);
    }
    keel_status status = KEEL_OK;
    if (locals > 0) {
        status = broadcast_here(pids, count, locals, message);
    }
    for (size_t i = 0; i < count && locals < count && status == KEEL_OK; i++) {
        if (!kl_pid_is_local(pids[i])) {
            keel_term to = keel_from_pid(pids[i]);
            status = keel_is_pid(to) ? send_remote(to, message, false) : KEEL_E_BADARG;
        }
    }
    struct kl_process *self = kl_process_current();
    if (self != NULL) {
        kl_step(self);
    }
    return status;
}

bool keel_gen_bare_state(keel_term process)
{
    struct kl_remote_pid remote = {.node = KEEL_NONE};
    if (keel_tuple_size(process) == 2) {
        remote.node = keel_element(process, 1);
    } else if (!kl_pid_remote(keel_to_pid(process), &remote)) {
        return false;
    }
    return kl_route != NULL && keel_is_atom(remote.node) &&
           remote.node.word != kl_node_name().word && kl_route->bare_state(remote.node);
}

keel_term keel_to_of_name(const char *name)
{
    keel_term atom = KEEL_NONE;
    if (name == NULL ||
            keel_atom_existing(name, __builtin_strlen(name), &atom) != KEEL_OK) {
        return KL_ATOM(undefined); // nobody can have that name
    }
    return atom;
}
