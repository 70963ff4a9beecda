// Partition supervisors.

#include "otp_testing.h"
#include <keel/dynamic_supervisor.h>
#include <keel/partition_supervisor.h>

// A start function that tells its argument by the state of the actor it starts.
static keel_started start_telling(keel_term argument)
{
    if (keel_is(argument, fail)) {
        return keel_started_failed(keel_atom(oops));
    }
    if (keel_equal(argument, keel_make("{skip, 1}"))) {
        return keel_started_ignored();
    }
    keel_started started = keel_gen_server_start_link(
            &actor_server, ACTOR(.state = argument));
    started.info = keel_is(argument, info) ? keel_atom(more) : KEEL_NONE;
    return started;
}

#define start_parts(argument, ...)                                                         \
    keel_partition_supervisor_start_link(                                                  \
            &keel_child_fn(start_telling, (argument), .id = keel_atom(part)),              \
            .name = keel_atom(parts), __VA_ARGS__)

static keel_term numbered(keel_term argument, int partition)
{
    return keel_tuple_of(argument, keel_int(partition));
}

static keel_pid part(keel_term key)
{
    return keel_to_pid(keel_server_whereis(keel_partition("parts", key)));
}

static keel_term state_of(int64_t key)
{
    return keel_call_or_exit(
            keel_partition("parts", keel_int(key)), ACT(play_get, KEEL_NONE));
}

static int partitions(void)
{
    int count = -1;
    CHECK_OK(keel_partition_supervisor_partitions("parts", &count));
    return count;
}

PROCESS_TEST("there is one partition per worker unless told otherwise", .ids = "PS-001")
{
    keel_pid supervisor = actor_started(start_parts(keel_nil(), .partitions = 0));
    keel_runtime_view runtime;
    keel_inspect_runtime(&runtime);
    CHECK_INT(partitions(), runtime.workers > 0 ? runtime.workers : 1);
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children("parts", &counts));
    CHECK_INT(counts.active, partitions());
    stop_actor(supervisor);
}

PROCESS_TEST("integers route by their absolute value, each to an argument of its own",
        .ids = "PS-002 PS-006 PS-014")
{
    keel_pid supervisor = actor_started(
            start_parts(keel_atom(a), .partitions = 3, .with_arguments = numbered));
    CHECK_INT(partitions(), 3);
    CHECK_TERM(state_of(0), "{a, 0}");
    CHECK_TERM(state_of(1), "{a, 1}");
    CHECK_TERM(state_of(3), "{a, 0}");
    CHECK_TERM(state_of(-1), "{a, 1}");
    CHECK_TERM(state_of(-5), "{a, 2}");
    CHECK_TERM(state_of(INT64_MIN), "{a, _}");
    keel_pid second = part(keel_int(2));
    CHECK(part(keel_make("18446744073709551617")).word == second.word); // 2^64 + 1
    CHECK(part(keel_make("-18446744073709551617")).word == second.word);
    keel_term long_key = keel_int_from_bytes(false, (const uint8_t[300]){[0] = 2}, 300);
    CHECK(part(long_key).word == second.word);
    uint8_t large[300] = {[0] = 1, [299] = 1}; // 256^299 + 1, and 256 rem 3 is 1
    CHECK(part(keel_int_from_bytes(true, large, sizeof large)).word == second.word);
    stop_actor(supervisor);
}

static keel_term forget_second(keel_term argument, int partition)
{
    return partition == 1 ? KEEL_NONE : argument;
}

