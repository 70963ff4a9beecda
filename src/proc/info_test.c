// Process information: PR-221 to PR-235.

#include "proc_testing.h"

#include "base/base.h"

#include <string.h>

PROCESS_TEST("the dead have no information, what is no pid is refused", .ids = "PR-221")
{
    keel_term info;
    keel_pid dead = dead_pid();
    CHECK_OK(keel_process_info(dead, keel_atom(status), &info));
    CHECK_TERM(info, "undefined");
    CHECK_OK(keel_process_info(dead, keel_make("[status, links]"), &info));
    CHECK_TERM(info, "undefined");
    keel_process_view view;
    CHECK(!keel_inspect_process(dead, &view));
    info = keel_atom(untouched);
    const keel_term others[] = {KEEL_NONE, keel_atom(name), keel_int(1), keel_nil(),
            keel_from_ref(keel_make_ref()), keel_make("{a, pid}")};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        keel_pid pid = {others[i].word};
        CHECK_INT(keel_process_info(pid, keel_atom(status), &info), KEEL_E_BADARG);
        CHECK(!keel_inspect_process(pid, &view));
    }
    CHECK_TERM(info, "untouched");
}

PROCESS_TEST("a list of items gives pairs in its order, repeats included", .ids = "PR-222")
{
    keel_pid pid = new_puppet();
    keel_term info;
    CHECK_OK(keel_process_info(pid,
            keel_make(
                    "[trap_exit, message_queue_len, trap_exit, links, message_queue_len]"),
            &info));
    CHECK_TERM(info, "[{trap_exit, false}, {message_queue_len, 0}, {trap_exit, false}, "
                     "{links, []}, {message_queue_len, 0}]");
    CHECK_OK(keel_process_info(pid, keel_nil(), &info));
    CHECK_TERM(info, "[]");
    CHECK_OK(keel_process_info(keel_self(), keel_make("[priority, trap_exit]"), &info));
    CHECK_TERM(info, "[{priority, normal}, {trap_exit, false}]");
    end_process(pid);
}

PROCESS_TEST("an unknown item is refused, alive or dead", .ids = "PR-223")
{
    keel_pid pid = new_puppet(), dead = dead_pid();
    const keel_term bad[] = {keel_atom(no_such_item), keel_make("[links, no_such_item]"),
            keel_make("[links | status]"), keel_int(1), KEEL_NONE, keel_string("links"),
            keel_make("{links}"), keel_make("{dictionary}"), keel_make("{label, 1}")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        keel_term info = keel_atom(untouched);
        CHECK_INT(keel_process_info(pid, bad[i], &info), KEEL_E_BADARG);
        CHECK_INT(keel_process_info(dead, bad[i], &info), KEEL_E_BADARG);
        CHECK_INT(keel_process_info(keel_self(), bad[i], &info), KEEL_E_BADARG);
        CHECK_TERM(info, "untouched");
    }
    end_process(pid);
}

PROCESS_TEST("registered_name is the name, or nothing", .ids = "PR-224")
{
    keel_pid pid = new_puppet();
    keel_term info;
    CHECK_OK(keel_process_info(pid, keel_make("[registered_name]"), &info));
    CHECK_TERM(info, "[{registered_name, []}]");
    CHECK_TERM(info_of(pid, keel_atom(registered_name)), "[]");
    CHECK_OK(keel_register(keel_atom(informer), pid));
    CHECK_OK(keel_process_info(pid, keel_atom(registered_name), &info));
    CHECK_TERM(info, "{registered_name, informer}");
    end_process(pid);
    CHECK_OK(keel_process_info(pid, keel_atom(registered_name), &info));
    CHECK_TERM(info, "undefined");
}

