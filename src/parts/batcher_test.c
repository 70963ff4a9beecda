// Batchers.

#include "proc/proc_testing.h"
#include <keel/parts/batcher.h>

// What the consumer has seen; one process at a time writes it, tests read it afterwards.
enum { MOST = 4000 };
static int seen[MOST]; // how often a batch with that item was done with
static int64_t last_item;
static uint64_t last_number, last_attempt;
static int fail_next;

static void begin(void)
{
    __builtin_memset(seen, 0, sizeof seen);
    last_item = -1;
    last_number = last_attempt = 0;
    fail_next = 0;
    keel_trap_exit(true);
}

// Tells {batch, Number, Attempt, Items} to the argument.
static keel_status tell_batch(const keel_batch *batch)
{
    keel_send(batch->argument, keel_make("{batch, Number, Attempt, Items}", batch->number,
                                       batch->attempt, batch->items));
    size_t length;
    CHECK(keel_list_length(batch->items, &length));
    CHECK_INT(length, batch->count);
    if (fail_next > 0) {
        fail_next--;
        return KEEL_E_TIMEOUT;
    }
    return KEEL_OK;
}

static keel_pid start(keel_batcher_opts opts)
{
    begin();
    opts.flush = opts.flush == NULL ? tell_batch : opts.flush;
    opts.argument = keel_from_pid(keel_self());
    opts.name = keel_atom(rows);
    return keel_started_or_exit(keel_batcher_start_link_opt(&opts));
}

static void stop(keel_pid batcher)
{
    CHECK_OK(keel_gen_server_stop(batcher, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Batcher, normal}", batcher);
}

static void add(int from, int to)
{
    for (int i = from; i < to; i++) {
        CHECK_OK(keel_batcher_add("rows", keel_int(i)));
    }
}

SIMULATED_TEST("a batch goes when it is full or when its first item has waited")
{
    keel_pid batcher = start(
            (keel_batcher_opts){.max_size = 3, .max_wait = KEEL_SECONDS(2)});
    add(1, 8);
    keel_sleep(KEEL_MS(1990));
    EXPECT_NEXT("{batch, 1, 1, [1, 2, 3]}");
    EXPECT_NEXT("{batch, 2, 1, [4, 5, 6]}");
    EXPECT_NO_MESSAGE();
    keel_sleep(KEEL_MS(11));
    EXPECT_NEXT("{batch, 3, 1, [7]}");
    keel_sleep(KEEL_SECONDS(1));
    add(8, 9);
    keel_sleep(KEEL_MS(1990));
    EXPECT_NO_MESSAGE();
    keel_sleep(KEEL_MS(11));
    EXPECT_NEXT("{batch, 4, 1, [8]}");
    CHECK_TERM(keel_batcher_stats("rows"),
            "#{kind := batcher, pending := 0, waiting := 0, added := 8, done := 8,"
            " batches := 4, failures := 0, given_up := 0, attempt := 0}");
    stop(batcher);
}

SIMULATED_TEST("a batch that fails comes again as it was, before what is behind it")
{
    keel_pid batcher = start((keel_batcher_opts){
            .max_size = 2, .backoff = {.first = KEEL_SECONDS(1), .exact = true}});
    fail_next = 3;
    add(1, 6);
    keel_sleep(KEEL_MS(7500)); // 0, 1, 3, 7
    EXPECT_NEXT("{batch, 1, 1, [1, 2]}");
    EXPECT_NEXT("{batch, 1, 2, [1, 2]}");
    EXPECT_NEXT("{batch, 1, 3, [1, 2]}");
    EXPECT_NEXT("{batch, 1, 4, [1, 2]}");
    EXPECT_NEXT("{batch, 2, 1, [3, 4]}");
    EXPECT_NEXT("{batch, 3, 1, [5]}"); // it has waited for long
    CHECK_TERM(keel_batcher_stats("rows"), "#{done := 5, batches := 3, failures := 3}");
    stop(batcher);
}

static void tell_given_up(const keel_batch *batch)
{
    keel_send(batch->argument, keel_make("{given_up, Items}", batch->items));
}

SIMULATED_TEST("a batch may be given up after so many attempts")
{
    keel_pid batcher = start(
            (keel_batcher_opts){.max_size = 2, .attempts = 2, .give_up = tell_given_up});
    fail_next = 2;
    add(1, 5);
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NEXT("{batch, 1, 1, [1, 2]}");
    EXPECT_NEXT("{batch, 1, 2, [1, 2]}");
    EXPECT_NEXT("{given_up, [1, 2]}");
    EXPECT_NEXT("{batch, 2, 1, [3, 4]}");
    CHECK_TERM(keel_batcher_stats("rows"), "#{done := 2, given_up := 2, pending := 0}");
    stop(batcher);
    batcher = start((keel_batcher_opts){.max_size = 1, .attempts = 1});
    fail_next = 1;
    add(1, 3);
    CHECK_OK(keel_batcher_drain("rows", SOON));
    CHECK_TERM(keel_batcher_stats("rows"), "#{done := 1, given_up := 1, added := 2}");
    keel_flush();
    stop(batcher);
}

static keel_status sleep_over(const keel_batch *batch)
{
    keel_sleep(KEEL_SECONDS(10));
    return tell_batch(batch);
}

static void add_and_tell(keel_term owner)
{
    keel_send(owner, keel_int(keel_batcher_add_within("rows", keel_int(9), KEEL_NEVER)));
}

SIMULATED_TEST("who adds to a full batcher waits for room")
{
    keel_pid batcher = start(
            (keel_batcher_opts){.flush = sleep_over, .max_size = 2, .max_pending = 3});
    add(1, 4);
    CHECK_INT(keel_batcher_add("rows", keel_int(4)), KEEL_E_TIMEOUT);
    keel_pid dying = keel_spawn(add_and_tell, keel_from_pid(keel_self()));
    keel_sleep(KEEL_MS(1));
    CHECK_TERM(keel_batcher_stats("rows"), "#{pending := 3, waiting := 1}");
    end_process(dying);
    CHECK_TERM(keel_batcher_stats("rows"), "#{pending := 3, waiting := 0}");
    keel_spawn(add_and_tell, keel_from_pid(keel_self()));
    keel_sleep(KEEL_SECONDS(4));
    EXPECT_NO_MESSAGE();
    keel_sleep(KEEL_SECONDS(2));
    EXPECT_NEXT("{batch, 1, 1, [1, 2]}");
    EXPECT_NEXT("0");
    keel_sleep(KEEL_SECONDS(20));
    EXPECT_NEXT("{batch, 2, 1, [3, 9]}");
    stop(batcher);
}

SIMULATED_TEST("draining hands on what there is and waits until it is done with")
{
    keel_pid batcher = start((keel_batcher_opts){.flush = sleep_over});
    CHECK_OK(keel_batcher_drain("rows", SOON));
    add(1, 4);
    CHECK_INT(keel_batcher_drain("rows", KEEL_IN(KEEL_SECONDS(9))), KEEL_E_TIMEOUT);
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_batcher_drain("rows", KEEL_IN(KEEL_SECONDS(2))));
    EXPECT_NEXT("{batch, 1, 1, [1, 2, 3]}");
    stop(batcher);
}

