#include "otp_testing.h"
#include <string.h>

static keel_term maybe(keel_term term)
{
    return keel_is_none(term) ? keel_nil() : term;
}

keel_term act_term(actor_act act, keel_term argument)
{
    return keel_tuple_of(
            keel_atom(act), keel_pointer((const void *)(uintptr_t)act), maybe(argument));
}

keel_term actor_argument(const struct actor_opts *opts)
{
    const char *tag = opts->tag == NULL ? "actor" : opts->tag;
    keel_term name = KEEL_NONE;
    CHECK_OK(keel_atom_from(tag, strlen(tag), &name));
    keel_term at_end = keel_pointer((const void *)(uintptr_t)opts->at_end);
    return keel_make("{actor, Tag, Probe, Trap, Act, State, AtEnd}", name,
            opts->probed ? keel_from_pid(keel_self()) : keel_nil(), opts->trap_exit,
            act_term(opts->init, opts->argument), maybe(opts->state), at_end);
}

keel_pid actor_started(keel_started started)
{
    if (started.status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "not started: %s",
                keel_is_none(started.reason) ? keel_status_text(started.status)
                                             : keel_show(started.reason));
    }
    return started.pid;
}

// --- the actor ---

static void report(const struct actor *actor, keel_term callback, keel_term detail)
{
    if (actor->probe.word != 0) {
        keel_send(actor->probe, keel_tuple_of(actor->tag, callback, detail));
    }
}

static keel_result play(keel_term message, keel_from from, struct actor *actor)
{
    void *act = NULL;
    keel_term argument = KEEL_NONE;
    if (keel_match(message, "{act, Act, Argument}", &act, &argument) && act != NULL) {
        return ((actor_act)(uintptr_t)act)(argument, from, actor);
    }
    return keel_is_none(from.tag) ? keel_noreply()
                                  : keel_reply(keel_tuple_of(keel_atom(unknown), message));
}

static keel_result actor_init(keel_term argument, void *state)
{
    struct actor *actor = state;
    bool trap = false;
    keel_term probe = KEEL_NONE;
    keel_term act = KEEL_NONE;
    keel_term initial = KEEL_NONE;
    keel_term at_end = KEEL_NONE;
    CHECK(keel_match(argument, "{actor, Tag, Probe, Trap, Act, State, AtEnd}", &actor->tag,
            &probe, &trap, &act, &initial, &at_end));
    actor->probe = keel_to_pid(probe);
    actor->at_end = (void (*)(keel_term, struct actor *))(uintptr_t)keel_to_pointer(
            at_end, NULL);
    keel_set(&actor->state, initial);
    if (trap) {
        keel_trap_exit(true);
    }
    report(actor, keel_atom(init), keel_from_pid(keel_self()));
    void *function = NULL;
    if (keel_match(act, "{act, Act, _}", &function) && function != NULL) {
        return play(act, (keel_from){{0}, {0}}, actor);
    }
    return keel_ok();
}

static keel_result actor_call(keel_term request, keel_from from, void *state)
{
    report(state, keel_atom(call), request);
    return play(request, from, state);
}

static keel_result actor_cast(keel_term request, void *state)
{
    report(state, keel_atom(cast), request);
    return play(request, (keel_from){{0}, {0}}, state);
}

static keel_result actor_info(keel_term message, void *state)
{
    report(state, keel_atom(info), message);
    return play(message, (keel_from){{0}, {0}}, state);
}

static keel_result actor_continue(keel_term argument, void *state)
{
    report(state, keel_atom(continue), argument);
    return play(argument, (keel_from){{0}, {0}}, state);
}

static void actor_terminate(keel_term reason, void *state)
{
    struct actor *actor = state;
    report(actor, keel_atom(terminate), reason);
    if (actor->at_end != NULL) {
        actor->at_end(reason, actor);
    }
}

static keel_term actor_get_state(const void *state)
{
    return ((const struct actor *)state)->state;
}

static void actor_set_state(void *state, keel_term term)
{
    keel_set(&((struct actor *)state)->state, term);
}

const keel_gen_server actor_server = {
        .name = "actor",
        .state = KEEL_STATE(struct actor, state, probe, tag),
        .init = actor_init,
        .handle_call = actor_call,
        .handle_cast = actor_cast,
        .handle_info = actor_info,
        .handle_continue = actor_continue,
        .terminate = actor_terminate,
        .get_state = actor_get_state,
        .set_state = actor_set_state,
};

