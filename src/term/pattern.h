#ifndef KL_TERM_PATTERN_H
#define KL_TERM_PATTERN_H

#include "value.h"

// Patterns of keel_match and keel_make. A pattern is read once per place in the program,
// into a tree (pattern.c, pattern_tree.c) that is then turned into a short program: one
// that compares (match.c) or one that builds (make.c). Both are published in the place with
// one compare-and-swap and never freed.

enum { KL_PATTERN_ARGS_MAX = 16, KL_PATTERN_DEPTH_MAX = 30 };

enum kl_node_kind {
    KL_NODE_LEAF, // term
    KL_NODE_ANY, // _
    KL_NODE_VARIABLE, // argument
    KL_NODE_PIN, // ^ and argument
    KL_NODE_TUPLE,
    KL_NODE_LIST,
    KL_NODE_LIST_TAIL, // the last part is the tail
    KL_NODE_MAP, // parts: key, value, key, value …
};

struct kl_node {
    enum kl_node_kind kind;
    uint32_t argument;
    uint32_t first, count; // parts, in tree->links
    bool ground; // no variables inside: `term` is the whole
    bool has_map; // which matches maps that have more than it says
    keel_term term;
};

// A pattern as read. Lies in a heap of its own that goes when it is compiled.
struct kl_pattern_tree {
    struct kl_node *nodes;
    uint32_t *links;
    uint32_t node_count, link_count;
    uint32_t root;
    uint32_t argument_count;
    bool pinned[KL_PATTERN_ARGS_MAX];
};

// One step of a program; what the fields mean is told by code, in match.c and make.c.
struct kl_pattern_op {
    uint16_t code;
    uint16_t level;
    uint32_t argument;
    uint64_t word;
};

// What a place holds once its pattern has been read.
struct kl_pattern {
    const char *text;
    uint32_t argument_count;
    uint32_t op_count;
    bool flat; // one of the most usual patterns: see match.c and make.c
    struct kl_fragment *constants; // the boxed terms of the pattern, linked
    struct kl_pattern_op *ops;
    uint64_t *image; // for make.c
    uint32_t image_words;
    size_t bytes; // of this block; ops and image lie in it
    char why[120]; // not empty: the pattern is wrong, and this is what
};

// A program that grows while it is being made; lies in the tree's heap.
struct kl_pattern_code {
    const struct kl_pattern_tree *tree;
    struct kl_pattern *pattern; // for its constants
    const keel_arg *args;
    struct kl_pattern_op *ops;
    uint32_t op_count, op_room;
    uint64_t *image;
    uint32_t image_words;
    bool flat;
    const char *wrong; // set: the pattern cannot be used, and why
    bool no_memory;
};

// Turns the tree into code->ops and code->image, or sets `wrong` or `no_memory`.
typedef void kl_pattern_compile(struct kl_pattern_code *code);

// The pattern of a place, read and compiled when this is its first use. NULL when it is
// wrong, or there is no memory; both have been told to whom they concern.
const struct kl_pattern *kl_pattern_get(keel_pattern_site *site, const keel_arg *args,
        size_t count, kl_pattern_compile *compile);

// Forgets the pattern of a place that nobody uses any more, as only places of tests are.
void kl_pattern_forget(keel_pattern_site *site);

// For compilers: adds a step.
void kl_pattern_emit(struct kl_pattern_code *code, struct kl_pattern_op op);
// A copy of a term that lives as long as the pattern; the term itself when immediate.
keel_term kl_pattern_constant(struct kl_pattern_code *code, keel_term term);

// Reads `text` into a tree in the current heap. KEEL_E_NOMEM, or another failure with
// the reason in `why`.
keel_status kl_pattern_tree_read(
        const char *text, struct kl_pattern_tree *ret_tree, char *why, size_t why_size);

// True when the C type of an argument gives a value (and does not take a capture).
static inline bool kl_pattern_gives(keel_arg_kind kind)
{
    return kind >= KEEL_ARG_INT;
}
// The term that an argument stands for; KEEL_NONE when it has none or memory is exhausted.
keel_term kl_pattern_value(const keel_arg *arg);

#endif // KL_TERM_PATTERN_H
