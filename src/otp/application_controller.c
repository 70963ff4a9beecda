// The controller of applications: a gen_server that loads, starts and stops them. It never
// waits for an application, but at its own end: who asks for a start or a stop gets the
// answer when the application's master has reported.
//
// Longer than 400 lines because all that changes the state of an application stands here,
// and each change has to be seen beside the others.

#include "application.h"
#include "copy.h"
#include "report.h"
#include <pthread.h>
#include <stdio.h>

struct kl_app_waiter {
    struct kl_app_waiter *next;
    keel_from from; // its tag is kept
    bool starts; // else it waits for the stop
    keel_restart type;
};

struct controller {
    uint64_t sequence;
    keel_term config; // kept: [{Name, [{Key, Value}]}]
    keel_term ended; // kept: why all end, or KEEL_NONE
};

static keel_application_hook on_shutdown;
static keel_application_hook on_end;

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_info(keel_term message, void *state);
static void terminate(keel_term reason, void *state);
static keel_term start(struct controller *self, struct kl_app *app);
static void stop_all(keel_term reason);
static void end_program(keel_term reason);

const keel_gen_server kl_app_controller = {
        .name = "application_controller",
        .state = KEEL_STATE(struct controller, sequence, config, ended),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
        .terminate = terminate,
};

// --- the controller's life ---

// Starts the controller and ends, so that it is nobody's child: keel_stop then asks it
// first of all to end.
static void start_controller(keel_term unused)
{
    (void)unused;
    keel_started started = keel_gen_server_start(
            &kl_app_controller, keel_nil(), .name = keel_atom(application_controller));
    keel_gen_ack(keel_int(started.status));
}

keel_status kl_app_controller_ensure(void)
{
    if (keel_whereis_term(keel_atom(application_controller)).word != 0) {
        return KEEL_OK;
    }
    keel_term ack = KEEL_NONE;
    keel_pid pid;
    keel_status status = keel_start_body(
            start_controller, keel_nil(), NULL, KEEL_NEVER, &pid, NULL, &ack);
    if (status == KEEL_OK) {
        status = (keel_status)keel_to_int(ack);
    }
    return status == KEEL_E_TAKEN ? KEEL_OK : status;
}

keel_status kl_app_request(keel_term request, keel_term *ret_reason)
{
    keel_term answer = KEEL_NONE;
    keel_term reason = KEEL_NONE;
    keel_status status = kl_app_controller_ensure();
    if (status == KEEL_OK) {
        status = keel_call_within(
                keel_atom(application_controller), request, KEEL_NEVER, &answer);
    }
    if (status == KEEL_OK && keel_match(answer, "{error, Reason}", &reason)) {
        status = KEEL_E_REFUSED;
    } else if (status == KEEL_E_EXIT) {
        reason = answer;
    }
    if (ret_reason != NULL && !keel_is_none(reason)) {
        *ret_reason = reason;
    }
    return status;
}

keel_application_hook keel_application_on_shutdown(keel_application_hook hook)
{
    return kl_exchange_acq_rel(&on_shutdown, hook);
}

keel_application_hook keel_application_on_end(keel_application_hook hook)
{
    return kl_exchange_acq_rel(&on_end, hook);
}

static void clear_table(void *unused)
{
    (void)unused;
    kl_apps_clear();
}

static keel_result init(keel_term argument, void *state)
{
    struct controller *self = state;
    keel_trap_exit(true);
    keel_group_leader_set(keel_self(), keel_self()); // it belongs to no application
    kl_apps_clear();
    keel_defer(clear_table, NULL);
    keel_set(&self->config, argument);
    return keel_ok();
}

static void terminate(keel_term reason, void *state)
{
    struct controller *self = state;
    stop_all(keel_is_none(self->ended) ? reason : self->ended);
    if (!keel_is_none(self->ended)) {
        end_program(self->ended);
    }
}

// --- answers ---

static keel_term error(keel_term reason)
{
    return keel_tuple_of(keel_atom(error), reason);
}

