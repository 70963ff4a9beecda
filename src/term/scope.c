#include "copy.h"
#include "heap.h"

// keel_scope is public and opaque, its four marks are a struct kl_heap_mark.
_Static_assert(sizeof(struct kl_heap_mark) == sizeof(void *[4]), "a scope holds a mark");

static struct kl_heap_mark mark_of(const keel_scope *scope)
{
    return (struct kl_heap_mark){
            scope->mark[0], scope->mark[1], scope->mark[2], scope->mark[3]};
}

keel_scope keel_scope_open(void)
{
    struct kl_heap *heap = kl_heap_current();
    struct kl_heap_mark mark = kl_heap_mark(heap);
    return (keel_scope){heap, {mark.next, mark.chunk, mark.fragment, mark.counted}};
}

void keel_scope_close(keel_scope *scope)
{
    if (!scope || !scope->heap) {
        return; // none, zeroed, or closed already
    }
    struct kl_heap_mark mark = mark_of(scope);
    if (mark.fragment || mark.counted ||
            !kl_heap_try_rewind(scope->heap, mark.next, mark.chunk)) {
        kl_heap_rewind(scope->heap, &mark);
    }
    scope->heap = NULL;
}

keel_term keel_scope_close_with(keel_scope *scope, keel_term term)
{
    struct kl_heap *heap = scope ? scope->heap : NULL;
    size_t bytes = kl_fragment_bytes(term);
    if (!heap || bytes == 0) {
        keel_scope_close(scope);
        return term;
    }
    struct kl_fragment *fragment = bytes == SIZE_MAX ? NULL : kl_pool_alloc(bytes);
    if (!fragment) {
        kl_heap_refuse(heap);
        keel_scope_close(scope);
        return KEEL_NONE;
    }
    keel_term copy = kl_fragment_fill(fragment, bytes, term);
    keel_scope_close(scope);
    kl_heap_adopt(heap, fragment);
    return copy;
}
