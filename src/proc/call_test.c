// Calls, as keel_gen_call makes them: who answers, who gives up, who dies when.

#include "call_fixture.h"

static const keel_duration no_limit = -1;

PROCESS_TEST("a call gets the reply, of whatever kind", .ids = "GS-036")
{
    keel_pid server = new_call_server();
    keel_term terms[] = {keel_int(7), keel_make("{a, [1, 2.5, <<\"b\">>], #{k => v}}"),
            keel_binary(NULL, 0), keel_from_pid(keel_self()), keel_nil(),
            keel_from_ref(keel_make_ref())};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        CHECK_EQUAL(call_ok(server, keel_make("{echo, X}", terms[i])), terms[i]);
    }
    keel_term reply;
    CHECK_OK(keel_gen_system_call(
            keel_from_pid(server), keel_make("{echo, system}"), SOON, &reply));
    CHECK_TERM(reply, "system");
    EXPECT_NO_MESSAGE();
    end_process(server);
}

PROCESS_TEST("a call by name and by {Name, Node} reaches the server", .ids = "GS-042")
{
    keel_pid server = new_call_server();
    keel_term reply = KEEL_NONE, name = keel_atom(call_test_server);
    CHECK_INT(keel_gen_call(name, keel_atom(left), SOON, &reply), KEEL_E_NOPROC);
    CHECK_OK(keel_register(name, server));
    CHECK_OK(keel_gen_call(name, keel_make("{echo, 1}"), SOON, &reply));
    CHECK_TERM(reply, "1");
    keel_term here = keel_make("{Name, Node}", name, keel_node_self());
    CHECK_OK(keel_gen_call(here, keel_make("{echo, 2}"), SOON, &reply));
    CHECK_TERM(reply, "2");
    end_process(server);
    CHECK_INT(keel_gen_call(name, keel_make("{echo, 1}"), SOON, &reply), KEEL_E_NOPROC);
    CHECK_INT(keel_gen_call(here, keel_make("{echo, 1}"), SOON, &reply), KEEL_E_NOPROC);
    CHECK_TERM(reply, "2");
}

PROCESS_TEST("a deferred call waits for the reply that comes later", .ids = "GS-036")
{
    keel_pid server = new_call_server(), callers[3];
    for (int i = 0; i < 3; i++) {
        callers[i] = new_puppet();
        start_call(callers[i], server, keel_atom(defer), no_limit);
        await_waiting(callers[i], KEEL_WAIT_REPLY);
    }
    CHECK_INT(owed_by(server), 3);
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_gen_cast(keel_from_pid(server), keel_make("{reply_all, {late, 1}}")));
    for (int i = 0; i < 3; i++) {
        EXPECT_MESSAGE("{outcome, ^Caller, 0, {late, 1}}", callers[i]);
        end_process(callers[i]);
    }
    CHECK_INT(owed_by(server), 0);
    end_process(server);
}

PROCESS_TEST("another process may answer, and the server owes nothing any more",
        .ids = "GS-036 GS-038")
{
    keel_pid server = new_call_server(), caller = new_puppet(), other = new_puppet();
    keel_term from;
    start_call(caller, server, keel_make("{pass, Self}", keel_self()), no_limit);
    EXPECT_MESSAGE("{passed, From}", &from);
    ask(other, act_answer, keel_make("{From, [an, answer]}", from));
    EXPECT_MESSAGE("{outcome, ^Caller, 0, [an, answer]}", caller);
    CHECK_INT(owed_by(server), 0);
    // A second answer is nobody's.
    ask(other, act_answer, keel_make("{From, again}", from));
    CHECK_TERM(ask(caller, act_messages, KEEL_NONE), "[]");
    // The answer stands when the server dies afterwards, and when it died before.
    start_call(caller, server, keel_make("{pass, Self}", keel_self()), no_limit);
    EXPECT_MESSAGE("{passed, From}", &from);
    end_process(server);
    EXPECT_MESSAGE("{outcome, ^Caller, Status, killed}", caller, &(int){0});
    ask(other, act_answer, keel_make("{From, too_late}", from));
    CHECK_TERM(ask(caller, act_messages, KEEL_NONE), "[]");
    end_process(caller);
    end_process(other);
}

