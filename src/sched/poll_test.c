#include "poll.h"

#include "fence.h"
#include "sched_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct waiter {
    struct kl_watch watch;
    struct signal_count ready;
    int worker;
};

static void note(struct kl_watch *watch)
{
    struct waiter *waiter = (struct waiter *)watch;
    waiter->worker = kl_worker_current();
    signal_add(&waiter->ready);
}

static keel_status wait_for(struct waiter *waiter, int fd, uint32_t events)
{
    waiter->watch.fd = fd;
    waiter->watch.events = events;
    waiter->watch.ready = note;
    return kl_poll_watch(&waiter->watch);
}

static void open_pair(int ends[2])
{
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static void close_pair(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

TEST("a watch is told once when its descriptor is ready, on a worker")
{
    int ends[2];
    open_pair(ends);
    start_workers(2);
    struct waiter reader = {0};
    for (uint32_t round = 1; round <= 100; round++) {
        CHECK_OK(wait_for(&reader, ends[0], KL_POLL_IN));
        CHECK_INT(write(ends[1], "abc", 3), 3);
        signal_wait(&reader.ready, round);
        CHECK_INT(reader.watch.revents, KL_POLL_IN);
        CHECK(reader.worker >= 0);
        CHECK(!kl_poll_cancel(&reader.watch));
        char text[8];
        CHECK_INT(read(ends[0], text, sizeof text), 3);
    }
    kl_sched_stop();
    CHECK_INT(signal_get(&reader.ready), 100);
    close_pair(ends);
}

TEST("a descriptor that is ready already is told at once")
{
    int ends[2];
    open_pair(ends);
    start_workers(1);
    struct waiter writer = {0};
    for (uint32_t round = 1; round <= 3; round++) {
        CHECK_OK(wait_for(&writer, ends[0], KL_POLL_OUT));
        signal_wait(&writer.ready, round);
        CHECK_INT(writer.watch.revents, KL_POLL_OUT);
    }
    kl_sched_stop();
    close_pair(ends);
}

TEST("reading and writing of one descriptor can be waited for at once")
{
    int ends[2];
    open_pair(ends);
    start_workers(1);
    // Filled up, so that it cannot be written.
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    static char block[65536];
    while (write(ends[0], block, sizeof block) > 0) {}
    struct waiter reader = {0}, second_reader = {0}, writer = {0};
    CHECK_OK(wait_for(&writer, ends[0], KL_POLL_OUT));
    CHECK_OK(wait_for(&reader, ends[0], KL_POLL_IN));
    CHECK_OK(wait_for(&second_reader, ends[0], KL_POLL_IN));
    CHECK_INT(write(ends[1], "x", 1), 1);
    signal_wait(&reader.ready, 1);
    signal_wait(&second_reader.ready, 1);
    CHECK_INT(signal_get(&writer.ready), 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (read(ends[1], block, sizeof block) > 0) {}
    signal_wait(&writer.ready, 1);
    CHECK_INT(writer.watch.revents, KL_POLL_OUT);
    kl_sched_stop();
    close_pair(ends);
}

TEST("the other end's going is told to all who wait")
{
    int ends[2];
    open_pair(ends);
    start_workers(2);
    struct waiter first = {0}, second = {0};
    CHECK_OK(wait_for(&first, ends[0], KL_POLL_IN));
    CHECK_OK(wait_for(&second, ends[0], KL_POLL_IN));
    close(ends[1]);
    signal_wait(&first.ready, 1);
    signal_wait(&second.ready, 1);
    CHECK(first.watch.revents & KL_POLL_HANGUP);
    CHECK(second.watch.revents & KL_POLL_HANGUP);
    kl_sched_stop();
    close(ends[0]);
}

TEST("a cancelled watch is not told, and others of the descriptor still are")
{
    int ends[2];
    open_pair(ends);
    start_workers(1);
    struct waiter cancelled = {0}, kept = {0};
    CHECK(!kl_poll_cancel(&cancelled.watch)); // never opened
    CHECK_OK(wait_for(&cancelled, ends[0], KL_POLL_IN));
    CHECK_OK(wait_for(&kept, ends[0], KL_POLL_IN));
    CHECK(kl_poll_cancel(&cancelled.watch));
    CHECK(!kl_poll_cancel(&cancelled.watch));
    CHECK_INT(write(ends[1], "x", 1), 1);
    signal_wait(&kept.ready, 1);
    CHECK_INT(signal_get(&cancelled.ready), 0);
    CHECK(!kl_poll_wanted());
    kl_sched_stop();
    close_pair(ends);
}

TEST("what cannot be watched is refused")
{
    start_workers(1);
    struct waiter waiter = {0};
    FILE *file = tmpfile();
    CHECK_INT(wait_for(&waiter, fileno(file), KL_POLL_IN), -EPERM);
    CHECK_INT(wait_for(&waiter, -1, KL_POLL_IN), -EBADF);
    CHECK_INT(wait_for(&waiter, 100000, KL_POLL_IN), -EBADF);
    CHECK(!kl_poll_cancel(&waiter.watch));
    CHECK(!kl_poll_wanted());
    kl_sched_stop();
    fclose(file);
    CHECK_INT(wait_for(&waiter, 0, KL_POLL_IN), KEEL_E_STOPPED);
}

TEST("who waits for a descriptor that was closed hears of it when its number is used again")
{
    start_workers(1);
    int old[2], fresh[2];
    open_pair(old);
    struct waiter forgotten = {0}, reader = {0};
    CHECK_OK(wait_for(&forgotten, old[0], KL_POLL_IN));
    close_pair(old);
    open_pair(fresh);
    CHECK_INT(fresh[0], old[0]);
    CHECK_OK(wait_for(&reader, fresh[0], KL_POLL_IN));
    signal_wait(&forgotten.ready, 1);
    CHECK_INT(forgotten.watch.revents, KL_POLL_ERROR | KL_POLL_HANGUP);
    CHECK_INT(write(fresh[1], "x", 1), 1);
    signal_wait(&reader.ready, 1);
    CHECK_INT(reader.watch.revents, KL_POLL_IN);
    kl_sched_stop();
    close_pair(fresh);
}

TEST("a number whose new file cannot be watched keeps nobody waiting")
{
    start_workers(1);
    int old[2];
    open_pair(old);
    struct waiter forgotten[2] = {0}, refused = {0}, reader = {0};
    CHECK_OK(wait_for(&forgotten[0], old[0], KL_POLL_IN));
    CHECK_OK(wait_for(&forgotten[1], old[0], KL_POLL_IN));
    FILE *file = tmpfile();
    CHECK_INT(dup2(fileno(file), old[0]), old[0]);
    close(old[1]);
    CHECK_INT(wait_for(&refused, old[0], KL_POLL_IN), -EPERM);
    for (int i = 0; i < 2; i++) {
        signal_wait(&forgotten[i].ready, 1);
        CHECK_INT(forgotten[i].watch.revents, KL_POLL_ERROR | KL_POLL_HANGUP);
    }
    CHECK(!kl_poll_cancel(&refused.watch));
    CHECK(!kl_poll_wanted());
    int fresh[2];
    open_pair(fresh);
    CHECK_INT(dup2(fresh[0], old[0]), old[0]);
    CHECK_OK(wait_for(&reader, old[0], KL_POLL_IN));
    CHECK_INT(write(fresh[1], "x", 1), 1);
    signal_wait(&reader.ready, 1);
    CHECK_INT(signal_get(&refused.ready), 0);
    kl_sched_stop();
    close(old[0]);
    close_pair(fresh);
    fclose(file);
}

TEST("who waits for a closed number of an open file is told when the file is ready for "
     "others")
{
    start_workers(1);
    int ends[2];
    open_pair(ends);
    int number = dup(ends[0]);
    static char block[65536];
    fcntl(number, F_SETFL, O_NONBLOCK);
    while (write(number, block, sizeof block) > 0) {}
    struct waiter reader = {0}, writer = {0};
    CHECK_OK(wait_for(&writer, number, KL_POLL_OUT));
    CHECK_OK(wait_for(&reader, number, KL_POLL_IN));
    close(number);
    CHECK_INT(write(ends[1], "x", 1), 1);
    signal_wait(&reader.ready, 1);
    CHECK_INT(reader.watch.revents, KL_POLL_IN);
    signal_wait(&writer.ready, 1);
    CHECK_INT(writer.watch.revents, KL_POLL_ERROR | KL_POLL_HANGUP);
    CHECK(!kl_poll_wanted());
    kl_sched_stop();
    close_pair(ends);
}

static void keep_busy(struct kl_task *task)
{
    kl_sched_wake(task);
}

TEST("busy workers look after descriptors too")
{
    int ends[2];
    open_pair(ends);
    start_workers(1);
    struct kl_task busy = {.run = keep_busy, .priority = KL_PRIORITY_NORMAL};
    kl_sched_wake(&busy);
    struct waiter reader = {0};
    for (uint32_t round = 1; round <= 10; round++) {
        CHECK_OK(wait_for(&reader, ends[0], KL_POLL_IN));
        CHECK_INT(write(ends[1], "x", 1), 1);
        signal_wait(&reader.ready, round);
        char text[8];
        CHECK_INT(read(ends[0], text, sizeof text), 1);
    }
    kl_sched_stop();
    close_pair(ends);
}

static uint32_t cancels;

static void *cancel_it(void *argument)
{
    struct waiter *waiter = argument;
    if (kl_poll_cancel(&waiter->watch)) {
        kl_add_relaxed(&cancels, 1);
        signal_add(&waiter->ready);
    }
    return NULL;
}

TEST("a watch is either told or cancelled, never both")
{
    int ends[2];
    open_pair(ends);
    start_workers(2);
    struct waiter reader = {0};
    for (uint32_t round = 1; round <= 300; round++) {
        CHECK_OK(wait_for(&reader, ends[0], KL_POLL_IN));
        pthread_t thread = start_thread(cancel_it, &reader);
        CHECK_INT(write(ends[1], "x", 1), 1);
        pthread_join(thread, NULL);
        signal_wait(&reader.ready, round);
        CHECK_INT(signal_get(&reader.ready), round);
        char text[8];
        CHECK_INT(read(ends[0], text, sizeof text), 1);
    }
    kl_sched_stop();
    close_pair(ends);
}

TEST("what became ready for a cancelled watch is not told to the next one")
{
    int ends[2];
    open_pair(ends);
    start_workers(2);
    struct waiter first = {0}, second = {0};
    uint32_t told = 0;
    for (uint32_t round = 1; round <= 3000; round++) {
        CHECK_OK(wait_for(&first, ends[0], KL_POLL_IN));
        CHECK_INT(write(ends[1], "x", 1), 1);
        // The poller has the event in its hands now and then when the watch is cancelled.
        for (uint32_t pause = round % 64; pause > 0; pause--) {
            kl_fence_full();
        }
        if (!kl_poll_cancel(&first.watch)) {
            signal_wait(&first.ready, ++told);
        }
        char byte;
        CHECK_INT(read(ends[0], &byte, 1), 1);
        // Nothing is there to be read until the second one, too, was cancelled.
        CHECK_OK(wait_for(&second, ends[0], KL_POLL_IN));
        sched_yield();
        CHECK(kl_poll_cancel(&second.watch));
    }
    kl_sched_stop();
    CHECK_INT(signal_get(&second.ready), 0);
    close_pair(ends);
}

enum { PAIRS = 300 };

static void pass_on(struct kl_watch *watch)
{
    struct waiter *waiter = (struct waiter *)watch;
    char byte;
    CHECK_INT(read(watch->fd, &byte, 1), 1);
    if (byte > 0) {
        byte--;
        CHECK_INT(write(watch->fd, &byte, 1), 1);
    }
    signal_add(&waiter->ready);
    if (byte > 1) {
        CHECK_OK(kl_poll_watch(watch));
    }
}

TEST("many descriptors are watched at once")
{
    static int ends[PAIRS][2];
    static struct waiter waiters[PAIRS][2];
    start_workers(2);
    for (int i = 0; i < PAIRS; i++) {
        open_pair(ends[i]);
        for (int k = 0; k < 2; k++) {
            waiters[i][k].watch = (struct kl_watch){
                    .fd = ends[i][k], .events = KL_POLL_IN, .ready = pass_on};
            CHECK_OK(kl_poll_watch(&waiters[i][k].watch));
        }
        char hops = 20;
        CHECK_INT(write(ends[i][0], &hops, 1), 1);
    }
    for (int i = 0; i < PAIRS; i++) {
        signal_wait(&waiters[i][0].ready, 10);
        signal_wait(&waiters[i][1].ready, 10);
    }
    kl_sched_stop();
    for (int i = 0; i < PAIRS; i++) {
        close_pair(ends[i]);
    }
}

// One hop of a game of one byte, as long as the other side plays.
static void answer(struct kl_watch *watch)
{
    char byte;
    CHECK_INT(read(watch->fd, &byte, 1), 1);
    CHECK_OK(kl_poll_watch(watch));
    CHECK_INT(write(watch->fd, &byte, 1), 1);
}

TEST("who asks again and again is answered, whether the worker looks or sleeps meanwhile")
{
    int ends[2];
    open_pair(ends);
    start_workers(2);
    struct kl_watch watch = {.fd = ends[0], .events = KL_POLL_IN, .ready = answer};
    CHECK_OK(kl_poll_watch(&watch));
    // The questions come at once, so that looking pays, and now and then late.
    for (int i = 0; i < 3000; i++) {
        char byte = (char)(i & 127), back = -1;
        for (int pause = i % 100 == 0 ? 2000 : 0; pause > 0; pause--) {
            sched_yield();
        }
        CHECK_INT(write(ends[1], &byte, 1), 1);
        CHECK_INT(read(ends[1], &back, 1), 1);
        CHECK_INT(back, byte);
    }
    kl_sched_stop();
    close_pair(ends);
}
