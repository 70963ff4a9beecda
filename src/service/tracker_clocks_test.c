#include "tracker_clocks.h"

#include "testing/harness.h"
#include <keel/match.h>

static keel_term add(keel_term set, const char *ref, keel_term clock)
{
    keel_term name;
    CHECK_OK(keel_atom_from(ref, 1, &name));
    return kl_clockset_add(set, name, clock);
}

static bool has_only(keel_term set, unsigned which)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    size_t length, expected = 0;
    for (unsigned i = 0; i < 4; i++) {
        keel_term name;
        CHECK_OK(keel_atom_from(names[i], 1, &name));
        bool in = !keel_is_none(keel_proplist_get(set, name));
        if (in != ((which >> i & 1) != 0)) {
            return false;
        }
        expected += in;
    }
    return keel_list_length(set, &length) && length == expected;
}

TEST("a clock covers another one when no number of it is less")
{
    keel_term one = keel_make("#{a => 1, b => 2}"), two = keel_make("#{a => 2, b => 2}");
    CHECK(kl_clock_covers(two, one));
    CHECK(!kl_clock_covers(one, two));
    CHECK(kl_clock_covers(one, one));
    CHECK(kl_clock_covers(one, keel_make("#{}")));
    CHECK(kl_clock_covers(one, keel_make("#{c => 0}")));
    CHECK(!kl_clock_covers(one, keel_make("#{c => 1}")));
}

TEST("a set of clocks keeps those that no other one covers", .ids = "PB-065")
{
    keel_term set = keel_nil();
    set = add(set, "a", keel_make("#{a => 1}"));
    CHECK(has_only(set, 1));
    set = add(set, "b", keel_make("#{a => 1, b => 1}")); // knows a's, too
    CHECK(has_only(set, 2));
    set = add(set, "a", keel_make("#{a => 1}"));
    CHECK(has_only(set, 2));
    set = add(set, "c", keel_make("#{c => 3}"));
    CHECK(has_only(set, 6));
    set = add(set, "d", keel_make("#{a => 1, b => 1, c => 3}")); // nothing that is new
    CHECK(has_only(set, 6));
    set = add(set, "d", keel_make("#{a => 1, b => 1, c => 3, d => 1}"));
    CHECK(has_only(set, 8));
}

TEST("only who is ahead is asked", .ids = "PB-065")
{
    keel_term set = keel_nil();
    set = add(set, "a", keel_make("#{a => 5, b => 1}"));
    set = add(set, "b", keel_make("#{a => 1, b => 7}"));
    keel_term ahead = kl_clockset_ahead(set, keel_make("#{a => 5, b => 6}"));
    CHECK_STR(keel_show(ahead), "[b]");
    CHECK(keel_is_nil(kl_clockset_ahead(set, keel_make("#{a => 5, b => 7}"))));
    size_t length;
    CHECK(keel_list_length(kl_clockset_ahead(set, keel_make("#{}")), &length));
    CHECK_INT(length, 2);
}
