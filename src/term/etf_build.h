#ifndef KL_TERM_ETF_BUILD_H
#define KL_TERM_ETF_BUILD_H

#include "etf.h"
#include "etf_atoms.h"
#include "work.h"

// The state of a build, and the building of terms that contain no others: for etf_build.c,
// and etf_build_leaf.c which defines the latter.

// A container whose slots are being filled.
struct kl_etf_slots {
    keel_term *slots;
    uint64_t done; // slots handed out; a list counts heads, a map keys and values
    uint32_t count;
    int kind; // etf_build.c knows them
};

struct kl_etf_build {
    const uint8_t *at, *end; // input
    uint64_t *out; // words not yet used
    struct kl_box_counted **counted; // the list of the heap
    struct kl_etf_slots level; // the innermost one; those around it are in `work`
    struct kl_work *work;
    struct kl_etf_node self;
    struct kl_etf_atoms atoms;
    struct kl_block *source; // has the input, to be held on to; NULL: all is copied
    size_t share_bytes; // by binaries that are so long
};

static inline uint32_t kl_etf_take_8(struct kl_etf_build *build)
{
    return *build->at++;
}
static inline uint32_t kl_etf_take_16(struct kl_etf_build *build)
{
    build->at += 2;
    return kl_etf_get_16(build->at - 2);
}
static inline uint32_t kl_etf_take_32(struct kl_etf_build *build)
{
    build->at += 4;
    return kl_etf_get_32(build->at - 4);
}
static inline uint64_t kl_etf_take_64(struct kl_etf_build *build)
{
    build->at += 8;
    return kl_etf_get_64(build->at - 8);
}

// Builds the term whose tag has just been read into `*slot`.
keel_status kl_etf_build_leaf(struct kl_etf_build *build, uint8_t tag, keel_term *slot);

#endif // KL_TERM_ETF_BUILD_H