static keel_term error_about(keel_term what, keel_term about)
{
    return error(keel_tuple_of(what, about));
}

// A late answer, to one that waited.
static void answer(struct kl_app_waiter *waiter, keel_term reply)
{
    keel_gen_reply(waiter->from, reply);
    keel_drop(waiter->from.tag);
    keel_free(waiter);
}

static void add_waiter(struct kl_app *app, keel_from from, bool starts, keel_restart type)
{
    struct kl_app_waiter *waiter = keel_alloc(sizeof *waiter);
    *waiter = (struct kl_app_waiter){
            .from = {from.pid, keel_keep(from.tag)}, .starts = starts, .type = type};
    struct kl_app_waiter **last = &app->waiters;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = waiter;
}

// Answers all who wait for a start (or a stop).
static void answer_all(struct kl_app *app, bool starts, keel_term reply)
{
    struct kl_app_waiter **link = &app->waiters;
    while (*link != NULL) {
        struct kl_app_waiter *waiter = *link;
        if (waiter->starts == starts) {
            *link = waiter->next;
            answer(waiter, reply);
        } else {
            link = &waiter->next;
        }
    }
}

static struct kl_app *find(keel_term name)
{
    kl_apps_lock();
    struct kl_app *app = kl_apps_find(name);
    kl_apps_unlock();
    return app; // only this process takes records away
}

static struct kl_app *find_loaded(keel_term name)
{
    struct kl_app *app = find(name);
    return app != NULL && app->state != KL_APP_UNKNOWN ? app : NULL;
}

static bool runs(keel_term name)
{
    struct kl_app *app = find(name);
    return app != NULL && (app->state == KL_APP_RUNNING || app->state == KL_APP_STOPPING);
}

// --- loading ---

static keel_term load_spec(struct controller *self, keel_term spec, keel_term asked);

static keel_term not_found(keel_term name)
{
    char file[KEEL_ATOM_CHARS_MAX * 4 + 8];
    snprintf(file, sizeof file, "%s.app", keel_atom_name(name));
    return error_about(keel_charlist("no such file or directory"), keel_charlist(file));
}

static keel_term load_name(struct controller *self, keel_term name)
{
    const keel_application *application = kl_app_known(name);
    keel_term reason = KEEL_NONE;
    if (!keel_is_atom(name)) {
        return error_about(keel_atom(bad_application), name);
    }
    if (find_loaded(name) != NULL) {
        return error_about(keel_atom(already_loaded), name);
    }
    if (application == NULL) {
        return not_found(name);
    }
    keel_term spec = kl_app_spec_of_c(application, &reason);
    return keel_is_none(spec) ? error(reason) : load_spec(self, spec, name);
}

static void put_env(keel_term name, keel_term env)
{
    keel_term pair;
    while (keel_list_next(&env, &pair)) {
        kl_app_env_put(name, keel_element(pair, 0), keel_element(pair, 1));
    }
}

static keel_term load_spec(struct controller *self, keel_term spec, keel_term asked)
{
    keel_term env = KEEL_NONE;
    keel_term reason = KEEL_NONE;
    keel_term keys = kl_app_spec_check(spec, &env, &reason);
    if (keel_is_none(keys)) {
        return error(reason);
    }
    keel_term name = keel_element(spec, 1);
    if (find_loaded(name) != NULL) {
        return error_about(keel_atom(already_loaded), asked);
    }
    env = kl_app_env_at_load(name, env, self->config, &reason);
    if (keel_is_none(env)) {
        return error(reason);
    }
    struct kl_app *app = kl_apps_make(name);
    struct kl_app_value *value = kl_app_value_new(keys);
    if (app == NULL || value == NULL) {
        kl_app_value_unref(value);
        return error(keel_atom(system_limit));
    }
    put_env(name, env);
    kl_apps_lock();
    app->keys = value;
    app->state = KL_APP_LOADED;
    kl_apps_unlock();
    keel_term included = keel_proplist_get(keys, keel_atom(included_applications));
    keel_term other;
    while (keel_list_next(&included, &other)) {
        keel_term result = find_loaded(other) != NULL ? keel_atom(ok)
                                                      : load_name(self, other);
        if (!keel_is(result, ok)) {
            return result;
        }
    }
    return keel_atom(ok);
}

