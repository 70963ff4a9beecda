// How a gen_statem ends: terminate, and the report.

#include "copy.h"
#include "ending.h"
#include "report.h"
#include "start.h"
#include "statem.h"

static keel_next terminate(
        struct kl_statem *self, const keel_event *event, keel_term reason);
static keel_next report_and_exit(
        struct kl_statem *self, const keel_event *event, keel_term reason);
static keel_term all_there_is(struct kl_statem *self, const keel_event *event);

static void set_ending(struct kl_statem *self, enum kl_statem_ending ending)
{
    self->sys.own[KL_STATEM_ENDING] = (uint8_t)ending;
}

// Everything is shown as it was: terminate may give back what the data holds.
keel_next kl_statem_end(struct kl_statem *self, const keel_event *event, keel_term reason)
{
    if (kl_end_is_abnormal(reason) && kl_report_wanted(KEEL_REPORT_ERROR)) {
        set_ending(self, KL_STATEM_SHOWS);
        struct kl_statem_more *more = kl_statem_more(self);
        more->reason = reason;
        more->shown = kl_copy_here(all_there_is(self, event));
    }
    return terminate(self, event, reason);
}

// What keel_error makes, and faults, as against a keel_exit with any term.
static bool has_stack(keel_term reason)
{
    return keel_tuple_size(reason) == 2 &&
           keel_is_tuple(keel_head(keel_element(reason, 1)));
}

keel_next kl_statem_failed(void *memory, keel_term reason, const keel_message *message)
{
    struct kl_statem *self = memory;
    if (message == NULL) { // in init
        kl_start_drop_name(self->more == NULL ? KEEL_NONE : self->more->name);
        return keel_next_exit(reason);
    }
    keel_event event;
    bool plain = self->held == NULL && kl_statem_event_of(message, &event);
    const keel_event *handled = self->held != NULL ? &self->held->event
                                : plain            ? &event
                                                   : NULL;
    switch (self->sys.own[KL_STATEM_ENDING]) {
    case KL_STATEM_RUNS:
        self->sys.own[KL_STATEM_ERROR] = has_stack(reason);
        return kl_statem_end(self, handled, reason);
    case KL_STATEM_SHOWS:
        return terminate(self, handled, self->more->reason);
    case KL_STATEM_TERMINATES:
        return report_and_exit(self, handled, reason);
    default:
        return keel_next_exit(reason);
    }
}

static keel_next terminate(
        struct kl_statem *self, const keel_event *event, keel_term reason)
{
    set_ending(self, KL_STATEM_TERMINATES);
    if (self->module->terminate != NULL) {
        // OTP shows the stack to a gen_server's terminate, not to a machine's.
        keel_term shown = self->sys.own[KL_STATEM_ERROR] ? keel_element(reason, 0) : reason;
        self->module->terminate(shown, self->state, kl_statem_data(self));
    }
    return report_and_exit(self, event, reason);
}

// --- the report ---

static keel_term all_there_is(struct kl_statem *self, const keel_event *event)
{
    size_t count;
    keel_term queue = kl_held_events_term(&self->queue);
    if (event != NULL) {
        queue = keel_cons(
                keel_tuple_of(keel_event_type_term(event), event->content), queue);
    }
    return keel_make(
            "#{queue => Queue, postponed => Postponed, timeouts => Timeouts, state "
            "=> State, data => Data}",
            queue, kl_held_events_term(&self->postponed),
            kl_statem_timers_term(&self->timers, &count), self->state,
            kl_statem_data_term(self));
}

static keel_term got(keel_term status, keel_term key)
{
    keel_term value = keel_map_get(status, key);
    return keel_is_none(value) ? keel_atom(undefined) : value;
}

static keel_term make_report(
        struct kl_statem *self, const keel_event *event, keel_term reason)
{
    keel_term why = kl_end_class(reason);
    keel_term shown = self->more == NULL ? KEEL_NONE : self->more->shown;
    keel_term status = keel_is_none(shown) ? keel_make("#{}") : shown;
    status = keel_map_put(status, keel_atom(log), keel_sys_logged(&self->sys));
    status = keel_map_put(status, keel_atom(reason), keel_element(why, 1));
    status = kl_statem_format_status(self, status);
    keel_term timeouts = got(status, keel_atom(timeouts));
    size_t count = 0;
    keel_list_length(timeouts, &count);
    keel_from none = {{0}, {0}};
    keel_from client = event != NULL && event->type == KEEL_EVENT_CALL ? event->from : none;
    keel_term report = keel_make(
            "#{label => {gen_statem, terminate}, name => Name, queue => Queue, postponed "
            "=> "
            "Postponed, state => {State, Data}, timeouts => {Count, Timeouts}, log => Log, "
            "reason => {Class, Reason, Stack}}",
            kl_start_shown_name(self->more == NULL ? KEEL_NONE : self->more->name),
            got(status, keel_atom(queue)), got(status, keel_atom(postponed)),
            got(status, keel_atom(state)), got(status, keel_atom(data)), count, timeouts,
            got(status, keel_atom(log)), keel_element(why, 0),
            got(status, keel_atom(reason)), keel_element(why, 2));
    bool functions = self->module->states != NULL;
    report = keel_map_put(report, keel_atom(callback_mode),
            functions ? keel_atom(state_functions) : keel_atom(handle_event_function));
    report = keel_map_put(
            report, keel_atom(state_enter), keel_bool(self->module->state_enter));
    report = keel_map_put(report, keel_atom(modules), kl_statem_modules_term(self));
    report = keel_map_put(report, keel_atom(client_info), kl_end_client(client));
    keel_term label = keel_process_get_label(keel_self());
    return keel_is_none(label) ? report
                               : keel_map_put(report, keel_atom(process_label), label);
}

static keel_next report_and_exit(
        struct kl_statem *self, const keel_event *event, keel_term reason)
{
    set_ending(self, KL_STATEM_REPORTS);
    if (!kl_end_is_abnormal(reason)) {
        if (self->sys.debug != NULL) {
            kl_statem_tell(
                    self, keel_make("{terminate, Reason, State}", reason, self->state));
        }
    } else if (kl_report_wanted(KEEL_REPORT_ERROR)) {
        keel_report(KEEL_REPORT_ERROR, make_report(self, event, reason));
    }
    if (self->more != NULL) {
        kl_start_drop_name(self->more->name);
    }
    return keel_next_exit(reason);
}
