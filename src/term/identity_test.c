#include "value.h"

#include "testing/harness.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

TEST("a pid names a slot and a generation")
{
    keel_pid pid = kl_pid_make((1 << 28) - 1, UINT32_MAX);
    CHECK(kl_pid_is_local(pid));
    CHECK_INT(kl_pid_slot(pid), (1 << 28) - 1);
    CHECK_INT(kl_pid_generation(pid), UINT32_MAX);
    CHECK_INT(kl_pid_make(0, 0).word == 0, false);
    CHECK(keel_is_pid(keel_from_pid(pid)) && !keel_is_ref(keel_from_pid(pid)));
    struct kl_remote_pid remote;
    CHECK(!kl_pid_remote(pid, &remote));
    CHECK(!kl_pid_remote((keel_pid){0}, &remote));
}

TEST("pids and references of other nodes hold all their numbers")
{
    struct kl_remote_pid pid = {keel_atom_text("a@b"), UINT32_MAX, 1u << 31, 3};
    struct kl_remote_pid pid_read;
    keel_pid made = kl_pid_make_remote(&pid);
    CHECK(!kl_pid_is_local(made));
    CHECK(kl_pid_remote(made, &pid_read));
    CHECK_INT(pid_read.node.word, pid.node.word);
    CHECK(pid_read.id == pid.id && pid_read.serial == pid.serial && pid_read.creation == 3);
    for (uint32_t count = 1; count <= 5; count++) {
        struct kl_remote_ref ref = {pid.node, 9, count, {1, 2, 3, 4, 5}};
        struct kl_remote_ref ref_read;
        keel_ref made_ref = kl_ref_make_remote(&ref);
        CHECK(!kl_ref_is_local(made_ref));
        CHECK(kl_ref_remote(made_ref, &ref_read));
        CHECK(ref_read.node.word == pid.node.word && ref_read.creation == 9);
        CHECK_INT(ref_read.count, count);
        for (uint32_t i = 0; i < 5; i++) {
            CHECK_INT(ref_read.word[i], i < count ? i + 1 : 0);
        }
    }
}

TEST("the node has no name until it gets one")
{
    CHECK(kl_node_name().word == keel_atom_text("nonode@nohost").word);
    CHECK_INT(kl_node_creation(), 0);
    kl_node_identity_set(keel_atom_text("me@here"), 77);
    CHECK_STR(keel_atom_name(kl_node_name()), "me@here");
    CHECK_INT(kl_node_creation(), 77);
}

// --- references ---

enum { THREADS = 4, REFS = 10000 };

static void *make_refs(void *numbers)
{
    for (int i = 0; i < REFS; i++) {
        keel_ref ref = keel_make_ref();
        CHECK(kl_ref_is_local(ref));
        ((uint64_t *)numbers)[i] = kl_ref_number(ref);
    }
    return NULL;
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

TEST("no reference is made twice, on no thread")
{
    static uint64_t numbers[THREADS][REFS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, make_refs, numbers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    uint64_t *all = numbers[0];
    qsort(all, (size_t)THREADS * REFS, sizeof *all, by_number);
    for (size_t i = 1; i < (size_t)THREADS * REFS; i++) {
        CHECK(all[i - 1] != all[i]);
    }
}

TEST("the same seed gives the same references again")
{
    uint64_t first[3];
    keel_make_ref();
    for (int round = 0; round < 2; round++) {
        kl_ref_seed(1000);
        for (int i = 0; i < 3; i++) {
            uint64_t number = kl_ref_number(keel_make_ref());
            CHECK(round == 0 || number == first[i]);
            first[i] = number;
        }
        CHECK_INT(first[0], 1000);
    }
}
