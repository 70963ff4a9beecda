// Sending: PR-152 to PR-158.

#include "proc_testing.h"

#include <string.h>

PROCESS_TEST("a send succeeds at once, however little the receiver takes", .ids = "PR-152")
{
    keel_pid pid = new_puppet();
    keel_pid suspended = new_puppet();
    CHECK_OK(keel_process_suspend(suspended));
    for (int i = 0; i < 10000; i++) {
        CHECK_OK(keel_send(pid, keel_int(i)));
        CHECK_OK(keel_send(suspended, keel_int(i)));
    }
    CHECK_TERM(info_of(pid, keel_atom(message_queue_len)), "10000");
    CHECK_OK(keel_process_resume(suspended));
    CHECK_TERM(info_of(suspended, keel_atom(message_queue_len)), "10000");
    end_process(pid);
    end_process(suspended);
}

PROCESS_TEST("a message to a dead process is discarded", .ids = "PR-153")
{
    keel_pid pid = dead_pid();
    for (int i = 0; i < 100; i++) {
        CHECK_OK(keel_send(pid, keel_make("{lost, I}", i)));
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("messages to a dying process are delivered or discarded", .ids = "PR-153")
{
    for (int i = 0; i < 100; i++) {
        keel_pid pid = keel_spawn(do_nothing, KEEL_NONE);
        for (int j = 0; j < 5; j++) {
            CHECK_OK(keel_send(pid, keel_make("{lost, <<\"somewhere\">>, J}", j)));
            if (j == i % 5) {
                keel_yield();
            }
        }
        end_of(pid);
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a message to itself is at the end of its own queue at once", .ids = "PR-154")
{
    for (int i = 0; i < 5; i++) {
        CHECK_OK(keel_send(keel_self(), keel_int(i)));
        CHECK_INT(keel_queue_length(), i + 1);
    }
    CHECK_TERM(info_of(keel_self(), keel_atom(messages)), "[0, 1, 2, 3, 4]");
    for (int i = 0; i < 5; i++) {
        keel_term message;
        CHECK_OK(keel_receive_until(KEEL_AT_ONCE, &message));
        CHECK_INT(keel_to_int(message), i);
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("what the sender does with its buffers later is not seen", .ids = "PR-155")
{
    enum { SIZES = 6 };
    static const size_t sizes[SIZES] = {1, 16, 64, 65, 4096, 100000};
    keel_pid pid = new_puppet();
    for (int i = 0; i < SIZES; i++) {
        uint8_t *buffer = keel_alloc(sizes[i]);
        memset(buffer, 'a', sizes[i]);
        keel_send(pid, keel_binary(buffer, sizes[i]));
        memset(buffer, 'b', sizes[i]);
        keel_scope scope = keel_scope_open();
        keel_term list = ask(pid, act_messages, KEEL_NONE), binary;
        CHECK_TERM(list, "[Binary]", &binary);
        keel_bytes bytes = keel_to_bytes(binary);
        CHECK_INT(bytes.size, sizes[i]);
        for (size_t j = 0; j < bytes.size; j++) {
            CHECK(bytes.data[j] == 'a');
        }
        keel_scope_close(&scope);
        keel_free(buffer);
    }
    end_process(pid);
}

static void receive_after_end_of(keel_term sender_and_observer)
{
    end_of(keel_to_pid(keel_element(sender_and_observer, 0)));
    keel_term message;
    EXPECT_NEXT("Message", &message);
    keel_send(keel_element(sender_and_observer, 1), message);
}

static keel_term act_send_and_end(keel_term to)
{
    keel_scope scope = keel_scope_open();
    uint8_t *bytes;
    keel_term binary = keel_binary_new(5000, &bytes);
    memset(bytes, 'x', 5000);
    keel_send(to,
            keel_make(
                    "{Binary, [Part, 1.5], #{key => <<\"value\">>}, 123456789012345678901}",
                    binary, keel_binary_part(binary, 10, 3)));
    keel_scope_close(&scope);
    keel_exit(keel_atom(over));
}

PROCESS_TEST("a message outlives the scope and the process it was made in", .ids = "PR-155")
{
    keel_pid sender = new_puppet();
    keel_pid receiver = keel_spawn(
            receive_after_end_of, keel_make("{S, Self}", sender, keel_self()));
    tell(sender, act_send_and_end, keel_from_pid(receiver));
    keel_term binary, part;
    EXPECT_NEXT("{Binary, [Part, 1.5], #{key := <<\"value\">>}, 123456789012345678901}",
            &binary, &part);
    CHECK_INT(keel_to_bytes(binary).size, 5000);
    CHECK(keel_equal(part, keel_string("xxx")));
    end_of(receiver);
}

static void use_slots_again(void)
{
    enum { OLD = 200 };
    static keel_pid old[OLD];
    for (int i = 0; i < OLD; i++) {
        keel_ref monitor;
        old[i] = keel_spawn_monitor(do_nothing, KEEL_NONE, &monitor);
        await_down(monitor);
    }
    // At most sixteen processes: whoever lives now has the slot of many of the old ones.
    keel_pid tenants[8];
    keel_ref monitors[8];
    for (int i = 0; i < 8; i++) {
        tenants[i] = keel_spawn_monitor(puppet, KEEL_NONE, &monitors[i]);
        ask(tenants[i], act_trap_exit, keel_bool(true));
    }
    for (int i = 0; i < OLD; i++) {
        CHECK_OK(keel_send(old[i], keel_atom(for_another)));
        CHECK_OK(keel_process_exit(old[i], keel_atom(kill)));
        CHECK(!keel_process_alive(old[i]));
        CHECK_TERM(end_of(old[i]), "noproc");
    }
    for (int i = 0; i < 8; i++) {
        CHECK_TERM(ask(tenants[i], act_messages, KEEL_NONE), "[]");
        end_process(tenants[i]);
        CHECK_TERM(await_down(monitors[i]), "killed");
    }
}

TEST("what is sent to an old tenant of a slot never reaches the new one", .ids = "PR-157")
{
    const keel_config config = {.workers = 2, .max_processes = 16};
    in_process_with(use_slots_again, .config = &config);
}

PROCESS_TEST("sending leaves the sender's own queue alone", .ids = "PR-158")
{
    keel_pid slow = new_puppet();
    CHECK_OK(keel_process_suspend(slow));
    keel_send(keel_self(), keel_int(1));
    keel_send(keel_self(), keel_int(2));
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(keel_send(slow, keel_make("{number, I}", i)));
    }
    CHECK_OK(keel_process_resume(slow));
    CHECK_TERM(info_of(keel_self(), keel_atom(messages)), "[1, 2]");
    EXPECT_NEXT("1");
    EXPECT_NEXT("2");
    end_process(slow);
}

PROCESS_TEST("a broadcast reaches each of its pids once, the dead are passed over")
{
    enum { COUNT = 50 };
    keel_pid pids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        pids[i] = i % 10 == 9 ? dead_pid() : new_puppet();
    }
    keel_term news = keel_make(
            "{news, <<\"a text of more than a few bytes, to be shared by all "
            "who are told\">>, [1, 2.0, three]}");
    CHECK_OK(keel_broadcast(pids, COUNT, news));
    CHECK_OK(keel_broadcast(pids, 0, news));
    for (int i = 0; i < COUNT; i++) {
        if (i % 10 != 9) {
            CHECK_TERM(ask(pids[i], act_messages, KEEL_NONE), "[^News]", news);
            end_process(pids[i]);
        }
    }
}

static uint64_t released;

static void count_released(void *unused)
{
    (void)unused;
    __atomic_add_fetch(&released, 1, __ATOMIC_ACQ_REL);
}

PROCESS_TEST("what a broadcast holds is released once, after the last of all who were told")
{
    static int thing;
    __atomic_store_n(&released, 0, __ATOMIC_RELEASE);
    keel_pid reads = new_puppet();
    keel_pid leaves_unread = new_puppet();
    const keel_pid pids[] = {reads, dead_pid(), keel_self(), leaves_unread, keel_self()};
    keel_scope sending = keel_scope_open();
    keel_term resource = keel_resource("thing", &thing, count_released);
    CHECK_OK(keel_broadcast(
            pids, sizeof pids / sizeof *pids, keel_make("{news, Thing}", resource)));
    keel_scope_close(&sending);

    keel_scope receiving = keel_scope_open();
    keel_term news = keel_receive();
    keel_scope asking = keel_scope_open();
    CHECK_TERM(ask(reads, act_messages, KEEL_NONE), "[^News]", news);
    keel_scope_close(&asking);
    end_process(reads);
    end_process(leaves_unread);
    CHECK_TERM(keel_receive(), "^News", news);
    CHECK(keel_to_pointer(keel_element(news, 1), NULL) == &thing);
    CHECK_INT(__atomic_load_n(&released, __ATOMIC_ACQUIRE), 0);
    keel_scope_close(&receiving);
    // Those who have ended may be at it still.
    while (__atomic_load_n(&released, __ATOMIC_ACQUIRE) == 0) {
        keel_yield();
    }
    CHECK_INT(__atomic_load_n(&released, __ATOMIC_ACQUIRE), 1);
}

PROCESS_TEST("what is no destination is refused")
{
    const keel_term bad[] = {KEEL_NONE, keel_int(1), keel_nil(), keel_string("name"),
            keel_make("{name}"), keel_make("{1, node}"), keel_make("{name, 1}"),
            keel_make("[name]"), keel_make("{name, node, 1}"), keel_float(1.0)};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(keel_send(bad[i], keel_int(1)), KEEL_E_BADARG);
        CHECK_INT(keel_send_nosuspend(bad[i], keel_int(1)), KEEL_E_BADARG);
        CHECK_INT(keel_send_priority(bad[i], keel_int(1)), KEEL_E_BADARG);
    }
    CHECK_INT(keel_send(keel_self(), KEEL_NONE), KEEL_E_BADARG);
    EXPECT_NO_MESSAGE();
}
