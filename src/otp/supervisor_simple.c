// simple_one_for_one: one specification, any number of children, known by their pid. The
// children are those of a dynamic supervisor whose own arguments are the specification's.

#include "copy.h"
#include "dynamic.h"
#include "report.h"
#include "supervising.h"

struct kl_simple {
    struct kl_dynamic children;
    struct kl_child_spec pattern; // its term is kept
    bool one; // is being stopped, by hand
    keel_term failures; // kept while all are stopped: a list of {Reason, Count}
};

static void judge_end(
        struct kl_dynamic *children, struct kl_dynamic_child *child, keel_term reason);
static keel_term use_pattern(struct kl_simple *simple, keel_term specs);
static void use_flags(struct kl_simple *simple, const struct kl_supervisor_flags *flags);
static keel_term start_child(struct kl_simple *simple, keel_term arguments);
static keel_term ask_child(struct kl_simple *simple, keel_term what, keel_term pid);
static keel_term which_child(const struct kl_dynamic_child *child);
static keel_term which_children(const struct kl_simple *simple);

static keel_term error(keel_term reason)
{
    return keel_tuple_of(keel_atom(error), reason);
}

static struct kl_dynamic_child *next_child(
        const struct kl_simple *simple, const struct kl_dynamic_child *child)
{
    const struct kl_dynamic *children = &simple->children;
    struct kl_link *at = child == NULL ? children->order.next : child->order.next;
    return at == &children->order ? NULL : KL_CONTAINER(at, struct kl_dynamic_child, order);
}

keel_term kl_simple_init(struct kl_supervisor *self, keel_term specs)
{
    struct kl_simple *simple = keel_alloc(sizeof *simple);
    kl_dynamic_init_children(&simple->children);
    simple->children.name = self->name;
    simple->children.pattern = &simple->pattern;
    simple->children.stopped = judge_end;
    simple->failures = keel_nil();
    keel_term why = use_pattern(simple, specs);
    if (keel_is_none(why)) {
        use_flags(simple, &self->flags);
        self->simple = simple;
    }
    return why;
}

keel_term kl_simple_change(struct kl_supervisor *self,
        const struct kl_supervisor_flags *flags, keel_term specs)
{
    if (flags->strategy != KEEL_SIMPLE_ONE_FOR_ONE) {
        return keel_tuple_of(
                keel_atom(invalid_strategy), kl_strategy_term(flags->strategy));
    }
    keel_term why = use_pattern(self->simple, specs);
    if (keel_is_none(why)) {
        use_flags(self->simple, flags);
    }
    return why;
}

// Takes a specification over, if it is the only one and right.
static keel_term use_pattern(struct kl_simple *simple, keel_term specs)
{
    struct kl_child_spec spec;
    keel_term term = KEEL_NONE;
    if (!keel_match(specs, "[Spec]", &term)) {
        return keel_tuple_of(keel_atom(bad_start_spec), specs);
    }
    keel_term why = kl_child_spec_parse(term, KEEL_NEVER_SHUTDOWN, &spec);
    if (!keel_is_none(why)) {
        return keel_tuple_of(keel_atom(start_spec), why);
    }
    keel_term old = simple->pattern.term;
    simple->pattern = kl_child_spec_read(keel_keep(spec.term));
    keel_drop(old);
    // In C a specification without an argument has [] as its argument: nothing to put
    // first.
    keel_term own = keel_element(simple->pattern.mfa, 2);
    bool native = spec.start != NULL || spec.start_module != NULL;
    bool nothing = native && keel_is_nil(keel_head(own));
    keel_set(&simple->children.flags.extra, nothing ? keel_nil() : own);
    return KEEL_NONE;
}

static void use_flags(struct kl_simple *simple, const struct kl_supervisor_flags *flags)
{
    struct kl_dynamic *children = &simple->children;
    children->flags.intensity = flags->intensity;
    children->flags.period = flags->period;
    children->flags.max_children = SIZE_MAX;
    children->restarts.limit = flags->intensity;
    children->restarts.period = flags->period;
}

bool kl_simple_ended(struct kl_simple *simple, keel_pid pid, keel_term reason)
{
    struct kl_dynamic_child *child = kl_dynamic_find(&simple->children, pid);
    return child == NULL || child->status != KL_DYNAMIC_UP ||
           kl_dynamic_ended(&simple->children, child, reason);
}

