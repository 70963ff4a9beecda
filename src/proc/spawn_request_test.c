// Asynchronous spawn requests: PR-018 to PR-028.

#include "proc_testing.h"

PROCESS_TEST("a spawn request is answered with the pid", .ids = "PR-018")
{
    keel_ref request;
    keel_pid pid;
    CHECK_OK(keel_spawn_request(wait_forever, KEEL_NONE, NULL, KEEL_NONE, &request));
    CHECK(!no_ref(request));
    EXPECT_NEXT("{spawn_reply, ^Ref, ok, Pid}", request, &pid);
    CHECK(keel_process_alive(pid));
    CHECK(same_pid(keel_to_pid(info_of(pid, keel_atom(parent))), keel_self()));
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("the tag of a spawn request takes the place of spawn_reply", .ids = "PR-019")
{
    keel_ref request;
    keel_term tag = keel_make("{my, [tag], 1.5}"), seen;
    CHECK_OK(keel_spawn_request(do_nothing, KEEL_NONE, NULL, tag, &request));
    EXPECT_NEXT("{Tag, ^Ref, ok, _}", &seen, request);
    CHECK_EQUAL(seen, tag);
}

PROCESS_TEST(
        "a bad option of a spawn request is a message and spawns nothing", .ids = "PR-020")
{
    keel_runtime_view before, after;
    keel_inspect_runtime(&before);
    keel_spawn_opts opts = {.priority = (keel_priority)99};
    keel_ref request;
    CHECK_OK(keel_spawn_request(do_nothing, KEEL_NONE, &opts, KEEL_NONE, &request));
    EXPECT_NEXT("{spawn_reply, ^Ref, error, badopt}", request);
    opts = (keel_spawn_opts){
            .monitor = true, .monitor_opts = {.alias = (keel_alias_mode)99}};
    CHECK_OK(keel_spawn_request(do_nothing, KEEL_NONE, &opts, keel_atom(tag), &request));
    EXPECT_NEXT("{tag, ^Ref, error, badopt}", request);
    keel_inspect_runtime(&after);
    CHECK_INT(after.spawned, before.spawned);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST(
        "a spawn request without a place for its reference is refused", .ids = "PR-021")
{
    keel_runtime_view before, after;
    keel_inspect_runtime(&before);
    CHECK_INT(keel_spawn_request(do_nothing, KEEL_NONE, NULL, KEEL_NONE, NULL),
            KEEL_E_BADARG);
    keel_inspect_runtime(&after);
    CHECK_INT(after.spawned, before.spawned);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a spawn request gives the replies that are wanted")
{
    const struct {
        keel_spawn_reply reply;
        bool of_success, of_error;
    } cases[] = {{KEEL_SPAWN_REPLY, true, true}, {KEEL_SPAWN_REPLY_NO, false, false},
            {KEEL_SPAWN_REPLY_ERROR_ONLY, false, true},
            {KEEL_SPAWN_REPLY_SUCCESS_ONLY, true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keel_spawn_opts opts = {.monitor = true, .reply = cases[i].reply};
        keel_ref request;
        CHECK_OK(
                keel_spawn_request(exit_with, keel_atom(over), &opts, KEEL_NONE, &request));
        if (cases[i].of_success) {
            EXPECT_NEXT("{spawn_reply, ^Ref, ok, _}", request);
        }
        // The monitor does not depend on it.
        EXPECT_NEXT("{'DOWN', ^Ref, process, _, over}", request);
        opts.priority = (keel_priority)99;
        CHECK_OK(keel_spawn_request(
                do_nothing, KEEL_NONE, &opts, keel_atom(mine), &request));
        if (cases[i].of_error) {
            EXPECT_NEXT("{mine, ^Ref, error, badopt}", request);
        }
        EXPECT_NO_MESSAGE();
    }
    keel_spawn_opts opts = {.reply = (keel_spawn_reply)99};
    keel_ref request;
    CHECK_OK(keel_spawn_request(do_nothing, KEEL_NONE, &opts, KEEL_NONE, &request));
    EXPECT_NEXT("{spawn_reply, ^Ref, error, badopt}", request);
}

PROCESS_TEST("the reply to a spawn request comes before the child's end")
{
    keel_trap_exit(true);
    for (int i = 0; i < 20; i++) {
        keel_spawn_opts opts = {.link = true, .monitor = i % 2};
        keel_ref request;
        keel_pid pid;
        CHECK_OK(
                keel_spawn_request(exit_with, keel_atom(over), &opts, KEEL_NONE, &request));
        EXPECT_NEXT("{spawn_reply, ^Ref, ok, Pid}", request, &pid);
        EXPECT_MESSAGE("{'EXIT', ^Pid, over}", pid);
        if (opts.monitor) {
            EXPECT_MESSAGE("{'DOWN', ^Ref, process, ^Pid, over}", request, pid);
        }
        EXPECT_NO_MESSAGE();
    }
}

PROCESS_TEST("the monitor of a spawn request ends with its reference before the reply too")
{
    keel_spawn_opts opts = {.monitor = true};
    keel_ref request;
    keel_pid pid;
    CHECK_OK(keel_spawn_request(wait_forever, KEEL_NONE, &opts, KEEL_NONE, &request));
    CHECK(keel_demonitor(request, KEEL_DEMONITOR_INFO));
    CHECK_TERM(info_of(keel_self(), keel_atom(monitors)), "[]");
    EXPECT_NEXT("{spawn_reply, ^Ref, ok, Pid}", request, &pid);
    CHECK_TERM(info_of(pid, keel_atom(monitored_by)), "[]");
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("the monitor of a spawn request may have a tag and be an alias")
{
    keel_spawn_opts opts = {.monitor = true,
            .monitor_opts = {.tag = keel_atom(gone), .alias = KEEL_ALIAS_DEMONITOR}};
    keel_ref request;
    keel_pid pid;
    CHECK_OK(keel_spawn_request(puppet, KEEL_NONE, &opts, KEEL_NONE, &request));
    EXPECT_NEXT("{spawn_reply, ^Ref, ok, Pid}", request, &pid);
    ask(pid, act_send, keel_make("{Alias, hello}", request));
    EXPECT_NEXT("hello");
    tell(pid, act_exit, keel_atom(over));
    EXPECT_NEXT("{gone, ^Ref, process, ^Pid, over}", request, pid);
    CHECK_OK(keel_send(request, keel_atom(late)));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a request with a monitor gives its reference to both", .ids = "PR-018 PR-024")
{
    keel_spawn_opts opts = {.monitor = true};
    keel_ref request;
    keel_pid pid;
    CHECK_OK(keel_spawn_request(exit_with, keel_atom(over), &opts, KEEL_NONE, &request));
    EXPECT_NEXT("{spawn_reply, ^Ref, ok, Pid}", request, &pid);
    EXPECT_NEXT("{'DOWN', ^Ref, process, ^Pid, over}", request, pid);
}

PROCESS_TEST("demonitor with the request's reference ends its monitor", .ids = "PR-024")
{
    keel_spawn_opts opts = {.monitor = true};
    keel_ref request;
    keel_pid pid;
    CHECK_OK(keel_spawn_request(wait_forever, KEEL_NONE, &opts, KEEL_NONE, &request));
    EXPECT_NEXT("{spawn_reply, ^Ref, ok, Pid}", request, &pid);
    CHECK(keel_demonitor(request, KEEL_DEMONITOR_INFO));
    end_process(pid);
    EXPECT_NO_MESSAGE();
}

// Requests a linked child that tells the pid it was given what it hears of its parent, and
// exits at once with `reason`.
static void trap_and_tell(keel_term observer)
{
    keel_trap_exit(true);
    keel_term from, reason;
    EXPECT_NEXT("{'EXIT', From, Reason}", &from, &reason);
    keel_send(observer, keel_make("{heard, From, Reason}", from, reason));
}

static void request_and_exit(keel_term observer_and_reason)
{
    keel_spawn_opts opts = {.link = true};
    keel_ref request;
    CHECK_OK(keel_spawn_request(trap_and_tell, keel_element(observer_and_reason, 0), &opts,
            KEEL_NONE, &request));
    keel_exit(keel_element(observer_and_reason, 1));
}

PROCESS_TEST("a requester that dies takes its linked child along", .ids = "PR-025")
{
    // A child that has not come to trap exits dies of the signal, one that has tells of it;
    // one that got no signal would wait for ever.
    keel_term before = keel_process_list(),
              compound = keel_make("{compound, [1], #{key => 2}}");
    for (int i = 0; i < 100; i++) {
        keel_term reason = i % 2 ? keel_atom(bye) : compound;
        keel_ref monitor;
        keel_spawn_monitor(request_and_exit,
                keel_make("{Self, Reason}", keel_self(), reason), &monitor);
        CHECK_EQUAL(await_down(monitor), reason);
    }
    await_others(before);
    keel_term message, reason;
    while (keel_receive_until(KEEL_AT_ONCE, &message) == KEEL_OK) {
        CHECK_TERM(message, "{heard, _, Reason}", &reason);
        CHECK(keel_is(reason, bye) || keel_equal(reason, compound));
    }
}

static keel_term act_request_link(keel_term observer)
{
    keel_spawn_opts opts = {.link = true};
    keel_ref request;
    CHECK_OK(keel_spawn_request(trap_and_tell, observer, &opts, KEEL_NONE, &request));
    keel_pid pid;
    EXPECT_MESSAGE("{spawn_reply, ^Ref, ok, Pid}", request, &pid);
    return keel_from_pid(pid);
}

PROCESS_TEST("a child of a request hears its requester's own reason", .ids = "PR-025")
{
    keel_pid requester = new_puppet();
    keel_pid child = keel_to_pid(
            ask(requester, act_request_link, keel_from_pid(keel_self())));
    while (!keel_is(info_of(child, keel_atom(trap_exit)), true)) {
        keel_yield();
    }
    tell(requester, act_exit, keel_make("{compound, <<\"reason\">>}"));
    EXPECT_NEXT("{heard, ^From, {compound, <<\"reason\">>}}", requester);
    end_of(child);
}

static void send_first(keel_term to)
{
    keel_send(to, keel_make("{first, Self}", keel_self()));
}

PROCESS_TEST(
        "the reply to a spawn request comes before what the child sends", .ids = "PR-027")
{
    for (int i = 0; i < 100; i++) {
        keel_ref request;
        keel_pid pid;
        CHECK_OK(keel_spawn_request(
                send_first, keel_from_pid(keel_self()), NULL, KEEL_NONE, &request));
        EXPECT_NEXT("{spawn_reply, ^Ref, ok, Pid}", request, &pid);
        EXPECT_NEXT("{first, ^Pid}", pid);
    }
}

THREADS_TEST(
        "the reply to a spawn request is first however fast the child is", .ids = "PR-027")
{
    // A burst is shared among the workers: children run while others are requested.
    enum { BURSTS = 400, BURST = 64 };
    for (int i = 0; i < BURSTS; i++) {
        keel_scope scope = keel_scope_open();
        keel_pid born[BURST], pid;
        int replies = 0, ended = 0;
        for (int j = 0; j < BURST; j++) {
            keel_ref request;
            CHECK_OK(keel_spawn_request(
                    send_first, keel_from_pid(keel_self()), NULL, KEEL_NONE, &request));
        }
        while (ended < BURST) {
            keel_term message = next_message(__FILE__, __LINE__);
            if (keel_match(message, "{spawn_reply, _, ok, Pid}", &pid)) {
                CHECK(replies < BURST);
                born[replies++] = pid;
                continue;
            }
            CHECK_TERM(message, "{first, Pid}", &pid);
            int known = 0;
            while (known < replies && !same_pid(born[known], pid)) {
                known++;
            }
            CHECK(known < replies);
            ended++;
        }
        keel_scope_close(&scope);
    }
}

PROCESS_TEST(
        "a request that was answered, or is none, cannot be abandoned", .ids = "PR-028")
{
    keel_ref request;
    CHECK_OK(keel_spawn_request(do_nothing, KEEL_NONE, NULL, KEEL_NONE, &request));
    EXPECT_NEXT("{spawn_reply, ^Ref, ok, _}", request);
    CHECK(!keel_spawn_request_abandon(request));
    CHECK(!keel_spawn_request_abandon(keel_make_ref()));
    // What is no reference at all: the type leaves only the word to be wrong.
    CHECK(!keel_spawn_request_abandon((keel_ref){0}));
    CHECK(!keel_spawn_request_abandon((keel_ref){keel_atom(not_a_reference).word}));
    CHECK(!keel_spawn_request_abandon((keel_ref){keel_make("{a, tuple}").word}));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("an abandoned request is never answered", .ids = "PR-028")
{
    keel_spawn_opts opts = {.link = true, .monitor = true};
    int abandoned = 0, answered = 0;
    for (int i = 0; i < 50; i++) {
        keel_ref request;
        CHECK_OK(keel_spawn_request(do_nothing, KEEL_NONE, &opts, KEEL_NONE, &request));
        if (keel_spawn_request_abandon(request)) {
            abandoned++;
        } else {
            EXPECT_MESSAGE("{spawn_reply, ^Ref, ok, _}", request);
            EXPECT_MESSAGE("{'DOWN', ^Ref, process, _, normal}", request);
            answered++;
        }
    }
    CHECK_INT(abandoned + answered, 50);
    EXPECT_NO_MESSAGE();
}
