#include "table.h"
#include "options.h"

#include <keel/timer.h>
#include <stdlib.h>

static void close_table(void *table);
static bool grow_buckets(struct kl_shard *shard);
static void lift(struct kl_shard *shard, uint32_t place, struct kl_entry *entry);
static void sink(struct kl_shard *shard, uint32_t place, struct kl_entry *entry);
static void leave_heap(struct kl_shard *shard, struct kl_entry *entry);

struct kl_table *kl_table_open(struct kl_directory *directory, keel_term name,
        const struct kl_table_kind *kind, uint32_t shards,
        void (*prepare)(struct kl_table *table, void *context), void *context)
{
    struct kl_table *table = kl_directory_add(directory, name);
    if (table == NULL) {
        return NULL;
    }
    // Only the process that has the name comes here, and its predecessor's table was closed
    // before the name was free.
    for (uint32_t i = 0; i < KL_SHARDS && !table->prepared; i++) {
        pthread_mutex_init(&table->shard[i].lock, NULL);
    }
    __atomic_store_n(&table->prepared, true, __ATOMIC_RELEASE); // kl_table_lock's load
    for (uint32_t i = 0; i < KL_SHARDS; i++) {
        pthread_mutex_lock(&table->shard[i].lock);
    }
    table->kind = kind;
    // Read by who had the lock before the last owner ended: see kl_table_hasten.
    __atomic_store_n(&table->owner.word, keel_self().word, __ATOMIC_RELAXED);
    __atomic_store_n(&table->used, shards, __ATOMIC_RELAXED);
    __atomic_store_n(&table->next_due, INT64_MAX, __ATOMIC_RELAXED);
    prepare(table, context);
    for (uint32_t i = 0; i < KL_SHARDS; i++) {
        struct kl_shard *shard = &table->shard[i];
        __builtin_memset(shard->counts, 0, sizeof shard->counts);
        shard->open = true;
        pthread_mutex_unlock(&shard->lock);
    }
    if (keel_defer(close_table, table) != KEEL_OK) {
        close_table(table);
        return NULL;
    }
    return table;
}

static void close_table(void *context)
{
    struct kl_table *table = context;
    for (uint32_t i = 0; i < KL_SHARDS; i++) {
        struct kl_shard *shard = &table->shard[i];
        pthread_mutex_lock(&shard->lock);
        kl_shard_clear(table, shard);
        if (table->kind->close != NULL) {
            table->kind->close(shard);
        }
        free(shard->bucket);
        free(shard->heap);
        shard->bucket = NULL;
        shard->heap = NULL;
        shard->buckets = shard->heap_room = 0;
        shard->open = false;
        pthread_mutex_unlock(&shard->lock);
    }
}

struct kl_shard *kl_table_lock(struct kl_table *table, uint64_t hash)
{
    if (table == NULL || !__atomic_load_n(&table->prepared, __ATOMIC_ACQUIRE)) {
        return NULL;
    }
    // How many shards are in use changes only while all of them are locked, so it is looked
    // at again under the lock: a table that was opened anew meanwhile may spread otherwise.
    for (;;) {
        uint32_t used = __atomic_load_n(&table->used, __ATOMIC_RELAXED);
        struct kl_shard *shard = &table->shard[(hash >> 32) & (used - 1) & (KL_SHARDS - 1)];
        pthread_mutex_lock(&shard->lock);
        if (!shard->open) {
            pthread_mutex_unlock(&shard->lock);
            return NULL;
        }
        if (used == __atomic_load_n(&table->used, __ATOMIC_RELAXED)) {
            return shard;
        }
        pthread_mutex_unlock(&shard->lock);
    }
}

void kl_table_unlock(struct kl_shard *shard)
{
    pthread_mutex_unlock(&shard->lock);
}

struct kl_entry *kl_shard_find(struct kl_shard *shard, keel_term key, uint64_t hash)
{
    if (shard->buckets == 0) {
        return NULL;
    }
    struct kl_entry *entry = shard->bucket[hash & (shard->buckets - 1)];
    while (entry != NULL && (entry->hash != hash || !keel_equal(entry->key, key))) {
        entry = entry->next;
    }
    return entry;
}

