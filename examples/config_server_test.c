#include "check.h"
#include "config_server.h"
#include <string.h>

static void what_is_set_is_read(keel_term unused)
{
    keel_started_or_exit(config_server_start_link(keel_make("#{port => 80}")));
    config_server_set(keel_atom(host), keel_string("example.org"));
    keel_test_check(keel_to_int(config_server_get(keel_atom(port))) == 80);
    keel_test_check(keel_is(config_server_get(keel_atom(path)), nil));
    CHECK_SHOWN(config_server_get_all(), "#{host => <<\"example.org\">>,port => 80}");
}

static void what_is_unknown_ends_the_server_and_the_caller_learns_why(keel_term unused)
{
    keel_trap_exit(true);
    keel_started_or_exit(config_server_start_link(keel_make("#{}")));
    keel_term why;
    keel_test_check(keel_call("config_server", keel_atom(nonsense), &why) == KEEL_E_EXIT);
    keel_test_check(keel_match(why, "{{bad_call, nonsense}, _}"));
}

CHECKS({"what is set is read", what_is_set_is_read},
        {"what is unknown ends the server, and the caller learns why",
                what_is_unknown_ends_the_server_and_the_caller_learns_why})
