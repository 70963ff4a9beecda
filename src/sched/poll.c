#include "poll.h"

#include "core.h"
#include "share.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

// Descriptors are registered one-shot: after an event the kernel is silent about them until
// the next watch, so a busy descriptor costs nothing while nobody waits for it.

enum {
    CHUNK = 256, // entries allocated together
    CHUNKS = 4096, // so descriptors go to a million
    EVENTS_MAX = 64,
    IDLE, // states of a watch
    WAITING,
};

// What is known of one descriptor.
struct entry {
    struct kl_lock lock;
    // Counts what the kernel was told: an event of an earlier arming, which the poller may
    // hold in its hands while the watches change, is stale.
    uint32_t generation;
    bool registered;
    struct kl_watch *watches; // oldest first
};

struct chunk {
    struct entry entries[CHUNK];
};

// Tags of events that are no descriptor's.
static const uint64_t kick_tag = UINT64_MAX, alarm_tag = UINT64_MAX - 1;

static int epoll = -1, kick = -1, alarm_fd = -1;
static int64_t alarm_at;
static uint32_t taken; // somebody has the poller's role
static uint32_t waiting; // open watches
static struct chunk *chunks[CHUNKS];
static struct kl_watch *orphans; // their descriptor was closed; newest first, atomic

static struct entry *entry_of(int fd, bool make);
static int arm(struct entry *entry, int fd);
static int tell_kernel(int operation, struct entry *entry, int fd);
static bool take_out(struct entry *entry, struct kl_watch *watch);
static void orphan_all(struct entry *entry);
static void dispatch(const struct epoll_event *event, struct kl_watch ***ready_end);
static void take_ready(struct entry *entry, uint32_t events, struct kl_watch ***ready_end);
static size_t call_ready(struct kl_watch *ready);
static void shuffle(struct kl_watch **ready);

static int add_tagged(int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

keel_status kl_poll_start(void)
{
    taken = 0;
    waiting = 0;
    orphans = NULL;
    alarm_at = INT64_MAX;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool good = epoll >= 0 && kick >= 0 && add_tagged(kick, kick_tag) == 0;
    if (good && kl_core.mode == KL_MODE_FOREIGN) {
        alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        good = alarm_fd >= 0 && add_tagged(alarm_fd, alarm_tag) == 0;
    }
    return good ? KEEL_OK : -errno;
}

void kl_poll_stop(void)
{
    int *descriptors[] = {&epoll, &kick, &alarm_fd};
    for (int i = 0; i < 3; i++) {
        if (*descriptors[i] >= 0) {
            close(*descriptors[i]);
            *descriptors[i] = -1;
        }
    }
    for (int i = 0; i < CHUNKS; i++) {
        kl_free(chunks[i], sizeof *chunks[i]);
        chunks[i] = NULL;
    }
}

int kl_poll_fd(void)
{
    return epoll;
}

bool kl_poll_wanted(void)
{
    return kl_load_relaxed(&waiting) > 0;
}

bool kl_poll_taken(void)
{
    return kl_load_relaxed(&taken) != 0;
}

bool kl_poll_begin(void)
{
    // Acquire: pairs with kl_poll_end(), so that what one poller leaves another sees.
    return !kl_load_relaxed(&taken) && !kl_exchange_acq_rel(&taken, 1);
}

void kl_poll_end(void)
{
    kl_store_release(&taken, 0);
}

void kl_poll_kick(void)
{
    uint64_t one = 1;
    ssize_t written = write(kick, &one, sizeof one);
    (void)written; // a full counter is readable as well
}

keel_status kl_poll_watch(struct kl_watch *watch)
{
    kl_core_check_fork();
    if (!kl_core_running()) {
        return KEEL_E_STOPPED;
    }
    if (watch->fd < 0 || watch->fd >= CHUNK * CHUNKS) {
        return -EBADF;
    }
    struct entry *entry = entry_of(watch->fd, true);
    if (!entry) {
        return KEEL_E_NOMEM;
    }
    kl_lock_take(&entry->lock);
    watch->next = NULL;
    watch->revents = 0;
    watch->state = WAITING;
    struct kl_watch **end = &entry->watches;
    while (*end) {
        end = &(*end)->next;
    }
    *end = watch;
    // Counted before the kernel can report it: an event finds the count above zero.
    kl_add_relaxed(&waiting, 1);
    int error = arm(entry, watch->fd);
    if (error) {
        take_out(entry, watch);
    }
    kl_lock_give(&entry->lock);

    // A worker looks for itself before it sleeps. If all sleep, one must become the
    // poller: pairs with the fence in park().
    kl_fence_full();
    if (!error && !kl_runner_self() && !kl_poll_taken()) {
        if (kl_core.mode == KL_MODE_WORKERS) {
            kl_share_rouse_one();
        }
    }
    return -error;
}

bool kl_poll_cancel(struct kl_watch *watch)
{
    struct entry *entry = entry_of(watch->fd, false);
    if (!entry) {
        return false;
    }
    // The kernel is not told: its one event finds nobody, or is stale by then.
    kl_lock_take(&entry->lock);
    bool was_waiting = take_out(entry, watch);
    kl_lock_give(&entry->lock);
    return was_waiting;
}

// epoll_wait with nanoseconds, where the kernel has it.
static int wait_events(struct epoll_event *events, int64_t timeout_ns)
{
    static bool no_pwait2; // every thread finds out the same
    if (timeout_ns > 0 && !kl_load_relaxed(&no_pwait2)) {
#ifdef SYS_epoll_pwait2
        struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000),
                .tv_nsec = (long)(timeout_ns % 1000000000)};
        long count = syscall(
                SYS_epoll_pwait2, epoll, events, EVENTS_MAX, &timeout, NULL, 0);
        if (count >= 0 || errno != ENOSYS) {
            return (int)count;
        }
#endif
        kl_store_relaxed(&no_pwait2, true);
    }
    int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
    return epoll_wait(epoll, events, EVENTS_MAX, ms < INT32_MAX ? (int)ms : INT32_MAX);
}

