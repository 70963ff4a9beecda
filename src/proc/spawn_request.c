// Asynchronous spawns. Nothing here takes time, so the process is made at once; what is
// asynchronous is the answer: it stands in the requester's mailbox before anything that
// the child sends.

#include "process.h"

static keel_status post(keel_term tag, keel_ref ref, keel_term kind, keel_term result)
{
    keel_term reply_tag = keel_is_none(tag) ? KL_ATOM(spawn_reply) : tag;
    struct kl_envelope *envelope = kl_envelope_new(
            KL_MESSAGE, keel_tuple_of(reply_tag, keel_from_ref(ref), kind, result));
    if (envelope == NULL) {
        return KEEL_E_NOMEM;
    }
    kl_deliver(keel_self(), envelope);
    return KEEL_OK;
}

static keel_term reason_of(keel_status status)
{
    switch (status) {
    case KEEL_E_BADARG:
        return KL_ATOM(badopt);
    case KEEL_E_TAKEN:
        return KL_ATOM(badarg);
    default:
        return KL_ATOM(system_limit);
    }
}

keel_status keel_spawn_request(keel_body body, keel_term argument,
        const keel_spawn_opts *opts, keel_term tag, keel_ref *ret_request)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    if (ret_request == NULL) {
        return KEEL_E_BADARG;
    }
    keel_spawn_reply reply = opts == NULL ? KEEL_SPAWN_REPLY : opts->reply;
    keel_ref ref = keel_make_ref();
    keel_pid pid;
    // The child may not run before the answer is posted: other workers could take it, so
    // it is spawned suspended by its birth and let go afterwards.
    struct kl_process *held = NULL;
    keel_status status = kl_spawn_held(
            (const void *)(uintptr_t)body, argument, opts, ref, &pid, &held);
    *ret_request = ref;
    if (status != KEEL_OK) {
        bool silent = reply == KEEL_SPAWN_REPLY_NO ||
                      reply == KEEL_SPAWN_REPLY_SUCCESS_ONLY;
        return silent ? KEEL_OK : post(tag, ref, KL_ATOM(error), reason_of(status));
    }
    if (reply == KEEL_SPAWN_REPLY || reply == KEEL_SPAWN_REPLY_SUCCESS_ONLY) {
        status = post(tag, ref, KL_ATOM(ok), keel_from_pid(pid));
    }
    kl_spawn_release(held);
    return status;
}

bool keel_spawn_request_abandon(keel_ref request)
{
    (void)request; // every request is answered by the time its reference is known
    return false;
}
