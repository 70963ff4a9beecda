// gen_server: starting, and what happens to each message. How it ends is in
// gen_server_end.c, how it answers sys in gen_server_sys.c.

#include "gen_server_step.h"
#include "report.h"
#include "server.h"
#include "start.h"
#include "upgrade.h"

static keel_next start(void *memory, keel_term argument);
static keel_next receive(void *memory, const keel_message *message);
static keel_next wait_is_over(struct kl_server *self, const keel_message *message);
static keel_next missing(struct kl_server *self, const keel_message *message,
        const char *callback, unsigned arity);
static keel_next go_on(struct kl_server *self, const keel_result *result);
static keel_next follow(
        struct kl_server *self, const keel_message *message, const keel_result *result);

// Any message ends the wait that the last callback asked for. Its message stays until the
// next result, for whoever asks what was being handled.
static inline void end_wait(struct kl_server *self)
{
    self->sys.own[KL_SERVER_THEN] = KEEL_THEN_WAIT;
    self->sys.own[KL_SERVER_HIBERNATES] = false;
}

static const keel_handler pattern = {
        .start = start, .receive = receive, .failed = kl_server_failed};

static keel_started start_as(
        const keel_gen_server *server, const keel_start_opts *opts, enum kl_start_kind kind)
{
    if (server == NULL || server->name == NULL) {
        return (keel_started){
                .status = KEEL_E_BADARG, .reason = keel_make("{badarg, name}")};
    }
    server = kl_upgrade_current(KEEL_MODULE_GEN_SERVER, server->name, server);
    const keel_handler *handler = kl_start_handler(
            server, server->name, KL_SERVER_BYTES + server->state.bytes, &pattern);
    return kl_start(handler, server, opts, kind);
}

keel_started keel_gen_server_start_opt(
        const keel_gen_server *server, const keel_start_opts *opts)
{
    return start_as(server, opts, KL_START_ALONE);
}

keel_started keel_gen_server_start_link_opt(
        const keel_gen_server *server, const keel_start_opts *opts)
{
    return start_as(server, opts, KL_START_LINKED);
}

keel_started keel_gen_server_start_monitor_opt(
        const keel_gen_server *server, const keel_start_opts *opts)
{
    return start_as(server, opts, KL_START_MONITORED);
}

keel_started keel_gen_server_start_child(const void *server, const keel_start_opts *opts)
{
    return start_as(server, opts, KL_START_LINKED);
}

keel_result keel_init_term(keel_term argument, void *state)
{
    keel_set(state, argument);
    return keel_ok();
}

struct kl_server_more *kl_server_more(struct kl_server *self)
{
    if (self->more == NULL) {
        self->more = keel_alloc(sizeof *self->more);
    }
    return self->more;
}

// What to do while there is nothing to do.
keel_next kl_server_wait(struct kl_server *self)
{
    keel_deadline until = KEEL_NEVER;
    bool hibernates = self->sys.own[KL_SERVER_HIBERNATES];
    uint8_t then = self->sys.own[KL_SERVER_THEN];
    if (then == KEEL_THEN_TIMEOUT) {
        until = KEEL_IN(self->more->time);
    } else if (self->more != NULL && self->more->hibernate_after > 0 && !hibernates) {
        until = KEEL_IN(self->more->hibernate_after);
    }
    if (then == KEEL_THEN_MESSAGE && self->more->time < until.at) {
        until = keel_deadline_at(self->more->time);
    }
    return hibernates ? keel_next_hibernate(until) : keel_next_wait_until(until);
}

static void begin(struct kl_server *self, const keel_gen_server *module,
        const struct kl_start_info *info)
{
    self->module = module;
    if (!keel_is_none(info->name) || info->hibernate_after > 0) {
        struct kl_server_more *more = kl_server_more(self);
        more->name = keel_is_none(info->name) ? KEEL_NONE : keel_keep(info->name);
        more->hibernate_after = info->hibernate_after;
    }
    if (!keel_is_none(info->debug)) {
        keel_sys_options(&self->sys, info->debug);
    }
}

static keel_next start(void *memory, keel_term argument)
{
    struct kl_server *self = memory;
    struct kl_start_info info = kl_start_unpack(argument);
    kl_start_take_name(&info);
    begin(self, info.module, &info);
    if (self->module->init == NULL) {
        keel_exit(kl_server_undef(self->module, "init", 1, keel_atom(undef)));
    }
    keel_result result = self->module->init(info.argument, kl_server_state(self));
    struct kl_step step = kl_step_decide(KL_STEP_INIT, &result);
    keel_term error = keel_atom(error);
    switch (step.verdict) {
    case KL_STEP_GO_ON:
        keel_gen_ack(keel_atom(ok));
        return go_on(self, &result);
    case KL_STEP_IGNORE:
        kl_start_fail(info.name, keel_atom(ignore), keel_atom(normal));
    case KL_STEP_FAIL:
        kl_start_fail(info.name, keel_tuple_of(error, step.reason), keel_atom(normal));
    case KL_STEP_STOP:
        kl_start_fail(info.name, keel_tuple_of(error, step.reason), step.reason);
    default: {
        keel_term reason = keel_tuple_of(
                keel_atom(bad_return_value), kl_step_result_term(&result));
        kl_start_fail(info.name, keel_tuple_of(error, reason), reason);
    }
    }
}

