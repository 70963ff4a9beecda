#include "check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool chosen(const char *name, int argc, char **argv)
{
    bool any_word = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seeds") == 0 || strcmp(argv[i], "--seed") == 0) {
            i++;
        } else if (argv[i][0] != '-') {
            any_word = true;
            if (strstr(name, argv[i]) != NULL) {
                return true;
            }
        }
    }
    return !any_word;
}

static uint64_t option_number(const char *option, uint64_t otherwise, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], option) == 0) {
            return strtoull(argv[i + 1], NULL, 10);
        }
    }
    return otherwise;
}

static bool has_flag(const char *flag, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], flag) == 0) {
            return true;
        }
    }
    return false;
}

int check_all(int argc, char **argv, const struct check *checks, size_t count)
{
    if (has_flag("--ids", argc, argv)) {
        return 0; // none of the conformance lines is proved here
    }
    uint64_t from = option_number("--seed", 1, argc, argv);
    uint64_t seeds = has_flag("--seed", argc, argv) ? 1 : 20;
    int number = 0, bad = 0;
    keel_report_level_set(KEEL_REPORT_NONE); // crashes are part of what is shown
    keel_logger_level_set(KEEL_LOG_CRITICAL); // and so is what goes wrong otherwise
    for (size_t i = 0; i < count; i++) {
        if (!chosen(checks[i].name, argc, argv)) {
            continue;
        }
        keel_status status = keel_test_seeds(checks[i].body, KEEL_NONE, from,
                option_number("--seeds", seeds, argc, argv), NULL);
        printf("%sok %d - %s\n", status == KEEL_OK ? "" : "not ", ++number, checks[i].name);
        bad += status != KEEL_OK;
    }
    printf("1..%d\n", number);
    return bad > 0;
}
