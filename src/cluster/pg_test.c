// Process groups on one node: GL-049 to GL-074.

#include "proc/proc_testing.h"
#include <keel/pg.h>

#define LOCAL(group) keel_pg_local_members(KEEL_NONE, keel_atom(group))
#define MEMBERS(group) keel_pg_members(KEEL_NONE, keel_atom(group))

static keel_pid begin(void)
{
    keel_started started = keel_pg_start_link(KEEL_NONE);
    CHECK_OK(started.status);
    return started.pid;
}

static void end(keel_pid scope)
{
    CHECK_OK(keel_unlink(scope));
    end_process(scope);
}

static size_t length(keel_term list)
{
    size_t count;
    CHECK(keel_list_length(list, &count));
    return count;
}

PROCESS_TEST("scopes are independent, and each runs once", .ids = "GL-049 GL-062")
{
    keel_pid scope = begin();
    keel_started again = keel_pg_start_link(KEEL_NONE);
    CHECK_INT(again.status, KEEL_E_TAKEN);
    CHECK(same_pid(again.pid, scope));
    CHECK(same_pid(keel_pg_start_link(keel_nil()).pid, scope)); // as a child's argument is
    keel_started other = keel_pg_start(keel_atom(another));
    CHECK_OK(other.status);
    keel_term self = keel_from_pid(keel_self());
    CHECK_OK(keel_pg_join(keel_atom(another), keel_atom(a), self));
    CHECK_TERM(MEMBERS(a), "[]");
    CHECK_TERM(keel_pg_members(keel_atom(another), keel_atom(a)), "[_]");
    end_process(other.pid);
    CHECK_TERM(keel_pg_members(keel_atom(another), keel_atom(a)), "[]");
    CHECK_INT(keel_pg_join(keel_atom(another), keel_atom(a), self), KEEL_E_NOPROC);
    CHECK_INT(keel_pg_leave(keel_atom(another), keel_atom(a), self), KEEL_E_NOPROC);
    end(scope);
}

PROCESS_TEST("members count as often as they join, and a group is there while it has any",
        .ids = "GL-050 GL-051 GL-052 GL-055 GL-056 GL-061 GL-063")
{
    keel_pid scope = begin();
    keel_term self = keel_from_pid(keel_self());
    keel_pid other = new_puppet();
    CHECK_TERM(keel_pg_groups(KEEL_NONE), "[]");
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(a), self));
    CHECK_OK(keel_pg_join(
            KEEL_NONE, keel_atom(a), keel_list_of(self, keel_from_pid(other))));
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_make("{b, [1]}"), self));
    CHECK_INT(length(MEMBERS(a)), 3);
    CHECK_INT(length(LOCAL(a)), 3);
    CHECK_INT(length(keel_pg_groups(KEEL_NONE)), 2);
    CHECK_OK(keel_pg_leave(KEEL_NONE, keel_atom(a), self));
    CHECK_INT(length(MEMBERS(a)), 2);
    CHECK_OK(keel_pg_leave(KEEL_NONE, keel_atom(a), keel_list_of(self, self)));
    CHECK_INT(keel_pg_leave(KEEL_NONE, keel_atom(a), self), KEEL_E_CANCELED);
    CHECK_TERM(keel_pg_members(KEEL_NONE, keel_make("{b, [1]}")), "[^Self]", self);
    CHECK_OK(keel_pg_leave(KEEL_NONE, keel_make("{b, [1]}"), self));
    CHECK_TERM(keel_pg_groups(KEEL_NONE), "[a]");
    CHECK_TERM(MEMBERS(nothing), "[]");
    CHECK_INT(keel_pg_join(KEEL_NONE, keel_atom(a), keel_atom(nobody)), KEEL_E_BADARG);
    end_process(other);
    end(scope);
}

PROCESS_TEST("who ends leaves all its groups, and the dead do not stay",
        .ids = "GL-057 GL-059 GL-071")
{
    keel_pid scope = begin();
    keel_pid a = new_puppet();
    keel_ref ref;
    keel_term groups;
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), keel_make("[P, P]", a)));
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(h), keel_from_pid(a)));
    CHECK_OK(keel_pg_monitor_scope(KEEL_NONE, &ref, &groups));
    CHECK_TERM(groups, "#{g := [^P, ^Q], h := [^R]}", a, a, a);
    end_process(a);
    EXPECT_MESSAGE("{^Ref, leave, g, [^P, ^Q]}", ref, a, a);
    EXPECT_MESSAGE("{^Ref, leave, h, [^P]}", ref, a);
    CHECK_TERM(keel_pg_groups(KEEL_NONE), "[]");
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), keel_from_pid(a)));
    EXPECT_MESSAGE("{^Ref, join, g, [_]}", ref);
    EXPECT_MESSAGE("{^Ref, leave, g, [_]}", ref);
    CHECK_TERM(keel_pg_groups(KEEL_NONE), "[]");
    CHECK(keel_pg_demonitor(KEEL_NONE, ref));
    CHECK(!keel_pg_demonitor(KEEL_NONE, ref));
    end(scope);
}

