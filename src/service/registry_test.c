// The registry: starting, registering, cleaning up, counting, metadata, locks.

#include "registry_testing.h"

// --- start ---

PROCESS_TEST(
        "a registry is a supervisor of as many partitions as asked for", .ids = "RG-001")
{
    for (int partitions = 0; partitions <= 5; partitions += 5) {
        for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE_BY_KEY; keys++) {
            keel_pid pid = start_registry((keel_registry_keys)keys, partitions);
            keel_child_counts counts;
            CHECK_OK(keel_supervisor_count_children(pid, &counts));
            CHECK_INT(counts.active, partitions == 0 ? 1 : partitions);
            CHECK(same_pid(keel_whereis(REG), pid));
            stop_registry(pid);
        }
    }
}

PROCESS_TEST("options that are not in order are named", .ids = "RG-002")
{
    static const char *const wrong[][2] = {
            {"[{name, r}]", "{badarg, {keys, []}}"},
            {"[{keys, both}, {name, r}]", "{badarg, {keys, both}}"},
            {"[{keys, {duplicate, both}}, {name, r}]",
                    "{badarg, {keys, {duplicate, both}}}"},
            {"[{keys, unique}]", "{badarg, {name, []}}"},
            {"[{keys, unique}, {name, 7}]", "{badarg, {name, 7}}"},
            {"[{keys, unique}, {name, nil}]", "{badarg, {name, nil}}"},
            {"[{keys, unique}, {name, r}, {partitions, 0}]", "{badarg, {partitions, 0}}"},
            {"[{keys, unique}, {name, r}, {partitions, a}]", "{badarg, {partitions, a}}"},
            {"[{keys, unique}, {name, r}, {listeners, x}]", "{badarg, {listeners, x}}"},
            {"[{keys, unique}, {name, r}, {listeners, [1]}]", "{badarg, {listeners, [1]}}"},
            {"[{keys, unique}, {name, r}, {meta, m}]", "{badarg, {meta, m}}"},
            {"[{keys, unique}, {name, r}, {meta, [{1, 2}]}]", "{badarg, {meta, [{1, 2}]}}"},
    };
    for (size_t i = 0; i < KEEL_COUNT(wrong); i++) {
        keel_term options, reason;
        CHECK_OK(keel_parse(wrong[i][0], strlen(wrong[i][0]), &options, NULL));
        CHECK_OK(keel_parse(wrong[i][1], strlen(wrong[i][1]), &reason, NULL));
        keel_started started = keel_registry_start_link_term(options);
        CHECK_INT(started.status, KEEL_E_BADARG);
        CHECK_EQUAL(started.reason, reason);
    }
    CHECK_INT(keel_registry_start_link(.name = REG).status, KEEL_E_BADARG);
    CHECK_INT(keel_registry_start_link(.keys = KEEL_UNIQUE).status, KEEL_E_BADARG);
    CHECK_INT(keel_registry_start_link(.name = REG, .keys = KEEL_UNIQUE, .partitions = -1)
                      .status,
            KEEL_E_BADARG);
}

PROCESS_TEST("duplicate keys are partitioned by process unless it is said otherwise")
{
    static const char *const options[] = {"[{keys, duplicate}, {name, test_registry}]",
            ("[{name, test_registry}, {keys, {duplicate, pid}}, {partitions, 2}, "
             "{compressed, true}]"),
            "[{name, test_registry}, {keys, {duplicate, key}}, {partitions, 2}]"};
    keel_trap_exit(true);
    for (size_t i = 0; i < KEEL_COUNT(options); i++) {
        keel_term parsed;
        CHECK_OK(keel_parse(options[i], strlen(options[i]), &parsed, NULL));
        keel_started started = keel_registry_start_link_term(parsed);
        CHECK_OK(started.status);
        put(keel_int(1), keel_atom(a));
        put(keel_int(1), keel_atom(b));
        CHECK_TERM(keel_registry_values(REG, keel_int(1), keel_self()), "[a, b]");
        stop_registry(started.pid);
    }
}

