#include "slab.h"

#include "fiber.h"
#include "stack.h"

#include <sys/mman.h>
#include <unistd.h>

enum {
    CLASS_0_BYTES = 4 << 10,
    SLAB_BYTES = 32 << 20, // a slab has as many stacks as fit, one to KL_SLAB_STACKS
    SCRATCH_BYTES = 1024,
    RECORD_BYTES = (sizeof(struct kl_stack) + KL_CACHE_LINE - 1) / KL_CACHE_LINE *
                   KL_CACHE_LINE,
    COLORS = 8, // see record_of()
    COLOR_BYTES = KL_CACHE_LINE,
    NUMBER_BITS = 24, // of a slab's id
    TRIM_BATCH = 16, // stacks whose memory goes back while the lock is held once,
    TRIM_PIECES = 64, // and how often a trim takes it, per class
    WARM_KEPT = 64, // warm free stacks that are never trimmed, per class
};

static struct kl_lock lock; // guards all below
static struct kl_class {
    struct kl_link open; // slabs with free stacks
    size_t warm_free; // free stacks with memory
} classes[KL_STACK_CLASSES];
static struct kl_slab **slabs; // by number; NULL: unused number
static size_t slab_numbers, slab_room;
static size_t stacks_carved, stacks_free, bytes_mapped;

// A stack on its way out of its slab: it counts as used, but may still lack its guard or
// its record, for which the lock is not held.
struct picked {
    struct kl_slab *slab;
    uint32_t index;
    bool carved, warm;
};

static struct kl_slab *open_slab(unsigned class);
static void pick(struct picked *ret_picked);
static void unpick(const struct picked *picked);
static void put_free(struct kl_slab *slab, uint32_t index);
static struct kl_stack *write_record(struct kl_slab *slab, uint32_t index);
static struct kl_stack *record_of(const struct kl_slab *slab, uint32_t index);
static bool trim_class(struct kl_class *class, uint32_t trim, bool all);

static uint64_t bit(uint32_t index)
{
    return UINT64_C(1) << index % 64;
}

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

// What a stack of a class takes beside its guard: the usable bytes and one page, for the
// record and the scratch memory.
static size_t class_bytes(unsigned class)
{
    size_t page = page_bytes();
    size_t usable = (size_t)CLASS_0_BYTES << class;
    return (usable + page - 1) / page * page + page;
}

size_t kl_slab_guard_bytes(void)
{
    return kl_guard_bytes();
}

unsigned kl_slab_class(size_t bytes)
{
    unsigned class = 0;
    while (class < KL_STACK_CLASSES && (size_t)CLASS_0_BYTES << class < bytes) {
        class ++;
    }
    return class;
}

unsigned kl_slab_class_of(const struct kl_stack *stack)
{
    return stack->slab >> NUMBER_BITS;
}

size_t kl_slab_take(unsigned class, size_t count, struct kl_stack **ret_stacks)
{
    struct picked picked[KL_STACK_CACHE];
    size_t found = 0;
    count = count < KL_STACK_CACHE ? count : KL_STACK_CACHE;
    kl_lock_take(&lock);
    while (found < count) {
        struct kl_slab *slab = open_slab(class);
        if (!slab) {
            break;
        }
        struct picked *one = &picked[found];
        one->slab = slab;
        pick(one);
        found++;
        // A fresh stack costs a system call and a page; one is enough for a start.
        if (!one->warm) {
            count = found;
        }
    }
    kl_lock_give(&lock);

    size_t good = 0;
    for (size_t i = 0; i < found; i++) {
        struct kl_slab *slab = picked[i].slab;
        uint8_t *guard = slab->base + slab->stride * picked[i].index;
        if (!picked[i].carved && !kl_guard_install(guard, kl_guard_bytes())) {
            unpick(&picked[i]);
            continue;
        }
        ret_stacks[good++] = picked[i].warm ? record_of(slab, picked[i].index)
                                            : write_record(slab, picked[i].index);
    }
    return good;
}

void kl_slab_give(struct kl_stack **stacks, size_t count)
{
    kl_lock_take(&lock);
    for (size_t i = 0; i < count; i++) {
        struct kl_stack *stack = stacks[i];
        struct kl_slab *slab = slabs[stack->slab & ((1u << NUMBER_BITS) - 1)];
        uint32_t index = (uint32_t)((size_t)(stack->low - slab->base) / slab->stride);
        put_free(slab, index);
        classes[kl_slab_class_of(stack)].warm_free++;
        stacks_free++;
    }
    kl_lock_give(&lock);
}

