// Monitors: PR-078 to PR-099.

#include "proc_testing.h"

#include "base/base.h"

static size_t length_of(keel_term list)
{
    size_t length = 0;
    CHECK(keel_list_length(list, &length));
    return length;
}

static size_t times_in(keel_term item, keel_term list)
{
    size_t times = 0;
    keel_term next;
    while (keel_list_next(&list, &next)) {
        times += keel_equal(next, item);
    }
    return times;
}

PROCESS_TEST("a monitor gives exactly one DOWN with the reason", .ids = "PR-078")
{
    keel_pid pid = new_puppet();
    keel_ref monitor = keel_monitor(pid);
    CHECK(!no_ref(monitor));
    tell(pid, act_exit, keel_make("{over, [1]}"));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, {over, [1]}}", monitor, pid);
    CHECK_TERM(end_of(pid), "noproc");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST(
        "a monitored process hears nothing of its monitor's end", .ids = "PR-079 PR-089")
{
    keel_pid watcher = new_puppet(), target = new_puppet();
    ask(target, act_trap_exit, keel_bool(true));
    ask(watcher, act_monitor, keel_from_pid(target));
    ask(watcher, act_monitor, keel_from_pid(target));
    CHECK_INT(
            times_in(keel_from_pid(watcher), info_of(target, keel_atom(monitored_by))), 2);
    keel_ref monitor = keel_monitor(watcher);
    tell(watcher, act_exit, keel_atom(over));
    CHECK_TERM(await_down(monitor), "over");
    CHECK_TERM(info_of(target, keel_atom(monitored_by)), "[]");
    CHECK_TERM(ask(target, act_messages, KEEL_NONE), "[]");
    end_process(target);
}

PROCESS_TEST("monitoring a dead process gives DOWN with noproc", .ids = "PR-080")
{
    keel_pid pid = dead_pid();
    keel_ref monitor = keel_monitor(pid);
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, noproc}", monitor, pid);
    EXPECT_NO_MESSAGE();
    CHECK_TERM(info_of(keel_self(), keel_atom(monitors)), "[]");
}

