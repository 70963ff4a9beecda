// The timer service, OTP's module timer: PR-199 to PR-213.

#include "base/base.h"
#include "proc_testing.h"

static void tell_done(keel_term to)
{
    keel_send(to, keel_make("{done, Self, Now}", keel_self(), time_now()));
}

static keel_term self_term(void)
{
    return keel_from_pid(keel_self());
}

PROCESS_TEST(
        "apply_after runs its function once, later, in another process", .ids = "PR-199")
{
    int64_t begin = time_now(), when;
    keel_ref timer = {0};
    keel_pid runner;
    CHECK_OK(keel_apply_after(KEEL_MS(10), tell_done, self_term(), &timer));
    CHECK(!no_ref(timer));
    EXPECT_NEXT("{done, Runner, When}", &runner, &when);
    CHECK(!same_pid(runner, keel_self()));
    CHECK(when - begin >= KEEL_MS(10));
    end_of(runner);
    keel_sleep(KEEL_MS(25));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("apply_after outlives its caller", .ids = "PR-199")
{
    keel_ref monitor;
    keel_pid other = new_puppet();
    monitor = keel_monitor(other);
    CHECK_OK(keel_apply_after(KEEL_MS(5), tell_done, self_term(), &(keel_ref){0}));
    end_process(other);
    CHECK_TERM(await_down(monitor), "killed");
    EXPECT_NEXT("{done, _, _}");
}

static keel_term act_exit_after(keel_term reason)
{
    keel_ref timer;
    CHECK_OK(keel_exit_after(KEEL_MS(5), keel_from_pid(keel_self()), reason, &timer));
    return keel_from_ref(timer);
}

static keel_term act_kill_after(keel_term unused)
{
    (void)unused;
    keel_ref timer;
    CHECK_OK(keel_kill_after(KEEL_MS(5), keel_from_pid(keel_self()), &timer));
    return keel_from_ref(timer);
}

PROCESS_TEST("exit_after sends its reason and kill_after kills", .ids = "PR-201")
{
    keel_ref timer, monitor;
    int64_t begin = time_now();
    keel_pid pid = keel_spawn_monitor(wait_forever, KEEL_NONE, &monitor);
    CHECK_OK(keel_exit_after(
            KEEL_MS(5), keel_from_pid(pid), keel_make("{time, [is, up]}"), &timer));
    CHECK_TERM(await_down(monitor), "{time, [is, up]}");
    CHECK(time_now() - begin >= KEEL_MS(5));

    pid = keel_spawn_monitor(puppet, KEEL_NONE, &monitor);
    ask(pid, act_trap_exit, keel_bool(true));
    CHECK_OK(keel_kill_after(KEEL_MS(5), keel_from_pid(pid), &timer));
    CHECK_TERM(await_down(monitor), "killed");
}

PROCESS_TEST("a trapping process gets exit_after as a message", .ids = "PR-201")
{
    keel_ref timer;
    keel_trap_exit(true);
    CHECK_OK(keel_exit_after(KEEL_MS(1), self_term(), keel_atom(up), &timer));
    EXPECT_NEXT("{'EXIT', _, up}");
}

PROCESS_TEST("a timer of the service without time acts at once", .ids = "PR-202")
{
    for (int i = 0; i < 10; i++) {
        keel_ref timer;
        keel_pid runner;
        CHECK_OK(keel_apply_after(0, tell_done, self_term(), &timer));
        EXPECT_NEXT("{done, Runner, _}", &runner);
        end_of(runner);
        CHECK(!no_ref(keel_send_after(0, keel_self(), keel_int(i))));
        EXPECT_NEXT("^I", i);
    }
}

PROCESS_TEST("exit_after and kill_after work on the caller and on names", .ids = "PR-203")
{
    keel_pid pid = new_puppet();
    keel_ref monitor = keel_monitor(pid), timer;
    ask(pid, act_exit_after, keel_atom(time_is_up));
    CHECK_TERM(await_down(monitor), "time_is_up");

    pid = new_puppet();
    monitor = keel_monitor(pid);
    ask(pid, act_kill_after, KEEL_NONE);
    CHECK_TERM(await_down(monitor), "killed");

    for (int kill = 0; kill < 2; kill++) {
        pid = keel_spawn_monitor(wait_forever, KEEL_NONE, &monitor);
        CHECK_OK(keel_register(keel_atom(condemned), pid));
        CHECK_OK(kill ? keel_kill_after(KEEL_MS(1), keel_atom(condemned), &timer)
                      : keel_exit_after(
                                KEEL_MS(1), keel_atom(condemned), keel_atom(up), &timer));
        CHECK_TERM(
                await_down(monitor), "^Reason", kill ? keel_atom(killed) : keel_atom(up));
    }
}

PROCESS_TEST("exit_after and kill_after on the dead do nothing and the service lives on",
        .ids = "PR-203")
{
    keel_term dead = keel_from_pid(dead_pid());
    keel_ref timer;
    CHECK_OK(keel_exit_after(KEEL_MS(1), dead, keel_atom(up), &timer));
    CHECK_OK(keel_kill_after(KEEL_MS(1), dead, &timer));
    CHECK_OK(keel_exit_after(KEEL_MS(1), keel_atom(nobody_here), keel_atom(up), &timer));
    CHECK_OK(keel_kill_after(KEEL_MS(1), keel_atom(nobody_here), &timer));
    keel_sleep(KEEL_MS(5));
    keel_pid runner;
    CHECK_OK(keel_apply_after(0, tell_done, self_term(), &timer));
    EXPECT_NEXT("{done, Runner, _}", &runner);
    end_of(runner);
    EXPECT_NO_MESSAGE();
}

// --- intervals ---

// Tells that it runs, and runs until it is told to finish.
static void run_slowly(keel_term to)
{
    keel_send(to, keel_make("{running, Self, Now}", keel_self(), time_now()));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "finish"));
}

