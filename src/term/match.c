#include "bignum.h"
#include "map.h"
#include "pattern.h"
#include <limits.h>
#include <string.h>

// Matching: a pattern becomes steps that look at one word after the other. A step that goes
// inside (a tuple, a list, a map) remembers where to go on, by its level of nesting, for
// the RESUME that follows when there is more beside. Captures are put aside and written at
// the end, so that nothing is written unless everything matches.

enum code {
    MATCH_END,
    MATCH_WORD, // an immediate term: word
    MATCH_EQUAL, // a constant: word
    MATCH_ANY,
    MATCH_CAPTURE, // into argument, level: keel_arg_kind
    MATCH_CAPTURE_TERM, // the same for the two most usual kinds
    MATCH_CAPTURE_INT,
    MATCH_SAME, // as captured in argument
    MATCH_PIN, // as given in argument
    MATCH_TUPLE, // word: the header; goes inside
    MATCH_CELL, // goes inside
    MATCH_REST, // a tail that is a cell: goes inside, nothing is left beside
    MATCH_MAP, // remembers the map
    MATCH_KEY, // word: the key; goes to its value
    MATCH_RESUME, // goes on beside
};

static void compile_match(struct kl_pattern_code *code);
static bool run(const struct kl_pattern *pattern, keel_term term, const keel_arg *args,
        keel_term *captured);
static bool fits(keel_arg_kind kind, keel_term term);
static bool is_given(const keel_arg *arg, keel_term term);
static void capture(const keel_arg *arg, keel_term term);

bool keel_match_at(
        keel_pattern_site *site, keel_term term, const keel_arg *args, size_t count)
{
    const struct kl_pattern *pattern = kl_load_acquire(&site->compiled);
    if (!pattern || pattern->why[0] != '\0') {
        pattern = kl_pattern_get(site, args, count, compile_match);
        if (!pattern) {
            return false;
        }
    }
    keel_term captured[KL_PATTERN_ARGS_MAX];
    if (keel_is_none(term) || !run(pattern, term, args, captured)) {
        return false;
    }
    for (uint32_t i = 0; i < pattern->argument_count; i++) {
        capture(&args[i], captured[i]);
    }
    return true;
}

// Longer than 60 lines because all steps share their state, each has its case, and this is
// the part that must be fast.
static bool run(const struct kl_pattern *pattern, keel_term term, const keel_arg *args,
        keel_term *captured)
{
    const keel_term *beside[KL_PATTERN_DEPTH_MAX + 1];
    const struct kl_map *maps[KL_PATTERN_DEPTH_MAX + 1];
    const keel_term *at = &term;
    size_t index;
    for (const struct kl_pattern_op *op = pattern->ops;; op++) {
        switch (op->code) {
        case MATCH_END:
            return true;
        case MATCH_WORD:
            if ((at++)->word != op->word) {
                return false;
            }
            break;
        case MATCH_EQUAL:
            if (!keel_equal(*at++, (keel_term){op->word})) {
                return false;
            }
            break;
        case MATCH_ANY:
            at++;
            break;
        case MATCH_CAPTURE_INT:
            if (!kl_is_small(*at) && !fits(KEEL_ARG_TO_INT64, *at)) {
                return false;
            }
            captured[op->argument] = *at++;
            break;
        case MATCH_CAPTURE:
            if (!fits((keel_arg_kind)op->level, *at)) {
                return false;
            }
            captured[op->argument] = *at++;
            break;
        case MATCH_CAPTURE_TERM:
            captured[op->argument] = *at++;
            break;
        case MATCH_SAME:
            if (!keel_equal(*at++, captured[op->argument])) {
                return false;
            }
            break;
        case MATCH_PIN:
            if (!is_given(&args[op->argument], *at++)) {
                return false;
            }
            break;
        case MATCH_TUPLE:
            if (!kl_is_boxed(*at) || kl_box_header(*at) != op->word) {
                return false;
            }
            beside[op->level] = at + 1;
            at = kl_tuple(*at)->item;
            break;
        case MATCH_CELL:
            if (!kl_is_cell(*at)) {
                return false;
            }
            beside[op->level] = at + 1;
            at = kl_cell(*at);
            break;
        case MATCH_REST:
            if (!kl_is_cell(*at)) {
                return false;
            }
            at = kl_cell(*at);
            break;
        case MATCH_MAP:
            if (!keel_is_map(*at)) {
                return false;
            }
            maps[op->level] = kl_map(*at);
            beside[op->level] = at + 1;
            break;
        case MATCH_KEY:
            if (!kl_map_find(maps[op->level], (keel_term){op->word}, &index)) {
                return false;
            }
            at = &maps[op->level]->slot[kl_header_size(maps[op->level]->header) + index];
            break;
        case MATCH_RESUME:
            at = beside[op->level];
            break;
        default:
            __builtin_unreachable(); // no other code is compiled
        }
    }
}

// --- arguments ---

