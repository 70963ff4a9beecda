// gen_statem: starting, and what happens to each event. What a callback asks for is decided
// in gen_statem_step.c; how the machine ends is in gen_statem_end.c.

#include "ending.h"
#include "report.h"
#include "start.h"
#include "statem.h"
#include "upgrade.h"

static keel_next start(void *memory, keel_term argument);
static keel_next receive(void *memory, const keel_message *message);
static keel_next take_held(struct kl_statem *self);
static keel_next take_message(struct kl_statem *self, const keel_message *message);
static keel_next handle(struct kl_statem *self, const keel_event *event);
static keel_next follow(struct kl_statem *self, const keel_event *event,
        enum kl_statem_phase phase, keel_result result);
static keel_next transition(
        struct kl_statem *self, const keel_event *event, const struct kl_statem_plan *plan);

static const keel_handler pattern = {
        .start = start, .receive = receive, .failed = kl_statem_failed};

static const keel_handler *handler_of(const keel_gen_statem *machine)
{
    return kl_start_handler(
            machine, machine->name, KL_STATEM_BYTES + machine->data.bytes, &pattern);
}

static keel_started start_as(const keel_gen_statem *machine, const keel_start_opts *opts,
        enum kl_start_kind kind)
{
    if (machine == NULL || machine->name == NULL) {
        return (keel_started){
                .status = KEEL_E_BADARG, .reason = keel_make("{badarg, name}")};
    }
    machine = kl_upgrade_current(KEEL_MODULE_GEN_STATEM, machine->name, machine);
    return kl_start(handler_of(machine), machine, opts, kind);
}

keel_started keel_gen_statem_start_opt(
        const keel_gen_statem *machine, const keel_start_opts *opts)
{
    return start_as(machine, opts, KL_START_ALONE);
}

keel_started keel_gen_statem_start_link_opt(
        const keel_gen_statem *machine, const keel_start_opts *opts)
{
    return start_as(machine, opts, KL_START_LINKED);
}

keel_started keel_gen_statem_start_monitor_opt(
        const keel_gen_statem *machine, const keel_start_opts *opts)
{
    return start_as(machine, opts, KL_START_MONITORED);
}

keel_started keel_gen_statem_start_child(const void *machine, const keel_start_opts *opts)
{
    return start_as(machine, opts, KL_START_LINKED);
}

struct kl_statem_more *kl_statem_more(struct kl_statem *self)
{
    if (self->more == NULL) {
        self->more = keel_alloc(sizeof *self->more);
    }
    return self->more;
}

// What to do while there is nothing to do.
keel_next kl_statem_wait(struct kl_statem *self)
{
    if (self->sys.own[KL_STATEM_HIBERNATES]) {
        return keel_next_hibernate(KEEL_NEVER);
    }
    bool tires = self->more != NULL && self->more->hibernate_after > 0;
    return tires ? keel_next_wait_until(KEEL_IN(self->more->hibernate_after))
                 : keel_next_wait();
}

static void tell_in(struct kl_statem *self, const keel_event *event)
{
    keel_term what = keel_tuple_of(keel_event_type_term(event), event->content);
    kl_statem_tell(self, keel_make("{in, Event, State}", what, self->state));
}

static keel_next next(struct kl_statem *self)
{
    if (self->queue.last == NULL) {
        // It is the next one to be handled now, so nothing can cancel it any more.
        struct kl_held_event *due = kl_statem_timers_due(&self->timers);
        if (due == NULL) {
            return kl_statem_wait(self);
        }
        if (self->sys.debug != NULL) {
            tell_in(self, &due->event);
        }
        kl_held_events_append(&self->queue, due);
    }
    return keel_next_again();
}

// --- starting ---

static void begin(struct kl_statem *self, const keel_gen_statem *module,
        const struct kl_start_info *info)
{
    self->module = module;
    if (!keel_is_none(info->name) || info->hibernate_after > 0) {
        struct kl_statem_more *more = kl_statem_more(self);
        more->name = keel_is_none(info->name) ? KEEL_NONE : keel_keep(info->name);
        more->hibernate_after = info->hibernate_after;
    }
    if (!keel_is_none(info->debug)) {
        keel_sys_options(&self->sys, info->debug);
    }
}

