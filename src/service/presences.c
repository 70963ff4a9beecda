#include "presences.h"

#include <keel/match.h>
#include <stdlib.h>

static void put(struct kl_presences *set, struct kl_replica *replica, uint64_t dot,
        keel_term entry);
static void take_out(struct kl_presences *set, struct kl_presence *presence);
static void tell(const struct kl_presence_ear *ear, const struct kl_replica *replica,
        bool joined, keel_term entry);
static void tell_all(
        struct kl_replica *replica, bool joined, const struct kl_presence_ear *ear);
static void free_replica(struct kl_presences *set, struct kl_replica *replica);

void kl_presences_done(struct kl_presences *set)
{
    while (set->replicas != NULL) {
        struct kl_replica *replica = set->replicas;
        set->replicas = replica->next;
        free_replica(set, replica);
    }
    kl_presence_index_done(&set->index);
    *set = (struct kl_presences){0};
}

struct kl_replica *kl_presences_replica(const struct kl_presences *set, keel_term ref)
{
    struct kl_replica *replica = set->replicas;
    while (replica != NULL && !keel_equal(replica->ref, ref)) {
        replica = replica->next;
    }
    return replica;
}

struct kl_replica *kl_presences_meet(struct kl_presences *set, keel_term ref)
{
    struct kl_replica *replica = kl_presences_replica(set, ref);
    if (replica == NULL) {
        replica = keel_alloc(sizeof *replica);
        *replica = (struct kl_replica){.next = set->replicas, .ref = keel_keep(ref)};
        set->replicas = replica;
    }
    return replica;
}

void kl_presences_forget(
        struct kl_presences *set, keel_term ref, const struct kl_presence_ear *ear)
{
    struct kl_replica **link = &set->replicas;
    while (*link != NULL && !keel_equal((*link)->ref, ref)) {
        link = &(*link)->next;
    }
    struct kl_replica *gone = *link;
    if (gone != NULL) {
        tell_all(gone, false, ear);
        *link = gone->next;
        free_replica(set, gone);
    }
}

void kl_presences_hide(struct kl_presences *set, keel_term ref, bool hide,
        const struct kl_presence_ear *ear)
{
    struct kl_replica *replica = kl_presences_replica(set, ref);
    if (replica != NULL && replica->hidden != hide) {
        replica->hidden = false; // whichever way, this is what others hear of now
        tell_all(replica, !hide, ear);
        replica->hidden = hide;
    }
}

void kl_presences_add(struct kl_presences *set, struct kl_presences *delta, keel_term entry)
{
    struct kl_replica *own = set->own;
    struct kl_replica *told = kl_presences_meet(delta, own->ref);
    uint64_t dot = kl_dots_last(&own->dots) + 1;
    kl_dots_add(&own->dots, dot, dot);
    kl_dots_add(&told->dots, dot, dot);
    put(set, own, dot, entry);
    put(delta, told, dot, entry);
}

void kl_presences_remove(
        struct kl_presences *set, struct kl_presences *delta, struct kl_presence *presence)
{
    struct kl_replica *own = presence->replica;
    struct kl_replica *told = kl_presences_meet(delta, own->ref);
    uint64_t dot = kl_dots_last(&own->dots) + 1, born = presence->dot;
    struct kl_presence *untold = kl_hash_get(&told->alive, born);
    kl_dots_add(&own->dots, dot, dot);
    kl_dots_add(&told->dots, dot, dot);
    kl_dots_add(&told->dots, born, born);
    take_out(set, presence);
    if (untold != NULL) {
        take_out(delta, untold);
    }
}

// --- merging ---

// One replica's share of a part, while it is being merged.
struct share {
    struct kl_dots dots;
    struct kl_hash alive; // dot → the entry's word
};

// Nobody counts up to numbers larger than that: they are mistakes.
static bool get_dot(keel_term term, uint64_t *ret_dot)
{
    return keel_get_uint(term, ret_dot) && *ret_dot >= 1 && *ret_dot < (uint64_t)1 << 61;
}

static bool is_entry(keel_term entry)
{
    return keel_tuple_size(entry) == 4 && keel_is_pid(keel_element(entry, 1));
}

