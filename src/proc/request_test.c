// Requests whose answer comes later: keel_gen_send_request and what follows.

#include "call_fixture.h"

#include "process.h"

// What the calling process remembers of requests of its own.
static int64_t requests_open(void)
{
    int64_t count = 0;
    const struct kl_relation *at = kl_process_current()->relations;
    for (; at; at = at->next) {
        count += at->kind == KL_REL_REQUEST;
    }
    return count;
}

static keel_ref send_request(keel_pid server, keel_term request)
{
    keel_ref ref = keel_gen_send_request(keel_from_pid(server), request);
    CHECK(!no_ref(ref));
    return ref;
}

PROCESS_TEST("the answer to a request is fetched when it is wanted")
{
    keel_pid server = new_call_server();
    keel_ref refs[3];
    for (int i = 0; i < 3; i++) {
        refs[i] = send_request(server, keel_make("{echo, {I, <<\"x\">>}}", i));
    }
    for (int i = 2; i >= 0; i--) {
        keel_term reply = KEEL_NONE;
        CHECK_OK(keel_gen_wait_response(refs[i], SOON, &reply));
        CHECK_TERM(reply, "{^I, <<\"x\">>}", i);
    }
    EXPECT_NO_MESSAGE();
    CHECK_INT(requests_open(), 0);
    CHECK_INT(owed_by(server), 0);
    end_process(server);
}

PROCESS_TEST("a message is checked for being the answer to a request")
{
    keel_pid server = new_call_server();
    keel_ref ref = send_request(server, keel_make("{echo, hello}"));
    keel_ref other = send_request(server, keel_atom(defer));
    keel_term message = next_message(__FILE__, __LINE__), reply = keel_atom(untouched);
    CHECK_INT(keel_gen_check_response(message, other, &reply), KEEL_E_NOPROC);
    CHECK_INT(keel_gen_check_response(keel_make("{a, b}"), ref, &reply), KEEL_E_NOPROC);
    CHECK_INT(keel_gen_check_response(keel_atom(x), ref, &reply), KEEL_E_NOPROC);
    CHECK_INT(keel_gen_check_response(message, ref, NULL), KEEL_E_BADARG);
    CHECK_INT(keel_gen_check_response(message, (keel_ref){0}, &reply), KEEL_E_BADARG);
    CHECK_TERM(reply, "untouched");
    CHECK_OK(keel_gen_check_response(message, ref, &reply));
    CHECK_TERM(reply, "hello");
    CHECK_OK(keel_gen_cast(keel_from_pid(server), keel_make("{'exit', {over, 1}}")));
    CHECK_INT(keel_gen_check_response(next_message(__FILE__, __LINE__), other, &reply),
            KEEL_E_EXIT);
    CHECK_TERM(reply, "{over, 1}");
    EXPECT_NO_MESSAGE();
    CHECK_INT(requests_open(), 0);
}