static keel_term unload(keel_term name)
{
    struct kl_app *app = find_loaded(name);
    if (app == NULL) {
        return error_about(keel_atom(not_loaded), name);
    }
    if (app->state != KL_APP_LOADED) {
        return error_about(keel_atom(running), name);
    }
    kl_apps_lock();
    struct kl_app_value *keys = app->keys;
    app->keys = NULL;
    app->state = KL_APP_UNKNOWN;
    kl_apps_unlock();
    app->held_back = false;
    kl_app_value_unref(keys);
    kl_app_env_clear(name);
    return keel_atom(ok);
}

// --- settings that later loads have as well ---

static keel_term persist(
        struct controller *self, keel_term name, keel_term key, keel_term value)
{
    keel_term config = keel_make("[{Name, [{Key, Value}]}]", name, key, value);
    keel_set(&self->config, keel_copy(kl_app_merge(self->config, config)));
    return kl_app_env_put(name, key, value) ? keel_atom(ok)
                                            : error(keel_atom(system_limit));
}

static keel_term forget(struct controller *self, keel_term name, keel_term key)
{
    keel_term pairs = keel_proplist_get(self->config, name);
    if (!keel_is_none(pairs)) {
        keel_term left = keel_cons(keel_tuple_of(name, kl_app_without(pairs, key)),
                kl_app_without(self->config, name));
        keel_set(&self->config, keel_copy(left));
    }
    kl_app_env_put(name, key, KEEL_NONE);
    return keel_atom(ok);
}

// --- starting ---

// The first that must run and does not, or KEEL_NONE. An optional one is only waited for
// by keel_application_ensure_all_started.
static keel_term missing(keel_term keys)
{
    keel_term needed = keel_proplist_get(keys, keel_atom(applications));
    keel_term optional = keel_proplist_get(keys, keel_atom(optional_applications));
    keel_term name;
    while (keel_list_next(&needed, &name)) {
        if (!runs(name) && !keel_list_member(name, optional)) {
            return name;
        }
    }
    return KEEL_NONE;
}

keel_term kl_app_type_term(keel_restart type)
{
    return type == KEEL_PERMANENT   ? keel_atom(permanent)
           : type == KEEL_TRANSIENT ? keel_atom(transient)
                                    : keel_atom(temporary);
}

static void report_start(keel_term name)
{
    if (kl_report_wanted(KEEL_REPORT_INFO)) {
        keel_report(KEEL_REPORT_INFO,
                keel_make("#{label => {application_controller, progress}, report => "
                          "[{application, Name}, {started_at, Node}]}",
                        name, keel_node_self()));
    }
}

static void set_state(struct kl_app *app, enum kl_app_state state)
{
    kl_apps_lock();
    app->state = state;
    if (state == KL_APP_LOADED) {
        app->master = (keel_pid){0};
        app->supervisor = (keel_pid){0};
    }
    kl_apps_unlock();
}

static void set_running(struct controller *self, struct kl_app *app, keel_pid supervisor)
{
    kl_apps_lock();
    app->state = KL_APP_RUNNING;
    app->supervisor = supervisor;
    app->sequence = ++self->sequence;
    kl_apps_unlock();
    report_start(app->name);
}

