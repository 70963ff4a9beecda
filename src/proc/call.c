// Calls: a request that somebody waits for, and whose answer goes straight to who waits.
//
// Nobody monitors anybody. Instead:
// 1. A server that ends answers every call that it still owes with its reason: those in
//    its mailbox, the one being served, and those it deferred.
// 2. A caller that stops waiting says so (KL_SETTLED), or the server would keep a deferred
//    call for ever. The server looks whether the caller still waits when it defers a call:
//    if the caller gave up before, it has cleared await_ref, and its KL_SETTLED may have
//    come already; if it gives up later, its KL_SETTLED comes later.
// 3. A caller whose answer came from another process than the server tells the server.

#include "proc.h"
#include "process.h"

keel_ref kl_call_ref(void)
{
    keel_ref ref = keel_make_ref();
    ref.word |= (uint64_t)1 << 61;
    return ref;
}

void kl_call_fail(keel_pid to, uint64_t ref, uint8_t flags, keel_term reason)
{
    struct kl_envelope *envelope = kl_envelope_new(KL_REPLY, reason);
    if (envelope != NULL) {
        envelope->ref = ref;
        envelope->flags = KL_FAILED | flags;
        kl_deliver(to, envelope);
    }
}

// An abandoned request that was not taken yet: from here on it counts as a call whose
// caller has given up, which await_ref tells.
static void settle_in_mailbox(struct kl_process *self, uint64_t ref)
{
    for (struct kl_envelope *at = self->head; at != NULL; at = at->next) {
        if (at->kind == KL_CALL && at->ref == ref) {
            at->flags &= (uint8_t)~KL_ASYNC;
            return;
        }
    }
}

void kl_call_settle(struct kl_process *self, const struct kl_envelope *settled)
{
    struct kl_relation *owed = kl_relation_find(self, settled->ref);
    if (owed != NULL && owed->kind == KL_REL_OWED) {
        kl_relation_remove(self, owed);
    } else if (self->stack != NULL &&
               kl_activation(self)->serving.tag.word == settled->ref) {
        kl_activation(self)->serving.tag.word = 0; // nothing is owed any more
    } else if ((settled->flags & KL_ASYNC) != 0) {
        settle_in_mailbox(self, settled->ref);
    }
}

void kl_call_defer(struct kl_process *self, struct kl_activation *activation)
{
    keel_from from = activation->serving;
    activation->serving = (keel_from){{0}, {0}};
    activation->serving_deadline = INT64_MAX;
    kl_call_owe(self, from, activation->serving_flags);
}

void kl_call_owe(struct kl_process *self, keel_from from, uint8_t flags)
{
    if (!kl_is_call_ref(from.tag.word)) {
        return; // from another node: its monitor tells it
    }
    struct kl_process *caller = kl_process_find(from.pid);
    if (caller == NULL) {
        return;
    }
    // See rule 2. That a caller which still waits will send its KL_SETTLED later, and that
    // one whose KL_SETTLED was taken waits no longer, is ordered by our door. A request
    // (not a call) is awaited by no await_ref; its maker settles it by itself, and if that
    // came before, the request was made a call (settle_in_mailbox).
    struct kl_relation *owed = kl_relation_add(self, from.tag.word, KL_REL_OWED, from.pid);
    if (owed == NULL) {
        return;
    }
    bool request = (flags & KL_ASYNC) != 0;
    if (!request && kl_load_relaxed(&caller->await_ref) != from.tag.word) {
        kl_relation_remove(self, owed);
    }
}

// The answer to a request that was sent with keel_gen_send_request, as a message.
static void request_answered(
        struct kl_process *self, struct kl_envelope *envelope, struct kl_relation *request)
{
    keel_scope scope = keel_scope_open();
    keel_term ref = {envelope->ref};
    keel_term message = keel_tuple_of(ref, envelope->body);
    if ((envelope->flags & KL_FAILED) != 0) {
        keel_term object = keel_is_none(request->object) ? keel_from_pid(request->pid)
                                                         : request->object;
        message = keel_tuple_of(
                KL_ATOM(DOWN), ref, KL_ATOM(process), object, envelope->body);
    }
    struct kl_envelope *arrived = kl_envelope_new(KL_MESSAGE, message);
    keel_scope_close(&scope);
    kl_relation_remove(self, request);
    kl_envelope_free(envelope);
    if (arrived != NULL) {
        kl_mailbox_append(self, arrived);
    }
}