PROCESS_TEST("a request to nobody is answered with noproc")
{
    keel_term reply = KEEL_NONE;
    keel_term nobodies[] = {keel_from_pid(dead_pid()), keel_atom(request_test_nobody),
            keel_make("{request_test_nobody, Node}", keel_node_self())};
    for (size_t i = 0; i < sizeof nobodies / sizeof *nobodies; i++) {
        keel_ref ref = keel_gen_send_request(nobodies[i], keel_atom(left));
        CHECK(!no_ref(ref));
        CHECK_INT(keel_gen_wait_response(ref, SOON, &reply), KEEL_E_EXIT);
        CHECK_TERM(reply, "noproc");
    }
    CHECK(no_ref(keel_gen_send_request(keel_int(1), keel_atom(left))));
    CHECK(no_ref(keel_gen_send_request(keel_make("{a, 1}"), keel_atom(left))));
    CHECK(no_ref(keel_gen_send_request(nobodies[0], KEEL_NONE)));
    CHECK_INT(requests_open(), 0);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a request by name is answered; the answer to a death names the name")
{
    keel_pid server = new_call_server();
    keel_term name = keel_atom(request_test_server), reply = KEEL_NONE;
    CHECK_OK(keel_register(name, server));
    keel_ref ref = keel_gen_send_request(name, keel_make("{echo, 1}"));
    CHECK_OK(keel_gen_wait_response(ref, SOON, &reply));
    CHECK_TERM(reply, "1");
    ref = keel_gen_send_request(name, keel_atom(defer));
    CHECK_INT(owed_by(server), 1);
    end_process(server);
    EXPECT_NEXT("{'DOWN', ^Ref, process, {request_test_server, ^Node}, killed}", ref,
            keel_node_self());
    CHECK_INT(requests_open(), 0);
}

PROCESS_TEST("after a timeout wait_response may wait again, receive_response may not")
{
    keel_pid server = new_call_server();
    keel_term reply = keel_atom(untouched), all = keel_make("{reply_all, answer}");
    keel_ref ref = send_request(server, keel_atom(defer));
    CHECK_INT(keel_gen_wait_response(ref, KEEL_AT_ONCE, &reply), KEEL_E_TIMEOUT);
    CHECK_INT(keel_gen_wait_response(ref, KEEL_IN(KEEL_MS(2)), &reply), KEEL_E_TIMEOUT);
    CHECK_INT(owed_by(server), 1);
    CHECK_OK(keel_gen_cast(keel_from_pid(server), all));
    CHECK_OK(keel_gen_wait_response(ref, SOON, &reply));
    CHECK_TERM(reply, "answer");
    reply = keel_atom(untouched);
    ref = send_request(server, keel_atom(defer));
    CHECK_INT(keel_gen_receive_response(ref, KEEL_IN(KEEL_MS(2)), &reply), KEEL_E_TIMEOUT);
    CHECK_INT(owed_by(server), 0);
    CHECK_OK(keel_gen_cast(keel_from_pid(server), all));
    CHECK_TERM(call_ok(server, keel_make("{echo, 1}")), "1");
    EXPECT_NO_MESSAGE();
    CHECK_TERM(reply, "untouched");
    CHECK_INT(requests_open(), 0);
    end_process(server);
}

PROCESS_TEST("an abandoned request leaves nothing, whenever it is abandoned")
{
    keel_pid server = new_call_server();
    // While the server has deferred it.
    keel_ref ref = send_request(server, keel_atom(defer));
    CHECK_INT(owed_by(server), 1);
    keel_gen_abandon(ref);
    CHECK_INT(owed_by(server), 0);
    // While it lies in the mailbox of the server.
    CHECK_OK(keel_process_suspend(server));
    ref = send_request(server, keel_atom(defer));
    keel_ref stays = send_request(server, keel_atom(defer));
    keel_gen_abandon(ref);
    CHECK_OK(keel_process_resume(server));
    CHECK_INT(owed_by(server), 1);
    keel_gen_abandon(stays);
    CHECK_INT(owed_by(server), 0);
    // When its answer has come.
    ref = send_request(server, keel_make("{echo, 1}"));
    CHECK_INT(owed_by(server), 0);
    CHECK_INT(keel_queue_length(), 1);
    keel_gen_abandon(ref);
    // When it has been answered, twice, and what never was a request.
    keel_gen_abandon(ref);
    keel_gen_abandon(keel_make_ref());
    keel_gen_abandon((keel_ref){0});
    EXPECT_NO_MESSAGE();
    CHECK_INT(requests_open(), 0);
    end_process(server);
}

PROCESS_TEST("another process may answer a request")
{
    keel_pid server = new_call_server(), other = new_puppet();
    keel_term from, reply = KEEL_NONE;
    keel_ref ref = send_request(server, keel_make("{pass, Self}", keel_self()));
    EXPECT_MESSAGE("{passed, From}", &from);
    CHECK_INT(owed_by(server), 1);
    ask(other, act_answer, keel_make("{From, [answer]}", from));
    CHECK_OK(keel_gen_wait_response(ref, SOON, &reply));
    CHECK_TERM(reply, "[answer]");
    CHECK_INT(owed_by(server), 0);
    ask(other, act_answer, keel_make("{From, again}", from));
    end_process(server);
    EXPECT_NO_MESSAGE();
    end_process(other);
}

static void send_request_and_end(keel_term server)
{
    CHECK(!no_ref(keel_gen_send_request(server, keel_atom(defer))));
}

PROCESS_TEST("who ends with requests open leaves nothing with the server")
{
    keel_pid server = new_call_server();
    for (int i = 0; i < 20; i++) {
        keel_ref monitor;
        keel_spawn_monitor(send_request_and_end, keel_from_pid(server), &monitor);
        CHECK_TERM(await_down(monitor), "normal");
    }
    CHECK_INT(owed_by(server), 0);
    CHECK_OK(keel_gen_cast(keel_from_pid(server), keel_make("{reply_all, late}")));
    CHECK_TERM(call_ok(server, keel_make("{echo, 1}")), "1");
    end_process(server);
}

PROCESS_TEST("a mailbox at its limit answers a request with overload")
{
    keel_mailbox_policy policies[] = {KEEL_MAILBOX_REJECT, KEEL_MAILBOX_DROP_NEW};
    for (int i = 0; i < 2; i++) {
        keel_spawn_opts opts = {.mailbox_limit = 1, .mailbox_policy = policies[i]};
        keel_pid server = new_call_server_with(&opts);
        CHECK_TERM(call_ok(server, keel_make("{echo, 0}")), "0");
        CHECK_OK(keel_process_suspend(server));
        keel_ref first = send_request(server, keel_make("{echo, 1}"));
        keel_ref second = send_request(server, keel_make("{echo, 2}"));
        keel_term reply = KEEL_NONE;
        CHECK_INT(keel_gen_wait_response(second, SOON, &reply), KEEL_E_EXIT);
        CHECK_TERM(reply, "overload");
        CHECK_OK(keel_process_resume(server));
        CHECK_OK(keel_gen_wait_response(first, SOON, &reply));
        CHECK_TERM(reply, "1");
        end_process(server);
    }
    CHECK_INT(requests_open(), 0);
}
