#ifndef CACHE_WARMER_H
#define CACHE_WARMER_H

#include <keel/keel.h>

/// Where the products come from.
typedef keel_term (*catalog_list_popular)(void);

/// Puts the catalog's popular products into the cache every five minutes.
/// @param list_popular  a function
keel_started cache_warmer_start_link(keel_term list_popular);

#endif // CACHE_WARMER_H
