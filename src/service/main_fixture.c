// Programs that main_test.c starts. The first argument chooses one:
//
// - serve [--slow] [--port N]: runs until it is told to stop; slow: a worker does not end
// - stop CODE: asks to be stopped
// - fail: does not start
// - end: a permanent application ends by itself
// - hang: never gets through its start

#include <keel/keel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int stop_code;

static void say(const char *text)
{
    printf("%s\n", text);
    fflush(stdout);
}

static keel_result init(keel_term argument, void *state)
{
    (void)argument;
    (void)state;
    keel_trap_exit(true);
    return keel_ok();
}

static void terminate(keel_term reason, void *state)
{
    (void)reason;
    (void)state;
    if (keel_to_bool(keel_application_get_env(KEEL_NONE, keel_atom(slow), KEEL_NONE))) {
        say("terminating slowly");
        keel_sleep(KEEL_SECONDS(1000));
    }
    say("terminated");
}

static const keel_gen_server worker = {
        .name = "worker", .init = init, .terminate = terminate};

static keel_started start_worker(void)
{
    keel_child_spec children[] = {
            keel_child(&worker, keel_nil(), .shutdown = KEEL_FOREVER)};
    return keel_supervisor_start_link(children, KEEL_COUNT(children));
}

static keel_started start_needed(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    say("needed");
    return start_worker();
}

static keel_started start_serve(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    printf("port %s arguments %s\n",
            keel_show(keel_application_get_env(KEEL_NONE, keel_atom(port), KEEL_NONE)),
            keel_show(keel_main_arguments()));
    say("serving");
    return start_worker();
}

static void stop_needed(keel_term state)
{
    (void)state;
    say("needed stopped");
}

static keel_started start_stop(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    keel_main_stop(stop_code);
    keel_main_stop(stop_code + 1); // the first one counts
    return start_worker();
}

static keel_started start_fail(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    return keel_started_failed(keel_atom(no_disk));
}

static void end_soon(keel_term unused)
{
    (void)unused;
    keel_gen_ack(keel_atom(ok));
    keel_exit(keel_atom(tired));
}

static keel_started start_end(keel_term type, keel_term argument)
{
    (void)type;
    keel_spawn_opts opts = {.link = true};
    keel_pid pid = {0};
    keel_term ack;
    keel_status status = keel_start_body(
            end_soon, argument, &opts, KEEL_NEVER, &pid, NULL, &ack);
    return status == KEEL_OK ? keel_started_ok(pid) : keel_started_failed(argument);
}

static keel_started start_hang(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    say("starting");
    keel_sleep(KEEL_SECONDS(1000));
    return start_worker();
}

static const keel_option options[] = {
        {.name = "slow", .letter = 's', .help = "never end"},
        {.name = "port", .letter = 'p', .value = "PORT", .help = "where to listen"},
        {0},
};
static const keel_application needed = {
        .name = "needed", .start = start_needed, .stop = stop_needed};
static const keel_application serve = {
        .name = "serve",
        .description = "Serves",
        .version = "1.2.3",
        .env = "[{port, 80}]",
        .applications = (const keel_application *const[]){&needed, NULL},
        .options = options,
        .arguments = "WORD...",
        .stop_within = KEEL_MS(300),
        .start = start_serve,
};
static const keel_application programs[] = {
        {.name = "stop", .start = start_stop, .arguments = "CODE"},
        {.name = "fail", .start = start_fail},
        {.name = "end", .start = start_end},
        {.name = "hang", .start = start_hang},
};

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "serve";
    const keel_application *application = &serve;
    for (size_t i = 0; i < KEEL_COUNT(programs); i++) {
        application = strcmp(programs[i].name, which) == 0 ? &programs[i] : application;
    }
    stop_code = argc > 2 ? atoi(argv[2]) : 0;
    argv[1] = argv[0];
    return keel_main(application, argc - 1, argv + 1);
}