// What init says about the start. Its actions wait until the starter has heard.
static enum kl_statem_verdict judge_init(keel_result result, keel_term *ret_reason)
{
    result.extra = result.kind == KEEL_RESULT_OK ? KEEL_NONE : result.extra;
    struct kl_statem_plan plan = kl_statem_plan(KEEL_NONE, 1);
    enum kl_statem_verdict verdict = kl_statem_decide(&plan, KL_STATEM_INIT, &result);
    *ret_reason = plan.reason;
    return verdict;
}

// The first state is there: the rest is done like an event, before any message.
static keel_next set_off(struct kl_statem *self, const keel_result *result)
{
    self->state = keel_keep(result->value);
    if (!keel_is_none(result->extra)) {
        kl_statem_more(self)->actions = keel_keep(result->extra);
    }
    self->sys.own[KL_STATEM_STARTS] = true;
    self->sys.own[KL_STATEM_HIBERNATES] = result->hibernate;
    return keel_next_again();
}

static keel_next start(void *memory, keel_term argument)
{
    struct kl_statem *self = memory;
    struct kl_start_info info = kl_start_unpack(argument);
    kl_start_take_name(&info);
    begin(self, info.module, &info);
    if (self->module->init == NULL) {
        keel_exit(kl_end_undef(self->module->name, "init", 1, keel_atom(undef)));
    }
    keel_result result = self->module->init(info.argument, kl_statem_data(self));
    keel_term reason;
    enum kl_statem_verdict verdict = judge_init(result, &reason);
    if (verdict == KL_STATEM_GO_ON) {
        keel_gen_ack(keel_atom(ok));
        return set_off(self, &result);
    }
    if (verdict == KL_STATEM_IGNORE) {
        kl_start_fail(info.name, keel_atom(ignore), keel_atom(normal));
    }
    keel_term failure = keel_tuple_of(keel_atom(error), reason);
    kl_start_fail(
            info.name, failure, verdict == KL_STATEM_FAIL ? keel_atom(normal) : reason);
}

static keel_next start_up(struct kl_statem *self)
{
    keel_term wrong = kl_statem_module_error(self->module, self->module->data.bytes);
    self->sys.own[KL_STATEM_STARTS] = false;
    if (!keel_is_none(wrong)) {
        self->sys.own[KL_STATEM_ERROR] = true;
        return kl_statem_end(self, NULL, wrong);
    }
    keel_result result = keel_result_make_(KEEL_RESULT_OK, self->state,
            self->more == NULL ? KEEL_NONE : self->more->actions);
    result.hibernate = self->sys.own[KL_STATEM_HIBERNATES];
    if (self->sys.debug != NULL) {
        kl_statem_tell(
                self, keel_make("{enter, Module, State}", self->module->name, self->state));
    }
    keel_next then = follow(self, NULL, KL_STATEM_INIT, result);
    if (self->more != NULL) {
        keel_drop(self->more->actions);
        self->more->actions = KEEL_NONE;
    }
    return then;
}

void keel_gen_statem_enter_loop(const keel_gen_statem *machine,
        keel_result (*first)(keel_term argument, void *data), const keel_start_opts *opts)
{
    static const keel_start_opts defaults;
    opts = opts == NULL ? &defaults : opts;
    if (machine == NULL || machine->name == NULL || first == NULL) {
        keel_error(keel_atom(badarg));
    }
    kl_start_check_entry(opts->name);
    const keel_handler *handler = handler_of(machine);
    if (handler == NULL) {
        keel_exit(keel_atom(system_limit));
    }
    struct kl_start_info info = {.module = machine,
            .name = keel_is_tuple(opts->name) ? opts->name : KEEL_NONE,
            .hibernate_after = opts->hibernate_after,
            .debug = opts->debug};
    struct kl_statem *self = keel_alloc(handler->state_bytes);
    begin(self, machine, &info);
    keel_term argument = keel_is_none(opts->argument) ? keel_nil() : opts->argument;
    keel_result result = first(argument, kl_statem_data(self));
    keel_term reason;
    enum kl_statem_verdict verdict = judge_init(result, &reason);
    if (verdict != KL_STATEM_GO_ON) {
        keel_exit(verdict == KL_STATEM_IGNORE ? keel_atom(normal) : reason);
    }
    keel_gen_enter(handler, self, set_off(self, &result));
}

// --- events ---

