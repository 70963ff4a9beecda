// Waiting for descriptors and for blocking work.

#include "proc.h"
#include "process.h"
#include <errno.h>
#include <keel/blocking.h>
#include <keel/io.h>

// Shared by the process that waits and whoever finishes, since either may be gone first.
struct pending {
    uint32_t refs;
    uint32_t done;
    keel_pid pid;
    struct kl_watch watch;
    struct kl_job job;
    void (*fn)(void *context);
    void (*release)(void *context);
    void *context;
};

static void pending_unref(struct pending *pending)
{
    if (kl_add_acq_rel(&pending->refs, (uint32_t)-1) == 1) {
        if (pending->release != NULL) {
            pending->release(pending->context);
        }
        kl_pool_free(pending, sizeof *pending);
    }
}

static void pending_deferred(void *pending)
{
    pending_unref(pending);
}

static struct pending *pending_new(struct kl_process *self)
{
    struct pending *pending = kl_pool_alloc(sizeof *pending);
    if (pending == NULL) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    *pending = (struct pending){.refs = 2, .pid = kl_process_pid(self)};
    keel_defer(pending_deferred, pending); // a killed process lets go of it too
    return pending;
}

static void finished(struct pending *pending)
{
    kl_store_release(&pending->done, 1); // pairs with the acquire in await
    kl_wake(pending->pid);
    pending_unref(pending);
}

static bool await(struct kl_process *self, struct pending *pending, enum keel_wait what,
        int64_t deadline)
{
    while (kl_load_acquire(&pending->done) == 0) {
        if (!kl_wait(self, what, &deadline)) {
            return kl_load_acquire(&pending->done) != 0;
        }
    }
    return true;
}

static void let_go(struct pending *pending)
{
    keel_undefer(pending_deferred, pending);
    pending_unref(pending);
}

// --- anything ---

bool kl_wait_until(bool (*ready)(void *context), void *context, int64_t deadline)
{
    struct kl_process *self = kl_process_current();
    bool late = false;
    while (!ready(context)) {
        if (late || self == NULL) {
            return false;
        }
        late = !kl_wait(self, KEEL_WAIT_DESCRIPTOR, &deadline);
    }
    return true;
}

void kl_wake(keel_pid pid)
{
    struct kl_envelope *wake = kl_envelope_new(KL_WAKE, KEEL_NONE);
    if (wake != NULL) {
        kl_deliver(pid, wake);
    }
}

// --- descriptors ---

static void descriptor_ready(struct kl_watch *watch)
{
    finished(KL_CONTAINER(watch, struct pending, watch));
}

// A process that ends while it waits stops watching.
static void stop_watching(void *context)
{
    struct pending *pending = context;
    if (kl_poll_cancel(&pending->watch)) {
        pending_unref(pending);
    }
}

keel_status keel_wait_fd(int fd, int events, keel_deadline deadline, int *ret_events)
{
    struct kl_process *self = kl_process_current();
    if (fd < 0 || events == 0 || (events & ~(KEEL_READABLE | KEEL_WRITABLE)) != 0) {
        return KEEL_E_BADARG;
    }
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    struct pending *pending = pending_new(self);
    pending->watch.fd = fd;
    pending->watch.events = (uint32_t)events;
    pending->watch.ready = descriptor_ready;
    keel_status status = kl_poll_watch(&pending->watch);
    if (status != KEEL_OK) {
        pending->refs = 1;
        let_go(pending);
        return status;
    }
    keel_defer(stop_watching, pending);
    if (!await(self, pending, KEEL_WAIT_DESCRIPTOR, deadline.at)) {
        status = KEEL_E_TIMEOUT;
        stop_watching(pending);
    } else if (ret_events != NULL) {
        *ret_events = (int)pending->watch.revents;
    }
    keel_undefer(stop_watching, pending);
    let_go(pending);
    return status;
}

// --- blocking work ---

static void do_work(struct kl_job *job)
{
    struct pending *pending = KL_CONTAINER(job, struct pending, job);
    pending->fn(pending->context);
    finished(pending);
}

keel_status keel_blocking(void (*fn)(void *context), void *context,
        void (*release)(void *context), keel_deadline deadline)
{
    struct kl_process *self = kl_process_current();
    if (fn == NULL) {
        return KEEL_E_BADARG;
    }
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    struct pending *pending = pending_new(self);
    pending->fn = fn;
    pending->context = context;
    pending->release = release;
    pending->job.work = do_work;
    keel_status status = kl_blocking_submit(&pending->job);
    if (status != KEEL_OK) {
        pending->refs = 1;
        let_go(pending);
        return status;
    }
    bool done = await(self, pending, KEEL_WAIT_BLOCKING, deadline.at);
    let_go(pending);
    return done ? KEEL_OK : KEEL_E_TIMEOUT;
}
