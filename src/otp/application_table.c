// The table of applications and their environments.

#include "application.h"

static struct {
    struct kl_lock lock;
    struct kl_app *first; // newest first
} table;

void kl_apps_lock(void)
{
    kl_lock_take(&table.lock);
}

void kl_apps_unlock(void)
{
    kl_lock_give(&table.lock);
}

struct kl_app *kl_apps_first(void)
{
    return table.first;
}

struct kl_app *kl_apps_find(keel_term name)
{
    struct kl_app *app = table.first;
    while (app != NULL && app->name.word != name.word) {
        app = app->next;
    }
    return app;
}

struct kl_app *kl_apps_find_master(keel_pid master)
{
    struct kl_app *app = table.first;
    while (app != NULL && (app->master.word != master.word || master.word == 0)) {
        app = app->next;
    }
    return app;
}

struct kl_app *kl_apps_make(keel_term name)
{
    struct kl_app *fresh = kl_alloc_zero(sizeof *fresh);
    kl_apps_lock();
    struct kl_app *app = kl_apps_find(name);
    if (app == NULL && fresh != NULL) {
        app = fresh;
        fresh = NULL;
        app->name = name;
        app->next = table.first;
        table.first = app;
    }
    kl_apps_unlock();
    if (fresh != NULL) {
        kl_free(fresh, sizeof *fresh);
    }
    return app;
}

static void free_env(struct kl_app_env *env)
{
    while (env != NULL) {
        struct kl_app_env *next = env->next;
        kl_app_value_unref(env->value);
        kl_free(env, sizeof *env);
        env = next;
    }
}

void kl_apps_clear(void)
{
    kl_apps_lock();
    struct kl_app *app = table.first;
    table.first = NULL;
    kl_apps_unlock();
    while (app != NULL) {
        struct kl_app *next = app->next;
        free_env(app->env);
        kl_app_value_unref(app->keys);
        kl_free(app, sizeof *app);
        app = next;
    }
}

// --- values ---

struct kl_app_value *kl_app_value_new(keel_term term)
{
    struct kl_app_value *value = kl_alloc(sizeof *value);
    if (value == NULL) {
        return NULL;
    }
    *value = (struct kl_app_value){.count = 1, .term = keel_keep_shared(term)};
    if (keel_is_none(value->term)) {
        kl_free(value, sizeof *value);
        return NULL;
    }
    return value;
}

void kl_app_value_unref(struct kl_app_value *value)
{
    // The last one to leave sees what the others read: acquire and release.
    if (value != NULL && __atomic_sub_fetch(&value->count, 1, __ATOMIC_ACQ_REL) == 0) {
        keel_drop_shared(value->term);
        kl_free(value, sizeof *value);
    }
}

keel_term kl_app_value_read(struct kl_app_value *value)
{
    if (value == NULL) {
        return KEEL_NONE;
    }
    keel_term copy = keel_copy(value->term);
    kl_app_value_unref(value);
    return copy;
}

// Under the lock: one more who reads it.
static struct kl_app_value *value_ref(struct kl_app_value *value)
{
    if (value != NULL) {
        kl_add_relaxed(&value->count, 1); // the table holds it, so it cannot go meanwhile
    }
    return value;
}

keel_term kl_app_keys(keel_term name)
{
    kl_apps_lock();
    struct kl_app *app = kl_apps_find(name);
    struct kl_app_value *keys = value_ref(app != NULL ? app->keys : NULL);
    kl_apps_unlock();
    return kl_app_value_read(keys);
}

keel_term kl_app_own(void)
{
    keel_pid leader = keel_group_leader();
    kl_apps_lock();
    struct kl_app *app = kl_apps_find_master(leader);
    keel_term name = app != NULL ? app->name : KEEL_NONE;
    kl_apps_unlock();
    return name;
}

// --- environments ---

