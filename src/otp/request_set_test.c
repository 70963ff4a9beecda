// Collections of requests.

#include "otp_testing.h"
#include <keel/request.h>

PROCESS_TEST("a collection begins empty and grows by what is added", .ids = "GS-148 GS-149")
{
    keel_requests *requests = keel_requests_new();
    CHECK_INT(keel_requests_size(requests), 0);
    CHECK_TERM(keel_requests_list(requests), "[]");
    keel_pid pid = lone_actor();
    keel_request first = keel_send_request(pid, keel_int(1));
    keel_request second = keel_send_request(pid, keel_int(2));
    CHECK_OK(keel_requests_add(requests, first, keel_make("{label, 1}")));
    CHECK_OK(keel_requests_add(requests, second, keel_string("two")));
    CHECK_INT(keel_requests_add(requests, first, keel_atom(again)), KEEL_E_BADARG);
    CHECK_INT(keel_requests_size(requests), 2);
    CHECK_TERM(keel_requests_list(requests),
            "[{^First, {label, 1}}, {^Second, <<\"two\">>}]", first.ref, second.ref);
    keel_request none = {{0}, {0}, KEEL_NONE};
    CHECK_INT(keel_requests_add(requests, none, keel_atom(x)), KEEL_E_BADARG);
    keel_requests_free(requests);
    keel_requests_free(NULL);
    keel_term reply;
    CHECK_OK(keel_wait_response(first, SOON, &reply)); // freeing gives nothing up
    CHECK_OK(keel_wait_response(second, SOON, &reply));
    stop_actor(pid);
}

PROCESS_TEST("waiting gives whichever response comes first, with its label",
        .ids = "GS-150 GS-146")
{
    keel_pid blocked = lone_actor();
    keel_pid quick = lone_actor();
    keel_requests *requests = keel_requests_new();
    keel_term block = ACT(play_block, KEEL_NONE);
    CHECK_OK(keel_requests_add(
            requests, keel_send_request(blocked, block), keel_make("{slow, 1}")));
    CHECK_OK(keel_requests_add(
            requests, keel_send_request(quick, keel_atom(hi)), keel_make("{quick, 2}")));
    keel_response response;
    CHECK_OK(keel_requests_wait(requests, SOON, false, &response));
    CHECK_INT(response.status, KEEL_OK);
    CHECK_TERM(response.reply, "{unknown, hi}");
    CHECK_TERM(response.label, "{quick, 2}");
    CHECK_INT(keel_requests_size(requests), 2);
    CHECK_OK(keel_process_exit(blocked, keel_atom(over)));
    CHECK_OK(keel_requests_wait(requests, SOON, true, &response));
    CHECK_INT(response.status, KEEL_E_EXIT);
    CHECK_TERM(response.reply, "over");
    CHECK_TERM(response.label, "{slow, 1}");
    CHECK_EQUAL(response.request.server, keel_from_pid(blocked));
    CHECK_INT(keel_requests_size(requests), 1);
    keel_requests_free(requests);
    stop_actor(quick);
}

SIMULATED_TEST("waiting too long changes nothing, receiving gives all requests up",
        .ids = "GS-153")
{
    keel_pid pid = lone_actor();
    keel_requests *requests = keel_requests_new();
    for (int i = 0; i < 3; i++) {
        CHECK_OK(keel_requests_add(
                requests, keel_send_request(pid, ACT(play_block, KEEL_NONE)), keel_int(i)));
    }
    keel_response response;
    CHECK_INT(keel_requests_wait(requests, KEEL_IN(KEEL_MS(5)), true, &response),
            KEEL_E_TIMEOUT);
    CHECK_INT(keel_requests_wait(
                      requests, keel_deadline_at(keel_now() + KEEL_MS(5)), true, &response),
            KEEL_E_TIMEOUT);
    keel_send(pid, keel_atom(go));
    CHECK_OK(keel_requests_wait(requests, SOON, true, &response));
    CHECK_TERM(response.label, "0");
    CHECK_INT(keel_requests_receive(requests, KEEL_IN(KEEL_MS(5)), true, &response),
            KEEL_E_TIMEOUT);
    keel_send(pid, keel_atom(go));
    keel_send(pid, keel_atom(go));
    keel_sleep(KEEL_SECONDS(1));
    EXPECT_NO_MESSAGE();
    stop_actor(pid);
}

PROCESS_TEST("a message is checked against a collection", .ids = "GS-154")
{
    keel_pid pid = lone_actor();
    keel_requests *requests = keel_requests_new();
    keel_response response;
    CHECK_INT(keel_requests_check(requests, keel_atom(m), true, &response), KEEL_E_BADARG);
    CHECK_INT(keel_requests_wait(requests, KEEL_AT_ONCE, true, &response), KEEL_E_BADARG);
    CHECK_INT(
            keel_requests_receive(requests, KEEL_AT_ONCE, true, &response), KEEL_E_BADARG);
    CHECK_OK(keel_requests_add(
            requests, keel_send_request(pid, keel_atom(hi)), keel_atom(label)));
    keel_term others = keel_make(
            "[m, {a, b}, {[], x}, {'DOWN', x, process, y, z}, {R, x}, []]",
            keel_make_ref());
    keel_term other;
    while (keel_list_next(&others, &other)) {
        CHECK_INT(keel_requests_check(requests, other, true, &response), KEEL_E_NOPROC);
    }
    keel_term message = keel_receive();
    CHECK_OK(keel_requests_check(requests, message, false, &response));
    CHECK_TERM(response.reply, "{unknown, hi}");
    CHECK_INT(keel_requests_size(requests), 1);
    CHECK_OK(keel_requests_check(requests, message, true, &response));
    CHECK_TERM(response.label, "label");
    CHECK_INT(keel_requests_size(requests), 0);
    keel_requests_free(requests);
    stop_actor(pid);
}

PROCESS_TEST("a thousand requests are answered from one collection")
{
    enum { MANY = 1000 };
    keel_pid pid = lone_actor();
    keel_requests *requests = keel_requests_new();
    for (int i = 0; i < MANY; i++) {
        keel_scope scope = keel_scope_open();
        CHECK_OK(keel_requests_add(
                requests, keel_send_request(pid, keel_int(i)), keel_int(i)));
        keel_scope_close(&scope);
    }
    for (int i = 0; i < MANY; i++) {
        keel_scope scope = keel_scope_open();
        keel_response response;
        CHECK_OK(keel_requests_receive(requests, SOON, true, &response));
        CHECK_TERM(response.reply, "{unknown, ^Label}", response.label);
        keel_scope_close(&scope);
    }
    CHECK_INT(keel_requests_size(requests), 0);
    stop_actor(pid);
}
