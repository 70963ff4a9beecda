// Machines, supervisors and dynamic supervisors from shared objects, upgraded and
// downgraded while others ask them. (For a gen_server see upgrade_load_test.c.)

#include "upgrade_testing.h"

enum { ROUNDS = 2 };

static keel_status upgrade(const char *name, int version, keel_term *ret_why)
{
    return keel_upgrade_file(upgrade_object(name, version), keel_atom(please), ret_why);
}

// Has `body` ask `whom` until it is told to stop, in a process of its own; awaited by
// end_traffic.
static keel_pid begin_traffic(keel_body body, keel_pid whom)
{
    return keel_spawn(body, keel_tuple_of(keel_from_pid(whom), keel_from_pid(keel_self())));
}

static bool goes_on(void)
{
    keel_yield();
    return keel_receive_match(KEEL_AT_ONCE, "stop") != KEEL_OK;
}

static void end_traffic(keel_pid pid)
{
    keel_send(pid, keel_atom(stop));
    EXPECT_MESSAGE("{done, ^Pid}", pid);
}

static void tell_end(keel_term pair)
{
    keel_send(keel_to_pid(keel_element(pair, 1)), keel_make("{done, Pid}", keel_self()));
}

// --- a state machine ---

// The value grows by the step of the version that answers, which is its number; the label
// was made at the start.
static void count_calls(keel_term pair)
{
    int last = 0;
    do {
        keel_scope scope = keel_scope_open();
        int version;
        int value;
        keel_term state = KEEL_NONE;
        keel_term answer = keel_gen_statem_call_or_exit(
                keel_element(pair, 0), keel_atom(next));
        CHECK(keel_match(
                answer, "{Version, Value, {label, 0}, State}", &version, &value, &state));
        CHECK_INT(value, last + version);
        CHECK(version == 1 ? keel_is(state, busy) : keel_match(state, "{busy, 2}"));
        last = value;
        keel_scope_close(&scope);
    } while (goes_on());
    tell_end(pair);
}

static keel_term state_of(keel_pid machine)
{
    keel_term state = KEEL_NONE;
    CHECK_OK(keel_sys_get_state(machine, &state));
    return keel_element(state, 0);
}

THREADS_TEST("a loaded machine is upgraded and downgraded under traffic, and loses no call")
{
    const keel_gen_statem *first = upgrade_load(
            "upgrade-machine", 1, KEEL_MODULE_GEN_STATEM);
    keel_pid machine = actor_started(keel_gen_statem_start(first, keel_int(0)));
    keel_pid caller = begin_traffic(count_calls, machine);
    keel_term why = KEEL_NONE;
    for (int round = 0; round < ROUNDS; round++) {
        CHECK_OK(upgrade("upgrade-machine", 2, NULL));
        CHECK_STR(keel_upgrade_version(KEEL_MODULE_GEN_STATEM, "upgrade_machine"), "2");
        CHECK_INT(upgrade("upgrade-machine", 3, &why), KEEL_E_REFUSED);
        CHECK_TERM(why, "{^Machine, {error, {refused, please}}}", machine);
        CHECK_TERM(state_of(machine), "{_, 2}");
        CHECK_OK(upgrade("upgrade-machine", 1, NULL));
        CHECK(keel_is_atom(state_of(machine)));
    }
    end_traffic(caller);
    stop_actor(machine);
}

THREADS_TEST("calls that a machine has postponed are answered by the version after")
{
    const keel_gen_statem *first = upgrade_load(
            "upgrade-machine", 1, KEEL_MODULE_GEN_STATEM);
    keel_pid machine = actor_started(keel_gen_statem_start(first, keel_int(0)));
    keel_term why = KEEL_NONE;
    keel_term answer = KEEL_NONE;
    keel_cast(machine, keel_atom(lock));
    keel_request requests[2];
    for (int i = 0; i < 2; i++) {
        requests[i] = keel_send_request(machine, keel_atom(next));
    }
    CHECK_INT(upgrade("upgrade-machine", 3, &why), KEEL_E_REFUSED);
    CHECK_OK(upgrade("upgrade-machine", 2, NULL));
    keel_cast(machine, keel_atom(idle));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(keel_receive_response(requests[i], SOON, &answer));
        CHECK_TERM(answer, "{2, ^Value, {label, 0}, {busy, 2}}", 2 * i + 2);
    }
    CHECK_OK(upgrade("upgrade-machine", 1, NULL));
    stop_actor(machine);
}

// --- a supervisor ---

// Ends the child and waits for the next one, which the version that restarts it knows best.
static void crash_kid(keel_pid tree, keel_term id)
{
    keel_pid before = kid(tree, id);
    CHECK(!no_pid(before));
    keel_process_exit(before, keel_atom(kill));
    end_of(before);
    while (same_pid(kid(tree, id), before) || no_pid(kid(tree, id))) {
        keel_yield();
    }
    keel_term answer = keel_call_or_exit(kid(tree, id), keel_atom(version));
    CHECK_TERM(answer, "{_, ^Id}", id);
}

// b is in both versions; what is added by hand stays in any.
static void ask_tree(keel_term pair)
{
    keel_pid tree = keel_to_pid(keel_element(pair, 0));
    keel_child_spec own = keel_child(&bare_server, keel_nil(), .id = keel_atom(own));
    do {
        keel_scope scope = keel_scope_open();
        crash_kid(tree, keel_atom(b));
        CHECK_OK(keel_supervisor_start_child(tree, &own).status);
        CHECK(!no_pid(KID_OF(tree, own)));
        CHECK_OK(keel_supervisor_terminate_child(tree, keel_atom(own), NULL));
        CHECK_OK(keel_supervisor_delete_child(tree, keel_atom(own), NULL));
        keel_scope_close(&scope);
    } while (goes_on());
    tell_end(pair);
}

