// Aliases: PR-109 to PR-129.

#include "proc_testing.h"

// After this whatever `pid` and the caller have sent to each other is in the mailboxes.
static void settle_with(keel_pid pid)
{
    ask(pid, act_nothing, KEEL_NONE);
}

static void have_sent(keel_pid sender, keel_ref to, keel_term message)
{
    ask(sender, act_send, keel_make("{To, Message}", to, message));
}

PROCESS_TEST("what is sent to an alias arrives as if sent to the pid", .ids = "PR-109")
{
    keel_ref alias = keel_alias();
    CHECK(!no_ref(alias));
    CHECK_OK(keel_send(alias, keel_atom(from_self)));
    EXPECT_NEXT("from_self");
    keel_pid sender = new_puppet();
    have_sent(sender, alias, keel_make("{from, other}"));
    EXPECT_NEXT("{from, other}");
    have_sent(sender, alias, keel_atom(again));
    EXPECT_NEXT("again");
    CHECK(keel_unalias(alias));
    end_process(sender);
}

PROCESS_TEST("what is sent to an alias after unalias is dropped", .ids = "PR-110")
{
    keel_pid sender = new_puppet();
    keel_ref alias = keel_alias();
    CHECK(keel_unalias(alias));
    CHECK_OK(keel_send(alias, keel_atom(lost)));
    have_sent(sender, alias, keel_atom(lost));
    settle_with(sender);
    EXPECT_NO_MESSAGE();
    end_process(sender);
}

PROCESS_TEST("messages racing with unalias arrive before it or never", .ids = "PR-110")
{
    keel_pid sender = new_puppet();
    for (int i = 0; i < 50; i++) {
        keel_ref alias = keel_alias();
        for (int j = 0; j < 4; j++) {
            tell(sender, act_send, keel_make("{To, J}", alias, j));
        }
        for (int j = 0; j < i % 4; j++) {
            keel_yield();
        }
        CHECK(keel_unalias(alias));
        // What came came in order, without a gap, and nothing comes any more.
        int expected = 0;
        keel_term message;
        while (keel_receive_until(KEEL_AT_ONCE, &message) == KEEL_OK) {
            CHECK_TERM(message, "^N", expected);
            expected++;
        }
        settle_with(sender);
        EXPECT_NO_MESSAGE();
    }
    end_process(sender);
}

PROCESS_TEST("unalias of what is no alias of the caller is false", .ids = "PR-111")
{
    keel_ref alias = keel_alias();
    CHECK(keel_unalias(alias));
    CHECK(!keel_unalias(alias));
    CHECK(!keel_unalias(keel_make_ref()));
    keel_pid other = new_puppet();
    keel_term foreign = ask(other, act_alias, KEEL_NONE);
    CHECK(!keel_unalias(keel_to_ref(foreign)));
    CHECK_OK(keel_send(foreign, keel_atom(still_there)));
    CHECK_TERM(ask(other, act_messages, KEEL_NONE), "[still_there]");
    CHECK_TERM(ask(other, act_unalias, foreign), "true");
    keel_ref monitor = keel_monitor(other);
    CHECK(!keel_unalias(monitor));
    end_process(other);
    CHECK_TERM(await_down(monitor), "killed");
}

PROCESS_TEST("unalias of what is no reference is refused", .ids = "PR-112")
{
    // The type leaves only the word to be wrong; there is no exception to raise.
    CHECK(!keel_unalias((keel_ref){0}));
    CHECK(!keel_unalias((keel_ref){keel_atom(no_ref).word}));
    CHECK(!keel_unalias((keel_ref){keel_from_pid(keel_self()).word}));
    CHECK(!keel_unalias((keel_ref){keel_make("{a, tuple}").word}));
}