// Begins a start. Returns ok when the application runs already (it has no processes), the
// reason that it cannot start, or KEEL_NONE: its master will report.
static keel_term start(struct controller *self, struct kl_app *app)
{
    keel_term keys = kl_app_keys(app->name);
    keel_term other = missing(keys);
    if (!keel_is_none(other)) {
        return error_about(keel_atom(not_started), other);
    }
    if (app->forbidden) {
        app->held_back = true;
        return keel_atom(ok);
    }
    keel_term mod = keel_proplist_get(keys, keel_atom(mod));
    if (keel_is_nil(mod)) {
        set_running(self, app, (keel_pid){0});
        return keel_atom(ok);
    }
    set_state(app, KL_APP_STARTING);
    keel_term plan = keel_tuple_of(app->name, keel_element(mod, 0), keel_element(mod, 1),
            keel_proplist_get(keys, keel_atom(start_phases)), keel_from_pid(keel_self()));
    keel_spawn_opts opts = {.link = true, .entry = "application_master"};
    keel_pid master = {0};
    keel_status status = keel_spawn_opt(kl_app_master, plan, &opts, &master, NULL);
    if (status != KEEL_OK) {
        set_state(app, KL_APP_LOADED);
        return error(keel_atom(system_limit));
    }
    kl_apps_lock();
    app->master = master;
    kl_apps_unlock();
    return KEEL_NONE;
}

// Answers at once, or lets the caller wait for the master.
static keel_result start_for(
        struct controller *self, keel_from from, keel_term name, keel_restart type)
{
    struct kl_app *app = find_loaded(name);
    if (app == NULL) {
        keel_term loaded = load_name(self, name);
        if (!keel_is(loaded, ok)) {
            return keel_reply(loaded);
        }
        app = find_loaded(name);
    }
    if (app->state == KL_APP_RUNNING) {
        return keel_reply(error_about(keel_atom(already_started), name));
    }
    if (app->state != KL_APP_LOADED) {
        add_waiter(app, from, true, type);
        return keel_noreply();
    }
    app->type = type;
    keel_term result = start(self, app);
    if (keel_is_none(result)) {
        add_waiter(app, from, true, type);
        return keel_noreply();
    }
    return keel_reply(result);
}

static keel_result stop_for(keel_from from, keel_term name)
{
    struct kl_app *app = find(name);
    if (app != NULL && app->held_back) {
        app->held_back = false;
        return keel_reply(keel_atom(ok));
    }
    if (app == NULL || (app->state != KL_APP_RUNNING && app->state != KL_APP_STOPPING)) {
        return keel_reply(error_about(keel_atom(not_started), name));
    }
    if (app->master.word == 0) {
        set_state(app, KL_APP_LOADED);
        kl_app_report_end(name, keel_atom(stopped), app->type);
        return keel_reply(keel_atom(ok));
    }
    if (app->state == KL_APP_RUNNING) {
        set_state(app, KL_APP_STOPPING);
        keel_send(app->master, keel_make("{terminate, Self}", keel_self()));
    }
    add_waiter(app, from, false, app->type);
    return keel_noreply();
}

static keel_result permit_for(
        struct controller *self, keel_from from, keel_term name, bool permitted)
{
    struct kl_app *app = find_loaded(name);
    if (app == NULL) {
        return keel_reply(error_about(keel_atom(not_loaded), name));
    }
    app->forbidden = !permitted;
    if (permitted && app->held_back) {
        app->held_back = false;
        return start_for(self, from, name, app->type);
    }
    if (!permitted && app->state == KL_APP_RUNNING) {
        keel_result result = stop_for(from, name);
        app->held_back = true; // to be started again when it may
        return result;
    }
    return keel_reply(keel_atom(ok));
}