// Under the lock: the link that points to the key's entry, or to the end of the list.
static struct kl_app_env **env_link(struct kl_app *app, keel_term key)
{
    struct kl_app_env **link = &app->env;
    while (*link != NULL && (*link)->key.word != key.word) {
        link = &(*link)->next;
    }
    return link;
}

// Under the lock. What is no longer needed is left in *fresh, for the caller to free
// outside of it.
static void env_swap(struct kl_app *app, keel_term key, struct kl_app_env **fresh)
{
    struct kl_app_env **link = env_link(app, key);
    struct kl_app_env *old = *link;
    if (*fresh != NULL) {
        (*fresh)->next = old != NULL ? old->next : NULL;
        *link = *fresh;
    } else if (old != NULL) {
        *link = old->next;
    }
    if (old != NULL) {
        old->next = NULL;
    }
    *fresh = old;
}

static struct kl_app_env *env_new(keel_term key, keel_term value)
{
    struct kl_app_env *env = kl_alloc(sizeof *env);
    if (env != NULL) {
        *env = (struct kl_app_env){.key = key, .value = kl_app_value_new(value)};
        if (env->value == NULL) {
            kl_free(env, sizeof *env);
            env = NULL;
        }
    }
    return env;
}

bool kl_app_env_put(keel_term name, keel_term key, keel_term value)
{
    struct kl_app *app = kl_apps_make(name);
    struct kl_app_env *env = keel_is_none(value) ? NULL : env_new(key, value);
    if (app == NULL || (env == NULL && !keel_is_none(value))) {
        free_env(env);
        return false;
    }
    kl_apps_lock();
    env_swap(app, key, &env);
    kl_apps_unlock();
    free_env(env);
    return true;
}

void kl_app_env_clear(keel_term name)
{
    kl_apps_lock();
    struct kl_app *app = kl_apps_find(name);
    struct kl_app_env *env = app != NULL ? app->env : NULL;
    if (app != NULL) {
        app->env = NULL;
    }
    kl_apps_unlock();
    free_env(env);
}

static keel_term named(keel_term name)
{
    return keel_is_none(name) ? kl_app_own() : name;
}

keel_status keel_application_fetch_env(keel_term name, keel_term key, keel_term *ret_value)
{
    name = named(name);
    kl_apps_lock();
    struct kl_app *app = kl_apps_find(name);
    struct kl_app_env *env = app != NULL ? *env_link(app, key) : NULL;
    struct kl_app_value *value = value_ref(env != NULL ? env->value : NULL);
    kl_apps_unlock();
    if (value == NULL) {
        return KEEL_E_NOPROC;
    }
    *ret_value = kl_app_value_read(value);
    return KEEL_OK;
}

keel_term keel_application_get_env(keel_term name, keel_term key, keel_term otherwise)
{
    keel_term value = KEEL_NONE;
    return keel_application_fetch_env(name, key, &value) == KEEL_OK ? value : otherwise;
}

keel_term keel_application_fetch_env_or_exit(keel_term name, keel_term key)
{
    keel_term value = KEEL_NONE;
    if (keel_application_fetch_env(name, key, &value) == KEEL_OK) {
        return value;
    }
    name = named(name);
    const char *why = keel_is_none(name)                ? "the caller is in no application"
                      : keel_is_none(kl_app_keys(name)) ? "it is not loaded"
                                                        : "there is no such key";
    keel_error(keel_tuple_of(keel_atom(badarg),
            keel_format("no setting %s of application %s: %s", keel_show(key),
                    keel_is_none(name) ? "?" : keel_show(name), why)));
}

keel_status keel_application_put_env(keel_term name, keel_term key, keel_term value)
{
    name = named(name);
    if (!keel_is_atom(name) || !keel_is_atom(key) || keel_is_none(value)) {
        return KEEL_E_BADARG;
    }
    keel_status status = kl_app_controller_ensure();
    if (status != KEEL_OK) {
        return status;
    }
    return kl_app_env_put(name, key, value) ? KEEL_OK : KEEL_E_NOMEM;
}

