// Looking at processes, workers, stacks and the runtime while they run.

#include "proc_testing.h"

#include "process.h"

#include <keel/blocking.h>
#include <keel/io.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static keel_process_view view_of(keel_pid pid)
{
    keel_process_view view;
    CHECK(keel_inspect_process(pid, &view));
    return view;
}

static keel_process_view await_wait(keel_pid pid, keel_wait what)
{
    keel_process_view view;
    do {
        keel_yield();
        view = view_of(pid);
    } while (view.state != KEEL_STATE_WAITING || view.wait != what);
    return view;
}

PROCESS_TEST("a view tells who a process is and what it does")
{
    keel_spawn_opts opts = {.name = keel_atom(inspect_test_name)};
    keel_pid pid;
    CHECK_OK(keel_spawn_opt(puppet, KEEL_NONE, &opts, &pid, NULL));
    ask(pid, act_trap_exit, keel_bool(true));
    for (int i = 0; i < 5; i++) {
        CHECK_OK(keel_send(pid, keel_int(i)));
    }
    info_of(pid, keel_atom(message_queue_len));
    keel_process_view view = await_wait(pid, KEEL_WAIT_MESSAGE);
    CHECK(same_pid(view.pid, pid));
    CHECK(same_pid(view.parent, keel_self()));
    CHECK_TERM(view.name, "inspect_test_name");
    CHECK_STR(view.entry, "puppet");
    CHECK(no_pid(view.waiting_for));
    CHECK(view.waiting_since != 0 && view.waiting_since <= keel_now());
    CHECK_INT(view.queue, 5);
    CHECK_INT(view.messages_in, 1);
    CHECK(view.reductions >= 1);
    CHECK(view.stack > 0 && view.memory > view.stack);
    CHECK_INT(view.dropped, 0);
    CHECK(view.trap_exit);
    view = view_of(keel_self());
    CHECK_INT(view.state, KEEL_STATE_RUNNING);
    CHECK_INT(view.wait, KEEL_WAIT_NOTHING);
    CHECK_INT(view.waiting_since, 0);
    CHECK(keel_is_none(view.name));
    CHECK(!view.trap_exit);
    end_process(pid);
    CHECK(!keel_inspect_process(pid, &view));
    CHECK(!keel_inspect_process((keel_pid){0}, &view));
    CHECK(!keel_inspect_process(keel_self(), NULL));
}

static keel_next start_handler(void *state, keel_term unused)
{
    (void)state, (void)unused;
    return keel_next_wait();
}

static keel_next receive_nothing(void *state, const keel_message *message)
{
    (void)state, (void)message;
    return keel_next_wait();
}

static const keel_handler idle = {
        .name = "idle:init/1", .start = start_handler, .receive = receive_nothing};

PROCESS_TEST("a handler between messages holds no stack")
{
    keel_pid pid;
    CHECK_OK(keel_gen_start(&idle, KEEL_NONE, NULL, SOON, &pid, NULL, NULL));
    keel_process_view view = await_wait(pid, KEEL_WAIT_MESSAGE);
    CHECK_STR(view.entry, "idle:init/1");
    CHECK_INT(view.stack, 0);
    CHECK(view.memory < 4096);
    char text[200] = "untouched";
    CHECK_INT(keel_inspect_stack(pid, text, sizeof text), 0);
    CHECK_STR(text, "");
    end_process(pid);
    keel_spawn_opts opts = {.entry = "given by the spawn"};
    CHECK_OK(keel_spawn_opt(wait_forever, KEEL_NONE, &opts, &pid, NULL));
    CHECK_STR(view_of(pid).entry, "given by the spawn");
    end_process(pid);
}

// --- what a process waits for ---

static keel_term act_call(keel_term server)
{
    keel_term reply;
    keel_status status = keel_gen_call(server, keel_atom(x), KEEL_NEVER, &reply);
    return keel_int(status);
}

static keel_term act_sleep(keel_term unused)
{
    keel_sleep(KEEL_MINUTES(60));
    return unused;
}

static keel_term act_start(keel_term unused)
{
    keel_term ack;
    return keel_int(
            keel_start_body(wait_forever, unused, NULL, KEEL_NEVER, NULL, NULL, &ack));
}

PROCESS_TEST("a view says what a process waits for, and for whom")
{
    keel_pid server, caller = new_puppet(), sleeper = new_puppet(), starter = new_puppet();
    CHECK_OK(keel_gen_start(&idle, KEEL_NONE, NULL, SOON, &server, NULL, NULL));
    tell(caller, act_call, keel_from_pid(server));
    CHECK(same_pid(await_wait(caller, KEEL_WAIT_REPLY).waiting_for, server));
    tell(sleeper, act_sleep, keel_nil());
    CHECK(no_pid(await_wait(sleeper, KEEL_WAIT_SLEEP).waiting_for));
    tell(starter, act_start, keel_nil());
    keel_pid child = await_wait(starter, KEEL_WAIT_START).waiting_for;
    CHECK(same_pid(view_of(child).parent, starter));
    CHECK_OK(keel_process_suspend(server));
    while (view_of(server).state != KEEL_STATE_SUSPENDED) {
        keel_yield();
    }
    CHECK_OK(keel_process_resume(server));
    keel_pid all[] = {server, caller, sleeper, starter, child};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        end_process(all[i]);
    }
}

