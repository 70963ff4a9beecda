#ifndef EXAMPLES_CHECK_H
#define EXAMPLES_CHECK_H

// How the examples are tested: each check is a body that runs in a process under virtual
// time, over several seeds (<keel/testing.h>); results are printed as TAP.

#include <keel/keel.h>
#include <keel/testing.h>

struct check {
    const char *name;
    keel_body body;
};

/// Runs them; the result is what main returns. Arguments: --seeds N, and words that choose.
int check_all(int argc, char **argv, const struct check *checks, size_t count);

#define CHECKS(...)                                                                        \
    int main(int argc, char **argv)                                                        \
    {                                                                                      \
        static const struct check checks[] = {__VA_ARGS__};                                \
        return check_all(argc, argv, checks, KEEL_COUNT(checks));                          \
    }

/// True when the term prints as `text`.
#define CHECK_SHOWN(term, text)                                                            \
    (strcmp(keel_show(term), (text)) == 0                                                  \
                    ? true                                                                 \
                    : keel_test_fail("%s is %s", #term, keel_show(term)))

#endif // EXAMPLES_CHECK_H