PROCESS_TEST("a second registry of the same name does not start and harms nothing",
        .ids = "RG-001")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 1);
    put(keel_int(1), keel_nil());
    keel_started second = keel_registry_start_link(.name = REG, .keys = KEEL_DUPLICATE);
    CHECK_INT(second.status, KEEL_E_TAKEN);
    CHECK(same_pid(second.pid, pid));
    CHECK_INT(keel_registry_count(REG), 1);
    stop_registry(pid);
}

static void use_unknown(void *which)
{
    keel_term name = keel_atom(nobody_started_this);
    keel_term key = keel_int(1);
    switch (*(int *)which) {
    case 0:
        CHECK_OK(keel_registry_register(name, key, key, NULL));
        break;
    case 1:
        keel_registry_unregister(name, key);
        break;
    case 2:
        keel_registry_lookup(name, key);
        break;
    case 3:
        keel_registry_keys_of(name, keel_self());
        break;
    case 4:
        keel_registry_values(name, key, keel_self());
        break;
    case 5:
        keel_registry_count(name);
        break;
    case 6:
        keel_registry_match(name, key, key, KEEL_NONE);
        break;
    case 7:
        keel_registry_select(name, keel_nil());
        break;
    case 8:
        keel_registry_put_meta(name, keel_atom(a), key);
        break;
    case 9:
        keel_registry_get_meta(name, keel_atom(a));
        break;
    case 10:
        keel_server_whereis(keel_registry_via(name, key));
        break;
    case 11:
        keel_registry_unregister_match(name, key, key, KEEL_NONE);
        break;
    case 12:
        keel_registry_dispatch(name, key, NULL, NULL);
        break;
    case 13:
        keel_registry_lock(name, key, NULL, NULL);
        break;
    default:
        keel_registry_count_select(name, keel_nil());
        break;
    }
}

PROCESS_TEST("every function tells that a registry is unknown", .ids = "RG-004")
{
    stop_registry(start_registry(KEEL_UNIQUE, 1)); // so that names are kept at all
    for (int which = 0; which < 15; which++) {
        CHECK_TERM(failure_of(use_unknown, &which),
                "{{badarg, {unknown_registry, nobody_started_this}}, _}");
    }
}

PROCESS_TEST("a registry that has ended is unknown, and can be started anew empty",
        .ids = "RG-004")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 2);
    put(keel_int(1), keel_nil());
    CHECK_OK(keel_registry_put_meta(REG, keel_atom(a), keel_int(1)));
    stop_registry(pid);
    CHECK(no_pid(keel_whereis(REG)));
    pid = start_registry(KEEL_DUPLICATE, 3);
    CHECK_INT(keel_registry_count(REG), 0);
    CHECK(keel_is_none(keel_registry_get_meta(REG, keel_atom(a))));
    put(keel_int(1), keel_nil());
    put(keel_int(1), keel_nil());
    CHECK_INT(keel_registry_count(REG), 2);
    stop_registry(pid);
}

PROCESS_TEST("as a child it has its name as id and is a supervisor", .ids = "RG-005")
{
    keel_trap_exit(true);
    const keel_child_spec child = keel_registry_child(.name = REG, .keys = KEEL_UNIQUE);
    CHECK_EQUAL(child.id, REG);
    CHECK_INT(child.type, KEEL_SUPERVISOR);
    keel_started tree = keel_supervisor_start_link(&child, 1);
    CHECK_OK(tree.status);
    put(keel_int(1), keel_nil());
    CHECK_TERM(keel_registry_lookup(REG, keel_int(1)), "[{^Self, []}]", keel_self());
    stop_registry(tree.pid);
}

// --- registering ---

PROCESS_TEST("a process registers itself and is found", .ids = "RG-006 RG-018 RG-023")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE_BY_KEY; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 3);
        CHECK_TERM(keel_registry_lookup(REG, keel_string("hello")), "[]");
        keel_pid owner;
        CHECK_OK(keel_registry_register(
                REG, keel_string("hello"), keel_make("{value, 1.5}"), &owner));
        CHECK(keel_process_alive(owner));
        CHECK_TERM(keel_registry_lookup(REG, keel_string("hello")),
                "[{^Self, {value, 1.5}}]", keel_self());
        CHECK_TERM(keel_registry_keys_of(REG, keel_self()), "[<<\"hello\">>]");
        stop_registry(pid);
    }
}

