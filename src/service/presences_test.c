// What is known of presences, against all schedules that a seed comes up with.

#include "presences.h"

#include "testing/harness.h"
#include <keel/etf.h>
#include <keel/match.h>

enum { REPLICAS = 4, EVENTS = 120, MOST_PARTS = 16 };

static uint64_t state;
static unsigned any(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static keel_term ref_of(unsigned replica)
{
    return keel_make("{Name, 1}", replica);
}

// A presence of pid 1 here: what comes from where is in the key.
static keel_term new_entry(unsigned replica, unsigned number)
{
    static keel_pid pid;
    if (pid.word == 0) {
        static const uint8_t form[] = {
                131, 88, 119, 1, 'n', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};
        keel_term term;
        CHECK_OK(keel_etf_decode(form, sizeof form, NULL, NULL, &term));
        pid = keel_to_pid(keel_keep(term));
    }
    return keel_make(
            "{Topic, Pid, {Replica, Number}, #{}}", number % 3, pid, replica, number);
}

// --- two sets are the same ---

static void check_part(const struct kl_presences *a, const struct kl_presences *b)
{
    CHECK_INT(a->alive, b->alive);
    for (struct kl_replica *at = a->replicas; at != NULL; at = at->next) {
        const struct kl_replica *other = kl_presences_replica(b, at->ref);
        CHECK(other != NULL || at->dots.count == 0);
        if (other == NULL) {
            continue;
        }
        CHECK_INT(at->dots.count, other->dots.count);
        for (size_t i = 0; i < at->dots.count; i++) {
            CHECK_INT(at->dots.spans[i].first, other->dots.spans[i].first);
            CHECK_INT(at->dots.spans[i].last, other->dots.spans[i].last);
        }
        struct kl_hash_cursor walk = {0};
        while (kl_hash_each(&at->alive, &walk)) {
            const struct kl_presence *one = walk.value;
            const struct kl_presence *two = kl_hash_get(&other->alive, walk.key);
            CHECK(two != NULL && keel_equal(one->entry, two->entry));
        }
    }
}

static void check_same(const struct kl_presences *a, const struct kl_presences *b)
{
    check_part(a, b);
    check_part(b, a);
}

// --- a world of replicas that lose messages ---

struct world {
    struct kl_presences set[REPLICAS], delta[REPLICAS];
    keel_term parts[MOST_PARTS]; // that were told of, kept
    unsigned part_count, number;
    unsigned lost; // of four messages
};

static void open_world(struct world *world)
{
    *world = (struct world){.part_count = 0};
    state = kl_test_seed();
    world->lost = any(4);
    for (unsigned i = 0; i < REPLICAS; i++) {
        for (unsigned j = 0; j < REPLICAS; j++) {
            kl_presences_meet(&world->set[i], ref_of(j));
        }
        world->set[i].own = kl_presences_replica(&world->set[i], ref_of(i));
    }
}

static void close_world(struct world *world)
{
    for (unsigned i = 0; i < REPLICAS; i++) {
        kl_presences_done(&world->set[i]);
        kl_presences_done(&world->delta[i]);
    }
    for (unsigned i = 0; i < world->part_count; i++) {
        keel_drop(world->parts[i]);
    }
}

static void join(struct world *world, unsigned who)
{
    kl_presences_add(&world->set[who], &world->delta[who], new_entry(who, world->number++));
}

static struct kl_presence *any_own(struct world *world, unsigned who)
{
    struct kl_hash_cursor at = {0};
    uint32_t count = world->set[who].own->alive.count;
    unsigned skip = count == 0 ? 0 : any(count);
    while (kl_hash_each(&world->set[who].own->alive, &at)) {
        if (skip-- == 0) {
            return at.value;
        }
    }
    return NULL;
}

// A part that somebody could send: its delta, all it has, or what another one lacks.
static keel_term some_part(struct world *world)
{
    unsigned who = any(REPLICAS);
    keel_term part = keel_nil();
    switch (any(4)) {
    case 0:
        part = kl_presences_all(&world->set[who]);
        break;
    case 1:
        part = kl_presences_since(
                &world->set[who], kl_presences_clock(&world->set[any(REPLICAS)]));
        break;
    default:
        part = kl_presences_all(&world->delta[who]);
        if (any(2) == 0) {
            kl_presences_done(&world->delta[who]); // and nobody may have heard of it
        }
    }
    return part;
}

// Tells the others of the last moments, as far as that is not lost.
static void beat(struct world *world, unsigned who)
{
    keel_term part = kl_presences_all(&world->delta[who]);
    for (unsigned i = 0; i < REPLICAS; i++) {
        if (any(4) >= world->lost) {
            kl_presences_merge(&world->set[i], part, false, NULL);
        }
    }
    kl_presences_done(&world->delta[who]);
}

static void remember(struct world *world, keel_term part)
{
    if (world->part_count < MOST_PARTS) {
        world->parts[world->part_count++] = keel_keep(part);
    }
}

static void live(struct world *world)
{
    for (int i = 0; i < EVENTS; i++) {
        keel_scope scope = keel_scope_open();
        unsigned who = any(REPLICAS);
        struct kl_presence *presence;
        switch (any(12)) {
        case 0:
        case 1:
        case 2:
        case 3:
            join(world, who);
            break;
        case 4:
        case 5:
        case 6:
            presence = any_own(world, who);
            if (presence != NULL) {
                kl_presences_remove(&world->set[who], &world->delta[who], presence);
            }
            break;
        case 7:
        case 8:
            beat(world, who);
            break;
        case 9:
            kl_presences_merge(&world->set[who], some_part(world), false, NULL);
            break;
        default:
            remember(world, some_part(world));
        }
        keel_scope_close(&scope);
    }
}

// What is alive anywhere is alive at whom it belongs to.
static void check_truth(struct world *world, const struct kl_presences *set)
{
    size_t alive = 0;
    for (unsigned i = 0; i < REPLICAS; i++) {
        struct kl_replica *known = kl_presences_replica(set, ref_of(i));
        struct kl_hash_cursor at = {0};
        alive += world->set[i].own->alive.count;
        while (kl_hash_each(&known->alive, &at)) {
            CHECK(kl_hash_get(&world->set[i].own->alive, at.key) != NULL);
        }
    }
    CHECK_INT(set->alive, alive);
}

static struct kl_presences merged(keel_term a, keel_term b, keel_term c)
{
    struct kl_presences set = {0};
    kl_presences_merge(&set, a, true, NULL);
    kl_presences_merge(&set, b, true, NULL);
    kl_presences_merge(&set, c, true, NULL);
    return set;
}

TEST("parts merge to the same in any order, grouping and number", .ids = "PB-071",
        .seeded = true)
{
    struct world world;
    open_world(&world);
    live(&world);
    for (int round = 0; round < 20 && world.part_count > 0; round++) {
        keel_scope scope = keel_scope_open();
        keel_term a = world.parts[any(world.part_count)];
        keel_term b = world.parts[any(world.part_count)];
        keel_term c = world.parts[any(world.part_count)];
        struct kl_presences abc = merged(a, b, c), cba = merged(c, b, a);
        check_same(&abc, &cba);
        struct kl_presences twice = merged(a, b, c);
        kl_presences_merge(&twice, a, true, NULL);
        kl_presences_merge(&twice, kl_presences_all(&cba), true, NULL);
        check_same(&abc, &twice);
        struct kl_presences bc = merged(b, c, keel_nil());
        struct kl_presences grouped = merged(a, kl_presences_all(&bc), keel_nil());
        check_same(&abc, &grouped);
        struct kl_presences *all[] = {&abc, &cba, &twice, &bc, &grouped};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            kl_presences_done(all[i]);
        }
        keel_scope_close(&scope);
    }
    close_world(&world);
}

