// Registered names: PR-137 to PR-150.

#include "proc_testing.h"

#include <stdio.h>

PROCESS_TEST("a registered name finds its process and delivers to it", .ids = "PR-137")
{
    keel_pid pid = new_puppet();
    CHECK_OK(keel_register(keel_atom(by_name), pid));
    CHECK(same_pid(keel_whereis("by_name"), pid));
    CHECK(same_pid(keel_whereis(keel_atom(by_name)), pid));
    CHECK_OK(keel_send("by_name", keel_int(1)));
    CHECK_OK(keel_send(keel_atom(by_name), keel_int(2)));
    CHECK_OK(keel_send(keel_tuple_of(keel_atom(by_name), keel_node_self()), keel_int(3)));
    CHECK_OK(keel_send(pid, keel_int(4)));
    CHECK_TERM(ask(pid, act_messages, KEEL_NONE), "[1, 2, 3, 4]");
    end_process(pid);
}

PROCESS_TEST("nobody has a name that was not registered", .ids = "PR-138")
{
    CHECK(no_pid(keel_whereis("nobody_here")));
    CHECK(no_pid(keel_whereis(keel_atom(nobody_here))));
    CHECK(no_pid(keel_whereis("a text that was never an atom before")));
    CHECK(no_pid(keel_whereis(keel_int(1))));
    CHECK(no_pid(keel_whereis(KEEL_NONE)));
    CHECK(no_pid(keel_whereis(keel_atom(undefined))));
}

PROCESS_TEST("a taken name is refused, also to its own process", .ids = "PR-139")
{
    keel_pid pid = new_puppet(), other = new_puppet();
    CHECK_OK(keel_register(keel_atom(taken), pid));
    CHECK_INT(keel_register(keel_atom(taken), other), KEEL_E_TAKEN);
    CHECK_INT(keel_register(keel_atom(taken), pid), KEEL_E_TAKEN);
    CHECK(same_pid(keel_whereis("taken"), pid));
    CHECK_TERM(info_of(other, keel_atom(registered_name)), "[]");
    end_process(pid);
    end_process(other);
}

PROCESS_TEST("a process has one name at most", .ids = "PR-140")
{
    keel_pid pid = new_puppet();
    CHECK_OK(keel_register(keel_atom(first_name), pid));
    CHECK_INT(keel_register(keel_atom(second_name), pid), KEEL_E_TAKEN);
    CHECK(no_pid(keel_whereis("second_name")));
    CHECK(same_pid(keel_whereis("first_name"), pid));
    CHECK_TERM(info_of(pid, keel_atom(registered_name)), "first_name");
    end_process(pid);
}

PROCESS_TEST("a dead process gets no name", .ids = "PR-141")
{
    keel_pid dead = dead_pid();
    CHECK_INT(keel_register(keel_atom(late_name), dead), KEEL_E_NOPROC);
    CHECK(no_pid(keel_whereis("late_name")));
    CHECK_INT(keel_register(keel_atom(late_name), (keel_pid){0}), KEEL_E_BADARG);
    CHECK_INT(keel_register(keel_atom(late_name), (keel_pid){keel_int(1).word}),
            KEEL_E_BADARG);
    CHECK(no_pid(keel_whereis("late_name")));
}

PROCESS_TEST("reserved atoms and what is no atom are no names", .ids = "PR-142")
{
    const keel_term bad[] = {keel_atom(undefined), keel_atom(nil), keel_atom(true),
            keel_atom(false), keel_int(1), keel_nil(), keel_string("name"), KEEL_NONE,
            keel_from_pid(keel_self()), keel_make("{name, node}")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(keel_register(bad[i], keel_self()), KEEL_E_BADARG);
        CHECK_INT(keel_unregister(bad[i]), KEEL_E_BADARG);
    }
    CHECK_TERM(info_of(keel_self(), keel_atom(registered_name)), "[]");
}