// --- messages ---

static keel_next handle_call(struct kl_server *self, const keel_message *message)
{
    if (self->sys.debug != NULL) {
        kl_server_event_in(self, message);
    }
    if (self->module->handle_call == NULL) {
        return missing(self, message, "handle_call", 3);
    }
    keel_result result = self->module->handle_call(
            message->body, message->from, kl_server_state(self));
    // The common case is decided here; follow() knows all of them.
    if (result.kind == KEEL_RESULT_REPLY && result.then == KEEL_THEN_WAIT &&
            !result.hibernate && self->sys.debug == NULL && !keel_is_none(result.value)) {
        keel_gen_reply(message->from, result.value);
        return self->more == NULL ? keel_next_wait() : go_on(self, &result);
    }
    return follow(self, message, &result);
}

// The common case of what follows a message; follow() knows all of them.
static inline bool is_plain_noreply(const struct kl_server *self, const keel_result *result)
{
    return result->kind == KEEL_RESULT_NOREPLY && result->then == KEEL_THEN_WAIT &&
           !result->hibernate && self->sys.debug == NULL && self->more == NULL &&
           (self->sys.own[KL_SERVER_THEN] | self->sys.own[KL_SERVER_HIBERNATES]) == 0;
}

static keel_next handle_cast(struct kl_server *self, const keel_message *message)
{
    if (self->sys.debug != NULL) {
        kl_server_event_in(self, message);
    }
    if (self->module->handle_cast == NULL) {
        return missing(self, message, "handle_cast", 2);
    }
    keel_result result = self->module->handle_cast(message->body, kl_server_state(self));
    return is_plain_noreply(self, &result) ? keel_next_wait()
                                           : follow(self, message, &result);
}

// Without handle_info a message is told of and dropped.
static keel_next handle_info(struct kl_server *self, const keel_message *message)
{
    if (self->sys.debug != NULL) {
        kl_server_event_in(self, message);
    }
    keel_term body = kl_server_body(self, message);
    keel_result result = self->module->handle_info == NULL
                                 ? keel_unexpected(body)
                                 : self->module->handle_info(body, kl_server_state(self));
    return is_plain_noreply(self, &result) ? keel_next_wait()
                                           : follow(self, message, &result);
}

static keel_next handle_continue(struct kl_server *self, const keel_message *message)
{
    if (self->module->handle_continue == NULL) {
        return missing(self, message, "handle_continue", 2);
    }
    if (self->sys.debug != NULL) {
        kl_server_event_in(self, message);
    }
    keel_result result = self->module->handle_continue(
            self->more->extra, kl_server_state(self));
    return follow(self, message, &result);
}

static keel_next receive(void *memory, const keel_message *message)
{
    struct kl_server *self = memory;
    switch (message->kind) {
    case KEEL_MESSAGE_CALL:
        end_wait(self);
        return handle_call(self, message);
    case KEEL_MESSAGE_CAST:
        end_wait(self);
        return handle_cast(self, message);
    case KEEL_MESSAGE_SYSTEM:
        return keel_sys_handle(&self->sys, &kl_server_sys, self, message);
    case KEEL_MESSAGE_TIMEOUT:
        return wait_is_over(self, message);
    case KEEL_MESSAGE_AGAIN:
        return kl_server_is_wake(self, message) ? handle_info(self, message)
                                                : handle_continue(self, message);
    case KEEL_MESSAGE_PARENT_EXIT:
        end_wait(self);
        return kl_server_end(self, message, message->body, KEEL_NONE);
    default:
        end_wait(self);
        return handle_info(self, message);
    }
}

// Whether the message that a callback asked for is due, by a clock read now: the callback
// did so, too.
static bool is_due(const struct kl_server *self)
{
    return self->sys.own[KL_SERVER_THEN] == KEEL_THEN_MESSAGE &&
           self->more->time <= KEEL_IN(0).at;
}

static keel_next wait_is_over(struct kl_server *self, const keel_message *message)
{
    bool asleep = self->sys.own[KL_SERVER_HIBERNATES];
    bool shortened = self->sys.own[KL_SERVER_THEN] == KEEL_THEN_MESSAGE && !asleep &&
                     self->more->hibernate_after > 0 && !is_due(self);
    if (self->sys.own[KL_SERVER_THEN] == KEEL_THEN_WAIT || shortened) {
        self->sys.own[KL_SERVER_HIBERNATES] = true; // hibernate_after has passed
        return kl_server_wait(self);
    }
    self->sys.own[KL_SERVER_HIBERNATES] = false;
    return handle_info(self, message);
}

bool kl_server_is_wake(const struct kl_server *self, const keel_message *message)
{
    return message->kind == KEEL_MESSAGE_TIMEOUT ||
           (message->kind == KEEL_MESSAGE_AGAIN &&
                   self->sys.own[KL_SERVER_THEN] == KEEL_THEN_MESSAGE);
}

