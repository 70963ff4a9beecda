// gen_server: starting, and what happens to each message. How it ends is in
// gen_server_end.c, how it answers sys in gen_server_sys.c.

#include "gen_server_step.h"
#include "report.h"
#include "server.h"
#include "start.h"

static keel_next start(void *memory, keel_term argument);
static keel_next receive(void *memory, const keel_message *message);
static keel_next follow(
        struct kl_server *self, enum kl_step_phase phase, const keel_result *result);
static keel_next handle_parent_exit(struct kl_server *self, const keel_message *message);
static keel_next handle_timeout(struct kl_server *self);
static keel_next handle_continue(struct kl_server *self);
static keel_result call_info(struct kl_server *self);

static const keel_handler pattern = {
        .start = start, .receive = receive, .failed = kl_server_failed};

static keel_started start_as(
        const keel_gen_server *server, const keel_start_opts *opts, enum kl_start_kind kind)
{
    if (server == NULL || server->name == NULL) {
        return (keel_started){.status = KEEL_E_BADARG, .reason = keel_atom(badarg)};
    }
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
    if (self->then == KEEL_THEN_TIMEOUT) {
        until = KEEL_IN(self->time);
    } else if (self->then == KEEL_THEN_MESSAGE) {
        until = keel_deadline_at(self->time);
    } else if (self->more != NULL && self->more->hibernate_after > 0 && !self->hibernate) {
        until = KEEL_IN(self->more->hibernate_after);
    }
    return self->hibernate ? keel_next_hibernate(until) : keel_next_wait_until(until);
}