bool kl_simple_try_again(struct kl_simple *simple, keel_pid pid)
{
    struct kl_dynamic_child *child = kl_dynamic_find(&simple->children, pid);
    return child == NULL || child->status != KL_DYNAMIC_RESTARTING ||
           kl_dynamic_restart(&simple->children, child);
}

// --- stopping ---

// `whom` is {pid, Pid} or {nb_children, Count}.
static void report_failure(const struct kl_simple *simple, keel_term whom, keel_term reason)
{
    const struct kl_child_spec *spec = &simple->pattern;
    keel_term child = keel_make(
            "[Whom, {id, Id}, {mfargs, Start}, {restart_type, Restart}, "
            "{significant, false}, {shutdown, Shutdown}, "
            "{child_type, Type}]",
            whom, spec->id, spec->mfa, kl_restart_term(spec->restart),
            kl_shutdown_term(spec->shutdown), kl_child_type_term(spec->type));
    keel_report(KEEL_REPORT_ERROR,
            keel_make("#{label => {supervisor, shutdown_error}, report => "
                      "[{supervisor, Name}, {errorContext, shutdown_error}, "
                      "{reason, Reason}, {offender, Child}]}",
                    simple->children.name, reason, child));
}

static void count_failure(struct kl_simple *simple, keel_term reason)
{
    keel_term rest = simple->failures;
    keel_term counted = keel_nil();
    keel_term entry;
    int64_t count = 1;
    while (keel_list_next(&rest, &entry)) {
        if (keel_equal(keel_element(entry, 0), reason)) {
            count += keel_to_int(keel_element(entry, 1));
        } else {
            counted = keel_cons(entry, counted);
        }
    }
    keel_set(&simple->failures, keel_cons(keel_tuple_of(reason, keel_int(count)), counted));
}

static void judge_end(
        struct kl_dynamic *children, struct kl_dynamic_child *child, keel_term reason)
{
    struct kl_simple *simple = KL_CONTAINER(children, struct kl_simple, children);
    if (!kl_child_stop_failed(
                (keel_restart)child->restart, child->shutdown, reason, false)) {
        return;
    }
    if (simple->one) {
        report_failure(
                simple, keel_tuple_of(keel_atom(pid), keel_from_pid(child->pid)), reason);
    } else {
        count_failure(simple, reason);
    }
}

void kl_simple_stop_all(struct kl_simple *simple)
{
    kl_dynamic_stop(&simple->children, NULL);
    // One report for each reason, with the number of children that had it.
    keel_term rest = simple->failures;
    keel_term entry;
    while (keel_list_next(&rest, &entry)) {
        report_failure(simple,
                keel_tuple_of(keel_atom(nb_children), keel_element(entry, 1)),
                keel_element(entry, 0));
    }
    keel_set(&simple->failures, keel_nil());
}

// --- requests ---

keel_term kl_simple_answer(struct kl_simple *simple, keel_term request)
{
    keel_child_counts counts = {.specs = 1};
    if (keel_is(request, which_children)) {
        return which_children(simple);
    }
    if (keel_is(request, count_children)) {
        bool supervisor = simple->pattern.type == KEEL_SUPERVISOR;
        counts.supervisors = supervisor ? simple->children.count : 0;
        counts.workers = supervisor ? 0 : simple->children.count;
        struct kl_dynamic_child *child = next_child(simple, NULL);
        for (; child != NULL; child = next_child(simple, child)) {
            counts.active += child->status == KL_DYNAMIC_UP &&
                             keel_process_alive(child->pid);
        }
        return keel_make("[{specs, 1}, {active, Active}, {supervisors, S}, {workers, W}]",
                counts.active, counts.supervisors, counts.workers);
    }
    if (keel_tuple_size(request) != 2) {
        keel_error(keel_atom(function_clause));
    }
    keel_term what = keel_element(request, 0);
    keel_term argument = keel_element(request, 1);
    return keel_is(what, start_child) ? start_child(simple, argument)
                                      : ask_child(simple, what, argument);
}

