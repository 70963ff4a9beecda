#include "discover_table.h"
#include "testing/harness.h"
#include <string.h>

enum { MAX = 4, INTERVAL = 10 };

static struct kl_found nodes[MAX];
static struct kl_discover_table table;
static const char *up; // the names of those who are connected

static void prepare(void)
{
    kl_discover_init(&table, nodes, MAX, INTERVAL);
    up = "";
}

static bool is_up(const char *name, void *context)
{
    (void)context;
    return strstr(up, name) != NULL;
}

static bool hear(const char *name, enum kl_found_by by, int64_t now)
{
    return kl_discover_hear(&table, name, strlen(name), by, now);
}

// Whom a round at this time has dialled, separated by blanks.
static const char *dialled(int64_t now)
{
    static char text[2000];
    size_t at = 0;
    text[0] = 0;
    kl_discover_round(&table, now, is_up, NULL);
    for (const struct kl_found *node; (node = kl_discover_due(&table, &at, now));) {
        strcat(text, text[0] ? " " : "");
        strcat(text, node->name);
    }
    return text;
}

TEST("who is known and not connected is dialled")
{
    prepare();
    CHECK(hear("a@x", KL_FOUND_FIXED, 0));
    CHECK(hear("b@x", KL_FOUND_DNS, 0));
    CHECK(hear("c@x", KL_FOUND_STRANGER, 0));
    up = "b@x";
    CHECK_STR(dialled(0), "a@x c@x");
}

TEST("who does not answer is dialled at growing distances, for ever")
{
    prepare();
    hear("a@x", KL_FOUND_FIXED, 0);
    int64_t last = 0, gaps[8], count = 0;
    CHECK_STR(dialled(0), "a@x");
    for (int64_t now = 1; count < 8; now++) {
        if (dialled(now)[0]) {
            gaps[count++] = now - last;
            last = now;
        }
    }
    const int64_t expected[8] = {10, 20, 40, 80, 120, 120, 120, 120};
    for (int i = 0; i < 8; i++) {
        CHECK_INT(gaps[i], expected[i]);
    }
}

TEST("who was connected is dialled at once when it is lost")
{
    prepare();
    hear("a@x", KL_FOUND_FIXED, 0);
    dialled(0);
    dialled(10);
    up = "a@x";
    CHECK_STR(dialled(20), "");
    up = "";
    CHECK_STR(dialled(21), "a@x");
    CHECK_STR(dialled(30), "");
    CHECK_STR(dialled(31), "a@x");
}

TEST("of whom nobody speaks any more is forgotten, unless it is listed or connected")
{
    prepare();
    hear("a@x", KL_FOUND_FIXED, 0);
    hear("b@x", KL_FOUND_DNS, 0);
    hear("c@x", KL_FOUND_STRANGER, 0);
    hear("d@x", KL_FOUND_STRANGER, 0);
    up = "c@x";
    hear("d@x", KL_FOUND_STRANGER, 50);
    dialled(KL_DISCOVER_FORGET * INTERVAL);
    CHECK_INT(table.count, 4);
    dialled(KL_DISCOVER_FORGET * INTERVAL + 1);
    CHECK_INT(table.count, 3);
    CHECK_STR(nodes[1].name, "c@x");
    CHECK_STR(nodes[2].name, "d@x");
    dialled(50 + KL_DISCOVER_FORGET * INTERVAL + 1);
    CHECK_INT(table.count, 2);
    up = "";
    dialled(50 + KL_DISCOVER_FORGET * INTERVAL + 2);
    CHECK_INT(table.count, 1);
    CHECK_STR(nodes[0].name, "a@x");
}

TEST("a node that is listed stays listed whoever else speaks of it")
{
    prepare();
    hear("a@x", KL_FOUND_FIXED, 0);
    hear("a@x", KL_FOUND_STRANGER, 0);
    CHECK_INT(table.count, 1);
    CHECK_INT(table.strangers, 0);
    dialled(100000);
    CHECK_INT(table.count, 1);
}

TEST("what is no name is not taken, and there is an end to how many are")
{
    prepare();
    CHECK(!hear("a", KL_FOUND_FIXED, 0));
    CHECK(!hear("", KL_FOUND_STRANGER, 0));
    CHECK(!hear("a@b c", KL_FOUND_STRANGER, 0));
    for (int i = 0; i < MAX; i++) {
        char name[] = "a@x";
        name[0] = (char)('a' + i);
        CHECK(hear(name, KL_FOUND_STRANGER, 0));
    }
    CHECK(!hear("z@x", KL_FOUND_STRANGER, 0));
    CHECK(hear("a@x", KL_FOUND_STRANGER, 0));
    CHECK(!hear("a@xx", KL_FOUND_STRANGER, 0));
}

TEST("strangers are taken in so many times, whether they stay or not")
{
    prepare();
    int64_t now = 0, taken = 0;
    for (int i = 0; i < 100; i++) {
        char name[] = "aa@x";
        name[0] = (char)('a' + i / 26);
        name[1] = (char)('a' + i % 26);
        taken += hear(name, KL_FOUND_STRANGER, now);
        now += (KL_DISCOVER_FORGET + 1) * INTERVAL;
        dialled(now);
        CHECK_INT(table.count, 0);
    }
    CHECK_INT(taken, 16 * MAX);
    CHECK(hear("listed@x", KL_FOUND_FIXED, now));
    CHECK(hear("found@x", KL_FOUND_DNS, now));
}
