// Names that others keep.

#include "otp_testing.h"
#include "via.h"

// A keeper of one name at a time, `key`, as a process would be one; a lock is not needed
// in a test that uses it from one process after the other.
static uint64_t kept_key;
static uint64_t kept_pid;
static int unregistered;
static bool refuses;

static keel_pid keeper_whereis(keel_term key)
{
    keel_pid pid = {__atomic_load_n(&kept_pid, __ATOMIC_SEQ_CST)};
    bool here = __atomic_load_n(&kept_key, __ATOMIC_SEQ_CST) == keel_hash(key) &&
                pid.word != 0 && keel_process_alive(pid);
    return here ? pid : (keel_pid){0};
}

static bool keeper_register(keel_term key, keel_pid pid)
{
    if (refuses || keeper_whereis(key).word != 0) {
        return false;
    }
    __atomic_store_n(&kept_key, keel_hash(key), __ATOMIC_SEQ_CST);
    __atomic_store_n(&kept_pid, pid.word, __ATOMIC_SEQ_CST);
    return true;
}

static void keeper_unregister(keel_term key)
{
    if (__atomic_load_n(&kept_key, __ATOMIC_SEQ_CST) == keel_hash(key)) {
        __atomic_store_n(&kept_pid, 0, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&unregistered, 1, __ATOMIC_SEQ_CST);
    }
}

static const keel_via_ops keeper = {.whereis = keeper_whereis,
        .register_name = keeper_register,
        .unregister_name = keeper_unregister};

static keel_status refuse_to_send(keel_term key, keel_term message)
{
    keel_send(keel_self(), keel_tuple_of(keel_atom(sent), key, message));
    return KEEL_E_OVERLOAD;
}

static const keel_via_ops sender = {.whereis = keeper_whereis,
        .register_name = keeper_register,
        .unregister_name = keeper_unregister,
        .send = refuse_to_send};

static void begin(void)
{
    kept_key = kept_pid = 0;
    unregistered = 0;
    refuses = false;
    CHECK_OK(keel_via_register(keel_atom(keeper), &keeper));
    CHECK_OK(keel_via_register(keel_atom(global), &keeper));
}

static keel_term names(void)
{
    return keel_make("[{via, keeper, {shop, 1}}, {global, {shop, 2}}]");
}

PROCESS_TEST("a server is reached under a via and a global name", .ids = "GS-025 GS-155")
{
    begin();
    keel_term left = names();
    keel_term name;
    while (keel_list_next(&left, &name)) {
        keel_pid pid = actor_started(
                keel_gen_server_start(&actor_server, ACTOR(), .name = name));
        CHECK_OK(keel_cast(name, ACT(play_push, keel_int(1))));
        CHECK_TERM(keel_call_or_exit(name, ACT(play_get, KEEL_NONE)), "[1]");
        keel_term state;
        CHECK_OK(keel_sys_get_state(name, &state));
        CHECK_TERM(state, "[1]");
        CHECK_OK(keel_server_send(name, ACT(play_push, keel_int(2))));
        CHECK_TERM(keel_call_or_exit(name, ACT(play_get, KEEL_NONE)), "[2, 1]");
        CHECK(same_pid(keel_to_pid(keel_server_whereis(name)), pid));
        CHECK_OK(keel_gen_server_stop(name, keel_atom(normal), SOON));
        CHECK(!keel_process_alive(pid));
        CHECK(keel_is_none(keel_server_whereis(name)));
    }
}

PROCESS_TEST("a via name that is taken gives its holder, and init is not run",
        .ids = "GS-026 GS-034")
{
    begin();
    keel_term left = names();
    keel_term name;
    while (keel_list_next(&left, &name)) {
        keel_pid pid = actor_started(
                keel_gen_server_start(&actor_server, ACTOR(), .name = name));
        keel_start_opts opts = {.argument = ACTOR(.probed = true), .name = name};
        keel_started again = keel_gen_server_start_opt(&actor_server, &opts);
        CHECK_INT(again.status, KEEL_E_TAKEN);
        CHECK_TERM(keel_started_to_term(again), "{error, {already_started, ^Pid}}", pid);
        again = keel_gen_server_start_link_opt(&actor_server, &opts);
        CHECK_TERM(keel_started_to_term(again), "{error, {already_started, ^Pid}}", pid);
        EXPECT_NO_MESSAGE();
        CHECK_OK(keel_gen_server_stop(name, keel_atom(normal), SOON));
    }
}

