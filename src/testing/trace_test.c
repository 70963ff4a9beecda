// The course of a run in words.

#include "kit_testing.h"

#include <stdlib.h>

static void sleeper(keel_term unused)
{
    (void)unused;
    keel_sleep(KEEL_SECONDS(2));
}

TEST("the trace has a line for each turn: when, which, who, what it waited for")
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    CHECK(file);
    keel_test_opts opts = {.trace = file};
    CHECK_OK(keel_test_run(sleeper, KEEL_NONE, 3, &opts, &last_report));
    fclose(file);
    size_t lines = 0;
    for (const char *at = text; *at != '\0'; at++) {
        lines += *at == '\n';
    }
    CHECK(lines >= last_report.turns);
    CHECK_HAS(text, "0.000000000 s  turn 0  <0.");
    CHECK_HAS(text, "(test body) could run\n");
    CHECK_HAS(text, "\n2.000000000 s  turn ");
    CHECK_HAS(text, "(test body) sleeps\n");
    free(text);

    text = NULL;
    CHECK_OK(keel_test_run(sleeper, KEEL_NONE, 3, NULL, &last_report)); // and no more of it
}
