// Supervisors: a gen_server whose callbacks start, stop and restart other processes.

#include "copy.h"
#include "start.h"
#include "supervising.h"
#include "upgrade.h"
#include <string.h>

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_cast(keel_term request, void *state);
static keel_result handle_info(keel_term message, void *state);
static void terminate(keel_term reason, void *state);
static keel_term code_change(keel_term old_version, void *state, keel_term extra);
static keel_term get_state(const void *state);
static void set_state(void *state, keel_term term);
static keel_term read_init(const struct kl_supervisor *self);
static keel_term add_children(struct kl_supervisor *self, keel_term specs);
static keel_result idle(const struct kl_supervisor *self, keel_result result);

const keel_gen_server kl_supervisor_module = {
        .name = "supervisor",
        .state = {.type = "struct kl_supervisor", .bytes = sizeof(struct kl_supervisor)},
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
        .terminate = terminate,
        .code_change = code_change,
        .get_state = get_state,
        .set_state = set_state,
};

static keel_started start(
        const keel_supervisor *module, keel_term argument, const keel_start_opts *opts)
{
    keel_start_opts all = *opts;
    keel_term name = keel_is_none(opts->name) ? keel_nil() : opts->name;
    all.argument = keel_tuple_of(keel_pointer(module), argument, name);
    return keel_gen_server_start_link_opt(&kl_supervisor_module, &all);
}

static keel_term specs_of(const keel_child_spec *children, size_t count)
{
    if (children == NULL && count > 0) {
        return KEEL_NONE;
    }
    keel_term specs = keel_nil();
    for (size_t i = count; i > 0; i--) {
        specs = keel_cons(kl_child_spec_of_c(&children[i - 1]), specs);
    }
    return specs;
}

keel_term keel_supervisor_init_opt(
        const keel_child_spec *children, const keel_supervisor_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_supervisor_opts){0};
    return keel_make("{ok, {Flags, Specs}}", kl_supervisor_flags_of_c(opts),
            specs_of(children, opts->count));
}

keel_started keel_supervisor_start_link_opt(
        const keel_child_spec *children, const keel_supervisor_opts *opts)
{
    if (opts == NULL || (children == NULL && opts->count > 0)) {
        return (keel_started){.status = KEEL_E_BADARG, .reason = keel_atom(badarg)};
    }
    keel_start_opts start_opts = {.name = opts->name};
    return start(NULL, keel_supervisor_init_opt(children, opts), &start_opts);
}

keel_started keel_supervisor_start_link_module_opt(
        const keel_supervisor *supervisor, const keel_start_opts *opts)
{
    if (supervisor == NULL || supervisor->init == NULL || opts == NULL) {
        return (keel_started){.status = KEEL_E_BADARG, .reason = keel_atom(badarg)};
    }
    keel_term argument = keel_is_none(opts->argument) ? keel_nil() : opts->argument;
    if (supervisor->name != NULL) {
        supervisor = kl_upgrade_current(
                KEEL_MODULE_SUPERVISOR, supervisor->name, supervisor);
    }
    return start(supervisor, argument, opts);
}

keel_started keel_supervisor_start_child_module(
        const void *supervisor, const keel_start_opts *opts)
{
    return keel_supervisor_start_link_module_opt(supervisor, opts);
}

keel_status keel_supervisor_check(const keel_child_spec *children,
        const keel_supervisor_opts *opts, keel_term *ret_reason)
{
    opts = opts != NULL ? opts : &(const keel_supervisor_opts){0};
    struct kl_supervisor_flags flags;
    keel_term why = kl_supervisor_flags_parse(kl_supervisor_flags_of_c(opts), &flags);
    keel_term specs = specs_of(children, opts->count);
    if (keel_is_none(why) && keel_is_none(specs)) {
        why = keel_make("{badarg, children}");
    }
    keel_term seen = keel_nil();
    keel_term term;
    while (keel_is_none(why) && keel_list_next(&specs, &term)) {
        struct kl_child_spec spec;
        why = kl_child_spec_parse(term, flags.auto_shutdown, &spec);
        if (keel_is_none(why) && keel_list_member(spec.id, seen)) {
            why = keel_tuple_of(keel_atom(duplicate_child_name), spec.id);
        }
        seen = keel_is_none(why) ? keel_cons(spec.id, seen) : seen;
    }
    if (!keel_is_none(why) && ret_reason != NULL) {
        *ret_reason = why;
    }
    return keel_is_none(why) ? KEEL_OK : KEEL_E_BADARG;
}