PROCESS_TEST("options out of range are refused before any process is made",
        .ids = "PS-003 PS-005")
{
    size_t before = process_count();
    keel_child_spec child = keel_child(&actor_server, ACTOR());
    keel_started started = keel_partition_supervisor_start_link(&child, .partitions = 1);
    CHECK_INT(started.status, KEEL_E_BADARG);
    CHECK_TERM(started.reason, "{name, undefined}");
    started = keel_partition_supervisor_start_link(
            &child, .name = keel_make("{global, a}"), .partitions = 1);
    CHECK_TERM(started.reason, "{name, {global, a}}");
    started = keel_partition_supervisor_start_link(NULL, .name = keel_atom(parts));
    CHECK_TERM(started.reason, "{child_spec, undefined}");
    started = keel_partition_supervisor_start_link(
            &child, .name = keel_atom(parts), .partitions = -1);
    CHECK_TERM(started.reason, "{partitions, -1}");
    started = keel_partition_supervisor_start_link(&child, .name = keel_atom(parts),
            .partitions = 3, .with_arguments = forget_second);
    CHECK_TERM(started.reason, "{with_arguments, 1}");
    child.shutdown = -7;
    started = keel_partition_supervisor_start_link(&child, .name = keel_atom(parts));
    CHECK_TERM(started.reason, "{child_spec, {invalid_shutdown, _}}");
    CHECK_INT(process_count(), before);
}

PROCESS_TEST("a name is given once", .ids = "PS-009")
{
    keel_pid supervisor = actor_started(start_parts(keel_nil(), .partitions = 1));
    keel_started again = start_parts(keel_nil(), .partitions = 1);
    CHECK_INT(again.status, KEEL_E_TAKEN);
    CHECK_TERM(again.reason, "{already_started, ^Pid}", supervisor);
    stop_actor(supervisor);
}

PROCESS_TEST("as a child its id is its name", .ids = "PS-010")
{
    keel_child_spec child = keel_child(&actor_server, ACTOR());
    keel_child_spec spec = keel_child_partition_supervisor(
            &child, .name = keel_make("{via, some, {key, 1}}"));
    CHECK_TERM(keel_child_spec_to_term(&spec), "#{id := {key, 1}, type := supervisor}");
    spec = keel_child_partition_supervisor(
            &child, .name = keel_atom(parts), .partitions = 2);
    keel_pid tree = actor_started(keel_supervisor_start_link(&spec, 1));
    CHECK_TERM(children_of(tree), "[{parts, _, supervisor, [partition_supervisor]}]");
    CHECK_INT(partitions(), 2);
    CHECK(keel_process_alive(part(keel_int(1))));
    stop_actor(tree);
}

PROCESS_TEST("strategy and intensity are those of a supervisor", .ids = "PS-011")
{
    keel_trap_exit(true);
    keel_pid supervisor = actor_started(start_parts(
            keel_nil(), .partitions = 2, .strategy = KEEL_ONE_FOR_ALL, .intensity = 1));
    keel_pid other = part(keel_int(1));
    keel_ref monitor = keel_monitor(other);
    end_process(part(keel_int(0)));
    CHECK_TERM(await_down(monitor), "shutdown");
    CHECK_TERM(children_of(supervisor), "[{1, _, _, _}, {0, _, _, _}]");
    CHECK(!same_pid(part(keel_int(1)), other));
    keel_process_exit(part(keel_int(1)), keel_atom(kill));
    EXPECT_MESSAGE("{'EXIT', ^Pid, shutdown}", supervisor);
}

PROCESS_TEST("a partition that does not start fails the start, one that declines does not",
        .ids = "PS-012 PS-013")
{
    keel_trap_exit(true);
    keel_started started = start_parts(keel_atom(fail), .partitions = 2);
    CHECK_TERM(started.reason, "{shutdown, {failed_to_start_child, 0, oops}}");
    keel_pid supervisor = actor_started(start_parts(keel_atom(info), .partitions = 2));
    CHECK(keel_process_alive(part(keel_int(1))));
    stop_actor(supervisor);
    supervisor = actor_started(
            start_parts(keel_atom(skip), .partitions = 2, .with_arguments = numbered));
    CHECK(!no_pid(part(keel_int(0))));
    CHECK(no_pid(part(keel_int(1))));
    stop_actor(supervisor);
    keel_flush();
}

enum { KEYS = 200 };