PROCESS_TEST(
        "the messages and their number agree, and asking changes nothing", .ids = "PR-225")
{
    keel_pid pid = new_puppet();
    for (int i = 0; i < 5; i++) {
        keel_send(pid, keel_make("{message, I, <<\"text\">>}", i));
        for (int j = 0; j < 2; j++) {
            keel_term info, messages;
            int length;
            CHECK_OK(keel_process_info(
                    pid, keel_make("[message_queue_len, messages]"), &info));
            CHECK_TERM(info, "[{message_queue_len, Length}, {messages, Messages}]", &length,
                    &messages);
            CHECK_INT(length, i + 1);
            size_t listed;
            CHECK(keel_list_length(messages, &listed));
            CHECK_INT(listed, length);
            for (int k = 0; k <= i; k++) {
                keel_term message;
                CHECK(keel_list_next(&messages, &message));
                CHECK_TERM(message, "{message, ^K, <<\"text\">>}", k);
            }
        }
    }
    size_t left;
    CHECK(keel_list_length(ask(pid, act_messages, KEEL_NONE), &left));
    CHECK_INT(left, 5);
    end_process(pid);
}

PROCESS_TEST("a process sees what it has sent to itself", .ids = "PR-227")
{
    for (int i = 0; i < 3; i++) {
        keel_send(keel_self(), keel_int(i));
        CHECK_TERM(info_of(keel_self(), keel_atom(message_queue_len)), "^N", i + 1);
    }
    CHECK_TERM(info_of(keel_self(), keel_atom(messages)), "[0, 1, 2]");
    CHECK_INT(keel_flush(), 3);
}

PROCESS_TEST("who waits is waiting, who asks is running", .ids = "PR-228")
{
    keel_pid pid = new_puppet();
    ask(pid, act_nothing, KEEL_NONE);
    keel_process_view view;
    while (keel_inspect_process(pid, &view) && view.wait != KEEL_WAIT_MESSAGE) {
        keel_yield();
    }
    CHECK_TERM(info_of(pid, keel_atom(status)), "waiting");
    CHECK_INT(view.state, KEEL_STATE_WAITING);
    CHECK_TERM(info_of(keel_self(), keel_atom(status)), "running");
    CHECK(keel_inspect_process(keel_self(), &view));
    CHECK_INT(view.state, KEEL_STATE_RUNNING);
    CHECK_OK(keel_process_suspend(pid));
    CHECK_TERM(info_of(pid, keel_atom(status)), "suspended");
    CHECK_OK(keel_process_resume(pid));
    end_process(pid);
}

PROCESS_TEST("every item that OTP has is there, with a value of its kind", .ids = "PR-230")
{
    keel_term items = keel_make(
            "[registered_name, message_queue_len, messages, status, links, "
            "monitors, monitored_by, trap_exit, group_leader, priority, "
            "dictionary, {dictionary, key}, current_function, "
            "initial_call, reductions, memory, total_heap_size, parent, "
            "label, current_stacktrace, suspending]");
    keel_pid pid = new_puppet();
    keel_pid asked[] = {pid, keel_self()};
    for (int i = 0; i < 2; i++) {
        keel_term list = items, item, info;
        while (keel_list_next(&list, &item)) {
            // As a list: alone, the name of one that has none is no pair.
            CHECK_OK(keel_process_info(asked[i], keel_list_of(item), &info));
            CHECK_TERM(info, "[{^Item, _}]", item);
        }
        CHECK(keel_is_list(info_of(asked[i], keel_atom(links))));
        CHECK(keel_is_list(info_of(asked[i], keel_atom(monitors))));
        CHECK(keel_is_list(info_of(asked[i], keel_atom(monitored_by))));
        CHECK(keel_is_bool(info_of(asked[i], keel_atom(trap_exit))));
        CHECK_TERM(info_of(asked[i], keel_atom(priority)), "normal");
        CHECK(keel_is_list(info_of(asked[i], keel_atom(dictionary))));
        CHECK(keel_to_int(info_of(asked[i], keel_atom(memory))) > 0);
        CHECK(keel_to_int(info_of(asked[i], keel_atom(total_heap_size))) >= 0);
        CHECK(keel_is_int(info_of(asked[i], keel_atom(reductions))));
        CHECK(keel_is_list(info_of(asked[i], keel_atom(suspending))));
    }
    end_process(pid);
}

