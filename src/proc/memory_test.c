// Memory that belongs to a process, and the functions that run at its end. That nothing is
// left is checked by each test's second round, and by the sanitizers' builds.

#include "proc_testing.h"

#include <stdint.h>
#include <string.h>

static bool all_bytes_are(const uint8_t *bytes, size_t size, uint8_t value)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

PROCESS_TEST("allocated memory is zeroed and aligned, and grows with its content")
{
    for (size_t size = 0; size < 3000; size = size * 2 + 1) {
        uint8_t *memory = keel_alloc(size);
        CHECK(memory && (uintptr_t)memory % 16 == 0);
        CHECK(all_bytes_are(memory, size, 0));
        memset(memory, 0xa5, size);
        memory = keel_realloc(memory, size * 3 + 1);
        CHECK(memory && (uintptr_t)memory % 16 == 0);
        CHECK(all_bytes_are(memory, size, 0xa5));
        CHECK(all_bytes_are(memory + size, size * 2 + 1, 0));
        memset(memory, 0x5a, size * 3 + 1);
        memory = keel_realloc(memory, size);
        CHECK(all_bytes_are(memory, size, 0x5a));
        if (size % 2 == 0) {
            keel_free(memory); // the rest goes with the process
        }
    }
    keel_free(NULL);
    CHECK(keel_realloc(NULL, 10));
}

// --- every kind of end ---

// Not what the compiler and its sanitizers may see coming.
__attribute__((noinline, no_sanitize("address"), no_sanitize("undefined"))) static void
touch_null(void)
{
    volatile uintptr_t address = 0;
    *(volatile char *)address = 1;
}

static void say_deferred(void *number)
{
    keel_send(keel_whereis("memory_test"), keel_int((int64_t)(intptr_t)number));
}

static void own_much(void)
{
    uint8_t *memory = keel_alloc(100000);
    memset(memory, 1, 100000);
    keel_free(keel_alloc(64));
    for (int i = 0; i < 10; i++) {
        keel_keep(keel_make("{kept, I, [<<\"a binary\">>]}", i));
        CHECK(keel_alloc((size_t)i * 100));
    }
    uint8_t *bytes;
    keel_keep(keel_binary_new(200000, &bytes));
    keel_process_put(keel_atom(key), keel_make("[a, long, {value, <<\"x\">>}]"));
    for (intptr_t i = 1; i <= 3; i++) {
        CHECK_OK(keel_defer(say_deferred, (void *)i));
    }
}

static void own_and_end(keel_term how)
{
    own_much();
    if (keel_is(how, return )) {
        return;
    }
    if (keel_is(how, exit)) {
        keel_exit(keel_make("{over, [1]}"));
    }
    if (keel_is(how, error)) {
        keel_error(keel_atom(wrong));
    }
    if (keel_is(how, fault)) {
        touch_null();
    }
    if (keel_is(how, hibernate)) {
        keel_send(keel_self(), keel_atom(go_on));
        keel_hibernate_then(do_nothing, KEEL_NONE);
    }
    wait_forever(KEEL_NONE);
}

static keel_term end_in_this_way(keel_term how)
{
    keel_ref monitor;
    keel_pid pid = keel_spawn_monitor(own_and_end, how, &monitor);
    if (keel_is(how, kill) || keel_is(how, signal)) {
        keel_process_view view;
        do {
            keel_yield();
            CHECK(keel_inspect_process(pid, &view));
        } while (view.wait != KEEL_WAIT_MESSAGE);
        CHECK(view.memory > 100000);
        CHECK(keel_to_int(info_of(pid, keel_atom(memory))) > 100000);
        CHECK_OK(keel_process_exit(pid, how));
    }
    for (int i = 3; i >= 1; i--) {
        EXPECT_MESSAGE("^I", i); // deferred functions, the last first
    }
    return await_down(monitor);
}

static void forget_crash(const keel_crash *crash)
{
    (void)crash;
}

