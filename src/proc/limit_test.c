// How long a mailbox may grow: the four policies, alarms, and who watches its length.

#include "proc_testing.h"

#include "base/base.h"

#include <string.h>

// Tells the owner of every message it takes.
static void forward(keel_term owner)
{
    for (;;) {
        keel_scope scope = keel_scope_open();
        keel_term message = keel_receive();
        CHECK_OK(keel_send(owner, keel_make("{got, Message}", message)));
        keel_scope_close(&scope);
    }
}

// A forwarder that is suspended: its mailbox fills.
static keel_pid new_limited(size_t limit, keel_mailbox_policy policy)
{
    keel_spawn_opts opts = {.mailbox_limit = limit, .mailbox_policy = policy};
    keel_pid pid;
    CHECK_OK(keel_spawn_opt(forward, keel_from_pid(keel_self()), &opts, &pid, NULL));
    CHECK_OK(keel_process_suspend(pid));
    return pid;
}

static void expect_forwarded(int first, int last)
{
    for (int i = first; i <= last; i++) {
        EXPECT_NEXT("{got, ^I}", i);
    }
}

static uint64_t dropped_by(keel_pid pid)
{
    keel_process_view view;
    CHECK(keel_inspect_process(pid, &view));
    return view.dropped;
}

static uint64_t dropped_by_all(void)
{
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    return view.messages_dropped;
}

// Once it has taken a message sent now, there is none before.
static void expect_drained(keel_pid pid)
{
    CHECK_OK(keel_send(pid, keel_atom(last)));
    EXPECT_NEXT("{got, last}");
}