PROCESS_TEST("a process is known by its entry", .ids = "PR-230")
{
    keel_spawn_opts opts = {.entry = "the entry"};
    keel_pid pid;
    keel_process_view view;
    CHECK_OK(keel_spawn_opt(puppet, KEEL_NONE, &opts, &pid, NULL));
    CHECK(keel_inspect_process(pid, &view));
    CHECK_STR(view.entry, "the entry");
    end_process(pid);
    // Found from the address of the body.
    pid = new_puppet();
    CHECK(keel_inspect_process(pid, &view));
    CHECK(view.entry && strstr(view.entry, "puppet"));
    end_process(pid);
}

static void note_parent(keel_term observer)
{
    keel_send(observer, keel_make("{parent, P}", keel_parent()));
    wait_forever(KEEL_NONE);
}

PROCESS_TEST("the parent is who spawned it", .ids = "PR-231")
{
    keel_pid pid = keel_spawn(note_parent, keel_from_pid(keel_self()));
    CHECK_TERM(info_of(pid, keel_atom(parent)), "^Self", keel_self());
    EXPECT_NEXT("{parent, ^Self}", keel_self());
    end_process(pid);
    keel_pid other = new_puppet();
    keel_pid grandchild = keel_to_pid(ask(other, act_spawn_puppet, KEEL_NONE));
    CHECK_TERM(info_of(grandchild, keel_atom(parent)), "^Other", other);
    end_process(other);
    CHECK_TERM(info_of(grandchild, keel_atom(parent)), "^Other", other);
    end_process(grandchild);
    // The guardian of this test was started from outside.
    CHECK(!no_pid(keel_parent()));
    CHECK_TERM(info_of(keel_parent(), keel_atom(parent)), "undefined");
}

static keel_term act_put(keel_term pair)
{
    return keel_process_put(keel_element(pair, 0), keel_element(pair, 1));
}

static keel_term act_set_label(keel_term label)
{
    CHECK_OK(keel_process_set_label(label));
    return KEEL_NONE;
}

PROCESS_TEST("one key of another's dictionary can be asked for", .ids = "PR-232")
{
    keel_pid pid = new_puppet();
    keel_term info;
    ask(pid, act_put, keel_make("{{a, key}, [the, value]}"));
    CHECK_OK(keel_process_info(pid, keel_make("{dictionary, {a, key}}"), &info));
    CHECK_TERM(info, "{{dictionary, {a, key}}, [the, value]}");
    CHECK_TERM(info_of(pid, keel_make("{dictionary, other}")), "undefined");
    CHECK_TERM(info_of(pid, keel_atom(dictionary)), "[{{a, key}, [the, value]}]");
    end_process(pid);
}

PROCESS_TEST("the label is the one set, undefined when none", .ids = "PR-233")
{
    keel_pid pid = new_puppet();
    CHECK_TERM(info_of(pid, keel_atom(label)), "undefined");
    ask(pid, act_set_label, keel_make("{worker, 7}"));
    CHECK_TERM(info_of(pid, keel_atom(label)), "{worker, 7}");
    end_process(pid);
    keel_spawn_opts opts = {.label = keel_make("[from, spawn]")};
    CHECK_OK(keel_spawn_opt(puppet, KEEL_NONE, &opts, &pid, NULL));
    CHECK_TERM(info_of(pid, keel_atom(label)), "[from, spawn]");
    end_process(pid);
}

PROCESS_TEST("reductions grow with work and never shrink", .ids = "PR-234")
{
    keel_pid pid = new_puppet();
    int64_t last = keel_to_int(info_of(pid, keel_atom(reductions)));
    CHECK(last >= 0);
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 20; j++) {
            ask(pid, act_nothing, KEEL_NONE);
        }
        int64_t now = keel_to_int(info_of(pid, keel_atom(reductions)));
        CHECK(now > last);
        last = now;
    }
    end_process(pid);
}