static void tell_settled(struct kl_process *self, keel_pid server, uint64_t ref)
{
    if (kl_process_find(server) == NULL) {
        return;
    }
    struct kl_envelope *envelope = kl_envelope_new(KL_SETTLED, KEEL_NONE);
    if (envelope != NULL) {
        envelope->from = kl_process_pid(self).word;
        envelope->ref = ref;
        kl_deliver(server, envelope);
    }
}

void kl_call_reply_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    bool by_other = (envelope->flags & KL_BY_OTHER) != 0;
    if (envelope->ref == self->await_ref && self->reply == NULL) {
        kl_call_take_reply(self, envelope);
        if (by_other) {
            tell_settled(self, self->waiting_for, envelope->ref);
        }
        return;
    }
    struct kl_relation *request = kl_relation_find(self, envelope->ref);
    if (request != NULL && request->kind == KL_REL_REQUEST) {
        if (by_other) {
            tell_settled(self, request->pid, envelope->ref);
        }
        request_answered(self, envelope, request);
        return;
    }
    kl_envelope_free(envelope); // nobody waits any more
}

// --- the caller's side ---

keel_status kl_await(struct kl_process *self, keel_pid whom, enum keel_wait what,
        int64_t deadline, struct kl_envelope **ret_reply)
{
    kl_store_relaxed(&self->waiting_for.word, whom.word);
    bool in_time = true;
    while (self->reply == NULL && in_time) {
        in_time = kl_wait(self, what, &deadline);
    }
    struct kl_envelope *reply = self->reply;
    self->reply = NULL;
    kl_store_relaxed(&self->waiting_for.word, (uint64_t)0);
    kl_store_relaxed(&self->await_ref, 0);
    *ret_reply = reply;
    return reply == NULL ? KEEL_E_TIMEOUT : KEEL_OK;
}

// Whom a call goes to on this node; none with KEEL_OK: another node's.
static keel_status find_server(keel_term to, keel_pid *ret_pid, bool *ret_remote)
{
    *ret_remote = false;
    ret_pid->word = 0;
    if (keel_is_pid(to)) {
        *ret_pid = keel_to_pid(to);
        *ret_remote = !kl_pid_is_local(*ret_pid);
        return KEEL_OK;
    }
    keel_term name = to;
    if (keel_tuple_size(to) == 2 && keel_is_atom(keel_element(to, 0)) &&
            keel_is_atom(keel_element(to, 1))) {
        name = keel_element(to, 0);
        if (keel_element(to, 1).word != kl_node_name().word) {
            *ret_remote = true;
            return KEEL_OK;
        }
    }
    if (!keel_is_atom(name)) {
        return KEEL_E_BADARG;
    }
    *ret_pid = keel_whereis_term(name);
    return ret_pid->word == 0 ? KEEL_E_NOPROC : KEEL_OK;
}

static keel_status finish_call(
        struct kl_process *self, struct kl_envelope *reply, keel_term *ret_reply)
{
    uint8_t flags = reply->flags;
    if ((flags & KL_NOPROC) != 0) {
        kl_envelope_free(reply);
        return KEEL_E_NOPROC;
    }
    *ret_reply = kl_envelope_open(reply, &kl_activation(self)->heap);
    return (flags & KL_FAILED) != 0 ? KEEL_E_EXIT : KEEL_OK;
}