PROCESS_TEST("reject: the sender hears of it, and what is there stays")
{
    keel_pid pid = new_limited(3, KEEL_MAILBOX_REJECT);
    for (int i = 1; i <= 3; i++) {
        CHECK_OK(keel_send(pid, keel_int(i)));
    }
    for (int i = 4; i <= 8; i++) {
        CHECK_INT(keel_send(pid, keel_int(i)), KEEL_E_OVERLOAD);
    }
    CHECK_INT(keel_gen_cast(keel_from_pid(pid), keel_int(9)), KEEL_E_OVERLOAD);
    CHECK_INT(dropped_by(pid), 6);
    CHECK_INT(dropped_by_all(), 6);
    CHECK_OK(keel_process_resume(pid));
    expect_forwarded(1, 3);
    expect_drained(pid);
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("drop_new: the sender hears nothing, what is there stays")
{
    keel_pid pid = new_limited(3, KEEL_MAILBOX_DROP_NEW);
    for (int i = 1; i <= 8; i++) {
        CHECK_OK(keel_send(pid, keel_int(i)));
    }
    CHECK_INT(dropped_by(pid), 5);
    CHECK_INT(dropped_by_all(), 5);
    CHECK_OK(keel_process_resume(pid));
    expect_forwarded(1, 3);
    expect_drained(pid);
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("drop_old: the sender hears nothing, the newest stay")
{
    keel_pid pid = new_limited(3, KEEL_MAILBOX_DROP_OLD);
    for (int i = 1; i <= 8; i++) {
        CHECK_OK(keel_send(pid, keel_int(i)));
    }
    CHECK_OK(keel_process_resume(pid));
    expect_forwarded(6, 8);
    CHECK_INT(dropped_by(pid), 5);
    CHECK_INT(dropped_by_all(), 5);
    expect_drained(pid);
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("exit: the receiver ends with mailbox_overflow")
{
    keel_pid pid = new_limited(3, KEEL_MAILBOX_EXIT);
    keel_ref monitor = keel_monitor(pid);
    for (int i = 1; i <= 3; i++) {
        CHECK_OK(keel_send(pid, keel_int(i)));
    }
    CHECK_OK(keel_process_resume(pid));
    expect_forwarded(1, 3);
    CHECK_OK(keel_process_suspend(pid));
    for (int i = 4; i <= 6; i++) {
        CHECK_OK(keel_send(pid, keel_int(i)));
    }
    CHECK(keel_process_alive(pid));
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_send(pid, keel_int(7)));
    CHECK_TERM(await_down(monitor), "mailbox_overflow");
    EXPECT_NO_MESSAGE();
}

static void trap_and_forward(keel_term owner)
{
    keel_trap_exit(true);
    CHECK_OK(keel_send(owner, keel_atom(ready)));
    forward(owner);
}

PROCESS_TEST("signals are neither counted nor dropped")
{
    keel_spawn_opts opts = {.mailbox_limit = 1, .mailbox_policy = KEEL_MAILBOX_REJECT};
    keel_pid pid;
    CHECK_OK(keel_spawn_opt(
            trap_and_forward, keel_from_pid(keel_self()), &opts, &pid, NULL));
    EXPECT_NEXT("ready");
    CHECK_OK(keel_process_suspend(pid));
    for (int i = 1; i <= 4; i++) {
        CHECK_OK(keel_process_exit(pid, keel_int(i)));
        CHECK_OK(keel_link(pid));
        CHECK_OK(keel_unlink(pid));
        CHECK(keel_demonitor(keel_monitor(pid), 0));
    }
    CHECK_OK(keel_send(pid, keel_atom(one))); // none of them has taken its place
    CHECK_INT(keel_send(pid, keel_atom(two)), KEEL_E_OVERLOAD);
    CHECK_OK(keel_process_resume(pid));
    for (int i = 1; i <= 4; i++) {
        EXPECT_NEXT("{got, {'EXIT', ^Self, ^I}}", keel_self(), i);
    }
    EXPECT_NEXT("{got, one}");
    CHECK_INT(dropped_by(pid), 1);
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("who is at its limit still hears of deaths and asks about others")
{
    keel_pid other = new_puppet();
    keel_ref monitor = keel_monitor(other);
    CHECK_OK(keel_process_mailbox(1, KEEL_MAILBOX_REJECT));
    CHECK_OK(keel_send(keel_self(), keel_atom(full)));
    CHECK_INT(keel_send(keel_self(), keel_atom(more)), KEEL_E_OVERLOAD);
    CHECK_TERM(info_of(other, keel_atom(trap_exit)), "false");
    CHECK_OK(keel_process_exit(other, keel_atom(kill)));
    CHECK_TERM(await_down(monitor), "killed");
    EXPECT_NEXT("full");
    CHECK_OK(keel_send(keel_self(), keel_atom(again)));
    EXPECT_NEXT("again");
}

PROCESS_TEST("a process changes its limit, and takes it back")
{
    CHECK_INT(keel_process_mailbox(1, (keel_mailbox_policy)(KEEL_MAILBOX_EXIT + 1)),
            KEEL_E_BADARG);
    CHECK_OK(keel_process_mailbox(2, KEEL_MAILBOX_REJECT));
    for (int i = 1; i <= 2; i++) {
        CHECK_OK(keel_send(keel_self(), keel_int(i)));
    }
    CHECK_INT(keel_send(keel_self(), keel_int(3)), KEEL_E_OVERLOAD);
    CHECK_OK(keel_process_mailbox(4, KEEL_MAILBOX_REJECT));
    CHECK_OK(keel_send(keel_self(), keel_int(3)));
    CHECK_OK(keel_process_mailbox(0, KEEL_MAILBOX_REJECT));
    for (int i = 4; i <= 40; i++) {
        CHECK_OK(keel_send(keel_self(), keel_int(i)));
    }
    for (int i = 1; i <= 40; i++) {
        EXPECT_NEXT("^I", i);
    }
    CHECK_OK(keel_process_mailbox(1, KEEL_MAILBOX_REJECT));
    CHECK_OK(keel_send(keel_self(), keel_atom(one)));
    CHECK_INT(keel_send(keel_self(), keel_atom(two)), KEEL_E_OVERLOAD);
    EXPECT_NEXT("one");
}

PROCESS_TEST("a new process finds its mailbox empty, whoever had the record before")
{
    for (int i = 0; i < 60; i++) {
        keel_pid pid = new_limited(4, KEEL_MAILBOX_REJECT);
        for (int k = 0; k < 4; k++) {
            CHECK_OK(keel_send(pid, keel_int(k)));
        }
        CHECK_INT(keel_send(pid, keel_int(5)), KEEL_E_OVERLOAD);
        CHECK_INT(dropped_by(pid), 1);
        end_process(pid);
    }
}

// Sends to one process after another, each until it has ended, and for a while after.
static void send_to_the_ending(keel_term owner)
{
    keel_pid pid;
    while (keel_match(keel_receive(), "{next, Pid}", &pid)) {
        int late = 0;
        while (late < 20) {
            late += !keel_process_alive(pid);
            CHECK_OK(keel_send(pid, keel_atom(late)));
            keel_yield();
        }
        keel_send(keel_to_pid(owner), keel_atom(done));
    }
}

PROCESS_TEST(
        "who sends while a process ends does not count against who has the record next")
{
    keel_pid senders[2];
    for (int i = 0; i < 2; i++) {
        senders[i] = keel_spawn(send_to_the_ending, keel_from_pid(keel_self()));
    }
    for (int i = 0; i < 40; i++) {
        keel_pid pid = new_limited(4, KEEL_MAILBOX_DROP_NEW);
        for (int k = 0; k < 2; k++) {
            CHECK_OK(keel_send(senders[k], keel_make("{next, Pid}", pid)));
        }
        keel_yield();
        end_process(pid);
        pid = new_limited(4, KEEL_MAILBOX_REJECT);
        for (int k = 0; k < 4; k++) {
            CHECK_OK(keel_send(pid, keel_int(k)));
        }
        CHECK_INT(keel_send(pid, keel_int(5)), KEEL_E_OVERLOAD);
        for (int k = 0; k < 2; k++) {
            EXPECT_NEXT("done");
        }
        end_process(pid);
    }
    for (int i = 0; i < 2; i++) {
        end_process(senders[i]);
    }
}

// --- alarms ---

static int alarms;

static void count_alarms(void *unused, enum kl_log_level level, const char *text)
{
    (void)unused;
    if (level == KL_LOG_WARNING && strstr(text, "has grown to")) {
        __atomic_fetch_add(&alarms, 1, __ATOMIC_RELAXED);
    }
}

static int alarms_given(void)
{
    return __atomic_load_n(&alarms, __ATOMIC_RELAXED);
}

static void fill(keel_pid pid, int count)
{
    for (int i = 0; i < count; i++) {
        CHECK_OK(keel_send(pid, keel_int(i)));
    }
    info_of(pid, keel_atom(message_queue_len)); // it has seen them all
}

static keel_term act_take(keel_term count)
{
    for (int64_t i = keel_to_int(count); i > 0; i--) {
        EXPECT_MESSAGE("_");
    }
    return KEEL_NONE;
}

// The alarm is given after the chain of messages was taken: it has been by the next turn.
static void fill_and_settle(keel_pid pid, int count)
{
    fill(pid, count);
    ask(pid, act_nothing, KEEL_NONE);
}

static void cross_alarm(void)
{
    __atomic_store_n(&alarms, 0, __ATOMIC_RELAXED);
    keel_pid pid = new_puppet();
    fill_and_settle(pid, 15);
    CHECK_INT(alarms_given(), 0);
    fill_and_settle(pid, 10);
    CHECK_INT(alarms_given(), 1);
    fill_and_settle(pid, 30);
    CHECK_INT(alarms_given(), 1);
    ask(pid, act_take, keel_int(40)); // 15 are left, more than half of the alarm
    fill_and_settle(pid, 20);
    CHECK_INT(alarms_given(), 1);
    ask(pid, act_take, keel_int(30)); // 5 are left
    fill_and_settle(pid, 20);
    CHECK_INT(alarms_given(), 2);
    end_process(pid);
}

TEST("a long mailbox is reported once, and again after it was half as long")
{
    kl_log_sink_set(count_alarms, NULL);
    in_process_with(cross_alarm, .config = &(keel_config){.workers = 2, .queue_alarm = 20});
    kl_log_sink_set(NULL, NULL);
}

// --- watching ---

PROCESS_TEST("who watches a mailbox hears of each crossing once")
{
    keel_pid pid = new_puppet();
    keel_ref watch;
    CHECK_OK(keel_monitor_queue(pid, 10, 2, &watch));
    fill(pid, 9);
    EXPECT_NO_MESSAGE();
    for (int round = 0; round < 3; round++) {
        fill(pid, 10);
        size_t length;
        keel_term high;
        EXPECT_NEXT("{'QUEUE', ^Watch, ^Pid, high, Length}", watch, pid, &high);
        length = (size_t)keel_to_int(high);
        CHECK(length >= 10);
        fill(pid, 5);
        EXPECT_NO_MESSAGE();
        ask(pid, act_messages, KEEL_NONE);
        EXPECT_NEXT("{'QUEUE', ^Watch, ^Pid, low, Length}", watch, pid, &high);
        CHECK(keel_to_int(high) <= 2);
        EXPECT_NO_MESSAGE();
    }
    CHECK(keel_demonitor(watch, KEEL_DEMONITOR_INFO));
    CHECK(!keel_demonitor(watch, KEEL_DEMONITOR_INFO));
    fill(pid, 20);
    EXPECT_NO_MESSAGE();
    end_process(pid);
}

PROCESS_TEST("several may watch a mailbox; one that is long already is told at once")
{
    keel_pid pid = new_puppet();
    fill(pid, 8);
    keel_ref first, second;
    CHECK_OK(keel_monitor_queue(pid, 5, 1, &first));
    EXPECT_NEXT("{'QUEUE', ^Watch, ^Pid, high, _}", first, pid);
    CHECK_OK(keel_monitor_queue(pid, 20, 4, &second));
    EXPECT_NO_MESSAGE();
    fill(pid, 12);
    EXPECT_NEXT("{'QUEUE', ^Watch, ^Pid, high, _}", second, pid);
    CHECK(keel_demonitor(first, KEEL_DEMONITOR_FLUSH));
    ask(pid, act_messages, KEEL_NONE);
    EXPECT_NEXT("{'QUEUE', ^Watch, ^Pid, low, _}", second, pid);
    EXPECT_NO_MESSAGE();
    end_process(pid); // and its end is no DOWN of such a watch
    EXPECT_NO_MESSAGE();
}

static keel_term act_watch(keel_term pid)
{
    keel_ref watch;
    CHECK_OK(keel_monitor_queue(keel_to_pid(pid), 3, 1, &watch));
    return KEEL_NONE;
}

PROCESS_TEST("a watch ends with who watches, and wants something to watch")
{
    keel_pid pid = new_puppet(), watcher = new_puppet();
    ask(watcher, act_watch, keel_from_pid(pid));
    end_process(watcher);
    fill(pid, 10);
    ask(pid, act_messages, KEEL_NONE);
    keel_ref watch = {77};
    CHECK_INT(keel_monitor_queue(pid, 3, 3, &watch), KEEL_E_BADARG);
    CHECK_INT(keel_monitor_queue(pid, 2, 3, &watch), KEEL_E_BADARG);
    CHECK_INT(keel_monitor_queue(pid, 3, 1, NULL), KEEL_E_BADARG);
    CHECK_INT(keel_monitor_queue((keel_pid){0}, 3, 1, &watch), KEEL_E_BADARG);
    CHECK_INT(keel_monitor_queue(dead_pid(), 3, 1, &watch), KEEL_E_NOPROC);
    CHECK_INT(watch.word, 77);
    end_process(pid);
    EXPECT_NO_MESSAGE();
}