PROCESS_TEST("whatever ends a process, deferred functions run and its memory goes")
{
    keel_crash_handler before = keel_crash_handler_set(forget_crash);
    CHECK_OK(keel_register(keel_atom(memory_test), keel_self()));
    for (int i = 0; i < 3; i++) {
        CHECK_TERM(end_in_this_way(keel_atom(return )), "normal");
        CHECK_TERM(end_in_this_way(keel_atom(exit)), "{over, [1]}");
        CHECK_TERM(end_in_this_way(keel_atom(error)), "{wrong, _}");
        CHECK_TERM(end_in_this_way(keel_atom(signal)), "signal");
        CHECK_TERM(end_in_this_way(keel_atom(kill)), "killed");
        CHECK_TERM(end_in_this_way(keel_atom(hibernate)), "normal");
    }
    EXPECT_NO_MESSAGE();
    keel_crash_handler_set(before);
}

static void end_by_fault(void)
{
    keel_crash_handler before = keel_crash_handler_set(forget_crash);
    CHECK_OK(keel_register(keel_atom(memory_test), keel_self()));
    for (int i = 0; i < 3; i++) {
        CHECK_TERM(end_in_this_way(keel_atom(fault)), "{{sigsegv, 0}, _}");
    }
    EXPECT_NO_MESSAGE();
    keel_crash_handler_set(before);
}

TEST("so they do after a fault")
{
    in_process_with(end_by_fault, .catch_faults = true);
}

// --- defer and undefer ---

static void defer_and_undo(keel_term unused)
{
    (void)unused;
    void *one = (void *)(intptr_t)1, *two = (void *)(intptr_t)2;
    CHECK(!keel_undefer(say_deferred, one));
    CHECK_OK(keel_defer(say_deferred, one));
    CHECK_OK(keel_defer(say_deferred, two));
    CHECK_OK(keel_defer(say_deferred, one));
    CHECK(keel_undefer(say_deferred, one)); // the newest
    CHECK(!keel_undefer(say_deferred, NULL));
    CHECK_INT(keel_defer(NULL, one), KEEL_E_BADARG);
}

PROCESS_TEST("undefer takes back the newest of the same pair")
{
    CHECK_OK(keel_register(keel_atom(memory_test), keel_self()));
    keel_ref monitor;
    keel_spawn_monitor(defer_and_undo, KEEL_NONE, &monitor);
    EXPECT_NEXT("2");
    EXPECT_NEXT("1");
    CHECK_TERM(await_down(monitor), "normal");
    EXPECT_NO_MESSAGE();
}

static void exit_again(void *unused)
{
    (void)unused;
    keel_exit(keel_atom(another));
}

static void wait_at_the_end(void *unused)
{
    (void)unused;
    keel_term message;
    keel_sleep(KEEL_MINUTES(1)); // neither waits
    CHECK_INT(keel_receive_until(KEEL_IN(KEEL_MINUTES(1)), &message), KEEL_E_TIMEOUT);
    CHECK_INT(keel_gen_call(keel_atom(memory_test), keel_atom(x), KEEL_NEVER, &message),
            KEEL_E_TIMEOUT);
    say_deferred((void *)(intptr_t)7);
}

static void defer_defer(void *unused)
{
    (void)unused;
    CHECK_OK(keel_defer(say_deferred, (void *)(intptr_t)5));
}

static void end_strangely(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_defer(say_deferred, (void *)(intptr_t)4));
    CHECK_OK(keel_defer(exit_again, NULL));
    CHECK_OK(keel_defer(defer_defer, NULL));
    CHECK_OK(keel_defer(wait_at_the_end, NULL));
    keel_exit(keel_atom(over));
}

PROCESS_TEST("a deferred function may exit or defer; it does not wait")
{
    CHECK_OK(keel_register(keel_atom(memory_test), keel_self()));
    keel_ref monitor;
    keel_spawn_monitor(end_strangely, KEEL_NONE, &monitor);
    EXPECT_MESSAGE("7");
    EXPECT_MESSAGE("5");
    EXPECT_MESSAGE("4");
    CHECK_TERM(await_down(monitor), "over"); // the reason stands
    keel_flush();
}

static void defer_and_wait(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_defer(say_deferred, (void *)(intptr_t)9));
    wait_forever(KEEL_NONE);
}

static keel_next start_and_defer(void *state, keel_term unused)
{
    (void)state, (void)unused;
    CHECK_OK(keel_defer(say_deferred, (void *)(intptr_t)9));
    CHECK(keel_alloc(1000));
    keel_keep(keel_make("{kept, <<\"in a handler\">>}"));
    return keel_next_wait();
}

static keel_next receive_nothing(void *state, const keel_message *message)
{
    (void)state, (void)message;
    return keel_next_wait();
}

