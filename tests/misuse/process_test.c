// The runtime, and processes: spawning, ending, what belongs to one.

#include "table.h"

static void never_context(void *unused)
{
    (void)unused;
    CHECK(false);
}

static bool never_visit(const keel_process_view *view, void *unused)
{
    (void)view;
    never_context(unused);
    return false;
}

static void do_nothing(keel_term unused)
{
    (void)unused;
}

#define OPTS(...) (&(const keel_spawn_opts){__VA_ARGS__})
#define BAD OPTS(.priority = (keel_priority)77)
#define ACK SOON, &ret.pid, &ret.ref, &result

#define STARTS_NOT(...) STATUS(KEEL_E_BADARG, keel_start(&(keel_config){__VA_ARGS__}))

TABLE(runtime, "the runtime is started and stopped from outside only, and once")
{
    STARTS_NOT(.max_processes = 1);
    STARTS_NOT(.max_processes = 15);
    STARTS_NOT(.max_processes = ((size_t)1 << 28) + 1);
    STARTS_NOT(.stack_bytes = SIZE_MAX / 2);
    if (is_up() && !is_inside()) {
        STATUS(KEEL_E_RUNNING, keel_start(NULL));
    }
    if (is_inside()) {
        STATUS(KEEL_E_INSIDE, keel_start(NULL));
        STATUS(KEEL_E_INSIDE, keel_stop(KEEL_AT_ONCE, &(keel_stop_report){0}));
    } else if (!is_up()) {
        STATUS(KEEL_E_STOPPED, keel_stop(KEEL_AT_ONCE, &(keel_stop_report){0}));
        STATUS(KEEL_E_STOPPED, keel_stop(KEEL_AT_ONCE, NULL));
    }
    NUMBER(is_up(), keel_is_running());
    NUMBER(0, keel_run_once(KEEL_AT_ONCE));
    NUMBER(0, keel_run_once(SOON));
    NUMBER(-1, keel_fd());
    HARMLESS(keel_runtime_event_listen(NULL));
    HARMLESS(keel_runtime_event_restart(nothing));
}

