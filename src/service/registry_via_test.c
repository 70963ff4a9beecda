// The registry as a keeper of names.

#include "registry_testing.h"

static keel_result init(keel_term argument, void *state)
{
    (void)argument;
    (void)state;
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    (void)from;
    (void)state;
    if (keel_is(request, forget_name)) {
        return keel_reply(keel_int(keel_registry_unregister(REG, keel_string("server"))));
    }
    return keel_reply(request);
}

static keel_result handle_cast(keel_term to, void *state)
{
    (void)state;
    keel_send(keel_to_pid(to), keel_atom(was_cast));
    return keel_noreply();
}

static keel_result handle_info(keel_term to, void *state)
{
    (void)state;
    keel_send(keel_to_pid(to), keel_atom(was_sent));
    return keel_noreply();
}

static const keel_gen_server echo = {
        .name = "echo",
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
        .handle_info = handle_info,
};

static keel_term server_name(void)
{
    return keel_registry_via(REG, keel_string("server"));
}

PROCESS_TEST(
        "a server is started, called, cast and sent to by its key", .ids = "RG-064 RG-065")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 2);
    CHECK(keel_is_none(keel_server_whereis(server_name())));
    keel_started started = keel_gen_server_start_link(
            &echo, KEEL_NONE, .name = server_name());
    CHECK_OK(started.status);
    CHECK_TERM(
            keel_registry_lookup(REG, keel_string("server")), "[{^Pid, nil}]", started.pid);
    CHECK_TERM(keel_server_whereis(server_name()), "^Pid", started.pid);
    CHECK(same_pid(keel_registry_whereis(REG, keel_string("server")), started.pid));
    CHECK_TERM(keel_call_or_exit(server_name(), keel_int(5)), "5");
    CHECK_OK(keel_cast(server_name(), keel_from_pid(keel_self())));
    EXPECT_NEXT("was_cast");
    CHECK_OK(keel_server_send(server_name(), keel_from_pid(keel_self())));
    EXPECT_NEXT("was_sent");
    end_process(started.pid);
    stop_registry(pid);
}

PROCESS_TEST("a name with a value registers the value", .ids = "RG-064")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 1);
    keel_started started = keel_gen_server_start_link(&echo, KEEL_NONE,
            .name = keel_registry_via_value(
                    REG, keel_string("server"), keel_make("{some, value}")));
    CHECK_OK(started.status);
    CHECK_TERM(keel_registry_lookup(REG, keel_string("server")), "[{^Pid, {some, value}}]",
            started.pid);
    // The value says nothing about who is meant.
    keel_term other = keel_registry_via_value(REG, keel_string("server"), keel_int(7));
    CHECK_TERM(keel_server_whereis(other), "^Pid", started.pid);
    CHECK_TERM(keel_call_or_exit(other, keel_int(5)), "5");
    CHECK_TERM(keel_started_to_term(keel_gen_server_start(&echo, KEEL_NONE, .name = other)),
            "{error, {already_started, ^Pid}}", started.pid);
    end_process(started.pid);
    CHECK_TERM(keel_registry_lookup(REG, keel_string("server")), "[]");
    stop_registry(pid);
}

PROCESS_TEST("a key in use is told with who has it", .ids = "RG-066")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 1);
    keel_started first = keel_gen_server_start_link(
            &echo, KEEL_NONE, .name = server_name());
    CHECK_OK(first.status);
    keel_started second = keel_gen_server_start_link(
            &echo, KEEL_NONE, .name = server_name());
    CHECK_INT(second.status, KEEL_E_TAKEN);
    CHECK_TERM(keel_started_to_term(second), "{error, {already_started, ^Pid}}", first.pid);
    end_process(first.pid);
    keel_started third = keel_gen_server_start_link(
            &echo, KEEL_NONE, .name = server_name());
    CHECK_OK(third.status); // the key is free the moment the first has ended
    end_process(third.pid);
    stop_registry(pid);
}

PROCESS_TEST(
        "sending to a key without a process is refused, casting is not", .ids = "RG-067")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 1);
    CHECK_INT(keel_server_send(server_name(), keel_int(1)), KEEL_E_BADARG);
    CHECK_OK(keel_cast(server_name(), keel_int(1)));
    keel_term reply;
    CHECK_INT(keel_call(server_name(), keel_int(1), &reply), KEEL_E_NOPROC);
    stop_registry(pid);
}

PROCESS_TEST("a server can give its name up", .ids = "RG-068")
{
    keel_pid pid = start_registry(KEEL_UNIQUE, 1);
    keel_started started = keel_gen_server_start_link(
            &echo, KEEL_NONE, .name = server_name());
    CHECK_OK(started.status);
    CHECK_TERM(keel_call_or_exit(server_name(), keel_atom(forget_name)), "0");
    CHECK(keel_is_none(keel_server_whereis(server_name())));
    CHECK_TERM(keel_call_or_exit(started.pid, keel_int(5)), "5");
    end_process(started.pid);
    stop_registry(pid);
}

static void use_duplicate(void *which)
{
    switch (*(int *)which) {
    case 0:
        keel_server_whereis(server_name());
        break;
    case 1:
        keel_cast(server_name(), keel_int(1));
        break;
    case 2:
        keel_server_send(server_name(), keel_int(1));
        break;
    case 3:
        keel_registry_whereis(REG, keel_int(1));
        break;
    default:
        keel_started_or_exit(
                keel_gen_server_start(&echo, KEEL_NONE, .name = server_name()));
        break;
    }
}

PROCESS_TEST("a registry of duplicate keys keeps no names", .ids = "RG-069")
{
    keel_pid pid = start_registry(KEEL_DUPLICATE, 1);
    for (int which = 0; which < 5; which++) {
        CHECK_TERM(failure_of(use_duplicate, &which),
                "{{badarg, {duplicate_keys, test_registry}}, _}");
    }
    stop_registry(pid);
}