static bool is_linked(keel_pid pid)
{
    return keel_list_member(keel_from_pid(pid), info_of(keel_self(), keel_atom(links)));
}

PROCESS_TEST("the caller is linked to its partition while it has keys", .ids = "RG-007")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 2);
        keel_pid owner;
        CHECK_OK(keel_registry_register(REG, keel_int(1), keel_nil(), &owner));
        put(keel_int(2), keel_nil());
        CHECK(is_linked(owner));
        CHECK_OK(keel_registry_unregister(REG, keel_int(1)));
        CHECK(is_linked(owner));
        CHECK_OK(keel_registry_unregister(REG, keel_int(2)));
        CHECK(!is_linked(owner));
        stop_registry(pid);
    }
}

PROCESS_TEST("a key by pattern: the link goes with the last entry")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE_BY_KEY; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 2);
        keel_pid owner;
        CHECK_OK(keel_registry_register(REG, keel_int(1), keel_atom(a), &owner));
        CHECK_OK(keel_registry_unregister_match(REG, keel_int(1), keel_atom(b), KEEL_NONE));
        CHECK(is_linked(owner));
        CHECK_OK(keel_registry_unregister_match(REG, keel_int(1), keel_atom(a), KEEL_NONE));
        CHECK(!is_linked(owner));
        CHECK_TERM(keel_registry_keys_of(REG, keel_self()), "[]");
        stop_registry(pid);
    }
}

PROCESS_TEST("a process cannot register its own unique key a second time")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 2);
    keel_pid who;
    put(keel_int(1), keel_atom(first));
    put(keel_int(2), keel_atom(other));
    CHECK_INT(
            keel_registry_register(REG, keel_int(1), keel_atom(again), &who), KEEL_E_TAKEN);
    CHECK(same_pid(who, keel_self()));
    CHECK_TERM(keel_registry_values(REG, keel_int(1), keel_self()), "[first]");
    CHECK_INT(keel_registry_count(REG), 2);
    stop_registry(pid);
}

PROCESS_TEST("a unique key belongs to one process", .ids = "RG-008 RG-017")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 2);
    keel_pid holder = new_holder(keel_int(1), keel_atom(mine));
    for (int i = 0; i < 100; i++) {
        keel_pid who;
        CHECK_INT(keel_registry_register(REG, keel_int(1), keel_atom(no), &who),
                KEEL_E_TAKEN);
        CHECK(same_pid(who, holder));
        CHECK_TERM(
                ask(holder, act_register, keel_make("{R, 1, no}", REG)), "{_, ^H}", holder);
    }
    CHECK_TERM(keel_registry_lookup(REG, keel_int(1)), "[{^Holder, mine}]", holder);
    CHECK_TERM(keel_registry_keys_of(REG, keel_self()), "[]");
    CHECK_INT(keel_registry_count(REG), 1);
    end_process(holder);
    stop_registry(pid);
}

PROCESS_TEST("a duplicate key may be had several times, by one or many",
        .ids = "RG-003 RG-011 RG-012 RG-024 RG-025")
{
    for (int keys = KEEL_DUPLICATE; keys <= KEEL_DUPLICATE_BY_KEY; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 2);
        put(keel_int(1), keel_atom(a));
        put(keel_int(1), keel_atom(b));
        keel_pid other = new_holder(keel_int(1), keel_atom(c));
        put(keel_int(1), keel_atom(b));
        CHECK_TERM(keel_registry_lookup(REG, keel_int(1)),
                "[{^S, a}, {^S2, b}, {^O, c}, {^S3, b}]", keel_self(), keel_self(), other,
                keel_self());
        CHECK_TERM(keel_registry_values(REG, keel_int(1), keel_self()), "[a, b, b]");
        CHECK_TERM(keel_registry_values(REG, keel_int(1), other), "[c]");
        CHECK_TERM(keel_registry_keys_of(REG, keel_self()), "[1, 1, 1]");
        CHECK_INT(keel_registry_count(REG), 4);
        end_process(other);
        stop_registry(pid);
    }
}