static keel_restart type_of(keel_term type)
{
    return keel_is(type, permanent)   ? KEEL_PERMANENT
           : keel_is(type, transient) ? KEEL_TRANSIENT
                                      : KEEL_TEMPORARY;
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct controller *self = state;
    keel_term name = KEEL_NONE;
    keel_term more = KEEL_NONE;
    if (keel_match(request, "{load, Name}", &name)) {
        return keel_reply(
                keel_is_tuple(name) ? load_spec(self, name, name) : load_name(self, name));
    }
    if (keel_match(request, "{unload, Name}", &name)) {
        return keel_reply(unload(name));
    }
    if (keel_match(request, "{start, Name, Type}", &name, &more)) {
        return start_for(self, from, name, type_of(more));
    }
    if (keel_match(request, "{stop, Name}", &name)) {
        return stop_for(from, name);
    }
    if (keel_match(request, "{permit, Name, Permitted}", &name, &more)) {
        return permit_for(self, from, name, keel_to_bool(more));
    }
    keel_term value = KEEL_NONE;
    if (keel_match(request, "{persist, Name, Key, Value}", &name, &more, &value)) {
        return keel_reply(persist(self, name, more, value));
    }
    if (keel_match(request, "{forget, Name, Key}", &name, &more)) {
        return keel_reply(forget(self, name, more));
    }
    if (keel_match(request, "{configure, Config}", &more)) {
        keel_set(&self->config, keel_copy(kl_app_merge(self->config, more)));
        return keel_reply(keel_atom(ok));
    }
    return keel_unexpected(request);
}

// --- what masters report ---

// The application does not run any more, or has not started: those who asked for it to
// start while it stopped have their turn.
static void begin_again(struct controller *self, struct kl_app *app)
{
    if (app->waiters == NULL) {
        return;
    }
    app->type = app->waiters->type;
    keel_term result = start(self, app);
    if (!keel_is_none(result)) {
        answer_all(app, true, result);
    }
}

void kl_app_report_end(keel_term name, keel_term reason, keel_restart type)
{
    if (kl_report_wanted(KEEL_REPORT_INFO)) {
        keel_report(KEEL_REPORT_INFO,
                keel_make("#{label => {application_controller, exit}, report => "
                          "[{application, Name}, {exited, Reason}, {type, Type}]}",
                        name, reason, kl_app_type_term(type)));
    }
}

// The start has failed with {error, Reason}. False: so everything else must end.
static bool failed(struct controller *self, struct kl_app *app, keel_term result)
{
    keel_term reason = keel_element(result, 1);
    set_state(app, KL_APP_LOADED);
    answer_all(app, true, result);
    kl_app_report_end(app->name, reason, app->type);
    if (app->type == KEEL_TEMPORARY ||
            (app->type == KEEL_TRANSIENT && keel_match(reason, "{{'EXIT', normal}, _}"))) {
        return true;
    }
    keel_set(&self->ended,
            keel_make("{application_start_failure, Name, Reason}", app->name, reason));
    return false;
}

// The master tells how the start went. False: as above.
static bool started(
        struct controller *self, struct kl_app *app, keel_term result, keel_pid supervisor)
{
    if (!keel_is(result, ok)) {
        return failed(self, app, result);
    }
    set_running(self, app, supervisor);
    answer_all(app, true, result);
    return true;
}

// The master has ended. False: as above.
static bool ended(struct controller *self, struct kl_app *app, keel_term reason)
{
    enum kl_app_state before = app->state;
    if (before == KL_APP_STARTING) { // by something that it could not catch
        keel_term keys = kl_app_keys(app->name);
        keel_term mod = keel_proplist_get(keys, keel_atom(mod));
        return failed(self, app,
                error(keel_make(
                        "{bad_return, {{Module, start, [normal, Argument]}, {'EXIT', "
                        "Reason}}}",
                        keel_element(mod, 0), keel_element(mod, 1), reason)));
    }
    set_state(app, KL_APP_LOADED);
    bool asked = before == KL_APP_STOPPING;
    kl_app_report_end(app->name, asked ? keel_atom(stopped) : reason, app->type);
    if (asked) {
        answer_all(app, false, keel_atom(ok));
        begin_again(self, app);
        return true;
    }
    if (app->type == KEEL_TEMPORARY ||
            (app->type == KEEL_TRANSIENT && keel_is(reason, normal))) {
        return true;
    }
    keel_set(&self->ended, keel_tuple_of(app->name, reason));
    return false;
}

