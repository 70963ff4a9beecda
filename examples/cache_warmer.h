#ifndef CACHE_WARMER_H
#define CACHE_WARMER_H

#include <keel/keel.h>

/// Where the products come from.
struct catalog {
    keel_term (*list_popular)(void);
};

/// Puts the catalog's popular products into the cache every five minutes.
/// @param catalog  a pointer term; static
keel_started cache_warmer_start_link(keel_term catalog);

#endif // CACHE_WARMER_H