PROCESS_TEST("keys are compared exactly and may be any term", .ids = "RG-015 RG-016")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 1);
        put(keel_int(1), keel_atom(integer));
        put(keel_float(1.0), keel_atom(real));
        put(keel_atom(_), keel_atom(wildcard));
        put(keel_atom_text("$1"), keel_make("{'$1', '_'}"));
        put(keel_make("#{a => [1, {2.5, \"x\"}]}"), keel_nil());
        put(keel_from_pid(keel_self()), keel_make("[]"));
        CHECK_TERM(keel_registry_values(REG, keel_int(1), keel_self()), "[integer]");
        CHECK_TERM(keel_registry_values(REG, keel_float(1.0), keel_self()), "[real]");
        CHECK_TERM(keel_registry_values(REG, keel_atom(_), keel_self()), "[wildcard]");
        CHECK_TERM(keel_registry_values(
                           REG, keel_make("#{a => [1, {2.5, \"x\"}]}"), keel_self()),
                "[[]]");
        CHECK_INT(keel_registry_count(REG), 6);
        stop_registry(pid);
    }
}

PROCESS_TEST("values of others and of unknown keys are none", .ids = "RG-026")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 1);
    keel_pid holder = new_holder(keel_int(1), keel_atom(a));
    CHECK_TERM(keel_registry_values(REG, keel_int(1), keel_self()), "[]");
    CHECK_TERM(keel_registry_values(REG, keel_int(2), holder), "[]");
    end_process(holder);
    stop_registry(pid);
}

PROCESS_TEST("entries are counted", .ids = "RG-027")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 2);
        CHECK_INT(keel_registry_count(REG), 0);
        for (int i = 0; i < 1000; i++) {
            put(keel_int(i), keel_int(i));
        }
        CHECK_INT(keel_registry_count(REG), 1000);
        for (int i = 0; i < 1000; i += 2) {
            CHECK_OK(keel_registry_unregister(REG, keel_int(i)));
        }
        CHECK_INT(keel_registry_count(REG), 500);
        CHECK_TERM(keel_registry_values(REG, keel_int(501), keel_self()), "[501]");
        CHECK_TERM(keel_registry_values(REG, keel_int(500), keel_self()), "[]");
        stop_registry(pid);
    }
}

// --- unregistering ---

PROCESS_TEST("unregistering removes the caller's entries under the key and no others",
        .ids = "RG-045 RG-046")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 2);
        CHECK_OK(keel_registry_unregister(REG, keel_int(1)));
        put(keel_int(1), keel_nil());
        put(keel_int(2), keel_nil());
        if (keys == KEEL_DUPLICATE) {
            put(keel_int(1), keel_nil());
            keel_pid other = new_holder(keel_int(1), keel_atom(other));
            CHECK_OK(keel_registry_unregister(REG, keel_int(1)));
            CHECK_TERM(keel_registry_lookup(REG, keel_int(1)), "[{^Other, other}]", other);
            end_process(other);
        }
        CHECK_OK(keel_registry_unregister(REG, keel_int(1)));
        CHECK_OK(keel_registry_unregister(REG, keel_int(1)));
        CHECK_TERM(keel_registry_lookup(REG, keel_int(1)), "[]");
        CHECK_TERM(keel_registry_keys_of(REG, keel_self()), "[2]");
        stop_registry(pid);
    }
}

