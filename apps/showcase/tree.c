#include "showcase.h"

#include <keel/application.h>
#include <keel/inspect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Looks at the supervision tree, and monitors every process in it: so the restarts of a
// child are counted by its ends, whether anybody watches or not. While somebody does, the
// tree is looked at every second, since nobody tells of new children.

#define LOOK_EVERY KEEL_SECONDS(1)
#define LOOK_AFTER_END KEEL_MS(30) // its supervisor is quicker than that
#define MOST_CHILDREN 12 // of a dynamic supervisor; the others are only counted

struct tree {
    keel_term seen; // #{Pid => {Monitor, Path}}
    keel_term ends; // #{Path => how often a process there has ended}
    keel_term watchers; // #{Monitor => true}
    keel_term shown; // the tree, as it was broadcast last
    bool looking; // a look is due by itself
};

// One look: what was found so far.
struct look {
    struct tree *tree;
    keel_term found; // as `seen`
};

keel_term tree_topic(void)
{
    return keel_atom(tree);
}

// --- looking ---

// Has the process monitored; one that was not there at the last look begins anew.
static void note(struct look *look, keel_pid pid, keel_term path)
{
    keel_term known = keel_map_get(look->tree->seen, keel_from_pid(pid));
    if (keel_is_none(known)) {
        known = keel_tuple_of(keel_from_ref(keel_monitor(pid)), path);
    }
    look->found = keel_map_put(look->found, keel_from_pid(pid), known);
}

static keel_term name_of(keel_term id, const keel_process_view *view)
{
    keel_term label = keel_process_get_label(view->pid);
    if (!keel_is(id, undefined)) {
        return keel_is_atom(id) || keel_is_binary(id) ? id : keel_string(keel_show(id));
    }
    if (keel_is_binary(label)) {
        return label;
    }
    return !keel_is_none(view->name) ? view->name
                                     : keel_string(view->entry != NULL ? view->entry : "?");
}

static keel_term look_at(
        struct look *look, keel_term id, keel_term pid, bool is_supervisor, keel_term path);

static keel_term look_at_children(
        struct look *look, keel_pid pid, keel_term path, int64_t *ret_more)
{
    keel_term list, child, nodes = keel_nil();
    if (keel_call_within(pid, keel_atom(which_children), KEEL_IN(KEEL_MS(500)), &list) !=
            KEEL_OK) {
        return nodes;
    }
    int taken = 0;
    while (keel_list_next(&list, &child)) {
        keel_term id = keel_element(child, 0);
        bool is_supervisor = keel_is(keel_element(child, 2), supervisor);
        if (keel_is(id, undefined) && ++taken > MOST_CHILDREN) {
            ++*ret_more;
            continue;
        }
        keel_term child_pid = keel_element(child, 1);
        // Children without an id of their own are nobody's successors.
        keel_term child_path = keel_cons(keel_is(id, undefined) ? child_pid : id, path);
        nodes = keel_cons(look_at(look, id, child_pid, is_supervisor, child_path), nodes);
    }
    return nodes; // the supervisor gave the last one first
}

static keel_term look_at(struct look *look, keel_term id, keel_term pid_term,
        bool is_supervisor, keel_term path)
{
    keel_process_view view = {0};
    keel_pid pid = keel_to_pid(pid_term);
    int64_t more = 0;
    bool alive = pid.word != 0 && keel_inspect_process(pid, &view);
    if (alive) {
        note(look, pid, path);
    }
    keel_term children = alive && is_supervisor ? look_at_children(look, pid, path, &more)
                                                : keel_nil();
    keel_term ends = keel_map_get(look->tree->ends, path);
    return keel_make(
            "{[{name, Name}, {pid, Pid}, {key, Key}, {kind, Kind}, {alive, Alive}, "
            "{restarts, Restarts}, {queue, Queue}, {memory, Memory}, "
            "{more, More}, {children, Children}]}",
            alive ? name_of(id, &view) : id, keel_show(pid_term),
            keel_format("%llu", (unsigned long long)pid.word),
            is_supervisor ? "supervisor" : "worker", keel_bool(alive),
            keel_is_none(ends) ? 0 : keel_to_int(ends), (int64_t)view.queue,
            (int64_t)view.memory, more, children);
}

// Monitors of processes that are no longer in the tree are of no interest.
static void forget_missing(struct tree *tree, keel_term found)
{
    keel_term pid, entry;
    for (size_t index = 0; keel_map_at(tree->seen, index, &pid, &entry); index++) {
        if (keel_is_none(keel_map_get(found, pid)) &&
                keel_process_alive(keel_to_pid(pid))) {
            (void)keel_demonitor(keel_to_ref(keel_element(entry, 0)), KEEL_DEMONITOR_FLUSH);
        } else if (keel_is_none(keel_map_get(found, pid))) {
            found = keel_map_put(found, pid, entry); // its DOWN is on the way
        }
    }
    keel_set(&tree->seen, found);
}

