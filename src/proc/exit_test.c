// Exit signals and trapping them: PR-030 to PR-050.

#include "proc_testing.h"

#include <unistd.h>

PROCESS_TEST("an exit signal ends a process with its reason", .ids = "PR-030")
{
    keel_term reasons = keel_make("[over, {compound, [1]}, 1, <<\"text\">>, [], shutdown]");
    keel_term reason;
    while (keel_list_next(&reasons, &reason)) {
        keel_trap_exit(true);
        keel_spawn_opts opts = {.link = true, .monitor = true};
        keel_pid pid;
        keel_ref monitor;
        keel_term seen;
        CHECK_OK(keel_spawn_opt(wait_forever, KEEL_NONE, &opts, &pid, &monitor));
        CHECK_OK(keel_process_exit(pid, reason));
        CHECK_EQUAL(await_down(monitor), reason);
        EXPECT_MESSAGE("{'EXIT', ^Pid, Reason}", pid, &seen);
        CHECK_EQUAL(seen, reason);
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("the exit signal normal from another process has no effect", .ids = "PR-031")
{
    keel_pid pid = new_puppet();
    CHECK_OK(keel_process_exit(pid, keel_atom(normal)));
    CHECK(keel_process_alive(pid));
    // The answer comes after the signal; so would its end.
    CHECK_TERM(ask(pid, act_messages, KEEL_NONE), "[]");
    CHECK(keel_process_alive(pid));
    end_process(pid);
}

PROCESS_TEST("the exit signal normal is a message to a trapping process", .ids = "PR-032")
{
    keel_pid pid = new_puppet();
    ask(pid, act_trap_exit, keel_bool(true));
    CHECK_OK(keel_process_exit(pid, keel_atom(normal)));
    CHECK_TERM(ask(pid, act_messages, KEEL_NONE), "[{'EXIT', ^Self, normal}]", keel_self());
    end_process(pid);
}

static void send_itself_exit(keel_term observer_and_reason)
{
    keel_process_exit(keel_self(), keel_element(observer_and_reason, 1));
    keel_send(keel_element(observer_and_reason, 0), keel_atom(went_on));
}

static void trap_and_send_itself_exit(keel_term observer_and_reason)
{
    keel_trap_exit(true);
    keel_process_exit(keel_self(), keel_element(observer_and_reason, 1));
    EXPECT_NEXT(
            "{'EXIT', ^Self, ^Reason}", keel_self(), keel_element(observer_and_reason, 1));
    keel_send(keel_element(observer_and_reason, 0), keel_atom(went_on));
}

static keel_term end_of_run(keel_body body, keel_term reason)
{
    keel_ref monitor;
    keel_spawn_monitor(body, keel_make("{Self, Reason}", keel_self(), reason), &monitor);
    return await_down(monitor);
}

PROCESS_TEST("an abnormal exit signal to itself ends the caller", .ids = "PR-034")
{
    CHECK_TERM(end_of_run(send_itself_exit, keel_atom(over)), "over");
    CHECK_TERM(end_of_run(send_itself_exit, keel_make("{a, [1]}")), "{a, [1]}");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("the exit signal normal to itself ends a caller that does not trap")
{
    CHECK_TERM(end_of_run(send_itself_exit, keel_atom(normal)), "normal");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST(
        "an exit signal to itself is a message to a caller that traps", .ids = "PR-043")
{
    CHECK_TERM(end_of_run(trap_and_send_itself_exit, keel_atom(over)), "normal");
    EXPECT_NEXT("went_on");
    CHECK_TERM(end_of_run(trap_and_send_itself_exit, keel_atom(normal)), "normal");
    EXPECT_NEXT("went_on");
}

PROCESS_TEST("an exit signal to a dead process is fine and does nothing", .ids = "PR-037")
{
    keel_pid pid = dead_pid();
    keel_trap_exit(true);
    CHECK_OK(keel_process_exit(pid, keel_atom(over)));
    CHECK_OK(keel_process_exit(pid, keel_atom(normal)));
    CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
    CHECK(!keel_process_alive(pid));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("an exit signal to what is no pid is refused", .ids = "PR-038")
{
    keel_trap_exit(true);
    const keel_term others[] = {KEEL_NONE, keel_atom(no_pid), keel_int(1), keel_nil(),
            keel_from_ref(keel_make_ref()), keel_make("{a, tuple}")};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        keel_pid pid = {others[i].word};
        CHECK_INT(keel_process_exit(pid, keel_atom(over)), KEEL_E_BADARG);
    }
    CHECK_INT(keel_process_exit(keel_self(), KEEL_NONE), KEEL_E_BADARG);
    EXPECT_NO_MESSAGE();
}

static void tell_of_timeout(keel_term observer)
{
    keel_term message;
    keel_status status = keel_receive_until(KEEL_IN(KEEL_MS(100)), &message);
    keel_send(observer, keel_make("{went_on, S}", (int)status));
}

SIMULATED_TEST("the timeout of a receive does not run when an exit signal came first",
        .ids = "PR-040")
{
    keel_ref monitor;
    keel_pid pid = keel_spawn_monitor(
            tell_of_timeout, keel_from_pid(keel_self()), &monitor);
    keel_sleep(KEEL_MS(50));
    keel_process_exit(pid, keel_atom(over));
    CHECK_TERM(await_down(monitor), "over");
    keel_sleep(KEEL_MS(100));
    EXPECT_NO_MESSAGE();
}

SIMULATED_TEST("an exit signal and a timeout at the same time end the process once",
        .ids = "PR-040")
{
    keel_ref monitor;
    keel_pid pid = keel_spawn_monitor(
            tell_of_timeout, keel_from_pid(keel_self()), &monitor);
    keel_sleep(KEEL_MS(100));
    keel_process_exit(pid, keel_atom(over));
    keel_term reason = await_down(monitor);
    if (keel_is(reason, over)) {
        // It may have sent its word before, but not gone on after.
        keel_flush();
    } else {
        CHECK_TERM(reason, "normal");
        EXPECT_NEXT("{went_on, ^S}", (int)KEEL_E_TIMEOUT);
    }
    EXPECT_NO_MESSAGE();
}

// --- whatever it waits for ---

static void wait_in_receive(keel_term observer)
{
    keel_receive();
    keel_send(observer, keel_atom(went_on));
}

static void wait_in_receive_match(keel_term observer)
{
    keel_status status = keel_receive_match(KEEL_IN(KEEL_MINUTES(60)), "never_sent");
    keel_send(observer, keel_make("{went_on, S}", (int)status));
}

static void wait_in_sleep(keel_term observer)
{
    keel_sleep(KEEL_MINUTES(60));
    keel_send(observer, keel_atom(went_on));
}

static void wait_in_hibernate(keel_term observer)
{
    keel_hibernate();
    keel_send(observer, keel_atom(went_on));
}

static void wait_hibernated(keel_term observer)
{
    keel_hibernate_then(wait_in_receive, observer);
}

static void wait_in_call(keel_term observer)
{
    keel_pid silent = keel_spawn_link(wait_forever, KEEL_NONE);
    keel_term reply;
    keel_status status = keel_gen_call(
            keel_from_pid(silent), keel_atom(hello), KEEL_NEVER, &reply);
    keel_send(observer, keel_make("{went_on, S}", (int)status));
}

static void close_both(void *ends)
{
    close(((int *)ends)[0]);
    close(((int *)ends)[1]);
}

static void wait_for_descriptor(keel_term observer)
{
    int *ends = keel_alloc(2 * sizeof *ends);
    CHECK_OK(pipe(ends));
    CHECK_OK(keel_defer(close_both, ends));
    keel_status status = keel_wait_fd(ends[0], KEEL_READABLE, KEEL_NEVER, NULL);
    keel_send(observer, keel_make("{went_on, S}", (int)status));
}

static const keel_body waits[] = {wait_in_receive, wait_in_receive_match, wait_in_sleep,
        wait_in_hibernate, wait_hibernated, wait_in_call, wait_for_descriptor};

// Ends each kind of waiting process; when it has begun to wait, and with `at_once` without
// waiting for that.
static void end_each_kind(keel_term reason, keel_term expected, bool at_once)
{
    keel_term before = keel_process_list();
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(waits[i], keel_from_pid(keel_self()), &monitor);
        keel_process_view view;
        while (!at_once && keel_inspect_process(pid, &view) &&
                view.wait == KEEL_WAIT_NOTHING) {
            keel_yield();
        }
        CHECK_OK(keel_process_exit(pid, reason));
        CHECK_EQUAL(await_down(monitor), expected);
        EXPECT_NO_MESSAGE();
    }
    await_others(before);
}

PROCESS_TEST("an exit signal ends a process whatever it waits for", .ids = "PR-041")
{
    end_each_kind(keel_atom(over), keel_atom(over), false);
}

PROCESS_TEST("an exit signal ends a process that begins to wait", .ids = "PR-041")
{
    end_each_kind(keel_atom(over), keel_atom(over), true);
}

PROCESS_TEST(
        "kill ends a process whatever it waits for and nothing of it runs", .ids = "PR-057")
{
    end_each_kind(keel_atom(kill), keel_atom(killed), false);
}

PROCESS_TEST("kill ends a process that begins to wait", .ids = "PR-057")
{
    end_each_kind(keel_atom(kill), keel_atom(killed), true);
}

static void compute_forever(keel_term argument)
{
    keel_send(keel_element(argument, 0), keel_atom(working));
    for (volatile uint64_t turns = 0;; turns++) {
        if (turns % 64 == 0) {
            keel_yield();
        }
    }
}

PROCESS_TEST("an exit signal ends a process that only computes", .ids = "PR-042")
{
    keel_ref monitor;
    keel_pid pid = keel_spawn_monitor(
            compute_forever, keel_make("{Self}", keel_self()), &monitor);
    EXPECT_NEXT("working");
    keel_process_exit(pid, keel_atom(over));
    CHECK_TERM(await_down(monitor), "over");
    pid = keel_spawn_monitor(compute_forever, keel_make("{Self}", keel_self()), &monitor);
    EXPECT_NEXT("working");
    keel_process_exit(pid, keel_atom(kill));
    CHECK_TERM(await_down(monitor), "killed");
}

static void send_itself_exit_caught(void *reason)
{
    keel_process_exit(keel_self(), *(keel_term *)reason);
}

static void catch_its_exit(keel_term observer_and_reason)
{
    keel_term reason = keel_element(observer_and_reason, 1), caught;
    (void)!keel_try(send_itself_exit_caught, &reason, &caught);
    keel_send(keel_element(observer_and_reason, 0), keel_atom(went_on));
}

PROCESS_TEST("an exit signal to itself cannot be caught")
{
    CHECK_TERM(end_of_run(catch_its_exit, keel_atom(die)), "die");
    CHECK_TERM(end_of_run(catch_its_exit, keel_atom(normal)), "normal");
    CHECK_TERM(end_of_run(catch_its_exit, keel_atom(kill)), "killed");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("the first of several exit signals gives the reason")
{
    for (int i = 0; i < 20; i++) {
        keel_ref monitor;
        keel_body body = i % 2 ? wait_forever : compute_forever;
        keel_pid pid = keel_spawn_monitor(body, keel_make("{Pid}", dead_pid()), &monitor);
        CHECK_OK(keel_process_exit(pid, keel_atom(first)));
        CHECK_OK(keel_process_exit(pid, keel_atom(second)));
        CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
        CHECK_TERM(await_down(monitor), "first");
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("an exit signal carries a very large reason whole")
{
    keel_trap_exit(true);
    keel_term reason = keel_nil();
    for (int i = many_of(10000); i > 0; i--) {
        reason = keel_cons(keel_make("{I, <<\"text\">>, [[]]}", i), reason);
    }
    keel_spawn_opts opts = {.link = true, .monitor = true};
    keel_pid pid;
    keel_ref monitor;
    CHECK_OK(keel_spawn_opt(wait_forever, KEEL_NONE, &opts, &pid, &monitor));
    CHECK_OK(keel_process_exit(pid, reason));
    CHECK_EQUAL(await_down(monitor), reason);
    keel_term seen;
    EXPECT_NEXT("{'EXIT', ^Pid, Reason}", pid, &seen);
    CHECK_EQUAL(seen, reason);
}

// Released by the test below; pairs with the load in its spinning process.
static bool released;

static void spin_until_released(keel_term observer)
{
    keel_send(observer, keel_atom(spinning));
    while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE)) {}
    keel_yield();
    keel_send(observer, keel_atom(went_on));
}

THREADS_TEST(
        "sending an exit signal does not wait for the end of its target", .ids = "PR-046")
{
    __atomic_store_n(&released, false, __ATOMIC_RELEASE);
    keel_ref monitor;
    keel_pid pid = keel_spawn_monitor(
            spin_until_released, keel_from_pid(keel_self()), &monitor);
    EXPECT_NEXT("spinning");
    CHECK_OK(keel_process_exit(pid, keel_atom(over)));
    EXPECT_NO_MESSAGE();
    // It cannot have ended: it waits for this.
    __atomic_store_n(&released, true, __ATOMIC_RELEASE);
    CHECK_TERM(await_down(monitor), "over");
    EXPECT_NO_MESSAGE();
}

// --- trapping ---

PROCESS_TEST("a trapping process gets exit signals in order with its messages",
        .ids = "PR-043 PR-132")
{
    keel_pid pid = new_puppet();
    ask(pid, act_trap_exit, keel_bool(true));
    keel_send(pid, keel_int(1));
    keel_process_exit(pid, keel_atom(a));
    keel_send(pid, keel_int(2));
    keel_process_exit(pid, keel_make("{b, [c]}"));
    keel_process_exit(pid, keel_atom(normal));
    keel_send(pid, keel_int(3));
    CHECK_TERM(ask(pid, act_messages, KEEL_NONE),
            "[1, {'EXIT', ^Self, a}, 2, {'EXIT', ^Self, {b, [c]}}, {'EXIT', ^Self, "
            "normal}, 3]",
            keel_self());
    end_process(pid);
}

PROCESS_TEST("trap_exit gives the old value, at first false", .ids = "PR-047")
{
    CHECK(!keel_trap_exit(true));
    CHECK(keel_trap_exit(true));
    CHECK(keel_trap_exit(false));
    CHECK(!keel_trap_exit(false));
    keel_term old;
    CHECK_OK(keel_process_flag(keel_atom(trap_exit), keel_bool(true), &old));
    CHECK_TERM(old, "false");
    CHECK_OK(keel_process_flag(keel_atom(trap_exit), keel_bool(true), &old));
    CHECK_TERM(old, "true");
    CHECK(keel_trap_exit(false));
}

PROCESS_TEST("trap_exit takes nothing but true and false", .ids = "PR-048")
{
    const keel_term values[] = {keel_atom(yes), keel_int(1), keel_nil(), keel_int(0),
            keel_string("true"), keel_atom(undefined), KEEL_NONE, keel_make("{true}")};
    for (int set = 0; set < 2; set++) {
        keel_trap_exit(set);
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            keel_term old = keel_atom(untouched);
            CHECK_INT(keel_process_flag(keel_atom(trap_exit), values[i], &old),
                    KEEL_E_BADARG);
            CHECK_TERM(old, "untouched");
            CHECK_TERM(info_of(keel_self(), keel_atom(trap_exit)), "^Set", keel_bool(set));
        }
    }
}

PROCESS_TEST("a child of a trapping process does not trap", .ids = "PR-049")
{
    keel_trap_exit(true);
    keel_pid pid = keel_spawn(puppet, KEEL_NONE);
    CHECK_TERM(ask(pid, act_trap_exit, keel_bool(false)), "false");
    keel_ref monitor = keel_monitor(pid);
    keel_process_exit(pid, keel_atom(over));
    CHECK_TERM(await_down(monitor), "over");
}

PROCESS_TEST("after trapping is turned off signals are fatal and old messages stay",
        .ids = "PR-050")
{
    keel_pid pid = new_puppet();
    ask(pid, act_trap_exit, keel_bool(true));
    keel_process_exit(pid, keel_atom(first));
    CHECK_TERM(ask(pid, act_trap_exit, keel_bool(false)), "true");
    CHECK_TERM(info_of(pid, keel_atom(messages)), "[{'EXIT', ^Self, first}]", keel_self());
    CHECK_TERM(ask(pid, act_nothing, KEEL_NONE), "none");
    keel_ref monitor = keel_monitor(pid);
    keel_process_exit(pid, keel_atom(second));
    CHECK_TERM(await_down(monitor), "second");
}
