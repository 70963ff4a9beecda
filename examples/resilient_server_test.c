#include "check.h"
#include "resilient_server.h"
#include <keel/logger.h>
#include <string.h>

static int failures;

static keel_term fetch(keel_term source)
{
    return failures-- > 0 ? keel_make("{error, busy}") : keel_make("{ok, Source}", source);
}

static keel_term data_after(int fail_times)
{
    keel_logger_level_set(KEEL_LOG_NONE);
    failures = fail_times;
    keel_pid server = keel_started_or_exit(resilient_server_start_link(fetch));
    return resilient_server_fetch_data(server, keel_atom(source));
}

static void what_fails_is_tried_again(keel_term unused)
{
    CHECK_SHOWN(data_after(3), "{ok,source}");
}

static void not_for_ever(keel_term unused)
{
    CHECK_SHOWN(data_after(4), "{error,busy}");
}

CHECKS({"what fails is tried again", what_fails_is_tried_again},
        {"but not for ever", not_for_ever})
