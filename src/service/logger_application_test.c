// The logger as an application.

#include "base/base.h"
#include "proc/proc_testing.h"
#include <fcntl.h>
#include <keel/logger.h>
#include <keel/report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[80];

static const char *written(void)
{
    static char text[1 << 17];
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    text[got > 0 ? got : 0] = '\0';
    return text;
}

// Starts the logger with one handler, a file.
static void begin(keel_term level)
{
    int fd;
    snprintf(path, sizeof path, P_tmpdir "/keel-log-XXXXXX");
    fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    keel_term map = keel_make(
            "#{output => file, path => Path, level => info, format => text}", path);
    keel_term config = keel_make(
            "[{logger, [{level, Level}, {module_levels, [{loud, debug}]}, {handlers, "
            "[{default, Map}]}]}]",
            level, map);
    CHECK_OK(keel_application_configure(config, NULL));
    keel_term name = keel_application_register(&keel_logger);
    CHECK_TERM(name, "logger");
    keel_term reason = KEEL_NONE;
    keel_status status = keel_application_start(name, KEEL_TEMPORARY, &reason);
    if (status != KEEL_OK) {
        kl_test_fail(__FILE__, __LINE__, "not started: %s", keel_show(reason));
    }
}

static void end(void)
{
    CHECK_OK(keel_application_stop_all());
    CHECK_OK(unlink(path));
    keel_logger_level_set(KEEL_LOG_INFO);
    keel_logger_module_level_unset("loud");
}

PROCESS_TEST("handlers and levels come from the environment of the application")
{
    begin(keel_atom(notice));
    keel_log_notice("shown");
    keel_log_info("not shown");
    CHECK_OK(keel_logger_flush(SOON));
    CHECK(strstr(written(), "[notice]") != NULL && strstr(written(), "shown\n") != NULL);
    CHECK(strstr(written(), "not shown") == NULL);
    end();
    CHECK_TERM(keel_logger_handlers(), "[]");
}

PROCESS_TEST("reports of behaviours go to the log, those of progress only when looked for")
{
    begin(keel_atom(info));
    keel_report(KEEL_REPORT_ERROR,
            keel_make("#{label => {supervisor, child_terminated}, report => [{supervisor, "
                      "{local, tree}}, {errorContext, child_terminated}, {reason, oops}, "
                      "{offender, []}]}"));
    keel_report(KEEL_REPORT_INFO,
            keel_make("#{label => {supervisor, progress}, report => [{supervisor, {local, "
                      "quiet}}, {started, []}]}"));
    CHECK_OK(keel_logger_flush(SOON));
    CHECK(strstr(written(), "[error]") != NULL && strstr(written(), "oops") != NULL);
    CHECK(strstr(written(), "quiet") == NULL);
    end();
}

PROCESS_TEST("a handler that cannot be had fails the start")
{
    CHECK_OK(keel_application_configure(
            keel_make("[{logger, [{handlers, [{bad, #{output => file, path => "
                      "<<\"/nowhere/at/all\">>}}]}]}]"),
            NULL));
    keel_term reason = KEEL_NONE;
    CHECK_INT(keel_application_start(
                      keel_application_register(&keel_logger), KEEL_TEMPORARY, &reason),
            KEEL_E_REFUSED);
    CHECK_TERM(reason, "{{handler, {bad, _}, _}, {logger, start, [normal, []]}}");
    CHECK_OK(keel_application_stop_all());
}

static void talk(keel_term unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++) {
        kl_log(KL_LOG_WARNING, "line %d", i);
    }
}

PROCESS_TEST("what the runtime says goes to the handlers, and too much of it is counted")
{
    begin(keel_atom(info));
    kl_log(KL_LOG_WARNING, "the mailbox has grown");
    kl_log(KL_LOG_DEBUG, "nobody wants to know");
    keel_pid pid = keel_spawn(talk, keel_nil());
    while (keel_process_alive(pid)) {
        keel_yield();
    }
    CHECK_OK(keel_application_stop_all()); // all that was said is written then
    const char *text = written();
    CHECK(strstr(text, "[warning]") != NULL &&
            strstr(text, "the mailbox has grown\n") != NULL);
    CHECK(strstr(text, "line 0\n") != NULL);
    CHECK(strstr(text, "nobody wants to know") == NULL);
    CHECK(strstr(text, "line 999\n") != NULL || strstr(text, " were dropped\n") != NULL);
    end();
}
