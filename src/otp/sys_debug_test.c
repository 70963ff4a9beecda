// Debugging one process: log, statistics, log to a file, installed functions.

#include "otp_testing.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static keel_term log_of(keel_pid pid)
{
    keel_term events = KEEL_NONE;
    CHECK_OK(keel_sys_log(pid, keel_atom(get), &events));
    return events;
}

static void play_some(keel_pid pid, int count)
{
    for (int i = 0; i < count; i++) {
        keel_call_or_exit(pid, ACT(play_get, keel_int(i)));
    }
}

PROCESS_TEST("the log keeps the last ten events, oldest first", .ids = "SY-036 SY-041")
{
    keel_pid pid = lone_actor(.state = keel_atom(st));
    CHECK_OK(keel_sys_log(pid, keel_atom(true), NULL));
    keel_cast(pid, keel_atom(hello));
    keel_send(pid, keel_atom(there));
    keel_call_or_exit(pid, ACT(play_get, KEEL_NONE));
    CHECK_OK(keel_sys_suspend(pid));
    CHECK_OK(keel_sys_resume(pid)); // system requests are no events
    CHECK_TERM(log_of(pid),
            "[{in, {'$gen_cast', hello}}, {noreply, st}, {in, there}, {noreply, st}, "
            "{in, {'$gen_call', {^Self, _}, {act, _, []}}}, {out, st, {^Self, _}, st}]",
            keel_self());
    play_some(pid, 20);
    keel_term events = log_of(pid);
    size_t length;
    CHECK(keel_list_length(events, &length));
    CHECK_INT(length, 10);
    CHECK_TERM(keel_head(events), "{in, {_, _, {act, _, 15}}}");
    stop_actor(pid);
}

PROCESS_TEST("the log may be given a length, keeps what fits, and is switched off",
        .ids = "SY-037 SY-039 SY-042")
{
    keel_pid pid = lone_actor();
    CHECK_OK(keel_sys_log(pid, keel_make("{true, 2}"), NULL));
    play_some(pid, 5);
    CHECK_TERM(log_of(pid), "[{in, {_, _, {act, _, 4}}}, {out, [], _, []}]");
    CHECK_OK(keel_sys_log(pid, keel_make("{true, 4}"), NULL)); // keeps what is there
    play_some(pid, 1);
    CHECK_TERM(log_of(pid), "[{in, {_, _, {act, _, 4}}}, _, {in, {_, _, {act, _, 0}}}, _]");
    CHECK_OK(keel_sys_log(pid, keel_make("{true, 1}"), NULL));
    CHECK_TERM(log_of(pid), "[{out, _, _, _}]");
    keel_term answer;
    keel_term bad = keel_make("[{true, 0}, {true, -1}, {true, many}, {true, 1.5}, full]");
    keel_term flag;
    while (keel_list_next(&bad, &flag)) {
        CHECK_INT(keel_sys_log(pid, flag, &answer), KEEL_E_REFUSED);
        CHECK_TERM(answer, "unknown_debug");
    }
    CHECK_TERM(log_of(pid), "[{out, _, _, _}]");
    CHECK_OK(keel_sys_log(pid, keel_atom(false), NULL));
    CHECK_TERM(log_of(pid), "[]");
    play_some(pid, 1);
    CHECK_TERM(log_of(pid), "[]");
    stop_actor(pid);
}

PROCESS_TEST("statistics count messages in and replies out", .ids = "SY-048 SY-049")
{
    keel_pid pid = lone_actor();
    CHECK_OK(keel_sys_statistics(pid, keel_atom(true), NULL));
    play_some(pid, 3);
    keel_cast(pid, keel_atom(x));
    keel_send(pid, keel_atom(y));
    keel_term statistics;
    CHECK_OK(keel_sys_statistics(pid, keel_atom(get), &statistics));
    CHECK_TERM(statistics, "[{start_time, {{_, _, _}, {_, _, _}}}, {current_time, {{_, _, "
                           "_}, {_, _, _}}}, "
                           "{reductions, _}, {messages_in, 5}, {messages_out, 3}]");
    stop_actor(pid);
}

PROCESS_TEST(
        "statistics that are off have no figures, and begin anew", .ids = "SY-051 SY-053")
{
    keel_pid pid = lone_actor();
    keel_term statistics;
    CHECK_OK(keel_sys_statistics(pid, keel_atom(get), &statistics));
    CHECK_TERM(statistics, "no_statistics");
    CHECK_OK(keel_sys_statistics(pid, keel_atom(true), NULL));
    play_some(pid, 2);
    CHECK_OK(keel_sys_statistics(pid, keel_atom(false), NULL));
    CHECK_OK(keel_sys_statistics(pid, keel_atom(true), NULL));
    CHECK_OK(keel_sys_statistics(pid, keel_atom(get), &statistics));
    CHECK_INT(keel_to_int(keel_proplist_get(statistics, keel_atom(messages_in))), 0);
    stop_actor(pid);
}