static keel_term start_child(struct kl_simple *simple, keel_term arguments)
{
    size_t count;
    if (!keel_list_length(arguments, &count)) {
        return error(keel_tuple_of(keel_atom(badarg), arguments));
    }
    const struct kl_child_spec *pattern = &simple->pattern;
    keel_term mfa = keel_set_element(pattern->mfa, 2, arguments);
    struct kl_child_spec spec = kl_child_spec_read(
            keel_map_put(pattern->term, keel_atom(start), mfa));
    if (count > 1 && keel_is_nil(simple->children.flags.extra)) {
        spec.argument = arguments; // several of its own: init gets the list
    }
    keel_term result = kl_dynamic_start_child(&simple->children, &spec);
    if (keel_is(result, ignore)) {
        return keel_make("{ok, undefined}");
    }
    if (keel_is(keel_element(result, 0), ok) && kl_report_wanted(KEEL_REPORT_DEBUG)) {
        keel_report(KEEL_REPORT_DEBUG,
                keel_make(
                        "#{label => {supervisor, progress}, report => [{supervisor, Name}, "
                        "{started, [{pid, Pid}, {id, Id}, {mfargs, Start}]}]}",
                        simple->children.name, keel_element(result, 1), pattern->id, mfa));
    }
    return result;
}

// A process of this node that has ended may have been a child: to stop it once more is as
// good as to stop it.
static bool has_ended(keel_term pid)
{
    keel_pid process = keel_to_pid(pid);
    return keel_equal(keel_node_of(pid), keel_node_self()) && !keel_process_alive(process);
}

static keel_term terminate_child(struct kl_simple *simple, struct kl_dynamic_child *child)
{
    simple->one = true;
    kl_dynamic_stop(&simple->children, child);
    simple->one = false;
    return keel_atom(ok);
}

static keel_term get_childspec(const struct kl_simple *simple, bool found)
{
    return found ? keel_tuple_of(keel_atom(ok), kl_child_spec_shown(&simple->pattern))
                 : error(keel_atom(not_found));
}

static keel_term ask_child(struct kl_simple *simple, keel_term what, keel_term which)
{
    bool by_pid = keel_is_pid(which);
    struct kl_dynamic_child *child = by_pid ? kl_dynamic_find(
                                                      &simple->children, keel_to_pid(which))
                                            : NULL;
    if (keel_is(what, get_childspec)) {
        return get_childspec(simple, by_pid ? child != NULL || has_ended(which)
                                            : keel_equal(which, simple->pattern.id));
    }
    bool one = keel_is(what, terminate_child) || keel_is(what, which_child);
    if (keel_is(what, restart_child) || keel_is(what, delete_child) || (one && !by_pid)) {
        return error(keel_atom(simple_one_for_one));
    }
    if (!one) {
        keel_error(keel_atom(function_clause)); // as OTP's
    }
    if (child == NULL) {
        return keel_is(what, terminate_child) && has_ended(which)
                       ? keel_atom(ok)
                       : error(keel_atom(not_found));
    }
    return keel_is(what, terminate_child)
                   ? terminate_child(simple, child)
                   : keel_tuple_of(keel_atom(ok), which_child(child));
}

static keel_term which_child(const struct kl_dynamic_child *child)
{
    bool up = child->status == KL_DYNAMIC_UP;
    return keel_tuple_of(keel_atom(undefined),
            up ? keel_from_pid(child->pid) : keel_atom(restarting),
            kl_child_type_term((keel_child_type)child->type), kl_dynamic_modules(child));
}

// In the order of their starts.
static keel_term which_children(const struct kl_simple *simple)
{
    keel_term list = keel_nil();
    const struct kl_link *order = &simple->children.order;
    for (struct kl_link *at = order->prev; at != order; at = at->prev) {
        list = keel_cons(
                which_child(KL_CONTAINER(at, struct kl_dynamic_child, order)), list);
    }
    return list;
}

keel_term kl_simple_state(const struct kl_simple *simple)
{
    keel_term pids = keel_nil();
    struct kl_dynamic_child *child = next_child(simple, NULL);
    for (; child != NULL; child = next_child(simple, child)) {
        pids = keel_cons(keel_from_pid(child->pid), pids);
    }
    return keel_tuple_of(simple->pattern.id, keel_list_reverse(pids));
}
