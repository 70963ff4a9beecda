#ifndef KL_TESTING_MATCH_TESTING_H
#define KL_TESTING_MATCH_TESTING_H

#include "testing/harness.h"

#include <keel/match.h>

static inline void check_matched(
        const char *file, int line, const char *pattern, keel_term term, bool matched)
{
    if (!matched) {
        kl_test_fail(file, line, "%s instead of %s", keel_show(term), pattern);
    }
}
// `term` must match the pattern; what it is is shown when it does not.
#define CHECK_TERM(term, ...)                                                              \
    do {                                                                                   \
        keel_term checked_ = (term);                                                       \
        check_matched(__FILE__, __LINE__, KEEL_FIRST_(__VA_ARGS__, 0), checked_,           \
                keel_match(checked_, __VA_ARGS__));                                        \
    } while (0)

#endif // KL_TESTING_MATCH_TESTING_H