static int64_t time_of_queries(keel_pid pid, int64_t expected)
{
    int64_t begin = kl_clock_monotonic();
    for (int i = 0; i < 200; i++) {
        keel_scope scope = keel_scope_open();
        CHECK_INT(keel_to_int(info_of(pid, keel_atom(message_queue_len))), expected);
        keel_scope_close(&scope);
    }
    return kl_clock_monotonic() - begin;
}

// Waits for something else than messages, so that it does not look at them.
static void sleep_long(keel_term unused)
{
    (void)unused;
    keel_sleep(KEEL_MINUTES(60));
}

static void ask_beside_a_million(void)
{
    enum { MANY = 1000000 };
    keel_pid busy = keel_spawn(sleep_long, KEEL_NONE),
             idle = keel_spawn(sleep_long, KEEL_NONE);
    for (int i = 0; i < MANY; i++) {
        keel_send(busy, keel_int(i));
    }
    // The first looks at what has arrived, once.
    CHECK_INT(keel_to_int(info_of(busy, keel_atom(message_queue_len))), MANY);
    int64_t few = time_of_queries(idle, 0), many = time_of_queries(busy, MANY);
    // Walking the queue would take a thousand times as long; the machine may be busy.
    if (many > few * 50 + KEEL_MS(50)) {
        kl_test_fail(__FILE__, __LINE__, "%lld us with a million messages, %lld us without",
                (long long)many / 1000, (long long)few / 1000);
    }
    end_process(busy);
    end_process(idle);
}

TEST("asking for the length of a queue of a million messages does not walk it",
        .ids = "PR-235")
{
    in_process_with(ask_beside_a_million, .patience_s = 55);
}

PROCESS_TEST("keys of any kind are found in one's own dictionary and in another's")
{
    keel_pid pid = new_puppet();
    const keel_term keys[] = {keel_atom(key), keel_make("{a, [b]}"), keel_nil(),
            keel_make("9999999999999999999999999999999999"), keel_from_ref(keel_make_ref()),
            keel_from_pid(pid), keel_make("<<\"some binary\">>"), keel_float(1.5),
            keel_make("#{a => 1}")};
    enum { COUNT = sizeof keys / sizeof *keys };
    keel_term items = keel_nil(), list, pair, other;
    for (int i = COUNT - 1; i >= 0; i--) {
        ask(pid, act_put, keel_make("{Key, {value, I}}", keys[i], i));
        keel_process_put(keys[i], keel_make("{value, I}", i));
        items = keel_cons(keel_make("{dictionary, Key}", keys[i]), items);
    }
    CHECK_OK(keel_process_info(pid, items, &list));
    CHECK_OK(keel_process_info(keel_self(), items, &other));
    CHECK_EQUAL(other, list);
    for (int i = 0; i < COUNT; i++) {
        CHECK(keel_list_next(&list, &pair));
        CHECK_TERM(pair, "{{dictionary, ^Key}, {value, ^I}}", keys[i], i);
        keel_process_erase(keys[i]);
    }
    CHECK_OK(keel_process_info(keel_self(), items, &list));
    while (keel_list_next(&list, &pair)) {
        CHECK_TERM(pair, "{{dictionary, _}, undefined}");
    }
    end_process(pid);
}

static keel_term large_message(int number)
{
    keel_term list = keel_nil();
    for (int i = 0; i < 1000; i++) {
        list = keel_cons(keel_make("{I, <<\"some text\">>}", i + number), list);
    }
    return keel_make("{large, N, List}", number, list);
}

PROCESS_TEST("the messages of another are seen whole, as they come")
{
    keel_pid pid = new_puppet();
    keel_term sent = keel_nil();
    for (int i = 0; i < 4; i++) {
        sent = keel_cons(large_message(i), sent);
        keel_send(pid, keel_head(sent));
        keel_term seen, expected;
        CHECK_OK(keel_process_info(pid, keel_atom(messages), &seen));
        expected = keel_list_reverse(sent);
        CHECK_TERM(seen, "{messages, ^Messages}", expected);
    }
    end_process(pid);
}