static keel_next receive(void *memory, const keel_message *message)
{
    struct kl_statem *self = memory;
    switch (message->kind) {
    case KEEL_MESSAGE_SYSTEM:
        return keel_sys_handle(&self->sys, &kl_statem_sys, self, message);
    case KEEL_MESSAGE_AGAIN:
        return self->sys.own[KL_STATEM_STARTS] ? start_up(self) : take_held(self);
    case KEEL_MESSAGE_PARENT_EXIT:
        return kl_statem_end(self, NULL, message->body);
    case KEEL_MESSAGE_TIMEOUT:
        self->sys.own[KL_STATEM_HIBERNATES] = true; // hibernate_after has passed
        return kl_statem_wait(self);
    default:
        return take_message(self, message);
    }
}

bool kl_statem_event_of(const keel_message *message, keel_event *ret)
{
    *ret = (keel_event){.content = message->body};
    switch (message->kind) {
    case KEEL_MESSAGE_CALL:
        ret->type = KEEL_EVENT_CALL;
        ret->from = message->from;
        return true;
    case KEEL_MESSAGE_CAST:
        ret->type = KEEL_EVENT_CAST;
        return true;
    case KEEL_MESSAGE_INFO:
        ret->type = KEEL_EVENT_INFO;
        return true;
    default:
        return false;
    }
}

static keel_next handle_new(struct kl_statem *self, const keel_event *event)
{
    if (self->sys.debug != NULL) {
        tell_in(self, event);
    }
    return handle(self, event);
}

static keel_next take_message(struct kl_statem *self, const keel_message *message)
{
    keel_event event;
    if (message->kind == KEEL_MESSAGE_INFO && self->timers.used &&
            kl_statem_timers_message(&self->timers, message->body, &self->held)) {
        return self->held == NULL ? kl_statem_wait(self)
                                  : handle_new(self, &self->held->event);
    }
    kl_statem_event_of(message, &event);
    return handle_new(self, &event);
}

// Was told of when it was inserted or came first.
static keel_next take_held(struct kl_statem *self)
{
    self->held = kl_held_events_take(&self->queue);
    return handle(self, &self->held->event);
}

static keel_next handle(struct kl_statem *self, const keel_event *event)
{
    keel_event now = *event;
    now.state = self->state;
    self->sys.own[KL_STATEM_HIBERNATES] = false;
    return follow(self, &now, KL_STATEM_EVENT, kl_statem_call_state(self, &now));
}

// --- what a callback asked for ---

static void send_replies(struct kl_statem *self, struct kl_statem_plan *plan)
{
    keel_term replies = kl_statem_in_order(plan->replies);
    keel_term action;
    while (keel_list_next(&replies, &action)) {
        keel_term from = keel_element(action, 1);
        keel_gen_reply(keel_from_of_term(from), keel_element(action, 2));
    }
    plan->replies = KEEL_NONE;
    if (plan->traced) {
        kl_statem_tell_actions(self, plan);
    }
}

// No clause took the event: as a gen_server does.
static bool pass_over(struct kl_statem *self, const keel_event *event, keel_term what,
        keel_term *ret_reason)
{
    if (event->type == KEEL_EVENT_ENTER) {
        return true;
    }
    if (event->type == KEEL_EVENT_CALL || event->type == KEEL_EVENT_CAST) {
        bool call = event->type == KEEL_EVENT_CALL;
        const char *state = keel_atom_name(event->state);
        bool one_for_all = self->module->states == NULL || state == NULL;
        keel_term why = keel_tuple_of(
                call ? keel_atom(bad_call) : keel_atom(bad_cast), what);
        *ret_reason = kl_end_undef(self->module->name, one_for_all ? "handle_event" : state,
                one_for_all ? 4 : 3, why);
        return false;
    }
    keel_report(KEEL_REPORT_WARNING,
            keel_make(
                    "#{label => {gen_statem, unexpected_event}, module => Module, state => "
                    "State, event => {Type, Content}}",
                    self->module->name, event->state, keel_event_type_term(event), what));
    return true;
}

// An error shows the state that was asked for; nothing of the old one is dropped, since the
// reason may refer to it.
static keel_next stop_in(struct kl_statem *self, const keel_event *event,
        const struct kl_statem_plan *plan, bool error, keel_term reason)
{
    self->state = plan->state;
    self->sys.own[KL_STATEM_ERROR] = error;
    return kl_statem_end(self, event, reason);
}

