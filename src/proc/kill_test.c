// Kill: PR-052 to PR-057 (what a process waits for is in exit_test.c).

#include "proc_testing.h"

PROCESS_TEST(
        "kill ends a process that traps exits, and monitors hear killed", .ids = "PR-052")
{
    keel_pid pid = new_puppet();
    ask(pid, act_trap_exit, keel_bool(true));
    keel_ref monitor = keel_monitor(pid);
    CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, killed}", monitor, pid);
}

PROCESS_TEST("who is linked to a killed process hears killed", .ids = "PR-053 PR-075")
{
    keel_trap_exit(true);
    keel_pid pid = keel_spawn_link(wait_forever, KEEL_NONE);
    keel_process_exit(pid, keel_atom(kill));
    EXPECT_NEXT("{'EXIT', ^Pid, killed}", pid);
}

// Links a chain of `length` puppets behind the killed one; the last is linked to the
// caller.
static void kill_chain(int length)
{
    keel_pid chain[11];
    keel_ref monitors[11];
    chain[0] = new_puppet();
    for (int i = 1; i <= length; i++) {
        chain[i] = keel_to_pid(ask(chain[i - 1], act_spawn_link_puppet, KEEL_NONE));
    }
    for (int i = 0; i <= length; i++) {
        monitors[i] = keel_monitor(chain[i]);
    }
    CHECK_OK(keel_link(chain[length]));
    keel_process_exit(chain[0], keel_atom(kill));
    for (int i = 0; i <= length; i++) {
        CHECK_TERM(await_down(monitors[i]), "killed");
    }
    EXPECT_MESSAGE("{'EXIT', ^Last, killed}", chain[length]);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a killed process takes a chain of linked ones along", .ids = "PR-054")
{
    keel_trap_exit(true);
    for (int length = 1; length <= 10; length++) {
        kill_chain(length);
    }
}

static void kill_itself(keel_term observer)
{
    keel_trap_exit(true);
    keel_process_exit(keel_self(), keel_atom(kill));
    keel_send(observer, keel_atom(went_on));
}

PROCESS_TEST("kill to itself ends the caller at once though it traps", .ids = "PR-056")
{
    keel_trap_exit(true);
    keel_spawn_opts opts = {.link = true, .monitor = true};
    keel_pid pid;
    keel_ref monitor;
    CHECK_OK(
            keel_spawn_opt(kill_itself, keel_from_pid(keel_self()), &opts, &pid, &monitor));
    CHECK_TERM(await_down(monitor), "killed");
    EXPECT_MESSAGE("{'EXIT', ^Pid, killed}", pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("only a signal kills: a process that exits with kill is no killer")
{
    keel_trap_exit(true);
    keel_pid pid = keel_spawn_link(exit_with, keel_atom(kill));
    EXPECT_NEXT("{'EXIT', ^Pid, kill}", pid);
    // A linked process that does not trap ends with the same reason.
    keel_pid linked = new_puppet();
    keel_ref monitor = keel_monitor(linked);
    keel_pid dying = keel_to_pid(ask(linked, act_spawn_link_puppet, KEEL_NONE));
    tell(dying, act_exit, keel_atom(kill));
    CHECK_TERM(await_down(monitor), "kill");
}

static void note_end(void *observer)
{
    keel_send((keel_pid){*(uint64_t *)observer}, keel_atom(deferred));
}

static void wait_with_clean_up(keel_term observer)
{
    uint64_t *word = keel_alloc(sizeof *word);
    *word = observer.word;
    CHECK_OK(keel_defer(note_end, word));
    keel_send(observer, keel_atom(ready));
    keel_receive();
    keel_send(observer, keel_atom(cleaned_up));
}

PROCESS_TEST("of a killed process only what it deferred runs", .ids = "PR-057")
{
    keel_ref monitor;
    keel_pid pid = keel_spawn_monitor(
            wait_with_clean_up, keel_from_pid(keel_self()), &monitor);
    EXPECT_NEXT("ready");
    keel_process_exit(pid, keel_atom(kill));
    EXPECT_NEXT("deferred");
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, killed}", monitor, pid);
    EXPECT_NO_MESSAGE();
}
