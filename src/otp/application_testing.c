#include "application_testing.h"
#include <string.h>

static keel_started start(keel_term type, keel_term argument);
static keel_term start_phase(keel_term phase, keel_term type, keel_term argument);
static keel_term prep_stop(keel_term state);
static void stop(keel_term state);

static const keel_application test_app = {
        .name = "test_app",
        .start = start,
        .start_phase = start_phase,
        .prep_stop = prep_stop,
        .stop = stop,
};

void application_test_begin(void)
{
    keel_register(keel_atom(probe), keel_self());
    CHECK_TERM(keel_application_register(&test_app), "test_app");
}

void application_test_end(void)
{
    CHECK_OK(keel_application_stop_all());
    keel_flush();
}

keel_term term_of(const char *text)
{
    keel_term term = keel_nil();
    if (text != NULL) {
        CHECK_OK(keel_parse(text, strlen(text), &term, NULL));
    }
    return term;
}

keel_term app_spec(const char *name, keel_term needed, keel_term argument, keel_term more)
{
    return keel_make("{application, Name, [{applications, Needed}, {mod, {test_app, "
                     "Argument}} | More]}",
            term_of(name), needed, argument, more);
}

keel_term load_app_with(
        const char *name, const char *needed, const char *argument, const char *more)
{
    keel_term spec = app_spec(name, term_of(needed), term_of(argument), term_of(more));
    keel_term reason = KEEL_NONE;
    keel_status status = keel_application_load_term(spec, &reason);
    if (status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "%s is not loaded: %s", name, keel_show(reason));
    }
    return term_of(name);
}

keel_term load_app(const char *name, const char *needed, const char *argument)
{
    return load_app_with(name, needed, argument, NULL);
}

keel_term start_app(const char *name, const char *needed, const char *argument)
{
    keel_term app = load_app(name, needed, argument);
    keel_term reason = KEEL_NONE;
    keel_status status = keel_application_start(app, KEEL_TEMPORARY, &reason);
    if (status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "%s does not start: %s", name, keel_show(reason));
    }
    EXPECT_MESSAGE("{start, ^App, normal, _}", app);
    return app;
}

keel_term running(void)
{
    keel_term rows = keel_application_which();
    keel_term list = keel_nil();
    keel_term row;
    while (keel_list_next(&rows, &row)) {
        list = keel_cons(keel_element(row, 0), list);
    }
    return keel_list_reverse(list);
}

void end_top(keel_term name, keel_term reason)
{
    keel_process_exit(keel_application_supervisor(name), reason);
}

// --- the application ---

static keel_term own(void)
{
    return keel_application_of(keel_self());
}

static keel_started tree(bool fails)
{
    keel_term argument = fails ? ACTOR(.init = play_stop, .argument = keel_atom(broken))
                               : ACTOR(.trap_exit = true);
    keel_child_spec children[] = {
            keel_child(&actor_server, argument, .id = keel_atom(kid))};
    return keel_supervisor_start_link(children, KEEL_COUNT(children));
}

// A top process that ends when it is told to, whatever exit signals come.
static void be_stubborn(keel_term unused)
{
    (void)unused;
    keel_trap_exit(true);
    keel_gen_ack(keel_atom(ok));
    CHECK_OK(keel_receive_match(KEEL_NEVER, "leave"));
}

static keel_started start_stubborn(void)
{
    keel_spawn_opts opts = {.link = true};
    keel_pid pid;
    keel_term ack = KEEL_NONE;
    CHECK_OK(keel_start_body(be_stubborn, keel_nil(), &opts, KEEL_NEVER, &pid, NULL, &ack));
    return keel_started_ok(pid);
}

static keel_started obey(keel_term argument)
{
    keel_term detail = KEEL_NONE;
    if (keel_match(argument, "{error, Reason}", &detail)) {
        return keel_started_failed(detail);
    }
    if (keel_match(argument, "{exit, Reason}", &detail)) {
        keel_exit(detail);
    }
    if (keel_match(argument, "{wait, Reply}", &detail)) {
        CHECK_OK(keel_receive_match(KEEL_NEVER, "{go, ^App}", own()));
        return obey(detail);
    }
    if (keel_match(argument, "{state, State}", &detail)) {
        keel_started started = tree(false);
        started.info = detail;
        return started;
    }
    if (keel_is(argument, ignore)) {
        return keel_started_ignored();
    }
    if (keel_is(argument, nothing)) {
        return (keel_started){.status = KEEL_OK};
    }
    return keel_is(argument, stubborn) ? start_stubborn()
                                       : tree(keel_is(argument, bad_child));
}

static keel_started start(keel_term type, keel_term argument)
{
    keel_send("probe", keel_make("{start, App, Type, Argument}", own(), type, argument));
    return obey(argument);
}

// The argument `crash` fails, {answer, Answer} gives it.
static keel_term start_phase(keel_term phase, keel_term type, keel_term argument)
{
    keel_term answer = keel_atom(ok);
    keel_send("probe",
            keel_make("{phase, App, Phase, Type, Argument}", own(), phase, type, argument));
    if (keel_is(argument, crash)) {
        keel_exit(keel_atom(crashed));
    }
    keel_match(argument, "{answer, Answer}", &answer);
    return answer;
}

static keel_term prep_stop(keel_term state)
{
    keel_send("probe", keel_make("{prep_stop, App, State}", own(), state));
    if (keel_is(state, crash)) {
        keel_exit(keel_atom(crashed));
    }
    return keel_tuple_of(keel_atom(prepared), state);
}

static void stop(keel_term state)
{
    keel_send("probe", keel_make("{stop, App, State}", own(), state));
    if (keel_is(state, crash)) {
        keel_exit(keel_atom(crashed));
    }
}
