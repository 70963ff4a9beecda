#ifndef KL_TERM_ETF_MAP_H
#define KL_TERM_ETF_MAP_H

#include "value.h"

// Puts the pairs of a decoded map into key order. KEEL_E_MALFORMED when two keys are equal,
// as OTP refuses such a map, too; KEEL_E_NOMEM.
keel_status kl_etf_map_sort(struct kl_map *map);

#endif // KL_TERM_ETF_MAP_H