// Presences whose dot the share does not have are left out: that cannot be.
static void read_share(struct share *share, keel_term dots, keel_term alive)
{
    keel_term item;
    uint64_t first, last;
    while (keel_list_next(&dots, &item)) {
        if (get_dot(keel_element(item, 0), &first) &&
                get_dot(keel_element(item, 1), &last) && first <= last) {
            kl_dots_add(&share->dots, first, last);
        }
    }
    while (keel_list_next(&alive, &item)) {
        keel_term entry = keel_element(item, 1);
        if (get_dot(keel_element(item, 0), &first) && is_entry(entry) &&
                kl_dots_has(&share->dots, first) &&
                !kl_hash_put(&share->alive, first, (void *)(uintptr_t)entry.word)) {
            keel_exit(keel_atom(system_limit));
        }
    }
}

static void end_presence(struct kl_presences *set, struct kl_presence *presence,
        const struct kl_presence_ear *ear)
{
    tell(ear, presence->replica, false, presence->entry);
    take_out(set, presence);
}

// Takes out what is alive here and, as the share knows, gone there.
static void remove_gone(struct kl_presences *set, struct kl_replica *replica,
        struct share *share, const struct kl_presence_ear *ear)
{
    struct kl_hash_cursor at = {0};
    if (kl_dots_size(&share->dots) > replica->alive.count) {
        while (kl_hash_each(&replica->alive, &at)) {
            if (kl_dots_has(&share->dots, at.key) &&
                    kl_hash_get(&share->alive, at.key) == NULL) {
                end_presence(set, at.value, ear);
            }
        }
        return;
    }
    for (size_t i = 0; i < share->dots.count; i++) {
        const struct kl_span *span = &share->dots.spans[i];
        for (uint64_t dot = span->first; dot <= span->last; dot++) {
            struct kl_presence *here = kl_hash_get(&replica->alive, dot);
            if (here != NULL && kl_hash_get(&share->alive, dot) == NULL) {
                end_presence(set, here, ear);
            }
        }
    }
}

static void add_new(struct kl_presences *set, struct kl_replica *replica,
        struct share *share, const struct kl_presence_ear *ear)
{
    struct kl_hash_cursor at = {0};
    while (kl_hash_each(&share->alive, &at)) {
        if (!kl_dots_has(&replica->dots, at.key)) {
            keel_term entry = {(uint64_t)(uintptr_t)at.value};
            put(set, replica, at.key, entry);
            tell(ear, replica, true, entry);
        }
    }
}

void kl_presences_merge(struct kl_presences *set, keel_term part, bool meet,
        const struct kl_presence_ear *ear)
{
    keel_term item, ref, dots, alive;
    while (keel_list_next(&part, &item)) {
        if (!keel_match(item, "{Replica, Dots, Alive}", &ref, &dots, &alive)) {
            continue;
        }
        struct kl_replica *replica = meet ? kl_presences_meet(set, ref)
                                          : kl_presences_replica(set, ref);
        if (replica == NULL || replica == set->own) {
            continue;
        }
        struct share share = {0};
        kl_hash_init(&share.alive);
        read_share(&share, dots, alive);
        remove_gone(set, replica, &share, ear);
        add_new(set, replica, &share, ear);
        kl_dots_add_all(&replica->dots, &share.dots);
        kl_dots_done(&share.dots);
        kl_hash_done(&share.alive);
    }
}

// --- parts as terms ---

static keel_term spans_of(const struct kl_dots *dots)
{
    keel_term list = keel_nil();
    for (size_t i = dots->count; i > 0; i--) {
        const struct kl_span *span = &dots->spans[i - 1];
        list = keel_cons(
                keel_tuple_of(keel_uint(span->first), keel_uint(span->last)), list);
    }
    return list;
}

