// Levels, metadata, and what becomes of an event.

#include "proc/proc_testing.h"
#include <keel/logger.h>
#include <string.h>

// A handler that sends each event to the process that added it.
static void tell_event(const keel_log_event *event, keel_term to)
{
    keel_send(keel_to_pid(to),
            keel_make("{logged, Level, Message, Metadata}",
                    keel_log_level_name(event->level), event->message, event->metadata));
}

static void begin(void)
{
    keel_log_handler handler = {.output = KEEL_LOG_FUNCTION,
            .write = tell_event,
            .argument = keel_from_pid(keel_self())};
    keel_logger_level_set(KEEL_LOG_INFO);
    CHECK_OK(keel_logger_add_handler(keel_atom(test), &handler));
}

static void end(void)
{
    CHECK_OK(keel_logger_remove_handler(keel_atom(test)));
    keel_logger_level_set(KEEL_LOG_INFO);
}

static int made;
static const char *make_text(void)
{
    made++;
    return "made";
}

PROCESS_TEST("an event carries its text and what is known of its place")
{
    begin();
    keel_log_info("%d bottles of %s", 99, "beer");
    keel_term metadata = KEEL_NONE;
    EXPECT_NEXT("{logged, <<\"info\">>, <<\"99 bottles of beer\">>, Metadata}", &metadata);
    CHECK_TERM(
            metadata, "#{pid := ^Self, line := 40, function := _, time := _}", keel_self());
    keel_bytes file = keel_to_bytes(keel_map_get(metadata, keel_atom(file)));
    CHECK(memmem(file.data, file.size, "logger_test.c", strlen("logger_test.c")) != NULL);
    keel_log_report(KEEL_LOG_ERROR, keel_make("#{event => broken}"));
    EXPECT_NEXT("{logged, <<\"error\">>, {report, #{event := broken}}, _}");
    end();
}

PROCESS_TEST("what no level lets pass is not even made")
{
    begin();
    made = 0;
    keel_log_debug("%s", make_text());
    CHECK_INT(made, 0);
    CHECK_INT(keel_logger_level_set(KEEL_LOG_WARNING), KEEL_LOG_INFO);
    CHECK_INT(keel_logger_level(), KEEL_LOG_WARNING);
    keel_log_info("%s", make_text());
    CHECK_INT(made, 0);
    keel_log_warning("%s", make_text());
    CHECK_INT(made, 1);
    EXPECT_NEXT("{logged, <<\"warning\">>, <<\"made\">>, _}");
    keel_logger_level_set(KEEL_LOG_NONE);
    keel_log_emergency("nobody hears");
    CHECK_OK(keel_logger_flush(SOON));
    EXPECT_NO_MESSAGE();
    end();
}

PROCESS_TEST("a module has a level of its own, a process goes before it")
{
    begin();
    CHECK_OK(keel_logger_module_level_set("some/where/logger_test.c", KEEL_LOG_DEBUG));
    CHECK_OK(keel_logger_module_level_set("another", KEEL_LOG_EMERGENCY));
    keel_log_debug("by the module");
    EXPECT_NEXT("{logged, _, <<\"by the module\">>, _}");
    CHECK_OK(keel_logger_process_level_set(KEEL_LOG_ERROR));
    keel_log_warning("held by the process");
    keel_logger_process_level_unset();
    keel_logger_module_level_unset("logger_test");
    keel_log_debug("held again");
    CHECK_OK(keel_logger_module_level_set("logger_test", KEEL_LOG_ERROR));
    keel_log_warning("held by the module");
    CHECK_OK(keel_logger_process_level_set(KEEL_LOG_DEBUG));
    keel_log_debug("by the process");
    EXPECT_NEXT("{logged, _, <<\"by the process\">>, _}");
    keel_logger_module_level_unset("logger_test");
    CHECK_INT(keel_logger_module_level_set("", KEEL_LOG_DEBUG), KEEL_E_BADARG);
    keel_logger_process_level_unset();
    end();
}

PROCESS_TEST("metadata of the process and of the call are added")
{
    begin();
    CHECK_TERM(keel_logger_metadata(), "#{}");
    CHECK_OK(keel_logger_metadata_set(keel_make("#{request => 7, user => ann}")));
    CHECK_OK(keel_logger_metadata_merge(keel_make("#{user => bob}")));
    keel_log_with(KEEL_LOG_INFO, keel_make("#{step => 2}"), "going on");
    EXPECT_NEXT("{logged, _, _, #{request := 7, user := bob, step := 2}}");
    CHECK_INT(keel_logger_metadata_set(keel_atom(x)), KEEL_E_BADARG);
    CHECK_INT(keel_logger_metadata_merge(keel_atom(x)), KEEL_E_BADARG);
    end();
}

PROCESS_TEST("a long text is not cut")
{
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    begin();
    keel_log_info("%s", text);
    keel_bytes got;
    EXPECT_NEXT("{logged, _, Text, _}", &got);
    CHECK_INT(got.size, sizeof text - 1);
    end();
}

TEST("levels have names")
{
    CHECK_STR(keel_log_level_name(KEEL_LOG_NOTICE), "notice");
    CHECK_STR(keel_log_level_name(KEEL_LOG_NONE), "none");
    CHECK_INT(keel_log_level_of("debug"), KEEL_LOG_DEBUG);
    CHECK_INT(keel_log_level_of("loud"), KEEL_LOG_NONE);
    CHECK_INT(keel_log_level_of(NULL), KEEL_LOG_NONE);
}
