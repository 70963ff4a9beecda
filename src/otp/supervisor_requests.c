// What a supervisor answers: the requests that supervisor's clients send, here and from
// other nodes.

#include "copy.h"
#include "supervising.h"

static keel_term start_child(struct kl_supervisor *self, keel_term spec);
static keel_term restart_child(struct kl_supervisor *self, struct kl_child *child);
static keel_term delete_child(struct kl_supervisor *self, struct kl_child *child);
static keel_term terminate_child(struct kl_supervisor *self, struct kl_child *child);
static keel_term get_childspec(const struct kl_child *child);
static keel_term which_child(const struct kl_child *child);
static keel_term which_children(const struct kl_supervisor *self);
static keel_term count_children(const struct kl_supervisor *self);
static keel_term callback_module(const struct kl_supervisor *self);

static keel_term error(keel_term reason)
{
    return keel_tuple_of(keel_atom(error), reason);
}

keel_term kl_supervisor_answer(struct kl_supervisor *self, keel_term request)
{
    if (keel_is(request, get_callback_module)) {
        return callback_module(self);
    }
    if (self->simple != NULL) {
        return kl_simple_answer(self->simple, request);
    }
    if (keel_is(request, which_children)) {
        return which_children(self);
    }
    if (keel_is(request, count_children)) {
        return count_children(self);
    }
    if (keel_tuple_size(request) != 2) {
        keel_error(keel_atom(function_clause)); // as OTP's, which has no clause for it
    }
    keel_term what = keel_element(request, 0);
    keel_term which = keel_element(request, 1);
    if (keel_is(what, start_child)) {
        return start_child(self, which);
    }
    bool known = keel_is(what, terminate_child) || keel_is(what, restart_child) ||
                 keel_is(what, delete_child) || keel_is(what, get_childspec) ||
                 keel_is(what, which_child);
    if (!known) {
        keel_error(keel_atom(function_clause));
    }
    struct kl_child *child = kl_child_table_find(&self->children, which);
    if (child == NULL) {
        return error(keel_atom(not_found));
    }
    if (keel_is(what, terminate_child)) {
        return terminate_child(self, child);
    }
    if (keel_is(what, restart_child)) {
        return restart_child(self, child);
    }
    if (keel_is(what, delete_child)) {
        return delete_child(self, child);
    }
    return keel_is(what, get_childspec) ? get_childspec(child)
                                        : keel_tuple_of(keel_atom(ok), which_child(child));
}

static keel_term start_child(struct kl_supervisor *self, keel_term term)
{
    struct kl_child_spec spec;
    keel_term why = kl_child_spec_parse(term, self->flags.auto_shutdown, &spec);
    if (!keel_is_none(why)) {
        return error(why);
    }
    struct kl_child *child = kl_child_table_find(&self->children, spec.id);
    if (child != NULL) {
        return error(child->status == KL_CHILD_UP
                             ? keel_tuple_of(keel_atom(already_started),
                                       keel_from_pid(child->pid))
                             : keel_atom(already_present));
    }
    child = kl_child_table_add(&self->children, &spec);
    if (child == NULL) {
        return error(keel_atom(system_limit));
    }
    keel_term result = kl_child_start(self, child, KEEL_REPORT_DEBUG);
    bool failed = keel_is(keel_element(result, 0), error);
    if (failed) {
        // A name that is taken is told as an id that is: without the child. All of it may
        // be made of what goes with the child.
        keel_term reason = keel_element(result, 1);
        bool taken = keel_match(reason, "{already_started, _}");
        result = kl_copy_here(
                error(taken ? reason : keel_tuple_of(reason, kl_child_record(child))));
    }
    if (failed || (child->status == KL_CHILD_DOWN && spec.restart == KEEL_TEMPORARY)) {
        kl_child_table_remove(&self->children, child);
    }
    return result;
}

static keel_term restart_child(struct kl_supervisor *self, struct kl_child *child)
{
    if (child->status != KL_CHILD_DOWN) {
        return error(
                child->status == KL_CHILD_UP ? keel_atom(running) : keel_atom(restarting));
    }
    return kl_child_start(self, child, KEEL_REPORT_DEBUG);
}

static keel_term delete_child(struct kl_supervisor *self, struct kl_child *child)
{
    if (child->status != KL_CHILD_DOWN) {
        return error(
                child->status == KL_CHILD_UP ? keel_atom(running) : keel_atom(restarting));
    }
    kl_child_table_remove(&self->children, child);
    return keel_atom(ok);
}

static keel_term terminate_child(struct kl_supervisor *self, struct kl_child *child)
{
    kl_child_stop(self, child);
    if (child->spec.restart == KEEL_TEMPORARY) {
        kl_child_table_remove(&self->children, child);
    }
    return keel_atom(ok);
}

static keel_term get_childspec(const struct kl_child *child)
{
    return keel_tuple_of(keel_atom(ok), kl_child_spec_shown(&child->spec));
}

static keel_term which_child(const struct kl_child *child)
{
    bool restarting = child->status == KL_CHILD_RESTARTING;
    return keel_tuple_of(child->spec.id,
            restarting ? keel_atom(restarting) : kl_child_pid_term(child),
            kl_child_type_term(child->spec.type), child->spec.modules);
}

// The child started last first: consing in start order makes it so.
static keel_term which_children(const struct kl_supervisor *self)
{
    keel_term list = keel_nil();
    struct kl_child *child = kl_child_table_next(&self->children, NULL);
    for (; child != NULL; child = kl_child_table_next(&self->children, child)) {
        list = keel_cons(which_child(child), list);
    }
    return list;
}

static keel_term count_children(const struct kl_supervisor *self)
{
    keel_child_counts counts = {.specs = self->children.count};
    struct kl_child *child = kl_child_table_next(&self->children, NULL);
    for (; child != NULL; child = kl_child_table_next(&self->children, child)) {
        bool supervisor = child->spec.type == KEEL_SUPERVISOR;
        counts.active += child->status == KL_CHILD_UP && keel_process_alive(child->pid);
        counts.supervisors += supervisor;
        counts.workers += !supervisor;
    }
    return keel_make("[{specs, Specs}, {active, Active}, {supervisors, S}, {workers, W}]",
            counts.specs, counts.active, counts.supervisors, counts.workers);
}

static keel_term callback_module(const struct kl_supervisor *self)
{
    const char *name = self->module != NULL ? self->module->name : "supervisor_default";
    keel_term module = KEEL_NONE;
    keel_status status = keel_atom_from(name, __builtin_strlen(name), &module);
    return status == KEEL_OK ? module : keel_atom(undefined);
}
