// Process groups: the scope's process, and what local processes ask of it.

#include "pg.h"
#include "node.h"
#include <keel/gen_server.h>

enum { LOOK_SECONDS = 5 }; // for scopes that were started later, on nodes we are hidden to

static keel_result init(keel_term argument, void *state);
static keel_result handle_call(keel_term request, keel_from from, void *state);
static keel_result handle_cast(keel_term request, void *state);
static keel_result handle_info(keel_term message, void *state);
static void terminate(keel_term reason, void *state);

struct scope {
    struct kl_pg *pg;
};

static const keel_gen_server scope_server = {
        .name = "pg",
        .state = KEEL_STATE(struct scope, pg),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
        .terminate = terminate,
};

// --- for users ---

static keel_term name_of(keel_term scope)
{
    // A child's specification without an argument has [].
    return keel_is_none(scope) || keel_is_nil(scope) ? keel_atom(pg) : scope;
}

keel_started keel_pg_start_link(keel_term scope)
{
    return keel_gen_server_start_link(
            &scope_server, name_of(scope), .name = name_of(scope));
}

keel_started keel_pg_start(keel_term scope)
{
    return keel_gen_server_start(&scope_server, name_of(scope), .name = name_of(scope));
}

static keel_status ask(keel_term scope, keel_term request, keel_term *ret_answer)
{
    keel_status status = keel_gen_call(name_of(scope), request, KEEL_NEVER, ret_answer);
    return status == KEEL_E_EXIT ? KEEL_E_NOPROC : status;
}

static bool are_local_pids(keel_term pids)
{
    keel_term pid;
    bool local = true;
    pids = kl_pg_as_list(pids);
    while (local && keel_list_next(&pids, &pid)) {
        local = kl_pid_is_local(keel_to_pid(pid));
    }
    return local && keel_is_nil(pids);
}

// A change: {join | leave, Group, List}.
static keel_status change(keel_term scope, keel_term what, keel_term group, keel_term pids)
{
    keel_term answer;
    if (keel_is_none(group) || !are_local_pids(pids)) {
        return KEEL_E_BADARG;
    }
    keel_status status = ask(
            scope, keel_tuple_of(what, group, kl_pg_as_list(pids)), &answer);
    return status == KEEL_OK && !keel_is(answer, ok) ? KEEL_E_CANCELED : status;
}

keel_status keel_pg_join(keel_term scope, keel_term group, keel_term pids)
{
    return change(scope, keel_atom(join), group, pids);
}

keel_status keel_pg_leave(keel_term scope, keel_term group, keel_term pids)
{
    return change(scope, keel_atom(leave), group, pids);
}

static keel_term list(keel_term scope, keel_term request)
{
    keel_term answer = KEEL_NONE;
    return ask(scope, request, &answer) == KEEL_OK ? answer : keel_nil();
}

keel_term keel_pg_members(keel_term scope, keel_term group)
{
    return list(scope, keel_make("{members, Group}", group));
}

keel_term keel_pg_local_members(keel_term scope, keel_term group)
{
    return list(scope, keel_make("{local_members, Group}", group));
}

keel_term keel_pg_groups(keel_term scope)
{
    return list(scope, keel_atom(groups));
}

keel_term keel_pg_local_groups(keel_term scope)
{
    return list(scope, keel_atom(local_groups));
}

static keel_status watch(
        keel_term scope, keel_term request, keel_ref *ret_ref, keel_term *ret_present)
{
    keel_term answer;
    if (!keel_in_process()) {
        return KEEL_E_OUTSIDE;
    }
    keel_status status = ask(scope, request, &answer);
    if (status == KEEL_OK) {
        *ret_ref = keel_to_ref(keel_element(answer, 0));
        if (ret_present != NULL) {
            *ret_present = keel_element(answer, 1);
        }
    }
    return status;
}

keel_status keel_pg_monitor(
        keel_term scope, keel_term group, keel_ref *ret_ref, keel_term *ret_members)
{
    return watch(scope, keel_make("{monitor, Group}", group), ret_ref, ret_members);
}

keel_status keel_pg_monitor_scope(keel_term scope, keel_ref *ret_ref, keel_term *ret_groups)
{
    return watch(scope, keel_atom(monitor), ret_ref, ret_groups);
}

// Whoever asked sent the last change before its answer: all that are to come are here.
bool keel_pg_demonitor(keel_term scope, keel_ref ref)
{
    keel_term answer;
    if (ask(scope, keel_make("{demonitor, Ref}", ref), &answer) != KEEL_OK ||
            !keel_is(answer, ok)) {
        return false;
    }
    while (keel_in_process() &&
            (keel_receive_match(KEEL_AT_ONCE, "{^Ref, join, _, _}", ref) == KEEL_OK ||
                    keel_receive_match(KEEL_AT_ONCE, "{^Ref, leave, _, _}", ref) ==
                            KEEL_OK)) {}
    return true;
}

// --- the process ---

