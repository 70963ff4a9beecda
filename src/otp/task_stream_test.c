// Streams of tasks.

#include "otp_testing.h"
#include <keel/task_stream.h>

static keel_term echo(keel_term argument)
{
    return argument;
}

static keel_term leave(keel_term reason)
{
    keel_exit(reason);
}

// Sleeps for so many milliseconds, and gives them.
static keel_term sleep_ms(keel_term milliseconds)
{
    keel_sleep(KEEL_MS(keel_to_int(milliseconds)));
    return milliseconds;
}

// Tells the asker that it runs, and waits for `go`.
static keel_term announce(keel_term asker_and_input)
{
    keel_send_term(keel_element(asker_and_input, 0),
            keel_make("{running, Pid, Input}", keel_self(),
                    keel_element(asker_and_input, 1)));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "go"));
    return keel_element(asker_and_input, 1);
}

static keel_term numbers(int64_t count)
{
    keel_term list = keel_nil();
    for (int64_t i = count; i > 0; i--) {
        list = keel_cons(keel_int(i), list);
    }
    return list;
}

// Supervised streams do the same: the body gets the name of a supervisor, or none.
static void both_ways(void (*body)(keel_term supervisor))
{
    body(KEEL_NONE);
    keel_pid supervisor = actor_started(keel_task_supervisor_start_link());
    body(keel_from_pid(supervisor));
    keel_term left = KEEL_NONE;
    CHECK_OK(keel_task_supervisor_children(supervisor, &left));
    CHECK_TERM(left, "[]");
    stop_actor(supervisor);
    EXPECT_NO_MESSAGE();
}

static keel_term exit_of(keel_body body, keel_term argument)
{
    keel_ref monitor;
    keel_spawn_monitor(body, argument, &monitor);
    return await_down(monitor);
}

static void stream_numbers(keel_term supervisor)
{
    for (int most = 0; most <= 16; most += most == 0 ? 1 : most) {
        CHECK_TERM(keel_task_stream_all(echo, numbers(4), .max_concurrency = most,
                           .supervisor = supervisor),
                "[{ok, 1}, {ok, 2}, {ok, 3}, {ok, 4}]");
    }
    CHECK_TERM(keel_task_stream_all(echo, keel_nil(), .supervisor = supervisor), "[]");
}

PROCESS_TEST("a stream gives the results in the order of the inputs",
        .ids = "TK-080 TK-081 TK-094 TS-035 TS-036")
{
    both_ways(stream_numbers);
}

static void stream_with_argument(keel_term supervisor)
{
    keel_term argument = keel_atom(all);
    CHECK_TERM(keel_task_stream_all(
                       echo, numbers(2), .argument = argument, .supervisor = supervisor),
            "[{ok, {1, all}}, {ok, {2, all}}]");
}

PROCESS_TEST(
        "what the function gets beside each input is given once", .ids = "TK-080 TS-035")
{
    both_ways(stream_with_argument);
}

static keel_term leave_with_both(keel_term input_and_argument)
{
    keel_exit(input_and_argument);
}

PROCESS_TEST("the input of a task that failed is told without what went with it")
{
    keel_trap_exit(true);
    CHECK_TERM(keel_task_stream_all(leave_with_both, numbers(1), .argument = keel_atom(all),
                       .zip_input_on_exit = true),
            "[{exit, {1, {1, all}}}]");
}

static void stream_slowest_first(keel_term supervisor)
{
    keel_term delays = keel_make("[30, 1, 1, 1]");
    CHECK_TERM(keel_task_stream_all(
                       sleep_ms, delays, .max_concurrency = 2, .supervisor = supervisor),
            "[{ok, 30}, {ok, 1}, {ok, 1}, {ok, 1}]");
}

PROCESS_TEST("a slow first one holds the others back", .ids = "TK-082 TS-037")
{
    both_ways(stream_slowest_first);
}

