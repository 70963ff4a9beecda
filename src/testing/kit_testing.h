#ifndef KL_TESTING_KIT_TESTING_H
#define KL_TESTING_KIT_TESTING_H

#include "testing/harness.h"

#include <keel/inspect.h>
#include <keel/testing.h>
#include <string.h>

// What the tests of the kit share.

// A test that runs once per seed; kl_test_seed() tells which.
#define SEEDED(...) TEST(__VA_ARGS__, .seeded = true)

// How the last run ended.
static keel_test_report last_report __attribute__((unused));

// Starts a simulation with the seed of this test; stops it, with nothing to complain of.
#define begin_test() CHECK_OK(keel_test_start(kl_test_seed(), NULL))
#define end_test() check_end(__FILE__, __LINE__)

static inline void check_end(const char *file, int line)
{
    keel_status status = keel_test_stop(&last_report);
    if (status != KEEL_OK) {
        kl_test_fail(file, line, "the run ended with %s: %s", keel_status_name(status),
                last_report.text);
    }
}

#define CHECK_TEXT(term, text) CHECK_STR(keel_show(term), (text))
#define CHECK_HAS(actual, part) check_has(__FILE__, __LINE__, (actual), (part), true)
#define CHECK_LACKS(actual, part) check_has(__FILE__, __LINE__, (actual), (part), false)
static inline void check_has(
        const char *file, int line, const char *actual, const char *part, bool wanted)
{
    if ((strstr(actual, part) != NULL) != wanted) {
        kl_test_fail(file, line, "\"%s\" %s in:\n%s", part,
                wanted ? "is not" : "should not be", actual);
    }
}

#endif // KL_TESTING_KIT_TESTING_H
