// What a gen_server answers to sys, and the events it tells of.

#include "ending.h"
#include "server.h"
#include "start.h"
#include "sys.h"
#include "upgrade.h"
#include <string.h>

static keel_term misc(void *memory);
static keel_term get_state(void *memory);
static void set_state(void *memory, keel_term term);
static keel_term code_change(
        void *memory, keel_term module, keel_term old_version, keel_term extra);
static keel_next resume(void *memory);
static keel_next terminate(void *memory, keel_term reason);
static keel_term name(void *memory);

const keel_sys_ops kl_server_sys = {
        .module = "gen_server",
        .misc = misc,
        .get_state = get_state,
        .set_state = set_state,
        .code_change = code_change,
        .resume = resume,
        .terminate = terminate,
        .name = name,
};

keel_term kl_server_state_term(const struct kl_server *self)
{
    const keel_gen_server *module = self->module;
    return module->get_state != NULL
                   ? module->get_state(kl_server_state(self))
                   : keel_state_to_term(&module->state, kl_server_state(self));
}

// --- state and status ---

static keel_term get_state(void *memory)
{
    return kl_server_state_term(memory);
}

static void set_state(void *memory, keel_term term)
{
    struct kl_server *self = memory;
    const keel_gen_server *module = self->module;
    if (module->set_state != NULL) {
        module->set_state(kl_server_state(self), term);
    } else {
        keel_state_from_term(&module->state, kl_server_state(self), term);
    }
}

keel_term kl_server_format_status(const struct kl_server *self, keel_term state,
        keel_term message, keel_term reason, keel_term log)
{
    keel_term status = keel_make("#{log => Log}", log);
    if (!keel_is_none(state)) {
        status = keel_map_put(status, keel_atom(state), state);
    }
    if (!keel_is_none(message)) {
        status = keel_map_put(status, keel_atom(message), message);
    }
    if (!keel_is_none(reason)) {
        status = keel_map_put(status, keel_atom(reason), reason);
    }
    return kl_end_format_status(self->module->name, self->module->format_status, status);
}

static keel_term misc(void *memory)
{
    struct kl_server *self = memory;
    keel_term status = kl_server_format_status(self, kl_server_state_term(self), KEEL_NONE,
            KEEL_NONE, keel_sys_logged(&self->sys));
    return keel_make(
            "[{header, Header}, {data, [{\"Status\", Stage}, {\"Parent\", Parent}, "
            "{\"Logged events\", Log}]}, {data, [{\"State\", State}]}]",
            kl_sys_header("generic server", name(self)), kl_sys_stage(&self->sys),
            keel_gen_parent(), keel_map_get(status, keel_atom(log)),
            keel_map_get(status, keel_atom(state)));
}

static keel_term name(void *memory)
{
    const struct kl_server *self = memory;
    return kl_start_shown_name(self->more == NULL ? KEEL_NONE : self->more->name);
}

static keel_next resume(void *memory)
{
    return kl_server_wait(memory);
}

static keel_next terminate(void *memory, keel_term reason)
{
    static const keel_message request = {.kind = KEEL_MESSAGE_SYSTEM};
    return kl_server_end(memory, &request, reason, KEEL_NONE);
}

// A bare pointer to another version of the module is what keel_gen_server_upgrade sends.
static keel_term code_change(
        void *memory, keel_term module, keel_term old_version, keel_term extra)
{
    const struct kl_server *self = memory;
    if (keel_type_of(module) != KEEL_TYPE_POINTER) {
        return self->module->code_change != NULL
                       ? kl_server_change(memory, old_version, extra)
                       : keel_tuple_of(keel_atom(EXIT),
                                 kl_server_undef(
                                         self->module, "code_change", 3, keel_atom(undef)));
    }
    const keel_gen_server *to = keel_to_pointer(module, NULL);
    bool has_it = to == self->module && keel_equal(old_version, KL_UPGRADE_LATE);
    return has_it ? keel_atom(ok) : kl_server_upgrade(memory, to, extra);
}

// --- events ---

void kl_server_event_in(struct kl_server *self, const keel_message *message)
{
    keel_term event = kl_server_shown_message(self, message);
    if (message->kind == KEEL_MESSAGE_CALL) {
        event = keel_make("{in, {'$gen_call', From, Request}}",
                keel_from_to_term(message->from), message->body);
    } else if (message->kind != KEEL_MESSAGE_AGAIN || kl_server_is_wake(self, message)) {
        event = keel_tuple_of(keel_atom(in), event);
    }
    keel_sys_event(&self->sys, &kl_server_sys, self, event);
}

void kl_server_event_out(struct kl_server *self, keel_from from, keel_term reply)
{
    keel_term state = kl_server_state_term(self);
    keel_term event = keel_is_none(reply) ? keel_tuple_of(keel_atom(noreply), state)
                                          : keel_make("{out, Reply, To, State}", reply,
                                                    keel_from_to_term(from), state);
    keel_sys_event(&self->sys, &kl_server_sys, self, event);
}
