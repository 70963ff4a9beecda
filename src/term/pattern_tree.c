#include "compare.h"
#include "heap.h"
#include "parse.h"
#include "pattern.h"
#include <stdio.h>
#include <string.h>

// Reading a pattern: a sink of the parser that makes nodes instead of terms. Of parts
// without variables the term is made on the way, too.

struct reader {
    struct kl_pattern_tree *tree;
    struct kl_work open; // nodes that are no part of anything yet
    keel_bytes names[KL_PATTERN_ARGS_MAX];
};

static keel_status add_node(struct reader *reader, struct kl_node node)
{
    struct kl_pattern_tree *tree = reader->tree;
    if (!kl_work_push(&reader->open, tree->node_count)) {
        return KEEL_E_NOMEM;
    }
    tree->nodes[tree->node_count++] = node;
    return KEEL_OK;
}

static keel_status read_leaf(void *context, keel_term leaf)
{
    return add_node(
            context, (struct kl_node){.kind = KL_NODE_LEAF, .ground = true, .term = leaf});
}

static keel_status read_variable(
        void *context, keel_bytes name, bool pinned, const char **ret_message)
{
    struct reader *reader = context;
    struct kl_pattern_tree *tree = reader->tree;
    if (name.size == 1 && name.data[0] == '_') {
        *ret_message = "a ^ without a variable";
        return pinned ? KEEL_E_SYNTAX
                      : add_node(reader, (struct kl_node){.kind = KL_NODE_ANY});
    }
    uint32_t argument = 0;
    while (argument < tree->argument_count &&
            (reader->names[argument].size != name.size ||
                    memcmp(reader->names[argument].data, name.data, name.size) != 0)) {
        argument++;
    }
    if (argument == KL_PATTERN_ARGS_MAX) {
        *ret_message = "too many variables";
        return KEEL_E_SYNTAX;
    }
    if (argument == tree->argument_count) {
        reader->names[argument] = name;
        tree->pinned[argument] = pinned;
        tree->argument_count++;
    } else if (tree->pinned[argument] != pinned) {
        *ret_message = "a variable that stands with and without ^";
        return KEEL_E_SYNTAX;
    }
    return add_node(
            reader, (struct kl_node){.kind = pinned ? KL_NODE_PIN : KL_NODE_VARIABLE,
                            .argument = argument});
}

// The term of a container whose parts are all ground.
static keel_term make_ground(struct kl_pattern_tree *tree, const struct kl_node *node)
{
    const uint32_t *parts = tree->links + node->first;
    size_t count = node->count;
    keel_term *terms = kl_heap_alloc(kl_heap_current(), (count + 1) * sizeof *terms);
    if (!terms) {
        return KEEL_NONE;
    }
    for (size_t i = 0; i < count; i++) {
        // A map takes its keys and its values apart.
        size_t to = node->kind == KL_NODE_MAP ? i / 2 + i % 2 * (count / 2) : i;
        terms[to] = tree->nodes[parts[i]].term;
    }
    keel_term made = kl_nil();
    switch (node->kind) {
    case KL_NODE_TUPLE:
        return keel_tuple(terms, count);
    case KL_NODE_MAP:
        return keel_map(terms, terms + count / 2, count / 2);
    case KL_NODE_LIST_TAIL:
        made = terms[--count];
        break;
    default:
        break;
    }
    while (count > 0) {
        made = keel_cons(terms[--count], made);
    }
    return made;
}

// Puts the pairs of a map whose keys are all ground into the order of the keys, equal ones
// as they stand: what is made of it is then in order mostly.
static void sort_pairs(struct kl_pattern_tree *tree, const struct kl_node *map)
{
    uint32_t *parts = tree->links + map->first;
    for (uint32_t i = 0; i < map->count; i += 2) {
        if (!tree->nodes[parts[i]].ground) {
            return;
        }
    }
    for (uint32_t i = 2; i < map->count; i += 2) {
        uint32_t key = parts[i];
        uint32_t value = parts[i + 1];
        uint32_t to = i;
        while (to > 0 && kl_compare_exact(tree->nodes[parts[to - 2]].term,
                                 tree->nodes[key].term) > 0) {
            parts[to] = parts[to - 2];
            parts[to + 1] = parts[to - 1];
            to -= 2;
        }
        parts[to] = key;
        parts[to + 1] = value;
    }
}

static keel_status read_container(
        void *context, enum kl_parse_container kind, size_t count, const char **ret_message)
{
    static const enum kl_node_kind kinds[] = {[KL_PARSE_TUPLE] = KL_NODE_TUPLE,
            [KL_PARSE_LIST] = KL_NODE_LIST,
            [KL_PARSE_LIST_TAIL] = KL_NODE_LIST_TAIL,
            [KL_PARSE_MAP] = KL_NODE_MAP};
    struct reader *reader = context;
    struct kl_pattern_tree *tree = reader->tree;
    struct kl_node node = {.kind = kinds[kind],
            .first = tree->link_count,
            .count = (uint32_t)count,
            .ground = true,
            .has_map = kind == KL_PARSE_MAP};
    reader->open.count -= count;
    for (size_t i = 0; i < count; i++) {
        uint32_t part = (uint32_t)reader->open.words[reader->open.count + i];
        tree->links[tree->link_count++] = part;
        node.ground &= tree->nodes[part].ground;
        node.has_map |= tree->nodes[part].has_map;
    }
    if (kind == KL_PARSE_MAP) {
        sort_pairs(tree, &node);
    }
    if (node.ground) {
        node.term = make_ground(tree, &node);
        *ret_message = "memory is exhausted";
        if (keel_is_none(node.term)) {
            return KEEL_E_NOMEM;
        }
    }
    return add_node(reader, node);
}

static keel_status read_pattern(struct kl_parse *parse, struct reader *reader)
{
    keel_status status = kl_parse_term(parse);
    if (status != KEEL_OK) {
        return status;
    }
    struct kl_token rest = kl_scan_next(&parse->scanner);
    if (rest.kind != KL_TOKEN_END) {
        return kl_parse_fail(
                parse, KEEL_E_SYNTAX, rest.start, "something follows the pattern");
    }
    reader->tree->root = (uint32_t)reader->open.words[0];
    return KEEL_OK;
}

keel_status kl_pattern_tree_read(
        const char *text, struct kl_pattern_tree *ret_tree, char *why, size_t why_size)
{
    // Each node and each link takes at least one character.
    size_t size = strlen(text);
    struct kl_heap *heap = kl_heap_current();
    *ret_tree = (struct kl_pattern_tree){
            .nodes = kl_heap_alloc(heap, (size + 1) * sizeof(struct kl_node)),
            .links = kl_heap_alloc(heap, (size + 2) / 2 * 2 * sizeof(uint32_t))};
    if (!ret_tree->nodes || !ret_tree->links || size > UINT32_MAX) {
        return KEEL_E_NOMEM;
    }
    struct reader reader = {.tree = ret_tree};
    kl_work_init(&reader.open);
    const struct kl_parse_sink sink = {&reader, read_leaf, read_variable, read_container};
    struct kl_parse parse;
    kl_parse_init(&parse, text, size, &sink);
    keel_status status = read_pattern(&parse, &reader);
    if (status != KEEL_OK) {
        snprintf(why, why_size, "%s, at character %zu", parse.message, parse.offset + 1);
    }
    kl_parse_done(&parse);
    kl_work_done(&reader.open);
    return status;
}
