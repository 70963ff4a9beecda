// Applications, from the caller's side.

#include "application.h"
#include <keel/inspect.h>

keel_status keel_application_load(keel_term name, keel_term *ret_reason)
{
    return kl_app_request(keel_tuple_of(keel_atom(load), name), ret_reason);
}

keel_status keel_application_load_term(keel_term spec, keel_term *ret_reason)
{
    if (keel_tuple_size(spec) == 0) {
        if (ret_reason != NULL) {
            *ret_reason = keel_tuple_of(keel_atom(bad_application), spec);
        }
        return KEEL_E_REFUSED;
    }
    return kl_app_request(keel_tuple_of(keel_atom(load), spec), ret_reason);
}

keel_status keel_application_unload(keel_term name, keel_term *ret_reason)
{
    return kl_app_request(keel_tuple_of(keel_atom(unload), name), ret_reason);
}

keel_status keel_application_start(keel_term name, keel_restart type, keel_term *ret_reason)
{
    if (type != KEEL_PERMANENT && type != KEEL_TRANSIENT && type != KEEL_TEMPORARY) {
        if (ret_reason != NULL) {
            *ret_reason = keel_make("{invalid_restart_type, Type}", (int)type);
        }
        return KEEL_E_REFUSED;
    }
    return kl_app_request(
            keel_tuple_of(keel_atom(start), name, kl_app_type_term(type)), ret_reason);
}

keel_status keel_application_ensure_started(
        keel_term name, keel_restart type, keel_term *ret_reason)
{
    keel_term reason = KEEL_NONE;
    keel_status status = keel_application_start(name, type, &reason);
    if (status == KEEL_E_REFUSED && keel_match(reason, "{already_started, ^Name}", name)) {
        return KEEL_OK;
    }
    if (ret_reason != NULL && !keel_is_none(reason)) {
        *ret_reason = reason;
    }
    return status;
}

keel_status keel_application_stop(keel_term name, keel_term *ret_reason)
{
    return kl_app_request(keel_tuple_of(keel_atom(stop), name), ret_reason);
}

keel_status keel_application_permit(keel_term name, bool permitted, keel_term *ret_reason)
{
    return kl_app_request(
            keel_tuple_of(keel_atom(permit), name, keel_bool(permitted)), ret_reason);
}

// Runs in a process of its own, so that a thread outside may ask for it.
static void stop_controller(keel_term unused)
{
    (void)unused;
    keel_status status = keel_gen_server_stop(
            keel_atom(application_controller), keel_atom(shutdown), KEEL_NEVER);
    keel_gen_ack(keel_int(status));
}

keel_status keel_application_stop_all(void)
{
    keel_pid controller = keel_whereis_term(keel_atom(application_controller));
    if (controller.word == 0) {
        return keel_is_running() ? KEEL_OK : KEEL_E_STOPPED;
    }
    keel_term ack = KEEL_NONE;
    keel_pid pid;
    keel_status status = keel_start_body(
            stop_controller, keel_nil(), NULL, KEEL_NEVER, &pid, NULL, &ack);
    // When it had ended meanwhile, or ends for another reason, all is stopped as well.
    return status;
}

// --- asking ---

struct row {
    keel_term name;
    uint64_t sequence;
};

// The names of those that run, or of all loaded, the last started first.
static keel_term names(bool running_only)
{
    size_t count = 0;
    kl_apps_lock();
    for (struct kl_app *app = kl_apps_first(); app != NULL; app = app->next) {
        count++;
    }
    kl_apps_unlock();
    struct row *rows = keel_alloc((count + 8) * sizeof *rows);
    if (rows == NULL) {
        return keel_nil();
    }
    size_t used = 0;
    kl_apps_lock();
    for (struct kl_app *app = kl_apps_first(); app != NULL && used < count + 8;
            app = app->next) {
        bool runs = app->state == KL_APP_RUNNING || app->state == KL_APP_STOPPING;
        if (runs || (!running_only && app->state != KL_APP_UNKNOWN)) {
            rows[used++] = (struct row){app->name, runs ? app->sequence : 0};
        }
    }
    kl_apps_unlock();
    keel_term list = keel_nil();
    for (size_t taken = 0; taken < used; taken++) { // the smallest that is left
        size_t least = taken;
        for (size_t i = taken + 1; i < used; i++) {
            least = rows[i].sequence < rows[least].sequence ? i : least;
        }
        list = keel_cons(rows[least].name, list);
        rows[least] = rows[taken];
    }
    keel_free(rows);
    return list;
}

static keel_term described(keel_term list)
{
    keel_term result = keel_nil();
    keel_term name;
    while (keel_list_next(&list, &name)) {
        keel_term keys = kl_app_keys(name);
        if (!keel_is_none(keys)) {
            result = keel_cons(
                    keel_tuple_of(name, keel_proplist_get(keys, keel_atom(description)),
                            keel_proplist_get(keys, keel_atom(vsn))),
                    result);
        }
    }
    return keel_list_reverse(result);
}

keel_term keel_application_which(void)
{
    return described(names(true));
}

keel_term keel_application_loaded(void)
{
    return described(names(false));
}

keel_term keel_application_get_key(keel_term name, keel_term key)
{
    name = keel_is_none(name) ? kl_app_own() : name;
    keel_term keys = kl_app_keys(name);
    if (keel_is_none(keys)) {
        return KEEL_NONE;
    }
    return keel_is(key, env) ? keel_application_get_all_env(name)
                             : keel_proplist_get(keys, key);
}

keel_term keel_application_get_all_key(keel_term name)
{
    name = keel_is_none(name) ? kl_app_own() : name;
    keel_term keys = kl_app_keys(name);
    if (keel_is_none(keys)) {
        return KEEL_NONE;
    }
    keel_term env = keel_tuple_of(keel_atom(env), keel_application_get_all_env(name));
    return keel_list_append(keys, keel_list_of(env));
}

keel_term keel_application_of(keel_pid pid)
{
    if (pid.word == keel_self().word) {
        return kl_app_own();
    }
    keel_term info = KEEL_NONE;
    keel_pid leader;
    if (keel_process_info(pid, keel_atom(group_leader), &info) != KEEL_OK ||
            !keel_match(info, "{group_leader, Leader}", &leader)) {
        return KEEL_NONE;
    }
    kl_apps_lock();
    struct kl_app *app = kl_apps_find_master(leader);
    keel_term name = app != NULL ? app->name : KEEL_NONE;
    kl_apps_unlock();
    return name;
}

keel_pid keel_application_supervisor(keel_term name)
{
    name = keel_is_none(name) ? kl_app_own() : name;
    kl_apps_lock();
    struct kl_app *app = kl_apps_find(name);
    keel_pid supervisor = app != NULL ? app->supervisor : (keel_pid){0};
    kl_apps_unlock();
    return supervisor;
}

keel_term keel_application_start_type(void)
{
    return keel_in_process() ? keel_process_get(keel_atom_text("$application_start_type"))
                             : KEEL_NONE;
}
