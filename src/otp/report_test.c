// Reports of crashes.

#include "otp_testing.h"
#include "report.h"

// The {proc_lib, crash} report of the next crash: its Info, and its neighbours.
static keel_term next_crash(keel_term *ret_neighbours)
{
    keel_term info = KEEL_NONE;
    keel_term others = KEEL_NONE;
    EXPECT_MESSAGE("{report, 0, #{label := {proc_lib, crash}, report := [Info, Others]}}",
            &info, &others);
    if (ret_neighbours != NULL) {
        *ret_neighbours = others;
    }
    return info;
}

static keel_term item(keel_term info, const char *key)
{
    keel_term atom = KEEL_NONE;
    CHECK_OK(keel_atom_from(key, __builtin_strlen(key), &atom));
    return keel_proplist_get(info, atom);
}

static void fail_when_told(keel_term ack)
{
    keel_register(keel_atom(doomed), keel_self());
    keel_process_set_label(keel_make("{label, 1}"));
    keel_process_put(keel_atom(key), keel_atom(value));
    keel_send(keel_self(), keel_atom(left_over));
    keel_gen_ack(ack);
    keel_term reason;
    if (keel_receive_match(KEEL_NEVER, "{fail, Reason}", &reason) == KEEL_OK) {
        keel_error(reason);
    }
}

static keel_pid start_doomed(void)
{
    keel_report(KEEL_REPORT_DEBUG, keel_nil());
    kl_report_crashes();
    keel_pid pid;
    keel_term ack;
    CHECK_OK(keel_start_body(fail_when_told, keel_nil(), NULL, SOON, &pid, NULL, &ack));
    return pid;
}

PROCESS_TEST("an abnormal end makes one report, with everything about the process",
        .ids = "PL-033 PL-036 PL-046 PL-047 PL-001 PL-002 PL-003")
{
    catch_reports();
    CHECK_OK(keel_register(keel_atom(its_starter), keel_self()));
    keel_pid pid = start_doomed();
    EXPECT_MESSAGE("{report, 3, []}");
    CHECK_TERM(keel_process_get_label(pid), "{label, 1}");
    keel_ref monitor = keel_monitor(pid);
    keel_send(pid, keel_make("{fail, oops}"));
    CHECK_TERM(await_down(monitor), "{oops, [_ | _]}");
    keel_term info = next_crash(NULL);
    CHECK_TERM(item(info, "pid"), "^Pid", pid);
    CHECK_TERM(item(info, "registered_name"), "doomed");
    CHECK_TERM(item(info, "process_label"), "{label, 1}");
    CHECK_TERM(item(info, "error_info"), "{error, oops, [_ | _]}");
    CHECK_TERM(item(info, "ancestors"), "[its_starter | _]");
    CHECK_TERM(item(info, "message_queue_len"), "1");
    CHECK_TERM(item(info, "messages"), "[left_over]");
    CHECK_TERM(item(info, "links"), "[]");
    CHECK_TERM(item(info, "dictionary"), "[{key, value}]");
    CHECK_TERM(item(info, "trap_exit"), "false");
    CHECK(!keel_is_none(item(info, "initial_call")));
    CHECK(!keel_is_none(item(info, "status")));
    CHECK(keel_is_none(keel_process_get_label(pid)));
    EXPECT_NO_MESSAGE();
}

static void end_orderly(keel_term reason)
{
    keel_gen_ack(keel_nil());
    keel_exit(reason);
}

