#include "dots.h"

#include "testing/harness.h"
#include <string.h>

enum { MOST = 40, ROUNDS = 400 };

// The same set as one flag a number.
struct model {
    bool has[MOST + 2];
};

static uint64_t state;
static unsigned any(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static void check_same(const struct kl_dots *dots, const struct model *model)
{
    uint64_t size = 0, last = 0, prefix = 0;
    for (uint64_t i = 1; i <= MOST; i++) {
        CHECK(kl_dots_has(dots, i) == model->has[i]);
        size += model->has[i];
        last = model->has[i] ? i : last;
        prefix += model->has[i] && prefix == i - 1;
    }
    CHECK_INT(kl_dots_size(dots), size);
    CHECK_INT(kl_dots_last(dots), last);
    CHECK_INT(kl_dots_prefix(dots), prefix);
    for (size_t i = 0; i < dots->count; i++) {
        CHECK(dots->spans[i].first <= dots->spans[i].last);
        CHECK(i == 0 || dots->spans[i - 1].last + 1 < dots->spans[i].first);
    }
    uint64_t from = 1 + any(MOST), to = 1 + any(MOST);
    bool all = true;
    for (uint64_t i = from; i <= to; i++) {
        all = all && model->has[i];
    }
    CHECK(kl_dots_have_all(dots, from, to) == all);
}

TEST("a set of spans is the set that one flag a number makes", .seeded = true)
{
    struct kl_dots dots = {0}, others = {0};
    struct model model = {0}, other_model = {0};
    state = kl_test_seed();
    for (int round = 0; round < ROUNDS; round++) {
        bool other = any(4) == 0;
        struct kl_dots *into = other ? &others : &dots;
        struct model *flags = other ? &other_model : &model;
        unsigned first = 1 + any(MOST), last = first + any(4);
        last = last > MOST ? MOST : last;
        if (any(3) != 0) {
            kl_dots_add(into, first, last);
            for (unsigned i = first; i <= last; i++) {
                flags->has[i] = true;
            }
        } else {
            for (unsigned i = first; i <= last; i++) {
                kl_dots_remove(into, i);
                flags->has[i] = false;
            }
        }
        if (any(20) == 0) {
            kl_dots_add_all(&dots, &others);
            for (unsigned i = 1; i <= MOST; i++) {
                model.has[i] = model.has[i] || other_model.has[i];
            }
        }
        check_same(&dots, &model);
        check_same(&others, &other_model);
    }
    kl_dots_done(&dots);
    kl_dots_done(&others);
    CHECK_INT(kl_dots_size(&dots), 0);
}

TEST("numbers as large as there are keep their order")
{
    struct kl_dots dots = {0};
    kl_dots_add(&dots, UINT64_MAX, UINT64_MAX);
    kl_dots_add(&dots, 1, 1);
    CHECK_INT(dots.count, 2);
    kl_dots_add(&dots, 2, UINT64_MAX - 1);
    CHECK_INT(dots.count, 1);
    CHECK(kl_dots_prefix(&dots) == UINT64_MAX);
    CHECK(kl_dots_size(&dots) == UINT64_MAX);
    kl_dots_done(&dots);
}