PROCESS_TEST("monitoring a process that dies gives its reason or noproc, once",
        .ids = "PR-078 PR-080")
{
    for (int i = 0; i < 100; i++) {
        keel_pid pid = keel_spawn(exit_with, keel_atom(over));
        keel_ref monitor = keel_monitor(pid);
        keel_term reason = await_down(monitor);
        CHECK(keel_is(reason, over) || keel_is(reason, noproc));
        end_of(pid);
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("several monitors of one process are distinct and give a DOWN each",
        .ids = "PR-082")
{
    enum { COUNT = 20 };
    keel_pid pid = new_puppet();
    keel_ref monitors[COUNT];
    for (int i = 0; i < COUNT; i++) {
        monitors[i] = keel_monitor(pid);
        for (int j = 0; j < i; j++) {
            CHECK(!same_ref(monitors[i], monitors[j]));
        }
    }
    tell(pid, act_exit, keel_atom(over));
    for (int i = 0; i < COUNT; i++) {
        EXPECT_MESSAGE("{'DOWN', ^Ref, process, ^Pid, over}", monitors[i], pid);
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a monitor by name tells of {Name, Node}", .ids = "PR-083 PR-097")
{
    keel_pid pid = new_puppet();
    CHECK_OK(keel_register(keel_atom(watched), pid));
    keel_term full = keel_tuple_of(keel_atom(watched), keel_node_self());
    keel_ref by_atom = keel_monitor(keel_atom(watched));
    keel_ref by_text = keel_monitor("watched");
    keel_ref by_tuple = keel_monitor(full);
    tell(pid, act_exit, keel_atom(over));
    EXPECT_MESSAGE("{'DOWN', ^Ref, process, ^Full, over}", by_atom, full);
    EXPECT_MESSAGE("{'DOWN', ^Ref, process, ^Full, over}", by_text, full);
    EXPECT_MESSAGE("{'DOWN', ^Ref, process, ^Full, over}", by_tuple, full);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST(
        "a monitor by a name nobody has gives DOWN with noproc", .ids = "PR-084 PR-097")
{
    keel_term full = keel_tuple_of(keel_atom(nobody_here), keel_node_self());
    EXPECT_NO_MESSAGE();
    keel_ref monitor = keel_monitor(keel_atom(nobody_here));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Full, noproc}", monitor, full);
    monitor = keel_monitor(full);
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Full, noproc}", monitor, full);
    monitor = keel_monitor("a name that was never an atom");
    EXPECT_NEXT("{'DOWN', ^Ref, process, {_, _}, noproc}", monitor);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("what is neither pid nor name cannot be monitored", .ids = "PR-088")
{
    const keel_term others[] = {KEEL_NONE, keel_int(1), keel_nil(), keel_string("name"),
            keel_from_ref(keel_make_ref()), keel_make("{name}"), keel_make("{1, node}"),
            keel_make("{name, 1}"), keel_make("{name, node, more}"), keel_make("[name]"),
            keel_tuple_of(keel_from_pid(keel_self()), keel_node_self())};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CHECK(no_ref(keel_monitor(others[i])));
        keel_ref monitor = {77};
        CHECK_INT(keel_monitor_opt(others[i], NULL, &monitor), KEEL_E_BADARG);
        CHECK_INT(monitor.word, 77);
    }
    keel_monitor_opts opts = {.alias = (keel_alias_mode)99};
    keel_ref monitor;
    CHECK_INT(keel_monitor_opt(keel_from_pid(keel_self()), &opts, &monitor), KEEL_E_BADARG);
    CHECK_TERM(info_of(keel_self(), keel_atom(monitors)), "[]");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("when DOWN is received the monitor is off the list", .ids = "PR-090")
{
    for (int i = 0; i < 50; i++) {
        keel_ref monitor;
        keel_pid pid = keel_spawn_monitor(puppet, KEEL_NONE, &monitor);
        CHECK_TERM(info_of(keel_self(), keel_atom(monitors)), "[{process, ^Pid}]", pid);
        tell(pid, act_exit, keel_atom(over));
        EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, over}", monitor, pid);
        CHECK_TERM(info_of(keel_self(), keel_atom(monitors)), "[]");
    }
}

PROCESS_TEST("the lists of monitors have an entry for each, names as names",
        .ids = "PR-091 PR-230")
{
    keel_pid watcher = new_puppet(), target = new_puppet(), named = new_puppet();
    CHECK_OK(keel_register(keel_atom(watched), named));
    ask(watcher, act_monitor, keel_from_pid(target));
    ask(watcher, act_monitor, keel_from_pid(target));
    ask(watcher, act_monitor, keel_from_pid(target));
    keel_term by_name = ask(watcher, act_monitor, keel_atom(watched));
    keel_term list = info_of(watcher, keel_atom(monitors));
    CHECK_INT(length_of(list), 4);
    CHECK_INT(times_in(keel_make("{process, T}", target), list), 3);
    CHECK_INT(times_in(keel_make("{process, {watched, Node}}", keel_node_self()), list), 1);
    CHECK_INT(
            times_in(keel_from_pid(watcher), info_of(target, keel_atom(monitored_by))), 3);
    CHECK_TERM(info_of(named, keel_atom(monitored_by)), "[^Watcher]", watcher);
    ask(watcher, act_demonitor, by_name);
    CHECK_INT(length_of(info_of(watcher, keel_atom(monitors))), 3);
    CHECK_TERM(info_of(named, keel_atom(monitored_by)), "[]");
    end_process(watcher);
    CHECK_TERM(info_of(target, keel_atom(monitored_by)), "[]");
    end_process(target);
    end_process(named);
}

PROCESS_TEST("a killed process gives DOWN with killed", .ids = "PR-092")
{
    keel_ref monitor;
    keel_pid pid = keel_spawn_monitor(wait_forever, KEEL_NONE, &monitor);
    keel_process_exit(pid, keel_atom(kill));
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, killed}", monitor, pid);
}

// --- many ---

enum { MIXED = 16, MIXED_EACH = 24 };
static keel_pid mixed[MIXED];

// Watches random ones among `mixed`, gives some of the monitors up, waits for `finish`
// and then for one DOWN of each monitor it has kept; tells the observer when that is
// done, or ends before, abruptly, when it is odd.
static void mix(keel_term observer_and_seed)
{
    uint64_t chance = (uint64_t)keel_to_int(keel_element(observer_and_seed, 1));
    keel_term observer = keel_element(observer_and_seed, 0);
    EXPECT_MESSAGE("go");
    keel_ref kept[MIXED_EACH];
    size_t count = 0;
    for (int i = 0; i < MIXED_EACH; i++) {
        keel_ref monitor = keel_monitor(mixed[kl_random_next(&chance) % MIXED]);
        if (kl_random_next(&chance) % 4 == 0) {
            CHECK(keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH));
        } else {
            kept[count++] = monitor;
        }
        if (kl_random_next(&chance) % 8 == 0) {
            keel_yield();
        }
    }
    if (kl_random_next(&chance) % 2) {
        keel_exit(keel_atom(odd));
    }
    keel_send(observer, keel_make("{ready, Self}", keel_self()));
    EXPECT_MESSAGE("finish");
    for (size_t i = 0; i < count; i++) {
        EXPECT_MESSAGE("{'DOWN', ^Ref, process, _, _}", kept[i]);
    }
    keel_send(observer, keel_make("{done, Self}", keel_self()));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("many monitors both ways give one DOWN for each not removed", .ids = "PR-093")
{
    static keel_ref monitors[MIXED];
    for (int i = 0; i < MIXED; i++) {
        // The watched ones are not the watchers: those must outlive all of them.
        mixed[i] = new_puppet();
    }
    keel_pid watchers[MIXED];
    for (int i = 0; i < MIXED; i++) {
        watchers[i] = keel_spawn_monitor(mix,
                keel_make("{Self, Seed}", keel_self(), (int64_t)(keel_random() >> 2)),
                &monitors[i]);
        keel_send(watchers[i], keel_atom(go));
    }
    // The watched die in another order, while watchers come and go.
    uint64_t chance = keel_random();
    keel_pid order[MIXED];
    for (unsigned i = 0; i < MIXED; i++) {
        size_t other = kl_random_next(&chance) % (i + 1);
        order[i] = order[other];
        order[other] = mixed[i];
    }
    for (int i = 0; i < MIXED; i++) {
        if (kl_random_next(&chance) % 2) {
            tell(order[i], act_exit, keel_atom(over));
        } else {
            keel_process_exit(order[i], keel_atom(kill));
        }
        if (kl_random_next(&chance) % 4 == 0) {
            keel_yield();
        }
    }
    for (int i = 0; i < MIXED; i++) {
        keel_send(watchers[i], keel_atom(finish));
    }
    for (int i = 0; i < MIXED; i++) {
        keel_term reason = await_down(monitors[i]);
        CHECK(keel_is(reason, normal) || keel_is(reason, odd));
    }
}

// --- tags ---

PROCESS_TEST("a tag takes the place of 'DOWN'", .ids = "PR-094")
{
    keel_pid pid = new_puppet();
    keel_monitor_opts opts = {.tag = keel_atom(gone)};
    keel_ref monitor;
    CHECK_OK(keel_monitor_opt(keel_from_pid(pid), &opts, &monitor));
    tell(pid, act_exit, keel_atom(over));
    EXPECT_NEXT("{gone, ^Ref, process, ^Pid, over}", monitor, pid);
    opts.tag = keel_make("{gone, twice}");
    CHECK_OK(keel_monitor_opt(keel_from_pid(pid), &opts, &monitor));
    EXPECT_NEXT("{{gone, twice}, ^Ref, process, ^Pid, noproc}", monitor, pid);
}

PROCESS_TEST("a tag may be any term and comes back unchanged", .ids = "PR-096")
{
    keel_term large = keel_nil();
    for (int i = 0; i < 20000; i++) {
        large = keel_cons(keel_format("item %d", i), large);
    }
    const keel_term tags[] = {large, keel_from_ref(keel_make_ref()), keel_int(1),
            keel_nil(), keel_float(1.5), keel_from_pid(keel_self()),
            keel_make("#{a => {b, [c]}}")};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        keel_pid pid = new_puppet();
        keel_ref monitor;
        CHECK_OK(keel_monitor_opt(
                keel_from_pid(pid), &(keel_monitor_opts){.tag = tags[i]}, &monitor));
        tell(pid, act_exit, keel_atom(over));
        keel_term seen;
        EXPECT_NEXT("{Tag, ^Ref, process, ^Pid, over}", &seen, monitor, pid);
        CHECK(keel_equal(seen, tags[i]));
    }
}

PROCESS_TEST("a spawn's monitor may have a tag", .ids = "PR-094")
{
    keel_spawn_opts opts = {
            .monitor = true, .monitor_opts = {.tag = keel_make("{my, tag}")}};
    keel_pid pid;
    keel_ref monitor;
    CHECK_OK(keel_spawn_opt(exit_with, keel_atom(over), &opts, &pid, &monitor));
    EXPECT_NEXT("{{my, tag}, ^Ref, process, ^Pid, over}", monitor, pid);
}

PROCESS_TEST("monitors survive the loss of their target's name", .ids = "PR-099")
{
    keel_pid pid = new_puppet();
    CHECK_OK(keel_register(keel_atom(watched), pid));
    keel_ref by_name = keel_monitor("watched"), by_pid = keel_monitor(pid);
    CHECK_OK(keel_unregister(keel_atom(watched)));
    keel_pid successor = new_puppet();
    CHECK_OK(keel_register(keel_atom(watched), successor));
    tell(pid, act_exit, keel_atom(over));
    EXPECT_MESSAGE("{'DOWN', ^Ref, process, {watched, _}, over}", by_name);
    EXPECT_MESSAGE("{'DOWN', ^Ref, process, ^Pid, over}", by_pid, pid);
    end_process(successor);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a monitor of oneself never fires")
{
    CHECK_OK(keel_register(keel_atom(watched), keel_self()));
    keel_ref by_pid = keel_monitor(keel_self()), by_name = keel_monitor("watched");
    CHECK(!no_ref(by_pid) && !no_ref(by_name) && !same_ref(by_pid, by_name));
    CHECK_TERM(info_of(keel_self(), keel_atom(monitors)), "[]");
    CHECK_INT(times_in(keel_from_pid(keel_self()),
                      info_of(keel_self(), keel_atom(monitored_by))),
            0);
    CHECK(keel_demonitor(by_pid, 0));
    CHECK(!keel_demonitor(by_pid, KEEL_DEMONITOR_INFO));
    CHECK_OK(keel_unregister(keel_atom(watched)));
    CHECK(keel_demonitor(by_name, KEEL_DEMONITOR_FLUSH));
    EXPECT_NO_MESSAGE();
}

static void exit_when_told(keel_term observer)
{
    EXPECT_NEXT("go");
    keel_process_exit(keel_to_pid(observer), keel_atom(foo));
}

static void watch_its_killer(keel_term observer)
{
    keel_ref monitor;
    keel_pid killer = keel_spawn_monitor(
            exit_when_told, keel_from_pid(keel_self()), &monitor);
    keel_send(observer, keel_from_pid(killer));
    keel_send(killer, keel_atom(go));
    EXPECT_NEXT("never");
}

PROCESS_TEST("who is ended by the process it watches ends with that reason")
{
    for (int i = 0; i < 20; i++) {
        keel_ref monitor;
        keel_pid killer;
        keel_spawn_monitor(watch_its_killer, keel_from_pid(keel_self()), &monitor);
        EXPECT_NEXT("Killer", &killer);
        CHECK_TERM(await_down(monitor), "foo");
        end_of(killer);
    }
}