static void stream_without_order(keel_term supervisor)
{
    CHECK_TERM(keel_task_stream_all(sleep_ms, keel_make("[40, 20, 30, 10]"),
                       .max_concurrency = 4, .unordered = true, .supervisor = supervisor),
            "[{ok, 10}, {ok, 20}, {ok, 30}, {ok, 40}]");
    CHECK_TERM(keel_task_stream_all(sleep_ms, keel_make("[30, 1, 1, 1]"),
                       .max_concurrency = 2, .unordered = true, .supervisor = supervisor),
            "[{ok, 1}, {ok, 1}, {ok, 1}, {ok, 30}]");
}

SIMULATED_TEST("without an order the first to end comes first", .ids = "TK-083 TS-037")
{
    both_ways(stream_without_order);
}

struct source {
    int taken, end, fails_at;
    keel_pid asker;
};

static bool next_number(void *context, keel_term *ret_input)
{
    struct source *source = context;
    if (source->taken == source->end) {
        return false;
    }
    if (++source->taken == source->fails_at) {
        keel_exit(keel_atom(broken));
    }
    *ret_input = keel_make("{Asker, N}", source->asker, source->taken);
    return true;
}

// Lets the task with the input go, from another process while the stream is being read.
static void release(keel_term asker_and_count)
{
    int64_t count = keel_to_int(keel_element(asker_and_count, 1));
    for (int64_t i = 0; i < count; i++) {
        keel_pid pid;
        CHECK_OK(keel_receive_match(KEEL_NEVER, "{running, Pid, _}", &pid));
        keel_send(pid, keel_atom(go));
    }
}

PROCESS_TEST("inputs are taken only when there is room for a task",
        .ids = "TK-081 TK-084 TK-095")
{
    keel_pid releaser = keel_spawn(release, keel_make("{x, 5}"));
    struct source source = {.end = 5, .asker = releaser};
    keel_task_stream *stream = keel_task_stream_open(announce, KEEL_NONE,
            .next = next_number, .context = &source, .max_concurrency = 2,
            .unordered = true);
    CHECK_INT(source.taken, 0);
    keel_term item;
    for (int i = 1; i <= 5; i++) {
        CHECK(keel_task_stream_next(stream, &item));
        CHECK_TERM(item, "{ok, _}");
        CHECK(source.taken <= i + 2);
    }
    CHECK(!keel_task_stream_next(stream, &item));
    keel_task_stream_close(stream);
    end_of(releaser);
    EXPECT_NO_MESSAGE();
}

static void stream_exits(keel_term supervisor)
{
    CHECK_TERM(keel_task_stream_all(
                       leave, keel_make("[a, {b, c}, normal]"), .supervisor = supervisor),
            "[{exit, a}, {exit, {b, c}}, {exit, normal}]");
    CHECK_TERM(keel_task_stream_all(leave, keel_make("[a, b]"), .supervisor = supervisor,
                       .zip_input_on_exit = true, .unordered = true, .max_concurrency = 1),
            "[{exit, {a, a}}, {exit, {b, b}}]");
}