bool kl_shard_add(struct kl_shard *shard, struct kl_entry *entry)
{
    if (shard->entries >= shard->buckets && !grow_buckets(shard)) {
        return false;
    }
    int64_t due = entry->due;
    entry->due = INT64_MAX;
    entry->place = 0;
    if (!kl_shard_set_due(shard, entry, due)) {
        return false;
    }
    struct kl_entry **bucket = &shard->bucket[entry->hash & (shard->buckets - 1)];
    entry->next = *bucket;
    *bucket = entry;
    shard->entries++;
    return true;
}

static bool grow_buckets(struct kl_shard *shard)
{
    enum { FIRST = 8 };
    uint32_t buckets = shard->buckets == 0 ? FIRST : shard->buckets * 2;
    struct kl_entry **bucket = calloc(buckets, sizeof *bucket);
    if (bucket == NULL) {
        return shard->buckets != 0; // longer chains will do
    }
    for (uint32_t i = 0; i < shard->buckets; i++) {
        for (struct kl_entry *entry = shard->bucket[i], *next; entry != NULL;
                entry = next) {
            next = entry->next;
            entry->next = bucket[entry->hash & (buckets - 1)];
            bucket[entry->hash & (buckets - 1)] = entry;
        }
    }
    free(shard->bucket);
    shard->bucket = bucket;
    shard->buckets = buckets;
    return true;
}

void kl_shard_remove(struct kl_table *table, struct kl_shard *shard, struct kl_entry *entry)
{
    struct kl_entry **at = &shard->bucket[entry->hash & (shard->buckets - 1)];
    while (*at != entry) {
        at = &(*at)->next;
    }
    *at = entry->next;
    leave_heap(shard, entry);
    shard->entries--;
    table->kind->discard(shard, entry);
}

void kl_shard_clear(struct kl_table *table, struct kl_shard *shard)
{
    for (uint32_t i = 0; i < shard->buckets; i++) {
        while (shard->bucket[i] != NULL) {
            struct kl_entry *entry = shard->bucket[i];
            shard->bucket[i] = entry->next;
            table->kind->discard(shard, entry);
        }
    }
    shard->entries = 0;
    shard->heaped = 0;
    shard->newest = shard->oldest = NULL;
}

// --- what is due ---

bool kl_shard_set_due(struct kl_shard *shard, struct kl_entry *entry, int64_t due)
{
    if (due == INT64_MAX) {
        leave_heap(shard, entry);
        entry->due = due;
        return true;
    }
    if (entry->place == 0) {
        if (shard->heaped == shard->heap_room) {
            uint32_t room = shard->heap_room == 0 ? 8 : shard->heap_room * 2;
            void *heap = realloc(shard->heap, room * sizeof *shard->heap);
            if (heap == NULL) {
                return false;
            }
            shard->heap = heap;
            shard->heap_room = room;
        }
        entry->place = ++shard->heaped;
    }
    bool earlier = due < entry->due;
    entry->due = due;
    if (earlier) {
        lift(shard, entry->place, entry);
    } else {
        sink(shard, entry->place, entry);
    }
    return true;
}

static void put_at(struct kl_shard *shard, uint32_t place, struct kl_entry *entry)
{
    shard->heap[place - 1] = entry;
    entry->place = place;
}

static void lift(struct kl_shard *shard, uint32_t place, struct kl_entry *entry)
{
    while (place > 1 && shard->heap[place / 2 - 1]->due > entry->due) {
        put_at(shard, place, shard->heap[place / 2 - 1]);
        place /= 2;
    }
    put_at(shard, place, entry);
}

static void sink(struct kl_shard *shard, uint32_t place, struct kl_entry *entry)
{
    while (place * 2 <= shard->heaped) {
        uint32_t below = place * 2;
        if (below < shard->heaped &&
                shard->heap[below]->due < shard->heap[below - 1]->due) {
            below++;
        }
        if (shard->heap[below - 1]->due >= entry->due) {
            break;
        }
        put_at(shard, place, shard->heap[below - 1]);
        place = below;
    }
    put_at(shard, place, entry);
}

static void leave_heap(struct kl_shard *shard, struct kl_entry *entry)
{
    uint32_t place = entry->place;
    if (place == 0) {
        return;
    }
    struct kl_entry *last = shard->heap[--shard->heaped];
    entry->place = 0;
    if (last == entry) {
        return;
    }
    // The last one takes the place, and may belong above or below it.
    sink(shard, place, last);
    lift(shard, last->place, last);
}

