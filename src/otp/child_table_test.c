#include "child_table.h"
#include "otp_testing.h"

static struct kl_child *add(struct kl_child_table *table, keel_term id)
{
    struct kl_child_spec spec;
    keel_term term = keel_make("#{id => Id, start => {m, f, []}}", id);
    CHECK(keel_is_none(kl_child_spec_parse(term, KEEL_NEVER_SHUTDOWN, &spec)));
    struct kl_child *child = kl_child_table_add(table, &spec);
    CHECK(child != NULL);
    return child;
}

PROCESS_TEST("children are found by id and by pid, and kept in order")
{
    struct kl_child_table *table = keel_alloc(sizeof *table);
    kl_child_table_init(table);
    keel_term ids = keel_make("[a, {b, 1}, <<\"text\">>, 7, 7.0, [1 | 2], #{k => 1}]");
    keel_term left = ids;
    keel_term id;
    while (keel_list_next(&left, &id)) {
        add(table, id);
    }
    CHECK_INT(table->count, 7);
    left = ids;
    struct kl_child *child = NULL;
    while (keel_list_next(&left, &id)) {
        child = kl_child_table_next(table, child);
        CHECK(child == kl_child_table_find(table, id));
        CHECK_EQUAL(child->spec.id, id);
    }
    CHECK(kl_child_table_next(table, child) == NULL);
    CHECK(kl_child_table_previous(table, NULL) == child);
    CHECK(kl_child_table_find(table, keel_atom(z)) == NULL);
    CHECK(kl_child_table_set_up(table, child, keel_self()));
    CHECK(kl_child_table_find_pid(table, keel_self()) == child);
    CHECK(kl_child_table_find_pid(table, dead_pid()) == NULL);
    kl_child_table_set_restarting(table, child, keel_from_pid(keel_self()));
    CHECK(kl_child_table_find_pid(table, keel_self()) == NULL);
    CHECK_INT(child->status, KL_CHILD_RESTARTING);
    CHECK_EQUAL(child->before, keel_from_pid(keel_self()));
    kl_child_table_set_down(table, child);
    CHECK(keel_is_none(child->before));
    child = kl_child_table_find(table, keel_int(7));
    kl_child_table_move_last(table, child);
    CHECK(kl_child_table_previous(table, NULL) == child);
    kl_child_table_remove(table, child);
    CHECK(kl_child_table_find(table, keel_int(7)) == NULL);
    CHECK(kl_child_table_find(table, keel_float(7.0)) != NULL);
    CHECK_INT(table->count, 6);
}

PROCESS_TEST("many children are found as fast as few")
{
    const int count = many_of(10000);
    struct kl_child_table *table = keel_alloc(sizeof *table);
    kl_child_table_init(table);
    for (int i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        add(table, keel_tuple_of(keel_atom(child), keel_int(i)));
        keel_scope_close(&scope);
    }
    for (int i = 0; i < count; i++) {
        keel_scope scope = keel_scope_open();
        keel_term id = keel_tuple_of(keel_atom(child), keel_int(i * 7919 % count));
        struct kl_child *child = kl_child_table_find(table, id);
        CHECK(child != NULL && keel_equal(child->spec.id, id));
        kl_child_table_remove(table, child);
        keel_scope_close(&scope);
        if (i % 256 == 0) {
            keel_yield();
        }
    }
    CHECK_INT(table->count, 0);
    CHECK(kl_child_table_next(table, NULL) == NULL);
}

PROCESS_TEST("a new specification takes the old one's place")
{
    struct kl_child_table *table = keel_alloc(sizeof *table);
    kl_child_table_init(table);
    struct kl_child *child = add(table, keel_atom(a));
    struct kl_child_spec spec;
    keel_term term = keel_make("#{id => a, start => {m, g, []}, restart => temporary}");
    CHECK(keel_is_none(kl_child_spec_parse(term, KEEL_NEVER_SHUTDOWN, &spec)));
    kl_child_table_respec(child, &spec);
    CHECK_INT(kl_child_table_find(table, keel_atom(a))->spec.restart, KEEL_TEMPORARY);
    CHECK_TERM(child->spec.mfa, "{m, g, []}");
}
