// How a gen_server ends: terminate, the report, the reply that is still due.

#include "copy.h"
#include "ending.h"
#include "report.h"
#include "server.h"
#include "start.h"
#include <keel/process.h>

static keel_next terminate(
        struct kl_server *self, const keel_message *message, keel_term reason);
static keel_next report_and_exit(
        struct kl_server *self, const keel_message *message, keel_term reason);

static void set_ending(struct kl_server *self, enum kl_ending ending)
{
    self->sys.own[KL_SERVER_ENDING] = (uint8_t)ending;
}

// The state is shown as it was: terminate may give back what it holds.
keel_next kl_server_end(struct kl_server *self, const keel_message *message,
        keel_term reason, keel_term reply)
{
    if (!keel_is_none(reply)) {
        kl_server_more(self)->reply = reply;
    }
    if (kl_end_is_abnormal(reason) && kl_report_wanted(KEEL_REPORT_ERROR)) {
        set_ending(self, KL_SHOWS_STATE);
        struct kl_server_more *more = kl_server_more(self);
        more->reason = reason;
        more->shown = kl_copy_here(kl_server_state_term(self));
    }
    return terminate(self, message, reason);
}

keel_next kl_server_failed(void *memory, keel_term reason, const keel_message *message)
{
    struct kl_server *self = memory;
    if (message == NULL) { // in init
        if (self->more != NULL) {
            kl_start_drop_name(self->more->name);
        }
        return keel_next_exit(reason);
    }
    switch (self->sys.own[KL_SERVER_ENDING]) {
    case KL_RUNS:
        return kl_server_end(self, message, reason, KEEL_NONE);
    case KL_SHOWS_STATE:
        return terminate(self, message, self->more->reason);
    case KL_TERMINATES:
        return report_and_exit(self, message, reason);
    default:
        return keel_next_exit(reason);
    }
}

static keel_next terminate(
        struct kl_server *self, const keel_message *message, keel_term reason)
{
    set_ending(self, KL_TERMINATES);
    if (self->module->terminate != NULL) {
        self->module->terminate(reason, kl_server_state(self));
    }
    return report_and_exit(self, message, reason);
}

// --- the report ---

keel_term kl_server_shown_message(const struct kl_server *self, const keel_message *message)
{
    switch (message->kind) {
    case KEEL_MESSAGE_CAST:
        return keel_tuple_of(keel_atom_text("$gen_cast"), message->body);
    case KEEL_MESSAGE_AGAIN:
        return kl_server_is_wake(self, message)
                       ? kl_server_body(self, message)
                       : keel_tuple_of(keel_atom(continue), self->more->extra);
    case KEEL_MESSAGE_SYSTEM:
        return keel_nil();
    default:
        return kl_server_body(self, message);
    }
}

static keel_term make_report(
        struct kl_server *self, const keel_message *message, keel_term reason)
{
    keel_term shown = self->more == NULL ? KEEL_NONE : self->more->shown;
    keel_term status = kl_server_format_status(self, shown,
            kl_server_shown_message(self, message), reason, keel_sys_logged(&self->sys));
    keel_from none = {{0}, {0}};
    keel_from client = message->kind == KEEL_MESSAGE_CALL ? message->from : none;
    keel_term label = keel_process_get_label(keel_self());
    keel_term name = kl_start_shown_name(self->more == NULL ? KEEL_NONE : self->more->name);
    keel_term state = keel_map_get(status, keel_atom(state));
    keel_term report = keel_make("#{label => {gen_server, terminate}, name => Name, "
                                 "last_message => Message, state => State, log => Log, "
                                 "reason => Reason, client_info => Client}",
            name, keel_map_get(status, keel_atom(message)),
            keel_is_none(state) ? keel_atom(undefined) : state,
            keel_map_get(status, keel_atom(log)), keel_map_get(status, keel_atom(reason)),
            kl_end_client(client));
    return keel_is_none(label) ? report
                               : keel_map_put(report, keel_atom(process_label), label);
}

static keel_next report_and_exit(
        struct kl_server *self, const keel_message *message, keel_term reason)
{
    set_ending(self, KL_REPORTS);
    if (kl_end_is_abnormal(reason) && kl_report_wanted(KEEL_REPORT_ERROR)) {
        keel_report(KEEL_REPORT_ERROR, make_report(self, message, reason));
    }
    if (self->more != NULL) {
        if (!keel_is_none(self->more->reply)) {
            keel_gen_reply(message->from, self->more->reply);
        }
        kl_start_drop_name(self->more->name);
    }
    return keel_next_exit(reason);
}

keel_term kl_server_undef(
        const keel_gen_server *module, const char *callback, unsigned arity, keel_term why)
{
    return kl_end_undef(module->name, callback, arity, why);
}
