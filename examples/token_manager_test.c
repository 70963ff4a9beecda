#include "check.h"
#include "token_manager.h"

static bool started(void)
{
    keel_trap_exit(true); // a build without SQLite has nothing to show here
    return token_manager_start_link(keel_make("{<<\"sqlite::memory:\">>, 3}")).status ==
           KEEL_OK;
}

static void tokens_expire(keel_term unused)
{
    if (!started()) {
        return;
    }
    keel_test_check(token_manager_use("ada") == 1);
    keel_sleep(KEEL_SECONDS(45));
    keel_test_check(token_manager_use("bob") == 2);
    keel_test_check(token_manager_check_and_release_expired() == 0);
    keel_sleep(KEEL_SECONDS(76)); // 121 s: the check at 120 s has released the first
    keel_test_check(token_manager_check_and_release_expired() == 0);
    keel_test_check(token_manager_use("cyd") == 3);
    keel_test_check(token_manager_use("cyd") == 1);
    keel_sleep(KEEL_SECONDS(46)); // 167 s: the second is due since 165, nobody looked yet
    keel_test_check(token_manager_check_and_release_expired() == 1);
}

static void the_oldest_goes(keel_term unused)
{
    if (!started()) {
        return;
    }
    for (int user = 1; user <= 3; user++) {
        keel_test_check(token_manager_use("ada") == user);
        keel_sleep(KEEL_SECONDS(1));
    }
    keel_test_check(token_manager_use("bob") == 1); // all taken: the oldest
    keel_test_check(token_manager_use("bob") == 2);
}

CHECKS({"tokens expire", tokens_expire},
        {"the oldest goes when all are taken", the_oldest_goes})
