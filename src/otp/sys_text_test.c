// Traces: what the lines say.

#include "otp_testing.h"
#include "sys.h"
#include <stdio.h>
#include <string.h>

static uint64_t tracer; // the pid's word

static void take_line(void *context, const char *line)
{
    CHECK(context == &tracer);
    keel_pid pid = {__atomic_load_n(&tracer, __ATOMIC_RELAXED)};
    keel_send(pid, keel_tuple_of(keel_atom(line), keel_string(line)));
}

static void catch_lines(void)
{
    __atomic_store_n(&tracer, keel_self().word, __ATOMIC_RELAXED);
    keel_sys_trace_sink_set(take_line, &tracer);
}

// The next line must be this one.
static void expect_line(const char *expected)
{
    keel_term line = KEEL_NONE;
    EXPECT_MESSAGE("{line, Line}", &line);
    CHECK_EQUAL(line, keel_string(expected));
}

PROCESS_TEST("a trace has a line for every message in, reply out and new state",
        .ids = "SY-033 SY-034 SY-035")
{
    catch_lines();
    keel_pid pid = actor_started(keel_gen_server_start(
            &actor_server, ACTOR(.state = keel_atom(st)), .name = keel_atom(traced)));
    CHECK_OK(keel_sys_trace(pid, true));
    CHECK_OK(keel_sys_trace(pid, true));
    keel_cast(pid, keel_make("{hello, 1}"));
    keel_send(pid, keel_atom(there));
    CHECK_TERM(keel_call_or_exit(pid, keel_atom(what)), "{unknown, what}");
    char text[256];
    const char *self = keel_show(keel_from_pid(keel_self()));
    expect_line("traced got cast {hello,1}");
    expect_line("traced new state st");
    expect_line("traced got there");
    expect_line("traced new state st");
    snprintf(text, sizeof text, "traced got call what from %s", self);
    expect_line(text);
    snprintf(text, sizeof text, "traced sent {unknown,what} to %s, new state st", self);
    expect_line(text);
    CHECK_OK(keel_sys_trace(pid, false));
    keel_call_or_exit(pid, keel_atom(what));
    EXPECT_NO_MESSAGE();
    stop_actor(pid);
    keel_sys_trace_sink_set(NULL, NULL);
}

PROCESS_TEST("printing the log gives its lines and keeps them", .ids = "SY-040")
{
    catch_lines();
    keel_pid pid = actor_started(
            keel_gen_server_start(&actor_server, ACTOR(), .name = keel_atom(logged)));
    CHECK_OK(keel_sys_log(pid, keel_atom(true), NULL));
    keel_cast(pid, keel_atom(once));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(keel_sys_log(pid, keel_atom(print), NULL));
        expect_line("logged got cast once");
        expect_line("logged new state []");
    }
    stop_actor(pid);
    keel_sys_trace_sink_set(NULL, NULL);
}

TEST("a line is cut to its buffer and tells its full length")
{
    char line[16];
    keel_term event = keel_make("{in, {'$gen_cast', go}}");
    size_t length = kl_sys_event_text(line, sizeof line, keel_atom(somebody), event);
    CHECK_STR(line, "somebody got ca");
    CHECK_INT(length, strlen("somebody got cast go"));
    char large[4096];
    keel_term items = keel_nil();
    for (int i = 0; i < 2000; i++) {
        items = keel_cons(keel_int(i), items);
    }
    length = kl_sys_event_text(
            large, sizeof large, keel_atom(n), keel_tuple_of(keel_atom(in), items));
    CHECK(length < 1000);
    CHECK(strstr(large, "...") != NULL);
}

TEST("an event of no known shape is shown whole")
{
    char line[64];
    kl_sys_event_text(line, sizeof line, keel_atom(n), keel_make("{strange, 1}"));
    CHECK_STR(line, "n event {strange,1}");
}

static void check_text(keel_term event, const char *expected)
{
    char line[128];
    kl_sys_event_text(line, sizeof line, keel_atom(n), event);
    CHECK_STR(line, expected);
}

TEST("the events of a state machine say in which state it is")
{
    check_text(keel_make("{in, {cast, x}, s}"), "n got cast x in state s");
    check_text(keel_make("{in, {{timeout, t}, x}, s}"), "n got {timeout,t} x in state s");
    check_text(keel_make("{in, {{call, {from, tag}}, x}, s}"),
            "n got call x from from in state s");
    check_text(keel_make("{out, x, {to, tag}}"), "n sent x to to");
    check_text(keel_make("{consume, {cast, x}, s, s}"), "n consumed x in state s");
    check_text(keel_make("{consume, {cast, x}, s, t}"), "n consumed x in state s => t");
    check_text(keel_make("{postpone, {cast, x}, s, t}"), "n postponed x in state s => t");
    check_text(keel_make("{start_timer, {timeout, 5, x}, s}"),
            "n starts {timeout,5,x} in state s");
}