static keel_status call_local(struct kl_process *self, enum kl_envelope_kind kind,
        keel_pid server, keel_term request, int64_t deadline, keel_term *ret_reply)
{
    struct kl_activation *activation = kl_activation(self);
    if (activation->serving_deadline < deadline) {
        deadline = activation->serving_deadline;
    }
    struct kl_envelope *envelope = kl_envelope_new(kind, request);
    if (envelope == NULL) {
        return KEEL_E_NOMEM;
    }
    keel_ref ref = kl_call_ref();
    envelope->from = kl_process_pid(self).word;
    envelope->ref = ref.word;
    envelope->deadline = deadline;
    kl_store_relaxed(&self->await_ref, ref.word);
    kl_store_relaxed(&self->waiting_for.word, server.word);
    keel_status status = kind == KL_SYSTEM
                                 ? (kl_deliver(server, envelope) ? KEEL_OK : KEEL_E_NOPROC)
                                 : kl_deliver_call(self, server, envelope, deadline);
    if (status == KEEL_E_OVERLOAD) {
        kl_store_relaxed(&self->await_ref, 0);
        kl_store_relaxed(&self->waiting_for.word, (uint64_t)0);
        return status;
    }
    // When it was undeliverable the answer, noproc, is there already.
    if (self->reply == NULL) {
        struct kl_process *process = kl_process_find(server);
        activation->expects = process != NULL && kl_task_is_queued(&process->task);
    }
    struct kl_envelope *reply;
    status = kl_await(self, server, KEEL_WAIT_REPLY, deadline, &reply);
    if (status != KEEL_OK) {
        tell_settled(self, server, ref.word);
        return status;
    }
    return finish_call(self, reply, ret_reply);
}

// Through a monitor whose reference is an alias, as OTP does it.
static keel_status call_remote(keel_term to, keel_term request, keel_term label,
        int64_t deadline, keel_term *ret_reply)
{
    keel_monitor_opts opts = {.alias = KEEL_ALIAS_REPLY_DEMONITOR};
    keel_ref ref;
    keel_status status = keel_monitor_opt(to, &opts, &ref);
    if (status != KEEL_OK) {
        return status;
    }
    keel_term tag = keel_cons(KL_ATOM(alias), keel_from_ref(ref));
    keel_term from = keel_tuple_of(keel_from_pid(keel_self()), tag);
    status = keel_send_term(to, keel_tuple_of(label, from, request));
    if (status == KEEL_OK) {
        status = keel_gen_wait_response(ref, keel_deadline_at(deadline), ret_reply);
    }
    keel_demonitor(ref, KEEL_DEMONITOR_FLUSH);
    if (status == KEEL_E_EXIT && keel_is(*ret_reply, noconnection)) {
        return KEEL_E_NODEDOWN;
    }
    return status == KEEL_E_EXIT && keel_is(*ret_reply, noproc) ? KEEL_E_NOPROC : status;
}

static keel_status call(keel_term to, keel_term request, enum kl_envelope_kind kind,
        keel_deadline deadline, keel_term *ret_reply)
{
    if (keel_is_none(request) || ret_reply == NULL) {
        return KEEL_E_BADARG;
    }
    if (!kl_runtime.running) {
        return KEEL_E_STOPPED;
    }
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        return kl_call_outside(to, request, kind, deadline, ret_reply);
    }
    kl_observable();
    keel_pid server = {to.word};
    bool remote = false;
    keel_status status = kl_pid_is_local(server) ? KEEL_OK
                                                 : find_server(to, &server, &remote);
    if (status != KEEL_OK) {
        return status;
    }
    if (remote) {
        keel_term label = kind == KL_SYSTEM ? KL_ATOM(system) : KL_ATOM(gen_call);
        return call_remote(to, request, label, deadline.at, ret_reply);
    }
    if (server.word == kl_process_pid(self).word) {
        return KEEL_E_SELFCALL;
    }
    kl_step(self);
    return call_local(self, kind, server, request, deadline.at, ret_reply);
}

keel_status keel_gen_call(
        keel_term to, keel_term request, keel_deadline deadline, keel_term *ret_reply)
{
    return call(to, request, KL_CALL, deadline, ret_reply);
}

keel_status keel_gen_system_call(
        keel_term to, keel_term request, keel_deadline deadline, keel_term *ret_reply)
{
    return call(to, request, KL_SYSTEM, deadline, ret_reply);
}

