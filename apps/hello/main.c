// The smallest supervised program there is: a counter, a supervisor over it, and somebody
// who makes the counter crash to see it come back.

#include <keel/keel.h>
#include <stdio.h>

struct counter {
    int64_t value;
};

static keel_result init(keel_term initial, void *state)
{
    struct counter *counter = state;
    counter->value = keel_to_int(initial);
    printf("counter %s started with %s\n", keel_show(keel_from_pid(keel_self())),
            keel_show(initial));
    return keel_ok();
}

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    struct counter *counter = state;
    (void)from;
    if (keel_is(request, value)) {
        return keel_reply(keel_int(counter->value));
    }
    return keel_unexpected(request);
}

static keel_result handle_cast(keel_term request, void *state)
{
    struct counter *counter = state;
    int64_t by;
    if (keel_match(request, "{increment, By}", &by)) {
        counter->value += by;
    } else if (keel_is(request, crash)) {
        volatile int64_t *nowhere = NULL;
        counter->value = *nowhere; // a real null pointer
    }
    return keel_noreply();
}

static const keel_gen_server counter_server = {
        .name = "counter",
        .state = KEEL_STATE(struct counter, value),
        .init = init,
        .handle_call = handle_call,
        .handle_cast = handle_cast,
};

static void show_value(void)
{
    keel_term value;
    keel_status status = keel_call("counter", keel_atom(value), &value);
    if (status == KEEL_OK) {
        printf("its value is %s\n", keel_show(value));
    } else {
        printf("it does not answer: %s\n", keel_status_text(status));
    }
}

// Waits until another process than `old` has the counter's name.
static void await_restart(keel_pid old)
{
    keel_pid now = keel_whereis("counter");
    while (now.word == 0 || now.word == old.word) {
        keel_sleep(KEEL_MS(1));
        now = keel_whereis("counter");
    }
}

static void demonstrate(keel_term rounds)
{
    keel_cast("counter", keel_make("{increment, 2}"));
    show_value();
    for (int round = 1; round <= keel_to_int(rounds); round++) {
        keel_pid old = keel_whereis("counter");
        printf("\nround %d: the counter follows a null pointer ...\n", round);
        fflush(stdout);
        keel_cast("counter", keel_atom(crash));
        await_restart(old);
        printf("... and its supervisor has started it anew\n");
        show_value();
    }
    keel_main_stop(0);
}

static keel_started start(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    keel_term hello = keel_atom(hello);
    keel_term initial = keel_application_get_env(hello, keel_atom(initial), keel_int(0));
    keel_child_spec children[] = {
            keel_child(&counter_server, initial, .name = keel_atom(counter))};
    keel_started tree = keel_supervisor_start_link(children, KEEL_COUNT(children));
    if (tree.status == KEEL_OK) {
        keel_spawn(demonstrate,
                keel_application_get_env(hello, keel_atom(rounds), keel_int(2)));
    }
    return tree;
}

static const keel_option options[] = {
        {.name = "initial",
                .letter = 'i',
                .value = "N",
                .min = -1000000,
                .max = 1000000,
                .help = "what the counter starts with (40)"},
        {.name = "rounds",
                .letter = 'r',
                .value = "N",
                .max = 1000,
                .help = "how often it is made to crash (2)"},
        {0},
};

static const keel_application hello = {
        .name = "hello",
        .description = "A counter that crashes, and its supervisor",
        .version = "0.1.0",
        .env = "[{initial, 40}, {rounds, 2}]",
        .options = options,
        .start = start,
};

int main(int argc, char **argv)
{
    return keel_main(&hello, argc, argv);
}