PROCESS_TEST("unregistering frees a name; an unknown one is refused", .ids = "PR-143")
{
    keel_pid pid = new_puppet(), other = new_puppet();
    CHECK_INT(keel_unregister(keel_atom(loose)), KEEL_E_BADARG);
    CHECK_OK(keel_register(keel_atom(loose), pid));
    CHECK_OK(keel_unregister(keel_atom(loose)));
    CHECK(no_pid(keel_whereis("loose")));
    CHECK_INT(keel_unregister(keel_atom(loose)), KEEL_E_BADARG);
    CHECK_OK(keel_register(keel_atom(loose), other));
    CHECK_OK(keel_register(keel_atom(looser), pid));
    CHECK_INT(keel_send(keel_atom(nobody_here), keel_int(1)), KEEL_E_BADARG);
    end_process(pid);
    end_process(other);
}

PROCESS_TEST("a name is free when the DOWN of its process comes", .ids = "PR-144")
{
    keel_trap_exit(true);
    for (int i = 0; i < 60; i++) {
        keel_spawn_opts opts = {.name = keel_atom(passed_on), .link = i % 2};
        keel_pid pid;
        CHECK_OK(keel_spawn_opt(puppet, KEEL_NONE, &opts, &pid, NULL));
        keel_ref monitor = keel_monitor("passed_on");
        if (i % 3 == 0) {
            keel_process_exit(pid, keel_atom(kill));
        } else {
            tell(pid, act_exit, keel_atom(over));
        }
        if (i % 2) {
            EXPECT_MESSAGE("{'EXIT', ^Pid, _}", pid);
            CHECK(no_pid(keel_whereis("passed_on")));
            await_down(monitor);
        } else {
            await_down(monitor);
            CHECK(no_pid(keel_whereis("passed_on")));
        }
    }
}

// --- many at once ---

// Held by whoever owns the name; pairs with itself: two owners at once would see it held.
static int owners;

static void contend(keel_term observer)
{
    keel_send(observer, keel_atom(ready));
    EXPECT_NEXT("go");
    int owned = 0;
    for (int i = 0; i < 200; i++) {
        keel_status status = keel_register(keel_atom(contended), keel_self());
        if (status == KEEL_OK) {
            CHECK_INT(__atomic_fetch_add(&owners, 1, __ATOMIC_ACQ_REL), 0);
            CHECK(same_pid(keel_whereis("contended"), keel_self()));
            if (keel_random() % 2) {
                keel_yield();
            }
            CHECK(same_pid(keel_whereis("contended"), keel_self()));
            CHECK_INT(__atomic_fetch_sub(&owners, 1, __ATOMIC_ACQ_REL), 1);
            CHECK_OK(keel_unregister(keel_atom(contended)));
            owned++;
        } else {
            CHECK_INT(status, KEEL_E_TAKEN);
            CHECK(!same_pid(keel_whereis("contended"), keel_self()));
            if (keel_random() % 4 == 0) {
                keel_yield();
            }
        }
    }
    keel_send(observer, keel_make("{owned, N}", owned));
}

PROCESS_TEST("one process at a time has a name, however many want it", .ids = "PR-146")
{
    enum { COUNT = 10 };
    owners = 0;
    keel_pid pids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        pids[i] = keel_spawn(contend, keel_from_pid(keel_self()));
        EXPECT_NEXT("ready");
    }
    for (int i = 0; i < COUNT; i++) {
        keel_send(pids[i], keel_atom(go));
    }
    int total = 0;
    for (int i = 0; i < COUNT; i++) {
        int owned;
        EXPECT_NEXT("{owned, N}", &owned);
        total += owned;
        end_of(pids[i]);
    }
    CHECK(total > 0);
    CHECK(no_pid(keel_whereis("contended")));
}

static void take_and_die(keel_term unused)
{
    (void)unused;
    keel_register(keel_atom(fought_over), keel_self());
    if (keel_random() % 2) {
        keel_exit(keel_atom(over));
    }
}

PROCESS_TEST("a name is free again when all who fought for it have died", .ids = "PR-146")
{
    for (int turn = 0; turn < 20; turn++) {
        keel_ref monitors[12];
        for (int i = 0; i < 12; i++) {
            keel_spawn_monitor(take_and_die, KEEL_NONE, &monitors[i]);
        }
        for (int i = 0; i < 12; i++) {
            await_down(monitors[i]);
        }
        CHECK(no_pid(keel_whereis("fought_over")));
        CHECK_OK(keel_register(keel_atom(fought_over), keel_self()));
        CHECK_OK(keel_unregister(keel_atom(fought_over)));
    }
}

