#ifndef KL_TERM_COPY_H
#define KL_TERM_COPY_H

#include "value.h"

// Bytes that a copy of `term` takes; 0 for an immediate one, SIZE_MAX when there is no
// memory to find out. Sharing inside the term is not kept, as between Erlang processes.
size_t kl_copy_bytes(keel_term term);

// Copies `term`, which is not immediate, into the kl_copy_bytes(term) bytes at `at`: the
// root comes first. Boxes that hold blocks are linked into `*counted`.
keel_term kl_copy_fill(void *at, struct kl_box_counted **counted, keel_term term);

#endif // KL_TERM_COPY_H
