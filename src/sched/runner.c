#include "runner.h"

#include "core.h"
#include "fault.h"
#include "fiber.h"
#include "stack.h"
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum {
    THREAD_STACK = 1 << 20, // musl would give 128 KiB; pages are taken when touched
    TIMER_SLACK_NS = 1000, // the kernel's default adds 50 us to every wait
    RUNNERS_MAX = KL_SCHED_THREADS_MAX,
};

struct kl_lock kl_hands;

static struct kl_runner *runners[RUNNERS_MAX];
static unsigned runner_count; // release by who adds, acquire by who reads
static struct kl_runner *spares; // under kl_hands
static unsigned spares_idle;

static void *run(void *argument);
static bool wait_for_worker(struct kl_runner *runner);

unsigned kl_runner_count(void)
{
    return kl_load_acquire(&runner_count);
}

int kl_sched_thread(void)
{
    const struct kl_runner *runner = kl_runner_self();
    return runner ? (int)runner->number : -1;
}

struct kl_runner *kl_runner_at(unsigned number)
{
    return runners[number];
}

static struct kl_runner *new_runner(void)
{
    struct kl_runner *runner = mmap(NULL, sizeof *runner, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (runner == MAP_FAILED) {
        return NULL;
    }
    runner->random = kl_clock_entropy();
    return runner;
}

struct kl_runner *kl_runner_start(struct kl_worker *worker)
{
    unsigned number = kl_runner_count();
    if (number == RUNNERS_MAX) {
        errno = EAGAIN;
        return NULL;
    }
    struct kl_runner *runner = new_runner();
    if (!runner) {
        return NULL;
    }
    runner->number = number;
    if (worker) {
        runner->worker = worker;
        runner->assigned = 1;
        worker->driver = runner;
    }
    char name[16];
    snprintf(name, sizeof name, worker ? "keel/%u" : "keel/spare%u", number);
    int error = kl_runner_thread(&runner->thread, name, run, runner);
    if (error) {
        munmap(runner, sizeof *runner);
        errno = error;
        return NULL;
    }
    runners[number] = runner;
    // Release: the watcher reads the count, then the entry.
    kl_store_release(&runner_count, number + 1);
    return runner;
}

void kl_runner_assign(struct kl_runner *spare, struct kl_worker *worker)
{
    spare->worker = worker;
    worker->driver = spare;
    // Release: pairs with the acquire in wait_for_worker().
    kl_store_release(&spare->assigned, 1);
    kl_futex_wake(&spare->assigned, 1);
}

struct kl_runner *kl_runner_take_spare(void)
{
    struct kl_runner *spare = spares;
    if (spare) {
        spares = spare->next_spare;
        spares_idle--;
    }
    return spare;
}

void kl_runner_put_spare(struct kl_runner *runner)
{
    runner->next_spare = spares;
    spares = runner;
    spares_idle++;
}

unsigned kl_runner_spares_idle(void)
{
    kl_lock_take(&kl_hands);
    unsigned idle = spares_idle;
    kl_lock_give(&kl_hands);
    return idle;
}

void kl_runner_join_all(void)
{
    unsigned count = kl_runner_count();
    for (unsigned i = 0; i < count; i++) {
        kl_store_release(&runners[i]->assigned, 1); // to see that the runtime is stopping
        kl_futex_wake(&runners[i]->assigned, 1);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(runners[i]->thread, NULL);
    }
    kl_lock_take(&kl_hands); // somebody may be asking for figures
    kl_store_release(&runner_count, 0);
    for (unsigned i = 0; i < count; i++) {
        munmap(runners[i], sizeof *runners[i]);
        runners[i] = NULL;
    }
    for (unsigned i = 0; i < kl_core.workers; i++) {
        kl_core.worker[i]->driver = NULL;
    }
    spares = NULL;
    spares_idle = 0;
    kl_lock_give(&kl_hands);
}

struct kl_runner *kl_runner_new_host(void)
{
    struct kl_runner *runner = new_runner();
    if (runner) {
        runner->hosted = true;
        runner->number = 0;
        runners[0] = runner;
        kl_store_release(&runner_count, 1);
    }
    return runner;
}

void kl_runner_free_host(struct kl_runner *runner)
{
    kl_stack_flush(runner);
    kl_lock_take(&kl_hands);
    kl_store_release(&runner_count, 0);
    runners[0] = NULL;
    runner->worker->driver = NULL;
    munmap(runner, sizeof *runner);
    kl_lock_give(&kl_hands);
}

struct thread_start {
    void *(*body)(void *);
    void *argument;
    char name[16];
};

static void *begin_thread(void *argument)
{
    struct thread_start start = *(struct thread_start *)argument;
    kl_free(argument, sizeof start);
    prctl(PR_SET_NAME, start.name);
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
    return start.body(start.argument);
}

int kl_runner_thread(
        pthread_t *ret_thread, const char *name, void *(*body)(void *), void *argument)
{
    struct thread_start *start = kl_alloc(sizeof *start);
    if (!start) {
        return ENOMEM;
    }
    *start = (struct thread_start){.body = body, .argument = argument};
    snprintf(start->name, sizeof start->name, "%s", name);

    // The host's signals are the host's threads' business. The fault signals stay open: a
    // blocked one kills the program without a word.
    sigset_t blocked, before;
    sigfillset(&blocked);
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        sigdelset(&blocked, faults[i]);
    }
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (!error) {
        pthread_attr_setstacksize(&attributes, THREAD_STACK);
        pthread_sigmask(SIG_SETMASK, &blocked, &before);
        error = pthread_create(ret_thread, &attributes, begin_thread, start);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
    }
    if (error) {
        kl_free(start, sizeof *start);
    }
    return error;
}

// A runner's thread: drives the worker it is given, and waits for the next when it has
// lost that one.
static void *run(void *argument)
{
    struct kl_runner *runner = argument;
    kl_runner_set_self(runner);
    kl_store_release(&runner->tid, gettid()); // the watcher reads it
    if (kl_core.config.catch_faults && kl_fault_attach(runner) != KEEL_OK) {
        kl_log(KL_LOG_WARNING,
                "no memory for a signal stack: a fault on this thread stops the node");
    }
    while (wait_for_worker(runner)) {
        kl_worker_loop(runner);
    }
    kl_stack_flush(runner);
    kl_fault_detach(runner);
    kl_runner_set_self(NULL);
    return NULL;
}

static bool wait_for_worker(struct kl_runner *runner)
{
    // Acquire: pairs with the release of kl_runner_assign(), after which `worker` and all
    // that its last driver did are ours to see.
    while (!kl_load_acquire(&runner->assigned) && !kl_core_stopping()) {
        kl_futex_wait(&runner->assigned, 0, -1);
    }
    kl_store_relaxed(&runner->assigned, 0);
    return !kl_core_stopping() && runner->worker != NULL;
}
