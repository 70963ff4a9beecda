// Starting an application with everything it needs.

#include "application.h"

// What is to be started: names in an order in which each stands behind those it needs.
struct plan {
    keel_restart type;
    keel_term order; // newest first
    keel_term seen;
    keel_term started; // newest first
    keel_term error; // {Name, Reason}, or KEEL_NONE
};

static bool runs(keel_term name)
{
    kl_apps_lock();
    struct kl_app *app = kl_apps_find(name);
    bool running = app != NULL && app->state == KL_APP_RUNNING;
    kl_apps_unlock();
    return running;
}

// Loads it, which is fine when it is loaded. False: the plan has an error.
static bool load(struct plan *plan, keel_term name)
{
    keel_term reason = KEEL_NONE;
    keel_status status = keel_application_load(name, &reason);
    if (status == KEEL_OK || keel_match(reason, "{already_loaded, _}")) {
        return true;
    }
    if (keel_is_none(reason)) {
        reason = keel_string(keel_status_text(status));
    }
    plan->error = keel_tuple_of(name, reason);
    return false;
}

static bool is_there(keel_term name)
{
    return !keel_is_none(kl_app_keys(name)) || kl_app_known(name) != NULL;
}

// Puts a name into the order, behind what it needs.
static void add(struct plan *plan, keel_term name)
{
    if (keel_list_member(name, plan->seen) || runs(name)) {
        return;
    }
    plan->seen = keel_cons(name, plan->seen);
    if (!load(plan, name)) {
        return;
    }
    keel_term needed = keel_application_get_key(name, keel_atom(applications));
    keel_term optional = keel_application_get_key(name, keel_atom(optional_applications));
    keel_term other;
    while (keel_is_none(plan->error) && keel_list_next(&needed, &other)) {
        if (!keel_list_member(other, optional) || is_there(other)) {
            add(plan, other);
        }
    }
    if (keel_is_none(plan->error)) {
        plan->order = keel_cons(name, plan->order);
    }
}

static void note(struct plan *plan, keel_term name, keel_status status, keel_term reason)
{
    if (status == KEEL_OK) {
        plan->started = keel_cons(name, plan->started);
    } else if (!keel_match(reason, "{already_started, _}") && keel_is_none(plan->error)) {
        if (keel_is_none(reason)) {
            reason = keel_string(keel_status_text(status));
        }
        plan->error = keel_tuple_of(name, reason);
    }
}

static void start_in_order(struct plan *plan)
{
    keel_term names = keel_list_reverse(plan->order);
    keel_term name;
    while (keel_is_none(plan->error) && keel_list_next(&names, &name)) {
        keel_term reason = KEEL_NONE;
        keel_status status = keel_application_start(name, plan->type, &reason);
        note(plan, name, status, reason);
    }
}

// --- several at a time ---

// True when nothing it needs is among those in `waiting`.
static bool is_ready(keel_term name, keel_term waiting)
{
    keel_term needed = keel_application_get_key(name, keel_atom(applications));
    keel_term other;
    while (keel_list_next(&needed, &other)) {
        if (keel_list_member(other, waiting)) {
            return false;
        }
    }
    return true;
}

static keel_term without(keel_term list, keel_term unwanted)
{
    keel_term rest = keel_nil();
    keel_term item;
    while (keel_list_next(&list, &item)) {
        if (!keel_equal(item, unwanted)) {
            rest = keel_cons(item, rest);
        }
    }
    return keel_list_reverse(rest);
}

