// Everything at once, from a seed: links, monitors, exits, kills, timers, aliases, names,
// suspends, with processes that come and go, and everybody's books balanced at the end.
// Under the simulator a replayed seed must take the same course, which every simulated
// test asserts.

#include "torture_actor.h"

enum { LIVES = 24 }; // mortals in all

static keel_pid spawn_mortal(int number, keel_ref *ret_monitor)
{
    keel_spawn_opts opts = {.name = mortal_name(number), .monitor = true};
    keel_pid pid;
    // The name is free: its last owner's DOWN has come, and nobody else takes it.
    CHECK_OK(keel_spawn_opt(mortal, KEEL_NONE, &opts, &pid, ret_monitor));
    return pid;
}

static void torture(void)
{
    keel_pid witnesses[WITNESSES], mortals[MORTALS];
    keel_ref deaths[MORTALS], ends[WITNESSES];
    int lives = 0, worn_out = 0;
    for (int i = 0; i < MORTALS; i++, lives++) {
        mortals[i] = spawn_mortal(i, &deaths[i]);
    }
    for (int i = 0; i < WITNESSES; i++) {
        witnesses[i] = keel_spawn_monitor(
                witness, keel_make("{Self, I}", keel_self(), i), &ends[i]);
    }
    while (worn_out < WITNESSES) {
        keel_scope scope = keel_scope_open();
        keel_term message = next_message(__FILE__, __LINE__), reason;
        keel_ref ref;
        keel_pid pid;
        if (keel_match(message, "{worn_out, _}")) {
            worn_out++;
        } else {
            CHECK_TERM(message, "{'DOWN', Ref, process, Pid, Reason}", &ref, &pid, &reason);
            CHECK(is_reason_of_torture(reason));
            int i = 0;
            while (i < MORTALS && !same_ref(deaths[i], ref)) {
                i++;
            }
            CHECK(i < MORTALS && same_pid(pid, mortals[i]));
            CHECK(no_pid(keel_whereis(mortal_name(i))));
            deaths[i] = (keel_ref){0};
            if (lives++ < LIVES) {
                mortals[i] = spawn_mortal(i, &deaths[i]);
            }
        }
        keel_scope_close(&scope);
    }
    for (int i = 0; i < MORTALS; i++) {
        if (!no_ref(deaths[i])) {
            keel_process_exit(mortals[i], keel_atom(kill));
            CHECK(is_reason_of_torture(await_down(deaths[i])));
        }
    }
    keel_term list = keel_nil();
    for (int i = 0; i < WITNESSES; i++) {
        list = keel_cons(keel_from_pid(witnesses[i]), list);
    }
    for (int i = 0; i < WITNESSES; i++) {
        keel_send(witnesses[i], keel_make("{finish, List}", list));
    }
    for (int i = 0; i < WITNESSES; i++) {
        EXPECT_MESSAGE("{settled, ^Pid}", witnesses[i]);
    }
    for (int i = 0; i < WITNESSES; i++) {
        keel_send(witnesses[i], keel_atom(finished));
        CHECK_TERM(await_down(ends[i]), "normal");
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("links, monitors, exits, timers, aliases and names under torture",
        .ids = "PR-073 PR-093 PR-135 PR-146 PR-213")
{
    torture();
}

THREADS_TEST("the torture again and again on threads")
{
    for (int i = 0; i < 30; i++) {
        keel_scope scope = keel_scope_open();
        torture();
        keel_scope_close(&scope);
    }
}