void kl_slab_trim(bool all)
{
    static uint32_t trims; // only its changing matters
    uint32_t trim = kl_add_relaxed(&trims, 1) + 1;
    for (unsigned class = 0; class < KL_STACK_CLASSES; class ++) {
        for (int pieces = 0; all || pieces < TRIM_PIECES; pieces++) {
            if (!trim_class(&classes[class], trim, all)) {
                break;
            }
        }
    }
    kl_lock_take(&lock);
    if (bytes_mapped == 0 && slabs) {
        kl_free(slabs, slab_room * sizeof *slabs);
        slabs = NULL;
        slab_numbers = slab_room = 0;
    }
    kl_lock_give(&lock);
}

bool kl_slab_wants_trim(void)
{
    bool wants = false;
    kl_lock_take(&lock);
    for (unsigned class = 0; class < KL_STACK_CLASSES; class ++) {
        wants |= classes[class].warm_free > WARM_KEPT;
    }
    kl_lock_give(&lock);
    return wants;
}

void kl_slab_stats(struct kl_sched_stats *ret)
{
    kl_lock_take(&lock);
    ret->stacks = stacks_carved;
    ret->stacks_idle = stacks_free;
    ret->stack_bytes_mapped = bytes_mapped;
    kl_lock_give(&lock);
}

// --- slabs ---

static struct kl_slab *new_slab(unsigned class)
{
    if (slab_numbers == slab_room) {
        size_t room = slab_room ? slab_room * 2 : 16;
        struct kl_slab **larger = kl_realloc(
                slabs, slab_room * sizeof *slabs, room * sizeof *slabs);
        if (!larger) {
            return NULL;
        }
        slabs = larger;
        slab_room = room;
    }
    struct kl_slab *slab = kl_alloc_zero(sizeof *slab);
    if (!slab) {
        return NULL;
    }
    slab->stride = kl_guard_bytes() + class_bytes(class);
    size_t fitting = SLAB_BYTES / slab->stride;
    slab->count = fitting < 1                ? 1
                  : fitting > KL_SLAB_STACKS ? KL_SLAB_STACKS
                                             : (uint32_t)fitting;
    slab->base = kl_guard_map(slab->stride * slab->count);
    if (!slab->base) {
        kl_free(slab, sizeof *slab);
        return NULL;
    }
    size_t number = 0;
    while (number < slab_numbers && slabs[number]) {
        number++;
    }
    slab_numbers = number == slab_numbers ? number + 1 : slab_numbers;
    slabs[number] = slab;
    slab->id = class << NUMBER_BITS | (uint32_t)number;
    for (uint32_t i = 0; i < slab->count; i++) {
        slab->free_bits[i / 64] |= bit(i);
    }
    slab->free = slab->count;
    bytes_mapped += slab->stride * slab->count;
    return slab;
}

// A slab of the class with a free stack.
static struct kl_slab *open_slab(unsigned class)
{
    struct kl_link *open = &classes[class].open;
    if (!open->next) {
        kl_ring_init(open);
    }
    if (kl_ring_empty(open)) {
        struct kl_slab *slab = new_slab(class);
        if (!slab) {
            return NULL;
        }
        kl_ring_append(open, &slab->link);
    }
    return KL_CONTAINER(open->next, struct kl_slab, link);
}

// Takes a free stack out: one with memory if there is one, else one with a guard.
static void pick(struct picked *ret_picked)
{
    struct kl_slab *slab = ret_picked->slab;
    uint32_t best = UINT32_MAX;
    for (uint32_t word = 0; word < KL_SLAB_WORDS; word++) {
        uint64_t free = slab->free_bits[word];
        uint64_t free_warm = free & slab->warm_bits[word];
        if (free_warm) {
            best = word * 64 + (uint32_t)__builtin_ctzll(free_warm);
            break;
        }
        if (free && best == UINT32_MAX) {
            best = word * 64 + (uint32_t)__builtin_ctzll(free);
        }
    }
    KL_ASSERT(best != UINT32_MAX);
    ret_picked->index = best;
    ret_picked->carved = slab->carved_bits[best / 64] & bit(best);
    ret_picked->warm = slab->warm_bits[best / 64] & bit(best);
    slab->free_bits[best / 64] &= ~bit(best);
    slab->carved_bits[best / 64] |= bit(best);
    slab->warm_bits[best / 64] |= bit(best);
    slab->idle_trims = 0;
    if (--slab->free == 0) {
        kl_ring_remove(&slab->link);
    }
    classes[slab->id >> NUMBER_BITS].warm_free -= ret_picked->warm;
    stacks_carved += !ret_picked->carved;
    stacks_free -= ret_picked->carved;
}

// Puts a stack back that could not be given its guard.
static void unpick(const struct picked *picked)
{
    kl_lock_take(&lock);
    put_free(picked->slab, picked->index);
    picked->slab->carved_bits[picked->index / 64] &= ~bit(picked->index);
    picked->slab->warm_bits[picked->index / 64] &= ~bit(picked->index);
    stacks_carved--;
    kl_lock_give(&lock);
}