PROCESS_TEST("an alias with explicit_unalias is active until unalias", .ids = "PR-114")
{
    keel_ref alias;
    CHECK_OK(keel_alias_opt(keel_make("[explicit_unalias]"), &alias));
    for (int i = 0; i < 5; i++) {
        CHECK_OK(keel_send(alias, keel_int(i)));
        EXPECT_NEXT("^I", i);
    }
    CHECK(keel_unalias(alias));
    CHECK_OK(keel_send(alias, keel_atom(lost)));
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_alias_opt(keel_nil(), &alias));
    CHECK_OK(keel_send(alias, keel_atom(one)));
    CHECK_OK(keel_send(alias, keel_atom(two)));
    EXPECT_NEXT("one");
    EXPECT_NEXT("two");
    CHECK(keel_unalias(alias));
}

PROCESS_TEST("an alias with reply takes one message", .ids = "PR-109")
{
    keel_ref alias;
    CHECK_OK(keel_alias_opt(keel_make("[reply]"), &alias));
    keel_pid sender = new_puppet();
    have_sent(sender, alias, keel_atom(first));
    have_sent(sender, alias, keel_atom(second));
    EXPECT_NEXT("first");
    EXPECT_NO_MESSAGE();
    CHECK(!keel_unalias(alias));
    end_process(sender);
}

PROCESS_TEST("messages to the alias of a dead process are dropped", .ids = "PR-116")
{
    keel_pid pid = new_puppet();
    keel_term alias = ask(pid, act_alias, KEEL_NONE);
    end_process(pid);
    CHECK_OK(keel_send(alias, keel_atom(lost)));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("unknown alias options are refused", .ids = "PR-117")
{
    const keel_term bad[] = {keel_atom(reply), keel_make("[replies]"),
            keel_make("[explicit_unalias, fast]"), keel_make("[reply | reply]"),
            keel_make("[{reply, true}]"), keel_int(1), KEEL_NONE, keel_make("{reply}")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        keel_ref alias = {77};
        CHECK_INT(keel_alias_opt(bad[i], &alias), KEEL_E_BADARG);
        CHECK_INT(alias.word, 77);
    }
}

PROCESS_TEST("of several aliases one may end and the others work on", .ids = "PR-118")
{
    enum { COUNT = 12 };
    keel_ref aliases[COUNT];
    for (int i = 0; i < COUNT; i++) {
        aliases[i] = keel_alias();
    }
    for (int gone = 0; gone < COUNT; gone++) {
        for (int i = 0; i < COUNT; i++) {
            CHECK_OK(keel_send(aliases[i], keel_int(i)));
        }
        for (int i = gone; i < COUNT; i++) {
            EXPECT_NEXT("^I", i);
        }
        EXPECT_NO_MESSAGE();
        CHECK(keel_unalias(aliases[gone]));
    }
}

// --- monitors that are aliases ---

// A monitor of a new puppet that is an alias as well: made by monitor or by the spawn.
static keel_ref alias_monitor(keel_pid *ret_pid, keel_alias_mode mode, bool by_spawn)
{
    keel_ref monitor;
    if (by_spawn) {
        keel_spawn_opts opts = {.monitor = true, .monitor_opts = {.alias = mode}};
        CHECK_OK(keel_spawn_opt(puppet, KEEL_NONE, &opts, ret_pid, &monitor));
    } else {
        *ret_pid = new_puppet();
        CHECK_OK(keel_monitor_opt(
                keel_from_pid(*ret_pid), &(keel_monitor_opts){.alias = mode}, &monitor));
    }
    return monitor;
}

static void use_explicit_unalias(bool by_spawn)
{
    keel_pid pid;
    keel_ref alias = alias_monitor(&pid, KEEL_ALIAS_EXPLICIT_UNALIAS, by_spawn);
    have_sent(pid, alias, keel_int(1));
    have_sent(pid, alias, keel_int(2));
    tell(pid, act_exit, keel_atom(over));
    EXPECT_NEXT("1");
    EXPECT_NEXT("2");
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, over}", alias, pid);
    // It outlives the monitor.
    CHECK_OK(keel_send(alias, keel_int(3)));
    EXPECT_NEXT("3");
    CHECK(keel_unalias(alias));
    CHECK_OK(keel_send(alias, keel_int(4)));
    EXPECT_NO_MESSAGE();

    alias = alias_monitor(&pid, KEEL_ALIAS_EXPLICIT_UNALIAS, by_spawn);
    CHECK(keel_demonitor(alias, KEEL_DEMONITOR_INFO));
    CHECK_OK(keel_send(alias, keel_int(5)));
    EXPECT_NEXT("5");
    CHECK(keel_unalias(alias));
    end_process(pid);
    // Unalias leaves the monitor.
    alias = alias_monitor(&pid, KEEL_ALIAS_EXPLICIT_UNALIAS, by_spawn);
    CHECK(keel_unalias(alias));
    tell(pid, act_exit, keel_atom(over));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, over}", alias, pid);
    EXPECT_NO_MESSAGE();
}