static void begin(struct kl_server *self, const keel_gen_server *module,
        const struct kl_start_info *info)
{
    self->module = module;
    self->state = (char *)self + KL_SERVER_BYTES;
    self->linked = info->linked;
    self->sys.alone = !info->linked;
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
    keel_result result = self->module->init(info.argument, self->state);
    struct kl_step step = kl_step_decide(KL_STEP_INIT, &result);
    keel_term error = keel_atom(error);
    switch (step.verdict) {
    case KL_STEP_GO_ON:
        keel_gen_ack(keel_atom(ok));
        return follow(self, KL_STEP_INIT, &result);
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

// Any message ends the wait that the last callback asked for.
static inline void end_wait(struct kl_server *self)
{
    self->hibernate = false;
    if (self->then != KEEL_THEN_WAIT) {
        self->then = KEEL_THEN_WAIT;
        keel_drop(self->extra);
        self->extra = KEEL_NONE;
    }
}

static keel_next handle_call(struct kl_server *self, const keel_message *message)
{
    self->from = message->from;
    if (self->sys.debug != NULL) {
        kl_server_event_in(self);
    }
    if (self->module->handle_call == NULL) {
        return kl_server_end(self,
                kl_server_undef(self->module, "handle_call", 3, keel_atom(undef)),
                KEEL_NONE);
    }
    keel_result result = self->module->handle_call(
            message->body, message->from, self->state);
    // The common case is decided here; follow() knows all of them.
    if (result.kind == KEEL_RESULT_REPLY && result.then == KEEL_THEN_WAIT &&
            !result.hibernate && self->sys.debug == NULL && self->more == NULL &&
            !keel_is_none(result.value)) {
        keel_gen_reply(message->from, result.value);
        return keel_next_wait();
    }
    return follow(self, KL_STEP_CALL, &result);
}

static keel_next handle_cast(struct kl_server *self)
{
    if (self->sys.debug != NULL) {
        kl_server_event_in(self);
    }
    if (self->module->handle_cast == NULL) {
        return kl_server_end(self,
                kl_server_undef(self->module, "handle_cast", 2, keel_atom(undef)),
                KEEL_NONE);
    }
    keel_result result = self->module->handle_cast(self->body, self->state);
    return follow(self, KL_STEP_OTHER, &result);
}

static keel_next handle_info(struct kl_server *self)
{
    if (self->sys.debug != NULL) {
        kl_server_event_in(self);
    }
    keel_result result = call_info(self);
    return follow(self, KL_STEP_OTHER, &result);
}

static keel_next receive(void *memory, const keel_message *message)
{
    struct kl_server *self = memory;
    self->body = message->body;
    switch (message->kind) {
    case KEEL_MESSAGE_CALL:
        end_wait(self);
        self->doing = KL_DOING_CALL;
        return handle_call(self, message);
    case KEEL_MESSAGE_CAST:
        end_wait(self);
        self->doing = KL_DOING_CAST;
        return handle_cast(self);
    case KEEL_MESSAGE_SYSTEM:
        self->doing = KL_DOING_SYSTEM;
        return keel_sys_handle(&self->sys, &kl_server_sys, self, message);
    case KEEL_MESSAGE_TIMEOUT:
        return handle_timeout(self);
    case KEEL_MESSAGE_AGAIN:
        return handle_continue(self);
    case KEEL_MESSAGE_PARENT_EXIT:
        end_wait(self);
        return handle_parent_exit(self, message);
    default:
        end_wait(self);
        self->doing = KL_DOING_INFO;
        return handle_info(self);
    }
}

static keel_next handle_parent_exit(struct kl_server *self, const keel_message *message)
{
    self->body = keel_tuple_of(
            keel_atom(EXIT), keel_from_pid(keel_gen_parent()), message->body);
    self->doing = KL_DOING_PARENT_EXIT;
    return kl_server_end(self, message->body, KEEL_NONE);
}

// Gives back what was kept for the callback that has just run. An exit reason may be part
// of it; then, as after a failure, it goes with the process.
static keel_next drop_after(keel_next next, keel_term kept)
{
    if (next.action != KEEL_NEXT_EXIT) {
        keel_drop(kept);
    }
    return next;
}

static keel_next handle_timeout(struct kl_server *self)
{
    if (self->then == KEEL_THEN_WAIT) {
        self->hibernate = true; // hibernate_after has passed
        return kl_server_wait(self);
    }
    self->body = self->then == KEEL_THEN_TIMEOUT ? keel_atom(timeout) : self->extra;
    self->doing = KL_DOING_TIMEOUT;
    self->then = KEEL_THEN_WAIT;
    self->hibernate = false;
    keel_term kept = self->extra;
    self->extra = KEEL_NONE;
    return drop_after(handle_info(self), kept);
}

static keel_next handle_continue(struct kl_server *self)
{
    self->doing = KL_DOING_CONTINUE;
    self->then = KEEL_THEN_WAIT;
    self->body = self->extra;
    keel_term kept = self->extra;
    self->extra = KEEL_NONE;
    if (self->module->handle_continue == NULL) {
        return kl_server_end(self,
                kl_server_undef(self->module, "handle_continue", 2, keel_atom(undef)),
                KEEL_NONE);
    }
    if (self->sys.debug != NULL) {
        kl_server_event_in(self);
    }
    keel_result result = self->module->handle_continue(self->body, self->state);
    return drop_after(follow(self, KL_STEP_OTHER, &result), kept);
}

// Without handle_info a message is told of and dropped.
static keel_result call_info(struct kl_server *self)
{
    if (self->module->handle_info != NULL) {
        return self->module->handle_info(self->body, self->state);
    }
    return keel_unexpected(self->body);
}

// --- results ---

static keel_next go_on(struct kl_server *self, const keel_result *result)
{
    self->then = result->then;
    self->time = result->time;
    self->hibernate = result->hibernate;
    if (result->then == KEEL_THEN_CONTINUE || result->then == KEEL_THEN_MESSAGE) {
        self->extra = keel_keep(
                keel_is_none(result->extra) ? keel_atom(undefined) : result->extra);
    }
    if (result->then == KEEL_THEN_CONTINUE) {
        return keel_next_again();
    }
    return kl_server_wait(self);
}

static keel_next unexpected(struct kl_server *self, const struct kl_step *step)
{
    if (self->doing == KL_DOING_CALL || self->doing == KL_DOING_CAST) {
        bool call = self->doing == KL_DOING_CALL;
        keel_term why = keel_tuple_of(
                call ? keel_atom(bad_call) : keel_atom(bad_cast), step->reason);
        return kl_server_end(self,
                kl_server_undef(self->module, call ? "handle_call" : "handle_cast",
                        call ? 3 : 2, why),
                KEEL_NONE);
    }
    keel_term module = keel_string(self->module->name);
    keel_report(KEEL_REPORT_WARNING,
            keel_make("#{label => {gen_server, no_handle_info}, module => Module, "
                      "message => Message}",
                    module, self->body));
    keel_result carry_on = keel_noreply();
    return follow(self, KL_STEP_OTHER, &carry_on);
}

static keel_next follow(
        struct kl_server *self, enum kl_step_phase phase, const keel_result *result)
{
    struct kl_step step = kl_step_decide(phase, result);
    switch (step.verdict) {
    case KL_STEP_GO_ON:
        if (!keel_is_none(step.reply)) {
            keel_gen_reply(self->from, step.reply);
        }
        if (self->sys.debug != NULL && phase != KL_STEP_INIT) {
            kl_server_event_out(self, step.reply);
        }
        return go_on(self, result);
    case KL_STEP_STOP:
        return kl_server_end(self, step.reason, step.reply);
    case KL_STEP_UNEXPECTED:
        return unexpected(self, &step);
    default:
        return kl_server_end(self,
                keel_tuple_of(keel_atom(bad_return_value), kl_step_result_term(result)),
                KEEL_NONE);
    }
}

// --- from a process that is there already ---

// A name given here must be the caller's.
static void check_name(keel_term term)
{
    struct kl_name name = kl_name_parse(term);
    keel_pid self = keel_self();
    if (name.kind == KL_NAME_LOCAL && keel_whereis_term(name.local).word != self.word) {
        keel_exit(keel_atom(process_not_registered));
    }
    if (keel_is(keel_element(term, 0), global) &&
            (name.kind != KL_NAME_VIA || name.via->whereis(name.key).word != self.word)) {
        keel_exit(keel_atom(process_not_registered_globally));
    }
    if (name.kind == KL_NAME_VIA && name.via->whereis(name.key).word != self.word) {
        keel_exit(keel_tuple_of(keel_atom(process_not_registered_via), name.module));
    }
    if (name.kind == KL_NAME_BAD) {
        keel_error(keel_atom(badarg));
    }
}

void keel_gen_server_enter_loop(const keel_gen_server *server,
        keel_result (*first)(keel_term argument, void *state), const keel_start_opts *opts)
{
    static const keel_start_opts defaults;
    opts = opts == NULL ? &defaults : opts;
    if (server == NULL || server->name == NULL || first == NULL) {
        keel_error(keel_atom(badarg));
    }
    check_name(opts->name);
    if (!keel_gen_started()) {
        keel_exit(keel_atom(process_was_not_started_by_proc_lib));
    }
    const keel_handler *handler = kl_start_handler(
            server, server->name, KL_SERVER_BYTES + server->state.bytes, &pattern);
    if (handler == NULL) {
        keel_exit(keel_atom(system_limit));
    }
    struct kl_start_info info = {.module = server,
            .name = keel_is_tuple(opts->name) ? opts->name : KEEL_NONE,
            .hibernate_after = opts->hibernate_after,
            .debug = opts->debug,
            .linked = keel_parent().word != 0};
    struct kl_server *self = keel_alloc(handler->state_bytes);
    begin(self, server, &info);
    keel_result result = first(
            keel_is_none(opts->argument) ? keel_nil() : opts->argument, self->state);
    keel_gen_enter(handler, self, follow(self, KL_STEP_INIT, &result));
}