PROCESS_TEST("apply_interval runs in a process of its own each time, slow or not",
        .ids = "PR-204")
{
    enum { RUNS = 5 };
    keel_term before = keel_process_list();
    keel_ref timer;
    keel_pid runners[RUNS];
    int64_t begin = time_now(), when;
    CHECK_OK(keel_apply_interval(KEEL_MS(4), run_slowly, self_term(), &timer));
    for (int i = 0; i < RUNS; i++) {
        EXPECT_MESSAGE("{running, Runner, When}", &runners[i], &when);
        CHECK(when - begin >= KEEL_MS(4) * (i + 1));
        for (int j = 0; j < i; j++) {
            // None has ended: their runs overlap.
            CHECK(!same_pid(runners[i], runners[j]));
            CHECK(keel_process_alive(runners[j]));
        }
    }
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
    // Whoever runs now is all that will run.
    keel_term now = keel_process_list(), pid;
    while (keel_list_next(&now, &pid)) {
        if (!keel_list_member(pid, before)) {
            keel_send(pid, keel_atom(finish));
        }
    }
    await_others(before);
    keel_flush();
    keel_sleep(KEEL_MS(20));
    EXPECT_NO_MESSAGE();
}

static keel_term act_apply_interval(keel_term to)
{
    keel_ref timer;
    CHECK_OK(keel_apply_interval(KEEL_MS(2), tell_done, to, &timer));
    return keel_from_ref(timer);
}

PROCESS_TEST("apply_interval ends with the process that asked for it", .ids = "PR-204")
{
    keel_term before = keel_process_list();
    keel_pid owner = new_puppet();
    ask(owner, act_apply_interval, self_term());
    EXPECT_NEXT("{done, _, _}");
    EXPECT_NEXT("{done, _, _}");
    end_process(owner);
    await_others(before);
    keel_flush();
    keel_sleep(KEEL_MS(10));
    EXPECT_NO_MESSAGE();
}

// Whether one of them runs; pairs with itself: two at once would see it taken.
static int runs;

static void run_alone(keel_term to)
{
    CHECK_INT(__atomic_fetch_add(&runs, 1, __ATOMIC_ACQ_REL), 0);
    keel_send(to, keel_make("{running, Self, Now}", keel_self(), time_now()));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "finish"));
    CHECK_INT(__atomic_fetch_sub(&runs, 1, __ATOMIC_ACQ_REL), 1);
}

PROCESS_TEST("apply_repeatedly waits for the end of a run before it begins the next")
{
    runs = 0;
    keel_term before = keel_process_list();
    keel_ref timer;
    keel_pid runner, last = {0};
    int64_t begin = time_now(), when;
    CHECK_OK(keel_apply_repeatedly(KEEL_MS(3), run_alone, self_term(), &timer));
    for (int i = 1; i <= 4; i++) {
        EXPECT_NEXT("{running, Runner, When}", &runner, &when);
        CHECK(when - begin >= KEEL_MS(3) * i);
        CHECK(!same_pid(runner, last));
        last = runner;
        // Three times as long as the interval: the next waits for it.
        keel_sleep(KEEL_MS(9));
        EXPECT_NO_MESSAGE();
        keel_send(runner, keel_atom(finish));
    }
    // Cancelled while one runs: that goes on, another does not come.
    EXPECT_NEXT("{running, Runner, _}", &runner);
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
    CHECK(keel_process_alive(runner));
    keel_send(runner, keel_atom(finish));
    await_others(before);
    keel_sleep(KEEL_MS(9));
    EXPECT_NO_MESSAGE();
}