keel_term kl_pg_as_list(keel_term pids)
{
    return keel_is_pid(pids) ? keel_list_of(pids) : pids;
}

static void give_up(void *context)
{
    struct kl_pg *pg = context;
    kl_watchers_forget(keel_self());
    kl_hash_done(&pg->groups.by_hash);
    kl_hash_done(&pg->owners);
}

static keel_result init(keel_term argument, void *state)
{
    struct scope *scope = state;
    struct kl_pg *pg = keel_alloc(sizeof *pg);
    pg->scope = argument;
    kl_hash_init(&pg->groups.by_hash);
    kl_hash_init(&pg->owners);
    scope->pg = pg;
    // Whether this program is a node already or becomes one later.
    if (keel_defer(give_up, pg) != KEEL_OK ||
            kl_watchers_add(keel_self(), KEEL_NONE, KEEL_NODES_CONNECTED | KL_NODES_LASTING,
                    false) != KEEL_OK) {
        return keel_stop_with(keel_atom(system_limit));
    }
    kl_pg_discover(pg);
    keel_send_after(KEEL_SECONDS(LOOK_SECONDS), keel_self(), keel_atom(look));
    return keel_ok();
}

static void terminate(keel_term reason, void *state)
{
    (void)reason; // other scopes monitor this one
    (void)state;
}

void kl_pg_tell(struct kl_pg *pg, keel_term what, keel_term group, keel_term pids)
{
    for (struct kl_pg_watcher *at = pg->watchers; at != NULL; at = at->next) {
        if (keel_is_none(at->group) || keel_equal(at->group, group)) {
            keel_send(at->pid, keel_tuple_of(keel_from_ref(at->ref), what, group, pids));
        }
    }
}

// --- joining and leaving ---

static void own(struct kl_pg *pg, keel_pid pid)
{
    struct kl_pg_owner *owner = kl_hash_get(&pg->owners, pid.word);
    if (owner == NULL) {
        owner = keel_alloc(sizeof *owner);
        owner->monitor = keel_monitor(pid);
        if (!kl_hash_put(&pg->owners, pid.word, owner)) {
            keel_exit(keel_atom(system_limit));
        }
    }
    owner->joins++;
}

static void disown(struct kl_pg *pg, keel_pid pid)
{
    struct kl_pg_owner *owner = kl_hash_get(&pg->owners, pid.word);
    if (--owner->joins == 0) {
        keel_demonitor(owner->monitor, KEEL_DEMONITOR_FLUSH);
        kl_hash_remove(&pg->owners, pid.word);
        keel_free(owner);
    }
}

static keel_result join(struct kl_pg *pg, keel_term name, keel_term pids)
{
    keel_term rest = pids, pid;
    if (keel_is_nil(pids)) {
        return keel_reply(keel_atom(ok));
    }
    struct kl_group *group = kl_group_make(&pg->groups, name);
    while (keel_list_next(&rest, &pid)) {
        kl_group_add(group, pid, KEEL_NONE);
        own(pg, keel_to_pid(pid));
    }
    kl_pg_tell(pg, keel_atom(join), name, pids);
    kl_pg_broadcast(pg, keel_make("{join, Self, Group, Pids}", keel_self(), name, pids));
    return keel_reply(keel_atom(ok));
}

static keel_result leave(struct kl_pg *pg, keel_term name, keel_term pids)
{
    struct kl_group *group = kl_group_find(&pg->groups, name);
    keel_term gone = keel_nil(), pid;
    while (group != NULL && keel_list_next(&pids, &pid)) {
        if (kl_group_remove(group, pid)) {
            disown(pg, keel_to_pid(pid));
            gone = keel_cons(pid, gone);
        }
    }
    if (keel_is_nil(gone)) {
        return keel_reply(keel_atom(not_joined));
    }
    gone = keel_list_reverse(gone); // as they were given
    kl_pg_tell(pg, keel_atom(leave), name, gone);
    kl_pg_broadcast(pg, keel_make("{leave, Self, Pids, Groups}", keel_self(), gone,
                                keel_list_of(name)));
    kl_group_tidy(&pg->groups, group);
    return keel_reply(keel_atom(ok));
}

// A member has ended: it leaves all its groups, as often as it was in them.
static void ended(struct kl_pg *pg, keel_pid pid)
{
    struct kl_pg_owner *owner = kl_hash_remove(&pg->owners, pid.word);
    keel_term names = keel_nil();
    if (owner == NULL) {
        return;
    }
    keel_free(owner);
    for (struct kl_group *group = pg->groups.all; group != NULL;) {
        struct kl_group *next = group->next;
        keel_term gone = keel_nil();
        while (kl_group_remove(group, keel_from_pid(pid))) {
            gone = keel_cons(keel_from_pid(pid), gone);
            names = keel_cons(keel_copy(group->name), names);
        }
        if (!keel_is_nil(gone)) {
            kl_pg_tell(pg, keel_atom(leave), keel_head(names), gone);
            kl_group_tidy(&pg->groups, group);
        }
        group = next;
    }
    kl_pg_broadcast(pg, keel_make("{leave, Self, Pid, Groups}", keel_self(), pid, names));
}