PROCESS_TEST("of many under one key some go, and the rest stays in order", .ids = "RG-045")
{
    enum { MANY = 40 };
    keel_pid pid = start_registry(KEEL_DUPLICATE, 1);
    keel_pid holders[MANY];
    for (int i = 0; i < MANY; i++) {
        holders[i] = new_holder(keel_atom(topic), keel_int(i));
    }
    for (int i = 0; i < MANY; i++) {
        if (i % 5 != 0) {
            end_process(holders[i]);
        }
    }
    keel_term list = keel_registry_lookup(REG, keel_atom(topic));
    for (int i = 0; i < MANY; i += 5) {
        CHECK_TERM(keel_head(list), "{^Pid, ^I}", holders[i], i);
        list = keel_tail(list);
    }
    CHECK(keel_is_nil(list));
    for (int i = 0; i < MANY; i += 5) {
        end_process(holders[i]);
    }
    CHECK_INT(keel_registry_count(REG), 0);
    stop_registry(pid);
}

// --- the end of processes ---

PROCESS_TEST("entries are gone when the end of their process is heard of",
        .ids = "RG-014 RG-019 RG-020 RG-029")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE_BY_KEY; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 4);
        static const char *const reasons[] = {"normal", "kill", "oops"};
        for (size_t i = 0; i < KEEL_COUNT(reasons); i++) {
            keel_pid holder = new_holder(keel_int(1), keel_make("{some, value}"));
            tell(holder, act_register, keel_make("{R, {other, key}, 2}", REG));
            CHECK_INT(keel_to_int(keel_element(
                              ask(holder, act_register, keel_make("{R, 3, 3}", REG)), 0)),
                    0);
            keel_ref monitor = keel_monitor(holder);
            keel_term reason = KEEL_NONE;
            CHECK_OK(keel_atom_from(reasons[i], strlen(reasons[i]), &reason));
            if (keel_is(reason, kill)) {
                CHECK_OK(keel_process_exit(holder, reason));
            } else {
                tell(holder, act_exit, reason);
            }
            await_down(monitor);
            CHECK_TERM(keel_registry_lookup(REG, keel_int(1)), "[]");
            CHECK_TERM(keel_registry_keys_of(REG, holder), "[]");
            CHECK_TERM(keel_registry_values(REG, keel_int(3), holder), "[]");
            CHECK_TERM(
                    keel_registry_match(REG, keel_int(1), keel_atom(_), KEEL_NONE), "[]");
            CHECK_INT(keel_registry_count(REG), 0);
        }
        stop_registry(pid);
    }
}

PROCESS_TEST("lookups go on while the registry's processes are suspended", .ids = "RG-028")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 1);
    keel_pid owner;
    CHECK_OK(keel_registry_register(REG, keel_int(1), keel_atom(a), &owner));
    CHECK_OK(keel_process_suspend(owner));
    CHECK_OK(keel_process_suspend(pid));
    CHECK_TERM(keel_registry_values(REG, keel_int(1), keel_self()), "[a]");
    put(keel_int(2), keel_nil());
    keel_pid holder = new_holder(keel_int(3), keel_nil());
    end_process(holder);
    CHECK_TERM(keel_registry_lookup(REG, keel_int(3)), "[]");
    CHECK_INT(keel_registry_count(REG), 2);
    CHECK_OK(keel_process_resume(owner));
    CHECK_OK(keel_process_resume(pid));
    stop_registry(pid);
}

PROCESS_TEST("a partition that crashes takes its processes along", .ids = "RG-021")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 1);
        keel_pid holder = new_holder(keel_int(1), keel_nil());
        keel_ref monitor = keel_monitor(holder);
        keel_pid owner;
        CHECK_OK(keel_registry_register(REG, keel_int(2), keel_nil(), &owner));
        CHECK_OK(keel_process_exit(owner, keel_atom(kill)));
        CHECK_TERM(await_down(monitor), "killed");
        EXPECT_MESSAGE("{'EXIT', ^Owner, killed}", owner);
        CHECK_INT(
                keel_registry_count(REG), 0); // the caller's entry went with the partition
        keel_term children;
        CHECK_OK(keel_supervisor_which_children(pid, &children)); // started anew by then
        put(keel_int(2), keel_nil());
        CHECK_TERM(keel_registry_keys_of(REG, keel_self()), "[2]");
        CHECK_OK(keel_registry_unregister(REG, keel_int(2)));
        stop_registry(pid);
    }
}

