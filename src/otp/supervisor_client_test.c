// Asking supervisors that are not there, and threads outside that ask.

#include "otp_testing.h"

PROCESS_TEST(
        "whatever is asked of a supervisor that is gone fails with noproc", .ids = "SU-053")
{
    keel_pid gone = dead_pid();
    keel_child_spec spec = keel_child(&bare_server, keel_nil());
    keel_term answer = keel_atom(untouched);
    keel_child_counts counts;
    CHECK_INT(keel_supervisor_start_child(gone, &spec).status, KEEL_E_NOPROC);
    CHECK_INT(keel_supervisor_restart_child(gone, keel_atom(a)).status, KEEL_E_NOPROC);
    CHECK_INT(keel_supervisor_terminate_child(gone, keel_atom(a), &answer), KEEL_E_NOPROC);
    CHECK_INT(
            keel_supervisor_delete_child("nobody_here", keel_atom(a), NULL), KEEL_E_NOPROC);
    CHECK_INT(keel_supervisor_get_childspec(gone, keel_atom(a), &answer), KEEL_E_NOPROC);
    CHECK_INT(keel_supervisor_which_child(gone, keel_atom(a), &answer), KEEL_E_NOPROC);
    CHECK_INT(keel_supervisor_which_children(gone, &answer), KEEL_E_NOPROC);
    CHECK_INT(keel_supervisor_count_children(gone, &counts), KEEL_E_NOPROC);
    CHECK_INT(keel_supervisor_count_children(keel_int(1), &counts), KEEL_E_BADARG);
    CHECK_TERM(answer, "untouched");
}

static void supervise_and_wait(keel_term unused)
{
    (void)unused;
    keel_started started = keel_supervisor_start_link(NULL, 0, .name = keel_atom(outer));
    keel_gen_ack(keel_from_pid(started.pid));
    wait_forever(KEEL_NONE);
}

TEST("a thread outside adds children and asks about them")
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_pid parent;
    keel_term supervisor = KEEL_NONE;
    CHECK_OK(keel_start_body(
            supervise_and_wait, keel_nil(), NULL, KEEL_NEVER, &parent, NULL, &supervisor));
    keel_child_spec spec = keel_child(&bare_server, keel_nil());
    CHECK_OK(keel_supervisor_start_child("outer", &spec).status);
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    CHECK_INT(counts.active, 1);
    CHECK_OK(keel_supervisor_terminate_child("outer", keel_atom(bare), NULL));
    CHECK_OK(keel_supervisor_delete_child("outer", keel_atom(bare), NULL));
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(5)), NULL));
}
