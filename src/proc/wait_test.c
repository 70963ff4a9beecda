// Waiting for descriptors and for blocking work.

#include "proc_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <keel/blocking.h>
#include <keel/io.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void make_pipe(int ends[2])
{
    CHECK_OK(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
}

static void close_both(const int ends[2])
{
    CHECK_OK(close(ends[0]));
    CHECK_OK(close(ends[1]));
}

// A process that waits for a descriptor and tells how that ended: {ready, Self, Status,
// Events}.
static void wait_and_tell(keel_term argument)
{
    keel_pid owner;
    int fd, events, ready = 0;
    CHECK_TERM(argument, "{Owner, Fd, Events}", &owner, &fd, &events);
    keel_status status = keel_wait_fd(fd, events, KEEL_NEVER, &ready);
    CHECK_OK(keel_send(owner,
            keel_make("{ready, Self, Status, Events}", keel_self(), (int)status, ready)));
}

static void await_waiting(keel_pid pid, keel_wait what)
{
    keel_process_view view;
    do {
        CHECK(keel_inspect_process(pid, &view));
        keel_yield();
    } while (view.state != KEEL_STATE_WAITING || view.wait != what);
}

static keel_pid new_waiter(int fd, int events)
{
    keel_pid pid = keel_spawn(
            wait_and_tell, keel_make("{Owner, Fd, Events}", keel_self(), fd, events));
    await_waiting(pid, KEEL_WAIT_DESCRIPTOR);
    return pid;
}

THREADS_TEST("a process waits for a pipe, others run meanwhile")
{
    int ends[2], events;
    make_pipe(ends);
    for (int i = 0; i < 20; i++) {
        keel_pid waiter = new_waiter(ends[0], KEEL_READABLE);
        CHECK_INT(write(ends[1], "x", 1), 1);
        EXPECT_MESSAGE("{ready, ^Waiter, 0, Events}", waiter, &events);
        CHECK((events & KEEL_READABLE) != 0);
        char byte;
        CHECK_INT(read(ends[0], &byte, 1), 1);
    }
    keel_pid waiter = new_waiter(ends[0], KEEL_READABLE);
    CHECK_OK(close(ends[1]));
    EXPECT_MESSAGE("{ready, ^Waiter, 0, Events}", waiter, &events);
    CHECK((events & KEEL_HUNGUP) != 0);
    CHECK_OK(close(ends[0]));
}

THREADS_TEST("a socket is waited for in both directions, by several at once")
{
    int pair[2], events = 0;
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
    CHECK_OK(keel_wait_fd(pair[0], KEEL_WRITABLE | KEEL_READABLE, SOON, &events));
    CHECK_INT(events, KEEL_WRITABLE);
    char block[4096] = {0};
    while (write(pair[0], block, sizeof block) > 0) {
        // until nothing more fits
    }
    CHECK_INT(errno, EAGAIN);
    keel_pid writer = new_waiter(pair[0], KEEL_WRITABLE);
    keel_pid readers[] = {
            new_waiter(pair[0], KEEL_READABLE), new_waiter(pair[0], KEEL_READABLE)};
    CHECK_INT(write(pair[1], "x", 1), 1);
    for (int i = 0; i < 2; i++) {
        EXPECT_MESSAGE("{ready, ^Reader, 0, Events}", readers[i], &events);
        CHECK_INT(events & (KEEL_READABLE | KEEL_WRITABLE), KEEL_READABLE);
    }
    EXPECT_NO_MESSAGE();
    while (read(pair[1], block, sizeof block) > 0) {
        // until it is empty
    }
    EXPECT_MESSAGE("{ready, ^Writer, 0, Events}", writer, &events);
    CHECK((events & KEEL_WRITABLE) != 0);
    close_both(pair);
}

THREADS_TEST("the wait for a descriptor ends at its deadline, not before")
{
    int ends[2], events = 77;
    make_pipe(ends);
    int64_t begin = keel_now();
    CHECK_INT(keel_wait_fd(ends[0], KEEL_READABLE, KEEL_IN(KEEL_MS(5)), &events),
            KEEL_E_TIMEOUT);
    keel_yield();
    CHECK(keel_now() - begin >= KEEL_MS(5));
    CHECK_INT(keel_wait_fd(ends[0], KEEL_READABLE, KEEL_AT_ONCE, &events), KEEL_E_TIMEOUT);
    CHECK_INT(events, 77);
    CHECK_INT(write(ends[1], "x", 1), 1);
    CHECK_OK(keel_wait_fd(ends[0], KEEL_READABLE, SOON, NULL));
    EXPECT_NO_MESSAGE();
    close_both(ends);
}

THREADS_TEST("a readiness and the deadline may meet")
{
    int ends[2];
    make_pipe(ends);
    for (int i = 0; i < 100; i++) {
        keel_pid writer = new_puppet();
        keel_status status = keel_wait_fd(
                ends[0], KEEL_READABLE, KEEL_IN(KEEL_US(i)), NULL);
        CHECK_INT(status, KEEL_E_TIMEOUT);
        CHECK_INT(write(ends[1], "x", 1), 1);
        status = keel_wait_fd(ends[0], KEEL_READABLE, KEEL_IN(KEEL_US(i)), NULL);
        CHECK(status == KEEL_OK || status == KEEL_E_TIMEOUT);
        char byte;
        CHECK_INT(read(ends[0], &byte, 1), 1);
        end_process(writer);
    }
    close_both(ends);
}

THREADS_TEST("a process that is killed while it waits stops watching")
{
    int ends[2], events;
    make_pipe(ends);
    for (int i = 0; i < 20; i++) {
        keel_pid waiter = new_waiter(ends[0], KEEL_READABLE);
        end_process(waiter);
    }
    keel_pid survivor = new_waiter(ends[0], KEEL_READABLE);
    end_process(new_waiter(ends[0], KEEL_READABLE));
    CHECK_INT(write(ends[1], "x", 1), 1);
    EXPECT_MESSAGE("{ready, ^Waiter, 0, Events}", survivor, &events);
    EXPECT_NO_MESSAGE();
    close_both(ends);
}

THREADS_TEST("what cannot be waited for is refused")
{
    int ends[2];
    make_pipe(ends);
    CHECK_INT(keel_wait_fd(-1, KEEL_READABLE, SOON, NULL), KEEL_E_BADARG);
    CHECK_INT(keel_wait_fd(ends[0], 0, SOON, NULL), KEEL_E_BADARG);
    CHECK_INT(keel_wait_fd(ends[0], KEEL_HUNGUP, SOON, NULL), KEEL_E_BADARG);
    FILE *file = tmpfile();
    CHECK(file);
    CHECK_INT(keel_wait_fd(fileno(file), KEEL_READABLE, SOON, NULL), -EPERM);
    CHECK_OK(fclose(file));
    close_both(ends);
    CHECK_INT(keel_wait_fd(ends[0], KEEL_READABLE, SOON, NULL), -EBADF);
}

// --- blocking work ---

// Shared by a job and its test, which outlives it.
static struct {
    sem_t started, go_on;
    int running, most, ended, released;
} job;

static int count_of(const int *counter)
{
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void await_count(const int *counter, int wanted)
{
    while (count_of(counter) != wanted) {
        keel_yield();
    }
}

static void job_init(void)
{
    CHECK_OK(sem_init(&job.started, 0, 0));
    CHECK_OK(sem_init(&job.go_on, 0, 0));
    job.running = job.most = job.ended = job.released = 0;
}

static void job_done(void)
{
    sem_destroy(&job.started);
    sem_destroy(&job.go_on);
}

static void wait_to_go_on(void *context)
{
    CHECK(context == &job);
    CHECK(!keel_in_process());
    int running = __atomic_add_fetch(&job.running, 1, __ATOMIC_ACQ_REL);
    int most = count_of(&job.most);
    while (running > most && !__atomic_compare_exchange_n(&job.most, &most, running, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        // `most` is what another thread has written
    }
    sem_post(&job.started);
    while (sem_wait(&job.go_on) != 0) {
        CHECK_INT(errno, EINTR);
    }
    __atomic_add_fetch(&job.running, -1, __ATOMIC_ACQ_REL);
    __atomic_add_fetch(&job.ended, 1, __ATOMIC_ACQ_REL);
}

static void released(void *context)
{
    CHECK(context == &job);
    __atomic_add_fetch(&job.released, 1, __ATOMIC_ACQ_REL);
}

static void block_and_tell(keel_term owner)
{
    keel_status status = keel_blocking(wait_to_go_on, &job, released, KEEL_NEVER);
    CHECK_OK(keel_send(owner, keel_make("{blocked, Status}", (int)status)));
}

static keel_pid new_blocker(void)
{
    keel_pid pid = keel_spawn(block_and_tell, keel_from_pid(keel_self()));
    await_waiting(pid, KEEL_WAIT_BLOCKING);
    return pid;
}

static void add_one(void *number)
{
    ++*(int *)number;
}

static void end_at_once(void *context)
{
    CHECK(context == &job);
    CHECK_INT(count_of(&job.released), 0);
    __atomic_add_fetch(&job.ended, 1, __ATOMIC_ACQ_REL);
}

PROCESS_TEST("blocking work is done while the process waits, and only then released")
{
    static int number; // nothing of the caller's stack, as the header says
    number = 0;
    for (int i = 1; i <= 20; i++) {
        CHECK_OK(keel_blocking(add_one, &number, NULL, SOON));
        CHECK_INT(number, i);
    }
    job_init();
    CHECK_OK(keel_blocking(end_at_once, &job, released, SOON));
    CHECK_INT(count_of(&job.ended), 1);
    await_count(&job.released, 1); // the pool lets go when it likes
    job_done();
    CHECK_INT(keel_blocking(NULL, &number, add_one, SOON), KEEL_E_BADARG);
    EXPECT_NO_MESSAGE();
}

THREADS_TEST("work that is not done at the deadline goes on, and is released once")
{
    job_init();
    CHECK_INT(keel_blocking(wait_to_go_on, &job, released, KEEL_IN(KEEL_MS(3))),
            KEEL_E_TIMEOUT);
    CHECK_INT(count_of(&job.ended), 0);
    CHECK_INT(count_of(&job.released), 0);
    sem_post(&job.go_on);
    await_count(&job.released, 1);
    CHECK_INT(count_of(&job.ended), 1);
    EXPECT_NO_MESSAGE();
    job_done();
}

THREADS_TEST("a process that is killed meanwhile does not end its work")
{
    job_init();
    for (int i = 1; i <= 10; i++) {
        keel_pid pid = new_blocker();
        CHECK_OK(sem_wait(&job.started));
        end_process(pid);
        CHECK_INT(count_of(&job.released), i - 1);
        sem_post(&job.go_on);
        await_count(&job.released, i);
        CHECK_INT(count_of(&job.ended), i);
    }
    EXPECT_NO_MESSAGE();
    job_done();
}

static void overload_pool(void)
{
    job_init();
    new_blocker(); // runs
    CHECK_OK(sem_wait(&job.started));
    keel_pid queued = new_blocker();
    CHECK_INT(keel_blocking(wait_to_go_on, &job, released, SOON), KEEL_E_OVERLOAD);
    CHECK_INT(count_of(&job.released), 1); // what was refused is released at once
    end_process(queued); // its work waits still, and will be done
    keel_runtime_view view;
    keel_inspect_runtime(&view);
    CHECK_INT(view.blocking_busy, 1);
    CHECK_INT(view.blocking_queue, 1);
    sem_post(&job.go_on);
    sem_post(&job.go_on);
    EXPECT_MESSAGE("{blocked, 0}");
    await_count(&job.released, 3);
    CHECK_INT(count_of(&job.ended), 2);
    EXPECT_NO_MESSAGE();
    job_done();
}

TEST("a full pool refuses work")
{
    in_process_with(overload_pool,
            .config = &(keel_config){
                    .workers = 2, .blocking_threads = 1, .blocking_queue = 1});
}

static void use_pool(void)
{
    enum { JOBS = 12, THREADS = 3 };
    job_init();
    for (int i = 0; i < JOBS; i++) {
        new_blocker();
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_OK(sem_wait(&job.started));
    }
    CHECK_INT(count_of(&job.running), THREADS);
    for (int i = 0; i < JOBS; i++) {
        sem_post(&job.go_on);
    }
    for (int i = 0; i < JOBS; i++) {
        EXPECT_MESSAGE("{blocked, 0}");
    }
    await_count(&job.released, JOBS);
    CHECK_INT(count_of(&job.most), THREADS);
    job_done();
}

TEST("the pool has as many threads as the configuration allows, and uses them")
{
    in_process_with(
            use_pool, .config = &(keel_config){.workers = 2, .blocking_threads = 3});
}
