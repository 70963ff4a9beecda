#include "tracker_clocks.h"

static uint64_t number_of(keel_term clock, keel_term ref);
static bool all_cover(keel_term set, keel_term clock);

bool kl_clock_covers(keel_term a, keel_term b)
{
    keel_term ref, number;
    for (size_t i = 0; keel_map_at(b, i, &ref, &number); i++) {
        if (number_of(a, ref) < number_of(b, ref)) {
            return false;
        }
    }
    return true;
}

keel_term kl_clockset_add(keel_term set, keel_term ref, keel_term clock)
{
    keel_term kept = keel_nil(), entry, rest = set;
    if (all_cover(set, clock)) {
        return set;
    }
    while (keel_list_next(&rest, &entry)) {
        if (!kl_clock_covers(clock, keel_element(entry, 1))) {
            kept = keel_cons(entry, kept);
        }
    }
    return keel_cons(keel_tuple_of(ref, clock), kept);
}

keel_term kl_clockset_ahead(keel_term set, keel_term own)
{
    keel_term refs = keel_nil(), entry;
    while (keel_list_next(&set, &entry)) {
        if (!kl_clock_covers(own, keel_element(entry, 1))) {
            refs = keel_cons(keel_element(entry, 0), refs);
        }
    }
    return refs;
}

// 0 for what is not there, or no number.
static uint64_t number_of(keel_term clock, keel_term ref)
{
    uint64_t number = 0;
    return keel_get_uint(keel_map_get(clock, ref), &number) ? number : 0;
}

// True when each number of the clock is reached by one of the set.
static bool all_cover(keel_term set, keel_term clock)
{
    keel_term ref, number;
    for (size_t i = 0; keel_map_at(clock, i, &ref, &number); i++) {
        keel_term rest = set, entry;
        uint64_t wanted = number_of(clock, ref), most = 0;
        while (most < wanted && keel_list_next(&rest, &entry)) {
            uint64_t here = number_of(keel_element(entry, 1), ref);
            most = here > most ? here : most;
        }
        if (most < wanted) {
            return false;
        }
    }
    return true;
}