PROCESS_TEST("only the first of two replies arrives", .ids = "GS-038")
{
    keel_pid server = new_call_server();
    for (int i = 0; i < 10; i++) {
        CHECK_TERM(call_ok(server, keel_make("{twice, I}", i)), "^I", i);
    }
    CHECK_INT(owed_by(server), 0);
    EXPECT_NO_MESSAGE();
    end_process(server);
}

PROCESS_TEST("a call to a process that is dead, or no process, fails at once",
        .ids = "GS-041 GS-042")
{
    keel_term reply = keel_atom(untouched), request = keel_atom(left);
    CHECK_INT(keel_gen_call(keel_from_pid(dead_pid()), request, KEEL_NEVER, &reply),
            KEEL_E_NOPROC);
    CHECK_INT(keel_gen_call(keel_atom(call_test_nobody), request, KEEL_NEVER, &reply),
            KEEL_E_NOPROC);
    CHECK_INT(keel_gen_call(keel_int(1), request, KEEL_NEVER, &reply), KEEL_E_BADARG);
    CHECK_INT(
            keel_gen_call(keel_make("{a, 1}"), request, KEEL_NEVER, &reply), KEEL_E_BADARG);
    CHECK_TERM(reply, "untouched");
}

PROCESS_TEST("a process may not call itself", .ids = "GS-043")
{
    keel_term reply = keel_atom(untouched), name = keel_atom(call_test_self);
    CHECK_INT(keel_gen_call(keel_from_pid(keel_self()), name, KEEL_NEVER, &reply),
            KEEL_E_SELFCALL);
    CHECK_OK(keel_register(name, keel_self()));
    CHECK_INT(keel_gen_call(name, name, KEEL_NEVER, &reply), KEEL_E_SELFCALL);
    CHECK_INT(keel_gen_call(keel_make("{Name, Node}", name, keel_node_self()), name,
                      KEEL_NEVER, &reply),
            KEEL_E_SELFCALL);
    CHECK_TERM(reply, "untouched");
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a server that ends while it serves answers with its reason")
{
    keel_term ways[] = {
            keel_make("{'end', {boom, [1]}}"), keel_make("{leave, {boom, [1]}}")};
    for (size_t i = 0; i < 2; i++) {
        keel_term reply = KEEL_NONE;
        keel_pid server = new_call_server();
        CHECK_INT(keel_gen_call(keel_from_pid(server), ways[i], KEEL_NEVER, &reply),
                KEEL_E_EXIT);
        CHECK_TERM(reply, "{boom, [1]}");
        CHECK(keel_is(end_of(server), noproc));
    }
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a server that ends answers those deferred and those still in its mailbox")
{
    keel_pid server = new_call_server(), callers[6];
    for (int i = 0; i < 6; i++) {
        callers[i] = new_puppet();
        if (i == 3) {
            CHECK_OK(keel_process_suspend(server));
        }
        start_call(callers[i], server, keel_atom(defer), no_limit);
        await_waiting(callers[i], KEEL_WAIT_REPLY);
    }
    CHECK_OK(keel_process_exit(server, keel_make("{over, [now]}")));
    for (int i = 0; i < 6; i++) {
        int status;
        EXPECT_MESSAGE("{outcome, ^Caller, Status, {over, [now]}}", callers[i], &status);
        CHECK_INT(status, KEEL_E_EXIT);
        end_process(callers[i]);
    }
}

static void take_and_end(keel_term how)
{
    if (keel_is(how, flush)) {
        while (keel_queue_length() == 0) {
            keel_yield();
        }
        CHECK_INT(keel_flush(), 1);
        keel_exit(keel_atom(flushed));
    }
    keel_term message = keel_receive(), from, request;
    CHECK_TERM(message, "{'$gen_call', From, Request}", &from, &request);
    if (keel_is(how, answer)) {
        keel_gen_reply(keel_from_of_term(from), request);
    }
    keel_exit(keel_atom(taken));
}

PROCESS_TEST("a body that took a call owes it until it answers or ends")
{
    keel_term reply = KEEL_NONE, request = keel_make("{some, <<\"request\">>}");
    keel_pid body = keel_spawn(take_and_end, keel_atom(answer));
    CHECK_OK(keel_gen_call(keel_from_pid(body), request, KEEL_NEVER, &reply));
    CHECK_EQUAL(reply, request);
    body = keel_spawn(take_and_end, keel_atom(ignore));
    CHECK_INT(keel_gen_call(keel_from_pid(body), request, KEEL_NEVER, &reply), KEEL_E_EXIT);
    CHECK_TERM(reply, "taken");
    body = keel_spawn(take_and_end, keel_atom(flush));
    CHECK_INT(keel_gen_call(keel_from_pid(body), request, KEEL_NEVER, &reply), KEEL_E_EXIT);
    CHECK_TERM(reply, "flushed");
}

PROCESS_TEST("a call gives up at its deadline, and not before; the server is not disturbed",
        .ids = "GS-044 GS-056")
{
    keel_pid server = new_call_server();
    keel_term reply = keel_atom(untouched), to = keel_from_pid(server);
    int64_t begin = keel_now();
    CHECK_INT(keel_gen_call(to, keel_atom(defer), KEEL_IN(KEEL_MS(15)), &reply),
            KEEL_E_TIMEOUT);
    keel_yield();
    CHECK(keel_now() - begin >= KEEL_MS(15));
    CHECK_TERM(reply, "untouched");
    // Served nevertheless; and since nobody waits, nothing is owed.
    CHECK_INT(owed_by(server), 0);
    CHECK_OK(keel_gen_cast(to, keel_make("{reply_all, late}")));
    CHECK_TERM(call_ok(server, keel_make("{echo, 1}")), "1");
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_process_suspend(server));
    CHECK_INT(
            keel_gen_call(to, keel_make("{pass, Self}", keel_self()), KEEL_AT_ONCE, &reply),
            KEEL_E_TIMEOUT);
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_process_resume(server));
    EXPECT_MESSAGE("{passed, _}");
    CHECK_INT(owed_by(server), 0);
    end_process(server);
}

