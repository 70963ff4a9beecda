#include "check.h"
#include "timeout_server.h"
#include <string.h>

// Sleeps so many seconds; fails after a negative number.
static keel_term work(keel_term seconds)
{
    int64_t number = keel_to_int(seconds);
    keel_sleep(KEEL_SECONDS(number < 0 ? -number : number));
    if (number < 0) {
        keel_exit(keel_atom(too_hard));
    }
    return keel_make("{done, Number}", number);
}

static keel_term ask(keel_term server_and_seconds)
{
    return timeout_server_slow_operation(keel_to_pid(keel_element(server_and_seconds, 0)),
            keel_element(server_and_seconds, 1));
}

static keel_task async(keel_pid server, int64_t seconds)
{
    return keel_task_async(ask, keel_make("{Server, Seconds}", server, seconds));
}

static void slow_work_holds_nobody_up(keel_term unused)
{
    keel_pid server = keel_started_or_exit(timeout_server_start_link(work));
    keel_task slow = async(server, 4), late = async(server, 9), failing = async(server, -1);
    CHECK_SHOWN(timeout_server_slow_operation(server, keel_int(0)), "{done,0}");
    CHECK_SHOWN(keel_task_await_or_exit_within(failing, KEEL_FOREVER), "{error,too_hard}");
    CHECK_SHOWN(keel_task_await_or_exit_within(slow, KEEL_FOREVER), "{done,4}");
    CHECK_SHOWN(keel_task_await_or_exit_within(late, KEEL_FOREVER), "{error,timeout}");
    keel_sleep(KEEL_SECONDS(10));
    keel_term state = KEEL_NONE;
    keel_test_check(keel_sys_get_state(server, &state) == KEEL_OK);
    CHECK_SHOWN(keel_map_get(state, keel_atom(pending)), "#{}");
}

CHECKS({"slow work holds nobody up", slow_work_holds_nobody_up})
