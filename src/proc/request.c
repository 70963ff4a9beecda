// Requests whose answer comes later: keel_gen_send_request and what follows. Also calls
// from threads outside the runtime.

#include "proc.h"
#include "process.h"

static void send_remote_request(keel_term to, keel_term request, keel_ref ref)
{
    keel_term tag = keel_cons(KL_ATOM(alias), keel_from_ref(ref));
    keel_term from = keel_tuple_of(keel_from_pid(keel_self()), tag);
    keel_send_term(to, keel_tuple_of(KL_ATOM(gen_call), from, request));
}

static keel_ref remote_request(keel_term to, keel_term request)
{
    keel_monitor_opts opts = {.alias = KEEL_ALIAS_REPLY_DEMONITOR};
    keel_ref ref = {0};
    if (keel_monitor_opt(to, &opts, &ref) == KEEL_OK) {
        send_remote_request(to, request, ref);
    }
    return ref;
}

keel_ref keel_gen_send_request(keel_term to, keel_term request)
{
    keel_ref none = {0};
    struct kl_process *self = kl_process_current();
    if (self == NULL || keel_is_none(request)) {
        return none;
    }
    kl_observable();
    keel_pid server = {0};
    keel_term object = KEEL_NONE;
    if (keel_is_pid(to)) {
        server = keel_to_pid(to);
        if (!kl_pid_is_local(server)) {
            return remote_request(to, request);
        }
    } else {
        bool pair = keel_tuple_size(to) == 2;
        keel_term name = pair ? keel_element(to, 0) : to;
        keel_term node = pair ? keel_element(to, 1) : kl_node_name();
        if (!keel_is_atom(name) || !keel_is_atom(node)) {
            return none;
        }
        if (node.word != kl_node_name().word) {
            return remote_request(to, request);
        }
        object = keel_tuple_of(name, node);
        server = keel_whereis_term(name);
    }
    keel_ref ref = kl_call_ref();
    struct kl_relation *relation = kl_relation_add(self, ref.word, KL_REL_REQUEST, server);
    struct kl_envelope *envelope = kl_envelope_new(KL_CALL, request);
    if (relation == NULL || envelope == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    relation->object = keel_is_none(object) ? object : kl_keep_for(self, object);
    envelope->from = kl_process_pid(self).word;
    envelope->ref = ref.word;
    envelope->flags |= KL_ASYNC;
    if (server.word == 0) {
        envelope->slot = 0;
        kl_undeliverable(envelope); // noproc comes as the answer
    } else if (kl_deliver_message(server, envelope) == KEEL_E_OVERLOAD) {
        kl_call_fail(kl_process_pid(self), ref.word, 0, keel_atom(overload));
    }
    return ref;
}

keel_status keel_gen_check_response(
        keel_term message, keel_ref request, keel_term *ret_reply)
{
    keel_term reply;
    if (ret_reply == NULL || !keel_is_ref(keel_from_ref(request))) {
        return KEEL_E_BADARG;
    }
    if (keel_match(message, "{^Ref, Reply}", request, &reply) ||
            keel_match(message, "{[alias | ^Ref], Reply}", request, &reply)) {
        *ret_reply = reply;
        return KEEL_OK;
    }
    if (keel_match(message, "{'DOWN', ^Ref, process, _, Reason}", request, &reply)) {
        *ret_reply = reply;
        return KEEL_E_EXIT;
    }
    return KEEL_E_NOPROC;
}

static bool is_response(keel_term message, void *context)
{
    keel_ref *request = context;
    keel_term reply;
    return keel_gen_check_response(message, *request, &reply) != KEEL_E_NOPROC;
}

keel_status keel_gen_wait_response(
        keel_ref request, keel_deadline deadline, keel_term *ret_reply)
{
    keel_term message;
    if (ret_reply == NULL || !keel_is_ref(keel_from_ref(request))) {
        return KEEL_E_BADARG;
    }
    keel_status status = keel_receive_where(is_response, &request, deadline, &message);
    return status != KEEL_OK ? status
                             : keel_gen_check_response(message, request, ret_reply);
}

keel_status keel_gen_receive_response(
        keel_ref request, keel_deadline deadline, keel_term *ret_reply)
{
    keel_status status = keel_gen_wait_response(request, deadline, ret_reply);
    if (status == KEEL_E_TIMEOUT) {
        keel_gen_abandon(request);
    }
    return status;
}

void keel_gen_abandon(keel_ref request)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL || !keel_is_ref(keel_from_ref(request))) {
        return;
    }
    struct kl_relation *relation = kl_relation_find(self, request.word);
    if (relation != NULL && relation->kind == KL_REL_REQUEST) {
        keel_pid server = relation->pid;
        kl_relation_remove(self, relation);
        struct kl_envelope *envelope = kl_process_find(server) == NULL
                                               ? NULL
                                               : kl_envelope_new(KL_SETTLED, KEEL_NONE);
        if (envelope != NULL) {
            envelope->ref = request.word;
            envelope->flags = KL_ASYNC;
            kl_deliver(server, envelope);
        }
    } else {
        keel_demonitor(request, 0); // a remote one
    }
    keel_term message;
    while (keel_receive_where(is_response, &request, KEEL_AT_ONCE, &message) == KEEL_OK) {
        // an answer that was there already
    }
}

