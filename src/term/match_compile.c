#include "match_steps.h"

// Turns the tree of a pattern into the steps of match_steps.h.

struct compiler {
    struct kl_pattern_code *code;
    int resume; // the level to go on at before the next step that looks at a word; -1: none
    bool captured[KL_PATTERN_ARGS_MAX];
};

static void compile_node(struct compiler *compiler, uint32_t index, unsigned level);
static void emit(struct compiler *compiler, struct kl_pattern_op op);
static bool is_flat(const struct kl_pattern_code *code);

void kl_match_compile(struct kl_pattern_code *code)
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
    emit(&compiler, (struct kl_pattern_op){.code = KL_MATCH_END});
    code->flat = is_flat(code);
}

// A tuple of atoms and other words, given terms, captures of words, and nothing inside.
static bool is_flat(const struct kl_pattern_code *code)
{
    if (code->op_count < 2 || code->ops[0].code != KL_MATCH_TUPLE) {
        return false;
    }
    for (uint32_t i = 1; i < code->op_count - 1; i++) {
        const struct kl_pattern_op *op = &code->ops[i];
        bool pid = op->code == KL_MATCH_CAPTURE && op->level == KEEL_ARG_TO_PID;
        bool given = op->code == KL_MATCH_PIN &&
                     code->args[op->argument].kind == KEEL_ARG_TERM;
        if (!pid && !given && op->code != KL_MATCH_WORD && op->code != KL_MATCH_ANY &&
                op->code != KL_MATCH_CAPTURE_TERM && op->code != KL_MATCH_CAPTURE_INT) {
            return false;
        }
    }
    return true;
}

static void emit(struct compiler *compiler, struct kl_pattern_op op)
{
    if (compiler->resume >= 0) {
        kl_pattern_emit(compiler->code, (struct kl_pattern_op){.code = KL_MATCH_RESUME,
                                                .level = (uint16_t)compiler->resume});
        compiler->resume = -1;
    }
    kl_pattern_emit(compiler->code, op);
}

static void compile_constant(struct compiler *compiler, keel_term term)
{
    keel_term constant = kl_pattern_constant(compiler->code, term);
    enum kl_match_step code = kl_is_immediate(constant) ? KL_MATCH_WORD : KL_MATCH_EQUAL;
    emit(compiler, (struct kl_pattern_op){.code = code, .word = constant.word});
}

static void compile_variable(struct compiler *compiler, uint32_t argument)
{
    struct kl_pattern_op op = {.code = KL_MATCH_SAME, .argument = argument};
    if (!compiler->captured[argument]) {
        keel_arg_kind kind = compiler->code->args[argument].kind;
        compiler->captured[argument] = true;
        op.level = (uint16_t)kind;
        op.code = kind == KEEL_ARG_TO_TERM    ? KL_MATCH_CAPTURE_TERM
                  : kind == KEEL_ARG_TO_INT64 ? KL_MATCH_CAPTURE_INT
                                              : KL_MATCH_CAPTURE;
    }
    emit(compiler, op);
}

static void compile_list(
        struct compiler *compiler, const struct kl_node *node, unsigned level)
{
    const uint32_t *parts = compiler->code->tree->links + node->first;
    size_t heads = node->kind == KL_NODE_LIST ? node->count : node->count - 1;
    for (size_t i = 0; i < heads; i++) {
        emit(compiler,
                (struct kl_pattern_op){.code = i == 0 ? KL_MATCH_CELL : KL_MATCH_REST,
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
    emit(compiler, (struct kl_pattern_op){.code = KL_MATCH_MAP, .level = (uint16_t)level});
    for (size_t i = 0; i < node->count; i += 2) {
        const struct kl_node *key = &tree->nodes[tree->links[node->first + i]];
        if (!key->ground) {
            compiler->code->wrong = "a key of a map must not have variables";
            return;
        }
        compiler->resume = -1; // a key says itself where to go on
        emit(compiler,
                (struct kl_pattern_op){.code = KL_MATCH_KEY,
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
        emit(compiler, (struct kl_pattern_op){.code = KL_MATCH_ANY});
        return;
    case KL_NODE_VARIABLE:
        compile_variable(compiler, node->argument);
        return;
    case KL_NODE_PIN:
        emit(compiler,
                (struct kl_pattern_op){.code = KL_MATCH_PIN, .argument = node->argument});
        return;
    case KL_NODE_TUPLE:
        emit(compiler, (struct kl_pattern_op){.code = KL_MATCH_TUPLE,
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