PROCESS_TEST("other keys route by a hash, and reach all partitions", .ids = "PS-015 PS-016")
{
    keel_pid supervisor = actor_started(
            start_parts(keel_atom(a), .partitions = 4, .with_arguments = numbered));
    size_t hits[4] = {0};
    for (int i = 0; i < KEYS; i++) {
        keel_term key = keel_make("{key, N}", i);
        keel_pid pid = part(key);
        CHECK(same_pid(pid, part(keel_make("{key, N}", i))));
        for (int n = 0; n < 4; n++) {
            hits[n] += same_pid(pid, part(keel_int(n)));
        }
    }
    for (int n = 0; n < 4; n++) {
        CHECK(hits[n] > 0);
    }
    CHECK_INT(hits[0] + hits[1] + hits[2] + hits[3], KEYS);
    stop_actor(supervisor);
}

PROCESS_TEST("calls, casts, messages and children go through the name", .ids = "PS-017")
{
    keel_child_spec pool = keel_child_dynamic_supervisor();
    keel_pid supervisor = actor_started(keel_partition_supervisor_start_link(
            &pool, .name = keel_atom(parts), .partitions = 2));
    keel_term name = keel_partition("parts", keel_atom(someone));
    keel_started child = keel_dynamic_supervisor_start_child(
            name, &keel_child(&actor_server, ACTOR(.probed = true)));
    CHECK_OK(child.status);
    EXPECT_NEXT("{actor, init, _}");
    CHECK_TERM(
            children_of(part(keel_atom(someone))), "[{undefined, ^Pid, _, _}]", child.pid);
    stop_actor(supervisor);
    keel_flush();
    supervisor = actor_started(start_parts(keel_nil(), .partitions = 2));
    keel_term one = keel_partition("parts", keel_int(1));
    CHECK_OK(keel_cast(one, ACT(play_put, keel_atom(cast))));
    CHECK_TERM(state_of(1), "cast");
    CHECK_OK(keel_server_send(one, ACT(play_put, keel_atom(sent))));
    CHECK_TERM(state_of(1), "sent");
    stop_actor(supervisor);
}

PROCESS_TEST("there is nobody at an unknown supervisor", .ids = "PS-020 PS-025 PS-035")
{
    keel_term reply = KEEL_NONE;
    int count;
    keel_child_counts counts;
    CHECK_INT(keel_call(keel_partition("nobody", keel_int(0)), keel_atom(x), &reply),
            KEEL_E_NOPROC);
    CHECK_INT(keel_call(keel_partition_term(keel_make("{via, nobody, x}"), keel_int(0)),
                      keel_atom(x), &reply),
            KEEL_E_NOPROC);
    CHECK_INT(keel_partition_supervisor_partitions("nobody", &count), KEEL_E_NOPROC);
    CHECK_INT(keel_partition_supervisor_resize("nobody", 1, NULL), KEEL_E_NOPROC);
    CHECK_INT(keel_supervisor_count_children("nobody", &counts), KEEL_E_NOPROC);
    keel_pid other = actor_started(keel_supervisor_start_link(NULL, 0));
    CHECK_INT(keel_partition_supervisor_partitions(other, &count), KEEL_E_NOPROC);
    stop_actor(other);
}

PROCESS_TEST("which_children lists the partitions by number, and stop frees the name",
        .ids = "PS-023 PS-024 PS-026")
{
    keel_pid supervisor = actor_started(start_parts(keel_nil(), .partitions = 2));
    CHECK_TERM(children_of(supervisor), "[{1, ^One, worker, [part]}, {0, ^Zero, _, _}]",
            part(keel_int(1)), part(keel_int(0)));
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children("parts", &counts));
    CHECK_INT(counts.specs, 2);
    CHECK_INT(counts.workers, 2);
    CHECK_INT(counts.supervisors, 0);
    keel_pid zero = part(keel_int(0));
    keel_unlink(supervisor);
    CHECK_OK(keel_gen_server_stop("parts", keel_atom(normal), SOON));
    CHECK(!keel_process_alive(zero));
    CHECK(no_pid(keel_whereis("parts")));
    int count;
    CHECK_INT(keel_partition_supervisor_partitions("parts", &count), KEEL_E_NOPROC);
}

