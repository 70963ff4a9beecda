#include "registered.h"
#include "testing/harness.h"
#include <pthread.h>

TEST("a pair is known from the moment it is put until its value is taken back")
{
    static struct kl_registered table;
    keel_term a = keel_atom(a);
    keel_term b = keel_atom(b);
    CHECK_INT(kl_registered_get(&table, a, b), 0);
    CHECK(kl_registered_put(&table, a, b, 1));
    CHECK(kl_registered_put(&table, b, a, 2));
    CHECK(kl_registered_put(&table, a, KEEL_NONE, 3));
    CHECK_INT(kl_registered_get(&table, a, b), 1);
    CHECK_INT(kl_registered_get(&table, b, a), 2);
    CHECK_INT(kl_registered_get(&table, a, KEEL_NONE), 3);
    CHECK(kl_registered_put(&table, a, b, 4));
    CHECK_INT(kl_registered_get(&table, a, b), 4);
    CHECK(kl_registered_put(&table, a, b, 0));
    CHECK_INT(kl_registered_get(&table, a, b), 0);
    CHECK_INT(kl_registered_get(&table, b, a), 2);
}

static struct kl_registered shared;
enum { ROUNDS = 2000 };

static void *put_many(void *context)
{
    uintptr_t own = (uintptr_t)context;
    for (uintptr_t i = 1; i <= ROUNDS; i++) {
        keel_term key = keel_int((int64_t)(own * 4 + i % 4));
        CHECK(kl_registered_put(&shared, key, KEEL_NONE, own * ROUNDS + i));
        uintptr_t seen = kl_registered_get(&shared, key, KEEL_NONE);
        CHECK_INT(seen, own * ROUNDS + i);
    }
    return NULL;
}

TEST("several threads may put and get at once")
{
    pthread_t threads[2];
    for (uintptr_t i = 0; i < 2; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, put_many, (void *)i), 0);
    }
    for (int i = 0; i < 2; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
}
