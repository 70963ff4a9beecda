// Tasks under a supervisor.

#include "otp_testing.h"
#include <keel/task_supervisor.h>

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

static keel_pid supervisor_of_tasks(void)
{
    return actor_started(keel_task_supervisor_start_link());
}

static size_t active(keel_pid supervisor)
{
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children(supervisor, &counts));
    return counts.active;
}

static keel_term pids(keel_pid supervisor)
{
    keel_term pids = KEEL_NONE;
    CHECK_OK(keel_task_supervisor_children(supervisor, &pids));
    return pids;
}

static keel_term exit_of(keel_body body, keel_term argument)
{
    keel_ref monitor;
    keel_spawn_monitor(body, argument, &monitor);
    return await_down(monitor);
}

PROCESS_TEST("a task supervisor starts as a dynamic supervisor does", .ids = "TS-001")
{
    keel_pid supervisor = actor_started(
            keel_task_supervisor_start_link(.name = keel_atom(jobs), .max_children = 7,
                    .intensity = 4, .period = KEEL_SECONDS(9),
                    .spawn.priority = KEEL_HIGH_PRIORITY));
    keel_term state = KEEL_NONE;
    CHECK_OK(keel_sys_get_state("jobs", &state));
    CHECK_TERM(state, "#{max_children := 7, max_restarts := 4, max_seconds := 9}");
    CHECK_TERM(info_of(supervisor, keel_atom(priority)), "high");
    stop_actor(supervisor);
}

PROCESS_TEST("several live in one tree", .ids = "TS-001 TS-002")
{
    keel_child_spec specs[] = {keel_child_task_supervisor(.name = keel_atom(jobs)),
            keel_child_task_supervisor(.name = keel_atom(chores)),
            keel_child_task_supervisor()};
    keel_pid tree = new_supervisor(specs, .strategy = KEEL_ONE_FOR_ONE);
    CHECK_TERM(children_of(tree), "[{task_supervisor, _, supervisor, _}, "
                                  "{chores, _, supervisor, _}, {jobs, _, supervisor, _}]");
    keel_task task = keel_task_supervisor_async("chores", obey, KEEL_NONE);
    CHECK_TERM(pids(keel_whereis("chores")), "[^Pid]", task.pid);
    CHECK_TERM(pids(keel_whereis("jobs")), "[]");
    go(task, keel_atom(done));
    CHECK_TERM(keel_task_await_or_exit(task), "done");
    stop_actor(tree);
}

PROCESS_TEST("children are the tasks that run", .ids = "TS-003 TS-004")
{
    keel_pid supervisor = supervisor_of_tasks();
    CHECK_TERM(pids(supervisor), "[]");
    keel_task task = keel_task_supervisor_async(supervisor, obey, KEEL_NONE);
    CHECK_TERM(pids(supervisor), "[^Pid]", task.pid);
    CHECK_INT(active(supervisor), 1);
    go(task, keel_atom(x));
    CHECK_TERM(keel_task_await_or_exit(task), "x");
    end_of(task.pid);
    CHECK_TERM(pids(supervisor), "[]");
    CHECK_INT(active(supervisor), 0);
    stop_actor(supervisor);
}

PROCESS_TEST("a task is temporary and has five seconds to end", .ids = "TS-005")
{
    catch_reports();
    keel_pid supervisor = supervisor_of_tasks();
    keel_started task = keel_task_supervisor_start_child(
            supervisor, leave, keel_atom(oops));
    CHECK_OK(task.status);
    EXPECT_MESSAGE("{report, 0, #{label := {supervisor, child_terminated}, report := "
                   "[_, _, {reason, oops}, {offender, [{pid, ^Pid}, _, _, "
                   "{restart_type, temporary}, {shutdown, 5000}, _]}]}}",
            task.pid);
    CHECK_TERM(pids(supervisor), "[]");
    stop_actor(supervisor);
    keel_report_handler_set(NULL);
    keel_flush();
}

// Tells the asker when it runs, and obeys from then on.
static keel_term announce(keel_term asker)
{
    keel_send(keel_to_pid(asker), keel_make("{running, Pid}", keel_self()));
    return obey(KEEL_NONE);
}

static keel_pid announced(void)
{
    keel_pid pid;
    EXPECT_MESSAGE("{running, Pid}", &pid);
    return pid;
}