PROCESS_TEST("monitors tell each change once, to each monitor",
        .ids = "GL-067 GL-068 GL-069 GL-073 GL-074")
{
    keel_pid scope = begin();
    keel_pid a = new_puppet();
    keel_term members, pid = keel_from_pid(a);
    keel_ref one, all;
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), pid));
    CHECK_OK(keel_pg_monitor(KEEL_NONE, keel_atom(g), &one, &members));
    CHECK_TERM(members, "[^P]", a);
    CHECK_OK(keel_pg_monitor_scope(KEEL_NONE, &all, NULL));
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), keel_list_of(pid, pid)));
    EXPECT_MESSAGE("{^Ref, join, g, [^P, ^Q]}", one, a, a);
    EXPECT_MESSAGE("{^Ref, join, g, [^P, ^Q]}", all, a, a);
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(h), pid));
    EXPECT_MESSAGE("{^Ref, join, h, [^P]}", all, a);
    CHECK_OK(keel_pg_leave(KEEL_NONE, keel_atom(g), pid));
    EXPECT_MESSAGE("{^Ref, leave, g, [^P]}", one, a);
    EXPECT_MESSAGE("{^Ref, leave, g, [^P]}", all, a);
    EXPECT_NO_MESSAGE();
    CHECK(keel_pg_demonitor(KEEL_NONE, one));
    CHECK(keel_pg_demonitor(KEEL_NONE, all));
    end_process(a);
    CHECK_TERM(MEMBERS(g), "[]");
    EXPECT_NO_MESSAGE();
    end(scope);
}

PROCESS_TEST("to meet oneself is to meet nobody", .ids = "GL-065")
{
    keel_pid scope = begin();
    keel_term self = keel_from_pid(keel_self());
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), self));
    CHECK_OK(keel_send(scope, keel_make("{nodeup, Node}", keel_node_self())));
    CHECK_OK(keel_send(scope, keel_make("{discover, Scope}", scope)));
    CHECK_OK(keel_gen_cast(
            keel_from_pid(scope), keel_make("{sync, Scope, [{g, [Self]}]}", scope, self)));
    CHECK_TERM(MEMBERS(g), "[^Self]", self);
    CHECK_TERM(LOCAL(g), "[^Self]", self);
    CHECK_TERM(keel_pg_groups(KEEL_NONE), "[g]");
    end(scope);
}

static void join_and_leave(keel_term round)
{
    keel_term self = keel_from_pid(keel_self());
    for (int i = 0; i < 10; i++) {
        CHECK_OK(keel_pg_join(KEEL_NONE, keel_int(i % 3), self));
        if ((i + keel_to_int(round)) % 2 == 0) {
            CHECK_OK(keel_pg_leave(KEEL_NONE, keel_int(i % 3), self));
        }
    }
}

PROCESS_TEST("many that join, leave and end leave nothing behind", .ids = "GL-064")
{
    keel_pid scope = begin();
    enum { MANY = 50 };
    keel_ref monitors[MANY];
    for (int i = 0; i < MANY; i++) {
        keel_spawn_monitor(join_and_leave, keel_int(i), &monitors[i]);
    }
    for (int i = 0; i < MANY; i++) {
        CHECK_TERM(await_down(monitors[i]), "normal");
    }
    keel_ref ref;
    keel_term groups;
    CHECK_OK(keel_pg_monitor_scope(KEEL_NONE, &ref, &groups));
    while (keel_map_size(groups) > 0) {
        EXPECT_MESSAGE("{^Ref, leave, _, _}", ref);
        CHECK(keel_pg_demonitor(KEEL_NONE, ref));
        CHECK_OK(keel_pg_monitor_scope(KEEL_NONE, &ref, &groups));
        keel_flush();
    }
    CHECK(keel_pg_demonitor(KEEL_NONE, ref));
    keel_flush();
    end(scope);
}

PROCESS_TEST("a scope monitored no longer leaves nothing in the mailbox")
{
    keel_pid scope = begin();
    keel_term self = keel_from_pid(keel_self());
    keel_ref one, all;
    CHECK_OK(keel_pg_monitor(KEEL_NONE, keel_atom(g), &one, NULL));
    CHECK_OK(keel_pg_monitor_scope(KEEL_NONE, &all, NULL));
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), self));
    CHECK_OK(keel_send(self, keel_make("{Ref, kept}", one)));
    CHECK_OK(keel_pg_leave(KEEL_NONE, keel_atom(g), self));
    CHECK(keel_pg_demonitor(KEEL_NONE, one));
    EXPECT_MESSAGE("{^Ref, join, g, [_]}", all); // that of the other monitor stays
    EXPECT_MESSAGE("{^Ref, kept}", one);
    EXPECT_MESSAGE("{^Ref, leave, g, [_]}", all);
    CHECK(keel_pg_demonitor(KEEL_NONE, all));
    CHECK(!keel_pg_demonitor(KEEL_NONE, keel_make_ref()));
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), self));
    EXPECT_NO_MESSAGE();
    end(scope);
}

