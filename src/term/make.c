#include "compare.h"
#include "heap.h"
#include "map.h"
#include "pattern.h"
#include <string.h>

// Making: a pattern becomes an image of the memory that the term takes, constants and all,
// and steps that fill in what is not known before: pointers from one part of the image to
// another, the arguments, and the order of maps whose keys have variables.

enum code {
    MAKE_LINK, // word `argument` of the image: a pointer to word `word`, tagged with
               // `level`
    MAKE_HOLE, // word `word` of the image: the value of `argument`
    MAKE_MAP, // put the map at word `word` into order; what lies in it comes before
};

static void compile_make(struct kl_pattern_code *code);
static keel_term make_flat(const struct kl_pattern *pattern, const keel_arg *args);
static bool make_values(const keel_arg *args, uint32_t count, keel_term *values);
static bool fill_image(
        const struct kl_pattern *pattern, uint64_t *image, const keel_term *values);

keel_term keel_make_at(keel_pattern_site *site, const keel_arg *args, size_t count)
{
    const struct kl_pattern *pattern = kl_load_acquire(&site->compiled);
    if (__builtin_expect(pattern && pattern->flat, 1)) {
        return make_flat(pattern, args);
    }
    if (!pattern || pattern->why[0] != '\0') {
        pattern = kl_pattern_get(site, args, count, compile_make);
        if (!pattern) {
            return KEEL_NONE;
        }
    }
    keel_term values[KL_PATTERN_ARGS_MAX];
    if (!make_values(args, pattern->argument_count, values)) {
        return KEEL_NONE;
    }
    // The first word of an image is the term itself. When that is all, it is a constant or
    // an argument, and needs no memory.
    if (pattern->image_words == 1) {
        return pattern->op_count == 0 ? (keel_term){pattern->image[0]} : values[0];
    }
    size_t words = pattern->image_words - 1;
    uint64_t *image = kl_heap_alloc(kl_heap_current(), words * sizeof *image);
    if (!image) {
        return KEEL_NONE;
    }
    for (size_t i = 0; i < words; i++) {
        image[i] = pattern->image[i + 1];
    }
    if (!fill_image(pattern, image, values)) {
        kl_heap_refuse(kl_heap_current());
        return KEEL_NONE;
    }
    return (keel_term){(uintptr_t)image | pattern->image[0]};
}

static inline keel_term value_of(const keel_arg *arg)
{
    int64_t integer = arg->as.integer;
    if (arg->kind == KEEL_ARG_INT && integer >= KL_SMALL_MIN && integer <= KL_SMALL_MAX) {
        return kl_small(integer);
    }
    return arg->kind == KEEL_ARG_TERM ? (keel_term){arg->as.word} : kl_pattern_value(arg);
}

// A box in which nothing but arguments is to be filled in: most messages.
static inline keel_term make_flat(const struct kl_pattern *pattern, const keel_arg *args)
{
    size_t words = pattern->image_words - 1;
    const uint64_t *from = pattern->image + 1;
    uint64_t *image = kl_heap_alloc(kl_heap_current(), words * sizeof *image);
    if (!image) {
        return KEEL_NONE;
    }
    for (size_t i = 0; i < words; i++) {
        image[i] = from[i];
    }
    const struct kl_pattern_op *op = pattern->ops;
    for (const struct kl_pattern_op *end = op + pattern->op_count; op < end; op++) {
        keel_term value = value_of(&args[op->argument]);
        if (keel_is_none(value)) {
            return KEEL_NONE;
        }
        image[op->word] = value.word;
    }
    return (keel_term){(uintptr_t)image | pattern->image[0]};
}

static bool make_values(const keel_arg *args, uint32_t count, keel_term *values)
{
    for (uint32_t i = 0; i < count; i++) {
        values[i] = value_of(&args[i]);
        if (keel_is_none(values[i])) {
            return false;
        }
    }
    return true;
}

static bool fill_image(
        const struct kl_pattern *pattern, uint64_t *image, const keel_term *values)
{
    for (uint32_t i = 0; i < pattern->op_count; i++) {
        const struct kl_pattern_op *op = &pattern->ops[i];
        switch ((enum code)op->code) {
        case MAKE_LINK:
            image[op->argument] = (uintptr_t)&image[op->word] | op->level;
            break;
        case MAKE_HOLE:
            image[op->word] = values[op->argument].word;
            break;
        case MAKE_MAP:
            if (!kl_map_arrange((struct kl_map *)&image[op->word], NULL)) {
                return false;
            }
            break;
        }
    }
    return true;
}

// --- compiling ---

// Where a node's words go: word 0 of the image being made here is the term itself, and the
// words of its boxes follow from 1 on. In the steps they count from 0.
struct compiler {
    struct kl_pattern_code *code;
    uint32_t room;
};

static void compile_node(
        struct compiler *compiler, uint32_t index, uint32_t to, unsigned level);

static uint32_t count_words(const struct kl_pattern_tree *tree)
{
    size_t words = 1;
    for (uint32_t i = 0; i < tree->node_count; i++) {
        // More than enough for any kind: a header or two words a part.
        words += 1 + 2 * (size_t)tree->nodes[i].count;
    }
    return words < UINT32_MAX ? (uint32_t)words : UINT32_MAX;
}