// The type of a capture is a guard.
static bool fits(keel_arg_kind kind, keel_term term)
{
    int64_t integer;
    uint64_t natural;
    double real;
    switch (kind) {
    case KEEL_ARG_TO_INT64:
        return keel_get_int(term, &integer);
    case KEEL_ARG_TO_INT:
        return keel_get_int(term, &integer) && integer >= INT_MIN && integer <= INT_MAX;
    case KEEL_ARG_TO_UINT64:
        return keel_get_uint(term, &natural);
    case KEEL_ARG_TO_UINT:
        return keel_get_uint(term, &natural) && natural <= UINT_MAX;
    case KEEL_ARG_TO_DOUBLE:
        return keel_is_float(term) || (keel_is_int(term) && kl_int_to_double(term, &real));
    case KEEL_ARG_TO_BOOL:
        return keel_is_bool(term);
    case KEEL_ARG_TO_PID:
        return keel_is_pid(term);
    case KEEL_ARG_TO_REF:
        return keel_is_ref(term);
    case KEEL_ARG_TO_BYTES:
        return keel_is_binary(term);
    case KEEL_ARG_TO_ATOM:
        return kl_is_atom(term);
    case KEEL_ARG_TO_TERM:
        return true;
    case KEEL_ARG_TO_POINTER:
        return kl_is_pointer(term) || kl_is_kind(term, KL_KIND_RESOURCE);
    default:
        return false;
    }
}

// The term has passed fits().
static void capture(const keel_arg *arg, keel_term term)
{
    switch (arg->kind) {
    case KEEL_ARG_TO_INT64:
        *(int64_t *)arg->as.to = kl_is_small(term) ? kl_small_value(term)
                                                   : keel_to_int(term);
        break;
    case KEEL_ARG_TO_INT:
        *(int *)arg->as.to = (int)keel_to_int(term);
        break;
    case KEEL_ARG_TO_UINT64:
        (void)keel_get_uint(term, arg->as.to);
        break;
    case KEEL_ARG_TO_UINT:
        *(unsigned *)arg->as.to = (unsigned)keel_to_int(term);
        break;
    case KEEL_ARG_TO_DOUBLE:
        *(double *)arg->as.to = keel_to_float(term);
        break;
    case KEEL_ARG_TO_BOOL:
        *(bool *)arg->as.to = keel_to_bool(term);
        break;
    case KEEL_ARG_TO_PID:
        *(keel_pid *)arg->as.to = (keel_pid){term.word};
        break;
    case KEEL_ARG_TO_REF:
        *(keel_ref *)arg->as.to = (keel_ref){term.word};
        break;
    case KEEL_ARG_TO_BYTES:
        *(keel_bytes *)arg->as.to = keel_to_bytes(term);
        break;
    case KEEL_ARG_TO_ATOM:
        *(const char **)arg->as.to = keel_atom_name(term);
        break;
    case KEEL_ARG_TO_TERM:
        *(keel_term *)arg->as.to = term;
        break;
    case KEEL_ARG_TO_POINTER:
        *(void **)arg->as.to = keel_to_pointer(term, NULL);
        break;
    default:
        break; // a value given with ^
    }
}

static bool is_binary_of(keel_term term, const void *data, size_t size)
{
    keel_bytes bytes = keel_to_bytes(term);
    return bytes.data && bytes.size == size && memcmp(bytes.data, data, size) == 0;
}

// =:= with the value that an argument gives, without making a term of it.
static bool is_given(const keel_arg *arg, keel_term term)
{
    int64_t integer;
    uint64_t natural;
    switch (arg->kind) {
    case KEEL_ARG_INT:
        return keel_get_int(term, &integer) && integer == arg->as.integer;
    case KEEL_ARG_UINT:
        return keel_get_uint(term, &natural) && natural == arg->as.natural;
    case KEEL_ARG_DOUBLE:
        return keel_is_float(term) && kl_float_value(term) == arg->as.real;
    case KEEL_ARG_BOOL:
        return keel_is_bool(term) && keel_to_bool(term) == (arg->as.natural != 0);
    case KEEL_ARG_STRING:
        return arg->as.string && is_binary_of(term, arg->as.string, strlen(arg->as.string));
    case KEEL_ARG_BYTES:
        return is_binary_of(term, arg->as.bytes.data, arg->as.bytes.size);
    case KEEL_ARG_TERM:
        return keel_equal(term, (keel_term){arg->as.word});
    default:
        return false;
    }
}

// --- compiling ---

struct compiler {
    struct kl_pattern_code *code;
    int resume; // the level to go on at before the next step that looks at a word; -1: none
    bool captured[KL_PATTERN_ARGS_MAX];
};

static void compile_node(struct compiler *compiler, uint32_t index, unsigned level);

static void emit(struct compiler *compiler, struct kl_pattern_op op)
{
    if (compiler->resume >= 0) {
        kl_pattern_emit(compiler->code, (struct kl_pattern_op){.code = MATCH_RESUME,
                                                .level = (uint16_t)compiler->resume});
        compiler->resume = -1;
    }
    kl_pattern_emit(compiler->code, op);
}

