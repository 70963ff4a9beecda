#include "work.h"

#include "testing/harness.h"
#include <keel/alloc.h>

TEST("words come back in the order of a stack, however many there are")
{
    kl_free(kl_alloc(8), 8);
    int64_t before = keel_memory_used();
    struct kl_work work;
    kl_work_init(&work);
    for (uint64_t i = 0; i < 100000; i++) {
        CHECK(kl_work_push(&work, i * i));
    }
    CHECK(keel_memory_used() > before);
    for (uint64_t i = 100000; i-- > 0;) {
        CHECK_INT(kl_work_pop(&work), i * i);
    }
    CHECK_INT(work.count, 0);
    kl_work_done(&work);
    CHECK_INT(keel_memory_used(), before);
}

TEST("room is made for as much as is asked for, and a short stack takes no memory")
{
    kl_free(kl_alloc(8), 8);
    int64_t before = keel_memory_used();
    struct kl_work work;
    kl_work_init(&work);
    for (uint64_t i = 0; i < KL_WORK_INSIDE; i++) {
        CHECK(kl_work_push(&work, i));
    }
    CHECK_INT(keel_memory_used(), before);
    CHECK(!kl_work_has_room(&work, 1));
    CHECK(kl_work_grow(&work, 1000));
    CHECK(kl_work_has_room(&work, 1000));
    CHECK_INT(work.words[KL_WORK_INSIDE - 1], KL_WORK_INSIDE - 1);
    kl_work_must_grow(&work, 5000);
    CHECK(kl_work_has_room(&work, 5000));
    kl_work_done(&work);
}