PROCESS_TEST("the end of the registry's supervisor ends the processes with entries",
        .ids = "RG-021")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 2);
    keel_pid holder = new_holder(keel_int(1), keel_string("value"));
    keel_ref monitor = keel_monitor(holder);
    CHECK_OK(keel_process_exit(pid, keel_atom(kill)));
    CHECK_TERM(await_down(monitor), "killed");
    EXPECT_MESSAGE("{'EXIT', ^Pid, killed}", pid);
}

// --- update_value ---

static keel_term add_one(keel_term old, void *calls)
{
    *(int *)calls += 1;
    return keel_int(keel_to_int(old) + 1);
}

static void update_duplicate(void *calls)
{
    CHECK_OK(keel_registry_update_value(REG, keel_int(1), add_one, calls, NULL, NULL));
}

PROCESS_TEST(
        "only the holder of a unique key changes its value", .ids = "RG-050 RG-051 RG-052")
{
    int calls = 0;
    keel_pid pid = start_registry(KEEL_UNIQUE, 2);
    put(keel_int(1), keel_int(5));
    keel_pid holder = new_holder(keel_int(2), keel_int(7));
    keel_term fresh, old;
    CHECK_OK(keel_registry_update_value(REG, keel_int(1), add_one, &calls, &fresh, &old));
    CHECK_INT(keel_to_int(fresh), 6);
    CHECK_INT(keel_to_int(old), 5);
    CHECK_TERM(keel_registry_lookup(REG, keel_int(1)), "[{^Self, 6}]", keel_self());
    CHECK_INT(keel_registry_update_value(REG, keel_int(2), add_one, &calls, NULL, NULL),
            KEEL_E_NOPROC);
    CHECK_INT(keel_registry_update_value(REG, keel_int(3), add_one, &calls, NULL, NULL),
            KEEL_E_NOPROC);
    CHECK_INT(calls, 1);
    CHECK_TERM(keel_registry_lookup(REG, keel_int(2)), "[{_, 7}]");
    end_process(holder);
    stop_registry(pid);
    pid = start_registry(KEEL_DUPLICATE, 1);
    put(keel_int(1), keel_int(5));
    CHECK_TERM(failure_of(update_duplicate, &calls),
            "{{badarg, {duplicate_keys, test_registry}}, _}");
    CHECK_INT(calls, 1);
    stop_registry(pid);
}

static keel_term fail_to_update(keel_term old, void *unused)
{
    (void)unused;
    keel_error(old);
}

static void update_and_fail(void *unused)
{
    (void)unused;
    CHECK_OK(
            keel_registry_update_value(REG, keel_int(1), fail_to_update, NULL, NULL, NULL));
}

PROCESS_TEST(
        "an update that fails changes nothing, and one that does not is told to nobody")
{
    int calls = 0;
    keel_trap_exit(true);
    keel_started started = keel_registry_start_link(.name = REG, .keys = KEEL_UNIQUE,
            .listeners = keel_make("[test_listener]"));
    put(keel_int(1), keel_int(5));
    CHECK_OK(keel_register(keel_atom(test_listener), keel_self()));
    CHECK_TERM(failure_of(update_and_fail, NULL), "{5, _}");
    CHECK_TERM(keel_registry_values(REG, keel_int(1), keel_self()), "[5]");
    CHECK_OK(keel_registry_update_value(REG, keel_int(1), add_one, &calls, NULL, NULL));
    EXPECT_NO_MESSAGE();
    stop_registry(started.pid);
}

// --- metadata ---

static keel_term act_put_meta(keel_term value)
{
    return keel_int(keel_registry_put_meta(REG, keel_atom(theirs), value));
}