static int compare_dots(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

// The replica's share for somebody who knows of it all up to `known`: without what that
// one has and is still alive.
static keel_term share_of(struct kl_replica *replica, uint64_t known)
{
    struct kl_hash_cursor at = {0};
    keel_term alive = keel_nil();
    uint64_t *had = keel_alloc((replica->alive.count + 1) * sizeof *had);
    size_t count = 0;
    while (kl_hash_each(&replica->alive, &at)) {
        const struct kl_presence *presence = at.value;
        if (at.key <= known) {
            had[count++] = at.key;
        } else {
            keel_term entry = keel_copy(presence->entry);
            alive = keel_cons(keel_tuple_of(keel_uint(at.key), entry), alive);
        }
    }
    struct kl_dots dots = {0};
    kl_dots_add_all(&dots, &replica->dots);
    qsort(had, count, sizeof *had, compare_dots); // in order each removal is quick
    for (size_t i = 0; i < count; i++) {
        kl_dots_remove(&dots, had[i]);
    }
    keel_term share = keel_tuple_of(keel_copy(replica->ref), spans_of(&dots), alive);
    kl_dots_done(&dots);
    keel_free(had);
    return share;
}

keel_term kl_presences_all(const struct kl_presences *set)
{
    keel_term part = keel_nil();
    for (struct kl_replica *at = set->replicas; at != NULL; at = at->next) {
        if (at->dots.count > 0) {
            part = keel_cons(share_of(at, 0), part);
        }
    }
    return part;
}

keel_term kl_presences_since(const struct kl_presences *set, keel_term clock)
{
    keel_term part = keel_nil();
    uint64_t known;
    for (struct kl_replica *at = set->replicas; at != NULL; at = at->next) {
        if (keel_get_uint(keel_map_get(clock, at->ref), &known) &&
                kl_dots_last(&at->dots) > known) {
            part = keel_cons(share_of(at, known), part);
        }
    }
    return part;
}

keel_term kl_presences_clock(const struct kl_presences *set)
{
    size_t count = 0, i = 0;
    for (const struct kl_replica *at = set->replicas; at != NULL; at = at->next) {
        count++;
    }
    keel_term *refs = keel_alloc(2 * (count + 1) * sizeof *refs), *known = refs + count;
    for (const struct kl_replica *at = set->replicas; at != NULL; at = at->next, i++) {
        refs[i] = at->ref;
        known[i] = keel_uint(kl_dots_prefix(&at->dots));
    }
    keel_term clock = keel_copy(keel_map(refs, known, count));
    keel_free(refs);
    return clock;
}

size_t kl_presences_size(const struct kl_presences *set)
{
    size_t size = set->alive;
    for (const struct kl_replica *at = set->replicas; at != NULL; at = at->next) {
        size += at->dots.count;
    }
    return size;
}

// --- one presence ---

static void put(
        struct kl_presences *set, struct kl_replica *replica, uint64_t dot, keel_term entry)
{
    struct kl_presence *presence = keel_alloc(sizeof *presence);
    presence->entry = keel_keep(entry);
    presence->dot = dot;
    presence->replica = replica;
    if (!kl_hash_put(&replica->alive, dot, presence)) {
        keel_exit(keel_atom(system_limit));
    }
    kl_presence_index_add(&set->index, presence);
    set->alive++;
}

static void take_out(struct kl_presences *set, struct kl_presence *presence)
{
    kl_hash_remove(&presence->replica->alive, presence->dot);
    kl_presence_index_remove(&set->index, presence);
    set->alive--;
    keel_drop(presence->entry);
    keel_free(presence);
}

static void tell(const struct kl_presence_ear *ear, const struct kl_replica *replica,
        bool joined, keel_term entry)
{
    if (ear != NULL && !replica->hidden) {
        ear->told(ear->context, joined, entry);
    }
}

static void tell_all(
        struct kl_replica *replica, bool joined, const struct kl_presence_ear *ear)
{
    struct kl_hash_cursor at = {0};
    while (kl_hash_each(&replica->alive, &at)) {
        tell(ear, replica, joined, ((struct kl_presence *)at.value)->entry);
    }
}

static void free_replica(struct kl_presences *set, struct kl_replica *replica)
{
    struct kl_hash_cursor at = {0};
    while (kl_hash_each(&replica->alive, &at)) {
        take_out(set, at.value);
    }
    kl_hash_done(&replica->alive);
    kl_dots_done(&replica->dots);
    keel_drop(replica->ref);
    keel_free(replica);
}