static keel_term look(struct tree *tree)
{
    struct look look = {.tree = tree, .found = keel_make("#{}")};
    keel_pid top = keel_application_supervisor(keel_atom(showcase));
    keel_term node = look_at(&look, keel_atom(showcase), keel_from_pid(top), true,
            keel_list_of(keel_atom(showcase)));
    forget_missing(tree, look.found);
    return node;
}

// --- the server ---

static keel_result init(keel_term unused, void *state)
{
    struct tree *tree = state;
    keel_set(&tree->seen, keel_make("#{}"));
    keel_set(&tree->ends, keel_make("#{}"));
    keel_set(&tree->watchers, keel_make("#{}"));
    keel_set(&tree->shown, keel_nil());
    (void)unused;
    // The tree is still being started.
    keel_send_after(KEEL_MS(100), keel_self(), keel_atom(look));
    tree->looking = true;
    return keel_ok();
}

static void look_soon(struct tree *tree, keel_duration when)
{
    if (!tree->looking) {
        tree->looking = true;
        keel_send_after(when, keel_self(), keel_atom(look));
    }
}

static void look_and_tell(struct tree *tree)
{
    keel_term node = look(tree);
    tree->looking = false;
    if (!keel_equal(node, tree->shown)) {
        keel_set(&tree->shown, node);
        keel_pubsub_broadcast(EVENTS, tree_topic(), keel_tuple_of(keel_atom(tree), node));
    }
    if (keel_map_size(tree->watchers) > 0) {
        look_soon(tree, LOOK_EVERY);
    }
}

static void take_end(struct tree *tree, keel_term monitor, keel_term pid)
{
    keel_term entry = keel_map_get(tree->seen, pid);
    if (!keel_is_none(keel_map_get(tree->watchers, monitor))) {
        keel_set(&tree->watchers, keel_map_remove(tree->watchers, monitor));
    } else if (!keel_is_none(entry) && keel_equal(keel_element(entry, 0), monitor)) {
        keel_term path = keel_copy(keel_element(entry, 1)); // what is seen goes
        keel_set(&tree->seen, keel_map_remove(tree->seen, pid));
        // A path that ends with a pid is that of a child that is not started anew.
        if (!keel_is_pid(keel_head(path))) {
            int64_t ends = keel_to_int(keel_map_get(tree->ends, path));
            keel_set(&tree->ends, keel_map_put(tree->ends, path, keel_int(ends + 1)));
        }
        tree->looking = false;
        look_soon(tree, LOOK_AFTER_END);
    }
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct tree *tree = state;
    uint64_t word;
    (void)from;
    if (keel_is(request, get)) {
        keel_term node = look(tree);
        keel_set(&tree->shown, node);
        return keel_reply(node);
    }
    if (keel_is(request, watch)) {
        keel_ref monitor = keel_monitor(from.pid);
        keel_set(&tree->watchers,
                keel_map_put(tree->watchers, keel_from_ref(monitor), keel_bool(true)));
        look_soon(tree, LOOK_EVERY);
        return keel_reply(keel_atom(ok));
    }
    if (keel_match(request, "{kill, Word}", &word)) {
        keel_pid pid = {word};
        // Only what is in the tree, for the key came from a browser; and not its top, whose
        // end is that of the program.
        bool known = !keel_is_none(keel_map_get(tree->seen, keel_from_pid(pid))) &&
                     pid.word != keel_application_supervisor(keel_atom(showcase)).word;
        if (known) {
            (void)keel_process_exit(pid, keel_atom(kill));
        }
        return keel_reply(keel_bool(known));
    }
    return keel_unexpected(request);
}

static keel_result handle_info(keel_term message, void *state)
{
    struct tree *tree = state;
    keel_term monitor, pid;
    if (keel_is(message, look)) {
        look_and_tell(tree);
    } else if (keel_match(message, "{'DOWN', Monitor, process, Pid, _}", &monitor, &pid)) {
        take_end(tree, monitor, pid);
    } else {
        return keel_unexpected(message);
    }
    return keel_noreply();
}

static const keel_gen_server tree_server = {
        .name = "tree",
        .state = KEEL_STATE(struct tree, seen, ends, watchers, looking),
        .init = init,
        .handle_call = handle_call,
        .handle_info = handle_info,
};

keel_child_spec tree_child(void)
{
    return keel_child(&tree_server, keel_nil(), .name = keel_atom(tree));
}

keel_term tree_get(void)
{
    keel_term node;
    return keel_call("tree", keel_atom(get), &node) == KEEL_OK ? node : KEEL_NONE;
}

void tree_watch(void)
{
    keel_term ok;
    (void)!keel_call("tree", keel_atom(watch), &ok);
}

keel_status tree_kill(const char *key)
{
    char *end;
    keel_term known;
    unsigned long long word = strtoull(key, &end, 10);
    if (*key == '\0' || *end != '\0') {
        return KEEL_E_BADARG;
    }
    keel_status status = keel_call(
            "tree", keel_tuple_of(keel_atom(kill), keel_uint(word)), &known);
    // Killing the one that looks ends the call as well.
    if (status == KEEL_E_EXIT) {
        return KEEL_OK;
    }
    return status != KEEL_OK ? status : keel_to_bool(known) ? KEEL_OK : KEEL_E_NOPROC;
}
