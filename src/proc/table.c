// The table of processes: which slots have a tenant, and under which generation.

#include "process.h"

static uint32_t *free_link(void *record);
static void prepare(void *record, uint32_t index);

struct kl_slots kl_table = {
        .record_bytes = sizeof(struct kl_process),
        .link = free_link,
        .prepare = prepare,
        .number = 0,
};

// How many processes there have been, and how many of them have ended: what is between the
// two is alive. On lines of their own, since each is written by every birth or every end.
// `changed` is a futex word for those who wait for none to be alive.
static uint64_t spawned __attribute__((aligned(KL_CACHE_LINE)));
static uint64_t ended __attribute__((aligned(KL_CACHE_LINE)));
static uint32_t changed;
static size_t limit;

keel_status kl_table_start(size_t max_processes)
{
    limit = max_processes;
    // Indexes may lie idle in the threads' caches, so there are some more records.
    kl_table.max = (uint32_t)max_processes + 4096;
    spawned = 0;
    ended = 0;
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

struct kl_process *kl_table_take(void)
{
    // What has ended is read first, so that nobody seems to have ended before it began.
    uint64_t over = kl_load_acquire(&ended);
    struct kl_process *process = NULL;
    if (kl_add_relaxed(&spawned, 1) - over < limit) {
        process = kl_slots_take(&kl_table);
    }
    if (process == NULL) {
        kl_add_relaxed(&spawned, (uint64_t)-1);
    }
    return process;
}

static void tell_if_none(void)
{
    kl_add_acq_rel(&changed, 1);
    kl_futex_wake(&changed, 1);
}

void kl_table_give(struct kl_process *process)
{
    kl_slots_give(&kl_table, process, process->slot);
    // Acquire and release: the last of several that end at once sees the ends of the others
    // and so the births, and whoever sees that none is left sees all that they did.
    uint64_t over = kl_add_acq_rel(&ended, 1) + 1;
    if (over == kl_load_relaxed(&spawned)) {
        tell_if_none();
    }
}

void kl_table_give_back(struct kl_process *process)
{
    kl_slots_give(&kl_table, process, process->slot);
    uint64_t before = kl_add_acq_rel(&spawned, (uint64_t)-1);
    if (before - 1 == kl_load_acquire(&ended)) {
        tell_if_none();
    }
}

void kl_table_wait_empty(int64_t deadline)
{
    for (;;) {
        uint32_t seen = kl_load_acquire(&changed);
        int64_t left = deadline == INT64_MAX ? -1 : deadline - kl_clock_monotonic();
        if (kl_table_count() == 0 || (left <= 0 && deadline != INT64_MAX)) {
            return;
        }
        // At most 10 ms at a time: processes may be spawned meanwhile, and the count may
        // touch 0 more than once.
        int64_t slice = left < 0 || left > 10000000 ? 10000000 : left;
        kl_futex_wait(&changed, seen, slice);
    }
}

uint32_t kl_table_end(void)
{
    return kl_load_acquire(&kl_table.used);
}

size_t kl_table_count(void)
{
    uint64_t over = kl_load_acquire(&ended); // first, see kl_table_take()
    return (size_t)(kl_load_acquire(&spawned) - over);
}

size_t kl_table_max(void)
{
    return limit;
}

uint64_t kl_table_spawned(void)
{
    return kl_load_relaxed(&spawned);
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
