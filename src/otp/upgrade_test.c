// Upgrades of all servers of a module.

#include "otp_testing.h"
#include <keel/upgrade.h>

struct old_state {
    int64_t value;
};
struct new_state {
    int64_t extra;
    int64_t value;
};

static keel_result init_old(keel_term argument, void *state)
{
    ((struct old_state *)state)->value = keel_to_int(argument);
    return keel_ok();
}

static keel_result init_new(keel_term argument, void *state)
{
    ((struct new_state *)state)->value = keel_to_int(argument);
    return keel_ok();
}

static keel_result call_old(keel_term request, keel_from from, void *state)
{
    struct old_state *self = state;
    (void)from;
    if (keel_is(request, crash)) {
        return keel_stop_with(keel_atom(crashed));
    }
    return keel_reply(keel_make("{old, Value}", ++self->value));
}

static keel_result call_new(keel_term request, keel_from from, void *state)
{
    struct new_state *self = state;
    (void)from;
    if (keel_is(request, crash)) {
        return keel_stop_with(keel_atom(crashed));
    }
    return keel_reply(keel_make("{new, Value}", ++self->value));
}

static keel_pid start(int value);
static keel_pid late[2]; // were started while the upgrade was under way

// Refuses one whose value is odd when it is told to. Or starts one that refuses and one
// that does not, both in the old version.
static keel_term change_new(keel_term version_before, void *state, keel_term extra)
{
    struct new_state *self = state;
    CHECK_TERM(version_before, "<<\"1\">>");
    if (keel_is(extra, start_late)) {
        if (self->value == 10) {
            late[0] = start(21);
            late[1] = start(22);
        }
        return self->value % 2 != 0 ? keel_make("{error, odd}") : keel_atom(ok);
    }
    bool refuses = keel_is(extra, even_only) && self->value % 2 != 0;
    return refuses ? keel_make("{error, odd}") : keel_atom(ok);
}

static const keel_gen_server old_version = {.name = "upgraded_server",
        .version = "1",
        .state = KEEL_STATE(struct old_state, value),
        .init = init_old,
        .handle_call = call_old};
static const keel_gen_server new_version = {.name = "upgraded_server",
        .version = "2",
        .state = KEEL_STATE(struct new_state, value),
        .init = init_new,
        .handle_call = call_new,
        .code_change = change_new};

static keel_pid start(int value)
{
    return actor_started(keel_gen_server_start(&old_version, keel_int(value)));
}

// The tests of a program share its modules: each ends with the old version.
static void go_back(void)
{
    CHECK_OK(keel_upgrade_servers(&old_version, keel_nil(), NULL));
}

PROCESS_TEST("all servers of a module take the new version on, and keep their state")
{
    keel_pid one = start(10);
    keel_pid two = start(20);
    CHECK_TERM(keel_call_or_exit(one, keel_atom(next)), "{old, 11}");
    CHECK_OK(keel_upgrade_servers(&new_version, keel_nil(), NULL));
    CHECK_STR(keel_upgrade_version(KEEL_MODULE_GEN_SERVER, "upgraded_server"), "2");
    CHECK_TERM(keel_call_or_exit(one, keel_atom(next)), "{new, 12}");
    CHECK_TERM(keel_call_or_exit(two, keel_atom(next)), "{new, 21}");
    keel_pid later = start(30); // started from the old module, runs the new one
    CHECK_TERM(keel_call_or_exit(later, keel_atom(next)), "{new, 31}");
    go_back();
    CHECK_TERM(keel_call_or_exit(one, keel_atom(next)), "{old, 13}");
    CHECK_TERM(keel_call_or_exit(later, keel_atom(next)), "{old, 32}");
    stop_actor(one);
    stop_actor(two);
    stop_actor(later);
}

PROCESS_TEST("when one refuses, all go on as they were")
{
    keel_pid pids[3] = {start(10), start(21), start(30)};
    keel_term why = KEEL_NONE;
    CHECK_INT(
            keel_upgrade_servers(&new_version, keel_atom(even_only), &why), KEEL_E_REFUSED);
    CHECK_TERM(why, "{^Pid, {error, odd}}", pids[1]);
    CHECK_TERM(keel_call_or_exit(pids[0], keel_atom(next)), "{old, 11}");
    CHECK_TERM(keel_call_or_exit(pids[1], keel_atom(next)), "{old, 22}");
    CHECK_TERM(keel_call_or_exit(pids[2], keel_atom(next)), "{old, 31}");
    keel_pid later = start(1);
    CHECK_TERM(keel_call_or_exit(later, keel_atom(next)), "{old, 2}");
    for (int i = 0; i < 3; i++) {
        stop_actor(pids[i]);
    }
    stop_actor(later);
}

