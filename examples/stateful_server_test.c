#include "check.h"
#include "stateful_server.h"
#include <string.h>

static void a_running_server_learns_the_next_version(keel_term unused)
{
    keel_pid server = keel_started_or_exit(
            keel_gen_server_start_link(&stateful_server_v1, keel_make("{some, data}")));
    keel_term state = KEEL_NONE;
    keel_test_check(keel_sys_get_state(server, &state) == KEEL_OK);
    CHECK_SHOWN(state, "#{config => [],data => {some,data}}");
    keel_status status = keel_gen_server_upgrade(
            server, &stateful_server_v2, keel_nil(), NULL);
    keel_test_check(status == KEEL_OK);
    keel_test_check(keel_sys_get_state(server, &state) == KEEL_OK);
    CHECK_SHOWN(state, "#{config => [],data => {some,data},metadata => #{},version => 2}");
}

CHECKS({"a running server learns the next version",
        a_running_server_learns_the_next_version})
