// Names and their slots.

#include "directory.h"
#include "testing/harness.h"

#include <stdio.h>

struct sample {
    struct kl_slot slot;
    int value;
};
static struct kl_directory directory = KL_DIRECTORY(struct sample);

static keel_term name_of(int number)
{
    char text[16];
    int length = snprintf(text, sizeof text, "name_%d", number);
    keel_term name;
    CHECK_OK(keel_atom_from(text, (size_t)length, &name));
    return name;
}

TEST("a name has one slot, for good")
{
    CHECK(kl_directory_find(&directory, keel_atom(first)) == NULL);
    struct sample *first = kl_directory_add(&directory, keel_atom(first));
    CHECK(first != NULL);
    CHECK_INT(first->value, 0);
    first->value = 1;
    CHECK(kl_directory_add(&directory, keel_atom(first)) == first);
    CHECK(kl_directory_find(&directory, keel_atom(first)) == first);
    CHECK(kl_directory_find(&directory, keel_int(1)) == NULL);
}

enum { NAMES = 500 };

static void *add_all(void *failures)
{
    for (int i = 0; i < NAMES; i++) {
        struct sample *slot = kl_directory_add(&directory, name_of(i));
        *(int *)failures += slot == NULL ||
                            slot != kl_directory_find(&directory, name_of(i));
    }
    return NULL;
}

TEST("threads that add the same names get the same slots")
{
    pthread_t threads[4];
    int failures[4] = {0};
    for (int i = 0; i < 4; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, add_all, &failures[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(failures[i], 0);
    }
}
