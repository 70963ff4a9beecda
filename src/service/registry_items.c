// Entries lent to a process.

#include "registries.h"

static void free_items(void *items)
{
    kl_items_done(items);
    kl_pool_free(items, sizeof(struct kl_items));
}

struct kl_items *kl_borrow_open(void)
{
    struct kl_items *items = kl_pool_alloc(sizeof *items);
    if (items != NULL) {
        *items = (struct kl_items){0};
        keel_defer(free_items, items); // outside a process nothing can end it
    }
    return items;
}

void kl_borrow_close(struct kl_items *items)
{
    if (items != NULL) {
        keel_undefer(free_items, items);
        free_items(items);
    }
}