static keel_result bare_init(keel_term argument, void *state)
{
    (void)argument;
    (void)state;
    return keel_ok();
}

const keel_gen_server bare_server = {.name = "bare", .init = bare_init};

static keel_term return_argument(keel_term argument)
{
    return argument;
}

const keel_supervisor test_supervisor = {
        .name = "test_supervisor", .init = return_argument};

// --- acts ---

keel_result played(keel_from from, keel_term reply)
{
    return keel_is_none(from.tag) ? keel_noreply() : keel_reply(reply);
}

keel_result play_get(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    return played(from, actor->state);
}

keel_result play_put(keel_term state, keel_from from, struct actor *actor)
{
    keel_set(&actor->state, state);
    return played(from, keel_atom(ok));
}

keel_result play_push(keel_term item, keel_from from, struct actor *actor)
{
    keel_set(&actor->state, keel_cons(item, actor->state));
    return played(from, keel_atom(ok));
}

keel_result play_self(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)actor;
    return played(from, keel_from_pid(keel_self()));
}

keel_result play_stop(keel_term reason, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    return keel_stop_with(reason);
}

keel_result play_stop_reply(keel_term reason_and_reply, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    return keel_stop_with_reply(
            keel_element(reason_and_reply, 0), keel_element(reason_and_reply, 1));
}

keel_result play_exit_with(keel_term reason, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    keel_exit(reason);
}

keel_result play_error(keel_term reason, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    keel_error(reason);
}

keel_result play_noreply(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)from;
    (void)actor;
    return keel_noreply();
}

keel_result play_ignore(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)from;
    (void)actor;
    return keel_ignore();
}

keel_result play_fail(keel_term reason, keel_from from, struct actor *actor)
{
    (void)from;
    (void)actor;
    return keel_fail(reason);
}

keel_result play_bad(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)from;
    (void)actor;
    return (keel_result){.kind = KEEL_RESULT_NOTHING};
}

keel_result play_block(keel_term unused, keel_from from, struct actor *actor)
{
    (void)unused;
    (void)actor;
    CHECK_OK(keel_receive_match(KEEL_NEVER, "go"));
    return played(from, keel_atom(ok));
}

bool hibernates(keel_pid pid)
{
    keel_process_view view;
    CHECK(keel_inspect_process(pid, &view));
    return view.state == KEEL_STATE_WAITING && view.stack == 0;
}

// --- supervisors ---

keel_pid kid(keel_pid supervisor, keel_term id)
{
    keel_term child = KEEL_NONE;
    keel_status status = keel_supervisor_which_child(supervisor, id, &child);
    return status == KEEL_OK ? keel_to_pid(keel_element(child, 1)) : (keel_pid){0};
}

keel_pid expect_init(keel_term tag)
{
    keel_term report = next_message(__FILE__, __LINE__);
    CHECK_TERM(report, "{^Tag, init, _}", tag);
    return keel_to_pid(keel_element(report, 2));
}

void finish_actor(keel_pid pid, keel_term reason)
{
    keel_ref monitor = keel_monitor(pid);
    if (keel_is(reason, kill)) {
        CHECK_OK(keel_process_exit(pid, reason));
    } else {
        CHECK_OK(keel_cast(pid, ACT(play_stop, reason)));
    }
    await_down(monitor);
}

keel_term children_of(keel_pid supervisor)
{
    keel_term children = KEEL_NONE;
    CHECK_OK(keel_supervisor_which_children(supervisor, &children));
    return children;
}

// --- ends, reports ---

void stop_actor(keel_pid pid)
{
    keel_unlink(pid);
    CHECK_OK(keel_gen_server_stop(pid, keel_atom(normal), SOON));
}

static uint64_t catcher; // the pid's word

static void catch_report(keel_report_level level, keel_term caught)
{
    keel_pid pid = {__atomic_load_n(&catcher, __ATOMIC_RELAXED)};
    keel_send(pid, keel_make("{report, Level, Report}", (int)level, caught));
}

void catch_reports(void)
{
    __atomic_store_n(&catcher, keel_self().word, __ATOMIC_RELAXED);
    keel_report_handler_set(catch_report);
}
