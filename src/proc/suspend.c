// Suspending and resuming others, and asking them things: signals that are answered.

#include "process.h"

// How often this process has suspended another.
struct kl_suspension {
    struct kl_suspension *next;
    keel_pid pid;
    uint32_t count;
};

keel_status kl_ask(struct kl_process *self, keel_pid pid, enum kl_envelope_kind kind,
        keel_term body, int64_t extra, struct kl_envelope **ret_reply)
{
    struct kl_envelope *question = kl_envelope_new(kind, body);
    if (question == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    keel_ref ref = kl_call_ref();
    question->from = kl_process_pid(self).word;
    question->ref = ref.word;
    question->deadline = extra;
    kl_store_relaxed(&self->await_ref, ref.word);
    kl_deliver(pid, question);
    keel_status status = kl_await(self, pid, KEEL_WAIT_PROCESS, INT64_MAX, ret_reply);
    if (status != KEEL_OK) {
        return status; // a deferred function may not wait
    }
    if (((*ret_reply)->flags & KL_FAILED) != 0) {
        kl_envelope_free(*ret_reply);
        return KEEL_E_NOPROC;
    }
    return KEEL_OK;
}

bool keel_process_alive(keel_pid pid)
{
    struct kl_process *process = kl_process_find(pid);
    if (process == NULL) {
        return false;
    }
    uintptr_t door = kl_load_acquire(&process->door);
    if (kl_load_relaxed(&process->generation) != kl_pid_generation(pid) ||
            door == KL_DOOR_CLOSED) {
        return false;
    }
    struct kl_process *self = kl_process_current();
    if (self == NULL || process == self || door == KL_DOOR_IDLE) {
        return true;
    }
    // It may have yet to act on what the caller sent it: ask it, behind all that.
    struct kl_envelope *reply;
    if (kl_ask(self, pid, KL_PING, KEEL_NONE, 0, &reply) != KEEL_OK) {
        return false;
    }
    kl_envelope_free(reply);
    return true;
}

static struct kl_suspension **find(struct kl_process *self, keel_pid pid)
{
    struct kl_suspension **link = &kl_extras(self)->suspensions;
    while (*link != NULL && (*link)->pid.word != pid.word) {
        link = &(*link)->next;
    }
    return link;
}

keel_status keel_process_suspend(keel_pid pid)
{
    struct kl_process *self = kl_process_current();
    if (!kl_pid_is_local(pid)) {
        return KEEL_E_BADARG;
    }
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    if (pid.word == kl_process_pid(self).word) {
        return KEEL_E_BADARG;
    }
    struct kl_suspension **link = find(self, pid);
    if (*link != NULL && (*link)->count == UINT32_MAX) {
        return KEEL_E_SYSTEM_LIMIT;
    }
    struct kl_envelope *reply;
    keel_status status = kl_ask(self, pid, KL_SUSPEND, KEEL_NONE, 0, &reply);
    if (status != KEEL_OK) {
        return status;
    }
    kl_envelope_free(reply);
    link = find(self, pid);
    if (*link == NULL) {
        struct kl_suspension *suspension = keel_alloc(sizeof *suspension);
        suspension->pid = pid;
        *link = suspension;
    }
    (*link)->count++;
    return KEEL_OK;
}

static void send_resume(struct kl_process *self, keel_pid pid)
{
    struct kl_envelope *envelope = kl_envelope_new(KL_RESUME, KEEL_NONE);
    if (envelope != NULL) {
        envelope->from = kl_process_pid(self).word;
        kl_deliver(pid, envelope);
    }
}

keel_status keel_process_resume(keel_pid pid)
{
    struct kl_process *self = kl_process_current();
    if (!kl_pid_is_local(pid)) {
        return KEEL_E_BADARG;
    }
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    struct kl_suspension **link = find(self, pid);
    struct kl_suspension *suspension = *link;
    if (suspension == NULL) {
        return KEEL_E_BADARG; // not suspended by the caller
    }
    send_resume(self, pid);
    if (--suspension->count == 0) {
        *link = suspension->next;
        keel_free(suspension);
    }
    return KEEL_OK;
}

// Whoever suspends others and ends lets them go on.
void kl_suspensions_release(struct kl_process *self)
{
    struct kl_suspension *at = self->extras == NULL ? NULL : self->extras->suspensions;
    for (; at != NULL; at = at->next) {
        for (uint32_t i = 0; i < at->count; i++) {
            send_resume(self, at->pid);
        }
    }
    if (self->extras != NULL) {
        self->extras->suspensions = NULL; // owned memory: it goes with the rest
    }
}

keel_term kl_suspending(struct kl_process *self)
{
    keel_term list = keel_nil();
    struct kl_suspension *at = self->extras == NULL ? NULL : self->extras->suspensions;
    for (; at != NULL; at = at->next) {
        list = keel_cons(
                keel_tuple_of(keel_from_pid(at->pid), keel_uint(at->count), keel_int(0)),
                list);
    }
    return list;
}
