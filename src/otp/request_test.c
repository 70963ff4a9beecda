// Requests whose response is fetched later; calls to many nodes.

#include "otp_testing.h"
#include <keel/request.h>

PROCESS_TEST("a response is waited for, received, or found in a message",
        .ids = "GS-140 GS-143 GS-146")
{
    keel_pid pid = lone_actor(.state = keel_atom(st));
    keel_request first = keel_send_request(pid, keel_atom(one));
    keel_request second = keel_send_request(pid, keel_atom(two));
    keel_request third = keel_send_request(pid, keel_atom(three));
    CHECK(!no_ref(first.ref) && !no_ref(second.ref) && !no_ref(third.ref));
    keel_term reply = KEEL_NONE;
    CHECK_OK(keel_receive_response(third, SOON, &reply)); // in any order
    CHECK_TERM(reply, "{unknown, three}");
    CHECK_OK(keel_wait_response(first, SOON, &reply));
    CHECK_TERM(reply, "{unknown, one}");
    keel_send(keel_self(), keel_atom(unrelated));
    keel_term message = keel_receive();
    keel_term other = keel_receive();
    if (keel_is(message, unrelated)) {
        keel_term swap = message;
        message = other;
        other = swap;
    }
    CHECK_OK(keel_check_response(message, second, &reply));
    CHECK_TERM(reply, "{unknown, two}");
    CHECK_INT(keel_check_response(other, second, &reply), KEEL_E_NOPROC);
    EXPECT_NO_MESSAGE();
    stop_actor(pid);
}

PROCESS_TEST("the end of the server is a response, and so is that there is none",
        .ids = "GS-141 GS-142 GS-143")
{
    keel_term reply = KEEL_NONE;
    keel_pid pid = lone_actor();
    keel_request request = keel_send_request(pid, ACT(play_stop, keel_make("{odd, 1}")));
    CHECK_INT(keel_wait_response(request, SOON, &reply), KEEL_E_EXIT);
    CHECK_TERM(reply, "{odd, 1}");
    CHECK_EQUAL(request.server, keel_from_pid(pid));
    keel_request nobody[] = {keel_send_request(dead_pid(), keel_atom(x)),
            keel_send_request("nobody_here", keel_atom(x)),
            keel_send_request(keel_make("{global, nobody}"), keel_atom(x))};
    for (size_t i = 0; i < KEEL_COUNT(nobody); i++) {
        CHECK(!no_ref(nobody[i].ref));
        CHECK_INT(keel_receive_response(nobody[i], SOON, &reply), KEEL_E_EXIT);
        CHECK_TERM(reply, "noproc");
    }
    pid = lone_actor();
    request = keel_send_request(pid, ACT(play_stop, keel_atom(gone)));
    CHECK_INT(keel_check_response(keel_receive(), request, &reply), KEEL_E_EXIT);
    CHECK_TERM(reply, "gone");
}

SIMULATED_TEST("waiting keeps a request, receiving gives it up", .ids = "GS-140 GS-153")
{
    keel_pid pid = lone_actor();
    keel_request request = keel_send_request(pid, ACT(play_block, KEEL_NONE));
    keel_term reply = KEEL_NONE;
    CHECK_INT(keel_wait_response(request, KEEL_IN(KEEL_MS(10)), &reply), KEEL_E_TIMEOUT);
    CHECK_INT(keel_wait_response(request, KEEL_AT_ONCE, &reply), KEEL_E_TIMEOUT);
    keel_send(pid, keel_atom(go));
    CHECK_OK(keel_wait_response(request, SOON, &reply));
    CHECK_TERM(reply, "ok");
    request = keel_send_request(pid, ACT(play_block, KEEL_NONE));
    CHECK_INT(keel_receive_response(request, KEEL_IN(KEEL_MS(10)), &reply), KEEL_E_TIMEOUT);
    keel_send(pid, keel_atom(go));
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    stop_actor(pid);
}

static keel_term act_use_request(keel_term ref_and_owner)
{
    keel_request request = {.ref = keel_to_ref(keel_element(ref_and_owner, 0)),
            .owner = keel_to_pid(keel_element(ref_and_owner, 1))};
    keel_term reply;
    return keel_int(keel_wait_response(request, KEEL_AT_ONCE, &reply));
}