TEST("those who have lost messages know the same, and the truth, once they asked each "
     "other",
        .ids = "PB-071", .seeded = true)
{
    struct world world;
    open_world(&world);
    live(&world);
    // Old parts come late, and change nothing in the end.
    for (unsigned i = 0; i < world.part_count; i++) {
        kl_presences_merge(&world.set[any(REPLICAS)], world.parts[i], false, NULL);
    }
    for (unsigned i = 0; i < REPLICAS; i++) {
        for (unsigned j = 0; j < REPLICAS; j++) {
            keel_scope scope = keel_scope_open();
            keel_term lacks = kl_presences_since(
                    &world.set[j], kl_presences_clock(&world.set[i]));
            kl_presences_merge(&world.set[i], lacks, false, NULL);
            keel_scope_close(&scope);
        }
        check_truth(&world, &world.set[i]);
        check_same(&world.set[0], &world.set[i]);
    }
    CHECK(keel_is_nil(
            kl_presences_since(&world.set[1], kl_presences_clock(&world.set[2]))));
    close_world(&world);
}

// --- what is told ---

struct shown {
    keel_term keys; // a list
    unsigned joins, leaves;
};

static void note(void *context, bool joined, keel_term entry)
{
    struct shown *shown = context;
    keel_term key = keel_element(entry, 2), kept = keel_nil(), other, rest = shown->keys;
    bool had = keel_list_member(key, shown->keys);
    CHECK(had != joined); // nothing comes twice, and nothing goes that was not there
    joined ? shown->joins++ : shown->leaves++;
    while (keel_list_next(&rest, &other)) {
        if (!keel_equal(other, key)) {
            kept = keel_cons(other, kept);
        }
    }
    shown->keys = joined ? keel_cons(keel_copy(key), shown->keys) : kept;
}

