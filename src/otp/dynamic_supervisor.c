// Dynamic supervisors: a gen_server whose children come and go.

#include "dynamic.h"
#include "upgrade.h"
#include <keel/report.h>
#include <string.h>

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_cast(keel_term request, void *state);
static keel_result handle_info(keel_term message, void *state);
static void terminate(keel_term reason, void *state);
static keel_term code_change(keel_term old_version, void *state, keel_term extra);
static keel_term get_state(const void *state);
static void set_state(void *state, keel_term term);

// Called as the static one is: tools that look for supervisors find both.
const keel_gen_server kl_dynamic_module = {
        .name = "supervisor",
        .state = {.type = "struct kl_dynamic", .bytes = sizeof(struct kl_dynamic)},
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
        .terminate = terminate,
        .code_change = code_change,
        .get_state = get_state,
        .set_state = set_state,
};

keel_started kl_dynamic_start(const keel_dynamic_supervisor *module, keel_term argument,
        const keel_start_opts *opts)
{
    keel_start_opts all = *opts;
    keel_term name = keel_is_none(opts->name) ? keel_nil() : opts->name;
    all.argument = keel_tuple_of(keel_pointer(module), argument, name);
    return keel_gen_server_start_link_opt(&kl_dynamic_module, &all);
}

keel_started keel_dynamic_supervisor_start_link_opt(
        const keel_dynamic_supervisor_opts *opts)
{
    if (opts == NULL) {
        return (keel_started){.status = KEEL_E_BADARG, .reason = keel_atom(badarg)};
    }
    keel_start_opts start_opts = {.name = opts->name, .spawn = opts->spawn};
    return kl_dynamic_start(NULL, keel_dynamic_supervisor_init_opt(opts), &start_opts);
}

keel_started keel_dynamic_supervisor_start_link_module_opt(
        const keel_dynamic_supervisor *supervisor, const keel_start_opts *opts)
{
    if (supervisor == NULL || supervisor->init == NULL || opts == NULL) {
        return (keel_started){.status = KEEL_E_BADARG, .reason = keel_atom(badarg)};
    }
    keel_term argument = keel_is_none(opts->argument) ? keel_nil() : opts->argument;
    if (supervisor->name != NULL) {
        supervisor = kl_upgrade_current(
                KEEL_MODULE_DYNAMIC_SUPERVISOR, supervisor->name, supervisor);
    }
    return kl_dynamic_start(supervisor, argument, opts);
}

keel_started keel_dynamic_supervisor_start_child_module(
        const void *supervisor, const keel_start_opts *opts)
{
    return keel_dynamic_supervisor_start_link_module_opt(supervisor, opts);
}

// The start function of keel_child_dynamic_supervisor: {Plan, Name}.
static keel_started start_from_term(keel_term argument)
{
    keel_start_opts opts = {.name = keel_element(argument, 1)};
    return kl_dynamic_start(NULL, keel_element(argument, 0), &opts);
}

keel_child_spec keel_dynamic_supervisor_spec(const keel_dynamic_supervisor_opts *opts)
{
    opts = opts != NULL ? opts : &(const keel_dynamic_supervisor_opts){0};
    keel_term plan = keel_dynamic_supervisor_init_opt(opts);
    bool named = !keel_is_none(opts->name);
    return (keel_child_spec){
            .id = named ? opts->name : keel_atom(dynamic_supervisor),
            .start = start_from_term,
            .argument = keel_tuple_of(plan, named ? opts->name : keel_atom(nil)),
            .type = KEEL_SUPERVISOR,
            .modules = keel_list_of(keel_atom(dynamic_supervisor)),
    };
}

// --- callbacks ---

static const char *module_name(const struct kl_dynamic *self)
{
    return self->module != NULL && self->module->name != NULL ? self->module->name
                                                              : "dynamic_supervisor";
}

static keel_term shown_name(const struct kl_dynamic *self, keel_term name)
{
    if (keel_is_tuple(name)) {
        return name;
    }
    if (keel_is_atom(name) && !keel_is(name, nil)) {
        return keel_tuple_of(keel_atom(local), name);
    }
    keel_term atom = KEEL_NONE;
    const char *text = module_name(self);
    if (keel_atom_from(text, strlen(text), &atom) != KEEL_OK) {
        atom = keel_atom(dynamic_supervisor);
    }
    return keel_tuple_of(keel_from_pid(keel_self()), atom);
}

