// Spawning and how a process ends: PR-001 to PR-028.

#include "proc_testing.h"

#include <stdlib.h>
#include <string.h>

// One term of every kind, as a list.
static keel_term every_kind(void)
{
    uint8_t magnitude[20];
    memset(magnitude, 0xa5, sizeof magnitude);
    uint8_t bits[2] = {0xff, 0xe0};
    keel_term keys[] = {keel_atom(key), keel_int(2)};
    keel_term values[] = {keel_nil(), keel_string("value")};
    return keel_list_of(keel_atom(shutdown), keel_int(-7), keel_int(INT64_MIN),
            keel_int_from_bytes(true, magnitude, sizeof magnitude), keel_float(2.5),
            keel_string("a binary"), keel_bitstring(bits, 11), keel_from_pid(keel_self()),
            keel_from_ref(keel_make_ref()), keel_nil(), keel_charlist("text"),
            keel_cons(keel_int(1), keel_int(2)), keel_tuple(NULL, 0),
            keel_tuple_of(keel_atom(shutdown), keel_int(1)), keel_map(keys, values, 2),
            keel_export(keel_atom(lists), keel_atom(reverse), 1), keel_atom(noproc));
}

PROCESS_TEST("a process whose body returns ends with normal", .ids = "PR-001")
{
    keel_ref monitor;
    keel_pid pid = keel_spawn_monitor(do_nothing, keel_int(42), &monitor);
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, normal}", monitor, pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("exit ends a process with exactly the reason given", .ids = "PR-002")
{
    keel_term kinds = every_kind(), reason, seen;
    while (keel_list_next(&kinds, &reason)) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(exit_with, reason, &monitor);
        EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, Reason}", monitor, pid, &seen);
        CHECK_EQUAL(seen, reason);
    }
}

static keel_term large_reason(void)
{
    keel_term nested = keel_nil();
    for (int depth = 0; depth < 10000; depth++) {
        nested = keel_list_of(nested, keel_int(depth));
    }
    uint8_t *bytes;
    keel_term binary = keel_binary_new(1 << 20, &bytes);
    for (size_t i = 0; i < 1 << 20; i++) {
        bytes[i] = (uint8_t)(i * 31);
    }
    keel_term list = keel_nil();
    for (int i = 0; i < 100000; i++) {
        list = keel_cons(keel_int(i), list);
    }
    return keel_tuple_of(nested, binary, list);
}

static void exit_with_large_reason(keel_term unused)
{
    (void)unused;
    keel_exit(large_reason());
}

PROCESS_TEST("a very large reason reaches a trapping parent whole", .ids = "PR-003")
{
    keel_trap_exit(true);
    keel_pid pid = keel_spawn_link(exit_with_large_reason, KEEL_NONE);
    keel_term reason;
    EXPECT_MESSAGE("{'EXIT', ^Pid, Reason}", pid, &reason);
    CHECK(keel_equal(reason, large_reason()));
}

static void end_by_error(keel_term reason)
{
    keel_error(reason);
}

PROCESS_TEST("a runtime error is reported as {Reason, Stack}", .ids = "PR-004")
{
    keel_trap_exit(true);
    keel_spawn_opts opts = {.link = true, .monitor = true};
    keel_pid pid;
    keel_ref monitor;
    CHECK_OK(keel_spawn_opt(
            end_by_error, keel_make("{badmatch, 7}"), &opts, &pid, &monitor));
    keel_term stack, linked;
    EXPECT_MESSAGE("{'DOWN', ^Ref, process, _, {{badmatch, 7}, Stack}}", monitor, &stack);
    CHECK(keel_is_list(stack) && !keel_is_nil(stack));
    EXPECT_MESSAGE("{'EXIT', ^Pid, {{badmatch, 7}, Stack}}", pid, &linked);
    CHECK_EQUAL(linked, stack);
}

static void fail_assertion(keel_term unused)
{
    (void)unused;
    KEEL_ASSERT(1 + 1 == 3);
}