static size_t specs_of(keel_pid tree)
{
    keel_child_counts counts = {0};
    CHECK_OK(keel_supervisor_count_children(tree, &counts));
    return counts.specs;
}

THREADS_TEST("a loaded supervisor is upgraded and downgraded under traffic")
{
    const keel_supervisor *first = upgrade_load("upgrade-tree", 1, KEEL_MODULE_SUPERVISOR);
    keel_trap_exit(true);
    keel_pid tree = actor_started(keel_supervisor_start_link_module(first, keel_nil()));
    keel_pid asker = begin_traffic(ask_tree, tree);
    keel_pid kid_a = KID_OF(tree, a);
    keel_term why = KEEL_NONE;
    for (int round = 0; round < ROUNDS; round++) {
        CHECK_OK(upgrade("upgrade-tree", 2, NULL));
        CHECK(same_pid(KID_OF(tree, a), kid_a)); // its specification went; it runs on
        CHECK_INT(upgrade("upgrade-tree", 3, &why), KEEL_E_REFUSED);
        CHECK_TERM(why, "{^Tree, nonsense}", tree);
        CHECK_OK(upgrade("upgrade-tree", 1, NULL));
        CHECK(same_pid(KID_OF(tree, a), kid_a));
    }
    end_traffic(asker);
    CHECK_INT(specs_of(tree), 3); // a, b; c was never started
    CHECK(no_pid(KID_OF(tree, c)));
    stop_actor(tree);
}

THREADS_TEST("a child is started anew as the version after the upgrade says")
{
    const keel_supervisor *first = upgrade_load("upgrade-tree", 1, KEEL_MODULE_SUPERVISOR);
    keel_trap_exit(true);
    keel_pid tree = actor_started(keel_supervisor_start_link_module(first, keel_nil()));
    keel_term ask = keel_atom(version);
    CHECK_OK(upgrade("upgrade-tree", 2, NULL));
    CHECK_TERM(keel_call_or_exit(KID_OF(tree, b), ask), "{1, b}"); // not touched
    crash_kid(tree, keel_atom(a));
    crash_kid(tree, keel_atom(b));
    CHECK_TERM(keel_call_or_exit(KID_OF(tree, a), ask), "{1, a}"); // of no later version
    CHECK_TERM(keel_call_or_exit(KID_OF(tree, b), ask), "{2, b}");
    CHECK_OK(keel_supervisor_restart_child(tree, keel_atom(c)).status);
    CHECK_TERM(keel_call_or_exit(KID_OF(tree, c), ask), "{2, c}");
    CHECK_OK(upgrade("upgrade-tree", 1, NULL));
    stop_actor(tree);
}

// --- a dynamic supervisor ---

// There is always room for one more than the two that the test keeps, or a refusal.
static void fill_pool(keel_term pair)
{
    keel_pid pool = keel_to_pid(keel_element(pair, 0));
    keel_child_spec own = keel_child(&bare_server, keel_nil(), .restart = KEEL_TEMPORARY);
    do {
        keel_scope scope = keel_scope_open();
        keel_started started = keel_dynamic_supervisor_start_child(pool, &own);
        if (started.status == KEEL_OK) {
            CHECK_OK(keel_dynamic_supervisor_terminate_child(pool, started.pid, NULL));
        } else {
            CHECK_INT(started.status, KEEL_E_REFUSED);
            CHECK_TERM(started.reason, "max_children");
        }
        keel_scope_close(&scope);
    } while (goes_on());
    tell_end(pair);
}

static keel_started add(keel_pid pool)
{
    keel_child_spec kid = keel_child(&bare_server, keel_nil());
    return keel_dynamic_supervisor_start_child(pool, &kid);
}

THREADS_TEST("a loaded dynamic supervisor is upgraded and downgraded under traffic")
{
    const keel_dynamic_supervisor *first = upgrade_load(
            "upgrade-pool", 1, KEEL_MODULE_DYNAMIC_SUPERVISOR);
    keel_trap_exit(true);
    keel_child_spec none[1];
    keel_pid other = actor_started(keel_supervisor_start_link(none, 0));
    keel_pid pool = actor_started(
            keel_dynamic_supervisor_start_link_module(first, keel_nil()));
    keel_pid kids[2] = {actor_started(add(pool)), actor_started(add(pool))};
    keel_pid asker = begin_traffic(fill_pool, pool);
    keel_term why = KEEL_NONE;
    for (int round = 0; round < ROUNDS; round++) {
        CHECK_OK(upgrade("upgrade-pool", 2, NULL));
        keel_pid third = actor_started(add(pool)); // beside the asker's there is room
        CHECK_INT(upgrade("upgrade-pool", 3, &why), KEEL_E_REFUSED);
        CHECK_TERM(why, "{^Pool, {error, {supervisor_data, {invalid_max_children, many}}}}",
                pool);
        CHECK_OK(upgrade("upgrade-pool", 1, NULL));
        CHECK_TERM(add(pool).reason, "max_children");
        CHECK_OK(keel_dynamic_supervisor_terminate_child(pool, third, NULL));
        CHECK(keel_process_alive(kids[0]) && keel_process_alive(kids[1]));
    }
    keel_pid later = actor_started(
            keel_dynamic_supervisor_start_link_module(first, keel_nil()));
    CHECK_OK(upgrade("upgrade-pool", 2, NULL)); // both
    end_traffic(asker);
    for (int i = 0; i < 4; i++) {
        actor_started(add(later));
    }
    CHECK_TERM(add(later).reason, "max_children");
    CHECK_OK(upgrade("upgrade-pool", 1, NULL));
    stop_actor(later);
    stop_actor(pool);
    stop_actor(other);
}