// What the module's init says, or what the options were at the start.
static keel_term read_init(const struct kl_dynamic *self)
{
    return self->module != NULL ? self->module->init(self->argument) : self->argument;
}

static void use_flags(struct kl_dynamic *self, const struct kl_dynamic_flags *flags)
{
    keel_term extra = self->flags.extra;
    self->flags = *flags;
    self->flags.extra = keel_keep(flags->extra);
    keel_drop(extra);
    self->restarts.limit = flags->intensity;
    self->restarts.period = flags->period;
}

static keel_result init(keel_term argument, void *state)
{
    struct kl_dynamic *self = state;
    keel_trap_exit(true);
    kl_dynamic_init_children(self);
    self->module = keel_to_pointer(keel_element(argument, 0), NULL);
    self->argument = keel_keep(keel_element(argument, 1));
    self->name = keel_keep(shown_name(self, keel_element(argument, 2)));
    keel_term plan = read_init(self);
    keel_term flags_term = KEEL_NONE;
    if (keel_is(plan, ignore)) {
        return keel_ignore();
    }
    if (!keel_match(plan, "{ok, Flags}", &flags_term) || !keel_is_map(flags_term)) {
        keel_term name = keel_element(shown_name(self, KEEL_NONE), 1);
        return keel_stop_with(keel_make("{bad_return, {Module, init, Plan}}", name, plan));
    }
    struct kl_dynamic_flags flags;
    keel_term why = kl_dynamic_flags_parse(flags_term, &flags);
    if (!keel_is_none(why)) {
        return keel_stop_with(keel_tuple_of(keel_atom(supervisor_data), why));
    }
    use_flags(self, &flags);
    return keel_ok();
}

static keel_term error(keel_term reason)
{
    return keel_tuple_of(keel_atom(error), reason);
}

static keel_term start_child(struct kl_dynamic *self, keel_term term)
{
    struct kl_child_spec spec;
    keel_term why = kl_dynamic_spec_parse(term, &spec);
    if (!keel_is_none(why)) {
        return error(why);
    }
    if (self->count >= self->flags.max_children) {
        return error(keel_atom(max_children));
    }
    return kl_dynamic_start_child(self, &spec);
}

static keel_term terminate_child(struct kl_dynamic *self, keel_term pid)
{
    struct kl_dynamic_child *child = kl_dynamic_find(self, keel_to_pid(pid));
    if (child == NULL) {
        return error(keel_atom(not_found));
    }
    kl_dynamic_stop(self, child);
    return keel_atom(ok);
}

// In the order of their starts, as long as a list is in which Elixir has an order.
static keel_term which_children(const struct kl_dynamic *self)
{
    keel_term list = keel_nil();
    for (struct kl_link *at = self->order.prev; at != &self->order; at = at->prev) {
        struct kl_dynamic_child *child = KL_CONTAINER(at, struct kl_dynamic_child, order);
        bool up = child->status == KL_DYNAMIC_UP;
        keel_term type = kl_child_type_term((keel_child_type)child->type);
        keel_term pid = up ? keel_from_pid(child->pid) : keel_atom(restarting);
        list = keel_cons(
                keel_tuple_of(keel_atom(undefined), pid, type, kl_dynamic_modules(child)),
                list);
    }
    return list;
}

static keel_term count_children(const struct kl_dynamic *self)
{
    keel_child_counts counts = {.specs = self->count};
    for (struct kl_link *at = self->order.next; at != &self->order; at = at->next) {
        struct kl_dynamic_child *child = KL_CONTAINER(at, struct kl_dynamic_child, order);
        counts.active += child->status == KL_DYNAMIC_UP && keel_process_alive(child->pid);
        counts.supervisors += child->type == KEEL_SUPERVISOR;
        counts.workers += child->type == KEEL_WORKER;
    }
    return keel_make("[{specs, Specs}, {active, Active}, {supervisors, S}, {workers, W}]",
            counts.specs, counts.active, counts.supervisors, counts.workers);
}