TEST("who follows what is told of merges has what is shown", .ids = "PB-073",
        .seeded = true)
{
    struct world world;
    struct kl_presences watcher = {0};
    struct shown shown = {keel_nil(), 0, 0};
    const struct kl_presence_ear ear = {note, &shown};
    open_world(&world);
    for (unsigned i = 0; i < REPLICAS; i++) {
        kl_presences_meet(&watcher, ref_of(i));
    }
    for (int round = 0; round < 12; round++) {
        live(&world);
        unsigned which = any(REPLICAS);
        switch (any(4)) {
        case 0:
            kl_presences_hide(&watcher, ref_of(which), any(2) == 0, &ear);
            break;
        case 1:
            kl_presences_forget(&watcher, ref_of(which), &ear);
            kl_presences_meet(&watcher, ref_of(which));
            break;
        default:
            kl_presences_merge(&watcher, some_part(&world), false, &ear);
        }
        size_t count = 0, listed;
        for (struct kl_replica *at = watcher.replicas; at != NULL; at = at->next) {
            count += at->hidden ? 0 : at->alive.count;
        }
        CHECK(keel_list_length(shown.keys, &listed));
        CHECK_INT(listed, count);
    }
    kl_presences_done(&watcher);
    close_world(&world);
}

static void deliver(struct world *world, struct kl_presences *to, struct shown *shown)
{
    const struct kl_presence_ear ear = {note, shown};
    kl_presences_merge(to, kl_presences_all(&world->delta[0]), false, &ear);
    kl_presences_done(&world->delta[0]);
}