// Lowers what the owner waits for; true when it was lowered.
static bool lower(struct kl_table *table, int64_t due)
{
    int64_t known = __atomic_load_n(&table->next_due, __ATOMIC_RELAXED);
    while (due < known) {
        if (__atomic_compare_exchange_n(&table->next_due, &known, due, true,
                    __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

void kl_table_hasten(struct kl_table *table, int64_t due)
{
    if (due != INT64_MAX && lower(table, due)) {
        // Of an owner that ends meanwhile, or of the next one, who looks in vain.
        keel_pid owner = {__atomic_load_n(&table->owner.word, __ATOMIC_RELAXED)};
        keel_send(owner, keel_atom(sweep));
    }
}

// Sweeps one shard, a stretch at a time so that nobody waits long for its lock; returns
// when its next entry is due.
static int64_t sweep_shard(struct kl_table *table, struct kl_shard *shard, int64_t now)
{
    enum { STRETCH = 256 };
    for (;;) {
        pthread_mutex_lock(&shard->lock);
        for (int i = 0; i < STRETCH && shard->heaped > 0; i++) {
            struct kl_entry *entry = shard->heap[0];
            if (entry->due > now) {
                break;
            }
            int64_t due = table->kind->look(table, shard, entry, now);
            if (due <= now) {
                kl_shard_remove(table, shard, entry);
            } else {
                (void)kl_shard_set_due(shard, entry, due); // it is in the heap already
            }
        }
        int64_t next = shard->heaped == 0 ? INT64_MAX : shard->heap[0]->due;
        pthread_mutex_unlock(&shard->lock);
        if (next > now) {
            return next;
        }
        keel_yield();
    }
}

void kl_table_sweep(struct kl_table *table, keel_ref *timer)
{
    static const int64_t pause = KEEL_MS(10); // between two sweeps, to do many at once
    int64_t now = kl_clock();
    if (__atomic_load_n(&table->next_due, __ATOMIC_RELAXED) <= now) {
        // Whoever adds while the shards are swept lowers it again and sends another
        // message, so nothing is overlooked.
        __atomic_store_n(&table->next_due, INT64_MAX, __ATOMIC_SEQ_CST);
        int64_t next = INT64_MAX;
        for (uint32_t i = 0; i < table->used; i++) {
            int64_t due = sweep_shard(table, &table->shard[i], now);
            next = due < next ? due : next;
        }
        if (next != INT64_MAX) {
            (void)lower(table, next < now + pause ? now + pause : next);
        }
    }
    if (timer->word != 0) {
        keel_cancel_timer(*timer, NULL);
        keel_drop(keel_from_ref(*timer));
        *timer = (keel_ref){0};
    }
    int64_t next = __atomic_load_n(&table->next_due, __ATOMIC_RELAXED);
    if (next != INT64_MAX) {
        keel_ref armed = keel_send_at(
                keel_deadline_at(next), keel_from_pid(keel_self()), keel_atom(sweep));
        *timer = keel_to_ref(keel_keep(keel_from_ref(armed)));
    }
}

// --- together ---

static uint32_t shards_of(struct kl_table *table)
{
    return __atomic_load_n(&table->prepared, __ATOMIC_ACQUIRE) ? KL_SHARDS : 0;
}

size_t kl_table_size(struct kl_table *table)
{
    size_t size = 0;
    for (uint32_t i = 0; i < shards_of(table); i++) {
        pthread_mutex_lock(&table->shard[i].lock);
        size += table->shard[i].entries;
        pthread_mutex_unlock(&table->shard[i].lock);
    }
    return size;
}

void kl_table_counts(struct kl_table *table, uint64_t counts[KL_SHARD_COUNTS])
{
    __builtin_memset(counts, 0, KL_SHARD_COUNTS * sizeof counts[0]);
    for (uint32_t i = 0; i < shards_of(table); i++) {
        pthread_mutex_lock(&table->shard[i].lock);
        for (int j = 0; j < KL_SHARD_COUNTS; j++) {
            counts[j] += table->shard[i].counts[j];
        }
        pthread_mutex_unlock(&table->shard[i].lock);
    }
}
