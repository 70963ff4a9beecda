// What a supervisor reports, and how a child looks from outside.

#include "report.h"
#include "supervising.h"

// [{pid, …}, {id, …}, {mfargs, …}, {restart_type, …}, {significant, …}, {shutdown, …},
// {child_type, …}]
static keel_term child_info(const struct kl_child *child)
{
    const struct kl_child_spec *spec = &child->spec;
    return keel_make(
            "[{pid, Pid}, {id, Id}, {mfargs, Start}, {restart_type, Restart}, "
            "{significant, Significant}, {shutdown, Shutdown}, {child_type, Type}]",
            kl_child_pid_term(child), spec->id, spec->mfa, kl_restart_term(spec->restart),
            spec->significant, kl_shutdown_term(spec->shutdown),
            kl_child_type_term(spec->type));
}

void kl_supervisor_report(const struct kl_supervisor *self, keel_term context,
        keel_term reason, const struct kl_child *child)
{
    if (!kl_report_wanted(KEEL_REPORT_ERROR)) {
        return;
    }
    keel_report(KEEL_REPORT_ERROR,
            keel_make("#{label => {supervisor, Context}, report => [{supervisor, Name}, "
                      "{errorContext, Context}, {reason, Reason}, {offender, Child}]}",
                    context, self->name, reason, child_info(child)));
}

void kl_supervisor_progress(const struct kl_supervisor *self, const struct kl_child *child,
        keel_report_level level)
{
    if (kl_report_wanted(level)) {
        keel_report(level, keel_make("#{label => {supervisor, progress}, report => "
                                     "[{supervisor, Name}, {started, Child}]}",
                                   self->name, child_info(child)));
    }
}

keel_term kl_child_record(const struct kl_child *child)
{
    const struct kl_child_spec *spec = &child->spec;
    return keel_make(
            "{child, Pid, Id, Start, Restart, Significant, Shutdown, Type, Modules}",
            kl_child_pid_term(child), spec->id, spec->mfa, kl_restart_term(spec->restart),
            spec->significant, kl_shutdown_term(spec->shutdown),
            kl_child_type_term(spec->type), spec->modules);
}

keel_term kl_child_pid_term(const struct kl_child *child)
{
    switch (child->status) {
    case KL_CHILD_UP:
        return keel_from_pid(child->pid);
    case KL_CHILD_RESTARTING:
        return keel_tuple_of(keel_atom(restarting),
                keel_is_none(child->before) ? keel_atom(undefined) : child->before);
    default:
        return keel_atom(undefined);
    }
}
