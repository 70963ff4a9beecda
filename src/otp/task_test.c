// Tasks: starting one, waiting for one, giving one up.

#include "otp_testing.h"
#include <keel/task.h>

static keel_term echo(keel_term argument)
{
    return argument;
}

static keel_term leave(keel_term reason)
{
    keel_exit(reason);
}

static keel_term fail(keel_term reason)
{
    keel_error(reason);
}

static keel_term sleep_on(keel_term unused)
{
    keel_sleep(KEEL_SECONDS(1000));
    return unused;
}

// Waits for the word, and gives it.
static keel_term obey(keel_term unused)
{
    keel_term word = unused;
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{go, Word}", &word));
    return word;
}

// As obey, and tells the asker of its being told to end.
static keel_term obey_trapping(keel_term asker)
{
    keel_term reason = KEEL_NONE;
    keel_term word = keel_nil();
    keel_trap_exit(true);
    keel_send(keel_to_pid(asker), keel_atom(ready));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{'EXIT', _, Reason}", &reason));
    keel_send(keel_to_pid(asker), keel_tuple_of(keel_atom(told), reason));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{go, Word}", &word));
    return word;
}

static void go(keel_task task, keel_term word)
{
    keel_send(task.pid, keel_tuple_of(keel_atom(go), word));
}

// Waits until the task has ended, without taking any of its messages.
static void until_ended(keel_task task)
{
    end_of(task.pid);
}

// Runs a body in a process of its own; returns what it ended with.
static keel_term exit_of(keel_body body, keel_term argument)
{
    keel_ref monitor;
    keel_spawn_monitor(body, argument, &monitor);
    return await_down(monitor);
}

// A task term, in and out of messages.
static keel_term pack(keel_task task)
{
    return keel_make("{Pid, Ref, Owner}", task.pid, task.ref, task.owner);
}

static keel_task unpack(keel_term term)
{
    keel_task task = {.name = "unpacked"};
    CHECK(keel_match(term, "{Pid, Ref, Owner}", &task.pid, &task.ref, &task.owner));
    return task;
}

PROCESS_TEST("a task runs its function, linked to its owner", .ids = "TK-001 TK-010")
{
    keel_term result = KEEL_NONE;
    keel_task task = keel_task_async(obey, KEEL_NONE);
    CHECK(same_pid(task.owner, keel_self()));
    CHECK_TERM(info_of(task.pid, keel_atom(links)), "[Self]", &result);
    CHECK_EQUAL(result, keel_from_pid(keel_self()));
    go(task, keel_make("{done, 42}"));
    CHECK_OK(keel_task_await(task, &result));
    CHECK_TERM(result, "{done, 42}");
    until_ended(task);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("the function is known by its name", .ids = "TK-002 TK-007")
{
    keel_task task = keel_task_async(obey, KEEL_NONE);
    CHECK_TERM(info_of(task.pid, keel_atom(initial_call)), "<<\"obey\">>");
    CHECK_TERM(keel_task_to_term(task), "#{'__struct__' := 'Elixir.Task', "
                                        "mfa := {task, obey, 1}}");
    go(task, keel_atom(x));
    CHECK_TERM(keel_task_await_or_exit(task), "x");
    until_ended(task);
}

PROCESS_TEST("an owner that does not wait gets the result and a DOWN", .ids = "TK-003")
{
    keel_task task = keel_task_async(echo, keel_atom(hello));
    EXPECT_NEXT("{^Ref, hello}", task.ref);
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, normal}", task.ref, task.pid);
}

static void own_failing(keel_term unused)
{
    keel_task task = keel_task_async(leave, keel_atom(oops));
    (void)task;
    wait_forever(unused);
}

PROCESS_TEST("a task that fails takes its owner down", .ids = "TK-004")
{
    CHECK_TERM(exit_of(own_failing, KEEL_NONE), "oops");
}

static keel_term callers(keel_term unused)
{
    (void)unused;
    return keel_tuple_of(keel_process_get(keel_atom_text("$callers")), keel_ancestors());
}