PROCESS_TEST(
        "a task that may be restarted is run anew with the same function", .ids = "TS-024")
{
    keel_term self = keel_from_pid(keel_self());
    keel_pid supervisor = supervisor_of_tasks();
    CHECK_OK(keel_task_supervisor_start_child(
            supervisor, announce, self, .restart = KEEL_TASK_PERMANENT)
                     .status);
    keel_pid first = announced();
    keel_send(first, keel_make("{go, away}"));
    keel_pid second = announced();
    CHECK(!same_pid(first, second));
    CHECK_TERM(pids(supervisor), "[^Pid]", second);
    CHECK_OK(keel_task_supervisor_terminate_child(supervisor, second));
    CHECK_OK(keel_task_supervisor_start_child(
            supervisor, announce, self, .restart = KEEL_TASK_TRANSIENT)
                     .status);
    first = announced();
    end_process(first);
    second = announced();
    keel_ref end = keel_monitor(second);
    keel_send(second, keel_make("{go, away}"));
    CHECK_TERM(await_down(end), "normal");
    CHECK_TERM(pids(supervisor), "[]");
    stop_actor(supervisor);
}

// --- async ---

static keel_term relations(keel_term unused)
{
    (void)unused;
    keel_term callers = keel_process_get(keel_atom_text("$callers"));
    return keel_tuple_of(keel_from_pid(keel_parent()), keel_head(keel_ancestors()), callers,
            info_of(keel_self(), keel_atom(links)));
}

PROCESS_TEST("a supervised task belongs to the supervisor and works for the caller",
        .ids = "TS-008 TS-009")
{
    keel_pid self = keel_self();
    keel_pid supervisor = supervisor_of_tasks();
    keel_term seen = keel_task_await_or_exit(
            keel_task_supervisor_async_nolink(supervisor, relations, KEEL_NONE));
    CHECK_TERM(seen, "{^Sup, ^Sup, [^Self], [^Sup]}", supervisor, self);
    keel_task task = keel_task_supervisor_async(supervisor, obey, KEEL_NONE);
    keel_term links = info_of(task.pid, keel_atom(links));
    CHECK(keel_list_member(keel_from_pid(self), links));
    CHECK(keel_list_member(keel_from_pid(supervisor), links));
    CHECK_TERM(info_of(task.pid, keel_atom(initial_call)), "<<\"obey\">>");
    go(task, keel_atom(done));
    CHECK_TERM(keel_task_await_or_exit(task), "done");
    stop_actor(supervisor);
    EXPECT_NO_MESSAGE();
}

static keel_term obey_trapping(keel_term unused)
{
    keel_trap_exit(true);
    return obey(unused);
}

