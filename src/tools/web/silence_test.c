#include "silence.h"

#include "testing/harness.h"

#include <stdlib.h>

#define ASK 25
#define GIVE_UP 15

static struct kl_silence silence;
static bool give_up;

TEST("a page that says nothing is asked once, and given up when it does not answer")
{
    struct kl_silent page = {0};
    kl_silence_init(&silence, ASK, GIVE_UP);
    kl_silence_heard(&silence, &page, 100);
    CHECK(kl_silence_next(&silence, 124, &give_up) == NULL);
    CHECK(kl_silence_next(&silence, 125, &give_up) == &page);
    CHECK(!give_up);
    CHECK(kl_silence_next(&silence, 125, &give_up) == NULL);
    CHECK(kl_silence_next(&silence, 139, &give_up) == NULL);
    CHECK(kl_silence_next(&silence, 140, &give_up) == &page);
    CHECK(give_up);
    CHECK(kl_silence_next(&silence, 1000, &give_up) == NULL);
}

TEST("a page that answers is asked again after as long a silence")
{
    struct kl_silent page = {0};
    kl_silence_init(&silence, ASK, GIVE_UP);
    kl_silence_heard(&silence, &page, 0);
    CHECK(kl_silence_next(&silence, 25, &give_up) == &page);
    kl_silence_heard(&silence, &page, 39);
    CHECK(kl_silence_next(&silence, 63, &give_up) == NULL);
    CHECK(kl_silence_next(&silence, 64, &give_up) == &page);
    CHECK(!give_up);
}

TEST("a page that is forgotten is neither asked nor given up, and may be forgotten twice")
{
    struct kl_silent page = {0}, other = {0};
    kl_silence_init(&silence, ASK, GIVE_UP);
    kl_silence_forget(&page);
    kl_silence_heard(&silence, &page, 0);
    kl_silence_heard(&silence, &other, 1);
    kl_silence_forget(&page);
    kl_silence_forget(&page);
    CHECK(kl_silence_next(&silence, 100, &give_up) == &other);
    kl_silence_forget(&other);
    CHECK(kl_silence_next(&silence, 1000, &give_up) == NULL);
}

// Any history of pages that speak, go and come back, beside a plain table of when.
TEST("every page is asked and given up in its time, whatever the others do")
{
    enum { PAGES = 40, ROUNDS = 20000 };
    static struct kl_silent pages[PAGES];
    int64_t since[PAGES], now = 0;
    char state[PAGES] = {0}; // 0: not watched, 1: heard, 2: asked
    unsigned random = 7;
    kl_silence_init(&silence, ASK, GIVE_UP);
    for (int round = 0; round < ROUNDS; round++) {
        random = random * 1103515245 + 12345;
        unsigned which = (random >> 16) % PAGES, what = (random >> 24) % 8;
        now += (random >> 12) % 2;
        if (what < 3) {
            kl_silence_heard(&silence, &pages[which], now);
            since[which] = now;
            state[which] = 1;
        } else if (what == 3) {
            kl_silence_forget(&pages[which]);
            state[which] = 0;
        }
        struct kl_silent *found;
        while ((found = kl_silence_next(&silence, now, &give_up)) != NULL) {
            int index = (int)(found - pages);
            CHECK(state[index] == (give_up ? 2 : 1));
            CHECK(now - since[index] >= (give_up ? GIVE_UP : ASK));
            state[index] = give_up ? 0 : 2;
            since[index] = now;
        }
        for (int index = 0; index < PAGES; index++) {
            CHECK(state[index] != 1 || now - since[index] < ASK);
            CHECK(state[index] != 2 || now - since[index] < GIVE_UP);
        }
    }
}
