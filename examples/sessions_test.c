#include "check.h"
#include "sessions.h"
#include <string.h>

static void a_session_is_called_by_its_id(keel_term unused)
{
    keel_started_or_exit(sessions_start_link(keel_nil()));
    keel_term id = keel_string("a1");
    keel_pid pid = keel_started_or_exit(
            session_start_link(id, keel_make("#{user => ana}")));
    CHECK_SHOWN(session_get_state(id), "#{user => ana}");
    keel_test_check(sessions_whereis(id).word == pid.word);
    keel_test_check(keel_match(sessions_list(), "[{<<\"a1\">>, ^Pid}]", pid));
}

static void a_session_that_ends_is_not_listed(keel_term unused)
{
    keel_started_or_exit(sessions_start_link(keel_nil()));
    keel_started_or_exit(session_start_link(keel_int(1), keel_nil()));
    keel_status status = keel_gen_server_stop(
            sessions_via(keel_int(1)), keel_atom(normal), KEEL_NEVER);
    keel_test_check(status == KEEL_OK);
    keel_test_check(sessions_whereis(keel_int(1)).word == 0);
    CHECK_SHOWN(sessions_list(), "[]");
}

CHECKS({"a session is called by its id", a_session_is_called_by_its_id},
        {"a session that ends is not listed", a_session_that_ends_is_not_listed})