static const keel_handler deferring = {.name = "deferring",
        .state_bytes = 100,
        .start = start_and_defer,
        .receive = receive_nothing};

PROCESS_TEST("deferred functions of a process that holds no stack run on a new one")
{
    CHECK_OK(keel_register(keel_atom(memory_test), keel_self()));
    for (int i = 0; i < 5; i++) {
        keel_pid pid;
        CHECK_OK(keel_gen_start(&deferring, KEEL_NONE, NULL, SOON, &pid, NULL, NULL));
        end_process(pid);
        EXPECT_NEXT("9");
        // And one that is killed before it has run at all has deferred nothing.
        pid = keel_spawn(defer_and_wait, KEEL_NONE);
        end_process(pid);
    }
    keel_flush();
}

// --- limits ---

static void allocate_without_end(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_defer(say_deferred, (void *)(intptr_t)8));
    for (;;) {
        memset(keel_alloc(1000), 1, 1000);
    }
}

static void keep_without_end(keel_term unused)
{
    (void)unused;
    for (int i = 0;; i++) {
        keel_scope scope = keel_scope_open();
        keel_keep(keel_make("{kept, I, <<\"some text\">>}", i));
        keel_scope_close(&scope);
    }
}

static void build_without_end(keel_term unused)
{
    (void)unused;
    keel_term list = keel_nil();
    for (int i = 0;; i++) {
        list = keel_cons(keel_int(i), list);
    }
}

static void grow_without_end(keel_term unused)
{
    (void)unused;
    size_t size = 16;
    char *memory = keel_alloc(size);
    for (;;) {
        size *= 2;
        memory = keel_realloc(memory, size);
    }
}

PROCESS_TEST("a process beyond its memory limit is killed; others notice nothing")
{
    CHECK_OK(keel_register(keel_atom(memory_test), keel_self()));
    keel_body bodies[] = {
            allocate_without_end, keep_without_end, build_without_end, grow_without_end};
    keel_spawn_opts opts = {.max_memory = 300000, .monitor = true};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        keel_ref monitor;
        CHECK_OK(keel_spawn_opt(bodies[i], KEEL_NONE, &opts, NULL, &monitor));
        if (i == 0) {
            EXPECT_NEXT("8");
        }
        CHECK_TERM(await_down(monitor), "killed");
    }
    EXPECT_NO_MESSAGE();
}

static void stay_below(keel_term unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        keel_scope scope = keel_scope_open();
        char *memory = keel_alloc(20000);
        memset(memory, 1, 20000);
        memory = keel_realloc(memory, 30000);
        keel_free(memory);
        keel_scope_close(&scope);
    }
}

PROCESS_TEST("what was given back does not count")
{
    keel_spawn_opts opts = {.max_memory = 100000, .monitor = true};
    keel_ref monitor;
    CHECK_OK(keel_spawn_opt(stay_below, KEEL_NONE, &opts, NULL, &monitor));
    CHECK_TERM(await_down(monitor), "normal");
}

static void wait_in_defer(void *unused)
{
    (void)unused;
    keel_term message, reply;
    // It may send, but a wait is over at once.
    keel_sleep(KEEL_MINUTES(60));
    CHECK(keel_receive_until(KEEL_NEVER, &message) != KEEL_OK);
    CHECK(keel_gen_call(keel_atom(silent), keel_int(1), KEEL_NEVER, &reply) != KEEL_OK);
    keel_send("observer", keel_atom(deferred));
}

static void end_with_defer(keel_term unused)
{
    (void)unused;
    CHECK_OK(keel_defer(wait_in_defer, NULL));
}

PROCESS_TEST("a deferred function may send but cannot wait", .ids = NULL)
{
    CHECK_OK(keel_register(keel_atom(observer), keel_self()));
    keel_spawn_opts opts = {.name = keel_atom(silent)};
    keel_pid silent;
    CHECK_OK(keel_spawn_opt(wait_forever, KEEL_NONE, &opts, &silent, NULL));
    keel_ref monitor;
    keel_spawn_monitor(end_with_defer, KEEL_NONE, &monitor);
    CHECK_TERM(await_down(monitor), "normal");
    EXPECT_MESSAGE("deferred");
    end_process(silent);
    CHECK_OK(keel_unregister(keel_atom(observer)));
}