PROCESS_TEST("tasks with brutal_kill are killed with their supervisor",
        .ids = "TS-010 TS-017 TS-026 TS-013")
{
    keel_trap_exit(true);
    keel_pid supervisor = supervisor_of_tasks();
    keel_task linked = keel_task_supervisor_async(
            supervisor, obey_trapping, KEEL_NONE, .shutdown = KEEL_BRUTAL_KILL);
    keel_task unlinked = keel_task_supervisor_async_nolink(
            supervisor, obey_trapping, KEEL_NONE, .shutdown = KEEL_BRUTAL_KILL);
    keel_ref unowned = keel_monitor(keel_task_supervisor_start_child(
            supervisor, obey_trapping, KEEL_NONE, .shutdown = KEEL_BRUTAL_KILL)
                                            .pid);
    keel_task gentle = keel_task_supervisor_async(supervisor, obey, KEEL_NONE);
    stop_actor(supervisor);
    keel_term reason = KEEL_NONE;
    CHECK_INT(keel_task_await(linked, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "killed");
    CHECK_INT(keel_task_await(unlinked, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "killed");
    CHECK_TERM(await_down(unowned), "killed");
    CHECK_INT(keel_task_await(gentle, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "shutdown");
    EXPECT_MESSAGE("{'EXIT', ^Pid, killed}", linked.pid);
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", gentle.pid);
    EXPECT_NO_MESSAGE();
}

static void one_too_many(keel_term supervisor)
{
    keel_task_await_or_exit(keel_task_supervisor_async(supervisor, obey, KEEL_NONE));
}

static void one_too_many_nolink(keel_term supervisor)
{
    keel_task_await_or_exit(keel_task_supervisor_async_nolink(supervisor, obey, KEEL_NONE));
}

PROCESS_TEST("more tasks than allowed are the caller's error", .ids = "TS-011 TS-017")
{
    keel_pid supervisor = actor_started(keel_task_supervisor_start_link(.max_children = 1));
    keel_term name = keel_from_pid(supervisor);
    CHECK_OK(keel_task_supervisor_start_child(supervisor, obey, KEEL_NONE).status);
    CHECK_TERM(exit_of(one_too_many, name), "{{max_children, ^Sup}, _}", supervisor);
    CHECK_TERM(exit_of(one_too_many_nolink, name), "{{max_children, ^Sup}, _}", supervisor);
    keel_started refused = keel_task_supervisor_start_child(supervisor, obey, KEEL_NONE);
    CHECK_INT(refused.status, KEEL_E_REFUSED);
    CHECK_TERM(refused.reason, "max_children");
    stop_actor(supervisor);
}

PROCESS_TEST("a permanent task is run anew after any end, a transient one after a bad one")
{
    keel_term self = keel_from_pid(keel_self());
    keel_pid supervisor = actor_started(keel_task_supervisor_start_link(.intensity = 10));
    CHECK_OK(keel_task_supervisor_start_child(
            supervisor, announce, self, .restart = KEEL_TASK_PERMANENT)
                     .status);
    keel_pid first = announced();
    CHECK_OK(keel_process_exit(first, keel_atom(shutdown)));
    keel_pid second = announced();
    CHECK_OK(keel_task_supervisor_terminate_child(supervisor, second));
    CHECK_OK(keel_task_supervisor_start_child(
            supervisor, announce, self, .restart = KEEL_TASK_TRANSIENT)
                     .status);
    first = announced();
    keel_ref end = keel_monitor(first);
    CHECK_OK(keel_process_exit(first, keel_make("{shutdown, enough}")));
    CHECK_TERM(await_down(end), "{shutdown, enough}");
    CHECK_TERM(pids(supervisor), "[]");
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

PROCESS_TEST("a child that nobody can start is an ordinary result")
{
    CHECK_INT(keel_task_supervisor_start_child("nobody", obey, KEEL_NONE).status,
            KEEL_E_NOPROC);
    keel_term children = KEEL_NONE;
    CHECK_INT(keel_task_supervisor_children("nobody", &children), KEEL_E_NOPROC);
}

static keel_term callers_of_two(keel_term supervisor)
{
    keel_term inside = keel_task_await_or_exit(
            keel_task_supervisor_async(supervisor, relations, KEEL_NONE));
    return keel_tuple_of(keel_from_pid(keel_self()), inside);
}

PROCESS_TEST("callers of a nested supervised task are its owner and the owner's own")
{
    keel_pid self = keel_self();
    keel_pid supervisor = supervisor_of_tasks();
    keel_pid owner;
    keel_term seen = keel_task_await_or_exit(keel_task_supervisor_async_nolink(
            supervisor, callers_of_two, keel_from_pid(supervisor)));
    CHECK(keel_match(seen, "{Owner, _}", &owner));
    CHECK_TERM(seen, "{_, {^Sup, ^Sup, [^Owner, ^Self], _}}", supervisor, owner, self);
    stop_actor(supervisor);
}

static void own_failing(keel_term supervisor)
{
    keel_task task = keel_task_supervisor_async(supervisor, obey, KEEL_NONE);
    keel_process_exit(task.pid, keel_atom(oops));
    wait_forever(KEEL_NONE);
}

PROCESS_TEST("a linked task that fails takes its owner down", .ids = "TS-012")
{
    keel_pid supervisor = supervisor_of_tasks();
    CHECK_TERM(exit_of(own_failing, keel_from_pid(supervisor)), "oops");
    stop_actor(supervisor);
}

PROCESS_TEST("a task under nobody fails with noproc", .ids = "TS-014")
{
    CHECK_TERM(exit_of(one_too_many, keel_atom(nobody)), "{noproc, {gen_server, call, _}}");
    CHECK_TERM(exit_of(one_too_many, keel_from_pid(dead_pid())),
            "{noproc, {gen_server, call, _}}");
}

static void await_failing(keel_term supervisor_and_reason)
{
    keel_term supervisor = keel_element(supervisor_and_reason, 0);
    keel_term reason = keel_element(supervisor_and_reason, 1);
    keel_task task = keel_is(reason, fail)
                             ? keel_task_supervisor_async_nolink(supervisor, fail, reason)
                             : keel_task_supervisor_async_nolink(supervisor, leave, reason);
    keel_task_await_or_exit(task);
}

PROCESS_TEST("without a link only await tells of the failure", .ids = "TS-015 TS-033")
{
    keel_term reason = KEEL_NONE;
    keel_pid supervisor = supervisor_of_tasks();
    keel_task task = keel_task_supervisor_async_nolink(supervisor, leave, keel_atom(oops));
    CHECK_INT(keel_task_await(task, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "oops");
    keel_term name = keel_from_pid(supervisor);
    CHECK_TERM(exit_of(await_failing, keel_tuple_of(name, keel_atom(oops))),
            "{oops, {'Elixir.Task', await, _}}");
    CHECK_TERM(exit_of(await_failing, keel_tuple_of(name, keel_atom(fail))),
            "{{fail, _}, {'Elixir.Task', await, _}}");
    stop_actor(supervisor);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("an owner that does not wait gets ordinary messages", .ids = "TS-016")
{
    keel_pid supervisor = supervisor_of_tasks();
    keel_task task = keel_task_supervisor_async_nolink(supervisor, obey, KEEL_NONE);
    go(task, keel_atom(result));
    EXPECT_NEXT("{^Ref, result}", task.ref);
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, normal}", task.ref, task.pid);
    stop_actor(supervisor);
}

static void start_and_die(keel_term supervisor_and_asker)
{
    keel_task task = keel_task_supervisor_async_nolink(
            keel_element(supervisor_and_asker, 0), obey, KEEL_NONE);
    keel_send_term(
            keel_element(supervisor_and_asker, 1), keel_make("{running, Pid}", task.pid));
}

PROCESS_TEST("a task without a link outlives its owner", .ids = "TS-015")
{
    keel_pid supervisor = supervisor_of_tasks();
    keel_pid owner = keel_spawn(start_and_die,
            keel_tuple_of(keel_from_pid(supervisor), keel_from_pid(keel_self())));
    keel_pid task = announced();
    end_of(owner);
    CHECK_TERM(pids(supervisor), "[^Pid]", task);
    stop_actor(supervisor);
}

// --- start_child, terminate_child ---

static keel_term callers(keel_term asker)
{
    keel_term links = info_of(keel_self(), keel_atom(links));
    keel_send_term(asker, keel_tuple_of(keel_atom(callers),
                                  keel_process_get(keel_atom_text("$callers")), links));
    return keel_atom(unheard);
}

PROCESS_TEST("start_child runs a function nobody waits for", .ids = "TS-022 TS-023 TS-028")
{
    keel_pid self = keel_self();
    keel_pid supervisor = supervisor_of_tasks();
    keel_started started = keel_task_supervisor_start_child(
            supervisor, callers, keel_from_pid(self));
    CHECK_OK(started.status);
    EXPECT_MESSAGE("{callers, [^Self], [^Sup]}", self, supervisor);
    end_of(started.pid);
    started = keel_task_supervisor_start_child(supervisor, fail, keel_atom(oops));
    end_of(started.pid);
    EXPECT_NO_MESSAGE();
    stop_actor(supervisor);
}

PROCESS_TEST("terminate_child ends a task", .ids = "TS-030 TS-031")
{
    keel_pid supervisor = supervisor_of_tasks();
    keel_started task = keel_task_supervisor_start_child(supervisor, obey, KEEL_NONE);
    CHECK_OK(keel_task_supervisor_terminate_child(supervisor, task.pid));
    CHECK(!keel_process_alive(task.pid));
    CHECK_TERM(pids(supervisor), "[]");
    CHECK_INT(keel_task_supervisor_terminate_child(supervisor, task.pid), KEEL_E_REFUSED);
    stop_actor(supervisor);
}

// Starts a process while `may_start` is a name of somebody.
static keel_started start_if_allowed(keel_term unused)
{
    (void)unused;
    if (no_pid(keel_whereis("may_start"))) {
        return keel_started_failed(keel_atom(busy));
    }
    return keel_started_ok(keel_spawn_link(wait_forever, KEEL_NONE));
}

PROCESS_TEST("what waits to be started anew is not among the tasks", .ids = "TS-007")
{
    keel_pid supervisor = actor_started(
            keel_task_supervisor_start_link(.intensity = 1000000));
    keel_pid door = new_puppet();
    CHECK_OK(keel_register(keel_atom(may_start), door));
    keel_task task = keel_task_supervisor_async(supervisor, obey, KEEL_NONE);
    keel_pid child = actor_started(keel_dynamic_supervisor_start_child(
            supervisor, &keel_child_fn(start_if_allowed, KEEL_NONE,
                                .id = keel_atom(stubborn), .restart = KEEL_PERMANENT)));
    size_t count;
    CHECK(keel_list_length(pids(supervisor), &count) && count == 2);
    end_process(door);
    end_process(child);
    CHECK_TERM(children_of(supervisor), "[{_, _, worker, _}, {_, _, worker, _}]");
    CHECK_TERM(pids(supervisor), "[^Pid]", task.pid);
    go(task, keel_atom(done));
    CHECK_TERM(keel_task_await_or_exit(task), "done");
    CHECK_TERM(pids(supervisor), "[]");
    stop_actor(supervisor);
}