// --- callbacks ---

static keel_term shown_name(const struct kl_supervisor *self, keel_term name)
{
    if (keel_is_tuple(name)) {
        return name;
    }
    if (keel_is_atom(name) && !keel_is(name, nil)) {
        return keel_tuple_of(keel_atom(local), name);
    }
    const char *module = self->module != NULL ? self->module->name : "supervisor_default";
    keel_term atom = KEEL_NONE;
    if (keel_atom_from(module, __builtin_strlen(module), &atom) != KEEL_OK) {
        atom = keel_atom(supervisor_default);
    }
    return keel_tuple_of(keel_from_pid(keel_self()), atom);
}

static void use_flags(struct kl_supervisor *self, const struct kl_supervisor_flags *flags)
{
    self->flags = *flags;
    self->restarts.limit = flags->intensity;
    self->restarts.period = flags->period;
}

static keel_result init(keel_term argument, void *state)
{
    struct kl_supervisor *self = state;
    keel_trap_exit(true);
    kl_child_table_init(&self->children);
    self->module = keel_to_pointer(keel_element(argument, 0), NULL);
    self->argument = keel_keep(keel_element(argument, 1));
    self->name = keel_keep(shown_name(self, keel_element(argument, 2)));
    keel_term plan = read_init(self);
    keel_term flags_term = KEEL_NONE;
    keel_term specs = KEEL_NONE;
    if (keel_is(plan, ignore)) {
        return keel_ignore();
    }
    if (!keel_match(plan, "{ok, {Flags, Specs}}", &flags_term, &specs)) {
        return keel_stop_with(keel_make("{bad_return, {Module, init, Plan}}",
                self->module != NULL ? self->module->name : "supervisor_default", plan));
    }
    struct kl_supervisor_flags flags;
    keel_term why = kl_supervisor_flags_parse(flags_term, &flags);
    if (!keel_is_none(why)) {
        return keel_stop_with(keel_tuple_of(keel_atom(supervisor_data), why));
    }
    use_flags(self, &flags);
    if (flags.strategy == KEEL_SIMPLE_ONE_FOR_ONE) {
        why = kl_simple_init(self, specs);
        return keel_is_none(why) ? keel_ok() : keel_stop_with(why);
    }
    why = add_children(self, specs);
    if (!keel_is_none(why)) {
        return keel_stop_with(keel_tuple_of(keel_atom(start_spec), why));
    }
    keel_term reason = KEEL_NONE;
    struct kl_child *failed = kl_children_start(self, NULL, &reason);
    if (failed != NULL) {
        // The id goes with the child, if that is a temporary one.
        keel_term error = kl_copy_here(
                keel_make("{shutdown, {failed_to_start_child, Id, Reason}}",
                        failed->spec.id, reason));
        kl_children_stop(self, NULL);
        return keel_stop_with(error);
    }
    return idle(self, keel_ok());
}

// What the module's init says, or what the list was at the start.
static keel_term read_init(const struct kl_supervisor *self)
{
    return self->module != NULL ? self->module->init(self->argument) : self->argument;
}

