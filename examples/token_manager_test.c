#include "check.h"
#include "token_manager.h"
#include "tokens.h"
#include <string.h>

static bool started(void)
{
    keel_trap_exit(true); // a build without SQLite has nothing to show here
    if (tokens_start_link(keel_make("{<<\"sqlite::memory:\">>, 3}")).status != KEEL_OK) {
        return false;
    }
    keel_started_or_exit(token_manager_start_link(keel_function(tokens_release_expired)));
    return true;
}

static void tokens_expire(keel_term unused)
{
    if (!started()) {
        return;
    }
    keel_test_check(tokens_use("ada") == 1);
    keel_sleep(KEEL_SECONDS(45));
    keel_test_check(tokens_use("bob") == 2);
    CHECK_SHOWN(token_manager_check_and_release_expired(), "{ok,0}");
    keel_sleep(KEEL_SECONDS(76)); // 121 s: the check at 120 s has released the first
    CHECK_SHOWN(token_manager_check_and_release_expired(), "{ok,0}");
    keel_test_check(tokens_use("cyd") == 3);
    keel_test_check(tokens_use("cyd") == 1);
    keel_sleep(KEEL_SECONDS(46)); // 167 s: the second is due since 165, nobody looked yet
    CHECK_SHOWN(token_manager_check_and_release_expired(), "{ok,1}");
}

static void the_oldest_goes(keel_term unused)
{
    if (!started()) {
        return;
    }
    for (int user = 1; user <= 3; user++) {
        keel_test_check(tokens_use("ada") == user);
        keel_sleep(KEEL_SECONDS(1));
    }
    keel_test_check(tokens_use("bob") == 1); // all taken: the oldest
    keel_test_check(tokens_use("bob") == 2);
}

static int64_t asked;

static keel_term fail(void)
{
    asked++;
    return keel_make("{error, closed}");
}

static void a_failure_is_told_and_the_checks_go_on(keel_term unused)
{
    asked = 0;
    keel_started_or_exit(token_manager_start_link(keel_function(fail)));
    CHECK_SHOWN(token_manager_check_and_release_expired(), "{error,closed}");
    keel_sleep(KEEL_SECONDS(91));
    keel_test_check(asked == 4);
}

CHECKS({"tokens expire", tokens_expire},
        {"the oldest goes when all are taken", the_oldest_goes},
        {"a failure is told and the checks go on", a_failure_is_told_and_the_checks_go_on})