keel_term kl_server_body(const struct kl_server *self, const keel_message *message)
{
    if (message->kind == KEEL_MESSAGE_PARENT_EXIT) {
        return keel_tuple_of(
                keel_atom(EXIT), keel_from_pid(keel_gen_parent()), message->body);
    }
    if (!kl_server_is_wake(self, message)) {
        return message->body;
    }
    bool plain = self->more == NULL || keel_is_none(self->more->extra);
    return plain ? keel_atom(timeout) : self->more->extra;
}

// --- results ---

static keel_next missing(struct kl_server *self, const keel_message *message,
        const char *callback, unsigned arity)
{
    keel_term why = kl_server_undef(self->module, callback, arity, keel_atom(undef));
    return kl_server_end(self, message, why, KEEL_NONE);
}

// Does what comes after a callback. What the last result had kept goes; the new result may
// be made of it.
static keel_next go_on(struct kl_server *self, const keel_result *result)
{
    keel_term old = self->more == NULL ? KEEL_NONE : self->more->extra;
    self->sys.own[KL_SERVER_THEN] = result->then;
    self->sys.own[KL_SERVER_HIBERNATES] = result->hibernate;
    if (result->then != KEEL_THEN_WAIT) {
        struct kl_server_more *more = kl_server_more(self);
        keel_term extra = keel_is_none(result->extra) ? keel_atom(undefined)
                                                      : result->extra;
        more->time = result->time;
        more->extra = result->then == KEEL_THEN_TIMEOUT ? KEEL_NONE : keel_keep(extra);
    } else if (self->more != NULL) {
        self->more->extra = KEEL_NONE;
    }
    keel_drop(old);
    // A message that is due already goes before any that is queued, as a continue does.
    return result->then == KEEL_THEN_CONTINUE || is_due(self) ? keel_next_again()
                                                              : kl_server_wait(self);
}

static keel_next unexpected(
        struct kl_server *self, const keel_message *message, keel_term request)
{
    bool call = message->kind == KEEL_MESSAGE_CALL;
    if (call || message->kind == KEEL_MESSAGE_CAST) {
        keel_term why = keel_tuple_of(
                call ? keel_atom(bad_call) : keel_atom(bad_cast), request);
        return kl_server_end(self, message,
                kl_server_undef(self->module, call ? "handle_call" : "handle_cast",
                        call ? 3 : 2, why),
                KEEL_NONE);
    }
    keel_report(KEEL_REPORT_WARNING,
            keel_make("#{label => {gen_server, no_handle_info}, module => Module, "
                      "message => Message}",
                    self->module->name, request));
    keel_result carry_on = keel_noreply();
    return follow(self, message, &carry_on);
}

static keel_next follow(
        struct kl_server *self, const keel_message *message, const keel_result *result)
{
    bool call = message->kind == KEEL_MESSAGE_CALL;
    struct kl_step step = kl_step_decide(call ? KL_STEP_CALL : KL_STEP_OTHER, result);
    switch (step.verdict) {
    case KL_STEP_GO_ON:
        if (!keel_is_none(step.reply)) {
            keel_gen_reply(message->from, step.reply);
        }
        if (self->sys.debug != NULL) {
            kl_server_event_out(self, message->from, step.reply);
        }
        return go_on(self, result);
    case KL_STEP_STOP:
        return kl_server_end(self, message, step.reason, step.reply);
    case KL_STEP_UNEXPECTED:
        return unexpected(self, message, step.reason);
    default:
        return kl_server_end(self, message,
                keel_tuple_of(keel_atom(bad_return_value), kl_step_result_term(result)),
                KEEL_NONE);
    }
}

// --- from a process that is there already ---

void keel_gen_server_enter_loop(const keel_gen_server *server,
        keel_result (*first)(keel_term argument, void *state), const keel_start_opts *opts)
{
    static const keel_start_opts defaults;
    opts = opts == NULL ? &defaults : opts;
    if (server == NULL || server->name == NULL || first == NULL) {
        keel_error(keel_atom(badarg));
    }
    kl_start_check_entry(opts->name);
    const keel_handler *handler = kl_start_handler(
            server, server->name, KL_SERVER_BYTES + server->state.bytes, &pattern);
    if (handler == NULL) {
        keel_exit(keel_atom(system_limit));
    }
    struct kl_start_info info = {.module = server,
            .name = keel_is_tuple(opts->name) ? opts->name : KEEL_NONE,
            .hibernate_after = opts->hibernate_after,
            .debug = opts->debug};
    struct kl_server *self = keel_alloc(handler->state_bytes);
    begin(self, server, &info);
    keel_term argument = keel_is_none(opts->argument) ? keel_nil() : opts->argument;
    keel_result result = first(argument, kl_server_state(self));
    struct kl_step step = kl_step_decide(KL_STEP_INIT, &result);
    if (step.verdict != KL_STEP_GO_ON) {
        keel_exit(step.verdict == KL_STEP_STOP ? step.reason
                                               : keel_tuple_of(keel_atom(bad_return_value),
                                                         kl_step_result_term(&result)));
    }
    keel_gen_enter(handler, self, go_on(self, &result));
}