keel_status keel_application_delete_env(keel_term name, keel_term key)
{
    name = named(name);
    if (!keel_is_atom(name) || !keel_is_atom(key)) {
        return KEEL_E_BADARG;
    }
    kl_app_env_put(name, key, KEEL_NONE);
    return KEEL_OK;
}

keel_status keel_application_put_env_persistent(
        keel_term name, keel_term key, keel_term value)
{
    name = named(name);
    if (!keel_is_atom(name) || !keel_is_atom(key) || keel_is_none(value)) {
        return KEEL_E_BADARG;
    }
    return kl_app_request(keel_make("{persist, Name, Key, Value}", name, key, value), NULL);
}

keel_status keel_application_delete_env_persistent(keel_term name, keel_term key)
{
    name = named(name);
    if (!keel_is_atom(name) || !keel_is_atom(key)) {
        return KEEL_E_BADARG;
    }
    return kl_app_request(keel_make("{forget, Name, Key}", name, key), NULL);
}

// A change of several keys, all made before any is seen.
struct change {
    struct change *next;
    struct kl_app *app;
    keel_term key;
    struct kl_app_env *env;
};

static void free_changes(struct change *change)
{
    while (change != NULL) {
        struct change *next = change->next;
        free_env(change->env);
        kl_free(change, sizeof *change);
        change = next;
    }
}

static bool add_change(
        struct change **changes, struct kl_app *app, keel_term key, keel_term value)
{
    struct change *change = kl_alloc(sizeof *change);
    struct kl_app_env *env = env_new(key, value);
    if (change == NULL || env == NULL || app == NULL) {
        free_env(env);
        kl_free(change, sizeof *change);
        return false;
    }
    *change = (struct change){.next = *changes, .app = app, .key = key, .env = env};
    *changes = change;
    return true;
}

keel_status keel_application_put_all_env(keel_term config, keel_term *ret_why)
{
    keel_term why = kl_app_config_wrong(config);
    if (!keel_is_none(why)) {
        if (ret_why != NULL) {
            *ret_why = why;
        }
        return KEEL_E_BADARG;
    }
    keel_status status = kl_app_controller_ensure();
    struct change *changes = NULL;
    keel_term entry = KEEL_NONE;
    while (status == KEEL_OK && keel_list_next(&config, &entry)) {
        struct kl_app *app = kl_apps_make(keel_element(entry, 0));
        keel_term pairs = keel_element(entry, 1);
        keel_term pair = KEEL_NONE;
        while (status == KEEL_OK && keel_list_next(&pairs, &pair)) {
            status = add_change(&changes, app, keel_element(pair, 0), keel_element(pair, 1))
                             ? KEEL_OK
                             : KEEL_E_NOMEM;
        }
    }
    if (status == KEEL_OK) {
        kl_apps_lock();
        for (struct change *change = changes; change != NULL; change = change->next) {
            env_swap(change->app, change->key, &change->env);
        }
        kl_apps_unlock();
    }
    free_changes(changes);
    return status;
}

keel_term keel_application_get_all_env(keel_term name)
{
    name = named(name);
    keel_term list = keel_nil();
    // One pair a look: the list may change meanwhile, a reader sees each key old or new.
    for (size_t index = 0;; index++) {
        kl_apps_lock();
        struct kl_app *app = kl_apps_find(name);
        struct kl_app_env *env = app != NULL ? app->env : NULL;
        for (size_t i = 0; env != NULL && i < index; i++) {
            env = env->next;
        }
        keel_term key = env != NULL ? env->key : KEEL_NONE;
        struct kl_app_value *value = value_ref(env != NULL ? env->value : NULL);
        kl_apps_unlock();
        if (value == NULL) {
            return keel_list_reverse(list);
        }
        list = keel_cons(keel_tuple_of(key, kl_app_value_read(value)), list);
    }
}
