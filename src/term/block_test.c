#include "block.h"

#include "testing/harness.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static int released; // atomic

static void count_release(void *context)
{
    CHECK(context == &released);
    kl_add_relaxed(&released, 1);
}

static char lent[] =
        "bytes that belong to somebody else and are longer than what lies inside "
        "of a heap, so that copies share them";

TEST("who shares bytes gets them back once, when the last holder is gone")
{
    keel_scope scope = keel_scope_open();
    keel_term binary = keel_binary_share(lent, sizeof lent, count_release, &released);
    CHECK(keel_to_bytes(binary).data == (uint8_t *)lent);
    keel_term first = keel_keep(binary);
    keel_term second = keel_keep(keel_tuple_of(binary, keel_binary_part(binary, 3, 80)));
    CHECK(keel_to_bytes(first).data == (uint8_t *)lent);
    keel_scope_close(&scope);
    CHECK_INT(released, 0);
    keel_drop(first);
    CHECK_INT(released, 0);
    keel_drop(second);
    CHECK_INT(released, 1);
}

TEST("bytes may be shared without being told, and none at all")
{
    keel_scope scope = keel_scope_open();
    CHECK(keel_to_bytes(keel_binary_share(lent, 5, NULL, NULL)).data == (uint8_t *)lent);
    keel_term empty = keel_binary_share(NULL, 0, count_release, &released);
    CHECK(keel_equal(empty, keel_binary("", 0)));
    CHECK(keel_to_bytes(empty).data != NULL);
    keel_scope_close(&scope);
    CHECK_INT(released, 1);
}

TEST("bytes that no term could be made of are given back at once")
{
    CHECK(keel_is_none(keel_binary_share(lent, (size_t)1 << 60, count_release, &released)));
    CHECK_INT(released, 1);
}

TEST("a resource is destroyed once, after its last copy")
{
    keel_scope scope = keel_scope_open();
    keel_term resource = keel_resource("counter", &released, count_release);
    keel_term kept = keel_keep(keel_list_of(resource, resource));
    keel_scope inner = keel_scope_open();
    keel_term again = keel_keep(kept);
    keel_scope_close(&inner);
    keel_scope_close(&scope);
    keel_drop(kept);
    CHECK_INT(released, 0);
    CHECK(keel_to_pointer(keel_head(again), "counter") == &released);
    keel_drop(again);
    CHECK_INT(released, 1);
}

TEST("the name of a resource's type is copied")
{
    char type[] = "changing";
    keel_term resource = keel_resource(type, lent, NULL);
    type[0] = 'x';
    CHECK(keel_to_pointer(resource, "changing") == lent);
    CHECK(keel_to_pointer(resource, type) == NULL);
}

// --- threads ---

enum { THREADS = 4, ROUNDS = 5000 };

static keel_term shared;

static void *copy_and_drop(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        keel_term copy = keel_keep(shared);
        CHECK_INT(keel_to_bytes(copy).data[0], 'b');
        keel_drop(copy);
    }
    return unused;
}

TEST("threads count a block up and down at the same time")
{
    keel_scope scope = keel_scope_open();
    shared = keel_keep(keel_binary_share(lent, sizeof lent, count_release, &released));
    keel_scope_close(&scope);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, copy_and_drop, NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK_INT(released, 0);
    keel_drop(shared);
    CHECK_INT(released, 1);
}
