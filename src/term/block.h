#ifndef KL_TERM_BLOCK_H
#define KL_TERM_BLOCK_H

#include "value.h"

// Counted blocks and the lists of boxes that hold them. Making and reading the boxes is in
// value.h, this is for heaps and the copier.

// Takes boxes off `*list` until `*list` is `until`, and counts their blocks down.
void kl_counted_release(struct kl_box_counted **list, struct kl_box_counted *until);

#endif // KL_TERM_BLOCK_H