static size_t times_registered(keel_term name)
{
    keel_term list = keel_registered(), item;
    size_t times = 0;
    while (keel_list_next(&list, &item)) {
        times += keel_equal(item, name);
    }
    return times;
}

PROCESS_TEST("the list of names has each once", .ids = "PR-147")
{
    enum { COUNT = 40 };
    keel_pid pids[COUNT];
    keel_term names[COUNT];
    size_t before, after;
    CHECK(keel_list_length(keel_registered(), &before));
    for (int i = 0; i < COUNT; i++) {
        char text[32];
        int length = snprintf(text, sizeof text, "listed_%d", i);
        CHECK_OK(keel_atom_from(text, (size_t)length, &names[i]));
        pids[i] = new_puppet();
        CHECK_INT(times_registered(names[i]), 0);
        CHECK_OK(keel_register(names[i], pids[i]));
        CHECK_INT(times_registered(names[i]), 1);
    }
    CHECK(keel_list_length(keel_registered(), &after));
    CHECK_INT(after, before + COUNT);
    for (int i = 0; i < COUNT; i++) {
        if (i % 2) {
            end_process(pids[i]);
        } else {
            CHECK_OK(keel_unregister(names[i]));
        }
        CHECK_INT(times_registered(names[i]), 0);
    }
    for (int i = 0; i < COUNT; i += 2) {
        end_process(pids[i]);
    }
    CHECK(keel_list_length(keel_registered(), &after));
    CHECK_INT(after, before);
}

PROCESS_TEST("a send that may not be suspended is an ordinary one here", .ids = "PR-149")
{
    keel_pid pid = new_puppet();
    CHECK_OK(keel_register(keel_atom(near), pid));
    CHECK_OK(keel_send_nosuspend(keel_from_pid(pid), keel_int(1)));
    CHECK_OK(keel_send_nosuspend(keel_atom(near), keel_int(2)));
    CHECK_OK(keel_send_nosuspend(
            keel_tuple_of(keel_atom(near), keel_node_self()), keel_int(3)));
    CHECK_TERM(ask(pid, act_messages, KEEL_NONE), "[1, 2, 3]");
    end_process(pid);
    CHECK_OK(keel_send_nosuspend(keel_from_pid(pid), keel_int(4)));
    CHECK_INT(keel_send_nosuspend(keel_atom(near), keel_int(5)), KEEL_E_BADARG);
}

PROCESS_TEST("a name may move, and a send to it in between fails", .ids = "PR-150")
{
    keel_pid first = new_puppet(), second = new_puppet();
    CHECK_OK(keel_register(keel_atom(moving), first));
    CHECK_OK(keel_send("moving", keel_int(1)));
    CHECK_OK(keel_unregister(keel_atom(moving)));
    CHECK_INT(keel_send("moving", keel_int(2)), KEEL_E_BADARG);
    CHECK_INT(keel_send(keel_atom(moving), keel_int(2)), KEEL_E_BADARG);
    // By {Name, Node} it is swallowed, as in OTP.
    CHECK_OK(keel_send(keel_tuple_of(keel_atom(moving), keel_node_self()), keel_int(3)));
    CHECK_OK(keel_register(keel_atom(moving), second));
    CHECK_OK(keel_send("moving", keel_int(4)));
    CHECK_TERM(ask(first, act_messages, KEEL_NONE), "[1]");
    CHECK_TERM(ask(second, act_messages, KEEL_NONE), "[4]");
    CHECK_TERM(info_of(first, keel_atom(registered_name)), "[]");
    CHECK_TERM(info_of(second, keel_atom(registered_name)), "moving");
    end_process(first);
    end_process(second);
}

PROCESS_TEST("a process that loses its name may have another")
{
    keel_pid pid = new_puppet();
    for (int i = 0; i < 3; i++) {
        keel_term name = i % 2 ? keel_atom(odd_name) : keel_atom(even_name);
        CHECK_OK(keel_register(name, pid));
        CHECK(same_pid(keel_whereis_term(name), pid));
        CHECK_OK(keel_unregister(name));
        CHECK_TERM(info_of(pid, keel_atom(registered_name)), "[]");
    }
    end_process(pid);
}