PROCESS_TEST(
        "a failed assertion is a runtime error that says what and where", .ids = "PR-004")
{
    keel_ref monitor;
    keel_spawn_monitor(fail_assertion, KEEL_NONE, &monitor);
    keel_term reason = await_down(monitor), text, file, stack;
    int line;
    CHECK(keel_match(
            reason, "{{assertion, Text, File, Line}, Stack}", &text, &file, &line, &stack));
    CHECK(keel_equal(text, keel_string("1 + 1 == 3")));
    CHECK(line > 0 && keel_is_list(stack));
    keel_bytes name = keel_to_bytes(file);
    CHECK(name.size >= 12 && memcmp(name.data + name.size - 12, "spawn_test.c", 12) == 0);
}

PROCESS_TEST(
        "spawning no body gives a pid, and the process ends with undef", .ids = "PR-006")
{
    keel_ref monitor;
    keel_pid pid = keel_spawn_monitor(NULL, KEEL_NONE, &monitor);
    CHECK(!no_pid(pid));
    keel_term stack;
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, {undef, Stack}}", monitor, pid, &stack);
    CHECK(keel_is_list(stack));
}

static void send_back(keel_term unused)
{
    (void)unused;
    keel_pid from;
    keel_term message;
    EXPECT_NEXT("{From, Message}", &from, &message);
    keel_send(from, keel_make("{Self, Message}", keel_self(), message));
}