static void compile_make(struct kl_pattern_code *code)
{
    for (uint32_t i = 0; i < code->tree->argument_count; i++) {
        if (code->tree->pinned[i]) {
            code->wrong = "a ^ has no meaning in what is made";
            return;
        }
        if (!kl_pattern_gives(code->args[i].kind)) {
            code->wrong = "an argument must be a value, not the address of a capture";
            return;
        }
    }
    struct compiler compiler = {.code = code, .room = count_words(code->tree)};
    code->image = kl_heap_alloc(kl_heap_current(), compiler.room * sizeof *code->image);
    if (!code->image) {
        code->no_memory = true;
        return;
    }
    code->image_words = 1;
    compile_node(&compiler, code->tree->root, 0, 0);
    code->flat = code->image_words > 1;
    for (uint32_t i = 0; i < code->op_count; i++) {
        code->flat = code->flat && code->ops[i].code == MAKE_HOLE;
    }
}

static uint32_t take_words(struct compiler *compiler, size_t count)
{
    uint32_t at = compiler->code->image_words;
    KL_ASSERT(count <= compiler->room - at);
    compiler->code->image_words += (uint32_t)count;
    return at;
}

// Makes word `to` point to word `at`. For the term itself only the tag is known: its words
// are the first ones.
static void link_words(struct compiler *compiler, uint32_t to, uint32_t at, unsigned tag)
{
    compiler->code->image[to] = tag;
    if (to > 0) {
        kl_pattern_emit(compiler->code, (struct kl_pattern_op){.code = MAKE_LINK,
                                                .level = (uint16_t)tag,
                                                .argument = to - 1,
                                                .word = at - 1});
    }
}

static void compile_tuple(
        struct compiler *compiler, const struct kl_node *node, uint32_t to, unsigned level)
{
    uint32_t at = take_words(compiler, 1 + (size_t)node->count);
    link_words(compiler, to, at, 0);
    compiler->code->image[at] = kl_header(KL_KIND_TUPLE, node->count);
    for (uint32_t i = 0; i < node->count; i++) {
        uint32_t part = compiler->code->tree->links[node->first + i];
        compile_node(compiler, part, at + 1 + i, level + 1);
    }
}

static void compile_list(
        struct compiler *compiler, const struct kl_node *node, uint32_t to, unsigned level)
{
    const uint32_t *parts = compiler->code->tree->links + node->first;
    uint32_t heads = node->kind == KL_NODE_LIST ? node->count : node->count - 1;
    for (uint32_t i = 0; i < heads; i++) {
        uint32_t at = take_words(compiler, 2);
        link_words(compiler, to, at, KL_TAG_CELL);
        compile_node(compiler, parts[i], at, level + 1);
        to = at + 1;
    }
    if (node->kind == KL_NODE_LIST) {
        compiler->code->image[to] = KL_WORD_NIL;
    } else {
        compile_node(compiler, parts[heads], to, level + 1);
    }
}

// True when all keys are known and stand in their order, without doubles.
static bool is_in_order(const struct kl_pattern_tree *tree, const struct kl_node *map)
{
    const uint32_t *parts = tree->links + map->first;
    for (uint32_t i = 0; i < map->count; i += 2) {
        const struct kl_node *key = &tree->nodes[parts[i]];
        if (!key->ground || (i > 0 && kl_compare_exact(tree->nodes[parts[i - 2]].term,
                                              key->term) >= 0)) {
            return false;
        }
    }
    return true;
}

static void compile_map(
        struct compiler *compiler, const struct kl_node *node, uint32_t to, unsigned level)
{
    uint32_t pairs = node->count / 2;
    uint32_t at = take_words(compiler, 1 + (size_t)node->count);
    link_words(compiler, to, at, 0);
    compiler->code->image[at] = kl_header(KL_KIND_MAP, pairs);
    for (uint32_t i = 0; i < node->count; i++) {
        uint32_t part = compiler->code->tree->links[node->first + i];
        compile_node(compiler, part, at + 1 + i / 2 + i % 2 * pairs, level + 1);
    }
    if (!is_in_order(compiler->code->tree, node)) {
        kl_pattern_emit(
                compiler->code, (struct kl_pattern_op){.code = MAKE_MAP, .word = at - 1});
    }
}

// Recursion is bounded by the depth that a pattern may have.
static void compile_node(
        struct compiler *compiler, uint32_t index, uint32_t to, unsigned level)
{
    struct kl_pattern_code *code = compiler->code;
    const struct kl_node *node = &code->tree->nodes[index];
    if (level > KL_PATTERN_DEPTH_MAX) {
        code->wrong = "nested too deep";
        return;
    }
    code->image[to] = KL_WORD_NIL; // whatever happens, a term
    if (node->ground) {
        code->image[to] = kl_pattern_constant(code, node->term).word;
        return;
    }
    switch (node->kind) {
    case KL_NODE_VARIABLE:
        kl_pattern_emit(code, (struct kl_pattern_op){.code = MAKE_HOLE,
                                      .argument = node->argument,
                                      .word = (uint64_t)to - 1});
        break;
    case KL_NODE_TUPLE:
        compile_tuple(compiler, node, to, level);
        break;
    case KL_NODE_LIST:
    case KL_NODE_LIST_TAIL:
        compile_list(compiler, node, to, level);
        break;
    case KL_NODE_MAP:
        compile_map(compiler, node, to, level);
        break;
    case KL_NODE_ANY:
        code->wrong = "a _ has no value";
        break;
    case KL_NODE_LEAF: // is ground
    case KL_NODE_PIN: // was refused
        break;
    }
}
