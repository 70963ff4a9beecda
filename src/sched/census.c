#include "stack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// The census: how deep the stacks of each spawn site go. Measured on a sample (stack.c
// decides which): before the use the pages below the top one are given back, after it the
// kernel tells which are there. So a depth is exact to a page, and a whole page is the
// least there is.

enum {
    SITES_MAX = 1024, // further sites are not counted
    PAGES_MAX = 4096, // of a stack; deeper pages of larger ones are not looked at
};

static struct kl_lock lock; // guards the table
static struct kl_stack_census table[SITES_MAX]; // open addressing by site
static size_t sites;

static void record(const void *site, size_t bytes);
static int compare_depth(const void *a, const void *b);

static uint8_t *page_floor(uint8_t *address)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    return (uint8_t *)((uintptr_t)address & ~(page - 1));
}

void kl_census_begin(struct kl_stack *stack)
{
    uint8_t *top = page_floor((uint8_t *)stack);
    madvise(stack->low, (size_t)(top - stack->low), MADV_DONTNEED);
    stack->site = NULL;
    stack->measured = true;
}

void kl_census_end(struct kl_stack *stack)
{
    stack->measured = false;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *top = page_floor((uint8_t *)stack);
    uint8_t *low = stack->low;
    size_t pages = (size_t)(top - low) / page;
    if (pages > PAGES_MAX) {
        low += (pages - PAGES_MAX) * page;
        pages = PAGES_MAX;
    }
    unsigned char there[PAGES_MAX];
    if (pages > 0 && mincore(low, pages * page, there) != 0) {
        return;
    }
    size_t first = 0;
    while (first < pages && !(there[first] & 1)) {
        first++;
    }
    record(stack->site, (size_t)(stack->high - (low + first * page)));
}

void kl_census_reset(void)
{
    kl_lock_take(&lock);
    memset(table, 0, sizeof table);
    sites = 0;
    kl_lock_give(&lock);
}

size_t kl_stack_census(struct kl_stack_census *ret, size_t max)
{
    struct kl_stack_census *all = kl_alloc(sizeof table);
    if (!all) {
        return 0;
    }
    size_t count = 0;
    kl_lock_take(&lock);
    for (size_t i = 0; i < SITES_MAX; i++) {
        if (table[i].uses) {
            all[count++] = table[i];
        }
    }
    kl_lock_give(&lock);
    qsort(all, count, sizeof *all, compare_depth);
    memcpy(ret, all, (count < max ? count : max) * sizeof *all);
    kl_free(all, sizeof table);
    return count;
}

// The entry of `site`, made if there is none; NULL when the table is full.
static struct kl_stack_census *find(const void *site)
{
    size_t i = ((uintptr_t)site >> 2) * UINT64_C(0x9e3779b97f4a7c15) >> 54;
    while (table[i].uses && table[i].site != site) {
        i = (i + 1) % SITES_MAX;
    }
    if (table[i].uses == 0) {
        if (sites == SITES_MAX - 1) {
            return NULL; // one stays empty, as the search ends there
        }
        sites++;
        table[i].site = site;
    }
    return &table[i];
}

static void record(const void *site, size_t bytes)
{
    kl_lock_take(&lock);
    struct kl_stack_census *entry = find(site);
    if (entry) {
        entry->uses++;
        entry->deepest_bytes = bytes > entry->deepest_bytes ? bytes : entry->deepest_bytes;
    }
    kl_lock_give(&lock);
}

static int compare_depth(const void *a, const void *b)
{
    size_t left = ((const struct kl_stack_census *)a)->deepest_bytes;
    size_t right = ((const struct kl_stack_census *)b)->deepest_bytes;
    return (left < right) - (left > right);
}