PROCESS_TEST("metadata belong to the registry", .ids = "RG-071 RG-072 RG-073")
{
    keel_trap_exit(true);
    keel_started started = keel_registry_start_link(.name = REG, .keys = KEEL_UNIQUE,
            .meta = keel_make("[{first, {1, \"one\"}}]"));
    CHECK_OK(started.status);
    CHECK_TERM(keel_registry_get_meta(REG, keel_atom(first)), "{1, \"one\"}");
    CHECK(keel_is_none(keel_registry_get_meta(REG, keel_atom(second))));
    CHECK_OK(keel_registry_put_meta(REG, keel_make("{a, tuple}"), keel_string("x")));
    CHECK_OK(keel_registry_put_meta(REG, keel_make("{a, tuple}"), keel_string("y")));
    CHECK_TERM(keel_registry_get_meta(REG, keel_make("{a, tuple}")), "<<\"y\">>");
    CHECK_OK(keel_registry_delete_meta(REG, keel_make("{a, tuple}")));
    CHECK_OK(keel_registry_delete_meta(REG, keel_make("{a, tuple}")));
    CHECK(keel_is_none(keel_registry_get_meta(REG, keel_make("{a, tuple}"))));
    CHECK_INT(keel_registry_put_meta(REG, keel_int(1), keel_nil()), KEEL_E_BADARG);
    keel_pid other = new_puppet();
    CHECK_INT(keel_to_int(ask(other, act_put_meta, keel_make("[stays]"))), 0);
    end_process(other);
    CHECK_TERM(keel_registry_get_meta(REG, keel_atom(theirs)), "[stays]");
    stop_registry(started.pid);
}

// --- locks ---

// Tells the test that it runs under the lock, then waits for a word: go, or fail.
static keel_term hold(void *context)
{
    keel_term *test_and_key = context;
    keel_pid test = keel_to_pid(keel_element(*test_and_key, 0));
    keel_send(test,
            keel_make("{locked, Self, Key}", keel_self(), keel_element(*test_and_key, 1)));
    if (keel_is(keel_receive(), fail)) {
        keel_exit(keel_atom(failed_inside));
    }
    return keel_atom(done);
}

static void lock_and_hold(keel_term test_and_key)
{
    keel_term value = keel_registry_lock(
            REG, keel_element(test_and_key, 1), hold, &test_and_key);
    keel_send(keel_to_pid(keel_element(test_and_key, 0)),
            keel_make("{unlocked, Self, Value}", keel_self(), value));
}

static keel_pid new_locker(keel_term key)
{
    return keel_spawn(lock_and_hold, keel_tuple_of(keel_from_pid(keel_self()), key));
}

// Waits until `pid` waits for something.
static void await_waiting(keel_pid pid)
{
    while (!keel_is(info_of(pid, keel_atom(status)), waiting)) {
        keel_yield();
    }
}

PROCESS_TEST("one process after the other runs under a lock, in order of arrival",
        .ids = "RG-074 RG-076 RG-077 RG-079 RG-081")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE; keys++) {
        keel_pid pid = start_registry(
                (keel_registry_keys)keys, keys == KEEL_UNIQUE ? 1 : 3);
        enum { COUNT = 4 };
        keel_pid locker[COUNT];
        for (int i = 0; i < COUNT; i++) {
            locker[i] = new_locker(keel_make("{some, key}"));
            await_waiting(locker[i]);
            if (i == 0) {
                EXPECT_MESSAGE("{locked, ^Pid, _}", locker[0]);
            }
        }
        EXPECT_NO_MESSAGE();
        keel_send(locker[0], keel_atom(go));
        EXPECT_MESSAGE("{unlocked, ^Pid, done}", locker[0]);
        EXPECT_MESSAGE("{locked, ^Pid, _}", locker[1]);
        keel_ref failing = keel_monitor(locker[1]);
        keel_send(locker[1], keel_atom(fail));
        CHECK_TERM(await_down(failing), "failed_inside");
        EXPECT_MESSAGE("{locked, ^Pid, _}", locker[2]);
        end_process(locker[2]);
        EXPECT_MESSAGE("{locked, ^Pid, _}", locker[3]);
        keel_send(locker[3], keel_atom(go));
        EXPECT_MESSAGE("{unlocked, ^Pid, done}", locker[3]);
        EXPECT_NO_MESSAGE();
        stop_registry(pid);
    }
}