PROCESS_TEST("one that is started meanwhile and refuses what is current by then is killed")
{
    keel_pid first = start(10);
    late[0] = late[1] = (keel_pid){0};
    CHECK_OK(keel_upgrade_servers(&new_version, keel_atom(start_late), NULL));
    CHECK_STR(keel_upgrade_version(KEEL_MODULE_GEN_SERVER, "upgraded_server"), "2");
    CHECK_TERM(keel_call_or_exit(first, keel_atom(next)), "{new, 11}");
    CHECK_TERM(keel_call_or_exit(late[1], keel_atom(next)), "{new, 23}");
    CHECK(!keel_process_alive(late[0]));
    go_back();
    stop_actor(first);
    stop_actor(late[1]);
}

PROCESS_TEST("a supervisor restarts what has crashed in the new version")
{
    keel_trap_exit(true);
    keel_child_spec children[] = {
            keel_child(&old_version, keel_int(5), .id = keel_atom(kid))};
    keel_pid tree = new_supervisor(children);
    keel_pid first = KID_OF(tree, kid);
    CHECK_OK(keel_upgrade_servers(&new_version, keel_nil(), NULL));
    keel_term reason = KEEL_NONE;
    CHECK_INT(keel_call(first, keel_atom(crash), &reason), KEEL_E_EXIT);
    keel_pid second = KID_OF(tree, kid); // answered after the restart
    CHECK(!no_pid(second) && !same_pid(first, second));
    CHECK_TERM(keel_call_or_exit(second, keel_atom(next)), "{new, 6}");
    go_back();
    stop_actor(tree);
}

// --- supervisors ---

static keel_term init_two(keel_term argument)
{
    (void)argument;
    keel_child_spec children[] = {
            keel_child(&old_version, keel_int(1), .id = keel_atom(one)),
            keel_child(&old_version, keel_int(2), .id = keel_atom(two))};
    return keel_supervisor_init(children, KEEL_COUNT(children), .intensity = 7);
}

static keel_term init_one(keel_term argument)
{
    (void)argument;
    keel_child_spec children[] = {
            keel_child(&old_version, keel_int(1), .id = keel_atom(one))};
    return keel_supervisor_init(children, KEEL_COUNT(children));
}

static keel_term init_wrong(keel_term argument)
{
    (void)argument;
    return keel_atom(nonsense);
}

static const keel_supervisor tree_one = {.name = "upgraded_tree", .init = init_one};
static const keel_supervisor tree_two = {.name = "upgraded_tree", .init = init_two};
static const keel_supervisor tree_wrong = {.name = "upgraded_tree", .init = init_wrong};

static size_t specs_of(keel_pid tree)
{
    keel_child_counts counts = {0};
    CHECK_OK(keel_supervisor_count_children(tree, &counts));
    return counts.specs;
}

static keel_term init_few(keel_term argument)
{
    (void)argument;
    return keel_dynamic_supervisor_init(.max_children = 1);
}

static keel_term init_many(keel_term argument)
{
    (void)argument;
    return keel_dynamic_supervisor_init(.max_children = 2);
}

static const keel_dynamic_supervisor few = {.name = "upgraded_pool", .init = init_few};
static const keel_dynamic_supervisor many = {.name = "upgraded_pool", .init = init_many};

PROCESS_TEST("dynamic supervisors of a module read their init again, children stay")
{
    keel_trap_exit(true);
    keel_pid pool = actor_started(
            keel_dynamic_supervisor_start_link_module(&few, keel_nil()));
    keel_child_spec child = keel_child(&old_version, keel_int(1));
    keel_started first = keel_dynamic_supervisor_start_child(pool, &child);
    CHECK_OK(first.status);
    CHECK_TERM(keel_dynamic_supervisor_start_child(pool, &child).reason, "max_children");
    CHECK_OK(keel_upgrade_dynamic_supervisors(&many, keel_nil(), NULL));
    CHECK(keel_process_alive(first.pid));
    CHECK_OK(keel_dynamic_supervisor_start_child(pool, &child).status);
    CHECK_TERM(keel_dynamic_supervisor_start_child(pool, &child).reason, "max_children");
    CHECK_OK(keel_upgrade_dynamic_supervisors(&few, keel_nil(), NULL)); // as it was
    stop_actor(pool);
}

