// The registry: who is told, entries by dispatch and listeners by registrations.

#include "registry_testing.h"

// --- dispatch ---

struct seen {
    int calls;
    int entries;
};

static void see(keel_term entries, void *context)
{
    struct seen *seen = context;
    size_t length = 0;
    CHECK(keel_list_length(entries, &length));
    seen->calls++;
    seen->entries += (int)length;
    keel_term entry;
    while (keel_list_next(&entries, &entry)) {
        keel_pid pid;
        CHECK(keel_match(entry, "{Pid, value}", &pid));
    }
}

PROCESS_TEST("dispatch hands over all entries under a key, in the caller",
        .ids = "RG-003 RG-054 RG-055 RG-056")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE_BY_KEY; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 8);
        struct seen seen = {0, 0};
        CHECK_OK(keel_registry_dispatch(REG, keel_int(1), see, &seen));
        CHECK_INT(seen.calls, 0);
        keel_pid holders[20];
        int count = keys == KEEL_UNIQUE ? 1 : 20;
        for (int i = 0; i < count; i++) {
            holders[i] = new_holder(keel_int(1), keel_atom(value));
        }
        CHECK_OK(keel_registry_dispatch(REG, keel_int(1), see, &seen));
        CHECK_INT(seen.entries, count);
        if (keys == KEEL_DUPLICATE) {
            CHECK(seen.calls > 1 && seen.calls <= 8); // once for each partition
        } else {
            CHECK_INT(seen.calls, 1);
        }
        for (int i = 0; i < count; i++) {
            end_process(holders[i]);
        }
        stop_registry(pid);
    }
}

// Tells the process in the context who runs it, and what it was given.
static void tell_entries(keel_term entries, void *context)
{
    keel_send(
            *(keel_pid *)context, keel_make("{from, Self, Entries}", keel_self(), entries));
}

PROCESS_TEST("dispatch in parallel runs a task for each partition that has entries")
{
    enum { COUNT = 20 };
    keel_pid self = keel_self();
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE_BY_KEY; keys++) {
        for (int partitions = 1; partitions <= 8; partitions += 7) {
            keel_pid pid = start_registry((keel_registry_keys)keys, partitions);
            CHECK_OK(
                    keel_registry_dispatch_parallel(REG, keel_int(1), tell_entries, &self));
            EXPECT_NO_MESSAGE();
            put(keel_int(2), keel_atom(other));
            keel_pid holders[COUNT];
            int count = keys == KEEL_UNIQUE ? 1 : COUNT;
            for (int i = 0; i < count; i++) {
                holders[i] = new_holder(keel_int(1), keel_int(i));
            }
            CHECK_OK(
                    keel_registry_dispatch_parallel(REG, keel_int(1), tell_entries, &self));
            size_t seen = 0;
            for (size_t length; seen < (size_t)count; seen += length) {
                keel_pid from;
                keel_term entries;
                CHECK_OK(keel_receive_match(
                        KEEL_AT_ONCE, "{from, Pid, Entries}", &from, &entries));
                CHECK(keel_list_length(entries, &length) && length > 0);
                bool tasks = keys == KEEL_DUPLICATE && partitions > 1;
                CHECK(same_pid(from, self) == !tasks);
            }
            CHECK_INT(seen, count);
            EXPECT_NO_MESSAGE();
            for (int i = 0; i < count; i++) {
                end_process(holders[i]);
            }
            stop_registry(pid);
        }
    }
}

static void fail_on_entries(keel_term entries, void *context)
{
    (void)entries;
    (void)context;
    keel_exit(keel_atom(oops));
}

static void dispatch_failing(keel_term trapping)
{
    keel_trap_exit(keel_to_bool(trapping));
    keel_registry_dispatch_parallel(REG, keel_int(1), fail_on_entries, NULL);
}

PROCESS_TEST("a function that fails in parallel ends the caller of dispatch")
{
    keel_pid pid = start_registry(KEEL_DUPLICATE, 4);
    put(keel_int(1), keel_nil());
    keel_ref monitor;
    keel_spawn_monitor(dispatch_failing, keel_bool(false), &monitor);
    CHECK_TERM(await_down(monitor), "oops");
    keel_spawn_monitor(dispatch_failing, keel_bool(true), &monitor);
    CHECK_TERM(await_down(monitor), "{oops, {'Elixir.Task', await, [_, infinity]}}");
    stop_registry(pid);
}

static void dispatch_and_fail(void *unused)
{
    (void)unused;
    keel_registry_dispatch(REG, keel_int(1), fail_on_entries, NULL);
}

PROCESS_TEST("a function that fails in dispatch fails the caller, and harms nothing")
{
    keel_pid pid = start_registry(KEEL_DUPLICATE, 4);
    put(keel_int(1), keel_nil());
    CHECK_TERM(failure_of(dispatch_and_fail, NULL), "oops");
    CHECK_INT(keel_registry_count(REG), 1);
    stop_registry(pid);
}

// --- listeners ---

PROCESS_TEST("listeners hear of an unregistration by pattern when nothing is left of it")
{
    keel_trap_exit(true);
    CHECK_OK(keel_register(keel_atom(test_listener), keel_self()));
    CHECK_OK(keel_register(keel_atom(second_listener), new_puppet()));
    keel_started started = keel_registry_start_link(.name = REG, .keys = KEEL_DUPLICATE,
            .listeners = keel_make("[second_listener, test_listener]"));
    CHECK_OK(started.status);
    put(keel_int(1), keel_atom(a));
    put(keel_int(1), keel_atom(b));
    EXPECT_NEXT("{register, test_registry, 1, _, a}");
    EXPECT_NEXT("{register, test_registry, 1, _, b}");
    CHECK_OK(keel_registry_unregister_match(REG, keel_int(1), keel_atom(c), KEEL_NONE));
    CHECK_OK(keel_registry_unregister_match(REG, keel_int(1), keel_atom(a), KEEL_NONE));
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_registry_unregister_match(REG, keel_int(1), keel_atom(b), KEEL_NONE));
    EXPECT_NEXT("{unregister, test_registry, 1, _}");
    CHECK_OK(keel_registry_unregister(REG, keel_int(1)));
    EXPECT_NEXT("{unregister, test_registry, 1, _}");
    keel_term held = info_of(keel_whereis("second_listener"), keel_atom(message_queue_len));
    CHECK_TERM(held, "4"); // the same
    end_process(keel_whereis("second_listener"));
    stop_registry(started.pid);
}

PROCESS_TEST("listeners hear of registrations and unregistrations, and only of them",
        .ids = "RG-060 RG-063")
{
    keel_trap_exit(true);
    CHECK_OK(keel_register(keel_atom(test_listener), keel_self()));
    keel_started started = keel_registry_start_link(.name = REG, .keys = KEEL_UNIQUE,
            .listeners = keel_make("[test_listener, nobody_listens]"));
    CHECK_OK(started.status);
    keel_pid holder = new_holder(keel_int(1), keel_atom(a));
    EXPECT_NEXT("{register, test_registry, 1, ^Holder, a}", holder);
    CHECK_INT(keel_registry_register(REG, keel_int(1), keel_nil(), NULL), KEEL_E_TAKEN);
    EXPECT_NO_MESSAGE();
    put(keel_int(2), KEEL_NONE);
    EXPECT_NEXT("{register, test_registry, 2, ^Self, nil}", keel_self());
    CHECK_OK(keel_registry_unregister(REG, keel_int(2)));
    EXPECT_NEXT("{unregister, test_registry, 2, ^Self}", keel_self());
    end_process(holder);
    EXPECT_NO_MESSAGE();
    stop_registry(started.pid);
}