PROCESS_TEST(
        "a keeper that says no makes the start fail with whom it knows", .ids = "GS-034")
{
    begin();
    refuses = true;
    keel_started started = keel_gen_server_start(
            &actor_server, ACTOR(.probed = true), .name = keel_make("{via, keeper, x}"));
    CHECK_INT(started.status, KEEL_E_EXIT);
    CHECK_TERM(keel_started_to_term(started), "{error, {already_started, _}}");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a failed start gives a via name back", .ids = "PL-023")
{
    begin();
    actor_act acts[] = {play_fail, play_stop, play_error, play_exit_with, play_bad};
    for (size_t i = 0; i < KEEL_COUNT(acts); i++) {
        keel_started started = keel_gen_server_start(&actor_server,
                ACTOR(.init = acts[i], .argument = keel_atom(odd)),
                .name = keel_make("{via, keeper, x}"));
        CHECK_INT(started.status, KEEL_E_EXIT);
        CHECK_INT(unregistered, i + 1);
    }
}

PROCESS_TEST("whereis knows every kind of name", .ids = "GS-033")
{
    begin();
    keel_pid self = keel_self();
    keel_term own = keel_from_pid(self);
    CHECK_EQUAL(keel_server_whereis(self), own);
    CHECK(keel_is_none(keel_server_whereis("nobody_here")));
    CHECK(keel_is_none(keel_server_whereis(keel_make("{global, nobody}"))));
    CHECK(keel_is_none(keel_server_whereis(keel_make("{via, keeper, nobody}"))));
    CHECK(keel_is_none(keel_server_whereis(keel_int(1))));
    CHECK_OK(keel_register(keel_atom(known), self));
    CHECK_EQUAL(keel_server_whereis("known"), own);
    CHECK_EQUAL(
            keel_server_whereis(keel_tuple_of(keel_atom(known), keel_node_self())), own);
    keel_term there = keel_make("{known, 'far@away'}");
    CHECK_EQUAL(keel_server_whereis(there), there);
    CHECK(keeper_register(keel_atom(key), self));
    CHECK_EQUAL(keel_server_whereis(keel_make("{via, keeper, key}")), own);
}

PROCESS_TEST("a keeper may send in its own way")
{
    begin();
    CHECK_OK(keel_via_register(keel_atom(keeper), &sender));
    CHECK_INT(
            keel_server_send(keel_make("{via, keeper, k}"), keel_atom(m)), KEEL_E_OVERLOAD);
    EXPECT_NEXT("{sent, k, m}");
    CHECK_INT(keel_server_send(keel_make("{global, k}"), keel_atom(m)), KEEL_E_BADARG);
    CHECK_INT(keel_server_send(keel_int(1), keel_atom(m)), KEEL_E_BADARG);
}

PROCESS_TEST("a supervisor under a global name takes it again when it is restarted",
        .ids = "SU-154 SU-020")
{
    begin();
    keel_trap_exit(true);
    keel_child_spec inner = keel_child_supervisor(&test_supervisor,
            keel_make("{ok, {#{}, []}}"), .name = keel_make("{global, boss}"));
    keel_pid outer = actor_started(keel_supervisor_start_link(&inner, 1));
    keel_term name = keel_make("{global, boss}");
    keel_pid first = keel_to_pid(keel_server_whereis(name));
    CHECK(same_pid(first, KID_OF(outer, test_supervisor)));
    keel_started again = keel_supervisor_start_link(NULL, 0, .name = name);
    CHECK_TERM(keel_started_to_term(again), "{error, {already_started, ^Pid}}", first);
    CHECK_OK(keel_gen_server_stop(name, keel_atom(odd), SOON));
    keel_pid second = KID_OF(outer, test_supervisor);
    CHECK(!no_pid(second) && !same_pid(first, second));
    CHECK(same_pid(keel_to_pid(keel_server_whereis(name)), second));
    CHECK_TERM(children_of(second), "[]");
    stop_actor(outer);
}

TEST("only an atom with all functions keeps names")
{
    keel_via_ops incomplete = keeper;
    CHECK_INT(keel_via_register(keel_int(1), &keeper), KEEL_E_BADARG);
    incomplete.whereis = NULL;
    CHECK_INT(keel_via_register(keel_atom(keeper), &incomplete), KEEL_E_BADARG);
    incomplete = keeper;
    incomplete.unregister_name = NULL;
    CHECK_INT(keel_via_register(keel_atom(keeper), &incomplete), KEEL_E_BADARG);
    CHECK_OK(keel_via_register(keel_atom(some_keeper), &keeper));
    CHECK(kl_via_ops_of(keel_atom(some_keeper)) == &keeper);
    CHECK_OK(keel_via_register(keel_atom(some_keeper), NULL));
    CHECK(kl_via_ops_of(keel_atom(some_keeper)) == NULL);
}
