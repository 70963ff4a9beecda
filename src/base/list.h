#ifndef KL_BASE_LIST_H
#define KL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

// A doubly linked ring of members that lie inside other structs. A zeroed link is not in
// any ring; a head is initialised to point to itself.
struct kl_link {
    struct kl_link *next, *prev;
};

static inline void kl_ring_init(struct kl_link *head)
{
    head->next = head->prev = head;
}
static inline bool kl_ring_empty(const struct kl_link *head)
{
    return head->next == head;
}
static inline void kl_ring_append(struct kl_link *head, struct kl_link *link)
{
    link->next = head;
    link->prev = head->prev;
    head->prev->next = link;
    head->prev = link;
}
static inline void kl_ring_remove(struct kl_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
}

// The struct that `member` lies in.
#define KL_CONTAINER(pointer, type, member)                                                \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif // KL_BASE_LIST_H