static void check_size(int count)
{
    CHECK_INT(partitions(), count);
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children("parts", &counts));
    CHECK_INT(counts.active, count);
    for (int key = 0; key < 20 && count > 0; key++) {
        CHECK_TERM(state_of(key), "{a, ^N}", keel_int(key % count));
        CHECK(keel_process_alive(part(keel_make("{key, N}", key))));
    }
    if (count == 0) {
        CHECK(no_pid(part(keel_int(0))));
    }
}

PROCESS_TEST("a partition supervisor shrinks and grows",
        .ids = "PS-028 PS-029 PS-031 PS-033 PS-034 PS-038")
{
    keel_pid supervisor = actor_started(
            start_parts(keel_atom(a), .partitions = 4, .with_arguments = numbered));
    const int sizes[] = {4, 2, 2, 3, 0, 4, 1, 4};
    int before = 4;
    for (size_t i = 0; i < KEEL_COUNT(sizes); i++) {
        int previous = -1;
        CHECK_OK(keel_partition_supervisor_resize("parts", sizes[i], &previous));
        CHECK_INT(previous, before);
        check_size(sizes[i]);
        before = sizes[i];
    }
    CHECK_INT(keel_partition_supervisor_resize("parts", 5, NULL), KEEL_E_BADARG);
    CHECK_INT(keel_partition_supervisor_resize("parts", -1, NULL), KEEL_E_BADARG);
    check_size(4);
    stop_actor(supervisor);
}

PROCESS_TEST("the count of children has all that ever were, and those in use as active")
{
    keel_pid supervisor = actor_started(start_parts(keel_nil(), .partitions = 4));
    CHECK_OK(keel_partition_supervisor_resize("parts", 1, NULL));
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children("parts", &counts));
    CHECK_INT(counts.specs, 4);
    CHECK_INT(counts.active, 1);
    CHECK_INT(counts.workers, 4);
    CHECK_TERM(children_of(supervisor),
            "[{3, undefined, _, _}, {2, undefined, _, _}, "
            "{1, undefined, _, _}, {0, ^Pid, _, _}]",
            part(keel_int(7)));
    stop_actor(supervisor);
}

PROCESS_TEST("a partition that was restarted is found under its key")
{
    keel_pid supervisor = actor_started(
            start_parts(keel_atom(a), .partitions = 2, .with_arguments = numbered));
    keel_pid before = part(keel_int(1));
    end_process(before);
    CHECK_TERM(children_of(supervisor), "[{1, ^Pid, _, _}, _]", part(keel_int(1)));
    CHECK(!same_pid(part(keel_int(1)), before));
    CHECK_TERM(state_of(1), "{a, 1}");
    stop_actor(supervisor);
}

static keel_started start_if_open(keel_term gate)
{
    keel_term open = keel_call_or_exit_term(gate, ACT(play_get, KEEL_NONE), KEEL_FOREVER);
    return keel_to_bool(open) ? keel_gen_server_start_link(&actor_server, ACTOR())
                              : keel_started_failed(keel_atom(closed));
}

PROCESS_TEST("with a partition that does not start as many as before are in use")
{
    keel_pid gate = lone_actor(.state = keel_bool(true));
    keel_child_spec child = keel_child_fn(start_if_open, keel_from_pid(gate));
    keel_pid supervisor = actor_started(keel_partition_supervisor_start_link(
            &child, .name = keel_atom(parts), .partitions = 3));
    CHECK_OK(keel_partition_supervisor_resize("parts", 1, NULL));
    keel_call_or_exit(gate, ACT(play_put, keel_bool(false)));
    int previous = -1;
    CHECK_INT(keel_partition_supervisor_resize("parts", 3, &previous), KEEL_E_REFUSED);
    CHECK_INT(previous, -1);
    CHECK_INT(partitions(), 1);
    CHECK(same_pid(part(keel_int(2)), part(keel_int(0))));
    keel_call_or_exit(gate, ACT(play_put, keel_bool(true)));
    CHECK_OK(keel_partition_supervisor_resize("parts", 3, &previous));
    CHECK_INT(previous, 1);
    CHECK_INT(partitions(), 3);
    stop_actor(supervisor);
    stop_actor(gate);
}

