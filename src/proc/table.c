// The table of processes: which slots have a tenant, and under which generation.

#include "process.h"
#include <limits.h>
#include <string.h>

static uint32_t *free_link(void *record);
static void prepare(void *record, uint32_t index);

struct kl_slots kl_table = {
        .record_bytes = sizeof(struct kl_process),
        .link = free_link,
        .prepare = prepare,
        .number = 0,
};

// How many processes there have been, and how many of them have ended: what is between the
// two is alive. Each thread of the runtime counts for itself, on a line of its own, so that
// birth and end cost no atomic operation; who asks sums up.
struct tally {
    uint64_t spawned, ended; // written by the thread alone, read by others
    uint32_t spare; // births that it need not ask for: the limit is far away
} __attribute__((aligned(KL_CACHE_LINE)));
static struct tally tallies[KL_SCHED_THREADS_MAX];
static uint32_t tallies_end; // beyond the last one that was ever used
static struct tally others; // of all other threads together, with atomic operations
static struct kl_lock lock; // held while the limit or the end of the tallies is looked at
// `changed` is a futex word for those who wait for none to be alive, `awaited` says whether
// there are any.
static uint32_t changed, awaited;
static size_t limit;

enum { SPARE = 32 };

keel_status kl_table_start(size_t max_processes)
{
    limit = max_processes;
    // Indexes may lie idle in the threads' caches, so there are some more records.
    kl_table.max = (uint32_t)max_processes + 4096;
    memset(tallies, 0, sizeof tallies);
    others = (struct tally){0};
    tallies_end = 0;
    return kl_slots_start(&kl_table) ? KEEL_OK : KEEL_E_NOMEM;
}

void kl_table_stop(void)
{
    for (uint32_t i = 0; i < kl_table_end(); i++) {
        struct kl_process *process = kl_slots_at(&kl_table, i);
        if (process->extras != NULL) { // of a limited one: they stayed with the slot
            kl_pool_free(process->extras, sizeof *process->extras);
        }
    }
    kl_slots_stop(&kl_table);
}

// The calling thread's, or NULL.
static struct tally *own_tally(void)
{
    int number = kl_sched_thread();
    if (number < 0) {
        return NULL;
    }
    if (__builtin_expect((uint32_t)number >= kl_load_relaxed(&tallies_end), 0)) {
        kl_lock_take(&lock);
        if ((uint32_t)number >= tallies_end) {
            // Release: pairs with the acquire of who sums up.
            kl_store_release(&tallies_end, (uint32_t)number + 1);
        }
        kl_lock_give(&lock);
    }
    return &tallies[number];
}

static void count_birth(struct tally *own, uint64_t by)
{
    if (own != NULL) {
        kl_store_relaxed(&own->spawned, own->spawned + by);
    } else {
        kl_add_relaxed(&others.spawned, by);
    }
}

// Takes a record if there may be one more process, and some births in advance where that
// does not bring the limit within reach, however many threads do the same.
static struct kl_process *take_within_limit(struct tally *own)
{
    struct kl_process *process = NULL;
    kl_lock_take(&lock);
    size_t alive = kl_table_count();
    if (alive < limit) {
        process = kl_slots_take(&kl_table);
    }
    if (process != NULL) {
        count_birth(own, 1);
        if (own != NULL && limit - alive > (size_t)SPARE * KL_SCHED_THREADS_MAX) {
            own->spare = SPARE;
        }
    }
    kl_lock_give(&lock);
    return process;
}

struct kl_process *kl_table_take(void)
{
    struct tally *own = own_tally();
    if (own == NULL || own->spare == 0) {
        return take_within_limit(own);
    }
    struct kl_process *process = kl_slots_take(&kl_table);
    if (process != NULL) {
        own->spare--;
        count_birth(own, 1);
    }
    return process;
}

// If somebody waits for it. He may have said so only now and not be seen: then he looks
// again by himself.
static void tell_if_none(void)
{
    if (kl_load_relaxed(&awaited) != 0 && kl_table_count() == 0) {
        kl_add_acq_rel(&changed, 1);
        kl_futex_wake(&changed, INT_MAX);
    }
}

void kl_table_give(struct kl_process *process)
{
    kl_slots_give(&kl_table, process, process->slot);
    // Release: pairs with the acquire of who sums up, and so sees the births of all whose
    // end he sees, and all that they did.
    struct tally *own = own_tally();
    if (own != NULL) {
        kl_store_release(&own->ended, own->ended + 1);
    } else {
        kl_add_acq_rel(&others.ended, 1);
    }
    tell_if_none();
}

void kl_table_give_back(struct kl_process *process)
{
    kl_slots_give(&kl_table, process, process->slot);
    count_birth(own_tally(), (uint64_t)-1);
    tell_if_none();
}

void kl_table_wait_empty(int64_t deadline)
{
    kl_add_acq_rel(&awaited, 1);
    for (;;) {
        uint32_t seen = kl_load_acquire(&changed);
        int64_t left = deadline == INT64_MAX ? -1 : deadline - kl_clock_monotonic();
        if (kl_table_count() == 0 || (left <= 0 && deadline != INT64_MAX)) {
            break;
        }
        // At most 10 ms at a time: processes may be spawned meanwhile, and the count may
        // touch 0 more than once.
        int64_t slice = left < 0 || left > 10000000 ? 10000000 : left;
        kl_futex_wait(&changed, seen, slice);
    }
    kl_add_acq_rel(&awaited, (uint32_t)-1);
}

uint32_t kl_table_end(void)
{
    return kl_load_acquire(&kl_table.used);
}

size_t kl_table_count(void)
{
    // What has ended is read first, so that nobody seems to have ended before it began.
    uint64_t over = kl_load_acquire(&others.ended);
    uint32_t end = kl_load_acquire(&tallies_end);
    for (uint32_t i = 0; i < end; i++) {
        over += kl_load_acquire(&tallies[i].ended);
    }
    return (size_t)(kl_table_spawned() - over);
}

size_t kl_table_max(void)
{
    return limit;
}

uint64_t kl_table_spawned(void)
{
    uint64_t spawned = kl_load_acquire(&others.spawned);
    uint32_t end = kl_load_acquire(&tallies_end);
    for (uint32_t i = 0; i < end; i++) {
        spawned += kl_load_acquire(&tallies[i].spawned);
    }
    return spawned;
}

static uint32_t *free_link(void *record)
{
    return &((struct kl_process *)record)->queue_len;
}

static void prepare(void *record, uint32_t index)
{
    struct kl_process *process = record;
    process->door = KL_DOOR_CLOSED;
    process->slot = index;
    process->generation = 1;
    process->status = KL_FREE;
}
