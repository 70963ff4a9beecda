// Very many processes at once.

#include "proc_testing.h"

#include <stdio.h>

enum { MILLION = 1000000, BLOCKED = 100000, SAMPLE = 9973 };

struct server {
    int64_t value;
};

static keel_next begin(void *state, keel_term argument)
{
    ((struct server *)state)->value = keel_to_int(argument);
    return keel_next_wait();
}

static keel_next answer(void *state, const keel_message *message)
{
    if (message->kind == KEEL_MESSAGE_CALL) {
        keel_gen_reply(message->from, keel_int(((struct server *)state)->value));
    }
    return keel_next_wait();
}

static const keel_handler server = {
        .name = "server",
        .state_bytes = sizeof(struct server),
        .start = begin,
        .receive = answer,
};

static size_t processes_alive(keel_runtime_view *view)
{
    keel_inspect_runtime(view);
    return view->processes;
}

static void ask_server(keel_pid pid, int64_t expected)
{
    keel_scope scope = keel_scope_open();
    keel_term reply;
    CHECK_OK(keel_gen_call(keel_from_pid(pid), keel_atom(value), SOON, &reply));
    CHECK_INT(keel_to_int(reply), expected);
    keel_scope_close(&scope);
}

static keel_pid pids[MILLION];

static void end_all(int count)
{
    for (int i = 0; i < count; i++) {
        CHECK_OK(keel_process_exit(pids[i], keel_atom(shutdown)));
    }
    for (int i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        end_of(pids[i]);
        keel_scope_close(&scope);
    }
}

static void live_in_a_crowd(void)
{
    keel_runtime_view view;
    size_t before = processes_alive(&view);
    size_t memory = view.memory;
    for (int i = 0; i < MILLION; i++) {
        CHECK_OK(keel_spawn_handler(&server, keel_int(i), NULL, &pids[i], NULL));
    }
    CHECK_INT(processes_alive(&view), before + MILLION);
    for (int i = 0; i < MILLION; i += SAMPLE) {
        ask_server(pids[i], i);
    }
    ask_server(pids[MILLION - 1], MILLION - 1);
    keel_inspect_runtime(&view);
    printf("a million processes: %zu bytes each, %zu stacks in use\n",
            (view.memory - memory) / MILLION, view.stacks);
    end_all(MILLION);
    CHECK_INT(processes_alive(&view), before);
}

TEST("a million processes are alive at once and answer", .timeout_s = 240)
{
    in_process_with(live_in_a_crowd, .patience_s = 200);
}

static void block_in_receive(keel_term number)
{
    char text[64];
    snprintf(text, sizeof text, "process number %lld", (long long)keel_to_int(number));
    keel_pid from;
    CHECK_OK(keel_receive_match(KEEL_NEVER, "{show, From}", &from));
    // What lay on the stack while it waited is still there.
    keel_send(from, keel_make("{Number, Text}", number, text));
}

static void block_many(void)
{
    keel_runtime_view view;
    size_t before = processes_alive(&view);
    for (int i = 0; i < BLOCKED; i++) {
        pids[i] = keel_spawn(block_in_receive, keel_int(i));
    }
    do {
        keel_yield();
        keel_inspect_runtime(&view);
    } while (view.stacks < BLOCKED);
    CHECK_INT(processes_alive(&view), before + BLOCKED);
    for (int i = 0; i < BLOCKED; i++) {
        keel_send(pids[i], keel_make("{show, Self}", keel_self()));
    }
    for (int i = 0; i < BLOCKED; i++) {
        keel_scope scope = keel_scope_open();
        keel_term text;
        int number;
        EXPECT_NEXT("{Number, Text}", &number, &text);
        CHECK_EQUAL(text, keel_format("process number %d", number));
        keel_scope_close(&scope);
    }
    end_all(BLOCKED);
    CHECK_INT(processes_alive(&view), before);
}

TEST("a hundred thousand processes block in receive on stacks of their own",
        .timeout_s = 240)
{
    in_process_with(block_many, .patience_s = 200);
}