static void resize_often(keel_term seed)
{
    for (int64_t i = 0; i < 6; i++) {
        int size = (int)((keel_to_int(seed) * 7 + i * 3) % 5);
        CHECK_OK(keel_partition_supervisor_resize("parts", size, NULL));
    }
}

PROCESS_TEST("those who resize at the same time do so one after another")
{
    keel_pid supervisor = actor_started(start_parts(keel_nil(), .partitions = 4));
    keel_ref monitors[4];
    for (int i = 0; i < 4; i++) {
        keel_spawn_monitor(resize_often, keel_int(i), &monitors[i]);
    }
    for (int i = 0; i < 4; i++) {
        CHECK_TERM(await_down(monitors[i]), "normal");
    }
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children("parts", &counts));
    CHECK_INT(counts.active, partitions());
    stop_actor(supervisor);
}

PROCESS_TEST("whoever ends while it resizes keeps nobody from resizing")
{
    keel_pid supervisor = actor_started(start_parts(keel_nil(), .partitions = 4));
    CHECK_OK(keel_sys_suspend(supervisor)); // so that it waits for the first answer
    keel_pid resizer = keel_spawn(resize_often, keel_int(1));
    for (int64_t waiting = 0; waiting == 0;) {
        CHECK(keel_get_int(info_of(supervisor, keel_atom(message_queue_len)), &waiting));
        keel_yield();
    }
    end_process(resizer);
    CHECK_OK(keel_sys_resume(supervisor));
    CHECK_OK(keel_partition_supervisor_resize("parts", 4, NULL));
    CHECK_OK(keel_partition_supervisor_resize("parts", 2, NULL));
    CHECK_INT(partitions(), 2);
    stop_actor(supervisor);
}

PROCESS_TEST("nobody can be named as a partition")
{
    keel_pid supervisor = actor_started(start_parts(keel_nil(), .partitions = 1));
    keel_pid before = part(keel_int(0));
    keel_started started = keel_gen_server_start(
            &actor_server, ACTOR(), .name = keel_partition("parts", keel_int(0)));
    CHECK(started.status != KEEL_OK);
    CHECK(same_pid(part(keel_int(0)), before));
    stop_actor(supervisor);
}

// A keeper of names that gives the names of the runtime.
static keel_pid plain_whereis(keel_term key)
{
    return keel_whereis_term(key);
}

static bool plain_register(keel_term key, keel_pid pid)
{
    return keel_register(key, pid) == KEEL_OK;
}

static void plain_unregister(keel_term key)
{
    keel_unregister(key);
}

static const keel_via_ops plain = {plain_whereis, plain_register, plain_unregister, NULL};

PROCESS_TEST("the name may be one that somebody else keeps",
        .ids = "PS-008 PS-017 PS-024 PS-027")
{
    CHECK_OK(keel_via_register(keel_atom(plain), &plain));
    keel_term name = keel_make("{via, plain, kept}");
    keel_child_spec child = keel_child(&actor_server, ACTOR());
    keel_pid supervisor = actor_started(
            keel_partition_supervisor_start_link(&child, .name = name, .partitions = 2));
    CHECK(same_pid(keel_whereis("kept"), supervisor));
    CHECK_TERM(keel_call_or_exit(
                       keel_partition(name, keel_int(1)), ACT(play_put, keel_atom(x))),
            "ok");
    keel_child_counts counts;
    CHECK_OK(keel_supervisor_count_children(name, &counts));
    CHECK_INT(counts.active, 2);
    keel_unlink(supervisor);
    CHECK_OK(keel_gen_server_stop(name, keel_atom(normal), SOON));
    CHECK(no_pid(keel_whereis("kept")));
    CHECK_OK(keel_via_register(keel_atom(plain), NULL));
}
