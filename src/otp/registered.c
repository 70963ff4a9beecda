#include "registered.h"

struct kl_registered_entry {
    struct kl_registered_entry *next;
    uint64_t first,
            second; // words of atoms: they stay what they are while the program runs
    uintptr_t value;
};

static struct kl_registered_entry *find(
        const struct kl_registered *table, keel_term first, keel_term second)
{
    // Acquire: pairs with the release in put, so the entry is seen complete.
    struct kl_registered_entry *entry = kl_load_acquire(&table->first);
    while (entry != NULL && (entry->first != first.word || entry->second != second.word)) {
        entry = entry->next;
    }
    return entry;
}

bool kl_registered_put(
        struct kl_registered *table, keel_term first, keel_term second, uintptr_t value)
{
    bool done = true;
    kl_lock_take(&table->lock);
    struct kl_registered_entry *entry = find(table, first, second);
    if (entry != NULL) {
        // Release: pairs with the acquire in get; what the value points to is ready.
        kl_store_release(&entry->value, value);
    } else if ((entry = kl_alloc(sizeof *entry)) != NULL) {
        *entry = (struct kl_registered_entry){table->first, first.word, second.word, value};
        kl_store_release(&table->first, entry);
    } else {
        done = false;
    }
    kl_lock_give(&table->lock);
    return done;
}

uintptr_t kl_registered_get(
        const struct kl_registered *table, keel_term first, keel_term second)
{
    const struct kl_registered_entry *entry = find(table, first, second);
    return entry == NULL ? 0 : kl_load_acquire(&entry->value);
}