static void take_what_is_late(keel_term owner)
{
    for (int i = 0; i < 3; i++) {
        EXPECT_MESSAGE("{'$gen_call', _, old}");
    }
    CHECK_OK(keel_send(owner, keel_make("{owed, Count}", owed_by_self())));
}

PROCESS_TEST("what a body takes after its callers have given up it does not owe")
{
    keel_pid body = keel_spawn(take_what_is_late, keel_from_pid(keel_self()));
    CHECK_OK(keel_process_suspend(body));
    keel_term reply;
    for (int i = 0; i < 3; i++) {
        CHECK_INT(keel_gen_call(keel_from_pid(body), keel_atom(old), KEEL_AT_ONCE, &reply),
                KEEL_E_TIMEOUT);
    }
    CHECK_OK(keel_process_resume(body));
    EXPECT_MESSAGE("{owed, 0}");
}

PROCESS_TEST("a reply and the deadline may meet: one of them counts, nothing is left")
{
    keel_pid server = new_call_server();
    for (int i = 0; i < 60; i++) {
        keel_term reply = keel_atom(untouched);
        keel_deadline deadline = KEEL_IN(KEEL_US(i));
        keel_status status = keel_gen_call(
                keel_from_pid(server), keel_make("{echo, I}", i), deadline, &reply);
        if (status == KEEL_OK) {
            CHECK_TERM(reply, "^I", i);
        } else {
            CHECK_INT(status, KEEL_E_TIMEOUT);
            CHECK_TERM(reply, "untouched");
        }
    }
    CHECK_INT(owed_by(server), 0);
    EXPECT_NO_MESSAGE();
    end_process(server);
}

PROCESS_TEST("a caller that is killed while it waits leaves nothing with the server")
{
    keel_pid server = new_call_server();
    for (int i = 0; i < 20; i++) {
        keel_pid caller = new_puppet();
        start_call(caller, server, keel_atom(defer), no_limit);
        await_waiting(caller, KEEL_WAIT_REPLY);
        end_process(caller);
    }
    CHECK_INT(owed_by(server), 0);
    CHECK_OK(keel_gen_cast(keel_from_pid(server), keel_make("{reply_all, late}")));
    CHECK_TERM(call_ok(server, keel_make("{echo, 1}")), "1");
    end_process(server);
}

