// The server that draws trees for Observer: appmon_info. A client casts
// {Client, Task, About, On, Options} and gets {delivery, Server, Task, About, Result}, now
// and whenever the result has changed, until it casts the same with On false, or ends.

#include "observer.h"
#include <keel/application.h>
#include <keel/gen_server.h>
#include <keel/inspect.h>
#include <keel/link.h>
#include <keel/supervisor.h>
#include <keel/timer.h>

enum { DEPTH_MAX = 64, LOOK_MS = 1000, TASKS_MAX = 100 };

struct appmon {
    keel_term tasks; // [{{Client, Task, About}, Result}]
    keel_term clients; // pids
};

// --- applications ---

// [{Pid, Name, {Name, Description, Version}}]
static keel_term running_applications(void)
{
    keel_term list = keel_application_which(), item, result = keel_nil();
    while (keel_list_next(&list, &item)) {
        keel_pid pid = keel_application_supervisor(keel_element(item, 0));
        if (pid.word != 0) {
            result = keel_cons(
                    keel_tuple_of(keel_from_pid(pid), keel_element(item, 0), item), result);
        }
    }
    return result;
}

struct tree {
    keel_term names; // [{Pid, Text}]
    keel_term links; // [{ParentText, Text}]
};

static keel_term title_of(keel_pid pid)
{
    char text[300];
    kl_observer_title(pid, text, sizeof text);
    return keel_charlist(text);
}

static void add_children(struct tree *tree, keel_pid pid, keel_term title, unsigned depth);

static void add_process(
        struct tree *tree, keel_pid pid, bool supervisor, keel_term parent, unsigned depth)
{
    keel_term title = title_of(pid);
    tree->names = keel_cons(keel_tuple_of(keel_from_pid(pid), title), tree->names);
    if (!keel_is_none(parent)) {
        tree->links = keel_cons(keel_tuple_of(parent, title), tree->links);
    }
    if (supervisor && depth < DEPTH_MAX) {
        add_children(tree, pid, title, depth);
    }
}

static void add_children(struct tree *tree, keel_pid pid, keel_term title, unsigned depth)
{
    keel_term children, child, type;
    keel_pid child_pid;
    if (keel_supervisor_which_children(pid, &children) != KEEL_OK) {
        return; // it has just ended, or is busy with its end
    }
    while (keel_list_next(&children, &child)) {
        if (keel_match(child, "{_, Pid, Type, _}", &child_pid, &type)) {
            add_process(tree, child_pid, keel_is(type, supervisor), title, depth + 1);
        }
    }
}

// {RootText, Names, Links, []}
static keel_term tree_of(keel_term application)
{
    keel_pid root = keel_is_atom(application) ? keel_application_supervisor(application)
                                              : (keel_pid){0};
    if (root.word == 0) {
        return keel_make("{[], [], [], []}");
    }
    struct tree tree = {keel_nil(), keel_nil()};
    add_process(&tree, root, true, KEEL_NONE, 0);
    return keel_tuple_of(title_of(root), tree.names, tree.links, keel_nil());
}

// --- tasks ---

static keel_term result_of(keel_term task, keel_term about)
{
    if (keel_is(task, app_ctrl)) {
        return running_applications();
    }
    return keel_is(task, app) ? tree_of(about) : KEEL_NONE;
}

// The task done: its entry, new when the result is.
static keel_term perform(keel_term key, keel_term old)
{
    keel_term client, task, about;
    if (!keel_match(key, "{Client, Task, About}", &client, &task, &about)) {
        return KEEL_NONE;
    }
    keel_term result = result_of(task, about);
    if (!keel_is_none(result) && (keel_is_none(old) || !keel_equal(result, old))) {
        keel_send(client, keel_make("{delivery, Self, Task, About, Result}", keel_self(),
                                  task, about, result));
    }
    return keel_is_none(result) ? KEEL_NONE : keel_tuple_of(key, result);
}

