#include "bounded.h"

#include "testing/harness.h"

TEST("text fills its buffer, is cut there and counted beyond")
{
    char buffer[8];
    struct kl_bounded text = {buffer, sizeof buffer, 0};
    kl_bounded_put(&text, "%d-", 12);
    CHECK_STR(buffer, "12-");
    kl_bounded_put_bytes(&text, "abcdef", 6);
    CHECK_STR(buffer, "12-abcd");
    CHECK_INT(text.length, 9);
    kl_bounded_put(&text, "more");
    kl_bounded_put_bytes(&text, "x", 1);
    CHECK_STR(buffer, "12-abcd");
    CHECK_INT(text.length, 14);
}

TEST("without a buffer text is only counted")
{
    struct kl_bounded text = {NULL, 0, 0};
    kl_bounded_put(&text, "%s", "four");
    kl_bounded_put_bytes(&text, "two", 2);
    size_t room;
    CHECK(kl_bounded_room(&text, &room) != NULL);
    CHECK_INT(room, 0);
    CHECK_INT(text.length, 6);
}