PROCESS_TEST("statistics and a trace that are on already go on as they are")
{
    keel_pid pid = lone_actor();
    keel_term statistics;
    CHECK_OK(keel_sys_statistics(pid, keel_atom(true), NULL));
    play_some(pid, 2);
    CHECK_OK(keel_sys_statistics(pid, keel_atom(true), NULL));
    CHECK_OK(keel_sys_statistics(pid, keel_atom(get), &statistics));
    CHECK_INT(keel_to_int(keel_proplist_get(statistics, keel_atom(messages_in))), 2);
    keel_term bad = keel_make("[{statistics, on}, {trace, 1}, {install, x}, {log, full}]");
    keel_term command;
    while (keel_list_next(&bad, &command)) {
        keel_term answer = KEEL_NONE;
        CHECK_OK(keel_sys_request(
                pid, keel_tuple_of(keel_atom(debug), command), KEEL_NEVER, &answer));
        CHECK_TERM(answer, "unknown_debug");
    }
    CHECK_OK(keel_sys_log(pid, keel_atom(print), NULL)); // of a log that is off: no line
    CHECK_OK(keel_sys_statistics(pid, keel_atom(get), &statistics));
    CHECK_INT(keel_to_int(keel_proplist_get(statistics, keel_atom(messages_out))), 2);
    stop_actor(pid);
}

// --- files ---

static void make_name(char *name, size_t size)
{
    const char *folder = getenv("TMPDIR");
    snprintf(name, size, "%s/keel-sys-XXXXXX", folder == NULL ? P_tmpdir : folder);
    int file = mkstemp(name);
    CHECK(file >= 0);
    close(file);
}

// Counts the lines of a file that contain `text`.
static int lines_with(const char *name, const char *text)
{
    FILE *file = fopen(name, "r");
    CHECK(file != NULL);
    char line[4096];
    int count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        CHECK(line[strlen(line) - 1] == '\n');
        count += strstr(line, text) != NULL;
    }
    fclose(file);
    return count;
}

PROCESS_TEST("events go to a file as lines, all of them, also when the server ends",
        .ids = "SY-043 SY-046 SY-047")
{
    char first[4000];
    char second[4000];
    make_name(first, sizeof first);
    make_name(second, sizeof second);
    keel_pid pid = lone_actor();
    CHECK_OK(keel_sys_log_to_file(pid, first));
    keel_cast(pid, keel_atom(to_the_first));
    CHECK_OK(keel_sys_log_to_file(pid, second));
    keel_cast(pid, keel_atom(to_the_second));
    CHECK_OK(keel_sys_log_to_file(pid, NULL));
    keel_cast(pid, keel_atom(to_nobody));
    CHECK_OK(keel_sys_log_to_file(pid, second));
    keel_cast(pid, keel_atom(to_the_end));
    CHECK_OK(keel_gen_server_stop(pid, keel_atom(normal), SOON));
    CHECK_INT(lines_with(first, "got cast to_the_first"), 1);
    CHECK_INT(lines_with(first, "to_the_second"), 0);
    CHECK_INT(lines_with(second, "to_nobody"), 0);
    CHECK_INT(lines_with(second, "got cast to_the_end"), 1);
    CHECK_INT(lines_with(second, "new state []"), 1);
    unlink(first);
    unlink(second);
}

PROCESS_TEST(
        "a file that cannot be opened is refused and nothing else changes", .ids = "SY-044")
{
    keel_pid pid = lone_actor();
    keel_term answer;
    CHECK_OK(keel_sys_log(pid, keel_atom(true), NULL));
    CHECK_INT(keel_sys_log_to_file(pid, "no such folder/file"), KEEL_E_REFUSED);
    CHECK_INT(keel_sys_debug_term(
                      keel_from_pid(pid), keel_atom(log_to_file), keel_int(1), &answer),
            KEEL_E_REFUSED);
    CHECK_TERM(answer, "open_file");
    play_some(pid, 1);
    CHECK_TERM(log_of(pid), "[_, _]");
    stop_actor(pid);
}

// --- installed functions ---

// Sends {event, Count, Event, State} to the pid in its state {Pid, Count}.
static keel_term watch(keel_term state, keel_term event, keel_term process_state)
{
    keel_term pid = keel_element(state, 0);
    int64_t count = keel_to_int(keel_element(state, 1));
    keel_send(pid, keel_make("{event, Count, Event, State}", count, event, process_state));
    return keel_tuple_of(pid, keel_int(count + 1));
}