PROCESS_TEST("orderly ends and kills make no report", .ids = "PL-034 PL-040")
{
    catch_reports();
    kl_report_crashes();
    keel_term reasons = keel_make("[normal, shutdown, {shutdown, x}]");
    keel_term reason;
    keel_pid pid;
    keel_ref monitor;
    keel_term ack;
    keel_spawn_opts opts = {.monitor = true};
    while (keel_list_next(&reasons, &reason)) {
        CHECK_OK(keel_start_body(end_orderly, reason, &opts, SOON, &pid, &monitor, &ack));
        CHECK_EQUAL(await_down(monitor), reason);
    }
    pid = lone_actor();
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("the report shows the linked processes that do not trap exits",
        .ids = "PL-038 PL-047")
{
    catch_reports();
    keel_pid pid = start_doomed();
    keel_flush();
    keel_pid calm = new_puppet();
    keel_pid trapping = new_puppet();
    ask(trapping, act_trap_exit, keel_bool(true));
    ask(calm, act_link, keel_from_pid(pid));
    ask(trapping, act_link, keel_from_pid(pid));
    keel_send(pid, keel_make("{fail, oops}"));
    keel_term neighbours = KEEL_NONE;
    keel_term info = next_crash(&neighbours);
    size_t links = 0;
    CHECK(keel_list_length(item(info, "links"), &links));
    CHECK_INT(links, 2);
    keel_term neighbour = KEEL_NONE;
    CHECK(keel_match(neighbours, "[{neighbour, Neighbour}]", &neighbour));
    CHECK_TERM(item(neighbour, "pid"), "^Pid", calm);
    CHECK_TERM(item(neighbour, "trap_exit"), "false");
    CHECK_TERM(item(neighbour, "ancestors"), "[^Self | _]", keel_self());
    CHECK(keel_is_none(item(neighbour, "dictionary")));
    CHECK(keel_is_none(item(neighbour, "messages")));
    end_process(trapping);
    end_of(calm);
}

static uint64_t seen_crashes;

static void count_crash(const keel_crash *crash)
{
    CHECK(crash->pid.word != 0);
    __atomic_fetch_add(&seen_crashes, 1, __ATOMIC_SEQ_CST);
}

PROCESS_TEST("a program's own crash handler stays in place")
{
    seen_crashes = 0;
    keel_crash_handler before = keel_crash_handler_set(count_crash);
    keel_pid pid = lone_actor();
    keel_ref monitor = keel_monitor(pid);
    keel_cast(pid, ACT(play_stop, keel_atom(odd)));
    await_down(monitor);
    CHECK_INT(__atomic_load_n(&seen_crashes, __ATOMIC_SEQ_CST), 1);
    CHECK(keel_crash_handler_set(before) == count_crash);
}

PROCESS_TEST("with no reports at all ends are as they were, and nobody hears of them")
{
    catch_reports();
    keel_report_level_set(KEEL_REPORT_NONE);
    keel_pid pid = lone_actor();
    keel_ref monitor = keel_monitor(pid);
    keel_cast(pid, ACT(play_stop, keel_atom(odd)));
    CHECK_TERM(await_down(monitor), "odd");
    EXPECT_NO_MESSAGE();
    keel_report_level_set(KEEL_REPORT_DEBUG);
}

PROCESS_TEST("a crash that is handed over by hand becomes the same report")
{
    catch_reports();
    keel_report_crash(&(keel_crash){.pid = keel_self(),
            .reason = keel_make("{oops, []}"),
            .report = keel_make("#{messages => [late], links => []}"),
            .trace = ""});
    keel_term info = next_crash(NULL);
    CHECK_TERM(item(info, "pid"), "^Self", keel_self());
    CHECK_TERM(item(info, "error_info"), "{_, oops, _}");
    CHECK_TERM(item(info, "messages"), "[late]");
    EXPECT_NO_MESSAGE();
}

TEST("reports nobody wants need not be made")
{
    CHECK(kl_report_wanted(KEEL_REPORT_ERROR) && kl_report_wanted(KEEL_REPORT_WARNING));
    CHECK(!kl_report_wanted(KEEL_REPORT_INFO) && !kl_report_wanted(KEEL_REPORT_DEBUG));
    catch_reports();
    CHECK(kl_report_wanted(KEEL_REPORT_DEBUG));
    CHECK_INT(keel_report_level_set(KEEL_REPORT_ERROR), KEEL_REPORT_DEBUG);
    CHECK(kl_report_wanted(KEEL_REPORT_ERROR) && !kl_report_wanted(KEEL_REPORT_WARNING));
    CHECK_INT(keel_report_level_set(KEEL_REPORT_NONE), KEEL_REPORT_ERROR);
    CHECK(!kl_report_wanted(KEEL_REPORT_ERROR));
    CHECK_INT(keel_report_level_set(KEEL_REPORT_DEBUG), KEEL_REPORT_NONE);
    CHECK(keel_report_handler_set(NULL) != NULL);
    CHECK(!kl_report_wanted(KEEL_REPORT_DEBUG));
}
