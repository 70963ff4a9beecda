#include "base/list.h"

#include "testing/harness.h"

struct item {
    int number;
    struct kl_link link;
};

static void check_order(struct kl_link *head, const char *expected)
{
    char numbers[16];
    int length = 0;
    for (struct kl_link *link = head->next; link != head; link = link->next) {
        CHECK(link->next->prev == link);
        CHECK(link->prev->next == link);
        CHECK(length < 15);
        numbers[length++] = (char)('0' + KL_CONTAINER(link, struct item, link)->number);
    }
    numbers[length] = '\0';
    CHECK_STR(numbers, expected);
}

TEST("a ring keeps the order in which members were appended")
{
    struct kl_link head;
    struct item items[3] = {{1, {0}}, {2, {0}}, {3, {0}}};
    kl_ring_init(&head);
    CHECK(kl_ring_empty(&head));
    check_order(&head, "");
    for (int i = 0; i < 3; i++) {
        kl_ring_append(&head, &items[i].link);
        CHECK(!kl_ring_empty(&head));
    }
    check_order(&head, "123");
}

TEST("a member is removed from anywhere in a ring and may join again")
{
    struct kl_link head;
    struct item items[3] = {{1, {0}}, {2, {0}}, {3, {0}}};
    kl_ring_init(&head);
    for (int i = 0; i < 3; i++) {
        kl_ring_append(&head, &items[i].link);
    }
    kl_ring_remove(&items[1].link);
    check_order(&head, "13");
    CHECK(items[1].link.next == NULL && items[1].link.prev == NULL);
    kl_ring_remove(&items[0].link);
    check_order(&head, "3");
    kl_ring_append(&head, &items[0].link);
    check_order(&head, "31");
    kl_ring_remove(&items[0].link);
    kl_ring_remove(&items[2].link);
    CHECK(kl_ring_empty(&head));
}