static keel_term callers_inside(keel_term unused)
{
    keel_term inside = keel_task_await_or_exit(keel_task_async(callers, unused));
    return keel_tuple_of(keel_from_pid(keel_self()), inside);
}

PROCESS_TEST("a task knows its callers and its ancestors", .ids = "TK-005 TK-006")
{
    keel_pid self = keel_self();
    keel_term known = keel_task_await_or_exit(keel_task_async(callers, KEEL_NONE));
    CHECK_TERM(known, "{[^Self], [^Self | _]}", self);
    keel_term nested = keel_task_await_or_exit(keel_task_async(callers_inside, KEEL_NONE));
    keel_pid parent;
    CHECK(keel_match(nested, "{Parent, _}", &parent));
    CHECK_TERM(nested, "{_, {[^Parent, ^Self], [^Parent, ^Self | _]}}", parent, self);
}

PROCESS_TEST("a result may look like anything", .ids = "TK-008")
{
    keel_term odd = keel_make(
            "{'DOWN', Ref, process, Pid, {error, x}}", keel_make_ref(), keel_self());
    CHECK_EQUAL(keel_task_await_or_exit(keel_task_async(echo, odd)), odd);
    CHECK_TERM(keel_task_await_or_exit(keel_task_async(echo, keel_make("{error, x}"))),
            "{error, x}");
}

// --- await ---

// An owner that traps exits and awaits a task that does `function`.
static keel_term await_exit(keel_task_function function, keel_term argument)
{
    keel_term reason = KEEL_NONE;
    keel_task task = keel_task_async(function, argument);
    CHECK_INT(keel_task_await(task, &reason), KEEL_E_EXIT);
    EXPECT_NEXT("{'EXIT', ^Pid, _}", task.pid);
    return reason;
}

PROCESS_TEST("await tells the reason of a task that ended without a result",
        .ids = "TK-011 TK-013")
{
    keel_trap_exit(true);
    CHECK_TERM(await_exit(leave, keel_atom(normal)), "normal");
    CHECK_TERM(await_exit(leave, keel_atom(unknown)), "unknown");
    CHECK_TERM(await_exit(fail, keel_atom(oops)), "{oops, _}");
    CHECK_TERM(await_exit(NULL, keel_atom(oops)), "{undef, _}");
}

static void await_or_exit(keel_term what)
{
    keel_trap_exit(true);
    keel_task task = keel_is(what, sleep)  ? keel_task_async(sleep_on, what)
                     : keel_is(what, fail) ? keel_task_async(fail, what)
                                           : keel_task_async(leave, what);
    keel_task_await_or_exit_within(
            task, keel_is(what, sleep) ? KEEL_MS(10) : KEEL_SECONDS(5));
}

PROCESS_TEST(
        "the form that exits names the task and the timeout", .ids = "TK-011 TK-013 TK-014")
{
    CHECK_TERM(exit_of(await_or_exit, keel_atom(normal)),
            "{normal, {'Elixir.Task', await, [#{pid := _}, 5000]}}");
    CHECK_TERM(exit_of(await_or_exit, keel_atom(unknown)),
            "{unknown, {'Elixir.Task', await, [#{pid := _}, 5000]}}");
    CHECK_TERM(exit_of(await_or_exit, keel_atom(fail)),
            "{{fail, _}, {'Elixir.Task', await, [#{ref := _}, 5000]}}");
    CHECK_TERM(exit_of(await_or_exit, keel_atom(sleep)),
            "{timeout, {'Elixir.Task', await, [#{ref := _}, 10]}}");
}

PROCESS_TEST("a result that is late never arrives", .ids = "TK-014 TK-018 TS-032")
{
    keel_term result = KEEL_NONE;
    keel_task task = keel_task_async(obey, KEEL_NONE);
    CHECK_INT(keel_task_await_within(task, KEEL_AT_ONCE, &result), KEEL_E_TIMEOUT);
    go(task, keel_atom(late));
    until_ended(task);
    EXPECT_NO_MESSAGE();
    keel_task prompt = keel_task_async(echo, keel_atom(x));
    CHECK_OK(keel_task_await(prompt, &result));
    CHECK_INT(keel_task_await_within(prompt, KEEL_IN(KEEL_MS(1)), &result), KEEL_E_TIMEOUT);
}

