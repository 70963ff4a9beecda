#include "entries.h"

#include "testing/harness.h"
#include <pthread.h>

static struct kl_entries table;

static keel_pid pid_of(uint64_t number)
{
    return (keel_pid){number * 64 + 1};
}

static keel_status add(keel_pid pid, int key, int value)
{
    keel_pid holder;
    bool first;
    return kl_entries_add(&table, pid, keel_int(key), keel_int(value), &holder, &first);
}

TEST("a closed table takes nothing, and closing removes everything")
{
    keel_pid holder;
    bool first = false;
    CHECK_INT(add(pid_of(1), 1, 1), KEEL_E_NOPROC);
    CHECK(!kl_entries_has(&table, pid_of(1)));
    kl_entries_open(&table, true, 2);
    CHECK_OK(kl_entries_add(
            &table, pid_of(1), keel_int(1), keel_string("v"), &holder, &first));
    CHECK(first);
    CHECK_OK(kl_entries_add(
            &table, pid_of(1), keel_int(2), keel_string("v"), &holder, &first));
    CHECK(!first);
    CHECK_INT(kl_entries_add(&table, pid_of(2), keel_int(1), keel_int(1), &holder, &first),
            KEEL_E_TAKEN);
    CHECK_INT(holder.word, pid_of(1).word);
    CHECK(!kl_entries_has(&table, pid_of(2)));
    CHECK_INT(kl_entries_count(&table), 2);
    kl_entries_close(&table);
    CHECK_INT(kl_entries_count(&table), 0);
    CHECK(!kl_entries_has(&table, pid_of(1)));
    CHECK_INT(add(pid_of(1), 1, 1), KEEL_E_NOPROC);
}

TEST("removing tells when it was the last entry of a process")
{
    kl_entries_open(&table, false, 1);
    CHECK_OK(add(pid_of(1), 1, 1));
    CHECK_OK(add(pid_of(1), 1, 2));
    CHECK_OK(add(pid_of(1), 2, 3));
    CHECK(!kl_entries_remove(&table, pid_of(1), keel_int(1), NULL, 0));
    CHECK_INT(kl_entries_count(&table), 1);
    CHECK(!kl_entries_remove(&table, pid_of(2), keel_int(2), NULL, 0));
    CHECK(kl_entries_remove(&table, pid_of(1), keel_int(2), NULL, 0));
    CHECK(!kl_entries_remove(&table, pid_of(1), keel_int(2), NULL, 0));
    kl_entries_close(&table);
}

TEST("a partition's end removes the entries of its processes and of no others")
{
    enum { PROCESSES = 100, PARTITIONS = 3 };
    kl_entries_open(&table, false, PARTITIONS);
    for (uint64_t i = 1; i <= PROCESSES; i++) {
        CHECK_OK(add(pid_of(i), 1, 1));
    }
    kl_entries_remove_partition(&table, 1);
    size_t left = 0;
    for (uint64_t i = 1; i <= PROCESSES; i++) {
        bool gone = kl_entries_partition(pid_of(i), PARTITIONS) == 1;
        CHECK(kl_entries_has(&table, pid_of(i)) == !gone);
        left += !gone;
    }
    CHECK(left > 0 && left < PROCESSES);
    CHECK_INT(kl_entries_count(&table), left);
    kl_entries_close(&table);
}

TEST("a value is replaced by its holder only")
{
    kl_entries_open(&table, true, 1);
    CHECK_OK(add(pid_of(1), 1, 1));
    CHECK_INT(
            kl_entries_update(&table, pid_of(2), keel_int(1), keel_int(2)), KEEL_E_NOPROC);
    CHECK_INT(
            kl_entries_update(&table, pid_of(1), keel_int(2), keel_int(2)), KEEL_E_NOPROC);
    CHECK_OK(kl_entries_update(&table, pid_of(1), keel_int(1), keel_string("new")));
    struct kl_items items = {0};
    CHECK(kl_entries_take_key(&table, keel_int(1), (keel_pid){0}, &items));
    CHECK_INT(items.count, 1);
    kl_entries_close(&table);
    CHECK_INT(keel_to_bytes(items.item[0].value.term).size, 3); // outlives the entry
    kl_items_done(&items);
}

enum { THREADS = 4, ROUNDS = 3000, KEYS = 5 };

static void *churn(void *number)
{
    keel_pid pid = pid_of((uint64_t)(uintptr_t)number);
    for (int i = 0; i < ROUNDS; i++) {
        keel_scope scope = keel_scope_open();
        keel_pid holder;
        bool first;
        keel_term key = keel_tuple_of(keel_atom(key), keel_int(i % KEYS));
        keel_status status = kl_entries_add(
                &table, pid, key, keel_string("a value"), &holder, &first);
        CHECK(status == KEEL_OK || (status == KEEL_E_TAKEN && holder.word != 0));
        struct kl_items items = {0};
        CHECK(kl_entries_take_key(&table, key, (keel_pid){0}, &items));
        CHECK(items.count <= 1);
        for (size_t k = 0; k < items.count; k++) {
            CHECK_INT(keel_to_bytes(items.item[k].value.term).size, 7);
        }
        kl_items_done(&items);
        if (i % 7 == 0) {
            kl_entries_remove_owner(&table, pid);
        } else if (i % 3 == 0) {
            kl_entries_remove(&table, pid, key, NULL, 0);
        }
        keel_scope_close(&scope);
    }
    kl_entries_remove_owner(&table, pid);
    return NULL;
}

TEST("threads that come and go see whole entries and leave none", .ids = "RG-020")
{
    kl_entries_open(&table, true, 2);
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
    CHECK_INT(kl_entries_count(&table), 0);
    for (size_t i = 0; i < KL_ENTRIES_KEYS; i++) {
        CHECK(table.keys[i].bucket == NULL && table.keys[i].bunches == 0);
    }
    for (size_t i = 0; i < KL_ENTRIES_OWNERS; i++) {
        CHECK_INT(table.owners[i].owners.count, 0);
    }
    kl_entries_close(&table);
}