static void use_demonitor(bool by_spawn)
{
    keel_pid pid;
    keel_ref alias = alias_monitor(&pid, KEEL_ALIAS_DEMONITOR, by_spawn);
    have_sent(pid, alias, keel_int(1));
    have_sent(pid, alias, keel_int(2));
    EXPECT_NEXT("1");
    EXPECT_NEXT("2");
    CHECK(keel_demonitor(alias, KEEL_DEMONITOR_INFO));
    have_sent(pid, alias, keel_int(3));
    EXPECT_NO_MESSAGE();
    CHECK(!keel_unalias(alias));
    end_process(pid);

    alias = alias_monitor(&pid, KEEL_ALIAS_DEMONITOR, by_spawn);
    tell(pid, act_exit, keel_atom(over));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, over}", alias, pid);
    CHECK_OK(keel_send(alias, keel_int(4)));
    CHECK(!keel_unalias(alias));
    EXPECT_NO_MESSAGE();
}

static void use_reply_demonitor(bool by_spawn)
{
    // The first message ends both.
    keel_pid pid;
    keel_ref alias = alias_monitor(&pid, KEEL_ALIAS_REPLY_DEMONITOR, by_spawn);
    have_sent(pid, alias, keel_make("{reply, 1}"));
    have_sent(pid, alias, keel_make("{reply, 2}"));
    EXPECT_NEXT("{reply, 1}");
    CHECK_TERM(info_of(pid, keel_atom(monitored_by)), "[]");
    CHECK(!keel_demonitor(alias, KEEL_DEMONITOR_INFO));
    end_process(pid);
    EXPECT_NO_MESSAGE();

    // Demonitor ends both.
    alias = alias_monitor(&pid, KEEL_ALIAS_REPLY_DEMONITOR, by_spawn);
    CHECK(keel_demonitor(alias, KEEL_DEMONITOR_INFO));
    have_sent(pid, alias, keel_atom(late));
    end_process(pid);
    EXPECT_NO_MESSAGE();

    // DOWN ends both.
    alias = alias_monitor(&pid, KEEL_ALIAS_REPLY_DEMONITOR, by_spawn);
    tell(pid, act_exit, keel_atom(over));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, over}", alias, pid);
    CHECK_OK(keel_send(alias, keel_atom(late)));
    CHECK(!keel_unalias(alias));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("an alias of mode reply_demonitor ends with reply, demonitor or DOWN",
        .ids = "PR-122")
{
    use_reply_demonitor(false);
}

PROCESS_TEST("an alias of mode demonitor ends with the monitor")
{
    use_demonitor(false);
}

PROCESS_TEST("an alias of mode explicit_unalias outlives the monitor")
{
    use_explicit_unalias(false);
}

PROCESS_TEST("the alias modes work for the monitor of a spawn", .ids = "PR-124")
{
    use_explicit_unalias(true);
    use_demonitor(true);
    use_reply_demonitor(true);
}

