#ifndef KL_TERM_ETF_WALK_H
#define KL_TERM_ETF_WALK_H

#include "atom.h"
#include "etf.h"
#include "work.h"

// The walk's state, and the checks of terms that contain no others: for etf_walk.c, and
// etf_walk_leaf.c which defines them.

// A container that is open.
struct kl_etf_level {
    uint64_t left; // terms still due
    int kind; // etf_walk.c knows them
    const uint8_t *end; // of a fun that names its size, else NULL
};

struct kl_etf_walk {
    const uint8_t *at, *end;
    struct kl_etf_level level; // the innermost one; those around it are in `work`
    struct kl_work *work;
    uint64_t due; // terms, over all open containers
    size_t words;
    size_t depth, deepest, max_depth; // containers open now, at most, and allowed
    bool existing_atoms_only;
    bool looks_at_atoms; // whether each is there already
    size_t max_atoms;
    struct kl_etf_node self;
    keel_bytes self_text;
    // Inside a fun nothing is built: when the outermost one closes, `words` is again what
    // it was before, and the fun's bytes are added.
    size_t funs; // that are open
    size_t words_outside;
    const uint8_t *fun_start;
};

static inline bool kl_etf_walk_has(const struct kl_etf_walk *walk, size_t bytes)
{
    return (size_t)(walk->end - walk->at) >= bytes;
}

// Reads the count of 1, 2 or 4 bytes that a term begins with.
static inline bool kl_etf_walk_count(
        struct kl_etf_walk *walk, size_t bytes, uint32_t *ret_count)
{
    if (!kl_etf_walk_has(walk, bytes)) {
        return false;
    }
    *ret_count = bytes == 1   ? walk->at[0]
                 : bytes == 2 ? kl_etf_get_16(walk->at)
                              : kl_etf_get_32(walk->at);
    walk->at += bytes;
    return true;
}

// An atom with its tag still before it; `ret_is_self` (may be NULL) tells whether it is the
// name of this node. The others begin behind their tag.
keel_status kl_etf_walk_atom(struct kl_etf_walk *walk, bool *ret_is_self);
keel_status kl_etf_walk_pid(struct kl_etf_walk *walk, size_t creation_bytes);
keel_status kl_etf_walk_port(
        struct kl_etf_walk *walk, size_t id_bytes, size_t creation_bytes);
keel_status kl_etf_walk_ref(
        struct kl_etf_walk *walk, size_t count_bytes, size_t creation_bytes);
keel_status kl_etf_walk_bits(struct kl_etf_walk *walk, bool has_rest);
keel_status kl_etf_walk_big(struct kl_etf_walk *walk, size_t count_bytes);
keel_status kl_etf_walk_float(struct kl_etf_walk *walk);
keel_status kl_etf_walk_float_text(struct kl_etf_walk *walk);

#endif // KL_TERM_ETF_WALK_H