// A task whose connection was lost: the message says so before the task ends.
static keel_task cut_off(bool by_name)
{
    keel_task task = keel_task_async(sleep_on, KEEL_NONE);
    keel_unlink(task.pid);
    keel_term object = by_name ? keel_make("{somebody, nowhere@here}")
                               : keel_from_pid(task.pid);
    keel_send(keel_self(),
            keel_make("{'DOWN', Ref, process, Object, noconnection}", task.ref, object));
    return task;
}

PROCESS_TEST("a lost connection is told from an exit", .ids = "TK-016 TK-035 TK-069")
{
    keel_term result = KEEL_NONE;
    keel_task task = cut_off(true);
    CHECK_INT(keel_task_await(task, &result), KEEL_E_NODEDOWN);
    CHECK_TERM(result, "{nodedown, nowhere@here}");
    end_process(task.pid);
    task = cut_off(false);
    CHECK_INT(keel_task_await(task, &result), KEEL_E_NODEDOWN);
    CHECK_TERM(result, "{nodedown, nonode@nohost}");
    end_process(task.pid);
    task = cut_off(true);
    CHECK_INT(keel_task_yield(task, KEEL_AT_ONCE, &result), KEEL_E_NODEDOWN);
    end_process(task.pid);
    task = cut_off(true);
    CHECK_INT(keel_task_ignore(task, &result), KEEL_E_NODEDOWN);
    end_process(task.pid);
    keel_flush();
}

static void use_foreign(keel_term task_term)
{
    keel_task task = unpack(task_term);
    keel_term result = KEEL_NONE;
    keel_task_outcome outcome;
    CHECK_INT(keel_task_await(task, &result), KEEL_E_BADARG);
    CHECK_INT(keel_task_yield(task, KEEL_NEVER, &result), KEEL_E_BADARG);
    CHECK_INT(keel_task_shutdown(task, KEEL_BRUTAL_KILL, &result), KEEL_E_BADARG);
    CHECK_INT(keel_task_ignore(task, &result), KEEL_E_BADARG);
    CHECK_INT(keel_task_await_many(&task, 1, KEEL_NEVER, &result, NULL), KEEL_E_BADARG);
    CHECK_INT(keel_task_yield_many(&task, &outcome, 1), KEEL_E_BADARG);
    keel_task_await_or_exit(task);
}

static void await_many_foreign(keel_term task_term)
{
    keel_task task = unpack(task_term);
    keel_task_await_many_or_exit(&task, 1, KEEL_FOREVER);
}

PROCESS_TEST("only the owner may wait", .ids = "TK-017 TK-031 TK-036 TK-046 TK-061")
{
    keel_task task = keel_task_async(obey, KEEL_NONE);
    CHECK_TERM(exit_of(use_foreign, pack(task)),
            "{{badarg, {not_owner, #{pid := ^Pid, owner := ^Owner}, _}}, _}", task.pid,
            keel_self());
    CHECK_TERM(exit_of(await_many_foreign, pack(task)),
            "{{badarg, {not_owner, #{pid := ^Pid}, _}}, _}", task.pid);
    go(task, keel_atom(fine));
    CHECK_TERM(keel_task_await_or_exit(task), "fine");
    until_ended(task);
}

// --- yield ---

PROCESS_TEST("yield gives nothing in time and the result later", .ids = "TK-032 TK-033")
{
    keel_term result = keel_atom(untouched);
    keel_task task = keel_task_async(obey, KEEL_NONE);
    CHECK_INT(keel_task_yield(task, KEEL_AT_ONCE, &result), KEEL_E_TIMEOUT);
    CHECK_INT(keel_task_yield(task, KEEL_IN(KEEL_MS(1)), &result), KEEL_E_TIMEOUT);
    CHECK_TERM(result, "untouched");
    go(task, keel_atom(now));
    CHECK_OK(keel_task_yield(task, SOON, &result));
    CHECK_TERM(result, "now");
    until_ended(task);
    EXPECT_NO_MESSAGE();
}