PROCESS_TEST("a waiter that ends is passed over", .ids = "RG-077")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 1);
    keel_pid first = new_locker(keel_int(1));
    EXPECT_MESSAGE("{locked, ^Pid, _}", first);
    keel_pid second = new_locker(keel_int(1));
    await_waiting(second);
    keel_pid third = new_locker(keel_int(1));
    await_waiting(third);
    end_process(second);
    keel_send(first, keel_atom(go));
    EXPECT_MESSAGE("{unlocked, ^Pid, done}", first);
    EXPECT_MESSAGE("{locked, ^Pid, _}", third);
    keel_send(third, keel_atom(go));
    EXPECT_MESSAGE("{unlocked, ^Pid, done}", third);
    stop_registry(pid);
}

PROCESS_TEST("locks of different keys are held at the same time", .ids = "RG-075 RG-081")
{
    keel_pid pid = start_registry(KEEL_DUPLICATE, 1);
    keel_pid one = new_locker(keel_int(1));
    keel_pid two = new_locker(keel_float(1.0));
    EXPECT_MESSAGE("{locked, ^Pid, 1}", one);
    EXPECT_MESSAGE("{locked, ^Pid, 1.0}", two);
    keel_send(one, keel_atom(go));
    keel_send(two, keel_atom(go));
    EXPECT_MESSAGE("{unlocked, ^Pid, done}", one);
    EXPECT_MESSAGE("{unlocked, ^Pid, done}", two);
    stop_registry(pid);
}

static keel_term say_done(void *unused)
{
    (void)unused;
    return keel_atom(done);
}

static keel_term lock_another(void *unused)
{
    return keel_registry_lock(REG, keel_int(2), say_done, unused);
}

PROCESS_TEST("a lock is one of its registry, and who holds one may take another")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 2);
    keel_term second = keel_atom(second_registry);
    keel_started other = keel_registry_start_link(.name = second, .keys = KEEL_DUPLICATE);
    CHECK_OK(other.status);
    keel_pid holder = new_locker(keel_int(1));
    EXPECT_MESSAGE("{locked, ^Pid, 1}", holder);
    CHECK_TERM(keel_registry_lock(second, keel_int(1), say_done, NULL), "done");
    CHECK_TERM(keel_registry_lock(second, keel_int(1), lock_another, NULL), "done");
    keel_send(holder, keel_atom(go));
    EXPECT_MESSAGE("{unlocked, ^Pid, done}", holder);
    CHECK_TERM(keel_registry_lock(REG, keel_int(1), lock_another, NULL), "done");
    CHECK_INT(keel_registry_count(REG), 0); // a lock is no entry
    stop_registry(other.pid);
    stop_registry(pid);
}

// --- churn ---

static void come_and_go(keel_term number)
{
    int64_t n = keel_to_int(number);
    for (int64_t i = 0; i < 20; i++) {
        keel_pid holder;
        keel_status status = keel_registry_register(
                REG, keel_int((n + i) % 7), keel_string("value"), &holder);
        CHECK(status == KEEL_OK || status == KEEL_E_TAKEN);
        (void)keel_registry_lookup(REG, keel_int(i % 7));
        if (i % 3 == 0) {
            CHECK_OK(keel_registry_unregister(REG, keel_int((n + i) % 7)));
        }
        if (i % 5 == n % 5) {
            keel_yield();
        }
    }
}

PROCESS_TEST(
        "under churn from many processes nothing is left behind", .ids = "RG-019 RG-020")
{
    for (int keys = KEEL_UNIQUE; keys <= KEEL_DUPLICATE; keys++) {
        keel_pid pid = start_registry((keel_registry_keys)keys, 2);
        keel_ref monitors[30];
        for (size_t i = 0; i < KEEL_COUNT(monitors); i++) {
            keel_spawn_monitor(come_and_go, keel_uint(i), &monitors[i]);
        }
        for (size_t i = 0; i < KEEL_COUNT(monitors); i++) {
            CHECK_TERM(await_down(monitors[i]), "normal");
        }
        CHECK_INT(keel_registry_count(REG), 0);
        CHECK_TERM(
                keel_registry_select(REG, keel_make("[{{'_', '_', '_'}, [], [x]}]")), "[]");
        stop_registry(pid);
    }
}