PROCESS_TEST("a request is of use to the process that made it alone", .ids = "GS-147")
{
    keel_pid pid = lone_actor();
    keel_request request = keel_send_request(pid, keel_atom(x));
    keel_pid other = new_puppet();
    keel_term handed = keel_tuple_of(
            keel_from_ref(request.ref), keel_from_pid(request.owner));
    CHECK_INT(keel_to_int(ask(other, act_use_request, handed)), KEEL_E_BADARG);
    keel_request none = {{0}, {0}, KEEL_NONE};
    keel_term reply;
    CHECK_INT(keel_wait_response(none, KEEL_AT_ONCE, &reply), KEEL_E_BADARG);
    CHECK_INT(keel_receive_response(none, KEEL_AT_ONCE, &reply), KEEL_E_BADARG);
    CHECK_INT(keel_check_response(keel_atom(m), none, &reply), KEEL_E_BADARG);
    CHECK(no_ref(keel_send_request(keel_int(1), keel_atom(x)).ref));
    CHECK_OK(keel_wait_response(request, SOON, &reply));
    end_process(other);
    stop_actor(pid);
}

// --- many nodes ---

static keel_pid named_actor(void)
{
    return actor_started(keel_gen_server_start(
            &actor_server, ACTOR(.probed = true), .name = keel_atom(everywhere)));
}

PROCESS_TEST("a cast to many nodes passes over those without the server", .ids = "GS-133")
{
    keel_pid pid = named_actor();
    EXPECT_NEXT("{actor, init, _}");
    keel_term nodes = keel_list_of(keel_node_self(), keel_atom_text("far@away"));
    CHECK_OK(keel_abcast(nodes, keel_atom(everywhere), keel_atom(hello)));
    EXPECT_NEXT("{actor, cast, hello}");
    CHECK_OK(keel_abcast(nodes, keel_atom(nowhere), keel_atom(hello)));
    CHECK_INT(keel_abcast(keel_atom(here), keel_atom(a), keel_atom(m)), KEEL_E_BADARG);
    CHECK_INT(keel_abcast(keel_make("[1]"), keel_atom(a), keel_atom(m)), KEEL_E_BADARG);
    CHECK_INT(keel_abcast(nodes, keel_int(1), keel_atom(m)), KEEL_E_BADARG);
    end_process(pid);
}

PROCESS_TEST("a call to many nodes tells replies and bad nodes apart",
        .ids = "GS-134 GS-135 GS-137")
{
    keel_pid pid = named_actor();
    keel_term own = keel_node_self();
    keel_term far = keel_atom_text("far@away");
    keel_term nodes = keel_list_of(own, far, own);
    keel_term result = keel_multi_call(nodes, keel_atom(everywhere), keel_atom(hi), SOON);
    CHECK_TERM(
            result, "{[{^Own, {unknown, hi}}, {^Own, {unknown, hi}}], ['far@away']}", own);
    result = keel_multi_call(keel_list_of(own), keel_atom(nowhere), keel_atom(hi), SOON);
    CHECK_TERM(result, "{[], [^Own]}", own);
    result = keel_multi_call(
            keel_list_of(own), keel_atom(everywhere), ACT(play_stop, keel_atom(odd)), SOON);
    CHECK_TERM(result, "{[], [^Own]}", own);
    CHECK(!keel_process_alive(pid));
    CHECK(keel_is_none(keel_multi_call(keel_atom(a), keel_atom(b), keel_atom(c), SOON)));
    keel_flush();
}

SIMULATED_TEST("a server that is too late counts as bad, and its answer never comes",
        .ids = "GS-135 GS-138")
{
    keel_pid pid = named_actor();
    keel_term own = keel_node_self();
    keel_term result = keel_multi_call(keel_list_of(own), keel_atom(everywhere),
            ACT(play_block, KEEL_NONE), KEEL_IN(KEEL_MS(20)));
    CHECK_TERM(result, "{[], [^Own]}", own);
    keel_send(pid, keel_atom(go));
    keel_send_after(KEEL_MINUTES(10), pid, keel_atom(go));
    keel_sleep(KEEL_SECONDS(1));
    keel_flush();
    result = keel_multi_call(keel_list_of(own), keel_atom(everywhere),
            ACT(play_block, KEEL_NONE), KEEL_NEVER);
    CHECK_TERM(result, "{[{^Own, ok}], []}", own);
    keel_flush();
    end_process(pid);
}

PROCESS_TEST("a call to many nodes is no slower for a long mailbox", .ids = "GS-139")
{
    const int length = many_of(20000);
    keel_pid pid = actor_started(
            keel_gen_server_start(&actor_server, ACTOR(), .name = keel_atom(everywhere)));
    for (int i = 0; i < length; i++) {
        keel_send(keel_self(), keel_int(i));
    }
    keel_term nodes = keel_list_of(keel_node_self());
    // A hundred searches of the whole mailbox, at most: far below what a quadratic one
    // takes.
    for (int i = 0; i < 100; i++) {
        keel_scope scope = keel_scope_open();
        CHECK_TERM(keel_multi_call(nodes, keel_atom(everywhere), keel_int(i), SOON),
                "{[{_, {unknown, _}}], []}");
        keel_scope_close(&scope);
    }
    CHECK_INT(keel_flush(), length);
    stop_actor(pid);
}