// A new or repeated state is told of it, which may add to the plan, or repeat it again.
static keel_next follow(struct kl_statem *self, const keel_event *event,
        enum kl_statem_phase phase, keel_result result)
{
    unsigned below = self->more == NULL ? 0 : self->more->module_count;
    struct kl_statem_plan plan = kl_statem_plan(self->state, below + 1);
    plan.traced = self->sys.debug != NULL;
    keel_event enter = {.type = KEEL_EVENT_ENTER, .content = self->state};
    for (;;) {
        enum kl_statem_verdict verdict = kl_statem_decide(&plan, phase, &result);
        send_replies(self, &plan);
        if (verdict == KL_STATEM_UNEXPECTED &&
                !pass_over(self, phase == KL_STATEM_ENTER ? &enter : event, result.value,
                        &plan.reason)) {
            verdict = KL_STATEM_BAD;
        }
        if (verdict == KL_STATEM_STOP || verdict == KL_STATEM_BAD) {
            return stop_in(self, event, &plan, verdict == KL_STATEM_BAD, plan.reason);
        }
        keel_term wrong = kl_statem_change_modules(self, plan.changes);
        plan.changes = KEEL_NONE;
        if (!keel_is_none(wrong)) {
            return stop_in(self, event, &plan, true, wrong);
        }
        if (!plan.enter || !self->module->state_enter) {
            return transition(self, event, &plan);
        }
        enter.state = plan.state;
        phase = KL_STATEM_ENTER;
        result = kl_statem_call_state(self, &enter);
    }
}

// The last action of each type and name counts; they start in the order given.
static void do_timeouts(struct kl_statem *self, keel_term newest_first)
{
    keel_term actions = kl_statem_in_order(newest_first);
    keel_term action;
    while (keel_list_next(&actions, &action)) {
        struct kl_timeout timeout;
        kl_statem_timeout(action, &timeout);
        if (!kl_statem_overrides(actions, &timeout)) {
            kl_statem_timers_do(&self->timers, &timeout);
        }
    }
}

static void insert_events(struct kl_statem *self, keel_term newest_first)
{
    struct kl_held_events inserted = {NULL};
    keel_term actions = kl_statem_in_order(newest_first);
    keel_term action;
    while (keel_list_next(&actions, &action)) {
        keel_event event = {.type = KEEL_EVENT_INTERNAL};
        kl_statem_event_type(keel_element(action, 1), &event);
        event.content = keel_element(action, 2);
        kl_held_events_append(&inserted, kl_held_event_new(&event));
    }
    kl_held_events_prepend(&self->queue, &inserted);
}

static void put_off(struct kl_statem *self, const keel_event *event)
{
    kl_held_events_append(
            &self->postponed, self->held != NULL ? self->held : kl_held_event_new(event));
    self->held = NULL;
}

// What the plan refers to is dropped last.
static keel_next transition(
        struct kl_statem *self, const keel_event *event, const struct kl_statem_plan *plan)
{
    keel_term old = self->state;
    bool changed = !kl_statem_same(old, plan->state);
    if (self->sys.debug != NULL) {
        keel_term what = event == NULL ? keel_make("{internal, init_state}")
                                       : keel_tuple_of(keel_event_type_term(event),
                                                 event->content);
        keel_term tag = plan->postpone ? keel_atom(postpone) : keel_atom(consume);
        kl_statem_tell(self, keel_tuple_of(tag, what, old, plan->state));
    }
    if (plan->postpone) {
        put_off(self, event);
    }
    if (changed) {
        self->state = keel_keep(plan->state);
        kl_held_events_prepend(&self->queue, &self->postponed);
        kl_statem_timers_cancel(&self->timers, KEEL_EVENT_STATE_TIMEOUT, KEEL_NONE);
    }
    kl_statem_timers_cancel(&self->timers, KEEL_EVENT_TIMEOUT, KEEL_NONE);
    do_timeouts(self, plan->timeouts);
    if (plan->traced) {
        kl_statem_tell_timers(self, plan->timeouts);
    }
    insert_events(self, plan->events);
    self->sys.own[KL_STATEM_HIBERNATES] = plan->hibernate;
    if (changed) {
        keel_drop(old);
    }
    kl_held_event_free(self->held);
    self->held = NULL;
    return next(self);
}