// Takes the next answer to one of `asked`, [{Name, Request}].
static keel_term take_answer(struct plan *plan, keel_term asked)
{
    keel_term message = keel_receive();
    keel_term each = asked;
    keel_term pair;
    while (keel_list_next(&each, &pair)) {
        keel_ref request = keel_to_ref(keel_element(pair, 1));
        keel_term reply = KEEL_NONE;
        keel_status status = keel_gen_check_response(message, request, &reply);
        if (status != KEEL_OK && status != KEEL_E_EXIT) {
            continue;
        }
        keel_term reason = KEEL_NONE;
        if (status == KEEL_OK && keel_match(reply, "{error, Reason}", &reason)) {
            status = KEEL_E_REFUSED;
        } else if (status == KEEL_E_EXIT) {
            reason = reply;
        }
        note(plan, keel_element(pair, 0), status, reason);
        return pair;
    }
    return KEEL_NONE;
}

static void start_together(struct plan *plan)
{
    keel_term controller = keel_atom(application_controller);
    keel_term waiting = keel_list_reverse(plan->order); // not running yet
    keel_term idle = waiting; // not asked to start yet
    keel_term asked = keel_nil();
    for (;;) {
        keel_term each = keel_is_none(plan->error) ? idle : keel_nil();
        keel_term name;
        while (keel_list_next(&each, &name)) {
            if (is_ready(name, waiting)) {
                keel_ref request = keel_gen_send_request(
                        controller, keel_tuple_of(keel_atom(start), name,
                                            kl_app_type_term(plan->type)));
                asked = keel_cons(keel_tuple_of(name, keel_from_ref(request)), asked);
                idle = without(idle, name);
            }
        }
        if (keel_is_nil(asked)) {
            break; // all run, or what is left waits for each other
        }
        keel_term pair = take_answer(plan, asked);
        if (!keel_is_none(pair)) {
            asked = without(asked, pair);
            waiting = without(waiting, keel_element(pair, 0));
        }
    }
    keel_term name;
    if (keel_is_none(plan->error) && keel_list_next(&idle, &name)) {
        plan->error = keel_tuple_of(
                name, keel_tuple_of(keel_atom(circular_dependency), waiting));
    }
}

// --- all of it ---

// What was started for nothing is stopped again.
static void stop_started(struct plan *plan)
{
    keel_term name;
    while (keel_list_next(&plan->started, &name)) {
        keel_application_stop(name, NULL);
    }
}

static keel_term ensure(keel_term names, keel_restart type, bool concurrent)
{
    struct plan plan = {.type = type,
            .order = keel_nil(),
            .seen = keel_nil(),
            .started = keel_nil(),
            .error = KEEL_NONE};
    names = keel_is_list(names) ? names : keel_list_of(names);
    keel_term name;
    while (keel_is_none(plan.error) && keel_list_next(&names, &name)) {
        add(&plan, name);
    }
    if (keel_is_none(plan.error)) {
        (concurrent ? start_together : start_in_order)(&plan);
    }
    if (!keel_is_none(plan.error)) {
        stop_started(&plan);
        return keel_tuple_of(keel_atom(error), plan.error);
    }
    return keel_tuple_of(keel_atom(ok), keel_list_reverse(plan.started));
}

// {Names, Type}
static void ensure_body(keel_term argument)
{
    keel_restart type = (keel_restart)keel_to_int(keel_element(argument, 1));
    keel_gen_ack(ensure(keel_element(argument, 0), type, true));
}

keel_status keel_application_ensure_all_started(
        keel_term names, keel_restart type, bool concurrent, keel_term *ret)
{
    keel_status status = kl_app_controller_ensure();
    keel_term result = KEEL_NONE;
    if (status == KEEL_OK && concurrent) { // in a process without other messages
        keel_pid pid;
        status = keel_start_body(ensure_body, keel_tuple_of(names, keel_int(type)), NULL,
                KEEL_NEVER, &pid, NULL, &result);
    } else if (status == KEEL_OK) {
        result = ensure(names, type, false);
    }
    if (status != KEEL_OK) {
        return status;
    }
    if (ret != NULL) {
        *ret = keel_element(result, 1);
    }
    return keel_is(keel_element(result, 0), ok) ? KEEL_OK : KEEL_E_REFUSED;
}
