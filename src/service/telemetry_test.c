// Telemetry.

#include "proc/proc_testing.h"
#include <keel/supervisor.h>
#include <keel/telemetry.h>

static void tell_event(
        keel_term event, keel_term measurements, keel_term metadata, keel_term config)
{
    keel_send(keel_to_pid(config), keel_make("{event, Event, Measurements, Metadata}",
                                           event, measurements, metadata));
}

static void fail_event(
        keel_term event, keel_term measurements, keel_term metadata, keel_term config)
{
    (void)event;
    (void)measurements;
    (void)metadata;
    keel_exit(config);
}

static keel_term me(void)
{
    return keel_from_pid(keel_self());
}

PROCESS_TEST("a handler hears its events and no others, until it is detached")
{
    keel_term event = keel_make("[shop, order]");
    CHECK(!keel_telemetry_is_on());
    CHECK_OK(keel_telemetry_attach(keel_atom(a), event, tell_event, me()));
    CHECK_INT(keel_telemetry_attach(keel_atom(a), event, tell_event, me()), KEEL_E_TAKEN);
    keel_telemetry(event, keel_make("#{n => 1}"), keel_make("#{who => ann}"));
    EXPECT_NEXT("{event, [shop, order], #{n := 1}, #{who := ann}}");
    keel_telemetry(keel_make("[shop]"), KEEL_NONE, KEEL_NONE);
    keel_telemetry(keel_make("[shop, order, stop]"), KEEL_NONE, KEEL_NONE);
    EXPECT_NO_MESSAGE();
    keel_telemetry(event, KEEL_NONE, KEEL_NONE);
    EXPECT_NEXT("{event, _, #{}, #{}}");
    CHECK_OK(keel_telemetry_detach(keel_atom(a)));
    CHECK_INT(keel_telemetry_detach(keel_atom(a)), KEEL_E_NOPROC);
    keel_telemetry(event, KEEL_NONE, KEEL_NONE);
    EXPECT_NO_MESSAGE();
    CHECK(!keel_telemetry_is_on());
}

PROCESS_TEST("one id may listen to many events, and handlers are listed by prefix")
{
    CHECK_OK(keel_telemetry_attach_many(
            keel_make("{my, id}"), keel_make("[[a, b], [a, c]]"), tell_event, me()));
    CHECK_OK(keel_telemetry_attach(keel_atom(x), keel_make("[z]"), tell_event, me()));
    CHECK_TERM(keel_telemetry_handlers(keel_make("[a]")),
            "[{{my, id}, [a, b]}, {{my, id}, [a, c]}]");
    CHECK_TERM(keel_telemetry_handlers(keel_make("[a, c]")), "[{{my, id}, [a, c]}]");
    CHECK_TERM(keel_telemetry_handlers(keel_nil()), "[_, _, {x, [z]}]");
    keel_telemetry(keel_make("[a, c]"), KEEL_NONE, KEEL_NONE);
    EXPECT_NEXT("{event, [a, c], _, _}");
    CHECK_OK(keel_telemetry_detach(keel_make("{my, id}")));
    CHECK_TERM(keel_telemetry_handlers(keel_nil()), "[{x, [z]}]");
    CHECK_OK(keel_telemetry_detach(keel_atom(x)));
}

PROCESS_TEST("what is no event is refused, and nothing of it is attached")
{
    CHECK_INT(keel_telemetry_attach(keel_atom(a), keel_nil(), tell_event, me()),
            KEEL_E_BADARG);
    CHECK_INT(keel_telemetry_attach(keel_atom(a), keel_make("[1]"), tell_event, me()),
            KEEL_E_BADARG);
    CHECK_INT(keel_telemetry_attach(keel_atom(a), keel_make("[a]"), NULL, me()),
            KEEL_E_BADARG);
    CHECK_INT(keel_telemetry_attach_many(
                      keel_atom(a), keel_make("[[a], b]"), tell_event, me()),
            KEEL_E_BADARG);
    CHECK_INT(keel_telemetry_attach_many(keel_atom(a), keel_nil(), tell_event, me()),
            KEEL_E_BADARG);
    CHECK(!keel_telemetry_is_on());
}

