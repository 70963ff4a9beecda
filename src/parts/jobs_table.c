#include "jobs_table.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

static const char *const status_names[KL_JOB_STATUSES] = {
        "pending", "processing", "completed", "failed", "cancelled"};

// --- heaps: a job stands in at most one, and knows where ---

static bool goes_before(const struct kl_job_heap *heap, const struct kl_jobs_table *table,
        const struct kl_job *a, const struct kl_job *b)
{
    if (heap == &table->later && a->state.run_at != b->state.run_at) {
        return a->state.run_at < b->state.run_at;
    }
    return a->priority != b->priority ? a->priority < b->priority : a->id < b->id;
}

static void put(struct kl_job_heap *heap, size_t index, struct kl_job *job)
{
    heap->items[index] = job;
    job->place = index + 1;
}

static void sift_up(struct kl_jobs_table *table, struct kl_job_heap *heap, size_t index)
{
    struct kl_job *job = heap->items[index];
    while (index > 0 && goes_before(heap, table, job, heap->items[(index - 1) / 2])) {
        put(heap, index, heap->items[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put(heap, index, job);
}

static void sift_down(struct kl_jobs_table *table, struct kl_job_heap *heap, size_t index)
{
    struct kl_job *job = heap->items[index];
    for (size_t child = index * 2 + 1; child < heap->count; child = index * 2 + 1) {
        if (child + 1 < heap->count &&
                goes_before(heap, table, heap->items[child + 1], heap->items[child])) {
            child++;
        }
        if (!goes_before(heap, table, heap->items[child], job)) {
            break;
        }
        put(heap, index, heap->items[child]);
        index = child;
    }
    put(heap, index, job);
}

// There is room: kl_jobs_table_add has made it for every job.
static void heap_add(
        struct kl_jobs_table *table, struct kl_job_heap *heap, struct kl_job *job)
{
    put(heap, heap->count, job);
    sift_up(table, heap, heap->count++);
}

static void heap_remove(
        struct kl_jobs_table *table, struct kl_job_heap *heap, struct kl_job *job)
{
    size_t index = job->place - 1;
    struct kl_job *last = heap->items[--heap->count];
    job->place = 0;
    if (last != job) {
        put(heap, index, last);
        sift_up(table, heap, index);
        sift_down(table, heap, last->place - 1);
    }
}

static bool heap_holds(const struct kl_job_heap *heap, const struct kl_job *job)
{
    return job->place > 0 && job->place <= heap->count &&
           heap->items[job->place - 1] == job;
}

static bool heap_grow(struct kl_job_heap *heap, size_t count)
{
    if (count <= heap->room) {
        return true;
    }
    size_t room = heap->room == 0 ? FIRST_BUCKETS : heap->room * 2;
    struct kl_job **items = realloc(heap->items, room * sizeof *items);
    if (items != NULL) {
        heap->items = items;
        heap->room = room;
    }
    return items != NULL;
}

// --- hash tables ---

static size_t id_bucket(const struct kl_jobs_table *table, int64_t id)
{
    return (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (table->buckets - 1);
}

static size_t unique_bucket(const struct kl_jobs_table *table, keel_term unique)
{
    return keel_hash(unique) & (table->buckets - 1);
}

static void link_hashes(struct kl_jobs_table *table, struct kl_job *job)
{
    size_t bucket = id_bucket(table, job->id);
    job->next_of_id = table->by_id[bucket];
    table->by_id[bucket] = job;
    if (!keel_is_none(job->unique) && !kl_job_finished(job)) {
        bucket = unique_bucket(table, job->unique);
        job->next_of_unique = table->by_unique[bucket];
        table->by_unique[bucket] = job;
    }
}

static bool grow_hashes(struct kl_jobs_table *table)
{
    size_t buckets = table->buckets == 0 ? FIRST_BUCKETS : table->buckets * 2;
    struct kl_job **by_id = calloc(buckets, sizeof *by_id);
    struct kl_job **by_unique = calloc(buckets, sizeof *by_unique);
    if (by_id == NULL || by_unique == NULL) {
        free(by_id);
        free(by_unique);
        return false;
    }
    free(table->by_id);
    free(table->by_unique);
    table->by_id = by_id;
    table->by_unique = by_unique;
    table->buckets = buckets;
    for (struct kl_job *job = table->oldest; job != NULL; job = job->newer) {
        link_hashes(table, job);
    }
    return true;
}

static void unlink_unique(struct kl_jobs_table *table, struct kl_job *job)
{
    if (keel_is_none(job->unique)) {
        return;
    }
    struct kl_job **at = &table->by_unique[unique_bucket(table, job->unique)];
    while (*at != NULL && *at != job) {
        at = &(*at)->next_of_unique;
    }
    if (*at != NULL) {
        *at = job->next_of_unique;
    }
}

static void unlink_id(struct kl_jobs_table *table, struct kl_job *job)
{
    struct kl_job **at = &table->by_id[id_bucket(table, job->id)];
    while (*at != job) {
        at = &(*at)->next_of_id;
    }
    *at = job->next_of_id;
}

// --- the lists ---

// By id: a new one goes last, nearly always.
static void link_age(struct kl_jobs_table *table, struct kl_job *job)
{
    struct kl_job *before = table->newest;
    while (before != NULL && before->id > job->id) {
        before = before->older;
    }
    job->older = before;
    job->newer = before == NULL ? table->oldest : before->newer;
    *(job->older == NULL ? &table->oldest : &job->older->newer) = job;
    *(job->newer == NULL ? &table->newest : &job->newer->older) = job;
}

static void unlink_age(struct kl_jobs_table *table, struct kl_job *job)
{
    *(job->older == NULL ? &table->oldest : &job->older->newer) = job->newer;
    *(job->newer == NULL ? &table->newest : &job->newer->older) = job->older;
}

static void link_finished(struct kl_jobs_table *table, struct kl_job *job)
{
    struct kl_job *before = table->finished_last;
    while (before != NULL && before->state.finished_at > job->state.finished_at) {
        before = before->finished_before;
    }
    job->finished_before = before;
    job->finished_after = before == NULL ? table->finished_first : before->finished_after;
    *(before == NULL ? &table->finished_first : &before->finished_after) = job;
    *(job->finished_after == NULL ? &table->finished_last
                                  : &job->finished_after->finished_before) = job;
}

static void unlink_finished(struct kl_jobs_table *table, struct kl_job *job)
{
    struct kl_job *before = job->finished_before, *after = job->finished_after;
    *(before == NULL ? &table->finished_first : &before->finished_after) = after;
    *(after == NULL ? &table->finished_last : &after->finished_before) = before;
}

// --- the table ---

struct kl_jobs_table *kl_jobs_table_new(void)
{
    struct kl_jobs_table *table = calloc(1, sizeof *table);
    if (table == NULL || !grow_hashes(table)) {
        free(table);
        return NULL;
    }
    table->next_id = 1;
    return table;
}

static void drop_terms(const struct kl_job *job)
{
    keel_drop_shared(job->name);
    keel_drop_shared(job->argument);
    keel_drop_shared(job->unique);
    keel_drop_shared(job->state.outcome);
}

static void free_job(struct kl_job *job)
{
    drop_terms(job);
    free(job);
}

void kl_jobs_table_free(struct kl_jobs_table *table)
{
    for (struct kl_job *job = table->oldest, *next; job != NULL; job = next) {
        next = job->newer;
        free_job(job);
    }
    free(table->by_id);
    free(table->by_unique);
    free(table->ready.items);
    free(table->later.items);
    free(table);
}

struct kl_job *kl_jobs_table_add(struct kl_jobs_table *table, const struct kl_job *job)
{
    struct kl_job *copy = malloc(sizeof *copy);
    bool good = copy != NULL && heap_grow(&table->ready, table->jobs + 1) &&
                heap_grow(&table->later, table->jobs + 1) &&
                (table->jobs < table->buckets || grow_hashes(table));
    if (!good) {
        free(copy);
        drop_terms(job);
        return NULL;
    }
    *copy = *job;
    table->jobs++;
    link_age(table, copy);
    link_hashes(table, copy);
    return copy;
}

void kl_jobs_table_accept(struct kl_jobs_table *table, struct kl_job *job)
{
    job->accepted = true;
    table->counts[job->state.status]++;
    if (kl_job_finished(job)) {
        link_finished(table, job);
    }
}

void kl_jobs_table_remove(struct kl_jobs_table *table, struct kl_job *job)
{
    kl_jobs_table_unschedule(table, job);
    if (job->accepted) {
        table->counts[job->state.status]--;
    }
    if (job->accepted && kl_job_finished(job)) {
        unlink_finished(table, job);
    }
    unlink_unique(table, job);
    unlink_id(table, job);
    unlink_age(table, job);
    table->jobs--;
    free_job(job);
}

struct kl_job *kl_jobs_table_find(struct kl_jobs_table *table, int64_t id)
{
    struct kl_job *job = table->by_id[id_bucket(table, id)];
    while (job != NULL && job->id != id) {
        job = job->next_of_id;
    }
    return job;
}

struct kl_job *kl_jobs_table_find_unique(struct kl_jobs_table *table, keel_term unique)
{
    struct kl_job *job = table->by_unique[unique_bucket(table, unique)];
    while (job != NULL && !keel_equal(job->unique, unique)) {
        job = job->next_of_unique;
    }
    return job;
}

void kl_jobs_table_change(
        struct kl_jobs_table *table, struct kl_job *job, const struct kl_job_state *state)
{
    bool was_finished = kl_job_finished(job);
    table->counts[job->state.status]--;
    keel_drop_shared(job->state.outcome);
    job->state = *state;
    table->counts[job->state.status]++;
    if (!was_finished && kl_job_finished(job)) {
        unlink_unique(table, job);
        link_finished(table, job);
    }
}

void kl_jobs_table_schedule(struct kl_jobs_table *table, struct kl_job *job, int64_t now)
{
    kl_jobs_table_unschedule(table, job);
    heap_add(table, job->state.run_at > now ? &table->later : &table->ready, job);
}

void kl_jobs_table_unschedule(struct kl_jobs_table *table, struct kl_job *job)
{
    if (heap_holds(&table->ready, job)) {
        heap_remove(table, &table->ready, job);
    } else if (heap_holds(&table->later, job)) {
        heap_remove(table, &table->later, job);
    }
}

struct kl_job *kl_jobs_table_next(struct kl_jobs_table *table)
{
    struct kl_job *job = table->ready.count == 0 ? NULL : table->ready.items[0];
    if (job != NULL) {
        heap_remove(table, &table->ready, job);
    }
    return job;
}

int64_t kl_jobs_table_wake(struct kl_jobs_table *table, int64_t now)
{
    while (table->later.count > 0 && table->later.items[0]->state.run_at <= now) {
        struct kl_job *job = table->later.items[0];
        heap_remove(table, &table->later, job);
        heap_add(table, &table->ready, job);
    }
    return table->later.count == 0 ? 0 : table->later.items[0]->state.run_at;
}

void kl_jobs_table_recover(struct kl_jobs_table *table)
{
    table->ready.count = 0;
    table->later.count = 0;
    for (struct kl_job *job = table->oldest; job != NULL; job = job->newer) {
        job->place = 0;
        job->writing = job->cancelling = job->expired = job->working = false;
        job->pid = (keel_pid){0};
        job->monitor = job->timer = (keel_ref){0};
        job->waiters = NULL;
    }
}

// --- tables without a database, by name ---

struct hook {
    struct hook *next;
    keel_term name;
    struct kl_jobs_table *table;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // guards the hooks
static struct hook *hooks;

struct kl_jobs_table *kl_jobs_table_of(keel_term name)
{
    struct kl_jobs_table *table = NULL;
    pthread_mutex_lock(&lock);
    struct hook *hook = hooks;
    while (hook != NULL && !keel_equal(hook->name, name)) {
        hook = hook->next;
    }
    if (hook != NULL) {
        table = hook->table;
    } else if ((hook = malloc(sizeof *hook)) != NULL &&
               (table = kl_jobs_table_new()) != NULL) {
        *hook = (struct hook){.next = hooks, .name = name, .table = table};
        hooks = hook;
    } else {
        free(hook);
    }
    pthread_mutex_unlock(&lock);
    return table;
}

void kl_jobs_table_end(keel_term name)
{
    pthread_mutex_lock(&lock);
    struct hook **at = &hooks;
    while (*at != NULL && !keel_equal((*at)->name, name)) {
        at = &(*at)->next;
    }
    struct hook *hook = *at;
    if (hook != NULL) {
        *at = hook->next;
    }
    pthread_mutex_unlock(&lock);
    if (hook != NULL) {
        kl_jobs_table_free(hook->table);
        free(hook);
    }
}

const char *kl_job_status_name(enum kl_job_status status)
{
    return status < KL_JOB_STATUSES ? status_names[status] : "";
}

enum kl_job_status kl_job_status_of(const char *name)
{
    int status = 0;
    while (status < KL_JOB_STATUSES && strcmp(status_names[status], name) != 0) {
        status++;
    }
    return (enum kl_job_status)status;
}
