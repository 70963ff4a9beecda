#include "presence_index.h"

static uint64_t hash_of_key(keel_term topic, keel_term key);
static struct kl_presence *start(const struct kl_presence_index *index, int way,
        uint64_t hash, const struct kl_presence *after);

void kl_presence_index_done(struct kl_presence_index *index)
{
    for (int way = 0; way < KL_PRESENCE_WAYS; way++) {
        kl_hash_done(&index->heads[way]);
    }
}

void kl_presence_index_add(struct kl_presence_index *index, struct kl_presence *presence)
{
    keel_term topic = kl_presence_topic(presence);
    const uint64_t hashes[KL_PRESENCE_WAYS] = {
            keel_hash(topic),
            hash_of_key(topic, kl_presence_key(presence)),
            keel_hash(kl_presence_pid(presence)),
    };
    for (int way = 0; way < KL_PRESENCE_WAYS; way++) {
        struct kl_presence *head = kl_hash_get(&index->heads[way], hashes[way]);
        presence->place[way] = (struct kl_presence_place){head, NULL, hashes[way]};
        if (!kl_hash_put(&index->heads[way], hashes[way], presence)) {
            keel_exit(keel_atom(system_limit));
        }
        if (head != NULL) {
            head->place[way].before = presence;
        }
    }
}

void kl_presence_index_remove(struct kl_presence_index *index, struct kl_presence *presence)
{
    for (int way = 0; way < KL_PRESENCE_WAYS; way++) {
        struct kl_presence_place *place = &presence->place[way];
        if (place->next != NULL) {
            place->next->place[way].before = place->before;
        }
        if (place->before != NULL) {
            place->before->place[way].next = place->next;
        } else if (place->next == NULL) {
            kl_hash_remove(&index->heads[way], place->hash);
        } else if (!kl_hash_put(&index->heads[way], place->hash, place->next)) {
            keel_exit(keel_atom(system_limit));
        }
    }
}

struct kl_presence *kl_presence_of_topic(const struct kl_presence_index *index,
        keel_term topic, const struct kl_presence *after)
{
    struct kl_presence *at = start(index, KL_PRESENCE_BY_TOPIC, keel_hash(topic), after);
    while (at != NULL && !keel_equal(kl_presence_topic(at), topic)) {
        at = at->place[KL_PRESENCE_BY_TOPIC].next;
    }
    return at;
}

struct kl_presence *kl_presence_of_key(const struct kl_presence_index *index,
        keel_term topic, keel_term key, const struct kl_presence *after)
{
    uint64_t hash = after != NULL ? 0 : hash_of_key(topic, key);
    struct kl_presence *at = start(index, KL_PRESENCE_BY_KEY, hash, after);
    while (at != NULL && !(keel_equal(kl_presence_topic(at), topic) &&
                                 keel_equal(kl_presence_key(at), key))) {
        at = at->place[KL_PRESENCE_BY_KEY].next;
    }
    return at;
}

struct kl_presence *kl_presence_of_pid(const struct kl_presence_index *index, keel_term pid,
        const struct kl_presence *after)
{
    struct kl_presence *at = start(index, KL_PRESENCE_BY_PID, keel_hash(pid), after);
    while (at != NULL && !keel_equal(kl_presence_pid(at), pid)) {
        at = at->place[KL_PRESENCE_BY_PID].next;
    }
    return at;
}

static uint64_t hash_of_key(keel_term topic, keel_term key)
{
    // The multiplier keeps {a, b} and {b, a} apart.
    return keel_hash(topic) * 0x9e3779b97f4a7c15u + keel_hash(key);
}

// Where a walk goes on, or the head of the chain.
static struct kl_presence *start(const struct kl_presence_index *index, int way,
        uint64_t hash, const struct kl_presence *after)
{
    return after != NULL ? after->place[way].next : kl_hash_get(&index->heads[way], hash);
}
