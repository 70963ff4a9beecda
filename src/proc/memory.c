// Memory that belongs to a process: allocations, kept terms, extras, deferred functions.

#include "process.h"
#include <string.h>

// Before each allocation. Aligned so that what follows is aligned to 16.
struct kl_owned {
    struct kl_owned *next, *prev; // the owner's others; unused outside a process
    struct kl_process *owner; // NULL: the program
    size_t bytes; // header included
    bool kept; // a struct kl_fragment follows, which may hold more
    uint8_t unused[7 + 8];
};

static struct kl_owned *header_of(void *memory)
{
    return (struct kl_owned *)memory - 1;
}

static void attach(struct kl_process *self, struct kl_owned *owned)
{
    owned->owner = self;
    owned->prev = NULL;
    owned->next = NULL;
    if (self == NULL) {
        return;
    }
    owned->next = self->owned;
    if (owned->next != NULL) {
        owned->next->prev = owned;
    }
    self->owned = owned;
    kl_store_relaxed(&self->owned_bytes, self->owned_bytes + owned->bytes);
}

static void detach(struct kl_owned *owned)
{
    struct kl_process *self = owned->owner;
    if (self == NULL) {
        return;
    }
    if (owned->prev != NULL) {
        owned->prev->next = owned->next;
    } else {
        self->owned = owned->next;
    }
    if (owned->next != NULL) {
        owned->next->prev = owned->prev;
    }
    kl_store_relaxed(&self->owned_bytes, self->owned_bytes - owned->bytes);
}

static bool over_limit(const struct kl_process *self, size_t bytes)
{
    return self != NULL && self->extras != NULL && self->extras->max_memory != 0 &&
           self->owned_bytes + bytes > self->extras->max_memory;
}

static struct kl_owned *owned_new(struct kl_process *self, size_t bytes, bool kept)
{
    if (bytes > SIZE_MAX - sizeof(struct kl_owned) || over_limit(self, bytes)) {
        return NULL;
    }
    struct kl_owned *owned = kl_pool_alloc(bytes + sizeof *owned);
    if (owned == NULL) {
        return NULL;
    }
    owned->bytes = bytes + sizeof *owned;
    owned->kept = kept;
    attach(self, owned);
    return owned;
}

void *kl_owned_alloc(struct kl_process *self, size_t bytes)
{
    struct kl_owned *owned = owned_new(self, bytes, false);
    return owned == NULL ? NULL : owned + 1;
}

void kl_owned_free(struct kl_process *self, void *memory)
{
    (void)self;
    if (memory != NULL) {
        struct kl_owned *owned = header_of(memory);
        detach(owned);
        kl_pool_free(owned, owned->bytes);
    }
}

void kl_owned_free_all(struct kl_process *self)
{
    while (self->owned != NULL) {
        struct kl_owned *owned = self->owned;
        if (owned->kept) {
            kl_fragment_release((struct kl_fragment *)(void *)(owned + 1));
        }
        kl_owned_free(self, owned + 1);
    }
}

// A process whose memory is exhausted ends: `killed` beyond its own limit, else
// `system_limit`.
static void exhausted(struct kl_process *self)
{
    if (self != NULL) {
        bool own = self->extras != NULL && self->extras->max_memory != 0;
        kl_exit_now(self, own ? KL_ATOM(killed) : KL_ATOM(system_limit), 0);
    }
}

static void *keep_alloc(size_t bytes)
{
    struct kl_process *self = kl_process_current();
    struct kl_owned *owned = owned_new(self, bytes, true);
    if (owned == NULL) {
        exhausted(self);
        return NULL;
    }
    return owned + 1;
}

static void keep_free(void *memory, size_t bytes)
{
    (void)bytes; // the block knows
    kl_owned_free(NULL, memory);
}

static void heap_exhausted(struct kl_heap *heap)
{
    struct kl_process *self = kl_process_current();
    if (self != NULL && self->stack != NULL && &kl_activation(self)->heap == heap &&
            kl_fiber_current() == self->stack) {
        heap->max_bytes = 0; // the way out needs some
        exhausted(self);
    }
}