PROCESS_TEST("supervisors of a module read their init again, others are left alone")
{
    keel_trap_exit(true);
    keel_child_spec none[1];
    keel_pid tree = actor_started(keel_supervisor_start_link_module(&tree_one, keel_nil()));
    keel_pid other = actor_started(keel_supervisor_start_link(none, 0));
    keel_pid kid_one = KID_OF(tree, one);
    CHECK_INT(specs_of(tree), 1);
    CHECK_OK(keel_upgrade_supervisors(&tree_two, keel_nil(), NULL));
    CHECK_INT(specs_of(tree), 2);
    CHECK_INT(specs_of(other), 0);
    CHECK(same_pid(KID_OF(tree, one), kid_one)); // was not touched
    CHECK_OK(keel_supervisor_restart_child(tree, keel_atom(two)).status);
    keel_term why = KEEL_NONE;
    CHECK_INT(keel_upgrade_supervisors(&tree_wrong, keel_nil(), &why), KEEL_E_REFUSED);
    CHECK_TERM(why, "{_, nonsense}");
    CHECK_INT(specs_of(tree), 2);
    keel_pid later = actor_started(
            keel_supervisor_start_link_module(&tree_one, keel_nil()));
    CHECK_INT(specs_of(later), 2);
    CHECK_OK(keel_upgrade_supervisors(&tree_one, keel_nil(), NULL));
    stop_actor(later);
    stop_actor(other);
    stop_actor(tree);
}

// --- under traffic ---

enum { CALLERS = 4, CALLS = 300 };

// Calls again and again; every answer must be one more than the last one. Tells which
// versions answered.
static void call_often(keel_term pair)
{
    keel_term server = keel_element(pair, 0);
    bool saw_old = false;
    bool saw_new = false;
    for (int i = 1; i <= CALLS; i++) {
        keel_scope scope = keel_scope_open();
        keel_term answer = keel_call_or_exit(server, keel_atom(next));
        int value = 0;
        CHECK(keel_match(answer, "{_, Value}", &value));
        CHECK_INT(value, i); // none was lost, none was made twice
        saw_new |= keel_is(keel_element(answer, 0), new);
        saw_old |= keel_is(keel_element(answer, 0), old);
        keel_scope_close(&scope);
        keel_yield();
    }
    keel_send(keel_to_pid(keel_element(pair, 1)),
            keel_make("{done, Old, New}", keel_bool(saw_old), keel_bool(saw_new)));
}

PROCESS_TEST("no call is lost while versions change under traffic")
{
    keel_pid servers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        servers[i] = start(0);
        keel_spawn(call_often,
                keel_tuple_of(keel_from_pid(servers[i]), keel_from_pid(keel_self())));
    }
    for (int i = 0; i < 10; i++) {
        CHECK_OK(keel_upgrade_servers(
                i % 2 == 0 ? &new_version : &old_version, keel_nil(), NULL));
        keel_yield();
    }
    for (int i = 0; i < CALLERS; i++) {
        EXPECT_MESSAGE("{done, _, _}");
    }
    for (int i = 0; i < CALLERS; i++) {
        stop_actor(servers[i]);
    }
}

PROCESS_TEST("what is no version is refused")
{
    static const keel_gen_server nameless = {.version = "1"};
    CHECK_INT(keel_upgrade_servers(NULL, keel_nil(), NULL), KEEL_E_BADARG);
    CHECK_INT(keel_upgrade_servers(&nameless, keel_nil(), NULL), KEEL_E_BADARG);
    CHECK_INT(keel_upgrade_statems(NULL, keel_nil(), NULL), KEEL_E_BADARG);
    CHECK_INT(keel_upgrade_supervisors(NULL, keel_nil(), NULL), KEEL_E_BADARG);
    CHECK(keel_upgrade_version(KEEL_MODULE_GEN_SERVER, "never heard of") == NULL);
}
