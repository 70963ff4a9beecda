// The relations of a process: found by key, be they few or many.

#include "proc_testing.h"

#include "process.h"

static struct kl_relation *add(uint64_t key)
{
    struct kl_relation *relation = kl_relation_add(
            kl_process_current(), key << 4 | 5, KL_REL_OWED, keel_self());
    CHECK(relation);
    return relation;
}

static struct kl_relation *find(uint64_t key)
{
    return kl_relation_find(kl_process_current(), key << 4 | 5);
}

PROCESS_TEST("few relations and many are found, and only until they are removed")
{
    struct kl_process *self = kl_process_current();
    uint32_t before = self->relation_count;
    for (uint64_t count = 1; count <= 200; count = count * 2 + 1) {
        for (uint64_t key = 1; key <= count; key++) {
            CHECK(!find(key));
            CHECK_INT(add(key)->kind, KL_REL_OWED);
        }
        CHECK_INT(self->relation_count, before + count);
        for (uint64_t key = 1; key <= count; key++) {
            CHECK(find(key) && find(key)->key == (key << 4 | 5));
        }
        for (uint64_t key = 1; key <= count; key += 2) {
            kl_relation_remove(self, find(key));
        }
        for (uint64_t key = 1; key <= count; key++) {
            CHECK((find(key) != NULL) == (key % 2 == 0));
        }
        for (uint64_t key = count / 2 * 2; key > 0; key -= 2) {
            kl_relation_remove(self, find(key));
        }
        CHECK_INT(self->relation_count, before);
    }
}

PROCESS_TEST("a relation takes what it kept with it")
{
    struct kl_process *self = kl_process_current();
    size_t owned = self->owned_bytes;
    struct kl_relation *relation = add(7);
    relation->tag = kl_keep_for(self, keel_make("{a, <<\"tag\">>}"));
    relation->object = kl_keep_for(self, keel_make("{name, node}"));
    CHECK(self->owned_bytes > owned);
    kl_relation_remove(self, relation);
    CHECK_INT(self->owned_bytes, owned);
}

static void link_to_many(keel_term count)
{
    for (int64_t i = keel_to_int(count); i > 0; i--) {
        keel_spawn_link(wait_forever, KEEL_NONE);
        CHECK(!no_ref(keel_monitor(keel_parent())));
    }
    keel_exit(keel_atom(over));
}

PROCESS_TEST("a process with many relations ends as one with few")
{
    for (int i = 1; i <= 300; i = i * 3 + 1) {
        keel_term others = keel_process_list();
        CHECK_TERM(
                end_of(keel_spawn(link_to_many, keel_int(i))), "Reason", &(keel_term){0});
        await_others(others);
    }
}