// --- watchers ---

static keel_term all_groups(struct kl_pg *pg, bool with_members)
{
    keel_term all = with_members ? keel_make("#{}") : keel_nil();
    for (struct kl_group *group = pg->groups.all; group != NULL; group = group->next) {
        keel_term name = keel_copy(group->name);
        all = with_members ? keel_map_put(all, name, keel_copy(kl_group_list(group)))
                           : keel_cons(name, all);
    }
    return all;
}

static keel_term local_groups(struct kl_pg *pg)
{
    keel_term all = keel_nil();
    for (struct kl_group *group = pg->groups.all; group != NULL; group = group->next) {
        if (!keel_is_nil(kl_group_list_of(group, KEEL_NONE))) {
            all = keel_cons(keel_copy(group->name), all);
        }
    }
    return all;
}

static keel_term members(struct kl_pg *pg, keel_term name, bool local)
{
    struct kl_group *group = kl_group_find(&pg->groups, name);
    if (group == NULL) {
        return keel_nil();
    }
    return local ? kl_group_list_of(group, KEEL_NONE) : kl_group_list(group);
}

static keel_result add_watcher(struct kl_pg *pg, keel_pid pid, keel_term group)
{
    struct kl_pg_watcher *watcher = keel_alloc(sizeof *watcher);
    *watcher = (struct kl_pg_watcher){.next = pg->watchers,
            .pid = pid,
            .ref = keel_monitor(pid),
            .group = keel_is_none(group) ? KEEL_NONE : keel_keep(group)};
    pg->watchers = watcher;
    keel_term present = keel_is_none(group) ? all_groups(pg, true)
                                            : members(pg, group, false);
    return keel_reply(keel_make("{Ref, Present}", watcher->ref, present));
}

static bool remove_watcher(struct kl_pg *pg, keel_ref ref)
{
    struct kl_pg_watcher **link = &pg->watchers;
    while (*link != NULL && (*link)->ref.word != ref.word) {
        link = &(*link)->next;
    }
    struct kl_pg_watcher *gone = *link;
    if (gone == NULL) {
        return false;
    }
    *link = gone->next;
    keel_demonitor(gone->ref, KEEL_DEMONITOR_FLUSH);
    keel_drop(gone->group);
    keel_free(gone);
    return true;
}

// --- callbacks ---

// What a scope does not know ends it with badarg, as OTP's: it would be a protocol of other
// nodes that is not understood here.

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct kl_pg *pg = ((struct scope *)state)->pg;
    keel_term group, pids;
    keel_ref ref;
    if (keel_match(request, "{members, Group}", &group)) {
        return keel_reply(members(pg, group, false));
    }
    if (keel_match(request, "{local_members, Group}", &group)) {
        return keel_reply(members(pg, group, true));
    }
    if (keel_match(request, "{join, Group, Pids}", &group, &pids)) {
        return join(pg, group, pids);
    }
    if (keel_match(request, "{leave, Group, Pids}", &group, &pids)) {
        return leave(pg, group, pids);
    }
    if (keel_is(request, groups)) {
        return keel_reply(all_groups(pg, false));
    }
    if (keel_is(request, local_groups)) {
        return keel_reply(local_groups(pg));
    }
    if (keel_match(request, "{monitor, Group}", &group)) {
        return add_watcher(pg, from.pid, group);
    }
    if (keel_is(request, monitor)) {
        return add_watcher(pg, from.pid, KEEL_NONE);
    }
    if (keel_match(request, "{demonitor, Ref}", &ref)) {
        return keel_reply(remove_watcher(pg, ref) ? keel_atom(ok) : keel_bool(false));
    }
    keel_error(keel_atom(badarg));
}

static keel_result handle_cast(keel_term request, void *state)
{
    keel_term peer, groups;
    if (!keel_match(request, "{sync, Peer, Groups}", &peer, &groups)) {
        keel_error(keel_atom(badarg));
    }
    kl_pg_peer_sync(((struct scope *)state)->pg, peer, groups);
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct kl_pg *pg = ((struct scope *)state)->pg;
    keel_ref ref;
    keel_term pid;
    if (keel_match(message, "{'DOWN', Ref, process, Pid, _}", &ref, &pid)) {
        if (!kl_pg_peer_down(pg, ref) && !remove_watcher(pg, ref)) {
            ended(pg, keel_to_pid(pid));
        }
    } else if (keel_is(message, look)) {
        kl_pg_discover(pg);
        keel_send_after(KEEL_SECONDS(LOOK_SECONDS), keel_self(), keel_atom(look));
    } else if (!kl_pg_peer_message(pg, message)) {
        keel_error(keel_atom(badarg));
    }
    return keel_noreply();
}