keel_status keel_gen_cast(keel_term to, keel_term request)
{
    if (keel_is_none(request)) {
        return KEEL_E_BADARG;
    }
    if (!kl_runtime.running) {
        return KEEL_E_STOPPED;
    }
    kl_observable();
    keel_pid server = {to.word};
    bool remote = false;
    keel_status status = kl_pid_is_local(server) ? KEEL_OK
                                                 : find_server(to, &server, &remote);
    if (status != KEEL_OK) {
        return status == KEEL_E_NOPROC ? KEEL_OK : status;
    }
    struct kl_process *self = kl_process_current();
    if (remote) {
        keel_send_term(to, keel_tuple_of(KL_ATOM(gen_cast), request));
        return KEEL_OK;
    }
    struct kl_envelope *envelope = kl_envelope_new(KL_CAST, request);
    if (envelope == NULL) {
        return KEEL_E_NOMEM;
    }
    status = kl_deliver_message(server, envelope);
    if (self != NULL) {
        kl_step(self);
    }
    return status == KEEL_E_NOPROC ? KEEL_OK : status;
}

// --- the server's side ---

// Whether the running process owes this answer; it owes it no longer then.
static bool pay(struct kl_process *self, uint64_t ref)
{
    if (self == NULL) {
        return false;
    }
    if (self->stack != NULL && kl_activation(self)->serving.tag.word == ref) {
        kl_activation(self)->serving.tag.word = 0;
        return true;
    }
    struct kl_relation *owed = kl_relation_find(self, ref);
    if (owed != NULL && owed->kind == KL_REL_OWED) {
        kl_relation_remove(self, owed);
        return true;
    }
    return false;
}

// {Tag, Reply} to the caller, or through the alias that the tag carries.
static void reply_as_message(keel_from from, keel_term reply)
{
    keel_term message = keel_tuple_of(from.tag, reply);
    keel_term to = keel_from_pid(from.pid);
    keel_term inner = from.tag;
    if (keel_is_list(inner) && keel_is_list(keel_head(inner)) &&
            !keel_is_nil(keel_head(inner))) {
        inner = keel_head(inner); // [[alias | Ref] | _]
    }
    if (keel_is_list(inner) && keel_is(keel_head(inner), alias) &&
            keel_is_ref(keel_tail(inner))) {
        to = keel_tail(inner);
    }
    keel_send_term(to, message);
}

void keel_gen_reply(keel_from from, keel_term reply)
{
    if (keel_is_none(reply) || !keel_is_pid(keel_from_pid(from.pid)) ||
            !kl_runtime.running) {
        return;
    }
    kl_observable();
    struct kl_process *self = kl_process_current();
    bool own = pay(self, from.tag.word);
    if (!kl_is_call_ref(from.tag.word)) {
        reply_as_message(from, reply);
        return;
    }
    struct kl_process *caller = kl_process_find(from.pid);
    if (caller == NULL) {
        return;
    }
    struct kl_envelope *envelope = kl_envelope_new(KL_REPLY, reply);
    if (envelope == NULL) {
        if (self != NULL) {
            kl_exit_now(self, KL_ATOM(system_limit), 0);
        }
        return;
    }
    envelope->ref = from.tag.word;
    envelope->flags = own ? 0 : KL_BY_OTHER;
    kl_deliver_to(caller, from.pid, envelope);
}

keel_term keel_from_to_term(keel_from from)
{
    return keel_tuple_of(keel_from_pid(from.pid), from.tag);
}

keel_from keel_from_of_term(keel_term term)
{
    keel_from from = {keel_to_pid(keel_element(term, 0)), keel_element(term, 1)};
    return from.pid.word != 0 && keel_tuple_size(term) == 2 ? from : (keel_from){{0}, {0}};
}

keel_deadline keel_gen_deadline(void)
{
    struct kl_process *self = kl_process_current();
    return self == NULL || self->stack == NULL
                   ? KEEL_NEVER
                   : keel_deadline_at(kl_activation(self)->serving_deadline);
}
