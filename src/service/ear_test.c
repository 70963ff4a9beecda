// Items from anywhere, for a process that waits.

#include "ear.h"
#include "proc/proc_testing.h"

static struct kl_ear ear;
static unsigned left;

static void count_left(void *item)
{
    (void)item;
    left++;
}

PROCESS_TEST("items come in order, and those without room are counted")
{
    int items[4];
    CHECK(!kl_ear_put(&ear, &items[0])); // closed
    CHECK_OK(kl_ear_open(&ear, 3));
    CHECK_INT(kl_ear_dropped(&ear), 0);
    CHECK(kl_ear_put(&ear, &items[0]) && kl_ear_put(&ear, &items[1]));
    CHECK(kl_ear_take(&ear) == &items[0]);
    CHECK(kl_ear_put(&ear, &items[2]) && kl_ear_put(&ear, &items[3])); // around the end
    CHECK(!kl_ear_put(&ear, &items[0]));
    CHECK_INT(kl_ear_dropped(&ear), 1);
    CHECK_INT(kl_ear_dropped(&ear), 0);
    CHECK(kl_ear_wait(&ear));
    CHECK(kl_ear_take(&ear) == &items[1]);
    left = 0;
    kl_ear_close(&ear, count_left);
    CHECK_INT(left, 2);
    CHECK(kl_ear_take(&ear) == NULL);
}

static void put_later(keel_term item)
{
    keel_yield();
    CHECK(kl_ear_put(&ear, keel_to_pointer(item, NULL)));
    keel_yield();
    kl_ear_end(&ear);
}

PROCESS_TEST("who waits is woken by an item, and by the end")
{
    int item;
    CHECK_OK(kl_ear_open(&ear, 2));
    keel_spawn(put_later, keel_pointer(&item));
    unsigned heard = 0;
    while (kl_ear_wait(&ear)) {
        for (void *at; (at = kl_ear_take(&ear)) != NULL; heard++) {
            CHECK(at == &item);
        }
    }
    heard += kl_ear_take(&ear) != NULL; // it came with the end
    CHECK_INT(heard, 1);
    kl_ear_close(&ear, count_left);
}