TEST("one that comes and goes before others hear of it was never there for them",
        .ids = "PB-073")
{
    struct world world;
    struct shown shown = {keel_nil(), 0, 0};
    open_world(&world);
    join(&world, 0);
    join(&world, 0);
    kl_presences_remove(&world.set[0], &world.delta[0], any_own(&world, 0));
    deliver(&world, &world.set[1], &shown);
    CHECK_INT(shown.joins, 1);
    CHECK_INT(shown.leaves, 0);
    CHECK_INT(world.set[1].alive, 1);
    kl_presences_remove(&world.set[0], &world.delta[0], any_own(&world, 0));
    deliver(&world, &world.set[1], &shown);
    CHECK_INT(shown.leaves, 1);
    CHECK_INT(world.set[1].alive, 0);
    close_world(&world);
}

TEST("of an unknown replica nothing is taken over, and one's own nobody else changes")
{
    struct world world;
    open_world(&world);
    join(&world, 0);
    keel_term before = kl_presences_clock(&world.set[0]);
    kl_presences_merge(&world.set[0], keel_make("[{{0, 1}, [{1, 9}], []}]"), false, NULL);
    kl_presences_merge(&world.set[0], keel_make("[{{7, 1}, [{1, 9}], []}]"), false, NULL);
    CHECK(keel_equal(kl_presences_clock(&world.set[0]), before));
    CHECK_INT(world.set[0].alive, 1);
    close_world(&world);
}

TEST("what is no part changes nothing")
{
    static const char *const bad[] = {"x", "[x]", "[{{1, 1}, x, y}]", "[{{1, 1}, [], [x]}]",
            "[{{1, 1}, [{0, 2}, {3, 2}, {1, x}, {-1, 5}, {1, 2305843009213693952}], []}]",
            "[{{1, 1}, [], [{1, {t, p, k, m}}, {1, {}}]} | x]"};
    struct world world;
    open_world(&world);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        keel_term part;
        CHECK_OK(keel_parse(bad[i], __builtin_strlen(bad[i]), &part, NULL));
        kl_presences_merge(&world.set[0], part, false, NULL);
    }
    CHECK_INT(world.set[0].alive, 0);
    CHECK_INT(kl_presences_size(&world.set[0]), 0);
    // An entry without its dot, or without a process.
    kl_presences_merge(&world.set[0],
            keel_make("[{{1, 1}, [{1, 1}], [{2, Entry}, {1, {t, p, k, m}}]}]",
                    new_entry(1, 1)),
            false, NULL);
    CHECK_INT(world.set[0].alive, 0);
    close_world(&world);
}

TEST("presences are found by topic, by key and by process")
{
    struct world world;
    open_world(&world);
    for (unsigned i = 0; i < 100; i++) {
        join(&world, i % 2);
    }
    kl_presences_merge(&world.set[0], kl_presences_all(&world.set[1]), false, NULL);
    const struct kl_presence_index *index = &world.set[0].index;
    unsigned count = 0;
    struct kl_presence *at = NULL;
    while ((at = kl_presence_of_topic(index, keel_int(1), at)) != NULL) {
        CHECK_INT(keel_to_int(kl_presence_topic(at)), 1);
        count++;
    }
    CHECK_INT(count, 33);
    at = kl_presence_of_key(index, keel_int(1), keel_make("{0, 4}"), NULL);
    CHECK(at != NULL);
    CHECK(kl_presence_of_key(index, keel_int(1), keel_make("{0, 4}"), at) == NULL);
    CHECK(kl_presence_of_key(index, keel_int(2), keel_make("{0, 4}"), NULL) == NULL);
    keel_term pid = keel_copy(kl_presence_pid(at));
    for (count = 0, at = NULL; (at = kl_presence_of_pid(index, pid, at)) != NULL; count++) {
    }
    CHECK_INT(count, 100);
    while ((at = kl_presence_of_pid(index, pid, NULL)) != NULL && count-- > 0) {
        if (at->replica == world.set[0].own) {
            kl_presences_remove(&world.set[0], &world.delta[0], at);
        } else {
            kl_presences_forget(&world.set[0], ref_of(1), NULL);
        }
    }
    CHECK(at == NULL);
    CHECK_INT(world.set[0].alive, 0);
    close_world(&world);
}
