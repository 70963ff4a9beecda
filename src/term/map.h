#ifndef KL_TERM_MAP_H
#define KL_TERM_MAP_H

#include "value.h"

// Puts a map whose header and slots (keys, then values) are filled in into order.
// `ret_count` (may be NULL) gets how many distinct keys there are: of equal ones the last
// counts, and the map shrinks to the distinct ones. Its memory does not; what is left over
// at its end is nobody's. Returns false when there is no memory to sort with.
bool kl_map_arrange(struct kl_map *map, size_t *ret_count);

// The place of `key` among the keys; where it would have to be when it is not there.
bool kl_map_find(const struct kl_map *map, keel_term key, size_t *ret_index);

#endif // KL_TERM_MAP_H