// Checks all specifications before any child is started. Returns KEEL_NONE or what is
// wrong.
static keel_term add_children(struct kl_supervisor *self, keel_term specs)
{
    keel_term term;
    while (keel_list_next(&specs, &term)) {
        struct kl_child_spec spec;
        keel_scope scope = keel_scope_open();
        keel_term why = kl_child_spec_parse(term, self->flags.auto_shutdown, &spec);
        if (keel_is_none(why) && kl_child_table_find(&self->children, spec.id) != NULL) {
            why = keel_tuple_of(keel_atom(duplicate_child_name), spec.id);
        }
        if (keel_is_none(why) && kl_child_table_add(&self->children, &spec) == NULL) {
            why = keel_atom(system_limit);
        }
        if (!keel_is_none(why)) {
            return keel_scope_close_with(&scope, why);
        }
        keel_scope_close(&scope);
    }
    return keel_is_nil(specs) ? KEEL_NONE
                              : keel_tuple_of(keel_atom(invalid_child_spec), specs);
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    (void)from;
    struct kl_supervisor *self = state;
    return idle(self, keel_reply(kl_supervisor_answer(self, request)));
}

static keel_result handle_cast(keel_term request, void *state)
{
    struct kl_supervisor *self = state;
    keel_term id = KEEL_NONE;
    keel_pid pid;
    bool go_on;
    if (self->simple != NULL && keel_match(request, "{'$gen_restart', Pid}", &pid)) {
        go_on = kl_simple_try_again(self->simple, pid);
    } else if (keel_match(request, "{try_again_restart, Id}", &id)) {
        struct kl_child *child = kl_child_table_find(&self->children, id);
        go_on = child == NULL || kl_child_try_again(self, child);
    } else {
        keel_error(keel_atom(function_clause)); // as OTP's, which has no clause for it
    }
    return go_on ? idle(self, keel_noreply()) : keel_stop_with(keel_atom(shutdown));
}

// An exit signal has come. False: the supervisor must stop.
static bool ended(struct kl_supervisor *self, keel_pid pid, keel_term reason)
{
    if (self->simple != NULL) {
        return kl_simple_ended(self->simple, pid, reason);
    }
    struct kl_child *child = kl_child_table_find_pid(&self->children, pid);
    return child == NULL || kl_child_ended(self, child, reason);
}

static keel_result handle_info(keel_term message, void *state)
{
    struct kl_supervisor *self = state;
    keel_pid pid;
    keel_term reason = KEEL_NONE;
    bool idles = self->simple == NULL && self->flags.hibernate_after != KEEL_FOREVER;
    if (idles && keel_is(message, timeout)) {
        return keel_then_hibernate(keel_noreply());
    }
    if (keel_match(message, "{'EXIT', Pid, Reason}", &pid, &reason)) {
        return ended(self, pid, reason) ? idle(self, keel_noreply())
                                        : keel_stop_with(keel_atom(shutdown));
    }
    keel_report(KEEL_REPORT_ERROR,
            keel_make("#{label => {supervisor, unexpected_msg}, msg => Message}", message));
    return idle(self, keel_noreply());
}

static void terminate(keel_term reason, void *state)
{
    (void)reason;
    struct kl_supervisor *self = state;
    if (self->simple != NULL) {
        kl_simple_stop_all(self->simple);
    } else {
        kl_children_stop(self, NULL);
    }
}

// Waits, and hibernates when nothing has come for a while.
static keel_result idle(const struct kl_supervisor *self, keel_result result)
{
    return self->flags.hibernate_after == KEEL_FOREVER || self->simple != NULL
                   ? result
                   : keel_then_timeout(result, self->flags.hibernate_after);
}

// --- code change and inspection ---