SIMULATED_TEST("stopped in order it hands on all that is left, failing or not")
{
    for (int fails = 0; fails < 3; fails++) {
        keel_pid batcher = start((keel_batcher_opts){.flush = sleep_over, .max_size = 3});
        fail_next = fails;
        add(1, 8);
        keel_sleep(KEEL_SECONDS(fails * 8));
        CHECK_OK(keel_gen_server_stop(batcher, keel_atom(normal), KEEL_NEVER));
        int64_t item = 1;
        keel_term message, items, one;
        uint64_t attempt;
        while (keel_receive_until(KEEL_AT_ONCE, &message) == KEEL_OK) {
            if (keel_match(message, "{batch, _, Attempt, Items}", &attempt, &items)) {
                item = attempt > 1 ? 1 : item; // only the first batch fails
                while (keel_list_next(&items, &one)) {
                    CHECK_INT(keel_to_int(one), item++);
                }
            }
        }
        CHECK_INT(item, 8);
    }
}

// --- death ---

// Does the work of a batch exactly once by its number; may be killed before and after.
static keel_status count_items(const keel_batch *batch)
{
    keel_sleep(KEEL_US(keel_random() % 2000));
    CHECK(batch->number >= last_number);
    if (batch->number > last_number) {
        last_number = batch->number;
        keel_term items = batch->items, item;
        while (keel_list_next(&items, &item)) {
            seen[keel_to_int(item)]++;
            CHECK_INT(keel_to_int(item), ++last_item);
        }
    }
    keel_sleep(KEEL_US(keel_random() % 2000));
    return keel_random() % 5 == 0 ? KEEL_E_TIMEOUT : KEEL_OK;
}