size_t kl_poll_wait(int64_t timeout_ns)
{
    struct epoll_event events[EVENTS_MAX];
    if (kl_load_relaxed(&orphans)) {
        timeout_ns = 0;
    }
    int count = wait_events(events, timeout_ns);
    struct kl_watch *ready = NULL, **ready_end = &ready;
    for (int i = 0; i < count; i++) {
        dispatch(&events[i], &ready_end);
    }
    *ready_end = kl_exchange_acq_rel(&orphans, NULL);
    if (ready && kl_core.mode == KL_MODE_SIMULATED) {
        shuffle(&ready);
    }
    return call_ready(ready);
}

void kl_poll_set_alarm(int64_t at)
{
    if (at == alarm_at) {
        return;
    }
    alarm_at = at;
    // Zero would disarm; a time in the past is fine.
    int64_t when = at == INT64_MAX ? 0 : at < 1 ? 1 : at;
    struct itimerspec spec = {.it_value = {.tv_sec = (time_t)(when / 1000000000),
                                      .tv_nsec = (long)(when % 1000000000)}};
    timerfd_settime(alarm_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static struct entry *entry_of(int fd, bool make)
{
    if (fd < 0 || fd >= CHUNK * CHUNKS) {
        return NULL;
    }
    struct chunk **place = &chunks[fd / CHUNK];
    // Acquire: pairs with the compare-and-swap below, so that the entries are zero.
    struct chunk *chunk = kl_load_acquire(place);
    if (!chunk && make) {
        struct chunk *fresh = kl_alloc_zero(sizeof *fresh);
        if (!fresh) {
            return NULL;
        }
        if (kl_cas_acq_rel(place, &chunk, fresh)) {
            chunk = fresh;
        } else {
            kl_free(fresh, sizeof *fresh); // another thread was faster
        }
    }
    return chunk ? &chunk->entries[fd % CHUNK] : NULL;
}

// Has the kernel look for what the entry's watches wait for. Under its lock. Returns an
// errno.
static int arm(struct entry *entry, int fd)
{
    if (entry->registered) {
        int error = tell_kernel(EPOLL_CTL_MOD, entry, fd);
        if (error == 0) {
            return 0;
        }
        // The descriptor was closed, and the number belongs to another file now, or to
        // none. Who still waits for the old one is told so; the newest watch is not for it.
        entry->registered = false;
        orphan_all(entry);
        if (error != ENOENT) {
            return error;
        }
    }
    int error = tell_kernel(EPOLL_CTL_ADD, entry, fd);
    entry->registered = error == 0;
    return error;
}

// Under the entry's lock. Nothing is lost with the events that become stale: told anew, the
// kernel looks at the descriptor anew, and reports what is still so.
static int tell_kernel(int operation, struct entry *entry, int fd)
{
    uint32_t generation = entry->generation + 1;
    struct epoll_event event = {
            .events = EPOLLONESHOT, .data.u64 = (uint64_t)generation << 32 | (uint32_t)fd};
    for (struct kl_watch *watch = entry->watches; watch; watch = watch->next) {
        event.events |= watch->events & (EPOLLIN | EPOLLOUT);
    }
    if (epoll_ctl(epoll, operation, fd, &event) != 0) {
        return errno; // and events of the last arming are as good as they were
    }
    entry->generation = generation;
    return 0;
}

// Ends the wait of `watch` if it waits. Under the entry's lock.
static bool take_out(struct entry *entry, struct kl_watch *watch)
{
    if (watch->state != WAITING) {
        return false;
    }
    struct kl_watch **link = &entry->watches;
    while (*link != watch) {
        link = &(*link)->next;
    }
    *link = watch->next;
    watch->state = IDLE;
    kl_add_relaxed(&waiting, UINT32_MAX);
    return true;
}

// Takes all watches but the newest out; the poller will call them with an error.
static void orphan_all(struct entry *entry)
{
    struct kl_watch *watch = entry->watches;
    bool any = watch->next != NULL;
    while (watch->next) {
        struct kl_watch *next = watch->next;
        watch->state = IDLE;
        watch->revents = KL_POLL_ERROR | KL_POLL_HANGUP;
        struct kl_watch *head = kl_load_relaxed(&orphans);
        do {
            watch->next = head;
            // Release: pairs with the exchange in kl_poll_wait().
        } while (!kl_cas_release(&orphans, &head, watch));
        watch = next;
    }
    entry->watches = watch;
    if (any) {
        kl_poll_kick();
    }
}

// Takes the watches that `event` is for out of their entry, onto a list.
static void dispatch(const struct epoll_event *event, struct kl_watch ***ready_end)
{
    uint64_t tag = event->data.u64;
    if (tag == kick_tag || tag == alarm_tag) {
        uint64_t count;
        ssize_t got = read(tag == kick_tag ? kick : alarm_fd, &count, sizeof count);
        (void)got; // another look may have taken it
        if (tag == alarm_tag) {
            alarm_at = INT64_MAX;
        }
        return;
    }
    int fd = (int)(uint32_t)tag;
    struct entry *entry = entry_of(fd, false);
    kl_lock_take(&entry->lock);
    if (entry->generation == tag >> 32) {
        take_ready(entry, event->events, ready_end);
        // Whoever waits on waits for the same file. Where the kernel does not know it any
        // more it was closed (and another number of it has led here).
        if (entry->watches && tell_kernel(EPOLL_CTL_MOD, entry, fd) != 0) {
            entry->registered = false;
            take_ready(entry, EPOLLERR | EPOLLHUP, ready_end);
        }
    }
    kl_lock_give(&entry->lock);
}

// Takes the watches that wait for one of `events` out of `entry`, onto a list.
static void take_ready(struct entry *entry, uint32_t events, struct kl_watch ***ready_end)
{
    struct kl_watch **link = &entry->watches;
    while (*link) {
        struct kl_watch *watch = *link;
        uint32_t happened = events & (watch->events | EPOLLERR | EPOLLHUP);
        if (happened) {
            *link = watch->next;
            watch->state = IDLE;
            watch->revents = happened;
            watch->next = NULL;
            **ready_end = watch;
            *ready_end = &watch->next;
        } else {
            link = &watch->next;
        }
    }
}

static size_t call_ready(struct kl_watch *ready)
{
    size_t count = 0;
    while (ready) {
        struct kl_watch *next = ready->next;
        kl_add_relaxed(&waiting, UINT32_MAX);
        ready->ready(ready); // the watch may be gone now
        ready = next;
        count++;
    }
    return count;
}

// Brings the list into an order that depends on the seed alone: first by descriptor, as the
// kernel's order is its own, then by choices.
static void shuffle(struct kl_watch **ready)
{
    struct kl_watch *sorted = NULL;
    for (struct kl_watch *watch = *ready, *next; watch; watch = next) {
        next = watch->next;
        struct kl_watch **place = &sorted;
        while (*place && (*place)->fd <= watch->fd) {
            place = &(*place)->next;
        }
        watch->next = *place;
        *place = watch;
    }
    size_t count = 0;
    for (struct kl_watch *watch = sorted; watch; watch = watch->next) {
        count++;
    }
    struct kl_watch **end = ready;
    for (; count > 0; count--) {
        struct kl_watch **place = &sorted;
        for (size_t skip = kl_sim_choose(count); skip > 0; skip--) {
            place = &(*place)->next;
        }
        struct kl_watch *watch = *place;
        *place = watch->next;
        watch->next = NULL;
        *end = watch;
        end = &watch->next;
    }
}
