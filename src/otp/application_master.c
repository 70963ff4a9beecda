// The master of an application: the process that calls its functions and has its tree as
// a child. It leads the group of all its processes.

#include "application.h"
#include <keel/report.h>

struct master {
    const keel_application *application;
    keel_term name, module, argument;
    keel_pid controller, child;
    keel_term state;
};

// One call of a function of the application's, which may fail.
struct guarded {
    struct master *master;
    keel_term phase;
    keel_started started;
    keel_term result;
};

static keel_term start_tree(struct master *master);
static keel_term run_phases(struct master *master, keel_term phases);
static void end_tree(struct master *master, keel_term reason);
static void call_stop(struct master *master);
static KEEL_NORETURN void serve(struct master *master);

void kl_app_master(keel_term plan)
{
    keel_term module = keel_element(plan, 1);
    struct master master = {
            .application = kl_app_module(module),
            .name = keel_element(plan, 0),
            .module = module,
            .argument = keel_element(plan, 2),
            .controller = keel_to_pid(keel_element(plan, 4)),
            .state = keel_nil(),
    };
    keel_trap_exit(true);
    keel_group_leader_set(keel_self(), keel_self());
    kl_apps_lock();
    struct kl_app *app = kl_apps_find(master.name);
    if (app != NULL) {
        app->master = keel_self();
    }
    kl_apps_unlock();
    keel_process_put(keel_atom_text("$application_start_type"), keel_atom(normal));
    keel_term error = start_tree(&master);
    if (keel_is_none(error)) {
        error = run_phases(&master, keel_element(plan, 3));
        if (!keel_is_none(error)) {
            end_tree(&master, keel_atom(shutdown));
        }
    }
    keel_process_erase(keel_atom_text("$application_start_type"));
    if (!keel_is_none(error)) {
        keel_send(master.controller,
                keel_make("{application_started, Self, {error, Error}, undefined}",
                        keel_self(), error));
        keel_exit(keel_atom(normal));
    }
    keel_send(master.controller,
            keel_make("{application_started, Self, ok, Child}", keel_self(), master.child));
    serve(&master);
}

// --- starting ---

static void guarded_start(void *context)
{
    struct guarded *guarded = context;
    const struct master *master = guarded->master;
    guarded->started = master->application->start(keel_atom(normal), master->argument);
}

// {What, {Module, start, [normal, Argument]}}
static keel_term about_start(const struct master *master, keel_term what)
{
    return keel_make("{What, {Module, start, [normal, Argument]}}", what, master->module,
            master->argument);
}

static keel_term bad_start(const struct master *master, keel_term returned)
{
    return keel_make("{bad_return, {{Module, start, [normal, Argument]}, Returned}}",
            master->module, master->argument, returned);
}

// Calls start. Returns KEEL_NONE, or why the application does not start.
static keel_term start_tree(struct master *master)
{
    if (master->application == NULL || master->application->start == NULL) {
        return bad_start(
                master, keel_make("{'EXIT', {undef, [{M, start, [normal, A], []}]}}",
                                master->module, master->argument));
    }
    struct guarded guarded = {.master = master};
    keel_term reason = KEEL_NONE;
    if (keel_try(guarded_start, &guarded, &reason) != KEEL_OK) {
        keel_term exit = keel_tuple_of(keel_atom_text("EXIT"), reason);
        return keel_is(reason, normal) ? about_start(master, exit)
                                       : bad_start(master, exit);
    }
    keel_started *started = &guarded.started;
    if (started->status == KEEL_E_IGNORED) {
        return bad_start(master, keel_atom(ignore));
    }
    if (started->status != KEEL_OK) {
        keel_term why = keel_is_none(started->reason)
                                ? keel_string(keel_status_text(started->status))
                                : started->reason;
        return about_start(master, why);
    }
    if (started->pid.word == 0) {
        return bad_start(master, keel_make("{ok, undefined}"));
    }
    master->child = started->pid;
    keel_link(master->child); // in case it was started without
    if (!keel_is_none(started->info)) {
        master->state = started->info;
    }
    return KEEL_NONE;
}

static void guarded_phase(void *context)
{
    struct guarded *guarded = context;
    guarded->result = guarded->master->application->start_phase(
            keel_element(guarded->phase, 0), keel_atom(normal),
            keel_element(guarded->phase, 1));
}