static void compile_match(struct kl_pattern_code *code)
{
    struct compiler compiler = {.code = code, .resume = -1};
    for (uint32_t i = 0; i < code->tree->argument_count; i++) {
        keel_arg_kind kind = code->args[i].kind;
        if (code->tree->pinned[i] != kl_pattern_gives(kind)) {
            code->wrong =
                    code->tree->pinned[i]
                            ? "an argument for a ^variable must be a value, not an address"
                            : "an argument for a variable must be the address of a capture";
            return;
        }
    }
    compile_node(&compiler, code->tree->root, 0);
    compiler.resume = -1;
    emit(&compiler, (struct kl_pattern_op){.code = MATCH_END});
}

static void compile_constant(struct compiler *compiler, keel_term term)
{
    keel_term constant = kl_pattern_constant(compiler->code, term);
    enum code code = kl_is_immediate(constant) ? MATCH_WORD : MATCH_EQUAL;
    emit(compiler, (struct kl_pattern_op){.code = code, .word = constant.word});
}

static void compile_variable(struct compiler *compiler, uint32_t argument)
{
    struct kl_pattern_op op = {.code = MATCH_SAME, .argument = argument};
    if (!compiler->captured[argument]) {
        keel_arg_kind kind = compiler->code->args[argument].kind;
        compiler->captured[argument] = true;
        op.level = (uint16_t)kind;
        op.code = kind == KEEL_ARG_TO_TERM    ? MATCH_CAPTURE_TERM
                  : kind == KEEL_ARG_TO_INT64 ? MATCH_CAPTURE_INT
                                              : MATCH_CAPTURE;
    }
    emit(compiler, op);
}

static void compile_list(
        struct compiler *compiler, const struct kl_node *node, unsigned level)
{
    const uint32_t *parts = compiler->code->tree->links + node->first;
    size_t heads = node->kind == KL_NODE_LIST ? node->count : node->count - 1;
    for (size_t i = 0; i < heads; i++) {
        emit(compiler, (struct kl_pattern_op){.code = i == 0 ? MATCH_CELL : MATCH_REST,
                               .level = (uint16_t)level});
        compile_node(compiler, parts[i], level + 1);
    }
    if (node->kind == KL_NODE_LIST) {
        compile_constant(compiler, kl_nil());
    } else {
        compile_node(compiler, parts[heads], level + 1);
    }
}

static void compile_map(
        struct compiler *compiler, const struct kl_node *node, unsigned level)
{
    const struct kl_pattern_tree *tree = compiler->code->tree;
    emit(compiler, (struct kl_pattern_op){.code = MATCH_MAP, .level = (uint16_t)level});
    for (size_t i = 0; i < node->count; i += 2) {
        const struct kl_node *key = &tree->nodes[tree->links[node->first + i]];
        if (!key->ground) {
            compiler->code->wrong = "a key of a map must not have variables";
            return;
        }
        compiler->resume = -1; // a key says itself where to go on
        emit(compiler,
                (struct kl_pattern_op){.code = MATCH_KEY,
                        .level = (uint16_t)level,
                        .word = kl_pattern_constant(compiler->code, key->term).word});
        compile_node(compiler, tree->links[node->first + i + 1], level + 1);
    }
}

// Recursion is bounded by the levels that a program can have.
static void compile_node(struct compiler *compiler, uint32_t index, unsigned level)
{
    const struct kl_pattern_tree *tree = compiler->code->tree;
    const struct kl_node *node = &tree->nodes[index];
    if (level > KL_PATTERN_DEPTH_MAX) {
        compiler->code->wrong = "nested too deep";
        return;
    }
    if (node->ground && !node->has_map) {
        compile_constant(compiler, node->term);
        return;
    }
    switch (node->kind) {
    case KL_NODE_LEAF:
        return; // is ground
    case KL_NODE_ANY:
        emit(compiler, (struct kl_pattern_op){.code = MATCH_ANY});
        return;
    case KL_NODE_VARIABLE:
        compile_variable(compiler, node->argument);
        return;
    case KL_NODE_PIN:
        emit(compiler,
                (struct kl_pattern_op){.code = MATCH_PIN, .argument = node->argument});
        return;
    case KL_NODE_TUPLE:
        emit(compiler, (struct kl_pattern_op){.code = MATCH_TUPLE,
                               .level = (uint16_t)level,
                               .word = kl_header(KL_KIND_TUPLE, node->count)});
        for (size_t i = 0; i < node->count; i++) {
            compile_node(compiler, tree->links[node->first + i], level + 1);
        }
        break;
    case KL_NODE_LIST:
    case KL_NODE_LIST_TAIL:
        compile_list(compiler, node, level);
        break;
    case KL_NODE_MAP:
        compile_map(compiler, node, level);
        break;
    }
    compiler->resume = (int)level;
}
