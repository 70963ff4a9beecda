#include "map.h"

#include "compare.h"
#include "generate.h"
#include "testing/harness.h"
#include <string.h>

// Maps against a list of pairs that is searched from end to end.
enum { PAIRS_MAX = 400 };

struct model {
    keel_term keys[PAIRS_MAX], values[PAIRS_MAX];
    size_t count;
};

static size_t model_find(const struct model *model, keel_term key)
{
    size_t i = 0;
    while (i < model->count && !keel_equal(model->keys[i], key)) {
        i++;
    }
    return i;
}

static void model_put(struct model *model, keel_term key, keel_term value)
{
    size_t i = model_find(model, key);
    model->keys[i] = key;
    model->values[i] = value;
    model->count += i == model->count;
}

static void model_remove(struct model *model, keel_term key)
{
    size_t i = model_find(model, key);
    if (i < model->count) {
        model->count--;
        model->keys[i] = model->keys[model->count];
        model->values[i] = model->values[model->count];
    }
}

static void check_same(keel_term map, const struct model *model)
{
    keel_term key;
    keel_term value;
    keel_term before = KEEL_NONE;
    CHECK_INT(keel_map_size(map), model->count);
    for (size_t i = 0; i < model->count; i++) {
        CHECK(keel_equal(keel_map_get(map, model->keys[i]), model->values[i]));
        CHECK(keel_map_at(map, i, &key, &value));
        size_t at = model_find(model, key);
        CHECK(at < model->count && keel_equal(value, model->values[at]));
        CHECK(i == 0 || kl_compare_exact(before, key) < 0);
        before = key;
    }
    CHECK(!keel_map_at(map, model->count, &key, &value));
}

static keel_term some_key(struct kl_generate *generate)
{
    // Few of them, so that they meet again.
    struct kl_generate few = {
            .random = kl_generate_below(generate, 60), .size = 3, .identifiers = true};
    return kl_generate_term(&few);
}

TEST("putting and removing keeps a map as a list of pairs would be", .seeded = true)
{
    struct kl_generate generate = {.random = kl_test_seed()};
    struct model model = {.count = 0};
    keel_term map = keel_map(NULL, NULL, 0);
    for (int i = 0; i < 600; i++) {
        keel_term key = some_key(&generate);
        if (kl_generate_below(&generate, 3) == 0) {
            map = keel_map_remove(map, key);
            model_remove(&model, key);
        } else {
            keel_term value = keel_int(i);
            map = keel_map_put(map, key, value);
            model_put(&model, key, value);
        }
        CHECK(!keel_is_none(map));
        check_same(map, &model);
    }
}

TEST("a map made at once holds the last value of each key", .seeded = true)
{
    struct kl_generate generate = {.random = kl_test_seed()};
    for (int i = 0; i < 60; i++) {
        keel_scope scope = keel_scope_open();
        keel_term keys[PAIRS_MAX];
        keel_term values[PAIRS_MAX];
        struct model model = {.count = 0};
        size_t count = kl_generate_below(&generate, i % 3 == 0 ? PAIRS_MAX : 40);
        for (size_t j = 0; j < count; j++) {
            keys[j] = i % 2 == 0 ? some_key(&generate)
                                 : keel_int((int64_t)kl_generate_below(&generate, 1000));
            values[j] = keel_int((int64_t)j);
            model_put(&model, keys[j], values[j]);
        }
        check_same(keel_map(keys, values, count), &model);
        keel_scope_close(&scope);
    }
}

TEST("a map that changes leaves the one before as it was")
{
    keel_term empty = keel_map(NULL, NULL, 0);
    keel_term one = keel_map_put(empty, keel_atom(a), keel_int(1));
    keel_term two = keel_map_put(one, keel_atom(a), keel_int(2));
    keel_term none = keel_map_remove(two, keel_atom(a));
    CHECK_STR(keel_show(empty), "#{}");
    CHECK_STR(keel_show(one), "#{a => 1}");
    CHECK_STR(keel_show(two), "#{a => 2}");
    CHECK_STR(keel_show(none), "#{}");
    CHECK_INT(keel_map_remove(two, keel_atom(b)).word, two.word);
    CHECK(keel_is_none(keel_map_remove(keel_int(1), keel_atom(a))));
}

TEST("1 and 1.0 are two keys, and so are two maps that hold them")
{
    keel_term map = keel_map(NULL, NULL, 0);
    map = keel_map_put(map, keel_float(1), keel_atom(float));
    map = keel_map_put(map, keel_int(1), keel_atom(integer));
    CHECK_STR(keel_show(map), "#{1 => integer,1.0 => float}");
    CHECK(keel_is(keel_map_get(map, keel_int(1)), integer));
    CHECK(keel_is(keel_map_get(map, keel_float(1)), float));
    CHECK(keel_is_none(keel_map_get(map, keel_int(2))));
    CHECK(keel_is(keel_map_get_or(map, keel_int(2), keel_atom(none)), none));
    CHECK(keel_is(keel_map_get_or(map, keel_int(1), keel_atom(none)), integer));
}