static keel_result handle_info(keel_term message, void *state)
{
    struct controller *self = state;
    keel_pid master;
    keel_pid supervisor = {0};
    keel_term result = KEEL_NONE;
    keel_term child = KEEL_NONE;
    bool reported = keel_match(message, "{application_started, Master, Result, Child}",
            &master, &result, &child);
    if (!reported && !keel_match(message, "{'EXIT', Master, Reason}", &master, &result)) {
        return keel_noreply();
    }
    kl_apps_lock();
    struct kl_app *app = kl_apps_find_master(master);
    kl_apps_unlock();
    if (app == NULL) {
        return keel_noreply();
    }
    supervisor = keel_is_pid(child) ? keel_to_pid(child) : supervisor;
    bool goes_on = reported ? started(self, app, result, supervisor)
                            : ended(self, app, result);
    return goes_on ? keel_noreply()
                   : keel_stop_with(keel_tuple_of(keel_atom(shutdown), self->ended));
}

// --- the end of all ---

// Waits until the master has ended; false at the deadline.
static bool await_end(keel_pid master, keel_deadline deadline)
{
    keel_term reason;
    return keel_receive_match(deadline, "{'EXIT', ^Master, Reason}", master, &reason) ==
           KEEL_OK;
}

// A start that is under way may still come to its end, and then the master stops in order.
static void end_master(const struct kl_app *app)
{
    if (app->master.word == 0) {
        return;
    }
    keel_send(app->master, keel_make("{terminate, Self}", keel_self()));
    bool starting = app->state == KL_APP_STARTING;
    if (!await_end(app->master, starting ? KEEL_IN(KEEL_SECONDS(1)) : KEEL_NEVER)) {
        keel_process_exit(app->master, keel_atom(kill));
        await_end(app->master, KEEL_NEVER);
    }
}

// A start that was under way has succeeded before the end: its master's report waits still.
static bool came_up(keel_pid master)
{
    return keel_receive_match(KEEL_AT_ONCE, "{application_started, ^Master, ok, _}",
                   master) == KEEL_OK;
}

// The one started last of those that run, or starting ones first of all.
static struct kl_app *last_started(void)
{
    struct kl_app *last = NULL;
    kl_apps_lock();
    for (struct kl_app *app = kl_apps_first(); app != NULL; app = app->next) {
        bool later = last == NULL || last->sequence < app->sequence;
        if (app->state == KL_APP_STARTING) {
            last = app;
            break;
        }
        if ((app->state == KL_APP_RUNNING || app->state == KL_APP_STOPPING) && later) {
            last = app;
        }
    }
    kl_apps_unlock();
    return last;
}

static void stop_all(keel_term reason)
{
    keel_application_hook hook = kl_load_acquire(&on_shutdown); // pairs with its exchange
    if (hook != NULL) {
        hook(reason);
    }
    struct kl_app *app;
    while ((app = last_started()) != NULL) {
        end_master(app);
        bool ran = app->state != KL_APP_STARTING || came_up(app->master);
        set_state(app, KL_APP_LOADED);
        if (ran) {
            kl_app_report_end(app->name, keel_atom(stopped), app->type);
        }
    }
}

static void *stop_runtime(void *unused)
{
    (void)unused;
    if (keel_stop(KEEL_IN(KEEL_SECONDS(5)), NULL) != KEEL_OK) {
        kl_log(KL_LOG_ERROR, "an application has ended, but the runtime does not stop");
    }
    return NULL;
}

// Nobody has said what is to be done: the runtime stops. That takes a thread that is
// outside of it; where the host runs everything in its own loop there can be none.
static void end_program(keel_term reason)
{
    keel_application_hook hook = kl_load_acquire(&on_end); // pairs with its exchange
    if (hook != NULL) {
        hook(reason);
        return;
    }
    pthread_t thread;
    if (keel_fd() < 0 && pthread_create(&thread, NULL, stop_runtime, NULL) == 0) {
        pthread_detach(thread);
    }
    bool started = keel_tuple_size(reason) == 2;
    kl_log(KL_LOG_ERROR, "the application %s %s with %s, so all end",
            keel_show(keel_element(reason, started ? 0 : 1)),
            started ? "has ended" : "did not start",
            keel_show(keel_element(reason, started ? 1 : 2)));
}