PROCESS_TEST("a message sent at once to a new process is never lost", .ids = "PR-007")
{
    enum { COUNT = 500 };
    static keel_pid pids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        pids[i] = keel_spawn(send_back, KEEL_NONE);
        CHECK_OK(keel_send(pids[i], keel_make("{Self, I}", keel_self(), i)));
    }
    for (int i = 0; i < COUNT; i++) {
        EXPECT_MESSAGE("{^Pid, ^I}", pids[i], i);
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a linked child that exits at once gives its own reason", .ids = "PR-008")
{
    keel_trap_exit(true);
    for (int i = 0; i < 200; i++) {
        keel_pid pid = keel_spawn_link(exit_with, keel_make("{at_once, I}", i));
        EXPECT_NEXT("{'EXIT', ^Pid, {at_once, ^I}}", pid, i);
    }
    for (int i = 0; i < 200; i++) {
        keel_spawn_link(exit_with, keel_int(i));
    }
    for (int i = 0; i < 200; i++) {
        EXPECT_MESSAGE("{'EXIT', _, ^I}", i);
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a monitored child that exits at once gives its own reason", .ids = "PR-009")
{
    keel_ref monitors[200];
    for (int i = 0; i < 200; i++) {
        keel_pid pid = keel_spawn_monitor(exit_with, keel_int(i), &monitors[i]);
        CHECK(!no_pid(pid) && !no_ref(monitors[i]));
    }
    for (int i = 0; i < 200; i++) {
        EXPECT_MESSAGE("{'DOWN', ^Ref, process, _, ^I}", monitors[i], i);
    }
    EXPECT_NO_MESSAGE();
}

// --- options ---

static uint64_t spawned_ever(void)
{
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    return view.spawned;
}

PROCESS_TEST(
        "spawn options out of range are refused and nothing is spawned", .ids = "PR-011")
{
    const keel_spawn_opts bad[] = {
            {.monitor = true, .monitor_opts = {.alias = (keel_alias_mode)99}},
            {.monitor = true, .monitor_opts = {.alias = (keel_alias_mode)-1}},
            {.priority = (keel_priority)99},
            {.mailbox_limit = 1, .mailbox_policy = (keel_mailbox_policy)99},
            {.stack_bytes = ((size_t)1 << 30) + 1},
            {.name = keel_int(1)},
            {.name = keel_string("a name")},
            {.name = keel_atom(undefined)},
    };
    uint64_t before = spawned_ever();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        keel_pid pid = {77};
        keel_ref monitor = {78};
        CHECK_INT(keel_spawn_opt(do_nothing, KEEL_NONE, &bad[i], &pid, &monitor),
                KEEL_E_BADARG);
        CHECK_INT(pid.word, 77);
        CHECK_INT(monitor.word, 78);
    }
    CHECK_INT(spawned_ever(), before);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("spawning under a taken name spawns nothing")
{
    keel_spawn_opts opts = {.name = keel_atom(only_one)};
    keel_pid first, second = {0};
    CHECK_OK(keel_spawn_opt(wait_forever, KEEL_NONE, &opts, &first, NULL));
    CHECK(same_pid(keel_whereis("only_one"), first));
    uint64_t before = spawned_ever();
    CHECK_INT(keel_spawn_opt(wait_forever, KEEL_NONE, &opts, &second, NULL), KEEL_E_TAKEN);
    CHECK(no_pid(second));
    CHECK_INT(spawned_ever(), before);
    end_process(first);
    CHECK_OK(keel_spawn_opt(wait_forever, KEEL_NONE, &opts, &second, NULL));
    end_process(second);
}

static void send_argument_back(keel_term argument)
{
    keel_pid to;
    keel_term value;
    CHECK(keel_match(argument, "{To, Value}", &to, &value));
    keel_send(to, value);
}

static keel_term large_tuple(void)
{
    enum { COUNT = 20000 };
    keel_term *items = keel_alloc(COUNT * sizeof *items);
    for (int i = 0; i < COUNT; i++) {
        items[i] = i % 3 == 0 ? keel_format("argument %d", i) : keel_int(i);
    }
    keel_term tuple = keel_tuple(items, COUNT);
    keel_free(items);
    return tuple;
}

PROCESS_TEST("a huge argument reaches the child unchanged", .ids = "PR-012")
{
    keel_spawn(send_argument_back, keel_make("{To, Value}", keel_self(), large_tuple()));
    CHECK(keel_equal(next_message(__FILE__, __LINE__), large_tuple()));
    keel_spawn(send_argument_back, keel_make("{To, Value}", keel_self(), large_reason()));
    CHECK(keel_equal(next_message(__FILE__, __LINE__), large_reason()));
}

// --- the process table ---

static int by_word(const void *left, const void *right)
{
    uint64_t a = ((const keel_pid *)left)->word, b = ((const keel_pid *)right)->word;
    return (a > b) - (a < b);
}

// With 32 processes at most, ten of them alive throughout.
static void use_table_many_times(void)
{
    enum { LASTING = 10, TURNS = 5000 };
    static keel_pid seen[LASTING + TURNS];
    for (int i = 0; i < LASTING; i++) {
        seen[i] = keel_spawn(wait_forever, KEEL_NONE);
    }
    for (int i = 0; i < TURNS; i++) {
        keel_ref monitor;
        keel_scope scope = keel_scope_open();
        seen[LASTING + i] = keel_spawn_monitor(do_nothing, KEEL_NONE, &monitor);
        EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, normal}", monitor, seen[LASTING + i]);
        keel_scope_close(&scope);
    }
    for (int i = 0; i < LASTING; i++) {
        CHECK(keel_process_alive(seen[i]));
        end_process(seen[i]);
    }
    qsort(seen, LASTING + TURNS, sizeof *seen, by_word);
    for (int i = 1; i < LASTING + TURNS; i++) {
        CHECK(!same_pid(seen[i - 1], seen[i]));
    }
}

static void fill_table(void)
{
    keel_pid pids[64], extra = {0};
    size_t count = 0;
    while (count < 64 &&
            keel_spawn_opt(wait_forever, KEEL_NONE, NULL, &pids[count], NULL) == KEEL_OK) {
        count++;
    }
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    CHECK_INT(view.processes_max, 32);
    CHECK_INT(process_count(), 32);
    CHECK_INT(keel_spawn_opt(wait_forever, KEEL_NONE, NULL, &extra, NULL),
            KEEL_E_SYSTEM_LIMIT);
    CHECK(no_pid(extra));
    for (int i = 0; i < 100; i++) {
        end_process(pids[--count]);
        keel_status status;
        do { // the place is free a moment after the end is told
            keel_yield();
            status = keel_spawn_opt(wait_forever, KEEL_NONE, NULL, &pids[count], NULL);
        } while (status == KEEL_E_SYSTEM_LIMIT);
        CHECK_OK(status);
        count++;
    }
    while (count > 0) {
        end_process(pids[--count]);
    }
}

static void spawn_without_end(keel_term unused)
{
    (void)unused;
    for (;;) {
        CHECK(!no_pid(keel_spawn(wait_forever, KEEL_NONE)));
    }
}

static void fill_table_by_spawn(void)
{
    keel_ref monitor;
    keel_pid greedy = keel_spawn_monitor(spawn_without_end, KEEL_NONE, &monitor);
    CHECK_TERM(await_down(monitor), "{system_limit, _}");
    keel_term list = keel_process_list(), pid;
    size_t children = 0;
    while (keel_list_next(&list, &pid)) {
        if (same_pid(keel_to_pid(info_of(keel_to_pid(pid), keel_atom(parent))), greedy)) {
            end_process(keel_to_pid(pid));
            children++;
        }
    }
    CHECK(children > 20 && children < 32);
}

static const keel_config small_table = {.workers = 2, .max_processes = 32};

TEST("pids are not handed out twice, however often the table was filled", .ids = "PR-013")
{
    in_process_with(use_table_many_times, .config = &small_table);
}

TEST("spawning fails while the table is full and works again after an end", .ids = "PR-013")
{
    in_process_with(fill_table, .config = &small_table);
}

TEST("who spawns without options into a full table exits with system_limit",
        .ids = "PR-013")
{
    in_process_with(fill_table_by_spawn, .config = &small_table);
}

PROCESS_TEST("the list of processes has the caller and the living, never the dead",
        .ids = "PR-014")
{
    CHECK(is_listed(keel_self()));
    for (int i = 0; i < 50; i++) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(wait_forever, KEEL_NONE, &monitor);
        CHECK(is_listed(pid));
        keel_process_exit(pid, keel_atom(over));
        CHECK_TERM(await_down(monitor), "over");
        CHECK(!is_listed(pid));
    }
}

// Spawns and ends short-lived children for as long as its parent lives.
static void churn(keel_term unused)
{
    (void)unused;
    for (;;) {
        keel_scope scope = keel_scope_open();
        end_of(keel_spawn(do_nothing, KEEL_NONE));
        keel_spawn(do_nothing, KEEL_NONE);
        keel_scope_close(&scope);
    }
}

enum { STABLE = 40 };
struct stable_visit {
    const keel_pid *pids;
    bool seen[STABLE];
};

static bool note_visit(const keel_process_view *view, void *context)
{
    struct stable_visit *visit = context;
    for (int i = 0; i < STABLE; i++) {
        if (same_pid(view->pid, visit->pids[i])) {
            CHECK(!visit->seen[i]);
            visit->seen[i] = true;
        }
    }
    return true;
}

PROCESS_TEST("walking the processes while others come and go misses nobody who stays",
        .ids = "PR-015")
{
    keel_pid stable[STABLE], churners[3];
    for (int i = 0; i < STABLE; i++) {
        stable[i] = keel_spawn(wait_forever, KEEL_NONE);
    }
    for (int i = 0; i < 3; i++) {
        churners[i] = keel_spawn(churn, KEEL_NONE);
    }
    for (int turn = 0; turn < 50; turn++) {
        keel_scope scope = keel_scope_open();
        struct stable_visit visit = {.pids = stable};
        keel_inspect_each(note_visit, &visit);
        keel_term list = keel_process_list();
        for (int i = 0; i < STABLE; i++) {
            CHECK(visit.seen[i]);
            CHECK(keel_list_member(keel_from_pid(stable[i]), list));
        }
        keel_scope_close(&scope);
        keel_yield();
    }
    for (int i = 0; i < 3; i++) {
        end_process(churners[i]);
    }
    for (int i = 0; i < STABLE; i++) {
        end_process(stable[i]);
    }
}

PROCESS_TEST("a process is alive until its DOWN has come", .ids = "PR-016")
{
    CHECK(keel_process_alive(keel_self()));
    for (int i = 0; i < 50; i++) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(wait_forever, KEEL_NONE, &monitor);
        CHECK(keel_process_alive(pid));
        keel_process_exit(pid, keel_atom(over));
        await_down(monitor);
        CHECK(!keel_process_alive(pid));
    }
}