// New specifications take the place of those with the same id; children that run are not
// touched, ones that are new are not started, ones that are gone stay behind the others.
static keel_term replace_specs(
        struct kl_supervisor *self, keel_term specs, keel_auto_shutdown auto_shutdown)
{
    struct kl_child_spec spec;
    keel_term rest = specs;
    keel_term seen = keel_nil();
    keel_term term;
    while (keel_list_next(&rest, &term)) {
        keel_term why = kl_child_spec_parse(term, auto_shutdown, &spec);
        if (keel_is_none(why) && keel_list_member(spec.id, seen)) {
            why = keel_tuple_of(keel_atom(duplicate_child_name), spec.id);
        }
        if (!keel_is_none(why)) {
            return why;
        }
        seen = keel_cons(spec.id, seen);
    }
    size_t old = self->children.count;
    size_t kept = 0;
    rest = specs;
    while (keel_list_next(&rest, &term)) {
        keel_term why = kl_child_spec_parse(term, auto_shutdown, &spec);
        struct kl_child *child = kl_child_table_find(&self->children, spec.id);
        if (!keel_is_none(why) || child == NULL) {
            kl_child_table_add(&self->children, &spec);
            continue;
        }
        kl_child_table_respec(child, &spec);
        kl_child_table_move_last(&self->children, child);
        kept++;
    }
    for (; kept < old; kept++) {
        kl_child_table_move_last(
                &self->children, kl_child_table_next(&self->children, NULL));
    }
    return KEEL_NONE;
}

// Reads the module's init again. Returns ok or what is wrong.
static keel_term reread(struct kl_supervisor *self)
{
    keel_term plan = read_init(self);
    keel_term flags_term = KEEL_NONE;
    keel_term specs = KEEL_NONE;
    if (keel_is(plan, ignore)) {
        return keel_atom(ok);
    }
    if (!keel_match(plan, "{ok, {Flags, Specs}}", &flags_term, &specs)) {
        return plan;
    }
    struct kl_supervisor_flags flags = {0};
    keel_term why = kl_supervisor_flags_parse(flags_term, &flags);
    if (keel_is(keel_element(why, 0), invalid_type)) {
        why = keel_tuple_of(keel_atom(bad_flags), flags_term); // its name from before maps
    }
    if (self->simple == NULL && flags.strategy == KEEL_SIMPLE_ONE_FOR_ONE) {
        why = keel_make("{invalid_strategy, simple_one_for_one}"); // its children have ids
    }
    if (keel_is_none(why)) {
        why = self->simple != NULL ? kl_simple_change(self, &flags, specs)
                                   : replace_specs(self, specs, flags.auto_shutdown);
    }
    if (!keel_is_none(why)) {
        return keel_tuple_of(keel_atom(error), why);
    }
    use_flags(self, &flags);
    return keel_atom(ok);
}

// Another module takes the place of its own.
static keel_term change_module(struct kl_supervisor *self, const keel_supervisor *to)
{
    const keel_supervisor *before = self->module;
    self->module = to;
    keel_term result = reread(self);
    if (keel_is(result, ok)) {
        self->previous = before;
    } else {
        self->module = before;
    }
    return result;
}

static keel_term code_change(keel_term old_version, void *state, keel_term extra)
{
    (void)old_version;
    struct kl_supervisor *self = state;
    const char *name = self->module != NULL ? self->module->name : NULL;
    const void *to;
    if (!kl_upgrade_brings(extra, KEEL_MODULE_SUPERVISOR, name, self->previous, &to)) {
        return reread(self);
    }
    return to != NULL ? change_module(self, to) : keel_atom(ok);
}

static keel_term get_state(const void *state)
{
    const struct kl_supervisor *self = state;
    keel_term children = keel_nil();
    struct kl_child *child = kl_child_table_previous(&self->children, NULL);
    for (; child != NULL; child = kl_child_table_previous(&self->children, child)) {
        children = keel_cons(kl_child_record(child), children);
    }
    if (self->simple != NULL) {
        children = kl_simple_state(self->simple);
    }
    return keel_make("{state, Name, Strategy, Children, Intensity, Period, Restarts, Auto}",
            self->name, kl_strategy_term(self->flags.strategy), children,
            self->flags.intensity, self->flags.period / KEEL_SECONDS(1),
            self->restarts.count, kl_auto_shutdown_term(self->flags.auto_shutdown));
}

// A supervisor's state is made of processes: it cannot be replaced from outside.
static void set_state(void *state, keel_term term)
{
    if (!keel_equal(get_state(state), term)) {
        keel_error(keel_atom(badarg));
    }
}
