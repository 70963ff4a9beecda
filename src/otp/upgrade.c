// Upgrades of all servers of a module.

#include "upgrade.h"
#include "base/base.h"
#include "start.h"
#include <keel/inspect.h>
#include <keel/sys.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 128, ROUNDS = 10 };

// A name that was upgraded. Entries stay for good; `current` changes.
struct upgraded {
    struct upgraded *next;
    keel_module_kind kind;
    const void *current;
    char name[NAME_MAX_BYTES];
};

static struct upgraded *table; // newest first; read by anybody
static struct kl_lock lock; // of those who add

// One upgrade under way.
struct upgrade {
    keel_module_kind kind;
    const char *name;
    const void *to;
    keel_term extra;
    keel_term suspended; // [{Pid, OldModule | none}], newest first
    keel_term changed; // those of them that have taken the version on
    keel_term why; // {Pid, Reason}
};

// --- what is current ---

static struct upgraded *find(keel_module_kind kind, const char *name)
{
    // Acquire: pairs with the release in set_current; the entry is complete.
    struct upgraded *at = kl_load_acquire(&table);
    while (at != NULL && (at->kind != kind || strcmp(at->name, name) != 0)) {
        at = at->next;
    }
    return at;
}

const void *kl_upgrade_current(keel_module_kind kind, const char *name, const void *module)
{
    if (kl_load_relaxed(&table) == NULL) {
        return module;
    }
    struct upgraded *entry = find(kind, name);
    return entry != NULL ? kl_load_acquire(&entry->current) : module;
}

static keel_status set_current(keel_module_kind kind, const char *name, const void *to)
{
    struct upgraded *fresh = kl_alloc_zero(sizeof *fresh);
    kl_lock_take(&lock);
    struct upgraded *entry = find(kind, name);
    if (entry == NULL && fresh != NULL) {
        entry = fresh;
        fresh = NULL;
        entry->kind = kind;
        entry->current = to;
        memcpy(entry->name, name, strlen(name) + 1);
        entry->next = table;
        kl_store_release(&table, entry);
    } else if (entry != NULL) {
        kl_store_release(&entry->current, to); // pairs with kl_upgrade_current
    }
    kl_lock_give(&lock);
    kl_free(fresh, sizeof *fresh);
    return entry != NULL ? KEEL_OK : KEEL_E_NOMEM;
}

// Supervisors: their processes do not bear the module's name, and have no version.
static bool has_many_names(keel_module_kind kind)
{
    return kind == KEEL_MODULE_SUPERVISOR || kind == KEEL_MODULE_DYNAMIC_SUPERVISOR;
}

const char *keel_upgrade_version(keel_module_kind kind, const char *name)
{
    const void *module = name != NULL ? kl_upgrade_current(kind, name, NULL) : NULL;
    if (module == NULL || has_many_names(kind)) {
        return NULL;
    }
    return kind == KEEL_MODULE_GEN_SERVER ? ((const keel_gen_server *)module)->version
                                          : ((const keel_gen_statem *)module)->version;
}

// --- who runs it ---

struct search {
    struct upgrade *upgrade;
    char entry[NAME_MAX_BYTES + 16];
    keel_pid *pids; // NULL: they are only counted
    size_t count, max;
};

static bool visit(const keel_process_view *view, void *context)
{
    struct search *search = context;
    if (view->entry != NULL && strcmp(view->entry, search->entry) == 0) {
        if (search->pids != NULL && search->count < search->max) {
            search->pids[search->count] = view->pid;
        }
        search->count++;
    }
    return true;
}

// The processes of the module, as a list. All supervisors have the same entry; each decides
// whether it is meant.
static keel_term list_servers(struct upgrade *upgrade)
{
    struct search search = {.upgrade = upgrade};
    const char *name = has_many_names(upgrade->kind) ? "supervisor" : upgrade->name;
    snprintf(search.entry, sizeof search.entry, "%s:init/1", name);
    keel_inspect_each(visit, &search);
    search.max = search.count + 64;
    search.pids = kl_alloc(search.max * sizeof *search.pids);
    keel_term list = keel_nil();
    if (search.pids != NULL) {
        search.count = 0;
        keel_inspect_each(visit, &search);
        size_t found = search.count < search.max ? search.count : search.max;
        size_t bytes = search.max * sizeof *search.pids;
        keel_term *items = kl_alloc(found * sizeof *items);
        for (size_t i = 0; items != NULL && i < found; i++) {
            items[i] = keel_from_pid(search.pids[i]);
        }
        kl_free(search.pids, bytes);
        list = items != NULL ? keel_list(items, found) : list;
        kl_free(items, found * sizeof *items);
    }
    return list;
}

