// Group leader, ancestry, flags, priorities: PR-240 to PR-243.

#include "proc_testing.h"

#include <string.h>

static keel_term act_group_leader(keel_term unused)
{
    (void)unused;
    keel_pid leader = keel_group_leader();
    return no_pid(leader) ? keel_atom(none) : keel_from_pid(leader);
}

PROCESS_TEST("the group leader is inherited and can be changed for another process",
        .ids = "PR-240")
{
    keel_pid leader = new_puppet(), pid = new_puppet();
    CHECK_OK(keel_group_leader_set(leader, pid));
    CHECK_TERM(info_of(pid, keel_atom(group_leader)), "^Leader", leader);
    CHECK_TERM(ask(pid, act_group_leader, KEEL_NONE), "^Leader", leader);
    keel_pid child = keel_to_pid(ask(pid, act_spawn_puppet, KEEL_NONE));
    CHECK_TERM(ask(child, act_group_leader, KEEL_NONE), "^Leader", leader);
    // The parent's later change leaves the child as it was.
    CHECK_OK(keel_group_leader_set(pid, pid));
    CHECK_TERM(info_of(pid, keel_atom(group_leader)), "^Pid", pid);
    CHECK_TERM(info_of(child, keel_atom(group_leader)), "^Leader", leader);
    CHECK_OK(keel_group_leader_set(leader, keel_self()));
    CHECK(same_pid(keel_group_leader(), leader));
    end_process(child);
    end_process(pid);
    end_process(leader);
}

PROCESS_TEST("the dead and what is no pid get no group leader", .ids = "PR-241")
{
    keel_pid dead = dead_pid(), self = keel_self(), none = {0};
    keel_pid atom = {keel_atom(leader).word};
    CHECK_INT(keel_group_leader_set(self, dead), KEEL_E_BADARG);
    CHECK_INT(keel_group_leader_set(self, none), KEEL_E_BADARG);
    CHECK_INT(keel_group_leader_set(self, atom), KEEL_E_BADARG);
    keel_pid before = keel_group_leader();
    CHECK_INT(keel_group_leader_set(atom, self), KEEL_E_BADARG);
    CHECK_INT(keel_group_leader_set(none, self), KEEL_E_BADARG);
    CHECK(same_pid(keel_group_leader(), before));
}

PROCESS_TEST("unknown flags and bad values are refused, valid ones give the old value",
        .ids = "PR-242")
{
    keel_term old = keel_atom(untouched);
    const keel_term bad[][2] = {
            {keel_atom(no_such_flag), keel_bool(true)},
            {keel_atom(trap_exit), keel_atom(maybe)},
            {keel_atom(trap_exit), keel_int(1)},
            {keel_atom(priority), keel_atom(urgent)},
            {keel_atom(priority), keel_int(1)},
            {keel_atom(max_heap_size), keel_int(-1)},
            {keel_atom(max_heap_size), keel_atom(none)},
            {keel_atom(message_queue_limit), keel_int(-1)},
            {keel_atom(message_queue_limit), keel_float(1.0)},
            {keel_int(1), keel_bool(true)},
            {KEEL_NONE, keel_bool(true)},
            {keel_atom(trap_exit), KEEL_NONE},
            {keel_atom(priority), KEEL_NONE},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(keel_process_flag(bad[i][0], bad[i][1], &old), KEEL_E_BADARG);
        CHECK_INT(keel_process_flag(bad[i][0], bad[i][1], NULL), KEEL_E_BADARG);
    }
    CHECK_TERM(old, "untouched");
    CHECK_TERM(info_of(keel_self(), keel_atom(trap_exit)), "false");
    CHECK_TERM(info_of(keel_self(), keel_atom(priority)), "normal");

    CHECK_OK(keel_process_flag(keel_atom(trap_exit), keel_bool(true), &old));
    CHECK_TERM(old, "false");
    CHECK_OK(keel_process_flag(keel_atom(max_heap_size), keel_int(1 << 30), &old));
    CHECK_TERM(old, "0");
    CHECK_OK(keel_process_flag(keel_atom(max_heap_size), keel_int(0), &old));
    CHECK_TERM(old, "^N", 1 << 30);
    CHECK_OK(keel_process_flag(keel_atom(message_queue_limit), keel_int(1000), &old));
    CHECK_TERM(old, "0");
    CHECK_OK(keel_process_flag(keel_atom(message_queue_limit), keel_int(0), &old));
    CHECK_TERM(old, "1000");
}

PROCESS_TEST("priority is low, normal, high or max", .ids = "PR-243 PR-242")
{
    const char *names[] = {"low", "high", "max", "normal"};
    keel_term old, previous = keel_atom(normal);
    for (int i = 0; i < 4; i++) {
        keel_term next;
        CHECK_OK(keel_atom_existing(names[i], strlen(names[i]), &next));
        CHECK_OK(keel_process_flag(keel_atom(priority), next, &old));
        CHECK_EQUAL(old, previous);
        CHECK_TERM(info_of(keel_self(), keel_atom(priority)), "^Next", next);
        previous = next;
    }
    const keel_priority priorities[] = {
            KEEL_LOW_PRIORITY, KEEL_NORMAL_PRIORITY, KEEL_HIGH_PRIORITY, KEEL_MAX_PRIORITY};
    const char *expected[] = {"low", "normal", "high", "max"};
    for (int i = 0; i < 4; i++) {
        keel_spawn_opts opts = {.priority = priorities[i]};
        keel_pid pid;
        CHECK_OK(keel_spawn_opt(puppet, KEEL_NONE, &opts, &pid, NULL));
        CHECK_STR(keel_atom_name(info_of(pid, keel_atom(priority))), expected[i]);
        end_process(pid);
    }
}

static void compute_forever(keel_term unused)
{
    (void)unused;
    for (;;) {
        keel_yield();
    }
}

static void count_to_a_thousand(keel_term observer)
{
    for (int i = 0; i < 1000; i++) {
        keel_yield();
    }
    keel_send(observer, keel_atom(counted));
}

PROCESS_TEST("a process of low priority gets on while others are busy", .ids = "PR-243")
{
    keel_pid busy[6], low;
    for (int i = 0; i < 6; i++) {
        busy[i] = keel_spawn(compute_forever, KEEL_NONE);
    }
    keel_spawn_opts opts = {.priority = KEEL_LOW_PRIORITY};
    CHECK_OK(keel_spawn_opt(
            count_to_a_thousand, keel_from_pid(keel_self()), &opts, &low, NULL));
    EXPECT_NEXT("counted");
    end_of(low);
    for (int i = 0; i < 6; i++) {
        end_process(busy[i]);
    }
}

static void tell_ancestors(keel_term to)
{
    keel_send(to, keel_make("{ancestors, List}", keel_ancestors()));
    wait_forever(KEEL_NONE);
}

static keel_term act_spawn_teller(keel_term to)
{
    return keel_from_pid(keel_spawn(tell_ancestors, to));
}

PROCESS_TEST("ancestors are named from the parent upwards")
{
    keel_pid first = new_puppet(),
             named = keel_to_pid(ask(first, act_spawn_puppet, KEEL_NONE));
    CHECK_OK(keel_register(keel_atom(middle), named));
    keel_pid last = keel_to_pid(ask(named, act_spawn_teller, keel_from_pid(keel_self())));
    keel_term list;
    EXPECT_NEXT("{ancestors, List}", &list);
    CHECK_TERM(list, "[middle, ^First, ^Self | _]", first, keel_self());
    end_process(last);
    end_process(named);
    end_process(first);
}