static int ends[2];
static sem_t blocked;

static void wait_for_post(void *unused)
{
    (void)unused;
    while (sem_wait(&blocked) != 0) {
        // interrupted
    }
}

static keel_term act_wait_fd(keel_term unused)
{
    CHECK_OK(keel_wait_fd(ends[0], KEEL_READABLE, KEEL_NEVER, NULL));
    return unused;
}

static keel_term act_block(keel_term unused)
{
    CHECK_OK(keel_blocking(wait_for_post, NULL, NULL, KEEL_NEVER));
    return unused;
}

THREADS_TEST("a view tells of waits for descriptors and for the blocking pool")
{
    CHECK_OK(pipe(ends));
    CHECK_OK(sem_init(&blocked, 0, 0));
    keel_pid watcher = new_puppet(), blocker = new_puppet();
    tell(watcher, act_wait_fd, keel_nil());
    tell(blocker, act_block, keel_nil());
    await_wait(watcher, KEEL_WAIT_DESCRIPTOR);
    await_wait(blocker, KEEL_WAIT_BLOCKING);
    keel_runtime_view view;
    do {
        keel_inspect_runtime(&view);
    } while (view.blocking_busy != 1 || view.blocking_queue != 0);
    CHECK_INT(write(ends[1], "x", 1), 1);
    sem_post(&blocked);
    await_wait(watcher, KEEL_WAIT_MESSAGE);
    await_wait(blocker, KEEL_WAIT_MESSAGE);
    end_process(watcher);
    end_process(blocker);
    CHECK_OK(close(ends[0]));
    CHECK_OK(close(ends[1]));
    sem_destroy(&blocked);
}

// --- stacks ---

__attribute__((noinline)) static void wait_deep_inside(void)
{
    keel_receive();
    __asm__ volatile(""); // or the call would be a jump, and this frame not on the stack
}

static void wait_inside(keel_term unused)
{
    (void)unused;
    wait_deep_inside();
    __asm__ volatile("");
}

PROCESS_TEST("the stack of a process that waits can be read, innermost first")
{
    keel_pid pid = keel_spawn(wait_inside, KEEL_NONE);
    await_wait(pid, KEEL_WAIT_MESSAGE);
    char text[4000];
    size_t length = keel_inspect_stack(pid, text, sizeof text);
    CHECK_INT(strlen(text), length);
    uintptr_t pc, frame;
    if (kl_stack_parked(
                kl_process_find(pid)->stack, &pc, &frame)) { // not every switch tells
        const char *inner = strstr(text, "wait_deep_inside");
        const char *outer = strstr(text, "wait_inside");
        CHECK(inner && outer && inner < outer);
    }
    char brief[20];
    CHECK(keel_inspect_stack(pid, brief, sizeof brief) < sizeof brief);
    CHECK_INT(strlen(brief), length < 19 ? length : 19);
    CHECK(keel_inspect_stack(keel_self(), text, sizeof text) > 0);
    end_process(pid);
    CHECK_INT(keel_inspect_stack(pid, text, sizeof text), 0);
    CHECK_INT(keel_inspect_stack(keel_self(), NULL, 10), 0);
    CHECK_INT(keel_inspect_stack(keel_self(), text, 0), 0);
}

__attribute__((noinline)) static void use_stack(keel_term unused)
{
    (void)unused;
    volatile char large[20000];
    for (size_t i = 0; i < sizeof large; i += 100) {
        large[i] = 1;
    }
}

PROCESS_TEST("the census knows how deep the stacks of each kind of process were")
{
    for (int i = 0; i < 300; i++) {
        keel_ref monitor;
        keel_spawn_monitor(use_stack, KEEL_NONE, &monitor);
        CHECK_TERM(await_down(monitor), "normal");
    }
    keel_stack_view views[64];
    size_t count = keel_inspect_stacks(views, 64);
    CHECK(count > 0);
    CHECK_INT(keel_inspect_stacks(NULL, 0), count);
    bool found = false;
    for (size_t i = 0; i < count && i < 64; i++) {
        CHECK(i == 0 || views[i - 1].deepest_bytes >= views[i].deepest_bytes);
        if (strcmp(views[i].entry, "use_stack") == 0) {
            found = true;
            CHECK(views[i].uses > 0 && views[i].deepest_bytes >= 20000);
        }
    }
    CHECK(found);
}

// --- all of them, workers, the runtime ---

struct visits {
    keel_pid wanted[10];
    int seen[10];
    size_t count, limit;
};

