#include "buffer_server.h"
#include "check.h"
#include <string.h>

static void text_is_written_and_read(keel_term unused)
{
    keel_pid server = keel_started_or_exit(
            buffer_server_start_link(keel_make("#{width => 4, height => 2}")));
    buffer_server_write(server, keel_string("a\nbcdef"));
    CHECK_SHOWN(buffer_server_line(server, 1), "<<\"bcde\">>");
    CHECK_SHOWN(buffer_server_line(server, 0), "<<\"f   \">>");
}

static void what_is_missing_is_told(keel_term unused)
{
    keel_trap_exit(true);
    keel_started started = buffer_server_start_link(keel_make("#{width => 80}"));
    keel_test_check(started.status == KEEL_E_EXIT);
    CHECK_SHOWN(started.reason, "{missing,[width,height]}");
}

CHECKS({"text is written and read", text_is_written_and_read},
        {"what is missing is told", what_is_missing_is_told})