static void put_free(struct kl_slab *slab, uint32_t index)
{
    if (slab->free++ == 0) {
        // At the front: a slab that was in use has warm stacks, the last one may have none.
        kl_ring_append(classes[slab->id >> NUMBER_BITS].open.next, &slab->link);
    }
    slab->free_bits[index / 64] |= bit(index);
}

// The record of a stack. Were all of them at the very end of their stacks, their lines and
// those of the innermost frames would share a few sets of the processor's first cache,
// and a few hundred blocked processes would drive each other out: neighbours differ.
static struct kl_stack *record_of(const struct kl_slab *slab, uint32_t index)
{
    uint8_t *end = slab->base + slab->stride * (index + 1) - index % COLORS * COLOR_BYTES;
    return (struct kl_stack *)(void *)(end - RECORD_BYTES);
}

// Fills in the record of a stack that has none.
static struct kl_stack *write_record(struct kl_slab *slab, uint32_t index)
{
    uint8_t *low = slab->base + slab->stride * index + kl_guard_bytes();
    struct kl_stack *stack = record_of(slab, index);
    uint8_t *scratch = (uint8_t *)stack - SCRATCH_BYTES;
    // A mapping may lie where one has been that was poisoned when it went.
    kl_unpoison(low, (size_t)((uint8_t *)stack + RECORD_BYTES - low));
    *stack = (struct kl_stack){
            .low = low,
            .high = scratch,
            .scratch = scratch,
            .scratch_bytes = SCRATCH_BYTES,
            .slab = slab->id,
    };
    kl_annotate_new(stack);
    return stack;
}

// --- giving memory back ---

// Unmaps a slab that is all free.
static void close_slab(struct kl_class *class, struct kl_slab *slab)
{
    kl_ring_remove(&slab->link);
    for (uint32_t i = 0; i < slab->count; i++) {
        bool carved = slab->carved_bits[i / 64] & bit(i);
        bool warm = slab->warm_bits[i / 64] & bit(i);
        if (warm) {
            kl_annotate_delete(record_of(slab, i));
        }
        class->warm_free -= warm;
        stacks_carved -= carved;
        stacks_free -= carved;
    }
    bytes_mapped -= slab->stride * slab->count;
    slabs[slab->id & ((1u << NUMBER_BITS) - 1)] = NULL;
    // Whoever maps memory here next knows nothing of what was poisoned.
    kl_unpoison(slab->base, slab->stride * slab->count);
    munmap(slab->base, slab->stride * slab->count);
    kl_free(slab, sizeof *slab);
}

// Notes which stacks have lain idle since the trim before; once per trim.
static void grow_old(struct kl_slab *slab, uint32_t trim, bool all)
{
    if (slab->trim == trim) {
        return;
    }
    slab->trim = trim;
    slab->idle_trims = slab->free == slab->count ? slab->idle_trims + 1 : 0;
    for (unsigned i = 0; i < KL_SLAB_WORDS; i++) {
        uint64_t idle = slab->free_bits[i] & slab->warm_bits[i];
        slab->cold_bits[i] = all ? idle : idle & slab->aged_bits[i];
        slab->aged_bits[i] = idle;
    }
}

// Drops the memory of up to `max` cold stacks; returns of how many.
static size_t drop_cold(struct kl_class *class, struct kl_slab *slab, size_t max)
{
    size_t dropped = 0;
    for (uint32_t i = 0; i < slab->count && dropped < max; i++) {
        uint64_t idle = slab->free_bits[i / 64] & slab->warm_bits[i / 64];
        if (slab->cold_bits[i / 64] & idle & bit(i)) {
            struct kl_stack *stack = record_of(slab, i);
            kl_annotate_delete(stack);
            madvise(stack->low, slab->stride - kl_guard_bytes(), MADV_DONTNEED);
            slab->warm_bits[i / 64] &= ~bit(i);
            class->warm_free--;
            dropped++;
        }
    }
    return dropped;
}

// A short piece of a trim, as others wait for the lock meanwhile. False when nothing is
// left to do for this class.
static bool trim_class(struct kl_class *class, uint32_t trim, bool all)
{
    size_t budget = TRIM_BATCH;
    size_t kept = all ? 0 : WARM_KEPT;
    kl_lock_take(&lock);
    struct kl_link *next, *link = class->open.next;
    for (; link && link != &class->open && budget > 0; link = next) {
        next = link->next;
        struct kl_slab *slab = KL_CONTAINER(link, struct kl_slab, link);
        grow_old(slab, trim, all);
        bool unused = slab->free == slab->count && (all || slab->idle_trims > 1);
        if (unused && (all || class->warm_free >= kept + slab->count)) {
            close_slab(class, slab);
            budget--;
        } else if (class->warm_free > kept) {
            size_t spare = class->warm_free - kept;
            budget -= drop_cold(class, slab, spare < budget ? spare : budget);
        }
    }
    kl_lock_give(&lock);
    return budget == 0;
}
