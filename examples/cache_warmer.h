#ifndef CACHE_WARMER_H
#define CACHE_WARMER_H

#include <keel/keel.h>

/// Puts what `list_popular` gives into the cache under <<"productos_populares">> every five
/// minutes.
keel_started cache_warmer_start_link(keel_term list_popular);
/// When it last did so, in seconds since 1970, or nil.
keel_term cache_warmer_last_run(void);

#endif // CACHE_WARMER_H
