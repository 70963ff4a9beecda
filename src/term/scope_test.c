#include "heap.h"

#include "testing/harness.h"
#include <keel/alloc.h>
#include <string.h>

static int destroyed;

static void count_destroyed(void *pointer)
{
    *(int *)pointer += 1;
}

// What this thread holds, once it has what every thread gets with its first allocation.
static int64_t memory_used(void)
{
    kl_free(kl_alloc(8), 8);
    keel_float(0);
    return keel_memory_used();
}

static keel_term long_list(size_t length)
{
    keel_term list = keel_nil();
    for (size_t i = 0; i < length; i++) {
        list = keel_cons(keel_int((int64_t)i), list);
    }
    return list;
}

TEST("what is built in a scope goes when it is closed, what was there before stays")
{
    keel_term before = keel_tuple_of(keel_string("before"), keel_int(1));
    int64_t used = memory_used();
    struct kl_heap heap = *kl_heap_current();
    keel_scope scope = keel_scope_open();
    long_list(10000);
    keel_resource("test", &destroyed, count_destroyed);
    CHECK(keel_memory_used() > used);
    keel_scope_close(&scope);
    CHECK_INT(destroyed, 1);
    CHECK_INT(keel_memory_used(), used);
    CHECK(memcmp(&heap, kl_heap_current(), sizeof heap) == 0);
    CHECK_STR(keel_show(before), "{<<\"before\">>,1}");
}

TEST("scopes nest")
{
    keel_scope outer = keel_scope_open();
    keel_term first = long_list(3);
    keel_resource("test", &destroyed, count_destroyed);
    keel_scope inner = keel_scope_open();
    long_list(3000);
    keel_resource("test", &destroyed, count_destroyed);
    keel_resource("test", &destroyed, count_destroyed);
    keel_scope_close(&inner);
    CHECK_INT(destroyed, 2);
    CHECK_STR(keel_show(first), "[2,1,0]");
    keel_scope_close(&outer);
    CHECK_INT(destroyed, 3);
}

TEST("a term is carried out of the scope that made it")
{
    keel_scope outer = keel_scope_open();
    keel_scope scope = keel_scope_open();
    keel_term resource = keel_resource("test", &destroyed, count_destroyed);
    keel_term result = keel_scope_close_with(
            &scope, keel_tuple_of(resource, long_list(5000)));
    size_t length;
    CHECK(keel_list_length(keel_element(result, 1), &length) && length == 5000);
    CHECK_INT(destroyed, 0);
    keel_scope again = keel_scope_open();
    CHECK_INT(keel_to_int(keel_scope_close_with(&again, keel_int(7))), 7);
    keel_scope_close(&outer);
    CHECK_INT(destroyed, 1);
}

TEST("closing a scope twice, or a zeroed one, does nothing")
{
    keel_scope scope = keel_scope_open();
    keel_scope_close(&scope);
    keel_term kept = long_list(3);
    keel_scope_close(&scope);
    keel_scope zeroed = {0};
    keel_scope_close(&zeroed);
    CHECK_STR(keel_show(keel_scope_close_with(&zeroed, kept)), "[2,1,0]");
}
