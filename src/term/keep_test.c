#include "value.h"

#include "testing/harness.h"
#include <keel/alloc.h>
#include <stdlib.h>
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

TEST("a kept term lives until it is dropped")
{
    int64_t before = memory_used();
    keel_scope scope = keel_scope_open();
    keel_term resource = keel_resource("test", &destroyed, count_destroyed);
    keel_term tuple = keel_keep(keel_tuple_of(keel_string("kept"), resource));
    keel_term list = keel_keep(keel_list_of(keel_int(1), keel_float(2)));
    keel_term empty = keel_keep(keel_tuple(NULL, 0));
    keel_scope_close(&scope);
    CHECK_INT(destroyed, 0);
    CHECK_INT(keel_to_bytes(keel_element(tuple, 0)).size, 4);
    scope = keel_scope_open();
    CHECK_STR(keel_show(list), "[1,2.0]");
    CHECK_STR(keel_show(empty), "{}");
    keel_scope_close(&scope);
    keel_drop(tuple);
    CHECK_INT(destroyed, 1);
    keel_drop(list);
    keel_drop(empty);
    CHECK_INT(memory_used(), before);
}

TEST("immediate terms and no term are kept and dropped for nothing")
{
    int64_t before = memory_used();
    CHECK_INT(keel_keep(keel_int(5)).word, keel_int(5).word);
    CHECK(keel_is_none(keel_keep(KEEL_NONE)));
    keel_drop(keel_nil());
    keel_drop(KEEL_NONE);
    CHECK_INT(memory_used(), before);
}

TEST("setting keeps the new term before it drops the old one")
{
    int64_t before = memory_used();
    keel_term slot = KEEL_NONE;
    keel_scope scope = keel_scope_open();
    keel_set(&slot, keel_list_of(keel_int(1), keel_int(2), keel_int(3)));
    keel_scope_close(&scope);
    keel_set(&slot, keel_tail(slot));
    keel_set(&slot, slot);
    keel_set(&slot, keel_tail(slot));
    CHECK_INT(keel_to_int(keel_head(slot)), 3);
    CHECK(keel_is_nil(keel_tail(slot)));
    keel_set(&slot, KEEL_NONE);
    CHECK(keel_is_none(slot));
    CHECK_INT(memory_used(), before);
}

static int logged;
static void count_logged(void *context, enum kl_log_level level, const char *text)
{
    CHECK(context == NULL && level == KL_LOG_ERROR && strstr(text, "keel_drop"));
    logged++;
}

TEST("dropping what was not kept is told and harmless")
{
    kl_log_sink_set(count_logged, NULL);
    keel_term inside = keel_element(keel_tuple_of(keel_int(0), keel_int(1), keel_int(2),
                                            keel_tuple_of(keel_int(3))),
            3);
    keel_drop(inside);
    CHECK_INT(logged, 1);
    CHECK_STR(keel_show(inside), "{3}");
}

// --- memory from elsewhere, as `proc` has it ---

static size_t taken;
static void *take(size_t bytes)
{
    taken += bytes;
    return malloc(bytes);
}
static void give_back(void *memory, size_t bytes)
{
    taken -= bytes;
    free(memory);
}

TEST("memory for kept terms comes from who set the hooks")
{
    kl_keep_alloc = take;
    kl_keep_free = give_back;
    keel_term kept = keel_keep(keel_tuple_of(keel_int(1)));
    CHECK_INT(taken, kl_fragment_bytes(kept));
    keel_drop(kept);
    CHECK_INT(taken, 0);
}

TEST("a term kept for all lives until it is dropped, and copies of it live on")
{
    destroyed = 0;
    keel_scope scope = keel_scope_open();
    keel_term resource = keel_resource("test", &destroyed, count_destroyed);
    keel_term shared = keel_keep_shared(keel_tuple_of(keel_string("kept"), resource));
    keel_scope_close(&scope);
    CHECK_INT(destroyed, 0);
    scope = keel_scope_open();
    keel_term copy = keel_copy(shared);
    CHECK(copy.word != shared.word && keel_equal(copy, shared));
    keel_drop(shared); // is for the other kind: refused, and logged
    keel_drop_shared(shared);
    CHECK_INT(destroyed, 0);
    CHECK_INT(keel_to_bytes(keel_element(copy, 0)).size, 4);
    keel_scope_close(&scope);
    CHECK_INT(destroyed, 1);
    CHECK_INT(keel_keep_shared(keel_int(5)).word, keel_int(5).word);
    CHECK_INT(keel_copy(keel_nil()).word, keel_nil().word);
    keel_drop_shared(keel_nil());
}
