#include "entries.h"

#include "testing/harness.h"

static struct kl_entries table;

static void add(uint64_t pid, const char *key, int value)
{
    keel_pid holder;
    bool first;
    CHECK_OK(kl_entries_add(
            &table, (keel_pid){pid}, keel_string(key), keel_int(value), &holder, &first));
}

TEST("entries are taken along by key, by process, and all")
{
    kl_entries_open(&table, false, 1);
    add(1, "a", 1);
    add(2, "a", 2);
    add(1, "a", 3);
    add(1, "b", 4);
    struct kl_items items = {0};
    CHECK(kl_entries_take_key(&table, keel_string("a"), (keel_pid){1}, &items));
    CHECK_INT(items.count, 2);
    CHECK_INT(keel_to_int(items.item[0].value.term), 1);
    CHECK_INT(keel_to_int(items.item[1].value.term), 3);
    kl_items_done(&items);
    CHECK(kl_entries_take_key(&table, keel_string("c"), (keel_pid){0}, &items));
    CHECK_INT(items.count, 0);
    CHECK(kl_entries_take_owner(&table, (keel_pid){1}, &items));
    CHECK_INT(items.count, 3);
    kl_entries_close(&table);
    CHECK_STR(keel_show(items.item[2].key.term), "<<\"b\">>"); // lives on
    kl_items_done(&items);
    kl_entries_open(&table, false, 1);
    add(1, "a", 1);
    add(2, "b", 2);
    CHECK(kl_entries_take_all(&table, &items));
    CHECK_INT(items.count, 2);
    CHECK_INT(keel_to_int(items.item[0].value.term) + keel_to_int(items.item[1].value.term),
            3);
    kl_items_done(&items);
    kl_entries_close(&table);
}

TEST("pids are written only when there is room for all, with repetitions and in order")
{
    keel_pid pids[3] = {{9}, {9}, {9}};
    kl_entries_open(&table, false, 1);
    CHECK_INT(kl_entries_pids(&table, keel_string("a"), pids, 3), 0);
    CHECK_INT(kl_entries_whereis(&table, keel_string("a")).word, 0);
    add(5, "a", 1);
    add(6, "a", 2);
    add(5, "a", 3);
    CHECK_INT(kl_entries_pids(&table, keel_string("a"), pids, 2), 3);
    CHECK_INT(pids[0].word, 9);
    CHECK_INT(kl_entries_pids(&table, keel_string("a"), pids, 3), 3);
    CHECK(pids[0].word == 5 && pids[1].word == 6 && pids[2].word == 5);
    CHECK_INT(kl_entries_whereis(&table, keel_string("a")).word, 5);
    kl_entries_remove_owner(&table, (keel_pid){5});
    CHECK_INT(kl_entries_whereis(&table, keel_string("a")).word, 6);
    kl_entries_close(&table);
}