// Calls start_phase for one {Phase, Argument}. Returns KEEL_NONE, or why it failed.
static keel_term run_phase(struct master *master, keel_term phase)
{
    struct guarded guarded = {.master = master, .phase = phase};
    keel_term call = keel_make("{Module, start_phase, [Phase, normal, Argument]}",
            master->module, keel_element(phase, 0), keel_element(phase, 1));
    keel_term reason = KEEL_NONE;
    if (master->application->start_phase == NULL) {
        reason = keel_make("{undef, [Call]}", call);
    } else if (keel_try(guarded_phase, &guarded, &reason) == KEEL_OK) {
        if (keel_is(guarded.result, ok)) {
            return KEEL_NONE;
        }
        if (keel_match(guarded.result, "{error, Reason}", &reason)) {
            return keel_tuple_of(reason, call);
        }
        return keel_make("{bad_return, {Call, Result}}", call,
                keel_is_none(guarded.result) ? keel_atom(undefined) : guarded.result);
    }
    return keel_make("{bad_return, {Call, {'EXIT', Reason}}}", call, reason);
}

static keel_term run_phases(struct master *master, keel_term phases)
{
    keel_term phase = KEEL_NONE;
    keel_term error = KEEL_NONE;
    while (keel_is_none(error) && keel_list_next(&phases, &phase)) {
        error = run_phase(master, phase);
    }
    return error;
}

// --- running and stopping ---

static void guarded_prep_stop(void *context)
{
    struct guarded *guarded = context;
    guarded->result = guarded->master->application->prep_stop(guarded->master->state);
}

// What a callback of the stop failed with is told; the stop goes on.
static void tell_failure(
        const struct master *master, const char *callback, keel_term reason)
{
    keel_report(KEEL_REPORT_ERROR,
            keel_make("#{label => {application_master, callback_failed}, application => "
                      "Name, callback => Callback, reason => Reason}",
                    master->name, callback, reason));
}

static void call_prep_stop(struct master *master)
{
    struct guarded guarded = {.master = master};
    keel_term reason = KEEL_NONE;
    if (master->application->prep_stop == NULL) {
        return;
    }
    if (keel_try(guarded_prep_stop, &guarded, &reason) != KEEL_OK) {
        tell_failure(master, "prep_stop", reason);
    } else if (!keel_is_none(guarded.result)) {
        master->state = guarded.result;
    }
}

static void guarded_stop(void *context)
{
    struct guarded *guarded = context;
    guarded->master->application->stop(guarded->master->state);
}

static void call_stop(struct master *master)
{
    struct guarded guarded = {.master = master};
    keel_term reason = KEEL_NONE;
    if (master->application->stop != NULL &&
            keel_try(guarded_stop, &guarded, &reason) != KEEL_OK) {
        tell_failure(master, "stop", reason);
    }
}

// Has the top process end and waits for it, as long as it takes.
static void end_tree(struct master *master, keel_term reason)
{
    keel_process_exit(master->child, reason);
    keel_term unused = KEEL_NONE;
    keel_status status = keel_receive_match(
            KEEL_NEVER, "{'EXIT', ^Child, Reason}", master->child, &unused);
    (void)status; // it never gives up
}

static KEEL_NORETURN void stop_with(
        struct master *master, keel_term tree_reason, keel_term reason)
{
    call_prep_stop(master);
    end_tree(master, tree_reason);
    call_stop(master);
    keel_exit(reason);
}

static KEEL_NORETURN void serve(struct master *master)
{
    for (;;) {
        keel_scope scope = keel_scope_open();
        keel_term message = keel_receive();
        keel_pid from;
        keel_term reason = KEEL_NONE;
        if (keel_match(message, "{terminate, ^Controller}", master->controller)) {
            stop_with(master, keel_atom(shutdown), keel_atom(normal));
        }
        if (keel_match(message, "{'EXIT', From, Reason}", &from, &reason)) {
            if (from.word == master->child.word) {
                call_stop(master);
                keel_exit(reason);
            }
            if (from.word == master->controller.word) {
                stop_with(master, keel_atom(shutdown), reason);
            }
        }
        keel_scope_close(&scope);
    }
}