// --- one server ---

static const char *module_name(keel_module_kind kind, const void *module)
{
    return kind == KEEL_MODULE_SUPERVISOR ? ((const keel_supervisor *)module)->name
                                          : ((const keel_dynamic_supervisor *)module)->name;
}

bool kl_upgrade_brings(keel_term extra, keel_module_kind kind, const char *name,
        const void *previous, const void **ret_wanted)
{
    int meant;
    void *to = NULL;
    if (!keel_match(extra, KL_UPGRADE_SUPERVISOR, &meant, &to)) {
        return false;
    }
    const void *wanted = to != NULL ? to : previous;
    bool same = wanted != NULL && name != NULL && meant == (int)kind &&
                strcmp(module_name(kind, wanted), name) == 0;
    *ret_wanted = same ? wanted : NULL;
    return true;
}

static bool is_gone(keel_status status)
{
    return status == KEEL_E_NOPROC || status == KEEL_E_EXIT;
}

// `from` is undefined, or KL_UPGRADE_LATE.
static keel_status change_one(const struct upgrade *upgrade, keel_term pid, keel_term from,
        const void *to, keel_term *ret_why)
{
    keel_term module = keel_pointer(to);
    keel_term extra = upgrade->extra;
    if (upgrade->kind == KEEL_MODULE_GEN_STATEM) {
        module = keel_tuple_of(keel_atom(gen_statem), module);
    } else if (has_many_names(upgrade->kind)) {
        extra = keel_make(KL_UPGRADE_SUPERVISOR, (int)upgrade->kind, module);
        module = keel_atom(supervisor);
    }
    return keel_sys_change_code_term(pid, module, from, extra, ret_why);
}

// Suspends those of the list. KEEL_E_TIMEOUT when one does not answer.
static keel_status suspend_all(struct upgrade *upgrade, keel_term pids)
{
    keel_term pid;
    while (keel_list_next(&pids, &pid)) {
        keel_status status = keel_to_pid(pid).word == keel_self().word
                                     ? KEEL_E_SELFCALL
                                     : keel_sys_suspend(pid);
        if (status == KEEL_OK) {
            upgrade->suspended = keel_cons(pid, upgrade->suspended);
        } else if (!is_gone(status)) {
            upgrade->why = keel_tuple_of(pid, keel_string(keel_status_text(status)));
            return status;
        }
    }
    return KEEL_OK;
}

static keel_status change_all(struct upgrade *upgrade)
{
    keel_term rest = upgrade->suspended;
    keel_term pid;
    while (keel_list_next(&rest, &pid)) {
        keel_term reason = KEEL_NONE;
        keel_status status = change_one(
                upgrade, pid, keel_atom(undefined), upgrade->to, &reason);
        if (status == KEEL_OK) {
            upgrade->changed = keel_cons(pid, upgrade->changed);
        } else if (!is_gone(status)) {
            reason = keel_is_none(reason) ? keel_string(keel_status_text(status)) : reason;
            upgrade->why = keel_tuple_of(pid, reason);
            return status;
        }
    }
    return KEEL_OK;
}

static void resume_all(const struct upgrade *upgrade)
{
    keel_term rest = upgrade->suspended;
    keel_term pid;
    while (keel_list_next(&rest, &pid)) {
        keel_status status = keel_sys_resume(pid);
        (void)status; // it may have ended
    }
}

// The version a server had before: what is current, else the one it was started with.
static const void *version_before(const struct upgrade *upgrade, keel_term pid)
{
    keel_process_view view;
    const void *started = NULL;
    if (keel_inspect_process(keel_to_pid(pid), &view)) {
        started = kl_start_module_of(view.entry);
    }
    return kl_upgrade_current(upgrade->kind, upgrade->name, started);
}

// Those that have taken the new version on take the old one on again. A supervisor
// remembers which that was.
static void change_back(struct upgrade *upgrade)
{
    keel_term rest = upgrade->changed;
    keel_term pid;
    while (keel_list_next(&rest, &pid)) {
        bool remembers = has_many_names(upgrade->kind);
        const void *before = remembers ? NULL : version_before(upgrade, pid);
        keel_term reason = KEEL_NONE;
        keel_status status = before == NULL && !remembers
                                     ? KEEL_E_UNSUPPORTED
                                     : change_one(upgrade, pid, keel_atom(undefined),
                                               before, &reason);
        if (status != KEEL_OK && !is_gone(status)) {
            kl_log(KL_LOG_ERROR, "%s keeps the version that others refused: %s",
                    keel_show(pid),
                    keel_is_none(reason) ? keel_status_text(status) : keel_show(reason));
        }
    }
}