static keel_term watch_twice(keel_term state, keel_term event, keel_term process_state)
{
    keel_term next = watch(state, event, process_state);
    return keel_to_int(keel_element(next, 1)) == 2 ? keel_atom(done) : next;
}

static keel_term watch_and_fail(keel_term state, keel_term event, keel_term process_state)
{
    watch(state, event, process_state);
    keel_error(keel_atom(blind));
}

static keel_term begin(void)
{
    return keel_tuple_of(keel_from_pid(keel_self()), keel_int(0));
}

PROCESS_TEST("an installed function sees each event in order, with the state it gave last",
        .ids = "SY-054 SY-061")
{
    keel_pid pid = lone_actor(.state = keel_atom(st));
    CHECK_OK(keel_sys_install(pid, KEEL_NONE, watch, begin()));
    keel_cast(pid, keel_atom(a));
    keel_call_or_exit(pid, ACT(play_get, KEEL_NONE));
    EXPECT_NEXT("{event, 0, {in, {'$gen_cast', a}}, st}");
    EXPECT_NEXT("{event, 1, {noreply, st}, st}");
    EXPECT_NEXT("{event, 2, {in, {'$gen_call', _, _}}, st}");
    EXPECT_NEXT("{event, 3, {out, st, _, st}, st}");
    stop_actor(pid);
}

PROCESS_TEST("a function that is done, or fails, is removed", .ids = "SY-055")
{
    keel_pid pid = lone_actor();
    CHECK_OK(keel_sys_install(pid, KEEL_NONE, watch_twice, begin()));
    CHECK_OK(keel_sys_install(pid, keel_atom(failing), watch_and_fail, begin()));
    play_some(pid, 3);
    EXPECT_NEXT("{event, 0, {in, _}, _}");
    EXPECT_NEXT("{event, 0, {in, _}, _}");
    EXPECT_NEXT("{event, 1, {out, _, _, _}, _}");
    EXPECT_NO_MESSAGE();
    stop_actor(pid);
}

PROCESS_TEST("installing twice keeps the first; removing takes the right one",
        .ids = "SY-058 SY-059")
{
    keel_pid pid = lone_actor();
    keel_term other = keel_tuple_of(keel_from_pid(keel_self()), keel_int(100));
    CHECK_OK(keel_sys_install(pid, keel_atom(id), watch, begin()));
    CHECK_OK(keel_sys_install(pid, keel_atom(id), watch, other));
    CHECK_OK(keel_sys_install(pid, KEEL_NONE, watch, other));
    CHECK_OK(keel_sys_install(pid, KEEL_NONE, watch, begin()));
    keel_cast(pid, keel_atom(a));
    EXPECT_NEXT("{event, 100, {in, _}, _}"); // the newest one is asked first
    EXPECT_NEXT("{event, 0, {in, _}, _}");
    EXPECT_NEXT("{event, 101, {noreply, _}, _}");
    EXPECT_NEXT("{event, 1, {noreply, _}, _}");
    CHECK_OK(keel_sys_remove(pid, keel_atom(unknown), NULL));
    CHECK_OK(keel_sys_remove(pid, KEEL_NONE, watch_twice));
    CHECK_OK(keel_sys_remove(pid, KEEL_NONE, watch));
    keel_cast(pid, keel_atom(b));
    EXPECT_NEXT("{event, 2, {in, _}, _}");
    EXPECT_NEXT("{event, 3, {noreply, _}, _}");
    CHECK_OK(keel_sys_remove(pid, keel_atom(id), NULL));
    play_some(pid, 1);
    EXPECT_NO_MESSAGE();
    stop_actor(pid);
}

PROCESS_TEST("no_debug turns everything off", .ids = "SY-060")
{
    char name[4000];
    make_name(name, sizeof name);
    keel_pid pid = lone_actor();
    CHECK_OK(keel_sys_install(pid, KEEL_NONE, watch, begin()));
    CHECK_OK(keel_sys_install(pid, keel_atom(id), watch, begin()));
    CHECK_OK(keel_sys_log(pid, keel_atom(true), NULL));
    CHECK_OK(keel_sys_statistics(pid, keel_atom(true), NULL));
    CHECK_OK(keel_sys_log_to_file(pid, name));
    CHECK_OK(keel_sys_no_debug(pid));
    play_some(pid, 2);
    EXPECT_NO_MESSAGE();
    CHECK_TERM(log_of(pid), "[]");
    keel_term statistics;
    CHECK_OK(keel_sys_statistics(pid, keel_atom(get), &statistics));
    CHECK_TERM(statistics, "no_statistics");
    keel_term status;
    CHECK_OK(keel_sys_get_status(pid, &status));
    CHECK_TERM(status, "{status, _, _, [_, running, _, [], _]}");
    CHECK_INT(lines_with(name, "got"), 0);
    unlink(name);
    stop_actor(pid);
}
