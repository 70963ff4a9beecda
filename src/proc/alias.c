// Aliases: references that can be sent to. Any thread may send through one, so they stand
// in a table of their own; a process keeps a list of its active ones.

#include "process.h"

// Aliases are few beside messages: one table under a lock, by reference.
struct kl_alias {
    struct kl_alias *next, *prev; // of the owner
    uint64_t ref;
    keel_pid owner;
    uint8_t mode; // keel_alias_mode
    bool first; // a priority alias
};

enum { SHARDS = 16 };
static struct shard {
    struct kl_lock lock;
    struct kl_hash aliases;
} __attribute__((aligned(KL_CACHE_LINE))) shards[SHARDS];

static struct shard *shard_of(uint64_t ref)
{
    return &shards[(ref >> 4) * 0x9e3779b97f4a7c15u >> 60];
}

keel_status kl_alias_make(struct kl_process *self, keel_ref ref, uint8_t mode, bool first)
{
    struct kl_extras *extras = kl_extras(self);
    struct kl_alias *alias = kl_pool_alloc(sizeof *alias);
    if (alias == NULL) {
        return KEEL_E_NOMEM;
    }
    *alias = (struct kl_alias){.ref = ref.word,
            .owner = kl_process_pid(self),
            .mode = mode,
            .first = first,
            .next = extras->alias_list};
    struct shard *shard = shard_of(ref.word);
    kl_lock_take(&shard->lock);
    bool put = kl_hash_put(&shard->aliases, ref.word, alias);
    kl_lock_give(&shard->lock);
    if (!put) {
        kl_pool_free(alias, sizeof *alias);
        return KEEL_E_NOMEM;
    }
    if (alias->next != NULL) {
        alias->next->prev = alias;
    }
    extras->alias_list = alias;
    extras->aliases++;
    return KEEL_OK;
}

// Takes it out of the table, if it is `self`'s and there.
static struct kl_alias *take_out(struct kl_process *self, uint64_t ref)
{
    struct shard *shard = shard_of(ref);
    kl_lock_take(&shard->lock);
    struct kl_alias *alias = kl_hash_get(&shard->aliases, ref);
    if (alias != NULL && alias->owner.word == kl_process_pid(self).word) {
        kl_hash_remove(&shard->aliases, ref);
    } else {
        alias = NULL;
    }
    kl_lock_give(&shard->lock);
    return alias;
}

static void forget(struct kl_process *self, struct kl_alias *alias)
{
    if (alias->prev != NULL) {
        alias->prev->next = alias->next;
    } else {
        self->extras->alias_list = alias->next;
    }
    if (alias->next != NULL) {
        alias->next->prev = alias->prev;
    }
    self->extras->aliases--;
    kl_pool_free(alias, sizeof *alias);
}

void kl_alias_release(struct kl_process *self, uint64_t ref)
{
    struct kl_alias *alias = take_out(self, ref);
    if (alias != NULL) {
        forget(self, alias);
    }
}

void kl_alias_release_all(struct kl_process *self)
{
    while (self->extras != NULL && self->extras->alias_list != NULL) {
        kl_alias_release(self, self->extras->alias_list->ref);
    }
}

// What stands under a reference, by value; all zero when nothing does.
static struct kl_alias look_up(uint64_t ref)
{
    struct kl_alias found = {0};
    struct shard *shard = shard_of(ref);
    kl_lock_take(&shard->lock);
    const struct kl_alias *alias = kl_hash_get(&shard->aliases, ref);
    if (alias != NULL) {
        found.owner = alias->owner; // its list belongs to the owner alone
        found.mode = alias->mode;
        found.first = alias->first;
    }
    kl_lock_give(&shard->lock);
    return found;
}

bool kl_alias_active(struct kl_process *self, uint64_t ref)
{
    return look_up(ref).owner.word == kl_process_pid(self).word;
}

// As long as the process lives; told apart from what other aliases are for.
enum { ALIAS_OF_TIMER = KEEL_ALIAS_REPLY_DEMONITOR + 1 };

keel_ref kl_alias_for_timer(void)
{
    struct kl_process *self = kl_process_current();
    keel_ref ref = keel_make_ref();
    if (kl_alias_make(self, ref, ALIAS_OF_TIMER, false) != KEEL_OK) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    return ref;
}

keel_pid kl_alias_timer(keel_ref ref)
{
    struct kl_alias alias = look_up(ref.word);
    return alias.mode == ALIAS_OF_TIMER ? alias.owner : (keel_pid){0};
}

// The message travels as one that came through the alias: whether it is delivered is
// decided when it is taken, in the receiver's order of signals. Otherwise a DOWN or an
// unalias that came first would be overtaken.
void kl_alias_send(keel_ref ref, struct kl_envelope *envelope, bool first)
{
    struct kl_alias alias = look_up(ref.word);
    if (alias.owner.word == 0) {
        kl_envelope_free(envelope);
        return;
    }
    envelope->ref = ref.word;
    if (first && alias.first) {
        envelope->flags |= KL_FIRST;
    }
    kl_deliver(alias.owner, envelope);
}

void kl_alias_arrived(struct kl_process *self, struct kl_envelope *envelope)
{
    uint64_t ref = envelope->ref;
    struct kl_alias alias = look_up(ref);
    if (alias.owner.word != kl_process_pid(self).word) {
        kl_envelope_free(envelope);
        return;
    }
    envelope->kind = KL_MESSAGE;
    kl_mailbox_append(self, envelope);
    if (alias.mode == KEEL_ALIAS_REPLY_DEMONITOR) {
        kl_demonitor(self, (keel_ref){ref});
        kl_alias_release(self, ref);
    }
}

keel_ref keel_alias(void)
{
    keel_ref ref = {0};
    keel_status status = keel_alias_opt(keel_nil(), &ref);
    (void)status;
    return ref;
}

keel_status keel_alias_opt(keel_term options, keel_ref *ret_alias)
{
    uint8_t mode = KEEL_ALIAS_EXPLICIT_UNALIAS;
    bool first = false;
    keel_term item;
    if (ret_alias == NULL) {
        return KEEL_E_BADARG;
    }
    while (keel_list_next(&options, &item)) {
        if (keel_is(item, reply)) {
            mode = KEEL_ALIAS_REPLY_DEMONITOR;
        } else if (keel_is(item, priority)) {
            first = true;
        } else if (!keel_is(item, explicit_unalias)) {
            return KEEL_E_BADARG;
        }
    }
    if (!keel_is_nil(options)) {
        return KEEL_E_BADARG;
    }
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    keel_ref ref = keel_make_ref();
    if (kl_alias_make(self, ref, mode, first) != KEEL_OK) {
        kl_exit_now(self, KL_ATOM(system_limit), 0);
    }
    *ret_alias = ref;
    return KEEL_OK;
}

bool keel_unalias(keel_ref ref)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL || !keel_is_ref(keel_from_ref(ref))) {
        return false;
    }
    kl_observable();
    struct kl_alias *alias = take_out(self, ref.word);
    if (alias == NULL) {
        return false;
    }
    forget(self, alias);
    return true;
}
