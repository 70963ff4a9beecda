// Tasks: waiting for several at once.

#include "otp_testing.h"
#include <keel/task.h>

static keel_term obey(keel_term unused)
{
    keel_term word = unused;
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{go, Word}", &word));
    return word;
}

static keel_term leave(keel_term reason)
{
    keel_exit(reason);
}

static keel_term fail(keel_term reason)
{
    keel_error(reason);
}

static void go(keel_task task, keel_term word)
{
    keel_send(task.pid, keel_tuple_of(keel_atom(go), word));
}

static void obeying(keel_task *tasks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tasks[i] = keel_task_async(obey, KEEL_NONE);
    }
}

static void kill_tasks(keel_task *tasks, size_t count)
{
    keel_term result;
    for (size_t i = 0; i < count; i++) {
        (void)keel_task_shutdown(tasks[i], KEEL_BRUTAL_KILL, &result);
    }
}

static keel_term exit_of(keel_body body, keel_term argument)
{
    keel_ref monitor;
    keel_spawn_monitor(body, argument, &monitor);
    return await_down(monitor);
}

PROCESS_TEST("results come in the order of the tasks, whoever is first", .ids = "TK-022")
{
    keel_task tasks[4];
    keel_term results[4];
    obeying(tasks, 4);
    for (int i = 3; i >= 0; i--) {
        go(tasks[i], keel_int(i));
    }
    CHECK_OK(keel_task_await_many(tasks, 4, SOON, results, NULL));
    for (int i = 0; i < 4; i++) {
        CHECK_INT(keel_to_int(results[i]), i);
        end_of(tasks[i].pid);
    }
    obeying(tasks, 2);
    go(tasks[1], keel_atom(b));
    go(tasks[0], keel_atom(a));
    CHECK_TERM(keel_task_await_many_or_exit(tasks, 2, KEEL_FOREVER), "[a, b]");
    end_of(tasks[0].pid);
    end_of(tasks[1].pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("no tasks have no results, at once", .ids = "TK-023")
{
    CHECK_OK(keel_task_await_many(NULL, 0, KEEL_AT_ONCE, NULL, NULL));
    CHECK_TERM(keel_task_await_many_or_exit(NULL, 0, 0), "[]");
    CHECK_OK(keel_task_yield_many(NULL, NULL, 0, .timeout = KEEL_FOREVER));
}

static void await_too_long(keel_term unused)
{
    (void)unused;
    keel_task tasks[2];
    obeying(tasks, 2);
    go(tasks[0], keel_atom(x));
    keel_task_await_many_or_exit(tasks, 2, KEEL_MS(5));
}

PROCESS_TEST("the timeout is for all together", .ids = "TK-024")
{
    keel_term results[2];
    CHECK_TERM(exit_of(await_too_long, KEEL_NONE),
            "{timeout, {'Elixir.Task', await_many, [[#{pid := _}, _], 5]}}");
    keel_task tasks[2];
    obeying(tasks, 2);
    CHECK_INT(keel_task_await_many(tasks, 2, KEEL_AT_ONCE, results, NULL), KEEL_E_TIMEOUT);
    go(tasks[0], keel_atom(late));
    end_of(tasks[0].pid);
    EXPECT_NO_MESSAGE();
    kill_tasks(tasks, 2);
}

static void await_failing(keel_term what)
{
    keel_trap_exit(true);
    keel_task tasks[] = {keel_task_async(obey, what),
            keel_is(what, fail) ? keel_task_async(fail, what)
                                : keel_task_async(leave, what)};
    keel_task_await_many_or_exit(tasks, 2, KEEL_SECONDS(5));
}

// Two tasks that are awaited: the first obeys and lives on, the second fails with oops.
static void await_beside_failing(keel_task *tasks)
{
    keel_term results[2];
    keel_term reason = KEEL_NONE;
    keel_trap_exit(true);
    obeying(tasks, 1);
    tasks[1] = keel_task_async(leave, keel_atom(oops));
    CHECK_INT(keel_task_await_many(tasks, 2, SOON, results, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "oops");
}

PROCESS_TEST("one that fails ends the waiting at once", .ids = "TK-025 TK-027")
{
    CHECK_TERM(exit_of(await_failing, keel_atom(oops)),
            "{oops, {'Elixir.Task', await_many, [[_, _], 5000]}}");
    CHECK_TERM(exit_of(await_failing, keel_atom(normal)),
            "{normal, {'Elixir.Task', await_many, _}}");
    CHECK_TERM(exit_of(await_failing, keel_atom(fail)),
            "{{fail, _}, {'Elixir.Task', await_many, _}}");
    keel_task tasks[2];
    await_beside_failing(tasks);
    CHECK(keel_process_alive(tasks[0].pid));
    kill_tasks(tasks, 1);
    EXPECT_NEXT("{'EXIT', _, oops}");
}

PROCESS_TEST("messages of others stay in the queue", .ids = "TK-028")
{
    keel_task task;
    obeying(&task, 1);
    keel_term results[1];
    keel_ref other = keel_make_ref();
    keel_send(keel_self(), keel_make("{Ref, similar}", other));
    keel_send(keel_self(), keel_atom(hello));
    go(task, keel_atom(x));
    CHECK_OK(keel_task_await_many(&task, 1, SOON, results, NULL));
    end_of(task.pid);
    EXPECT_NEXT("{^Ref, similar}", other);
    EXPECT_NEXT("hello");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("what comes after a result stays in the queue too")
{
    keel_term results[2];
    keel_task tasks[2];
    for (int i = 0; i < 2; i++) {
        tasks[i] = (keel_task){.ref = keel_make_ref(), .owner = keel_self()};
    }
    keel_send(keel_self(), keel_make("{Ref, b}", tasks[1].ref));
    keel_send(keel_self(), keel_make("{Ref, other}", tasks[1].ref));
    keel_send(keel_self(), keel_make("{Ref, a}", tasks[0].ref));
    CHECK_OK(keel_task_await_many(tasks, 2, SOON, results, NULL));
    CHECK_TERM(results[0], "a");
    CHECK_TERM(results[1], "b");
    EXPECT_NEXT("{^Ref, other}", tasks[1].ref);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("when one has failed nothing comes of the others any more")
{
    keel_task tasks[2];
    await_beside_failing(tasks);
    go(tasks[0], keel_atom(late));
    EXPECT_MESSAGE("{'EXIT', ^Pid, oops}", tasks[1].pid);
    EXPECT_MESSAGE("{'EXIT', ^Pid, normal}", tasks[0].pid);
    EXPECT_NO_MESSAGE();
}

static void lose_connection(keel_task task)
{
    keel_send(keel_self(),
            keel_make("{'DOWN', Ref, process, {x, nowhere@here}, noconnection}", task.ref));
}

static void await_cut_off(keel_term unused)
{
    (void)unused;
    keel_task task;
    obeying(&task, 1);
    lose_connection(task);
    keel_task_await_many_or_exit(&task, 1, KEEL_FOREVER);
}

PROCESS_TEST("a lost connection ends the waiting", .ids = "TK-030 TK-046")
{
    CHECK_TERM(exit_of(await_cut_off, KEEL_NONE),
            "{{nodedown, nowhere@here}, {'Elixir.Task', await_many, [_, infinity]}}");
    keel_task task;
    keel_task_outcome outcome;
    obeying(&task, 1);
    lose_connection(task);
    CHECK_INT(keel_task_yield_many(&task, &outcome, 1), KEEL_E_NODEDOWN);
    CHECK_TERM(outcome.value, "{nodedown, nowhere@here}");
    kill_tasks(&task, 1);
}

// --- yield_many ---

PROCESS_TEST("yield_many tells of each task, in the order given", .ids = "TK-038 TK-047")
{
    keel_trap_exit(true);
    keel_task tasks[3];
    keel_task_outcome outcomes[3];
    obeying(tasks, 2);
    tasks[2] = keel_task_async(leave, keel_atom(oops));
    go(tasks[1], keel_atom(b));
    end_of(tasks[1].pid);
    end_of(tasks[2].pid);
    CHECK_OK(keel_task_yield_many(tasks, outcomes, 3, .limit = 2));
    CHECK_INT(outcomes[0].status, KEEL_E_TIMEOUT);
    CHECK_OK(outcomes[1].status);
    CHECK_TERM(outcomes[1].value, "b");
    CHECK_INT(outcomes[2].status, KEEL_E_EXIT);
    CHECK_TERM(outcomes[2].value, "oops");
    kill_tasks(tasks, 1);
    keel_flush();
}

PROCESS_TEST("nothing happens to late tasks by default", .ids = "TK-039")
{
    keel_task tasks[2];
    keel_task_outcome outcomes[2];
    keel_term result = KEEL_NONE;
    obeying(tasks, 2);
    CHECK_OK(keel_task_yield_many(tasks, outcomes, 2, .timeout = KEEL_MS(1)));
    CHECK_INT(outcomes[0].status, KEEL_E_TIMEOUT);
    CHECK_INT(outcomes[1].status, KEEL_E_TIMEOUT);
    go(tasks[0], keel_atom(x));
    CHECK_OK(keel_task_yield(tasks[0], SOON, &result));
    CHECK_TERM(result, "x");
    kill_tasks(tasks, 2);
}

SIMULATED_TEST("the timeout is five seconds by default", .ids = "TK-039")
{
    keel_task task;
    keel_task_outcome outcome;
    obeying(&task, 1);
    int64_t before = keel_now();
    CHECK_OK(keel_task_yield_many(&task, &outcome, 1));
    int64_t waited = keel_now() - before;
    CHECK(waited >= KEEL_SECONDS(5) && waited < KEEL_SECONDS(6));
    kill_tasks(&task, 1);
}

PROCESS_TEST("late tasks may be killed", .ids = "TK-040")
{
    keel_task tasks[2];
    keel_task_outcome outcomes[2];
    obeying(tasks, 2);
    go(tasks[0], keel_atom(x));
    end_of(tasks[0].pid);
    CHECK_OK(keel_task_yield_many(
            tasks, outcomes, 2, .timeout = KEEL_MS(1), .on_timeout = KEEL_TASK_KILL));
    CHECK_OK(outcomes[0].status);
    CHECK_INT(outcomes[1].status, KEEL_E_TIMEOUT);
    CHECK(!keel_process_alive(tasks[1].pid));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("late tasks may be ignored", .ids = "TK-041")
{
    keel_task task;
    keel_task_outcome outcome;
    keel_term result = KEEL_NONE;
    obeying(&task, 1);
    CHECK_OK(keel_task_yield_many(
            &task, &outcome, 1, .timeout = KEEL_MS(1), .on_timeout = KEEL_TASK_IGNORE));
    CHECK_INT(outcome.status, KEEL_E_TIMEOUT);
    CHECK_TERM(info_of(task.pid, keel_atom(links)), "[]");
    go(task, keel_atom(late));
    end_of(task.pid);
    CHECK_INT(keel_task_yield(task, KEEL_AT_ONCE, &result), KEEL_E_TIMEOUT);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a limit makes yield_many return early", .ids = "TK-042 TK-043")
{
    keel_task tasks[3];
    keel_task_outcome outcomes[3];
    obeying(tasks, 3);
    go(tasks[2], keel_atom(c));
    CHECK_OK(keel_task_yield_many(tasks, outcomes, 3, .limit = 1, .timeout = KEEL_FOREVER));
    CHECK_INT(outcomes[0].status, KEEL_E_TIMEOUT);
    CHECK_TERM(outcomes[2].value, "c");
    go(tasks[0], keel_atom(a));
    go(tasks[1], keel_atom(b));
    CHECK_OK(keel_task_yield_many(tasks, outcomes, 2, .limit = 7, .timeout = KEEL_FOREVER));
    CHECK_TERM(outcomes[0].value, "a");
    CHECK_TERM(outcomes[1].value, "b");
    for (int i = 0; i < 3; i++) {
        end_of(tasks[i].pid);
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a limit that is reached leaves the others alone, whatever late ones meet")
{
    keel_task tasks[2];
    keel_task_outcome outcomes[2];
    obeying(tasks, 2);
    go(tasks[1], keel_atom(b));
    CHECK_OK(keel_task_yield_many(tasks, outcomes, 2, .limit = 1, .timeout = KEEL_FOREVER,
            .on_timeout = KEEL_TASK_KILL));
    CHECK_INT(outcomes[0].status, KEEL_E_TIMEOUT);
    CHECK_TERM(outcomes[1].value, "b");
    CHECK(keel_process_alive(tasks[0].pid));
    CHECK_OK(keel_task_yield_many(tasks, outcomes, 1, .limit = 1, .timeout = KEEL_MS(1),
            .on_timeout = KEEL_TASK_KILL));
    CHECK_INT(outcomes[0].status, KEEL_E_TIMEOUT);
    CHECK(!keel_process_alive(tasks[0].pid));
    end_of(tasks[1].pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a result counts in yield_many, whatever its task ended with afterwards")
{
    keel_task task = {
            .pid = dead_pid(), .ref = keel_make_ref(), .owner = keel_self(), .name = "x"};
    keel_task_outcome outcome;
    keel_send(keel_self(), keel_make("{Ref, result}", task.ref));
    CHECK_OK(keel_task_yield_many(&task, &outcome, 1, .timeout = KEEL_MS(1)));
    CHECK_OK(outcome.status);
    CHECK_TERM(outcome.value, "result");
    task = keel_task_async(leave, keel_atom(normal));
    CHECK_OK(keel_task_yield_many(&task, &outcome, 1));
    CHECK_INT(outcome.status, KEEL_E_EXIT);
    CHECK_TERM(outcome.value, "normal");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("yield_many waits without limit if told so", .ids = "TK-045")
{
    keel_task tasks[2];
    keel_task_outcome outcomes[2];
    obeying(tasks, 2);
    go(tasks[1], keel_atom(b));
    go(tasks[0], keel_atom(a));
    CHECK_OK(keel_task_yield_many(tasks, outcomes, 2, .timeout = KEEL_FOREVER));
    CHECK_TERM(outcomes[0].value, "a");
    CHECK_TERM(outcomes[1].value, "b");
    CHECK_INT(keel_task_yield_many(tasks, outcomes, 2, .timeout = -1), KEEL_E_BADARG);
    end_of(tasks[0].pid);
    end_of(tasks[1].pid);
}

enum { MANY = 500 };

static keel_term echo(keel_term argument)
{
    return argument;
}

PROCESS_TEST("hundreds of tasks are awaited together", .ids = "TK-022")
{
    keel_task *tasks = keel_alloc(MANY * sizeof *tasks);
    keel_term *results = keel_alloc(MANY * sizeof *results);
    for (int i = 0; i < MANY; i++) {
        tasks[i] = keel_task_async(echo, keel_int(i));
    }
    CHECK_OK(keel_task_await_many(tasks, MANY, SOON, results, NULL));
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(keel_to_int(results[i]), i);
        end_of(tasks[i].pid);
    }
    keel_free(tasks);
    keel_free(results);
    EXPECT_NO_MESSAGE();
}