static keel_term answer(struct kl_dynamic *self, keel_term request)
{
    keel_term what = keel_element(request, 0);
    if (keel_is(request, which_children)) {
        return which_children(self);
    }
    if (keel_is(request, count_children)) {
        return count_children(self);
    }
    if (keel_is(request, get_callback_module)) {
        return keel_element(shown_name(self, KEEL_NONE), 1);
    }
    if (keel_tuple_size(request) == 2 && keel_is(what, start_child)) {
        return start_child(self, keel_element(request, 1));
    }
    if (keel_tuple_size(request) == 2 && keel_is(what, terminate_child)) {
        return terminate_child(self, keel_element(request, 1));
    }
    keel_error(keel_atom(function_clause)); // as Elixir's, which has no clause for it
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    (void)from;
    return keel_reply(answer(state, request));
}

static keel_result handle_cast(keel_term request, void *state)
{
    struct kl_dynamic *self = state;
    keel_pid pid;
    if (keel_match(request, "{'$gen_restart', Pid}", &pid)) {
        struct kl_dynamic_child *child = kl_dynamic_find(self, pid);
        if (child != NULL && child->status == KL_DYNAMIC_RESTARTING &&
                !kl_dynamic_restart(self, child)) {
            return keel_stop_with(keel_atom(shutdown));
        }
    }
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct kl_dynamic *self = state;
    keel_pid pid;
    keel_term reason = KEEL_NONE;
    if (!keel_match(message, "{'EXIT', Pid, Reason}", &pid, &reason)) {
        keel_report(KEEL_REPORT_ERROR,
                keel_make("#{label => {dynamic_supervisor, unexpected_msg}, "
                          "supervisor => Name, msg => Message}",
                        self->name, message));
        return keel_noreply();
    }
    struct kl_dynamic_child *child = kl_dynamic_find(self, pid);
    bool known = child != NULL && child->status == KL_DYNAMIC_UP;
    return known && !kl_dynamic_ended(self, child, reason)
                   ? keel_stop_with(keel_atom(shutdown))
                   : keel_noreply();
}

static void terminate(keel_term reason, void *state)
{
    (void)reason;
    kl_dynamic_stop(state, NULL);
}

// --- code change and inspection ---

// Reads the module's init again. Returns ok or what is wrong.
static keel_term reread(struct kl_dynamic *self)
{
    keel_term plan = read_init(self);
    keel_term flags_term = KEEL_NONE;
    if (keel_is(plan, ignore)) {
        return keel_atom(ok);
    }
    if (!keel_match(plan, "{ok, Flags}", &flags_term) || !keel_is_map(flags_term)) {
        return plan;
    }
    struct kl_dynamic_flags flags;
    keel_term why = kl_dynamic_flags_parse(flags_term, &flags);
    if (!keel_is_none(why)) {
        return error(keel_tuple_of(keel_atom(supervisor_data), why));
    }
    use_flags(self, &flags);
    return keel_atom(ok);
}

// Another module takes the place of its own.
static keel_term change_module(struct kl_dynamic *self, const keel_dynamic_supervisor *to)
{
    const keel_dynamic_supervisor *before = self->module;
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
    struct kl_dynamic *self = state;
    const char *name = self->module != NULL ? self->module->name : NULL;
    const void *to;
    if (!kl_upgrade_brings(
                extra, KEEL_MODULE_DYNAMIC_SUPERVISOR, name, self->previous, &to)) {
        return reread(self);
    }
    return to != NULL ? change_module(self, to) : keel_atom(ok);
}

static keel_term get_state(const void *state)
{
    const struct kl_dynamic *self = state;
    bool limited = self->flags.max_children != SIZE_MAX;
    keel_term most = limited ? keel_uint(self->flags.max_children) : keel_atom(infinity);
    return keel_make("#{name => Name, strategy => one_for_one, children => Children, "
                     "max_children => Most, extra_arguments => Extra, "
                     "max_restarts => Intensity, max_seconds => Period, restarts => Count}",
            self->name, which_children(self), most, self->flags.extra,
            self->flags.intensity, self->flags.period / KEEL_SECONDS(1),
            self->restarts.count);
}

// Its state is made of processes: it cannot be replaced from outside.
static void set_state(void *state, keel_term term)
{
    if (!keel_equal(get_state(state), term)) {
        keel_error(keel_atom(badarg));
    }
}
