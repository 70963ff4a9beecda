// Supervisors: significant children and automatic shutdown.

#include "otp_testing.h"

static keel_pid start_significant(keel_auto_shutdown automatic, keel_restart restart)
{
    keel_child_spec children[] = {KID(a, .trap_exit = true), KID(b), KID(c)};
    for (size_t i = 1; i < 3; i++) {
        children[i].significant = automatic != KEEL_NEVER_SHUTDOWN;
        children[i].restart = restart;
    }
    keel_pid supervisor = new_supervisor(children, .auto_shutdown = automatic);
    keel_flush();
    return supervisor;
}

PROCESS_TEST("the end of any significant child shuts down", .ids = "SU-113 SU-115")
{
    keel_trap_exit(true);
    keel_term calm = keel_make("[normal, shutdown, {shutdown, x}]");
    keel_term reason;
    while (keel_list_next(&calm, &reason)) {
        keel_pid supervisor = start_significant(KEEL_ANY_SIGNIFICANT, KEEL_TRANSIENT);
        finish_actor(KID_OF(supervisor, b), reason);
        EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
        EXPECT_MESSAGE("{a, terminate, shutdown}");
        keel_flush();
    }
    // An abnormal end restarts a transient child, and shuts down after a temporary one.
    keel_pid supervisor = start_significant(KEEL_ANY_SIGNIFICANT, KEEL_TRANSIENT);
    end_process(KID_OF(supervisor, b));
    EXPECT_MESSAGE("{b, init, _}");
    stop_actor(supervisor);
    supervisor = start_significant(KEEL_ANY_SIGNIFICANT, KEEL_TEMPORARY);
    end_process(KID_OF(supervisor, b));
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
}

PROCESS_TEST("or that of the last one", .ids = "SU-114")
{
    keel_trap_exit(true);
    keel_restart kinds[] = {KEEL_TRANSIENT, KEEL_TEMPORARY};
    for (int kind = 0; kind < 2; kind++) {
        keel_pid supervisor = start_significant(KEEL_ALL_SIGNIFICANT, kinds[kind]);
        finish_actor(KID_OF(supervisor, b), keel_atom(normal));
        CHECK(!no_pid(KID_OF(supervisor, a)));
        finish_actor(KID_OF(supervisor, c), keel_atom(normal));
        EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
        EXPECT_MESSAGE("{a, terminate, shutdown}");
        keel_flush();
    }
}

PROCESS_TEST("others do not count, nor does a stop by hand", .ids = "SU-112 SU-116")
{
    keel_trap_exit(true);
    keel_pid supervisor = start_significant(KEEL_ANY_SIGNIFICANT, KEEL_TRANSIENT);
    keel_child_spec plain = KID(plain);
    plain.restart = KEEL_TEMPORARY;
    CHECK_OK(keel_supervisor_start_child(supervisor, &plain).status);
    finish_actor(KID_OF(supervisor, plain), keel_atom(normal));
    CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(b), NULL));
    CHECK(!no_pid(KID_OF(supervisor, a)));
    stop_actor(supervisor);
    supervisor = start_significant(KEEL_NEVER_SHUTDOWN, KEEL_TRANSIENT);
    finish_actor(KID_OF(supervisor, b), keel_atom(normal));
    CHECK(!no_pid(KID_OF(supervisor, a)));
    stop_actor(supervisor);
}

static keel_term significant_tree(keel_term unused)
{
    (void)unused;
    keel_child_spec child = keel_child(&actor_server,
            keel_make("{actor, leaf, [], false, none, [], none}"), .id = keel_atom(leaf),
            .restart = KEEL_TRANSIENT, .significant = true);
    return keel_supervisor_init(&child, 1, .auto_shutdown = KEEL_ANY_SIGNIFICANT);
}

static const keel_supervisor significant = {.name = "inner", .init = significant_tree};

PROCESS_TEST(
        "automatic shutdown goes up a tree as far as it is significant", .ids = "SU-119")
{
    keel_trap_exit(true);
    for (int matters = 0; matters < 2; matters++) {
        keel_child_spec inner = keel_child_supervisor(&significant, keel_nil(),
                .restart = KEEL_TRANSIENT, .significant = matters);
        keel_pid outer = actor_started(keel_supervisor_start_link(
                &inner, 1, .auto_shutdown = KEEL_ANY_SIGNIFICANT));
        finish_actor(KID_OF(KID_OF(outer, inner), leaf), keel_atom(normal));
        if (matters) {
            EXPECT_NEXT("{'EXIT', ^Pid, shutdown}", outer);
        } else {
            // Its own shutdown has begun by the time the leaf is gone; wait for its end.
            keel_pid gone = KID_OF(outer, inner);
            if (!no_pid(gone)) {
                end_of(gone);
            }
            CHECK_TERM(children_of(outer), "[{inner, undefined, _, _}]");
            stop_actor(outer);
        }
    }
}

PROCESS_TEST("stopped by hand, not even the last significant child shuts down")
{
    keel_trap_exit(true);
    keel_auto_shutdown ways[] = {KEEL_ANY_SIGNIFICANT, KEEL_ALL_SIGNIFICANT};
    keel_restart kinds[] = {KEEL_TRANSIENT, KEEL_TEMPORARY};
    for (int i = 0; i < 4; i++) {
        keel_pid supervisor = start_significant(ways[i % 2], kinds[i / 2]);
        CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(b), NULL));
        CHECK_OK(keel_supervisor_terminate_child(supervisor, keel_atom(c), NULL));
        CHECK(!no_pid(KID_OF(supervisor, a)));
        CHECK(keel_process_alive(supervisor));
        stop_actor(supervisor);
    }
}

PROCESS_TEST("nor does a significant child that a sibling's restart has stopped")
{
    keel_trap_exit(true);
    keel_strategy strategies[] = {KEEL_ONE_FOR_ALL, KEEL_REST_FOR_ONE};
    keel_auto_shutdown ways[] = {KEEL_ANY_SIGNIFICANT, KEEL_ALL_SIGNIFICANT};
    for (int i = 0; i < 4; i++) {
        keel_child_spec children[] = {KID(a), KID(b), KID(c)};
        for (int j = 0; j < 3; j++) {
            children[j].restart = KEEL_TRANSIENT;
            children[j].significant = j != 1;
        }
        keel_pid supervisor = new_supervisor(
                children, .strategy = strategies[i % 2], .auto_shutdown = ways[i / 2]);
        keel_flush();
        keel_pid c = KID_OF(supervisor, c);
        end_process(KID_OF(supervisor, b));
        CHECK(!same_pid(KID_OF(supervisor, c), c));
        CHECK_TERM(children_of(supervisor), "[{c, _, _, _}, {b, _, _, _}, {a, _, _, _}]");
        CHECK(!no_pid(KID_OF(supervisor, a)) && !no_pid(KID_OF(supervisor, c)));
        stop_actor(supervisor);
    }
}
