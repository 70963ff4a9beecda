// Moments that are too short to be met by chance, held open: a signal that has arrived and
// that its receiver has not looked at yet; an end of which only the first has heard; a slot
// that changes its tenant between the look at a pid and the delivery.

#include "proc_testing.h"

#include <pthread.h>

// Waits until `pid` has ended, and its signals have arrived, without looking at them: the
// caller does not give way meanwhile, so that a second worker (or a spare one) must run
// what ends `pid`.
static void spin_until_ended(keel_pid pid)
{
    keel_process_view view;
    while (keel_inspect_process(pid, &view)) {}
    // Its door is closed; that of the caller has the signals a moment later.
    size_t processes;
    do {
        keel_runtime_view runtime;
        keel_inspect_runtime(&runtime);
        processes = runtime.processes;
    } while (processes > 2); // the caller and its guardian
}

THREADS_TEST(
        "an exit signal that nobody has looked at is undone by unlink", .ids = "PR-065")
{
    keel_trap_exit(true);
    for (int i = 0; i < 20; i++) {
        keel_pid pid = keel_spawn_link(do_nothing, KEEL_NONE);
        spin_until_ended(pid);
        CHECK_OK(keel_unlink(pid));
        CHECK_INT(keel_queue_length(), 0);
        CHECK_TERM(info_of(keel_self(), keel_atom(links)), "[]");
    }
}

THREADS_TEST(
        "a DOWN that nobody has looked at is undone by demonitor", .ids = "PR-100 PR-104")
{
    for (int i = 0; i < 20; i++) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(do_nothing, KEEL_NONE, &monitor);
        spin_until_ended(pid);
        // It was active, for all the caller knew, and its DOWN never becomes a message.
        CHECK(keel_demonitor(monitor, KEEL_DEMONITOR_INFO));
        CHECK_INT(keel_queue_length(), 0);
    }
}

THREADS_TEST("a message through an alias that ended before it was looked at is dropped",
        .ids = "PR-110")
{
    for (int i = 0; i < 20; i++) {
        keel_ref alias = keel_alias();
        keel_send(alias, keel_make("{through, alias}"));
        keel_send(keel_self(), keel_atom(direct));
        CHECK(keel_unalias(alias));
        EXPECT_NEXT("direct");
        EXPECT_NO_MESSAGE();
    }
}

// --- the first to hear ---

enum { CROWD = 20000 };

static keel_term act_monitor_often(keel_term target)
{
    for (int i = 0; i < CROWD; i++) {
        keel_monitor(target);
    }
    return KEEL_NONE;
}

THREADS_TEST("the first to hear of an end finds the name free and the process dead",
        .ids = "PR-144 PR-014 PR-016")
{
    keel_pid crowd = new_puppet();
    for (int i = 0; i < 3; i++) {
        keel_pid pid = new_puppet();
        CHECK_OK(keel_register(keel_atom(famous), pid));
        ask(crowd, act_monitor_often, keel_from_pid(pid));
        keel_ref monitor = keel_monitor("famous"); // the newest is told first
        tell(pid, act_exit, keel_atom(over));
        // Not asleep: who sleeps would run when all have been told.
        keel_status status;
        do {
            status = keel_receive_match(
                    KEEL_AT_ONCE, "{'DOWN', ^Ref, process, _, over}", monitor);
        } while (status != KEEL_OK);
        CHECK(no_pid(keel_whereis("famous")));
        CHECK(!is_listed(pid));
        CHECK(!keel_process_alive(pid));
        keel_process_view view;
        CHECK(!keel_inspect_process(pid, &view));
        CHECK_INT(keel_register(keel_atom(famous), pid), KEEL_E_NOPROC);
        CHECK_OK(keel_register(keel_atom(famous), keel_self()));
        CHECK_OK(keel_unregister(keel_atom(famous)));
    }
    end_process(crowd);
}

// --- slots ---

// The tenant to send to; written by tenants, read by the thread that floods them.
static uint64_t tenant;
static bool flooding;

static void *flood(void *unused)
{
    (void)unused;
    while (__atomic_load_n(&flooding, __ATOMIC_RELAXED)) {
        keel_scope scope = keel_scope_open();
        for (int i = 0; i < 100; i++) {
            keel_pid pid = {__atomic_load_n(&tenant, __ATOMIC_RELAXED)};
            if (!no_pid(pid)) {
                CHECK_OK(keel_send(pid, keel_from_pid(pid)));
            }
        }
        keel_scope_close(&scope);
    }
    return NULL;
}

// Whatever it gets must have been sent to it.
static void live_shortly(keel_term unused)
{
    (void)unused;
    __atomic_store_n(&tenant, keel_self().word, __ATOMIC_RELAXED);
    // A bounded number: on a busy machine more may come than one process can take.
    for (int i = 0; i < 100; i++) {
        keel_term message;
        if (keel_receive_until(KEEL_AT_ONCE, &message) == KEEL_OK) {
            CHECK(same_pid(keel_to_pid(message), keel_self()));
        }
    }
}

static void change_tenants(void)
{
    enum { TENANTS = 10000 };
    pthread_t threads[2];
    __atomic_store_n(&flooding, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(pthread_create(&threads[i], NULL, flood, NULL));
    }
    for (int i = 0; i < TENANTS; i++) {
        keel_scope scope = keel_scope_open();
        keel_ref monitor;
        keel_spawn_monitor(live_shortly, KEEL_NONE, &monitor);
        CHECK_TERM(await_down(monitor), "normal");
        keel_scope_close(&scope);
    }
    __atomic_store_n(&flooding, false, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(pthread_join(threads[i], NULL));
    }
    __atomic_store_n(&tenant, (uint64_t)0, __ATOMIC_RELAXED);
}

TEST("a message on its way when a slot changes its tenant does not reach the new one",
        .ids = "PR-157")
{
    const keel_config config = {.workers = 1, .max_processes = 16};
    in_process_with(change_tenants, .config = &config);
}