// --- all of it ---

// Those that were started with the old version while the others were upgraded.
static keel_term latecomers(struct upgrade *upgrade)
{
    keel_term all = list_servers(upgrade);
    keel_term late = keel_nil();
    keel_term pid;
    while (keel_list_next(&all, &pid)) {
        if (!keel_list_member(pid, upgrade->changed)) {
            late = keel_cons(pid, late);
        }
    }
    return late;
}

// The version is current, whatever one of them says: who refuses it is killed, as OTP's
// purge of old code kills who still runs it, and is started anew in it by its supervisor. A
// supervisor stays, whose init is read again when it is started anew.
static void change_late(struct upgrade *upgrade, keel_term pid)
{
    keel_term reason = KEEL_NONE;
    keel_status status = keel_sys_suspend(pid);
    if (status == KEEL_OK) {
        status = change_one(upgrade, pid, KL_UPGRADE_LATE, upgrade->to, &reason);
        bool killed = status == KEEL_E_REFUSED && !has_many_names(upgrade->kind);
        if (killed) {
            keel_process_exit(keel_to_pid(pid), keel_atom(kill));
        }
        keel_status resumed = keel_sys_resume(pid);
        (void)resumed; // it may have ended
    }
    if (status != KEEL_OK && !is_gone(status)) {
        kl_log(KL_LOG_ERROR, "%s was started during an upgrade and does not take it on: %s",
                keel_show(pid),
                keel_is_none(reason) ? keel_status_text(status) : keel_show(reason));
    }
    upgrade->changed = keel_cons(pid, upgrade->changed);
}

static keel_status run(struct upgrade *upgrade, keel_term *ret_why)
{
    keel_status status = suspend_all(upgrade, list_servers(upgrade));
    if (status == KEEL_OK) {
        status = change_all(upgrade);
    }
    if (status == KEEL_OK) {
        // What starts from now on is the new version.
        status = set_current(upgrade->kind, upgrade->name, upgrade->to);
    }
    if (status != KEEL_OK) {
        change_back(upgrade);
    }
    resume_all(upgrade);
    for (int round = 0; status == KEEL_OK && round < ROUNDS; round++) {
        keel_term late = latecomers(upgrade);
        if (keel_is_nil(late)) {
            break;
        }
        keel_term pid;
        while (keel_list_next(&late, &pid)) {
            change_late(upgrade, pid);
        }
    }
    if (status != KEEL_OK && ret_why != NULL && !keel_is_none(upgrade->why)) {
        *ret_why = upgrade->why;
    }
    return status;
}

static keel_status upgrade_to(keel_module_kind kind, const char *name, const void *to,
        keel_term extra, keel_term *ret_why)
{
    if (to == NULL || name == NULL || *name == '\0' || strlen(name) >= NAME_MAX_BYTES) {
        return KEEL_E_BADARG;
    }
    struct upgrade upgrade = {.kind = kind,
            .name = name,
            .to = to,
            .extra = keel_is_none(extra) ? keel_nil() : extra,
            .suspended = keel_nil(),
            .changed = keel_nil(),
            .why = KEEL_NONE};
    return run(&upgrade, ret_why);
}

keel_status keel_upgrade_servers(
        const keel_gen_server *to, keel_term extra, keel_term *ret_why)
{
    return upgrade_to(
            KEEL_MODULE_GEN_SERVER, to != NULL ? to->name : NULL, to, extra, ret_why);
}

keel_status keel_upgrade_statems(
        const keel_gen_statem *to, keel_term extra, keel_term *ret_why)
{
    return upgrade_to(
            KEEL_MODULE_GEN_STATEM, to != NULL ? to->name : NULL, to, extra, ret_why);
}

keel_status keel_upgrade_supervisors(
        const keel_supervisor *to, keel_term extra, keel_term *ret_why)
{
    return upgrade_to(
            KEEL_MODULE_SUPERVISOR, to != NULL ? to->name : NULL, to, extra, ret_why);
}

keel_status keel_upgrade_dynamic_supervisors(
        const keel_dynamic_supervisor *to, keel_term extra, keel_term *ret_why)
{
    return upgrade_to(KEEL_MODULE_DYNAMIC_SUPERVISOR, to != NULL ? to->name : NULL, to,
            extra, ret_why);
}