PROCESS_TEST("a monitor without alias is none")
{
    keel_pid pid;
    keel_ref monitor = alias_monitor(&pid, KEEL_ALIAS_NONE, false);
    CHECK_OK(keel_send(monitor, keel_atom(lost)));
    CHECK(!keel_unalias(monitor));
    end_process(pid);
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, killed}", monitor, pid);
    EXPECT_NO_MESSAGE();
}

// Sends numbers to the alias until it is told to finish.
static void send_numbers(keel_term alias)
{
    for (int number = 0; number < 100000; number++) {
        keel_scope scope = keel_scope_open();
        CHECK_OK(keel_send(alias, keel_int(number)));
        keel_yield();
        keel_status stop = keel_receive_match(KEEL_AT_ONCE, "finish");
        keel_scope_close(&scope);
        if (stop == KEEL_OK) {
            return;
        }
    }
}

static void race_with_down(keel_alias_mode mode)
{
    for (int i = 0; i < 20; i++) {
        keel_scope scope = keel_scope_open();
        keel_pid target;
        keel_ref alias = alias_monitor(&target, mode, i % 2);
        keel_pid senders[3];
        for (int j = 0; j < 3; j++) {
            senders[j] = keel_spawn(send_numbers, keel_from_ref(alias));
        }
        if (i % 3 == 0) {
            keel_yield();
        }
        tell(target, act_exit, keel_atom(over));
        size_t numbers = 0;
        bool down = false;
        for (bool begun = false; !begun;) {
            keel_term message = next_message(__FILE__, __LINE__);
            if (keel_match(message, "{'DOWN', ^Ref, process, _, over}", alias)) {
                down = begun = true;
            } else {
                CHECK(keel_is_int(message));
                begun = ++numbers > 0 && mode == KEEL_ALIAS_REPLY_DEMONITOR;
            }
        }
        for (int j = 0; j < 3; j++) {
            keel_send(senders[j], keel_atom(finish));
            end_of(senders[j]);
        }
        end_of(target);
        CHECK(mode == KEEL_ALIAS_REPLY_DEMONITOR ? down + numbers == 1 : down);
        EXPECT_NO_MESSAGE();
        keel_scope_close(&scope);
    }
}

PROCESS_TEST("nothing sent through an alias comes after its DOWN", .ids = "PR-128")
{
    race_with_down(KEEL_ALIAS_DEMONITOR);
}

PROCESS_TEST(
        "an alias of mode reply_demonitor gives one reply or one DOWN", .ids = "PR-128")
{
    race_with_down(KEEL_ALIAS_REPLY_DEMONITOR);
}

static keel_term large_payload(void)
{
    uint8_t *bytes;
    keel_term binary = keel_binary_new(300000, &bytes);
    for (size_t i = 0; i < 300000; i++) {
        bytes[i] = (uint8_t)(i ^ i >> 8);
    }
    keel_term list = keel_nil();
    for (int i = 0; i < 20000; i++) {
        list = keel_cons(keel_make("{I, F}", i, i / 7.0), list);
    }
    return keel_make("{reply, B, #{list => L}}", binary, list);
}

static keel_term act_send_payload(keel_term to)
{
    CHECK_OK(keel_send(to, large_payload()));
    return KEEL_NONE;
}

PROCESS_TEST("a large payload comes through an alias unchanged", .ids = "PR-129")
{
    keel_pid pid;
    keel_ref alias = alias_monitor(&pid, KEEL_ALIAS_REPLY_DEMONITOR, false);
    tell(pid, act_send_payload, keel_from_ref(alias));
    CHECK(keel_equal(next_message(__FILE__, __LINE__), large_payload()));
    alias = keel_alias();
    tell(pid, act_send_payload, keel_from_ref(alias));
    CHECK(keel_equal(next_message(__FILE__, __LINE__), large_payload()));
    CHECK(keel_unalias(alias));
    end_process(pid);
}