PROCESS_TEST("a caller that traps exits sees the ends as items",
        .ids = "TK-085 TK-090 TS-038 TS-042")
{
    keel_trap_exit(true);
    stream_exits(KEEL_NONE);
    EXPECT_NO_MESSAGE();
    keel_pid supervisor = actor_started(keel_task_supervisor_start_link());
    stream_exits(keel_from_pid(supervisor));
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

static void stream_failing(keel_term supervisor)
{
    keel_task_stream_all(leave, keel_make("[oops]"), .supervisor = keel_head(supervisor));
}

PROCESS_TEST("a caller that does not is taken down", .ids = "TK-086")
{
    CHECK_TERM(exit_of(stream_failing, keel_nil()), "oops");
}

PROCESS_TEST("without links the caller survives whatever happens", .ids = "TS-046 TS-047")
{
    keel_pid supervisor = actor_started(keel_task_supervisor_start_link());
    CHECK_TERM(keel_task_stream_all(leave, keel_make("[a, b, c]"), .nolink = true,
                       .supervisor = keel_from_pid(supervisor)),
            "[{exit, a}, {exit, b}, {exit, c}]");
    CHECK_TERM(keel_task_stream_all(echo, numbers(5), .nolink = true,
                       .supervisor = keel_from_pid(supervisor)),
            "[{ok, 1}, {ok, 2}, {ok, 3}, {ok, 4}, {ok, 5}]");
    CHECK_TERM(keel_task_stream_all(sleep_ms, keel_make("[5, 0, 1]"), .nolink = true,
                       .max_concurrency = 3, .supervisor = keel_from_pid(supervisor)),
            "[{ok, 5}, {ok, 0}, {ok, 1}]");
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

// --- timeouts ---

static void stream_too_long(keel_term supervisor)
{
    keel_task_stream_all(sleep_ms, keel_make("[1000000]"), .timeout = KEEL_MS(5),
            .supervisor = keel_head(supervisor));
}

static void catch_too_long(void *context)
{
    stream_too_long(*(keel_term *)context);
}

PROCESS_TEST("a task that takes too long ends the caller, and leaves nothing behind",
        .ids = "TK-088")
{
    keel_term nobody = keel_nil();
    keel_term reason = KEEL_NONE;
    CHECK_TERM(exit_of(stream_too_long, nobody),
            "{timeout, {'Elixir.Task.Supervised', stream, [5]}}");
    size_t before = process_count();
    CHECK_INT(keel_try(catch_too_long, &nobody, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "{timeout, _}");
    CHECK_INT(process_count(), before);
    EXPECT_NO_MESSAGE();
}

SIMULATED_TEST("a task has five seconds from its own start", .ids = "TK-088 TK-091")
{
    keel_term delays = keel_make("[4000, 4000, 6000]");
    CHECK_TERM(keel_task_stream_all(sleep_ms, delays, .max_concurrency = 1,
                       .on_timeout = KEEL_TASK_KILL),
            "[{ok, 4000}, {ok, 4000}, {exit, timeout}]");
    CHECK_TERM(keel_task_stream_all(sleep_ms, delays, .timeout = KEEL_FOREVER),
            "[{ok, 4000}, {ok, 4000}, {ok, 6000}]");
}

static void stream_with_kill(keel_term supervisor)
{
    keel_term delays = keel_make("[1000000, 0, 1000000]");
    CHECK_TERM(keel_task_stream_all(sleep_ms, delays, .timeout = KEEL_MS(300),
                       .on_timeout = KEEL_TASK_KILL, .supervisor = supervisor),
            "[{exit, timeout}, {ok, 0}, {exit, timeout}]");
    CHECK_TERM(keel_task_stream_all(sleep_ms, keel_make("[1000000]"), .timeout = KEEL_MS(5),
                       .on_timeout = KEEL_TASK_KILL, .zip_input_on_exit = true,
                       .unordered = true, .supervisor = supervisor),
            "[{exit, {1000000, timeout}}]");
}

PROCESS_TEST("or it is killed, and the stream goes on", .ids = "TK-089 TK-090 TS-041")
{
    both_ways(stream_with_kill);
}

static void open_wrong(keel_term which)
{
    int64_t number = keel_to_int(which);
    keel_task_stream *stream = keel_task_stream_open(echo, keel_nil(),
            .max_concurrency = number == 1 ? -1 : 1, .timeout = number == 2 ? -1 : 1,
            .on_timeout = number == 3 ? (keel_task_late)17 : KEEL_TASK_KEEP,
            .shutdown = number == 4 ? -17 : 0);
    keel_task_stream_close(stream);
}

PROCESS_TEST(
        "options out of range are refused before anything starts", .ids = "TK-092 TS-043")
{
    CHECK_TERM(exit_of(open_wrong, keel_int(0)), "normal");
    CHECK_TERM(exit_of(open_wrong, keel_int(1)), "{{badarg, {max_concurrency, -1}}, _}");
    CHECK_TERM(exit_of(open_wrong, keel_int(2)), "{{badarg, {timeout, -1}}, _}");
    CHECK_TERM(exit_of(open_wrong, keel_int(3)), "{{badarg, {on_timeout, 17}}, _}");
    CHECK_TERM(exit_of(open_wrong, keel_int(4)), "{{badarg, {shutdown, -17}}, _}");
}

// --- early ends ---

static void stop_early(keel_term supervisor)
{
    keel_task_stream *stream = keel_task_stream_open(sleep_ms,
            keel_make("[0, 1000000, 1000000]"), .max_concurrency = 4,
            .supervisor = supervisor, .timeout = KEEL_FOREVER);
    keel_term item;
    CHECK(keel_task_stream_next(stream, &item));
    CHECK_TERM(item, "{ok, 0}");
    size_t before = process_count();
    keel_task_stream_close(stream);
    CHECK_INT(process_count(), before - 2);
}

PROCESS_TEST("a reader that stops early leaves no tasks, links or messages",
        .ids = "TS-039 TS-047")
{
    both_ways(stop_early);
    keel_trap_exit(true);
    stop_early(KEEL_NONE);
    EXPECT_NO_MESSAGE();
    keel_task_stream_close(NULL);
}

// Reads `count` items and closes.
static keel_term take(keel_task_function function, int64_t inputs, int most, int count)
{
    keel_term taken = keel_nil();
    keel_term item;
    keel_task_stream *stream = keel_task_stream_open(
            function, numbers(inputs), .max_concurrency = most, .zip_input_on_exit = true);
    for (int i = 0; i < count && keel_task_stream_next(stream, &item); i++) {
        taken = keel_cons(keel_copy(item), taken);
    }
    keel_task_stream_close(stream);
    return keel_list_reverse(taken);
}

PROCESS_TEST("a reader takes as many as it wants, of successes and failures")
{
    keel_trap_exit(true);
    for (int most = 2; most <= 8; most *= 2) {
        CHECK_TERM(take(echo, 8, most, 4), "[{ok, 1}, {ok, 2}, {ok, 3}, {ok, 4}]");
        CHECK_TERM(take(leave, 8, most, 4),
                "[{exit, {1, 1}}, {exit, {2, 2}}, {exit, {3, 3}}, {exit, {4, 4}}]");
        CHECK_TERM(info_of(keel_self(), keel_atom(links)), "[]");
        EXPECT_NO_MESSAGE();
    }
}

// Sends its reader what looks like the end of somebody.
static keel_term pretend(keel_term reader)
{
    keel_send_term(reader,
            keel_make("{'DOWN', Ref, process, Reader, oops}", keel_make_ref(), reader));
    return keel_atom(ok);
}

PROCESS_TEST("messages that only look like ends of tasks do not disturb a stream")
{
    keel_term self = keel_from_pid(keel_self());
    CHECK_TERM(keel_task_stream_all(pretend, keel_list_of(self, self)),
            "[{ok, ok}, {ok, ok}]");
    EXPECT_NEXT("{'DOWN', _, process, _, oops}");
    EXPECT_NEXT("{'DOWN', _, process, _, oops}");
    EXPECT_NO_MESSAGE();
}

static void read_broken(void *context)
{
    struct source *source = context;
    keel_term item;
    keel_task_stream *stream = keel_task_stream_open(announce, KEEL_NONE,
            .next = next_number, .context = source, .max_concurrency = 4);
    keel_task_stream_next(stream, &item);
}

PROCESS_TEST("an input that fails ends the tasks and then the caller", .ids = "TK-099")
{
    keel_term reason = KEEL_NONE;
    size_t before = process_count();
    struct source source = {.end = 5, .fails_at = 3, .asker = keel_self()};
    CHECK_INT(keel_try(read_broken, &source, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "broken");
    CHECK_INT(process_count(), before);
    keel_flush();
}

PROCESS_TEST("two streams are read side by side", .ids = "TK-100")
{
    keel_term left = KEEL_NONE;
    keel_term right = KEEL_NONE;
    keel_task_stream *first = keel_task_stream_open(echo, numbers(3), .max_concurrency = 2);
    keel_task_stream *second = keel_task_stream_open(
            sleep_ms, keel_make("[3, 0, 1]"), .max_concurrency = 2);
    for (int i = 1; i <= 3; i++) {
        CHECK(keel_task_stream_next(first, &left));
        CHECK(keel_task_stream_next(second, &right));
        CHECK_TERM(left, "{ok, ^I}", keel_int(i));
        CHECK_TERM(right, "{ok, ^I}", keel_int(i == 1 ? 3 : i - 2));
    }
    CHECK(!keel_task_stream_next(first, &left));
    CHECK(!keel_task_stream_next(second, &right));
    keel_task_stream_close(first);
    keel_task_stream_close(second);
    EXPECT_NO_MESSAGE();
}

static keel_term callers(keel_term unused)
{
    (void)unused;
    return keel_process_get(keel_atom_text("$callers"));
}

static void stream_callers(keel_term supervisor)
{
    keel_pid self = keel_self();
    CHECK_TERM(keel_task_stream_all(callers, numbers(1), .supervisor = supervisor),
            "[{ok, [^Self]}]", self);
}

PROCESS_TEST("the tasks know their caller", .ids = "TK-103 TS-044")
{
    both_ways(stream_callers);
}

static void read_and_end(keel_term supervisor)
{
    keel_term item;
    keel_task_stream *stream = keel_task_stream_open(sleep_ms, keel_make("[0, 1000000]"),
            .max_concurrency = 2, .supervisor = supervisor, .nolink = true,
            .timeout = KEEL_FOREVER);
    CHECK(keel_task_stream_next(stream, &item));
}

PROCESS_TEST("tasks of a stream end with its reader, linked or not", .ids = "TS-047")
{
    keel_pid supervisor = actor_started(keel_task_supervisor_start_link());
    keel_term before = keel_process_list();
    CHECK_TERM(exit_of(read_and_end, keel_from_pid(supervisor)), "normal");
    await_others(before);
    stop_actor(supervisor);
}

static void too_many(keel_term supervisor)
{
    keel_task_stream_all(sleep_ms, keel_make("[1000000, 1000000]"), .max_concurrency = 2,
            .supervisor = supervisor, .nolink = true);
}

static void too_many_linked(keel_term supervisor)
{
    keel_task_stream_all(sleep_ms, keel_make("[1000000, 1000000]"), .max_concurrency = 2,
            .supervisor = supervisor);
}

PROCESS_TEST(
        "more tasks than the supervisor allows end the stream cleanly", .ids = "TS-047")
{
    keel_pid supervisor = actor_started(keel_task_supervisor_start_link(.max_children = 1));
    CHECK_TERM(exit_of(too_many, keel_from_pid(supervisor)), "{{max_children, _}, _}");
    CHECK_TERM(
            exit_of(too_many_linked, keel_from_pid(supervisor)), "{{max_children, _}, _}");
    keel_term left = KEEL_NONE;
    CHECK_OK(keel_task_supervisor_children(supervisor, &left));
    CHECK_TERM(left, "[]");
    stop_actor(supervisor);
}

// Reads the stream that others have described.
static void read_all(keel_term options)
{
    const keel_task_stream_opts *opts = keel_to_pointer(options, NULL);
    keel_exit(keel_task_stream_all_opt(echo, "echo", opts));
}

PROCESS_TEST("what one process has described another may open and read", .ids = "TK-102")
{
    keel_task_stream_opts opts = {.inputs = numbers(3), .max_concurrency = 2};
    CHECK_TERM(exit_of(read_all, keel_pointer(&opts)), "[{ok, 1}, {ok, 2}, {ok, 3}]");
    EXPECT_NO_MESSAGE();
}
