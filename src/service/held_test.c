#include "held.h"

#include "testing/harness.h"

static int destroyed;
static void count_destroyed(void *pointer)
{
    (void)pointer;
    destroyed++;
}

TEST("a held term goes with its last holder")
{
    destroyed = 0;
    keel_scope scope = keel_scope_open();
    struct kl_held held;
    CHECK(kl_held_init(&held, keel_tuple_of(keel_string("x"),
                                      keel_resource("test", &destroyed, count_destroyed))));
    keel_scope_close(&scope);
    CHECK_INT(keel_to_bytes(keel_element(held.term, 0)).size, 1);
    struct kl_held second = kl_held_ref(held);
    kl_held_unref(held);
    CHECK_INT(destroyed, 0);
    CHECK_INT(keel_tuple_size(second.term), 2);
    kl_held_unref(second);
    CHECK_INT(destroyed, 1);
}

TEST("immediate terms and no term are held for nothing")
{
    struct kl_held held;
    CHECK(kl_held_init(&held, keel_int(5)));
    CHECK(held.count == NULL && held.term.word == keel_int(5).word);
    kl_held_unref(kl_held_ref(held));
    CHECK(kl_held_init(&held, KEEL_NONE));
    CHECK(held.count == NULL && keel_is_none(held.term));
    kl_held_unref(held);
}
