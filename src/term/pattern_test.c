#include "pattern.h"

#include "heap.h"
#include "testing/harness.h"
#include <string.h>

static struct kl_pattern_tree read_tree(const char *text)
{
    struct kl_pattern_tree tree;
    char why[64] = "";
    CHECK_OK(kl_pattern_tree_read(text, &tree, why, sizeof why));
    return tree;
}

TEST("a pattern is read into a tree whose ground parts are terms")
{
    struct kl_pattern_tree tree = read_tree("{a, [B | _], {c, [1]}, ^D, B, #{k := 2}}");
    const struct kl_node *root = &tree.nodes[tree.root];
    CHECK_INT(root->kind, KL_NODE_TUPLE);
    CHECK_INT(root->count, 6);
    CHECK(!root->ground && root->has_map);
    const struct kl_node *part[6];
    for (uint32_t i = 0; i < 6; i++) {
        part[i] = &tree.nodes[tree.links[root->first + i]];
    }
    CHECK(part[0]->kind == KL_NODE_LEAF && keel_is(part[0]->term, a));
    CHECK(part[1]->kind == KL_NODE_LIST_TAIL && part[1]->count == 2);
    CHECK(part[2]->ground && !part[2]->has_map);
    CHECK_STR(keel_show(part[2]->term), "{c,[1]}");
    CHECK(part[3]->kind == KL_NODE_PIN && part[3]->argument == 1);
    CHECK(part[4]->kind == KL_NODE_VARIABLE && part[4]->argument == 0);
    CHECK(part[5]->ground && part[5]->has_map);
    CHECK_STR(keel_show(part[5]->term), "#{k => 2}");
    CHECK_INT(tree.argument_count, 2);
    CHECK(!tree.pinned[0] && tree.pinned[1]);
}

TEST("a pattern may have as many variables as a place takes arguments, no more")
{
    struct kl_pattern_tree tree;
    char why[64] = "";
    CHECK_INT(read_tree("{A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P}").argument_count, 16);
    CHECK_INT(kl_pattern_tree_read(
                      "{A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q}", &tree, why, sizeof why),
            KEEL_E_SYNTAX);
    CHECK_STR(why, "too many variables, at character 34");
}

static void compile_nothing(struct kl_pattern_code *code)
{
    kl_pattern_emit(code, (struct kl_pattern_op){.word = code->tree->argument_count});
    keel_term constant = kl_pattern_constant(code, keel_tuple_of(keel_int(1)));
    kl_pattern_emit(code, (struct kl_pattern_op){.word = constant.word});
}

static void compile_wrong(struct kl_pattern_code *code)
{
    code->wrong = "not like this";
}

static void compile_without_memory(struct kl_pattern_code *code)
{
    code->no_memory = true;
}

TEST("a place reads its pattern once and keeps what was compiled")
{
    keel_pattern_site site = {"{A, B}", NULL};
    keel_arg args[2] = {{0}};
    keel_scope scope = keel_scope_open();
    const struct kl_pattern *pattern = kl_pattern_get(&site, args, 2, compile_nothing);
    keel_scope_close(&scope);
    CHECK(pattern && pattern == site.compiled);
    CHECK(kl_pattern_get(&site, args, 2, compile_wrong) == pattern);
    CHECK_INT(pattern->op_count, 2);
    CHECK_INT(pattern->ops[0].word, 2);
    CHECK_STR(keel_show((keel_term){pattern->ops[1].word}), "{1}");
    kl_pattern_forget(&site);
    CHECK(site.compiled == NULL);
}

static char told[128];
static void tell(const char *text, const char *why)
{
    (void)text;
    strncpy(told, why, sizeof told - 1);
}

TEST("a pattern that cannot be compiled is remembered as wrong, one for want of memory not")
{
    kl_pattern_error = tell;
    keel_pattern_site site = {"a", NULL};
    for (int i = 0; i < 2; i++) {
        told[0] = '\0';
        CHECK(kl_pattern_get(&site, NULL, 0, compile_wrong) == NULL);
        CHECK_STR(told, "not like this");
    }
    kl_pattern_forget(&site);
    told[0] = '\0';
    keel_pattern_site other = {"a", NULL};
    CHECK(kl_pattern_get(&other, NULL, 0, compile_without_memory) == NULL);
    CHECK(other.compiled == NULL);
    CHECK_STR(told, "");
    CHECK(kl_pattern_get(&other, NULL, 0, compile_nothing) != NULL);
    kl_pattern_forget(&other);
}
