#include "tracker_diff.h"

#include "testing/harness.h"
#include <keel/match.h>

TEST("a diff has joins and leaves by topic, in the order they came", .ids = "PB-058")
{
    struct kl_diff diff = {0};
    CHECK(keel_is_none(kl_diff_take(&diff)));
    kl_diff_note(&diff, true, keel_make("{t, p, k1, m1}"));
    kl_diff_note(&diff, false, keel_make("{u, p, k2, m2}"));
    kl_diff_note(&diff, true, keel_make("{t, p, k3, m3}"));
    kl_diff_note(&diff, false, keel_make("{t, p, k1, m1}"));
    CHECK_STR(keel_show(kl_diff_take(&diff)),
            "#{t => {[{k1,m1},{k3,m3}],[{k1,m1}]},u => {[],[{k2,m2}]}}");
    CHECK(keel_is_none(kl_diff_take(&diff)));
}

TEST("topics that are not the same are not mixed")
{
    struct kl_diff diff = {0};
    for (int i = 0; i < 100; i++) {
        kl_diff_note(&diff, true, keel_make("{{T}, p, I, m}", i % 10, i));
        kl_diff_note(&diff, true, keel_make("{{T}, p, I, m}", (double)(i % 10), i));
    }
    keel_term map = kl_diff_take(&diff), topic, change, joins;
    CHECK_INT(keel_map_size(map), 20);
    for (size_t i = 0; keel_map_at(map, i, &topic, &change); i++) {
        size_t length;
        CHECK(keel_match(change, "{Joins, []}", &joins));
        CHECK(keel_list_length(joins, &length));
        CHECK_INT(length, 10);
    }
}