// --- a call from a thread outside: a process makes it in its place ---

// Shared by the thread, which may give up, and the process: the last one frees it.
struct outside_call {
    uint32_t refs;
    uint32_t done; // futex word
    enum kl_envelope_kind kind;
    keel_deadline deadline;
    keel_status status;
    struct kl_heap heap; // holds the arguments, then the reply
    keel_term to, request, reply;
};

static void outside_unref(struct outside_call *call)
{
    if (kl_add_acq_rel(&call->refs, (uint32_t)-1) == 1) {
        kl_heap_done(&call->heap);
        kl_free(call, sizeof *call);
    }
}

// However the process ends, the thread hears of it.
static void outside_done(void *context)
{
    struct outside_call *call = context;
    kl_store_release(&call->done, 1); // pairs with the acquire of the thread
    kl_futex_wake(&call->done, 1);
    outside_unref(call);
}

static void outside_body(keel_term argument)
{
    struct outside_call *call = keel_to_pointer(argument, NULL);
    if (keel_defer(outside_done, call) != KEEL_OK) {
        outside_done(call);
        return;
    }
    keel_term reply = KEEL_NONE;
    call->status = call->kind == KL_SYSTEM
                           ? keel_gen_system_call(
                                     call->to, call->request, call->deadline, &reply)
                           : keel_gen_call(call->to, call->request, call->deadline, &reply);
    if (!keel_is_none(reply)) {
        call->reply = kl_heap_copy(&call->heap, reply);
    }
}

// Waits for the process that makes the call. Simulated and with nothing left that could
// answer, it ends that process instead.
static keel_status outside_wait(struct outside_call *call, keel_pid stand_in)
{
    if (kl_runtime_await(&call->done)) {
        return call->status;
    }
    keel_process_exit(stand_in, KL_ATOM(kill));
    bool gone = kl_runtime_await(&call->done);
    (void)gone; // where others never give way it goes when the runtime stops
    return KEEL_E_TIMEOUT;
}

keel_status kl_call_outside(keel_term to, keel_term request, enum kl_envelope_kind kind,
        keel_deadline deadline, keel_term *ret_reply)
{
    struct outside_call *call = kl_alloc_zero(sizeof *call);
    if (call == NULL) {
        return KEEL_E_NOMEM;
    }
    kl_heap_init(&call->heap, NULL, 0);
    call->refs = 2;
    call->kind = kind;
    call->deadline = deadline;
    call->status = KEEL_E_STOPPED;
    call->to = kl_heap_copy(&call->heap, to);
    call->request = kl_heap_copy(&call->heap, request);
    keel_pid stand_in;
    keel_status status = keel_spawn_opt(
            outside_body, keel_pointer(call), NULL, &stand_in, NULL);
    if (status != KEEL_OK) {
        call->refs = 1;
        outside_unref(call);
        return status;
    }
    status = outside_wait(call, stand_in);
    if (status != KEEL_E_TIMEOUT && !keel_is_none(call->reply)) {
        *ret_reply = kl_heap_copy(kl_heap_current(), call->reply);
    }
    outside_unref(call);
    return status;
}
