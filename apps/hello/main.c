// The smallest supervised program there is: a counter, a supervisor over it, and somebody
// who makes the counter crash to see it come back.

#include <keel/keel.h>
#include <keel/supervisor.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

static void demonstration(keel_term argument)
{
    (void)argument;
    keel_child_spec children[] = {
            keel_child(&counter_server, keel_int(40), .name = keel_atom(counter))};
    keel_started tree = keel_supervisor_start_link(children, 1, .name = keel_atom(tree));
    if (tree.status != KEEL_OK) {
        printf("the supervisor did not start: %s\n", keel_show(tree.reason));
        exit(1);
    }
    keel_cast("counter", keel_make("{increment, 2}"));
    show_value();
    for (int round = 1; round <= 2; round++) {
        keel_pid old = keel_whereis("counter");
        printf("\nround %d: the counter follows a null pointer ...\n", round);
        fflush(stdout);
        keel_cast("counter", keel_atom(crash));
        await_restart(old);
        printf("... and its supervisor has started it anew\n");
        show_value();
    }
    keel_process_exit(tree.pid, keel_atom(shutdown));
}

int main(void)
{
    keel_config config = {.catch_faults = true};
    keel_status status = keel_start(&config);
    if (status != KEEL_OK) {
        fprintf(stderr, "Keel did not start: %s\n", keel_status_text(status));
        return 1;
    }
    keel_pid pid = keel_spawn(demonstration, keel_nil());
    while (keel_process_alive(pid)) {
        usleep(10000);
    }
    keel_stop_report report;
    status = keel_stop(KEEL_IN(KEEL_SECONDS(5)), &report);
    printf("\nstopped: %zu processes ended when asked, %zu had to be killed\n",
            report.stopped, report.killed);
    return status == KEEL_OK ? 0 : 1;
}