static keel_term tasks_without(keel_term tasks, keel_term key, keel_term client)
{
    keel_term rest = keel_nil(), entry;
    while (keel_list_next(&tasks, &entry)) {
        keel_term its_key = keel_element(entry, 0);
        if (!keel_equal(its_key, key) && !keel_equal(keel_element(its_key, 0), client)) {
            rest = keel_cons(entry, rest);
        }
    }
    return rest;
}

static keel_term without(keel_term list, keel_term gone)
{
    keel_term rest = keel_nil(), item;
    while (keel_list_next(&list, &item)) {
        if (!keel_equal(item, gone)) {
            rest = keel_cons(item, rest);
        }
    }
    return rest;
}

// --- the server ---

static void look_again(void)
{
    keel_send_after(KEEL_MS(LOOK_MS), keel_self(), keel_atom(look));
}

static keel_result init(keel_term client, void *state)
{
    struct appmon *appmon = state;
    keel_trap_exit(true);
    if (keel_link(keel_to_pid(client)) != KEEL_OK) {
        return keel_stop_with(keel_atom(normal));
    }
    keel_set(&appmon->tasks, keel_nil());
    keel_set(&appmon->clients, keel_list_of(client));
    look_again();
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct appmon *appmon = state;
    keel_term client;
    (void)from;
    if (keel_match(request, "{register_client, Client}", &client) && keel_is_pid(client) &&
            !keel_list_member(client, appmon->clients) &&
            keel_link(keel_to_pid(client)) == KEEL_OK) {
        keel_set(&appmon->clients, keel_cons(client, appmon->clients));
    }
    return keel_reply(keel_atom(ok));
}

static keel_result handle_cast(keel_term request, void *state)
{
    struct appmon *appmon = state;
    keel_term client, task, about;
    bool on;
    if (!keel_match(request, "{Client, Task, About, On, _}", &client, &task, &about, &on) ||
            !keel_list_member(client, appmon->clients)) {
        return keel_noreply();
    }
    keel_term key = keel_tuple_of(client, task, about);
    keel_term tasks = tasks_without(appmon->tasks, key, KEEL_NONE);
    size_t count;
    bool room = keel_list_length(tasks, &count) && count < TASKS_MAX;
    keel_term entry = on && room ? perform(key, KEEL_NONE) : KEEL_NONE;
    keel_set(&appmon->tasks, keel_is_none(entry) ? tasks : keel_cons(entry, tasks));
    return keel_noreply();
}

static keel_result handle_info(keel_term message, void *state)
{
    struct appmon *appmon = state;
    keel_term client, entry, done = keel_nil(), tasks = appmon->tasks;
    if (keel_match(message, "{'EXIT', Client, _}", &client)) {
        keel_set(&appmon->clients, without(appmon->clients, client));
        keel_set(&appmon->tasks, tasks_without(appmon->tasks, KEEL_NONE, client));
        return keel_is_nil(appmon->clients) ? keel_stop_with(keel_atom(normal))
                                            : keel_noreply();
    }
    if (keel_is(message, look)) {
        while (keel_list_next(&tasks, &entry)) {
            entry = perform(keel_element(entry, 0), keel_element(entry, 1));
            done = keel_is_none(entry) ? done : keel_cons(entry, done);
        }
        keel_set(&appmon->tasks, done);
        look_again();
    }
    return keel_noreply();
}

static const keel_gen_server appmon_info = {
        .name = "appmon_info",
        .state = KEEL_STATE(struct appmon, tasks, clients),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
};

// [Starter, Client, Options]
keel_term kl_observer_appmon(keel_term arguments)
{
    keel_term client = kl_observer_argument(arguments, 1);
    if (!keel_is_pid(client)) {
        kl_observer_badarg();
    }
    keel_started started = keel_gen_server_start(
            &appmon_info, client, .name = keel_atom(appmon_info));
    if (started.status == KEEL_E_TAKEN) {
        keel_term answer;
        keel_status status = keel_call(
                started.pid, keel_make("{register_client, Client}", client), &answer);
        return status == KEEL_OK ? keel_make("{ok, Pid}", started.pid)
                                 : keel_make("{error, noproc}");
    }
    return started.status == KEEL_OK ? keel_make("{ok, Pid}", started.pid)
                                     : keel_make("{error, Reason}", started.reason);
}