PROCESS_TEST("a call made while serving one gives up no later than its caller does")
{
    keel_pid front = new_call_server(), back = new_call_server();
    CHECK_TERM(call_ok(back, keel_atom(left)), "Left", &(int64_t){0});
    keel_term reply = KEEL_NONE, nested = keel_make("{call, Back, left}", back);
    CHECK_OK(keel_gen_call(keel_from_pid(front), nested, KEEL_NEVER, &reply));
    CHECK_TERM(reply, "{0, never}");
    int64_t left = 0;
    CHECK_OK(keel_gen_call(
            keel_from_pid(front), nested, KEEL_IN(KEEL_SECONDS(300)), &reply));
    CHECK_TERM(reply, "{0, Left}", &left);
    CHECK(left > 0 && left <= KEEL_SECONDS(300));
    // Nobody answers at the back: the front gives up when its own caller does. Which of the
    // two is first is chance.
    keel_status status = keel_gen_call(keel_from_pid(front),
            keel_make("{call, Back, ignore}", back), KEEL_IN(KEEL_MS(10)), &reply);
    if (status == KEEL_OK) {
        CHECK_TERM(reply, "{^Timeout, none}", (int)KEEL_E_TIMEOUT);
    } else {
        CHECK_INT(status, KEEL_E_TIMEOUT);
    }
    CHECK_TERM(call_ok(front, keel_make("{echo, free}")), "free");
    CHECK_INT(owed_by(back), 0);
    // After the call the limit is forgotten.
    CHECK_OK(keel_gen_call(keel_from_pid(front), nested, KEEL_NEVER, &reply));
    CHECK_TERM(reply, "{0, never}");
    CHECK_INT(keel_gen_deadline().at, INT64_MAX);
    end_process(front);
    end_process(back);
}

PROCESS_TEST("a mailbox that rejects tells the caller at once, and goes on afterwards")
{
    keel_spawn_opts opts = {.mailbox_limit = 2, .mailbox_policy = KEEL_MAILBOX_REJECT};
    keel_pid server = new_call_server_with(&opts), callers[2];
    CHECK_TERM(call_ok(server, keel_make("{echo, 0}")), "0");
    CHECK_OK(keel_process_suspend(server));
    for (int i = 0; i < 2; i++) {
        callers[i] = new_puppet();
        start_call(callers[i], server, keel_make("{echo, I}", i), no_limit);
        await_waiting(callers[i], KEEL_WAIT_REPLY);
    }
    keel_term reply = keel_atom(untouched);
    for (int i = 0; i < 5; i++) {
        CHECK_INT(keel_gen_call(keel_from_pid(server), keel_make("{echo, [I]}", i),
                          KEEL_NEVER, &reply),
                KEEL_E_OVERLOAD);
    }
    CHECK_TERM(reply, "untouched");
    CHECK_OK(keel_process_resume(server));
    for (int i = 0; i < 2; i++) {
        EXPECT_MESSAGE("{outcome, ^Caller, 0, ^I}", callers[i], i);
        end_process(callers[i]);
    }
    CHECK_TERM(call_ok(server, keel_make("{echo, 9}")), "9");
    end_process(server);
}

PROCESS_TEST("a mailbox that drops fails the calls it drops")
{
    keel_mailbox_policy policies[] = {KEEL_MAILBOX_DROP_OLD, KEEL_MAILBOX_DROP_NEW};
    for (int i = 0; i < 2; i++) {
        keel_spawn_opts opts = {.mailbox_limit = 1, .mailbox_policy = policies[i]};
        keel_pid server = new_call_server_with(&opts), first = new_puppet(),
                 second = new_puppet();
        CHECK_TERM(call_ok(server, keel_make("{echo, 0}")), "0");
        CHECK_OK(keel_process_suspend(server));
        start_call(first, server, keel_make("{echo, first}"), no_limit);
        await_waiting(first, KEEL_WAIT_REPLY);
        start_call(second, server, keel_make("{echo, second}"), no_limit);
        keel_pid loser = i == 0 ? first : second, winner = i == 0 ? second : first;
        if (i == 0) {
            await_waiting(second, KEEL_WAIT_REPLY);
            CHECK_OK(keel_process_resume(server));
            EXPECT_MESSAGE("{outcome, ^Loser, Status, overload}", loser, &(int){0});
        } else {
            int status;
            EXPECT_MESSAGE("{outcome, ^Loser, Status, none}", loser, &status);
            CHECK_INT(status, KEEL_E_OVERLOAD);
            CHECK_OK(keel_process_resume(server));
        }
        EXPECT_MESSAGE("{outcome, ^Winner, 0, _}", winner);
        end_process(first);
        end_process(second);
        end_process(server);
    }
}
