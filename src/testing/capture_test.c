// Catching what is logged.

#include "kit_testing.h"

#include <keel/logger.h>

static void log_some(void *context)
{
    keel_log_info("one %d", *(int *)context);
    keel_log_debug("not at this level");
    keel_log_error("two");
}

static void log_none(void *context)
{
    (void)context;
}

static void log_nested(void *context)
{
    keel_log_info("outer");
    keel_term text = keel_test_capture_log(log_some, context);
    keel_test_check(keel_to_bytes(text).size > 0);
}

static void fail(void *context)
{
    (void)context;
    keel_exit(keel_atom(oops));
}

static void capture_a_failure(void *context)
{
    (void)context;
    keel_test_capture_log(fail, NULL);
}

static void capture(keel_term unused)
{
    (void)unused;
    int number = 7;
    keel_term reason = KEEL_NONE;
    keel_term text = keel_test_capture_log(log_some, &number);
    KEEL_ASSERT(keel_equal(text, keel_string("[info] one 7\n[error] two\n")));
    KEEL_ASSERT(keel_equal(keel_test_capture_log(log_none, NULL), keel_string("")));
    text = keel_test_capture_log(log_nested, &number);
    KEEL_ASSERT(keel_equal(text, keel_string("[info] outer\n[info] one 7\n[error] two\n")));
    KEEL_ASSERT(keel_try(capture_a_failure, NULL, &reason) == KEEL_E_EXIT);
    KEEL_ASSERT(keel_is(reason, oops));
    KEEL_ASSERT(keel_is_nil(keel_logger_handlers()));
}

SEEDED("what is logged is a text, level and message a line")
{
    keel_test_report report;
    if (keel_test_run(capture, keel_nil(), kl_test_seed(), NULL, &report) != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "%s", report.text);
    }
}