SIMULATED_TEST("apply_repeatedly makes up for the time that one run took")
{
    runs = 0;
    keel_ref timer;
    keel_pid runner;
    int64_t begin = time_now(), when;
    CHECK_OK(keel_apply_repeatedly(KEEL_MS(100), run_alone, self_term(), &timer));
    EXPECT_NEXT("{running, Runner, _}", &runner);
    keel_sleep(KEEL_MS(250));
    keel_send(runner, keel_atom(finish));
    for (int i = 2; i <= 5; i++) {
        EXPECT_NEXT("{running, Runner, When}", &runner, &when);
        keel_send(runner, keel_atom(finish));
        // The second and third are late and come one after the other, the others in time.
        int64_t due = i <= 3 ? KEEL_MS(350) : KEEL_MS(100) * i;
        CHECK(when - begin >= due && when - begin < due + KEEL_MS(5));
    }
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
    end_of(runner);
}

static keel_term act_apply_repeatedly(keel_term to)
{
    keel_ref timer;
    CHECK_OK(keel_apply_repeatedly(KEEL_MS(2), run_slowly, to, &timer));
    return keel_from_ref(timer);
}

PROCESS_TEST("apply_repeatedly ends with the process that asked for it")
{
    size_t before = process_count();
    keel_pid owner = new_puppet(), runner;
    ask(owner, act_apply_repeatedly, self_term());
    EXPECT_NEXT("{running, Runner, _}", &runner);
    end_process(owner);
    keel_send(runner, keel_atom(finish));
    // One more may have begun before its timer heard of the end.
    while (process_count() > before) {
        if (keel_receive_match(KEEL_IN(KEEL_MS(1)), "{running, Runner, _}", &runner) ==
                KEEL_OK) {
            keel_send(runner, keel_atom(finish));
        }
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("send_interval sends until cancelled", .ids = "PR-206 PR-207")
{
    keel_ref timer;
    int64_t begin = time_now();
    CHECK_OK(keel_send_interval(KEEL_MS(3), self_term(), keel_make("{tick, 1}"), &timer));
    for (int i = 1; i <= 5; i++) {
        EXPECT_NEXT("{tick, 1}");
        CHECK(time_now() - begin >= KEEL_MS(3) * i);
    }
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
    keel_flush();
    keel_sleep(KEEL_MS(12));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a timer whose reference nobody wants runs all the same", .ids = "PR-206")
{
    keel_pid pid = new_puppet();
    CHECK_OK(keel_send_interval(KEEL_MS(2), keel_from_pid(pid), keel_atom(tick), NULL));
    while (keel_to_int(info_of(pid, keel_atom(message_queue_len))) < 2) {
        keel_sleep(KEEL_MS(1));
    }
    end_process(pid); // and the timer with it: the end of the test looks for those left
    keel_sleep(KEEL_MS(6));
}

PROCESS_TEST("send_interval to a name finds who has it each time", .ids = "PR-206")
{
    keel_ref timer;
    CHECK_OK(keel_register(keel_atom(ticked), keel_self()));
    CHECK_OK(keel_send_interval(KEEL_MS(2), keel_atom(ticked), keel_atom(tick), &timer));
    EXPECT_NEXT("tick");
    EXPECT_NEXT("tick");
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
    CHECK_OK(keel_unregister(keel_atom(ticked)));
    keel_flush();
}

PROCESS_TEST("send_interval stops when its receiver ends", .ids = "PR-206")
{
    keel_pid pid = new_puppet();
    keel_ref timer;
    CHECK_OK(keel_send_interval(KEEL_MS(2), keel_from_pid(pid), keel_atom(tick), &timer));
    while (keel_to_int(info_of(pid, keel_atom(message_queue_len))) < 2) {
        keel_sleep(KEEL_MS(1));
    }
    end_process(pid);
    keel_runtime_view view;
    do {
        keel_sleep(KEEL_MS(1));
        keel_inspect_runtime(&view);
    } while (view.timers != 0);
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
}

PROCESS_TEST("send_interval to a name stops when who had the name ends")
{
    keel_pid pid = new_puppet(), other = new_puppet();
    CHECK_OK(keel_register(keel_atom(ticked), pid));
    keel_term full = keel_tuple_of(keel_atom(ticked), keel_node_self());
    keel_term before = keel_process_list();
    CHECK_OK(keel_send_interval(KEEL_MS(2), keel_atom(ticked), keel_atom(tick), NULL));
    CHECK_OK(keel_send_interval(KEEL_MS(2), full, keel_atom(tick), NULL));
    while (keel_to_int(info_of(pid, keel_atom(message_queue_len))) < 3) {
        keel_sleep(KEEL_MS(1));
    }
    end_process(pid);
    await_others(before);
    // Nobody has the name: there is nobody to send to.
    CHECK_OK(keel_send_interval(KEEL_MS(2), keel_atom(ticked), keel_atom(tick), NULL));
    await_others(before);
    CHECK_OK(keel_register(keel_atom(ticked), other));
    keel_sleep(KEEL_MS(5));
    CHECK_TERM(info_of(other, keel_atom(messages)), "[]");
    end_process(other);
}

static keel_term act_send_interval(keel_term to)
{
    keel_ref timer;
    CHECK_OK(keel_send_interval(KEEL_MS(2), to, keel_atom(tick), &timer));
    return keel_from_ref(timer);
}

PROCESS_TEST("send_interval does not end with the process that asked for it")
{
    keel_pid other = new_puppet();
    keel_term timer = ask(other, act_send_interval, self_term());
    end_process(other);
    keel_flush();
    EXPECT_NEXT("tick");
    EXPECT_NEXT("tick");
    CHECK_OK(keel_timer_cancel(timer));
    keel_flush();
    keel_sleep(KEEL_MS(5));
    EXPECT_NO_MESSAGE();
}

// --- cancelling ---

PROCESS_TEST("cancelling is fine for running, fired and unknown timers", .ids = "PR-207")
{
    keel_ref timer;
    keel_pid runner;
    CHECK_OK(keel_apply_after(KEEL_MINUTES(5), tell_done, self_term(), &timer));
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
    CHECK_OK(keel_apply_after(0, tell_done, self_term(), &timer));
    EXPECT_NEXT("{done, Runner, _}", &runner);
    end_of(runner);
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
    CHECK_OK(keel_timer_cancel(keel_from_ref(keel_make_ref())));
    keel_pid other = new_puppet();
    CHECK_OK(keel_timer_cancel(ask(other, act_alias, KEEL_NONE))); // it does not answer
    end_process(other);
    // The ordinary timers are among those it knows.
    timer = keel_send_after(KEEL_MINUTES(5), keel_self(), keel_atom(never));
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
    CHECK(!keel_read_timer(timer, NULL));
    CHECK_OK(keel_exit_after(KEEL_MINUTES(5), self_term(), keel_atom(never), &timer));
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
    CHECK_OK(keel_kill_after(KEEL_MINUTES(5), self_term(), &timer));
    CHECK_OK(keel_timer_cancel(keel_from_ref(timer)));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("cancelling what is no reference is refused", .ids = "PR-208")
{
    const keel_term bad[] = {KEEL_NONE, keel_atom(timer), keel_int(1), keel_nil(),
            keel_from_pid(keel_self()), keel_make("{once, 1}"), keel_string("timer")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(keel_timer_cancel(bad[i]), KEEL_E_BADARG);
    }
}

PROCESS_TEST("a bad time, function or destination makes no timer of the service",
        .ids = "PR-209")
{
    keel_ref timer = {77};
    keel_term self = self_term(), other = keel_int(1);
    CHECK_INT(keel_apply_after(-1, tell_done, self, &timer), KEEL_E_BADARG);
    CHECK_INT(keel_apply_after(1, NULL, self, &timer), KEEL_E_BADARG);
    CHECK_INT(keel_apply_interval(-1, tell_done, self, &timer), KEEL_E_BADARG);
    CHECK_INT(keel_apply_interval(1, NULL, self, &timer), KEEL_E_BADARG);
    CHECK_INT(keel_send_interval(-1, self, keel_int(1), &timer), KEEL_E_BADARG);
    CHECK_INT(keel_send_interval(1, other, keel_int(1), &timer), KEEL_E_BADARG);
    CHECK_INT(keel_send_interval(1, keel_make("{name, 1}"), self, &timer), KEEL_E_BADARG);
    CHECK_INT(keel_apply_repeatedly(-1, tell_done, self, &timer), KEEL_E_BADARG);
    CHECK_INT(keel_apply_repeatedly(1, NULL, self, &timer), KEEL_E_BADARG);
    CHECK_INT(keel_send_interval(1, KEEL_NONE, keel_int(1), &timer), KEEL_E_BADARG);
    CHECK_INT(keel_exit_after(-1, self, keel_int(1), &timer), KEEL_E_BADARG);
    CHECK_INT(keel_exit_after(1, other, keel_int(1), &timer), KEEL_E_BADARG);
    CHECK_INT(keel_exit_after(1, self, KEEL_NONE, &timer), KEEL_E_BADARG);
    CHECK_INT(keel_kill_after(-1, self, &timer), KEEL_E_BADARG);
    CHECK_INT(keel_kill_after(1, other, &timer), KEEL_E_BADARG);
    CHECK_INT(timer.word, 77);
    keel_sleep(KEEL_MS(3));
    EXPECT_NO_MESSAGE();
}

// --- messages to the service ---

// Sends what nobody expects to every process that is not the test's own: whatever serves
// timers is among them.
static void disturb_others(keel_ref stale)
{
    keel_term list = keel_process_list(), pid;
    while (keel_list_next(&list, &pid)) {
        if (same_pid(keel_to_pid(pid), keel_self()) ||
                same_pid(keel_to_pid(pid), keel_parent())) {
            continue;
        }
        keel_term reply;
        keel_send(pid, keel_make("{timeout, Ref, {apply, erlang, halt, []}}", stale));
        keel_send(pid, keel_make("{timeout, Ref, junk}", keel_make_ref()));
        keel_send(pid, keel_atom(unexpected));
        keel_gen_cast(pid, keel_make("{unexpected, cast}"));
        (void)!keel_gen_call(
                pid, keel_make("{unexpected, call}"), KEEL_IN(KEEL_MS(1)), &reply);
    }
}

PROCESS_TEST("forged and stale messages to the service run nothing and do not harm it",
        .ids = "PR-211 PR-212")
{
    keel_ref stale, running;
    keel_pid runner;
    CHECK_OK(keel_apply_after(KEEL_MINUTES(5), tell_done, self_term(), &stale));
    CHECK_OK(keel_apply_after(KEEL_MS(20), tell_done, self_term(), &running));
    CHECK_OK(keel_timer_cancel(keel_from_ref(stale)));
    disturb_others(stale);
    // A reference is no address either: what is sent to it goes nowhere.
    keel_send(stale, keel_make("{timeout, Ref, junk}", stale));
    keel_send(running, keel_make("{timeout, Ref, junk}", running));
    EXPECT_NEXT("{done, Runner, _}", &runner);
    end_of(runner);
    keel_sleep(KEEL_MS(5));
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_apply_after(0, tell_done, self_term(), &running));
    EXPECT_NEXT("{done, Runner, _}", &runner);
    end_of(runner);
}

// --- many ---

static void expect_random_timers(void)
{
    enum { COUNT = 400 };
    static keel_ref timers[COUNT];
    static int64_t due[COUNT];
    static bool cancelled[COUNT];
    int left = 0;
    int64_t begin = time_now();
    for (int i = 0; i < COUNT; i++) {
        keel_duration time = KEEL_US((int64_t)(keel_random() % 60000));
        due[i] = begin + time;
        cancelled[i] = false;
        timers[i] = keel_send_after(time, keel_self(), keel_int(i));
        left++;
        if (keel_random() % 3 == 0) {
            int other = (int)(keel_random() % (unsigned)(i + 1));
            if (keel_cancel_timer(timers[other], NULL)) {
                CHECK(!cancelled[other]);
                cancelled[other] = true;
                left--;
            }
        }
    }
    int64_t newest = INT64_MIN;
    for (; left > 0; left--) {
        int i;
        EXPECT_NEXT("I", &i);
        CHECK(i >= 0 && i < COUNT && !cancelled[i]);
        cancelled[i] = true; // it must not come again
        CHECK(time_now() >= due[i]);
        // In the order of their times, to the wheel's resolution, and to what a worker is
        // late where everything is slow.
        CHECK(due[i] + KEEL_MS(KL_TSAN ? 200 : 10) >= newest);
        newest = due[i] > newest ? due[i] : newest;
    }
    keel_sleep(KEEL_MS(5));
    EXPECT_NO_MESSAGE();
}

SIMULATED_TEST("of many random timers those not cancelled fire, in order, none early",
        .ids = "PR-213")
{
    expect_random_timers();
}

// One worker: see the order of timers in timer_test.c.
TEST("of many random timers of one worker those not cancelled fire", .ids = "PR-213")
{
    const keel_config config = {.workers = 1};
    in_process_with(expect_random_timers, .config = &config);
}
