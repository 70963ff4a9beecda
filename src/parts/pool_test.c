// Pools of connections.

#include "proc/proc_testing.h"
#include <keel/parts/pool.h>
#include <stdlib.h>

// A connection that knows what may not happen to it. What is counted, is counted
// atomically: closing happens on any thread.
struct wire {
    int users;
    bool closed, broken, dirty;
};
static int open_wires, closed_wires, checks, resets, open_failures;
static int64_t open_takes;

static void count(int *counter, int by)
{
    __atomic_fetch_add(counter, by, __ATOMIC_SEQ_CST);
}

static int read_count(int *counter)
{
    return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static void *open_wire(keel_term argument, keel_term *ret_reason)
{
    (void)argument;
    if (open_takes > 0) {
        keel_sleep((keel_duration)(keel_random() % (uint64_t)open_takes));
    }
    if (read_count(&open_failures) > 0) {
        count(&open_failures, -1);
        *ret_reason = keel_atom(econnrefused);
        return NULL;
    }
    count(&open_wires, 1);
    return calloc(1, sizeof(struct wire));
}

static void close_wire(void *connection)
{
    struct wire *wire = connection;
    if (wire->closed) {
        kl_test_fail(__FILE__, __LINE__, "closed twice");
    }
    wire->closed = true;
    count(&open_wires, -1);
    count(&closed_wires, 1);
    free(wire);
}

static bool check_wire(void *connection)
{
    count(&checks, 1);
    return !((struct wire *)connection)->broken;
}

static bool reset_wire(void *connection)
{
    struct wire *wire = connection;
    count(&resets, 1);
    keel_yield();
    wire->users = 0;
    wire->dirty = false;
    return !wire->broken;
}

static const keel_pool_kind plain = {
        .name = "plain", .open = open_wire, .close = close_wire};
static const keel_pool_kind careful = {.name = "careful",
        .open = open_wire,
        .close = close_wire,
        .check = check_wire,
        .reset = reset_wire};

static keel_pid start(const keel_pool_kind *kind, keel_pool_opts opts)
{
    open_wires = closed_wires = checks = resets = open_failures = 0;
    open_takes = 0;
    keel_trap_exit(true);
    opts.kind = kind;
    opts.name = keel_atom(wires);
    return keel_started_or_exit(keel_pool_start_link_opt(&opts));
}

static void await_wires(int open)
{
    keel_deadline late = SOON;
    while (read_count(&open_wires) != open && !keel_deadline_passed(late)) {
        keel_sleep(KEEL_MS(1));
    }
    CHECK_INT(read_count(&open_wires), open);
}

static void stop(keel_pid pool)
{
    CHECK_OK(keel_gen_server_stop(pool, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Pool, normal}", pool);
    await_wires(0);
}

static int64_t figure(const char *name)
{
    keel_term key;
    CHECK_OK(keel_atom_from(name, __builtin_strlen(name), &key));
    return keel_to_int(keel_map_get(keel_pool_stats("wires"), key));
}

static void await_figure(const char *name, int64_t value)
{
    keel_deadline late = SOON;
    int64_t now = figure(name);
    while (now != value && !keel_deadline_passed(late)) {
        keel_sleep(KEEL_MS(1));
        now = figure(name);
    }
    CHECK_INT(now, value);
}

static keel_lease take(void)
{
    keel_lease lease;
    CHECK_OK(keel_pool_checkout("wires", SOON, &lease));
    CHECK(lease.connection != NULL);
    return lease;
}

PROCESS_TEST("connections are lent, given back, lent again")
{
    keel_pid pool = start(&plain, (keel_pool_opts){.size = 2});
    keel_lease first = take(), second = take();
    CHECK(first.connection != second.connection);
    void *again = first.connection;
    keel_lease third;
    CHECK_INT(keel_pool_checkout("wires", KEEL_IN(KEEL_MS(5)), &third), KEEL_E_TIMEOUT);
    keel_pool_checkin(&first);
    keel_lease twice = first;
    keel_pool_checkin(&twice); // nothing to give back
    third = take();
    CHECK(third.connection == again);
    keel_pool_checkin(&third);
    keel_pool_checkin(&second);
    CHECK_TERM(keel_pool_stats("wires"),
            "#{kind := pool, resource := <<\"plain\">>, size := 2, open := 2, idle := 2, "
            "lent := "
            "0,"
            " waiting := 0, checkouts := 3, timeouts := 1, opened := 2, closed := 0}");
    stop(pool);
    CHECK_INT(keel_pool_checkout("wires", SOON, &third), KEEL_E_NOPROC);
    CHECK(keel_is_none(keel_pool_stats("wires")));
}

static keel_status use(void *connection, void *context)
{
    *(void **)context = connection;
    return connection != NULL ? KEEL_E_IGNORED : KEEL_OK;
}

static keel_status leave(void *connection, void *context)
{
    (void)connection;
    (void)context;
    keel_exit(keel_atom(shutdown));
}

static void leave_with(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_pool_with("wires", leave, NULL));
}

PROCESS_TEST("a function gets a connection, and its exit discards it")
{
    keel_pid pool = start(&plain, (keel_pool_opts){.size = 1});
    void *used = NULL;
    CHECK_INT(keel_pool_with("wires", use, &used), KEEL_E_IGNORED);
    CHECK(used != NULL);
    CHECK_INT(figure("idle"), 1);
    keel_ref monitor;
    keel_spawn_monitor(leave_with, keel_nil(), &monitor);
    CHECK_TERM(await_down(monitor), "shutdown");
    await_figure("opened", 2);
    CHECK_INT(figure("closed"), 1);
    CHECK_INT(keel_pool_with("wires", use, &used), KEEL_E_IGNORED);
    stop(pool);
}

PROCESS_TEST("what is given back broken is closed and replaced")
{
    keel_pid pool = start(&plain, (keel_pool_opts){.size = 1});
    for (int i = 0; i < 5; i++) {
        keel_lease lease = take();
        keel_pool_discard(&lease);
    }
    await_figure("idle", 1);
    CHECK_INT(figure("closed"), 5);
    await_wires(1);
    stop(pool);
    CHECK_INT(closed_wires, 6);
}

static void take_and_wait(keel_term owner)
{
    keel_lease lease = take();
    keel_send(owner, keel_pointer(lease.connection));
    keel_receive();
    keel_pool_checkin(&lease);
}

PROCESS_TEST("a borrower that ends gives back what it had, reset or replaced")
{
    const keel_pool_kind *kinds[] = {&plain, &careful};
    for (size_t i = 0; i < KEEL_COUNT(kinds); i++) {
        keel_pid pool = start(kinds[i], (keel_pool_opts){.size = 1});
        keel_pid borrower = keel_spawn(take_and_wait, keel_from_pid(keel_self()));
        void *lent = keel_to_pointer(keel_receive(), NULL);
        end_process(borrower);
        keel_lease lease = take();
        CHECK_INT(lease.connection == lent || i == 0, 1);
        CHECK_INT(read_count(&resets), i);
        CHECK_INT(figure("reclaimed"), 1);
        CHECK_INT(figure("opened"), 2 - (int64_t)i);
        keel_pool_checkin(&lease);
        stop(pool);
    }
}

PROCESS_TEST("a lent connection outlives its pool until it is given back")
{
    keel_pid pool = start(&plain, (keel_pool_opts){.size = 3});
    keel_lease lease = take();
    keel_pid borrower = keel_spawn(take_and_wait, keel_from_pid(keel_self()));
    keel_ref monitor = keel_monitor(borrower);
    keel_to_pointer(keel_receive(), NULL);
    keel_process_exit(pool, keel_atom(kill));
    EXPECT_MESSAGE("{'EXIT', ^Pool, killed}", pool);
    await_wires(2);
    ((struct wire *)lease.connection)->users = 1; // still there
    keel_pool_checkin(&lease);
    await_wires(1);
    keel_send(borrower, keel_atom(go));
    CHECK_TERM(await_down(monitor), "normal");
    await_wires(0);
}

SIMULATED_TEST("more are opened while all are lent, and closed when they come back")
{
    keel_pid pool = start(&plain, (keel_pool_opts){.size = 1, .overflow = 2, .lazy = true});
    keel_sleep(KEEL_SECONDS(1));
    CHECK_INT(open_wires, 0);
    keel_lease lease[3];
    for (int i = 0; i < 3; i++) {
        lease[i] = take();
        CHECK_INT(open_wires, i + 1);
    }
    keel_lease none;
    CHECK_INT(keel_pool_checkout("wires", KEEL_IN(KEEL_MS(1)), &none), KEEL_E_TIMEOUT);
    for (int i = 0; i < 3; i++) {
        keel_pool_checkin(&lease[i]);
    }
    keel_sleep(KEEL_MS(1));
    CHECK_INT(open_wires, 1);
    stop(pool);
}

SIMULATED_TEST(
        "who waits is served in order, no longer than it likes, and not beyond the queue")
{
    keel_pid pool = start(&plain, (keel_pool_opts){.size = 1, .queue_limit = 2});
    keel_lease mine = take();
    keel_pid first = keel_spawn(take_and_wait, keel_from_pid(keel_self()));
    keel_sleep(KEEL_MS(1));
    keel_pid second = keel_spawn(take_and_wait, keel_from_pid(keel_self()));
    keel_sleep(KEEL_MS(1));
    keel_lease none;
    CHECK_INT(keel_pool_checkout("wires", SOON, &none), KEEL_E_OVERLOAD);
    CHECK_TERM(keel_pool_stats("wires"), "#{waiting := 2, refused := 1}");
    end_process(first);
    keel_sleep(KEEL_MS(1));
    CHECK_INT(figure("waiting"), 1);
    keel_pid third = keel_spawn(take_and_wait, keel_from_pid(keel_self()));
    keel_sleep(KEEL_MS(1));
    keel_pool_checkin(&mine);
    keel_receive();
    CHECK(no_pid(second) || keel_process_alive(second));
    keel_send(second, keel_atom(go));
    keel_receive();
    keel_send(third, keel_atom(go));
    keel_sleep(KEEL_MS(1));
    CHECK_TERM(keel_pool_stats("wires"), "#{idle := 1, checkouts := 3, opened := 1}");
    stop(pool);
}

SIMULATED_TEST("opening that fails is tried again, later and later")
{
    const keel_backoff backoff = {
            .first = KEEL_SECONDS(1), .most = KEEL_SECONDS(8), .exact = true};
    keel_pid pool = start(
            &plain, (keel_pool_opts){.size = 2, .lazy = true, .backoff = backoff});
    open_failures = 5;
    int64_t begin = keel_deadline_in(0).at;
    keel_lease lease;
    CHECK_INT(keel_pool_checkout("wires", KEEL_IN(KEEL_MS(100)), &lease), KEEL_E_TIMEOUT);
    CHECK_INT(figure("failed"), 1);
    CHECK_OK(keel_pool_checkout("wires", KEEL_IN(KEEL_SECONDS(30)), &lease));
    CHECK_INT((keel_deadline_in(0).at - begin) / KEEL_SECONDS(1), 1 + 2 + 4 + 8 + 8);
    CHECK_INT(open_failures, 0);
    keel_pool_checkin(&lease);
    CHECK_TERM(keel_pool_stats("wires"), "#{failed := 5, open := 1, opened := 1}");
    stop(pool);
}

SIMULATED_TEST("idle connections are checked, broken ones replaced")
{
    keel_pid pool = start(
            &careful, (keel_pool_opts){.size = 3, .check_every = KEEL_SECONDS(10)});
    keel_sleep(KEEL_SECONDS(5));
    keel_lease lease = take();
    ((struct wire *)lease.connection)->broken = true;
    keel_pool_checkin(&lease);
    keel_sleep(KEEL_SECONDS(6));
    CHECK_INT(checks, 2);
    keel_sleep(KEEL_SECONDS(5));
    CHECK_INT(checks, 3);
    CHECK_TERM(keel_pool_stats("wires"), "#{closed := 1, opened := 4, idle := 3}");
    stop(pool);
}

// --- load ---

static int lent_twice;

static keel_status use_alone(void *connection, void *context)
{
    (void)context;
    struct wire *wire = connection;
    count(&lent_twice, __atomic_fetch_add(&wire->users, 1, __ATOMIC_SEQ_CST) != 0);
    keel_yield();
    __atomic_fetch_sub(&wire->users, 1, __ATOMIC_SEQ_CST);
    return KEEL_OK;
}

static void borrow_once(keel_term owner)
{
    keel_status status = keel_pool_with_within(
            "wires", KEEL_IN(KEEL_MINUTES(1)), use_alone, NULL);
    keel_send(owner, keel_int(status));
}

THREADS_TEST("ten thousand borrowers share ten connections")
{
    enum { BORROWERS = 10000 };
    lent_twice = 0;
    keel_pid pool = start(&plain, (keel_pool_opts){.size = 10});
    for (int i = 0; i < BORROWERS; i++) {
        keel_spawn(borrow_once, keel_from_pid(keel_self()));
    }
    for (int i = 0; i < BORROWERS; i++) {
        keel_scope scope = keel_scope_open();
        EXPECT_NEXT("0");
        keel_scope_close(&scope);
    }
    CHECK_INT(lent_twice, 0);
    await_figure("idle", 10);
    CHECK_TERM(
            keel_pool_stats("wires"), "#{checkouts := 10000, opened := 10, closed := 0}");
    stop(pool);
}

// --- death ---

static void borrow_at_random(keel_term unused)
{
    (void)unused;
    for (int i = 0; i < 8; i++) {
        keel_lease lease;
        keel_deadline deadline = KEEL_IN(KEEL_MS(keel_random() % 40));
        if (keel_pool_checkout("wires", deadline, &lease) != KEEL_OK) {
            keel_sleep(KEEL_MS(keel_random() % 10));
            continue;
        }
        struct wire *wire = lease.connection;
        CHECK(!wire->closed && !wire->dirty);
        CHECK_INT(wire->users++, 0);
        wire->dirty = true;
        keel_sleep(KEEL_MS(keel_random() % 15));
        CHECK_INT(wire->users--, 1);
        wire->dirty = false;
        wire->broken = keel_random() % 10 == 0;
        if (keel_random() % 4 == 0) {
            keel_pool_discard(&lease);
        } else {
            keel_pool_checkin(&lease);
        }
    }
}

// Kills any process but the caller and the supervisor: pool, borrowers, errands.
static void kill_somebody(keel_term spared)
{
    keel_term list = keel_process_list(), item;
    size_t length;
    CHECK(keel_list_length(list, &length));
    size_t chosen = keel_random() % length;
    for (size_t i = 0; keel_list_next(&list, &item); i++) {
        if (i == chosen && !keel_list_member(item, spared)) {
            keel_process_exit(keel_to_pid(item), keel_atom(kill));
        }
    }
}

SIMULATED_TEST("whoever is killed, no connection is lost, lent twice or used when closed")
{
    keel_trap_exit(true);
    open_wires = closed_wires = open_failures = 0;
    open_takes = KEEL_MS(5);
    const keel_pool_kind *kind = keel_random() % 2 == 0 ? &plain : &careful;
    keel_term before = keel_process_list();
    keel_child_spec children[] = {keel_pool_child(kind, .name = keel_atom(wires), .size = 3,
            .overflow = 2, .check_every = KEEL_MS(20))};
    keel_pid tree = keel_started_or_exit(
            keel_supervisor_start_link(children, 1, .intensity = 1000));
    keel_term spared = keel_cons(keel_from_pid(tree), before);
    for (int i = 0; i < 20; i++) {
        keel_spawn(borrow_at_random, keel_nil());
    }
    for (int i = 0; i < 40; i++) {
        keel_sleep(KEEL_US(keel_random() % 6000));
        kill_somebody(spared);
        open_failures = keel_random() % 6 == 0 ? 2 : 0;
    }
    open_failures = 0;
    keel_sleep(KEEL_SECONDS(10));
    await_figure("idle", 3); // one may be checked just now
    CHECK_TERM(keel_pool_stats("wires"), "#{lent := 0, waiting := 0}");
    CHECK_INT(open_wires, 3);
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
    keel_sleep(KEEL_MS(100));
    CHECK_INT(open_wires, 0);
}

PROCESS_TEST("options that are wrong are refused")
{
    CHECK_INT(keel_pool_start_link(NULL).status, KEEL_E_BADARG);
    CHECK_INT(keel_pool_start_link(&plain, .check_every = -1).status, KEEL_E_BADARG);
    keel_child_spec child = keel_pool_child(&plain);
    CHECK_TERM(child.id, "pool");
}
