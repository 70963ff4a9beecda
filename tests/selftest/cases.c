// Test cases that must go red, each under the tool that finds its mistake.

#include "testing/harness.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static volatile int zero = 0;
static int shared;

TEST("a good case") { CHECK_INT(zero, 0); }

TEST("a wrong number") { CHECK_INT(zero, 1); }

TEST("a crash") { abort(); }

TEST("a use after free")
{
    int *number = malloc(sizeof *number);
    *number = 1;
    free(number);
    printf("%d\n", *(volatile int *)number);
}

TEST("a leak")
{
    void *volatile memory = malloc(100);
    memory = NULL;
    (void)memory;
}

TEST("an overflow of a signed number")
{
    volatile int number = INT_MAX;
    number = number + 1;
}

static void *count(void *unused)
{
    for (int i = 0; i < 1000; i++) {
        shared++;
    }
    return unused;
}

TEST("a race")
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, count, NULL);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

TEST("a decision on what was never written")
{
    volatile int *number = malloc(sizeof *number);
    puts(*number == 1 ? "one" : "another");
    free((void *)number);
}

TEST("a bad seed", .seeded = true) { CHECK(kl_test_seed() != 137); }
