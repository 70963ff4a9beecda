#include "pattern.h"

#include "copy.h"
#include "heap.h"
#include <stdio.h>
#include <string.h>

void (*kl_pattern_error)(const char *text, const char *why);

static struct kl_pattern *make_pattern(
        const char *text, const keel_arg *args, size_t count, kl_pattern_compile *compile);
static void free_pattern(struct kl_pattern *pattern);

const struct kl_pattern *kl_pattern_get(keel_pattern_site *site, const keel_arg *args,
        size_t count, kl_pattern_compile *compile)
{
    // Pairs with the release below: the pattern is whole.
    struct kl_pattern *pattern = kl_load_acquire(&site->compiled);
    if (!pattern) {
        pattern = make_pattern(site->text ? site->text : "", args, count, compile);
        if (!pattern) {
            kl_heap_refuse(kl_heap_current());
            return NULL;
        }
        void *first = NULL;
        if (!kl_cas_acq_rel(&site->compiled, &first, (void *)pattern)) {
            free_pattern(pattern);
            pattern = first;
        }
    }
    if (pattern->why[0] == '\0') {
        return pattern;
    }
    if (kl_pattern_error) {
        kl_pattern_error(pattern->text, pattern->why);
    }
    kl_log(KL_LOG_ERROR, "pattern \"%s\": %s", pattern->text, pattern->why);
    return NULL;
}

keel_term kl_pattern_value(const keel_arg *arg)
{
    switch (arg->kind) {
    case KEEL_ARG_INT:
        return keel_int(arg->as.integer);
    case KEEL_ARG_UINT:
        return keel_uint(arg->as.natural);
    case KEEL_ARG_DOUBLE:
        return keel_float(arg->as.real);
    case KEEL_ARG_BOOL:
        return keel_bool(arg->as.natural != 0);
    case KEEL_ARG_STRING:
        return arg->as.string ? keel_string(arg->as.string) : KEEL_NONE;
    case KEEL_ARG_BYTES:
        return keel_binary(arg->as.bytes.data, arg->as.bytes.size);
    case KEEL_ARG_TERM:
        return (keel_term){arg->as.word};
    default:
        return KEEL_NONE;
    }
}

// --- making ---

void kl_pattern_emit(struct kl_pattern_code *code, struct kl_pattern_op op)
{
    if (code->op_count == code->op_room) {
        uint32_t room = code->op_room > 0 ? 2 * code->op_room : 16;
        struct kl_pattern_op *ops = kl_heap_alloc(kl_heap_current(), room * sizeof *ops);
        if (!ops) {
            code->no_memory = true;
            return;
        }
        if (code->op_count > 0) {
            memcpy(ops, code->ops, code->op_count * sizeof *ops);
        }
        code->ops = ops;
        code->op_room = room;
    }
    code->ops[code->op_count++] = op;
}

keel_term kl_pattern_constant(struct kl_pattern_code *code, keel_term term)
{
    size_t bytes = kl_fragment_bytes(term);
    if (bytes == 0) {
        return term;
    }
    struct kl_fragment *fragment = bytes == SIZE_MAX ? NULL : kl_alloc(bytes);
    if (!fragment) {
        code->no_memory = true;
        return KEEL_NONE;
    }
    keel_term copy = kl_fragment_fill(fragment, bytes, term);
    fragment->next = code->pattern->constants;
    code->pattern->constants = fragment;
    return copy;
}

static void free_constants(struct kl_fragment *fragment)
{
    while (fragment) {
        struct kl_fragment *next = fragment->next;
        kl_fragment_release(fragment);
        kl_free(fragment, fragment->size);
        fragment = next;
    }
}

static void free_pattern(struct kl_pattern *pattern)
{
    free_constants(pattern->constants);
    kl_free(pattern, pattern->bytes);
}

void kl_pattern_forget(keel_pattern_site *site)
{
    if (site->compiled) {
        free_pattern(site->compiled);
    }
    site->compiled = NULL;
}

// Reads and compiles into the current heap; `pattern` gets what went wrong, if anything.
static keel_status compile_pattern(struct kl_pattern *pattern, const keel_arg *args,
        size_t count, kl_pattern_compile *compile, struct kl_pattern_code *ret_code)
{
    struct kl_pattern_tree *tree = kl_heap_alloc(
            kl_heap_current(), (sizeof *tree + 7) & ~(size_t)7);
    *ret_code = (struct kl_pattern_code){.tree = tree, .pattern = pattern, .args = args};
    if (!tree) {
        return KEEL_E_NOMEM;
    }
    keel_status status = kl_pattern_tree_read(
            pattern->text, tree, pattern->why, sizeof pattern->why);
    if (status != KEEL_OK) {
        return status == KEEL_E_NOMEM ? KEEL_E_NOMEM : KEEL_OK;
    }
    pattern->argument_count = tree->argument_count;
    if (count != tree->argument_count) {
        snprintf(pattern->why, sizeof pattern->why, "arguments needed: %u, given: %zu",
                tree->argument_count, count);
        return KEEL_OK;
    }
    compile(ret_code);
    if (ret_code->wrong) {
        snprintf(pattern->why, sizeof pattern->why, "%s", ret_code->wrong);
    }
    return ret_code->no_memory ? KEEL_E_NOMEM : KEEL_OK;
}

// Puts a compiled pattern into a block of its own.
static struct kl_pattern *settle_pattern(
        const struct kl_pattern *from, const struct kl_pattern_code *code)
{
    size_t op_bytes = code->op_count * sizeof *code->ops;
    size_t image_bytes = code->image_words * sizeof *code->image;
    size_t bytes = sizeof *from + op_bytes + image_bytes;
    struct kl_pattern *pattern = kl_alloc(bytes);
    if (!pattern) {
        return NULL;
    }
    *pattern = *from;
    pattern->bytes = bytes;
    pattern->ops = (struct kl_pattern_op *)(pattern + 1);
    pattern->op_count = code->op_count;
    pattern->image = (uint64_t *)(pattern->ops + code->op_count);
    pattern->image_words = code->image_words;
    pattern->flat = code->flat && from->why[0] == '\0';
    if (op_bytes > 0) {
        memcpy(pattern->ops, code->ops, op_bytes);
    }
    if (image_bytes > 0) {
        memcpy(pattern->image, code->image, image_bytes);
    }
    return pattern;
}

// NULL when memory is exhausted. Everything on the way lies in a heap of its own, which the
// thread uses meanwhile: reading and compiling end no process.
static struct kl_pattern *make_pattern(
        const char *text, const keel_arg *args, size_t count, kl_pattern_compile *compile)
{
    struct kl_heap heap;
    kl_heap_init(&heap, NULL, 0);
    heap.quiet = 1;
    struct kl_heap *before = kl_heap_use(&heap);
    struct kl_pattern draft = {.text = text};
    struct kl_pattern_code code;
    struct kl_pattern *pattern = NULL;
    if (compile_pattern(&draft, args, count, compile, &code) == KEEL_OK) {
        pattern = settle_pattern(&draft, &code);
    }
    if (!pattern) {
        free_constants(draft.constants);
    }
    kl_heap_use(before);
    kl_heap_done(&heap);
    return pattern;
}
