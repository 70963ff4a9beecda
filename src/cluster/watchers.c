// Who hears of nodes that come and go. The table is written by net_kernel alone, and read
// by connections, which tell by themselves: a node's coming before anything else from it,
// its going after everything.

#include "node.h"

struct watcher {
    struct watcher *next;
    keel_pid pid;
    keel_term node; // of keel_node_monitor; none: all nodes
    int which;
    bool info;
};

static struct kl_lock lock;
static struct watcher *watchers; // guarded by the lock, oldest first

keel_status kl_watchers_add(keel_pid pid, keel_term node, int which, bool info)
{
    struct watcher *watcher = kl_pool_alloc(sizeof *watcher);
    if (watcher == NULL) {
        return KEEL_E_NOMEM;
    }
    *watcher = (struct watcher){.pid = pid, .node = node, .which = which, .info = info};
    kl_lock_take(&lock);
    struct watcher **link = &watchers;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = watcher;
    kl_lock_give(&lock);
    return KEEL_OK;
}

static bool is_same(
        const struct watcher *watcher, keel_pid pid, keel_term node, int which, bool info)
{
    return watcher->pid.word == pid.word && watcher->node.word == node.word &&
           watcher->which == which && watcher->info == info;
}

bool kl_watchers_remove(keel_pid pid, keel_term node, int which, bool info)
{
    kl_lock_take(&lock);
    struct watcher **link = &watchers;
    while (*link != NULL && !is_same(*link, pid, node, which, info)) {
        link = &(*link)->next;
    }
    struct watcher *gone = *link;
    if (gone != NULL) {
        *link = gone->next;
    }
    kl_lock_give(&lock);
    kl_pool_free(gone, sizeof *gone);
    return gone != NULL;
}

void kl_watchers_forget(keel_pid pid)
{
    struct watcher *gone = NULL;
    kl_lock_take(&lock);
    for (struct watcher **link = &watchers; *link != NULL;) {
        struct watcher *watcher = *link;
        bool lasts = (watcher->which & KL_NODES_LASTING) != 0;
        if (pid.word == 0 ? !lasts : watcher->pid.word == pid.word) {
            *link = watcher->next;
            watcher->next = gone;
            gone = watcher;
        } else {
            link = &watcher->next;
        }
    }
    kl_lock_give(&lock);
    while (gone != NULL) {
        struct watcher *next = gone->next;
        kl_pool_free(gone, sizeof *gone);
        gone = next;
    }
}

// Copies those whom an event concerns; what watches one node is taken out with its end.
static size_t concerned(struct kl_peer *peer, enum kl_node_event event, int kind,
        struct watcher *ret, size_t room)
{
    size_t count = 0;
    kl_lock_take(&lock);
    for (struct watcher **link = &watchers; *link != NULL;) {
        struct watcher *watcher = *link;
        bool one = !keel_is_none(watcher->node);
        bool meant = one ? event != KL_NODE_UP && watcher->node.word == peer->name.word
                         : event != KL_NODE_UNREACHABLE && (watcher->which & kind) != 0;
        if (meant && count < room) {
            ret[count] = *watcher;
        }
        count += meant;
        if (meant && one && count <= room) {
            *link = watcher->next;
            kl_pool_free(watcher, sizeof *watcher);
        } else {
            link = &watcher->next;
        }
    }
    kl_lock_give(&lock);
    return count;
}

static void tell_one(const struct watcher *watcher, keel_term what, keel_term node,
        keel_term type, keel_term reason)
{
    keel_term message = keel_tuple_of(what, node);
    if (watcher->info) {
        keel_term info = keel_is_none(reason)
                                 ? keel_make("#{node_type => Type}", type)
                                 : keel_make("#{node_type => Type, nodedown_reason => Why}",
                                           type, reason);
        message = keel_tuple_of(what, node, info);
    }
    keel_send(watcher->pid, message);
}

void kl_watchers_tell(
        struct kl_peer *peer, bool hidden, enum kl_node_event event, keel_term reason)
{
    enum { AT_ONCE = 64 };
    int kind = hidden ? KEEL_NODES_HIDDEN : KEEL_NODES_VISIBLE;
    struct watcher some[AT_ONCE], *list = some;
    size_t room = AT_ONCE;
    size_t count = concerned(peer, event, kind, NULL, 0);
    if (count > room) {
        room = count;
        list = kl_alloc(room * sizeof *list);
    }
    keel_scope scope = keel_scope_open();
    count = list == NULL ? 0 : concerned(peer, event, kind, list, room);
    for (size_t i = 0; i < count && i < room; i++) {
        tell_one(&list[i], event == KL_NODE_UP ? keel_atom(nodeup) : keel_atom(nodedown),
                peer->name, hidden ? keel_atom(hidden) : keel_atom(visible), reason);
    }
    keel_scope_close(&scope);
    if (list != some) {
        kl_free(list, room * sizeof *list);
    }
}