// A wrong pattern is a mistake of the program that ends the process.
static void pattern_wrong(const char *text, const char *why)
{
    if (kl_process_current() != NULL) {
        kl_log(KL_LOG_ERROR, "pattern \"%s\": %s", text, why);
        keel_exit(keel_tuple_of(keel_atom(badarg),
                keel_tuple_of(keel_atom(pattern), keel_string(text), keel_string(why))));
    }
}

void kl_memory_hooks(void)
{
    kl_pattern_error = pattern_wrong;
    kl_keep_alloc = keep_alloc;
    kl_keep_free = keep_free;
    kl_heap_exhausted = heap_exhausted;
}

// Keeping for a process while another's code runs, or none's.
keel_term kl_keep_for(struct kl_process *self, keel_term term)
{
    struct kl_process *before = kl_process_current();
    kl_process_current_set(self);
    keel_term kept = keel_keep(term);
    kl_process_current_set(before);
    return kept;
}

struct kl_extras *kl_extras(struct kl_process *self)
{
    if (self->extras == NULL) {
        struct kl_extras *extras = kl_pool_alloc(sizeof *extras);
        if (extras == NULL) {
            exhausted(self);
            kl_panic("no memory for a process's extras outside its own turn");
        }
        memset(extras, 0, sizeof *extras);
        kl_store_release(&self->extras, extras); // pairs with count_in of mailbox.c
    }
    return self->extras;
}

void kl_extras_free(struct kl_process *self)
{
    struct kl_extras *extras = self->extras;
    if (extras == NULL) {
        return;
    }
    if (extras->as_ancestor != NULL) {
        kl_ancestor_unref(extras->as_ancestor, extras->ancestor_spare + 1);
    }
    if ((self->flags & KL_LIMITED) != 0) {
        // A sender may be looking at the limit: the memory stays with the slot.
        memset(extras, 0, offsetof(struct kl_extras, mailbox_limit));
        kl_store_relaxed(&extras->mailbox_counted, 0);
        kl_store_relaxed(&extras->mailbox_limit, 0);
        kl_store_relaxed(&extras->dropped, 0);
        // Release, after the count: pairs with the acquire in count_in() of mailbox.c.
        kl_store_release(&extras->mailbox_policy, 0);
        return;
    }
    kl_store_relaxed(&self->extras, NULL);
    kl_pool_free(extras, sizeof *extras);
}

void *keel_alloc(size_t bytes)
{
    struct kl_process *self = kl_process_current();
    void *memory = kl_owned_alloc(self, bytes);
    if (memory == NULL) {
        exhausted(self);
        return NULL;
    }
    memset(memory, 0, bytes);
    return memory;
}

void keel_free(void *memory)
{
    kl_owned_free(NULL, memory);
}

void *keel_realloc(void *memory, size_t bytes)
{
    if (memory == NULL) {
        return keel_alloc(bytes);
    }
    size_t old = header_of(memory)->bytes - sizeof(struct kl_owned);
    void *fresh = keel_alloc(bytes);
    if (fresh != NULL) {
        memcpy(fresh, memory, old < bytes ? old : bytes);
        keel_free(memory);
    }
    return fresh;
}

keel_status keel_defer(void (*fn)(void *arg), void *arg)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL) {
        return KEEL_E_OUTSIDE;
    }
    if (fn == NULL) {
        return KEEL_E_BADARG;
    }
    struct kl_extras *extras = kl_extras(self);
    struct kl_defer *defer = kl_pool_alloc(sizeof *defer);
    if (defer == NULL) {
        exhausted(self);
        return KEEL_E_NOMEM;
    }
    *defer = (struct kl_defer){.next = extras->defers, .fn = fn, .arg = arg};
    extras->defers = defer;
    return KEEL_OK;
}

bool keel_undefer(void (*fn)(void *arg), void *arg)
{
    struct kl_process *self = kl_process_current();
    if (self == NULL || self->extras == NULL) {
        return false;
    }
    for (struct kl_defer **link = &self->extras->defers; *link != NULL;
            link = &(*link)->next) {
        struct kl_defer *defer = *link;
        if (defer->fn == fn && defer->arg == arg) {
            *link = defer->next;
            kl_pool_free(defer, sizeof *defer);
            return true;
        }
    }
    return false;
}
