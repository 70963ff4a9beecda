#include "fun.h"

#include "testing/harness.h"

// fun() -> {X, "y"} of module m, number 5, with X = 7 and Y = "y" as free variables.
static const uint8_t newer[] = {112, 0, 0, 0, 61, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 0, 0, 0, 5, 0, 0, 0, 2, 119, 1, 'm', 97, 5, 98, 1, 2, 3, 4, 88, 119, 1,
        'n', 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 4, 97, 7, 107, 0, 1, 'y'};
static const uint8_t older[] = {117, 0, 0, 0, 1, 88, 119, 1, 'n', 0, 0, 0, 7, 0, 0, 0, 0, 0,
        0, 0, 4, 119, 1, 'm', 97, 5, 98, 1, 2, 3, 4, 106};

TEST("a fun of another node tells its module, numbers and free variables")
{
    struct kl_fun_parts parts;
    struct kl_heap *heap = kl_heap_current();
    keel_term fun = kl_fun_make(heap, newer, sizeof newer);
    uint8_t *next = heap->next;
    CHECK(kl_fun_read(fun, &parts));
    CHECK(keel_is(parts.module, m));
    CHECK_INT(parts.index, 5);
    CHECK_INT(parts.uniq, 0x01020304);
    CHECK_INT(parts.count, 2);
    CHECK_INT(keel_to_int(parts.variables[0]), 7);
    CHECK_STR(keel_show(parts.variables[1]), "\"y\"");
    kl_fun_done(&parts);
    CHECK(heap->next == next);
}

TEST("so does one in the older form")
{
    struct kl_fun_parts parts;
    CHECK(kl_fun_read(kl_fun_make(kl_heap_current(), older, sizeof older), &parts));
    CHECK(keel_is(parts.module, m));
    CHECK_INT(parts.index, 5);
    CHECK_INT(parts.uniq, 0x01020304);
    CHECK_INT(parts.count, 1);
    CHECK(keel_is_nil(parts.variables[0]));
    kl_fun_done(&parts);
}

TEST("a fun that is cut off is not read, and leaves nothing behind")
{
    struct kl_heap *heap = kl_heap_current();
    for (size_t size = 31; size < sizeof newer; size++) {
        struct kl_fun_parts parts;
        keel_term fun = kl_fun_make(heap, newer, size);
        uint8_t *next = heap->next;
        CHECK(!kl_fun_read(fun, &parts));
        CHECK(heap->next == next);
    }
}