// A task of our own making that has left these messages.
static keel_task with_messages(bool reply, keel_term reason)
{
    keel_pid nobody = dead_pid();
    keel_task task = {.pid = nobody, .ref = keel_make_ref(), .owner = keel_self()};
    if (reply) {
        keel_send(keel_self(), keel_make("{Ref, result}", task.ref));
    }
    if (!keel_is_none(reason)) {
        keel_send(keel_self(),
                keel_make("{'DOWN', Ref, process, Pid, Reason}", task.ref, nobody, reason));
    }
    return task;
}

PROCESS_TEST("a result in the queue counts, whatever came after it",
        .ids = "TK-032 TK-051 TK-056")
{
    keel_term result = KEEL_NONE;
    const keel_term reasons[] = {
            keel_atom(abnormal), keel_atom(normal), keel_atom(shutdown), keel_atom(killed)};
    for (size_t i = 0; i < KEEL_COUNT(reasons); i++) {
        keel_task task = with_messages(true, KEEL_NONE);
        CHECK_OK(keel_task_yield(task, KEEL_AT_ONCE, &result));
        task = with_messages(true, reasons[i]);
        CHECK_OK(keel_task_shutdown(task, KEEL_SECONDS(5), &result));
        CHECK_TERM(result, "result");
        task = with_messages(true, reasons[i]);
        CHECK_OK(keel_task_shutdown(task, KEEL_BRUTAL_KILL, &result));
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("yield tells how a task ended without a result", .ids = "TK-034")
{
    keel_trap_exit(true);
    keel_term reason = KEEL_NONE;
    keel_task task = keel_task_async(leave, keel_atom(normal));
    CHECK_INT(keel_task_yield(task, SOON, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "normal");
    task = keel_task_async(leave, keel_atom(other));
    CHECK_INT(keel_task_yield(task, SOON, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "other");
    EXPECT_MESSAGE("{'EXIT', _, normal}");
    EXPECT_MESSAGE("{'EXIT', _, other}");
}

PROCESS_TEST("yield and then shutdown give exactly one of result, exit and nothing",
        .ids = "TK-037 TK-063")
{
    keel_term result = KEEL_NONE;
    keel_task task = keel_task_async(sleep_on, KEEL_NONE);
    CHECK_INT(keel_task_yield(task, KEEL_AT_ONCE, &result), KEEL_E_TIMEOUT);
    CHECK_INT(keel_task_shutdown(task, KEEL_SECONDS(5), &result), KEEL_E_CANCELED);
    task = keel_task_async(obey_trapping, keel_from_pid(keel_self()));
    EXPECT_MESSAGE("ready");
    go(task, keel_atom(last_word));
    CHECK_INT(keel_task_yield(task, KEEL_AT_ONCE, &result), KEEL_E_TIMEOUT);
    CHECK_OK(keel_task_shutdown(task, KEEL_SECONDS(5), &result));
    CHECK_TERM(result, "last_word");
    EXPECT_MESSAGE("{told, shutdown}");
    EXPECT_NO_MESSAGE();
}

// --- shutdown ---

PROCESS_TEST("shutdown unlinks a task and ends it; the EXIT of one that had ended stays",
        .ids = "TK-050 TK-057")
{
    keel_term result = keel_atom(untouched);
    keel_task task = keel_task_async(sleep_on, KEEL_NONE);
    CHECK_INT(keel_task_shutdown(task, KEEL_SECONDS(5), &result), KEEL_E_CANCELED);
    CHECK(!keel_process_alive(task.pid));
    keel_trap_exit(true);
    task = keel_task_async(sleep_on, KEEL_NONE);
    CHECK_INT(keel_task_shutdown(task, KEEL_FOREVER, &result), KEEL_E_CANCELED);
    task = keel_task_async(leave, keel_atom(early));
    until_ended(task);
    CHECK_INT(keel_task_shutdown(task, KEEL_SECONDS(5), &result), KEEL_E_EXIT);
    CHECK_TERM(result, "early");
    EXPECT_MESSAGE("{'EXIT', ^Pid, early}", task.pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("shutdown of a task that had ended tells how", .ids = "TK-052 TK-056")
{
    keel_term result = keel_atom(untouched);
    keel_task task = with_messages(false, keel_atom(shutdown));
    CHECK_INT(keel_task_shutdown(task, KEEL_SECONDS(5), &result), KEEL_E_CANCELED);
    CHECK_TERM(result, "untouched");
    const keel_term reasons[] = {keel_atom(abnormal), keel_atom(normal), keel_atom(killed)};
    for (size_t i = 0; i < KEEL_COUNT(reasons); i++) {
        task = with_messages(false, reasons[i]);
        CHECK_INT(keel_task_shutdown(task, KEEL_SECONDS(5), &result), KEEL_E_EXIT);
        CHECK_EQUAL(result, reasons[i]);
    }
    task = with_messages(false, keel_atom(normal));
    CHECK_INT(keel_task_shutdown(task, KEEL_BRUTAL_KILL, &result), KEEL_E_EXIT);
    CHECK_TERM(result, "normal");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a task that does not end in time is killed", .ids = "TK-053 TK-057")
{
    keel_trap_exit(true);
    keel_term result = KEEL_NONE;
    keel_task task = keel_task_async(obey_trapping, keel_from_pid(keel_self()));
    EXPECT_MESSAGE("ready");
    CHECK_INT(keel_task_shutdown(task, KEEL_MS(5), &result), KEEL_E_EXIT);
    CHECK_TERM(result, "killed");
    EXPECT_MESSAGE("{told, shutdown}");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("brutal_kill ends a task at once, trapping or not", .ids = "TK-054 TK-057")
{
    keel_trap_exit(true);
    keel_term result = KEEL_NONE;
    keel_task task = keel_task_async(obey_trapping, keel_from_pid(keel_self()));
    EXPECT_MESSAGE("ready");
    CHECK_INT(keel_task_shutdown(task, KEEL_BRUTAL_KILL, &result), KEEL_E_CANCELED);
    EXPECT_NO_MESSAGE();
    CHECK_INT(keel_task_shutdown(task, -7, &result), KEEL_E_BADARG);
}

PROCESS_TEST("shutdown tells of a lost connection", .ids = "TK-060")
{
    keel_term result = KEEL_NONE;
    keel_task task = with_messages(false, keel_atom(noconnection));
    CHECK_INT(keel_task_shutdown(task, KEEL_SECONDS(5), &result), KEEL_E_NODEDOWN);
    CHECK_TERM(result, "{nodedown, _}");
}

// --- ignore ---

PROCESS_TEST("ignore gives what is there, and otherwise gives the task up",
        .ids = "TK-066 TK-067 TK-068")
{
    keel_term result = KEEL_NONE;
    keel_task task = keel_task_async(echo, keel_atom(x));
    until_ended(task);
    CHECK_OK(keel_task_ignore(task, &result));
    CHECK_TERM(result, "x");
    CHECK_INT(keel_task_await_within(task, KEEL_AT_ONCE, &result), KEEL_E_TIMEOUT);
    task = with_messages(false, keel_atom(oops));
    CHECK_INT(keel_task_ignore(task, &result), KEEL_E_EXIT);
    CHECK_TERM(result, "oops");
    task = keel_task_async(obey, KEEL_NONE);
    CHECK_INT(keel_task_ignore(task, &result), KEEL_E_CANCELED);
    go(task, keel_atom(late));
    until_ended(task);
    EXPECT_NO_MESSAGE();
    task = keel_task_async(sleep_on, KEEL_NONE);
    CHECK_INT(keel_task_ignore(task, &result), KEEL_E_CANCELED);
    keel_process_exit(task.pid, keel_atom(late_failure)); // does not reach this process
    until_ended(task);
    CHECK_INT(keel_task_await_within(task, KEEL_AT_ONCE, &result), KEEL_E_TIMEOUT);
}

PROCESS_TEST("a completed task has its result and no process", .ids = "TK-070 TK-074")
{
    keel_term result = KEEL_NONE;
    CHECK_TERM(keel_task_await_or_exit(keel_task_completed(keel_int(7))), "7");
    CHECK_OK(keel_task_ignore(keel_task_completed(keel_int(8)), &result));
    CHECK_TERM(result, "8");
    CHECK_OK(keel_task_shutdown(
            keel_task_completed(keel_int(9)), KEEL_BRUTAL_KILL, &result));
    CHECK_TERM(result, "9");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a task without a process tells what has come of it, and cannot be shut down")
{
    keel_term result = KEEL_NONE;
    keel_task task = with_messages(false, keel_atom(oops));
    task.pid = (keel_pid){0};
    CHECK_INT(keel_task_shutdown(task, KEEL_SECONDS(5), &result), KEEL_E_EXIT);
    CHECK_TERM(result, "oops");
    CHECK_INT(keel_task_shutdown(task, KEEL_BRUTAL_KILL, &result), KEEL_E_CANCELED);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("shutdown of a task whose messages have been taken tells noproc")
{
    keel_term result = KEEL_NONE;
    keel_task task = with_messages(false, KEEL_NONE);
    CHECK_INT(keel_task_shutdown(task, KEEL_SECONDS(5), &result), KEEL_E_EXIT);
    CHECK_TERM(result, "noproc");
    CHECK_INT(keel_task_shutdown(task, KEEL_BRUTAL_KILL, &result), KEEL_E_EXIT);
    CHECK_TERM(result, "noproc");
    task = with_messages(false, keel_atom(killed));
    CHECK_INT(keel_task_shutdown(task, KEEL_BRUTAL_KILL, &result), KEEL_E_CANCELED);
    task = with_messages(false, keel_atom(shutdown));
    CHECK_INT(keel_task_shutdown(task, KEEL_BRUTAL_KILL, &result), KEEL_E_EXIT);
    CHECK_TERM(result, "shutdown");
    task = with_messages(false, keel_atom(noconnection));
    CHECK_INT(keel_task_shutdown(task, KEEL_BRUTAL_KILL, &result), KEEL_E_NODEDOWN);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a task whose result was ignored is unlinked as well")
{
    keel_term result = KEEL_NONE;
    keel_task task = keel_task_async(sleep_on, KEEL_NONE);
    keel_send(keel_self(), keel_make("{Ref, early}", task.ref));
    CHECK_OK(keel_task_ignore(task, &result));
    CHECK_TERM(result, "early");
    CHECK_TERM(info_of(task.pid, keel_atom(links)), "[]");
    end_process(task.pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("what others send stays in the queue while a task is awaited")
{
    keel_ref other = keel_make_ref();
    keel_send(keel_self(), keel_make("{Ref, z}", other));
    keel_send(keel_self(), keel_make("{'DOWN', Ref, process, 1, goodbye}", other));
    CHECK_TERM(keel_task_await_or_exit(keel_task_async(echo, keel_atom(x))), "x");
    EXPECT_NEXT("{^Ref, z}", other);
    EXPECT_NEXT("{'DOWN', ^Ref, process, 1, goodbye}", other);
    EXPECT_NO_MESSAGE();
}

static void own_and_end(keel_term asker)
{
    keel_task task = keel_task_async(sleep_on, KEEL_NONE);
    keel_send(keel_to_pid(asker), keel_make("{owns, Pid}", task.pid));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "leave_now"));
    keel_exit(keel_atom(over));
}

PROCESS_TEST("a task ends with its owner")
{
    keel_pid task;
    keel_pid owner = keel_spawn(own_and_end, keel_from_pid(keel_self()));
    EXPECT_MESSAGE("{owns, Pid}", &task);
    keel_ref monitor = keel_monitor(task);
    keel_send(owner, keel_atom(leave_now));
    CHECK_TERM(await_down(monitor), "over");
}

// --- without an owner ---

static keel_term tell_asker(keel_term asker)
{
    keel_term links = info_of(keel_self(), keel_atom(links));
    keel_send(keel_to_pid(asker), keel_tuple_of(keel_atom(told), links, callers(asker)));
    return keel_atom(unheard);
}

PROCESS_TEST("start and start_link run a function and tell nothing",
        .ids = "TK-071 TK-072 TK-073")
{
    keel_pid self = keel_self();
    keel_ref first = keel_monitor(keel_task_start(tell_asker, keel_from_pid(self)));
    EXPECT_MESSAGE("{told, [], {[^Self], [^Self | _]}}", self);
    CHECK_TERM(await_down(first), "_");
    keel_pid linked = keel_task_start_link(tell_asker, keel_from_pid(self));
    EXPECT_MESSAGE("{told, [^Self], {[^Self], [^Self | _]}}", self);
    end_of(linked);
    EXPECT_NO_MESSAGE();
    keel_trap_exit(true);
    linked = keel_task_start_link(leave, keel_atom(oops));
    EXPECT_NEXT("{'EXIT', ^Pid, oops}", linked);
}

PROCESS_TEST("a task is a temporary child unless it is told otherwise", .ids = "TK-075")
{
    keel_child_spec child = keel_child_task(obey, KEEL_NONE);
    CHECK_TERM(keel_child_spec_to_term(&child),
            "#{id := obey, restart := temporary, shutdown := 5000, type := worker}");
    keel_pid supervisor = actor_started(keel_supervisor_start_link(&child, 1));
    keel_pid task;
    CHECK(keel_match(children_of(supervisor), "[{obey, Pid, worker, _}]", &task));
    keel_ref end = keel_monitor(task);
    keel_send(task, keel_make("{go, away}"));
    CHECK_TERM(await_down(end), "normal");
    CHECK_TERM(children_of(supervisor), "[]");
    stop_actor(supervisor);
}

// --- reports ---

PROCESS_TEST("a task that fails is reported once", .ids = "TK-076 TK-078")
{
    catch_reports();
    CHECK_OK(keel_register(keel_atom(starter), keel_self()));
    keel_pid task = keel_task_start(fail, keel_atom(oops));
    EXPECT_NEXT("{report, 0, #{label := {'Elixir.Task.Supervisor', terminating}, "
                "report := #{name := ^Pid, starter := starter, function := fail, "
                "args := [oops], reason := {oops, _}, process_label := undefined}}}",
            task);
    end_of(task);
    CHECK_OK(keel_unregister(keel_atom(starter)));
    task = keel_task_start(leave, keel_atom(oops));
    EXPECT_NEXT(
            "{report, 0, #{report := #{starter := ^Self, reason := oops}}}", keel_self());
    end_of(task);
    EXPECT_NO_MESSAGE();
    keel_report_handler_set(NULL);
}

PROCESS_TEST("a task that ends as expected, or is killed, is not reported",
        .ids = "TK-076 TK-079")
{
    catch_reports();
    end_of(keel_task_start(leave, keel_atom(normal)));
    end_of(keel_task_start(leave, keel_atom(shutdown)));
    end_of(keel_task_start(leave, keel_make("{shutdown, x}")));
    end_process(keel_task_start(sleep_on, KEEL_NONE));
    EXPECT_NO_MESSAGE();
    keel_report_handler_set(NULL);
}

static keel_term fail_labeled(keel_term reason)
{
    keel_process_set_label(keel_make("{my, label}"));
    keel_error(reason);
}

PROCESS_TEST("the report carries the process's label", .ids = "TK-077")
{
    catch_reports();
    keel_pid task = keel_task_start(fail_labeled, keel_atom(oops));
    EXPECT_NEXT("{report, 0, #{report := #{process_label := {my, label}}}}");
    end_of(task);
    keel_report_handler_set(NULL);
}