TABLE(spawning, "spawning refuses handlers and options that are none")
{
    WITHIN(KEEL_E_BADARG, keel_spawn_handler(NULL, nothing, NULL, &ret.pid, &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_spawn_handler(&no_start, nothing, NULL, &ret.pid, &ret.ref));
    WITHIN(KEEL_E_BADARG,
            keel_spawn_handler(&no_receive, nothing, NULL, &ret.pid, &ret.ref));
    WITHIN(KEEL_E_BADARG,
            keel_spawn_handler(&never_handler, nothing, BAD, &ret.pid, &ret.ref));
    WITHIN(KEEL_E_BADARG, keel_gen_start(NULL, nothing, NULL, ACK));
    WITHIN(KEEL_E_BADARG, keel_gen_start(&no_start, nothing, NULL, ACK));
    WITHIN(KEEL_E_BADARG, keel_gen_start(&no_receive, nothing, NULL, ACK));
    WITHIN(KEEL_E_BADARG, keel_gen_start(&never_handler, nothing, BAD, ACK));
    WITHIN(KEEL_E_BADARG, keel_start_body(never_body, nothing, BAD, ACK));
    WITHIN(KEEL_E_BADARG, keel_spawn_opt(never_body, nothing, BAD, &ret.pid, &ret.ref));
    WITHIN(KEEL_E_BADARG,
            keel_spawn_opt(never_body, nothing, OPTS(.name = one), NULL, NULL));
    WITHIN(KEEL_E_BADARG, keel_spawn_opt(never_body, nothing,
                                  OPTS(.name = keel_atom(undefined)), NULL, NULL));
    WITHIN(KEEL_E_BADARG,
            keel_spawn_opt(never_body, nothing, OPTS(.stack_bytes = SIZE_MAX), NULL, NULL));
    WITHIN(KEEL_E_BADARG,
            keel_spawn_opt(never_body, nothing,
                    OPTS(.mailbox_policy = (keel_mailbox_policy)77), NULL, NULL));
    WITHIN(KEEL_E_BADARG,
            keel_spawn_opt(never_body, nothing,
                    OPTS(.monitor_opts.alias = (keel_alias_mode)77), NULL, NULL));
    WITHIN(KEEL_E_BADARG, keel_spawn_request(never_body, nothing, NULL, nothing, NULL));
    NOTHING(keel_spawn_request_abandon(no_ref()));
    NOTHING(keel_spawn_request_abandon(dead_ref()));
}

TABLE(linked, "a thread links and monitors nothing that it starts")
{
    if (!is_inside()) {
        NOTHING(keel_spawn_link(never_body, nothing));
        NOTHING(keel_spawn_monitor(never_body, nothing, &ret.ref));
        STATUSES(KEEL_E_STOPPED, KEEL_E_OUTSIDE, ANY, KEEL_E_STOPPED,
                keel_spawn_opt(
                        never_body, nothing, OPTS(.link = true), &ret.pid, &ret.ref));
        STATUSES(KEEL_E_STOPPED, KEEL_E_OUTSIDE, ANY, KEEL_E_STOPPED,
                keel_spawn_opt(
                        never_body, nothing, OPTS(.monitor = true), &ret.pid, &ret.ref));
        STATUSES(KEEL_E_STOPPED, KEEL_E_OUTSIDE, ANY, KEEL_E_STOPPED,
                keel_spawn_handler(
                        &never_handler, nothing, OPTS(.link = true), &ret.pid, &ret.ref));
        STATUSES(KEEL_E_STOPPED, KEEL_E_OUTSIDE, ANY, KEEL_E_STOPPED,
                keel_gen_start(&never_handler, nothing, OPTS(.link = true), ACK));
        STATUSES(KEEL_E_STOPPED, KEEL_E_OUTSIDE, ANY, KEEL_E_STOPPED,
                keel_start_body(never_body, nothing, OPTS(.monitor = true), ACK));
        STATUS(KEEL_E_OUTSIDE,
                keel_spawn_request(never_body, nothing, NULL, nothing, &ret.ref));
    }
    if (!is_up()) {
        NOTHING(keel_spawn(never_body, nothing));
        STATUS(KEEL_E_STOPPED, keel_spawn_opt(never_body, nothing, NULL, NULL, NULL));
    } else {
        NUMBER(true, keel_spawn(NULL, nothing).word != 0); // ends with undef
        STATUS(KEEL_OK, keel_spawn_opt(do_nothing, nothing, NULL, NULL, NULL));
        STATUS(KEEL_E_EXIT,
                keel_start_body(NULL, nothing, NULL, SOON, NULL, NULL, NULL)); // undef
    }
    if (is_inside()) {
        NUMBER(true, keel_spawn_monitor(do_nothing, nothing, NULL).word != 0);
        STATUS(KEEL_OK,
                keel_spawn_opt(do_nothing, nothing, OPTS(.monitor = true), NULL, NULL));
    }
}

TABLE(pids, "what is no pid is refused by everything that takes one")
{
    STATUS(KEEL_E_BADARG, keel_process_exit(no_pid(), keel_atom(over)));
    STATUS(KEEL_E_BADARG, keel_process_exit(dead_process(), nothing));
    STATUS(KEEL_OK, keel_process_exit(dead_process(), keel_atom(over)));
    NOTHING(keel_process_alive(no_pid()));
    NOTHING(keel_process_alive(dead_process()));
    WITHIN(KEEL_E_BADARG, keel_process_suspend(no_pid()));
    WITHIN(KEEL_E_BADARG, keel_process_suspend(keel_self()));
    WITHIN(KEEL_E_NOPROC, keel_process_suspend(dead_process()));
    WITHIN(KEEL_E_BADARG, keel_process_resume(no_pid()));
    WITHIN(KEEL_E_BADARG, keel_process_resume(dead_process()));
    NOTHING(keel_process_get_label(no_pid()));
    NOTHING(keel_process_get_label(dead_process()));
    STATUS(KEEL_E_BADARG, keel_group_leader_set(no_pid(), keel_self()));
    STATUS(KEEL_E_BADARG, keel_group_leader_set(keel_self(), no_pid()));
    STATUS(KEEL_E_BADARG, keel_group_leader_set(keel_self(), dead_process()));
    REFUSED(keel_process_info(no_pid(), keel_atom(status), &result));
    REFUSED(keel_process_info(keel_self(), nothing, &result));
    REFUSED(keel_process_info(keel_self(), keel_atom(no_item), &result));
    REFUSED(keel_process_info(dead_process(), keel_atom(status), NULL));
    NOTHING(keel_inspect_process(no_pid(), &(keel_process_view){0}));
    NOTHING(keel_inspect_process(dead_process(), &(keel_process_view){0}));
    NOTHING(keel_inspect_process(keel_self(), NULL));
    NOTHING(keel_inspect_stack(no_pid(), NULL, 0));
    NOTHING(keel_inspect_stack(no_pid(), (char[8]){"text"}, 8));
    NOTHING(keel_inspect_stack(dead_process(), NULL, 100));
    HARMLESS(keel_inspect_stack(keel_self(), NULL, 100));
    HARMLESS(keel_inspect_each(NULL, NULL));
    HARMLESS(keel_inspect_runtime(NULL));
    NOTHING(keel_inspect_worker(0, NULL));
    NOTHING(keel_inspect_worker(100000, &(keel_worker_view){0}));
    HARMLESS(keel_inspect_stacks(NULL, 0));
    HARMLESS(keel_inspect_stacks(NULL, 3));
    NUMBER(0, keel_queue_length());
}

TABLE(ending, "what ends a process ends the thread that calls it")
{
    EXITS("over", keel_exit(keel_atom(over)));
    EXITS("{badarg, _}", keel_exit(nothing));
    EXITS("{over, _}", keel_error(keel_atom(over)));
    EXITS("{badarg, _}", keel_error(nothing));
    EXITS("{{assertion, _, _, _}, _}", KEEL_ASSERT(1 > 2));
    EXITS("{{assertion, _, _, _}, _}", keel_assert_failed(NULL, NULL, -1));
    WITHIN(KEEL_E_BADARG, keel_try(NULL, NULL, &result));
    if (!is_inside()) {
        // Inside it waits for a message; the tests of hibernation have that.
        EXITS("_", keel_hibernate_then(never_body, one));
        HARMLESS(keel_hibernate());
        HARMLESS(keel_sleep(KEEL_MINUTES(60)));
    }
    HARMLESS(keel_yield());
    HARMLESS(keel_sleep(-1));
    HARMLESS(keel_sleep(INT64_MIN));
    WITHIN(KEEL_E_BADARG, keel_defer(NULL, NULL));
    NOTHING(keel_undefer(NULL, NULL));
    NOTHING(keel_undefer(never_context, NULL));
    if (!is_inside()) {
        STATUS(KEEL_E_OUTSIDE, keel_defer(never_context, NULL));
    }
}

TABLE(belongings, "what belongs to a process is refused what is none, and has none outside")
{
    bool inside = is_inside();
    NUMBER(inside, keel_self().word != 0);
    NUMBER(inside, keel_in_process());
    NUMBER(inside, keel_trap_exit(true)); // was set by the test
    NUMBER(inside, keel_trap_exit(true));
    WITHIN(KEEL_E_BADARG, keel_process_flag(nothing, nothing, NULL));
    WITHIN(KEEL_E_BADARG, keel_process_flag(keel_atom(no_flag), one, &result));
    WITHIN(KEEL_E_BADARG, keel_process_flag(keel_atom(trap_exit), one, &result));
    WITHIN(KEEL_E_BADARG, keel_process_flag(keel_atom(priority), one, &result));
    WITHIN(KEEL_E_BADARG,
            keel_process_flag(keel_atom(max_heap_size), keel_int(-1), &result));
    WITHIN(KEEL_E_BADARG, keel_process_mailbox(1, (keel_mailbox_policy)77));
    if (!inside) {
        STATUS(KEEL_E_OUTSIDE,
                keel_process_flag(keel_atom(trap_exit), keel_bool(true), NULL));
        STATUS(KEEL_E_OUTSIDE, keel_process_mailbox(1, KEEL_MAILBOX_REJECT));
        STATUS(KEEL_E_OUTSIDE, keel_process_set_label(keel_atom(label)));
        NOTHING(keel_process_put(keel_atom(key), one));
        NOTHING(keel_group_leader());
    }
    WITHIN(KEEL_E_BADARG, keel_process_set_label(nothing));
    NOTHING(keel_process_put(nothing, one));
    NOTHING(keel_process_put(one, nothing));
    NOTHING(keel_process_get(nothing));
    NOTHING(keel_process_get(one));
    NOTHING(keel_process_erase(nothing));
    NOTHING(keel_process_erase(one));
    NOTHING(keel_process_dictionary());
    NOTHING(keel_process_keys(nothing));
    NOTHING(keel_process_keys(one));
    NUMBER(inside, keel_parent().word != 0);
    NUMBER(inside, keel_head(keel_ancestors()).word != 0);
    if (!is_up()) {
        NOTHING(keel_process_list());
        HARMLESS(keel_inspect_each(never_visit, NULL));
        NOTHING(keel_inspect_worker(0, &(keel_worker_view){0}));
    }
}

TABLE(waiting, "what waits for others is refused what cannot be waited for")
{
    WITHIN(KEEL_E_BADARG, keel_blocking(NULL, NULL, NULL, SOON));
    WITHIN(KEEL_E_BADARG, keel_wait_fd(-1, KEEL_READABLE, SOON, NULL));
    WITHIN(KEEL_E_BADARG, keel_wait_fd(0, 0, SOON, NULL));
    WITHIN(KEEL_E_BADARG, keel_wait_fd(0, 64, SOON, NULL));
    WITHIN(-9 /* EBADF */, keel_wait_fd(1 << 20, KEEL_READABLE, SOON, NULL));
    if (!is_inside()) {
        STATUS(KEEL_E_OUTSIDE, keel_blocking(never_context, NULL, NULL, SOON));
        STATUS(KEEL_E_OUTSIDE, keel_wait_fd(0, KEEL_READABLE, SOON, NULL));
    }
}

// Memory of keel_alloc is the program's outside: what is written must be there.
static bool use_memory(void)
{
    char *memory = keel_alloc(100);
    bool zeroed = memory && memory[0] == 0 && memory[99] == 0;
    memset(memory, 'x', 100);
    memory = keel_realloc(memory, 200);
    bool grown = memory && memory[99] == 'x' && memory[100] == 0 && memory[199] == 0;
    keel_free(memory);
    return zeroed && grown;
}

TABLE(memory, "memory of a process is memory of the program outside")
{
    NUMBER(true, use_memory());
    HARMLESS(keel_free(keel_realloc(NULL, 10)));
    HARMLESS(keel_free(keel_alloc(0)));
    HARMLESS(keel_free(NULL));
    if (!is_inside()) { // where it would end the process
        NOTHING(keel_alloc(SIZE_MAX));
        NOTHING(keel_realloc(NULL, SIZE_MAX));
    }
}