static bool note_visit(const keel_process_view *view, void *context)
{
    struct visits *visits = context;
    visits->count++;
    for (int i = 0; i < 10; i++) {
        visits->seen[i] += same_pid(view->pid, visits->wanted[i]);
    }
    return visits->count < visits->limit;
}

PROCESS_TEST("each process that lives throughout is visited once, until the visitor stops")
{
    struct visits visits = {.limit = SIZE_MAX};
    for (int i = 0; i < 10; i++) {
        visits.wanted[i] = new_puppet();
    }
    keel_inspect_each(note_visit, &visits);
    CHECK_INT(visits.count, process_count());
    for (int i = 0; i < 10; i++) {
        CHECK_INT(visits.seen[i], 1);
    }
    visits.count = 0;
    visits.limit = 3;
    keel_inspect_each(note_visit, &visits);
    CHECK_INT(visits.count, 3);
    keel_inspect_each(NULL, NULL);
    for (int i = 0; i < 10; i++) {
        end_process(visits.wanted[i]);
    }
}

PROCESS_TEST("the runtime counts processes, spawns and timers")
{
    keel_runtime_view before, after;
    keel_inspect_runtime(&before);
    keel_pid pid = new_puppet();
    keel_ref timer = keel_send_after(KEEL_MINUTES(1), keel_self(), keel_atom(x));
    keel_inspect_runtime(&after);
    CHECK_INT(after.processes, before.processes + 1);
    CHECK_INT(after.processes, process_count());
    CHECK_INT(after.spawned, before.spawned + 1);
    CHECK_INT(after.timers, before.timers + 1);
    CHECK(after.atoms > 0 && after.atoms_max >= after.atoms);
    CHECK(after.processes_max >= 16);
    CHECK(after.stacks > 0 && after.stack_bytes > 0 && after.memory > 0);
    CHECK(keel_cancel_timer(timer, NULL));
    end_process(pid);
    keel_inspect_runtime(NULL);
}

THREADS_TEST("each worker tells what it does")
{
    keel_worker_view view;
    bool mine = false;
    uint64_t turns = 0;
    for (unsigned i = 0; i < 2; i++) {
        CHECK(keel_inspect_worker(i, &view));
        turns += view.turns;
        mine = mine || same_pid(view.running, keel_self());
    }
    CHECK(turns > 0);
    CHECK(mine);
    CHECK(!keel_inspect_worker(2, &view));
    CHECK(!keel_inspect_worker(0, NULL));
}

static int enough;

static void *look_often(void *unused)
{
    char text[500];
    struct visits visits = {.limit = SIZE_MAX};
    do {
        keel_inspect_each(note_visit, &visits);
        keel_pid pid = keel_whereis("inspect_test_busy");
        keel_process_view view;
        if (!no_pid(pid) && keel_inspect_process(pid, &view)) {
            CHECK(same_pid(view.pid, pid));
            keel_inspect_stack(pid, text, sizeof text);
        }
    } while (__atomic_load_n(&enough, __ATOMIC_ACQUIRE) == 0);
    CHECK(visits.count > 0);
    return unused;
}

THREADS_TEST("another thread may look while processes come and go")
{
    __atomic_store_n(&enough, 0, __ATOMIC_RELEASE);
    pthread_t thread;
    CHECK_OK(pthread_create(&thread, NULL, look_often, NULL));
    for (int i = 0; i < 300; i++) {
        keel_pid pid = new_puppet();
        CHECK_OK(keel_register(keel_atom(inspect_test_busy), pid));
        ask(pid, act_nothing, keel_nil());
        end_process(pid);
    }
    __atomic_store_n(&enough, 1, __ATOMIC_RELEASE);
    CHECK_OK(pthread_join(thread, NULL));
}

PROCESS_TEST("a pid is found by what it is printed as")
{
    keel_pid pid = new_puppet();
    char text[64];
    snprintf(text, sizeof text, "%s", keel_show(keel_from_pid(pid)));
    CHECK(same_pid(keel_inspect_pid(text), pid));
    text[strlen(text) - 1] = '\0';
    static const char *const wrong[] = {"", "<0.1.", "0.1.1", "<0.4294967295.1>",
            "<0.99999999999999999999.1>", "<0. 1.1>", "<1.2.3>", "pid"};
    CHECK(no_pid(keel_inspect_pid(text)));
    for (size_t i = 0; i < KEEL_COUNT(wrong); i++) {
        CHECK(no_pid(keel_inspect_pid(wrong[i])));
    }
    CHECK(no_pid(keel_inspect_pid(NULL)));
    snprintf(text, sizeof text, "%s.", keel_show(keel_from_pid(pid)));
    CHECK(no_pid(keel_inspect_pid(text)));
    snprintf(text, sizeof text, "%s", keel_show(keel_from_pid(pid)));
    end_process(pid);
    CHECK(no_pid(keel_inspect_pid(text)));
}