PROCESS_TEST("a handler that fails is detached, and the others hear the event")
{
    keel_term event = keel_make("[a]");
    CHECK_OK(keel_telemetry_attach(keel_atom(bad), event, fail_event, keel_atom(oops)));
    for (int i = 0; i < 40; i++) { // more than are told at once
        CHECK_OK(keel_telemetry_attach(keel_int(i), event, tell_event, me()));
    }
    keel_telemetry(event, KEEL_NONE, KEEL_NONE);
    CHECK(keel_queue_length() >= 39 && keel_queue_length() <= 41);
    CHECK_INT(keel_telemetry_detach(keel_atom(bad)), KEEL_E_NOPROC);
    for (int i = 0; i < 40; i++) {
        CHECK_OK(keel_telemetry_detach(keel_int(i)));
    }
    keel_flush();
}

static void work(void *context)
{
    *(int *)context += 1;
}

static void fail_work(void *context)
{
    (void)context;
    keel_exit(keel_atom(oops));
}

static void span_that_fails(void *context)
{
    (void)context;
    keel_telemetry_span(keel_make("[job]"), KEEL_NONE, fail_work, NULL);
}

PROCESS_TEST("a span tells its start and its stop or failure")
{
    int done = 0;
    keel_telemetry_span(keel_make("[job]"), KEEL_NONE, work, &done);
    CHECK_INT(done, 1); // also while nobody listens
    CHECK_OK(keel_telemetry_attach_many(keel_atom(a),
            keel_make("[[job, start], [job, stop], [job, exception]]"), tell_event, me()));
    keel_telemetry_span(keel_make("[job]"), keel_make("#{id => 7}"), work, &done);
    CHECK_INT(done, 2);
    keel_term span = KEEL_NONE;
    EXPECT_NEXT(
            "{event, [job, start], #{monotonic_time := _, system_time := _}, #{id := 7, "
            "telemetry_span_context := Span}}",
            &span);
    int64_t duration;
    EXPECT_NEXT("{event, [job, stop], #{duration := Duration}, #{id := 7, "
                "telemetry_span_context := ^Span}}",
            &duration, span);
    CHECK(duration >= 0);
    keel_term reason = KEEL_NONE;
    CHECK_INT(keel_try(span_that_fails, NULL, &reason), KEEL_E_EXIT);
    CHECK_TERM(reason, "oops");
    EXPECT_NEXT("{event, [job, start], _, _}");
    EXPECT_NEXT(
            "{event, [job, exception], #{duration := _}, #{kind := exit, reason := oops}}");
    CHECK_OK(keel_telemetry_detach(keel_atom(a)));
}

static void idle(keel_term unused)
{
    (void)unused;
    keel_receive();
}

static keel_started start_idle(keel_term unused)
{
    (void)unused;
    keel_spawn_opts opts = {.link = true, .entry = "idle"};
    keel_pid pid = {0};
    return keel_spawn_opt(idle, keel_nil(), &opts, &pid, NULL) == KEEL_OK
                   ? keel_started_ok(pid)
                   : keel_started_failed(keel_atom(system_limit));
}

PROCESS_TEST("starts, ends and restarts in the runtime are events")
{
    keel_trap_exit(true);
    CHECK_OK(keel_telemetry_attach_many(keel_atom(runtime),
            keel_make("[[keel, process, exit], [keel, supervisor, restart]]"), tell_event,
            me()));
    keel_child_spec children[] = {
            keel_child_fn(keel_telemetry_runtime_start_link, keel_nil()),
            keel_child_fn(start_idle, keel_nil(), .id = keel_atom(idle)),
    };
    keel_started tree = keel_supervisor_start_link(children, 2);
    CHECK_OK(tree.status);
    keel_started second = keel_telemetry_runtime_start_link(keel_nil());
    CHECK_TERM(second.reason, "already_started");
    keel_term list = KEEL_NONE, child;
    CHECK_OK(keel_supervisor_which_children(tree.pid, &list));
    keel_pid pid = {0};
    while (keel_list_next(&list, &child)) {
        if (keel_is(keel_element(child, 0), idle)) {
            pid = keel_to_pid(keel_element(child, 1));
        }
    }
    keel_process_exit(pid, keel_atom(oops));
    CHECK_OK(keel_receive_match(KEEL_NEVER,
            "{event, [keel, process, exit], #{system_time := _}, #{pid := ^Pid, reason := "
            "oops, entry := <<\"idle\">>}}",
            pid));
    CHECK_OK(keel_receive_match(KEEL_NEVER,
            "{event, [keel, supervisor, restart], _, #{supervisor := ^Pid, child := idle}}",
            tree.pid));
    CHECK_OK(keel_gen_server_stop(tree.pid, keel_atom(normal), KEEL_NEVER));
    CHECK_OK(keel_telemetry_detach(keel_atom(runtime)));
    keel_flush();
}