PROCESS_TEST("a monitor of a group without members hears of the first, not of other groups")
{
    keel_pid scope = begin();
    keel_term members, self = keel_from_pid(keel_self());
    keel_ref ref;
    CHECK_OK(keel_pg_monitor(KEEL_NONE, keel_atom(g), &ref, &members));
    CHECK_TERM(members, "[]");
    CHECK_TERM(keel_pg_groups(KEEL_NONE), "[]"); // to be watched makes no group
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(h), self));
    CHECK_INT(keel_pg_leave(KEEL_NONE, keel_atom(g), self), KEEL_E_CANCELED);
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), self));
    EXPECT_MESSAGE("{^Ref, join, g, [^Self]}", ref, self);
    EXPECT_NO_MESSAGE();
    end(scope);
}

PROCESS_TEST("a list leaves in its order, and those of it that are members")
{
    keel_pid scope = begin(), a = new_puppet(), b = new_puppet(), c = new_puppet();
    keel_ref ref;
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), keel_make("[A, A, B]", a, b)));
    CHECK_OK(keel_pg_monitor(KEEL_NONE, keel_atom(g), &ref, NULL));
    CHECK_OK(keel_pg_leave(KEEL_NONE, keel_atom(g), keel_make("[A, C, B]", a, c, b)));
    EXPECT_MESSAGE("{^Ref, leave, g, [^A, ^B]}", ref, a, b);
    CHECK_TERM(MEMBERS(g), "[^A]", a);
    CHECK_INT(keel_pg_leave(KEEL_NONE, keel_atom(g), keel_make("[B, C]", b, c)),
            KEEL_E_CANCELED);
    CHECK_INT(keel_pg_leave(KEEL_NONE, keel_atom(g), keel_nil()), KEEL_E_CANCELED);
    CHECK_OK(keel_pg_leave(KEEL_NONE, keel_atom(g), keel_make("[A, A]", a)));
    CHECK_TERM(keel_pg_local_groups(KEEL_NONE), "[]");
    CHECK_INT(keel_pg_leave(KEEL_NONE, keel_atom(nothing), keel_from_pid(a)),
            KEEL_E_CANCELED);
    end_process(a);
    end_process(b);
    end_process(c);
    end(scope);
}

PROCESS_TEST("one that leaves while its end is told of leaves once")
{
    keel_pid scope = begin();
    for (int i = 0; i < 10; i++) {
        keel_pid pid = new_puppet();
        CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), keel_from_pid(pid)));
        CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
        keel_status status = keel_pg_leave(KEEL_NONE, keel_atom(g), keel_from_pid(pid));
        CHECK(status == KEEL_OK || status == KEEL_E_CANCELED);
        CHECK_TERM(MEMBERS(g), "[]");
    }
    CHECK(keel_process_alive(scope));
    end(scope);
}

PROCESS_TEST("a scope that starts again knows nobody of before")
{
    keel_pid scope = begin();
    keel_term self = keel_from_pid(keel_self());
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), self));
    CHECK_TERM(keel_pg_local_groups(KEEL_NONE), "[g]");
    end(scope);
    CHECK_TERM(keel_pg_local_groups(KEEL_NONE), "[]");
    scope = begin();
    CHECK_TERM(MEMBERS(g), "[]");
    CHECK_TERM(keel_pg_groups(KEEL_NONE), "[]");
    CHECK_INT(keel_pg_leave(KEEL_NONE, keel_atom(g), self), KEEL_E_CANCELED);
    end(scope);
}

PROCESS_TEST("a scope ends by what it does not know")
{
    keel_term reply, reason;
    keel_ref ref;
    for (int i = 0; i < 3; i++) {
        keel_started started = keel_pg_start(KEEL_NONE);
        CHECK_OK(started.status);
        ref = keel_monitor(started.pid);
        if (i == 0) {
            CHECK_INT(keel_gen_call(keel_atom(pg), keel_atom(garbage), KEEL_NEVER, &reply),
                    KEEL_E_EXIT);
        } else if (i == 1) {
            CHECK_OK(keel_gen_cast(keel_atom(pg), keel_atom(garbage)));
        } else {
            CHECK_OK(keel_send(keel_atom(pg), keel_atom(garbage)));
        }
        reason = await_down(ref);
        CHECK_TERM(reason, "{badarg, [_ | _]}");
    }
}