SIMULATED_TEST("a consumer that is killed over and over loses and doubles no item")
{
    enum { ITEMS = 500 };
    keel_pid batcher = start((keel_batcher_opts){.flush = count_items,
            .max_size = 10,
            .max_wait = KEEL_MS(5),
            .backoff = {.first = KEEL_MS(1), .most = KEEL_MS(4)}});
    keel_term spared = keel_cons(keel_from_pid(batcher), keel_process_list());
    for (int i = 0; i < ITEMS; i++) {
        CHECK_OK(keel_batcher_add("rows", keel_int(i)));
        if (i % 5 == 0) {
            keel_sleep(KEEL_US(keel_random() % 4000));
            keel_term list = keel_process_list(), pid;
            while (keel_random() % 3 == 0 && keel_list_next(&list, &pid)) {
                if (!keel_list_member(pid, spared)) {
                    keel_process_exit(keel_to_pid(pid), keel_atom(kill));
                }
            }
        }
    }
    CHECK_OK(keel_batcher_drain("rows", KEEL_NEVER));
    for (int i = 0; i < ITEMS; i++) {
        CHECK_INT(seen[i], 1);
    }
    stop(batcher);
}

static void add_some(keel_term from)
{
    for (int64_t i = 0; i < 200; i++) {
        keel_term item = keel_int(keel_to_int(from) + i);
        CHECK_OK(keel_batcher_add_within("rows", item, SOON));
    }
}

static keel_status mark_items(const keel_batch *batch)
{
    keel_term items = batch->items, item;
    while (keel_list_next(&items, &item)) {
        seen[keel_to_int(item)]++;
    }
    keel_yield();
    return KEEL_OK;
}

PROCESS_TEST("many add at once, and each item is handed on once")
{
    enum { ADDERS = 10 };
    keel_pid batcher = start((keel_batcher_opts){
            .flush = mark_items, .max_size = 7, .max_pending = 20, .max_wait = KEEL_MS(1)});
    keel_ref monitor[ADDERS];
    for (int i = 0; i < ADDERS; i++) {
        keel_spawn_monitor(add_some, keel_int(i * 200), &monitor[i]);
    }
    for (int i = 0; i < ADDERS; i++) {
        CHECK_TERM(await_down(monitor[i]), "normal");
    }
    stop(batcher);
    for (int i = 0; i < ADDERS * 200; i++) {
        CHECK_INT(seen[i], 1);
    }
}

PROCESS_TEST(
        "a batcher is a child like others, and hands on what is left when its tree ends")
{
    begin();
    keel_child_spec children[] = {keel_batcher_child(tell_batch, .name = keel_atom(rows),
            .argument = keel_from_pid(keel_self()), .max_wait = KEEL_MINUTES(60))};
    keel_pid tree = keel_started_or_exit(keel_supervisor_start_link(children, 1));
    add(1, 3);
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{batch, 1, 1, [1, 2]}");
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
    CHECK_INT(keel_batcher_start_link(NULL).status, KEEL_E_BADARG);
    CHECK_INT(keel_batcher_add("rows", keel_int(1)), KEEL_E_NOPROC);
    CHECK(keel_is_none(keel_batcher_stats("rows")));
}

// Adds an item and drains, over and over: what was drained must have been done with.
static void add_and_drain(keel_term from)
{
    for (int64_t i = 0; i < 20; i++) {
        keel_term item = keel_int(keel_to_int(from) + i);
        keel_pid batcher = keel_whereis("rows"); // another one knows nothing of the item
        bool drained = keel_batcher_add(batcher, item) == KEEL_OK &&
                       keel_batcher_drain(batcher, SOON) == KEEL_OK;
        CHECK(!drained || seen[keel_to_int(item)] > 0);
        keel_sleep(KEEL_US(keel_random() % 500));
    }
}

SIMULATED_TEST(
        "a batcher may be killed: what it said is done is done, the rest is not doubled")
{
    enum { ADDERS = 5 };
    begin();
    keel_child_spec children[] = {keel_batcher_child(
            mark_items, .name = keel_atom(rows), .max_size = 3, .max_wait = KEEL_US(300))};
    keel_pid tree = keel_started_or_exit(
            keel_supervisor_start_link(children, 1, .intensity = 1000));
    keel_ref monitor[ADDERS];
    for (int i = 0; i < ADDERS; i++) {
        keel_spawn_monitor(add_and_drain, keel_int(i * 20), &monitor[i]);
    }
    for (int i = 0; i < 20; i++) {
        keel_sleep(KEEL_US(keel_random() % 800));
        keel_process_exit(keel_whereis("rows"), keel_atom(kill));
    }
    for (int i = 0; i < ADDERS; i++) {
        CHECK_TERM(await_down(monitor[i]), "normal");
    }
    for (int i = 0; i < ADDERS * 20; i++) {
        CHECK(seen[i] <= 1); // its consumer ends with the batcher, and is not run again
    }
    CHECK_OK(keel_gen_server_stop(tree, keel_atom(normal), SOON));
    EXPECT_MESSAGE("{'EXIT', ^Tree, normal}", tree);
}
