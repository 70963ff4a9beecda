// Handlers: who gets what, overload, the end.

#include "proc/proc_testing.h"
#include <keel/logger.h>
#include <stdio.h>
#include <string.h>

static void tell_event(const keel_log_event *event, keel_term to)
{
    keel_send(keel_to_pid(to), keel_make("{logged, Message}", event->message));
}

// Waits in the first event until `gate` exits.
static void tell_when_let(const keel_log_event *event, keel_term pair)
{
    keel_send(keel_to_pid(keel_element(pair, 0)),
            keel_make("{logged, Message}", event->message));
    if (keel_equal(event->message, keel_string("wait"))) {
        end_of(keel_to_pid(keel_element(pair, 1)));
    }
}

static keel_log_handler handler_for(
        void (*write)(const keel_log_event *event, keel_term argument))
{
    return (keel_log_handler){.output = KEEL_LOG_FUNCTION,
            .write = write,
            .argument = keel_from_pid(keel_self())};
}

PROCESS_TEST("each handler gets what its level lets pass")
{
    keel_log_handler all = handler_for(tell_event);
    keel_log_handler few = handler_for(tell_event);
    few.only = true;
    few.level = KEEL_LOG_ERROR;
    CHECK_OK(keel_logger_add_handler(keel_atom(all), &all));
    CHECK_OK(keel_logger_add_handler(keel_atom(few), &few));
    CHECK_INT(keel_logger_add_handler(keel_atom(few), &few), KEEL_E_TAKEN);
    keel_log_info("one");
    EXPECT_NEXT("{logged, <<\"one\">>}");
    keel_log_error("two");
    EXPECT_NEXT("{logged, <<\"two\">>}");
    EXPECT_NEXT("{logged, <<\"two\">>}");
    CHECK_TERM(keel_logger_handlers(),
            "[#{id := all, level := <<\"debug\">>, dropped := 0}, #{id := few, level := "
            "<<\"error\">>}]");
    CHECK_OK(keel_logger_remove_handler(keel_atom(all)));
    CHECK_OK(keel_logger_remove_handler(keel_atom(few)));
    CHECK_INT(keel_logger_remove_handler(keel_atom(few)), KEEL_E_NOPROC);
    CHECK_TERM(keel_logger_handlers(), "[]");
}

PROCESS_TEST("a full handler drops with a count and keeps nobody waiting")
{
    keel_pid gate = keel_spawn(wait_forever, keel_nil());
    keel_log_handler handler = handler_for(tell_when_let);
    handler.limit = 5;
    handler.argument = keel_tuple_of(keel_from_pid(keel_self()), keel_from_pid(gate));
    CHECK_OK(keel_logger_add_handler(keel_atom(slow), &handler));
    keel_log_info("wait");
    EXPECT_NEXT("{logged, <<\"wait\">>}");
    for (int i = 0; i < 25; i++) {
        keel_log_info("event");
    }
    int dropped;
    CHECK_TERM(keel_logger_handlers(), "[#{dropped := Dropped}]", &dropped);
    CHECK_INT(dropped, 20);
    end_process(gate);
    CHECK_OK(keel_logger_flush(SOON));
    EXPECT_NEXT("{logged, <<\"20 log events were dropped\">>}");
    for (int i = 0; i < 5; i++) {
        EXPECT_NEXT("{logged, <<\"event\">>}");
    }
    EXPECT_NO_MESSAGE();
    CHECK_OK(keel_logger_remove_handler(keel_atom(slow)));
}

PROCESS_TEST("what waits is written before a handler ends, and flush waits for it")
{
    keel_log_handler handler = handler_for(tell_event);
    CHECK_OK(keel_logger_add_handler(keel_atom(test), &handler));
    for (int i = 0; i < 100; i++) {
        keel_log_info("%d", i);
    }
    CHECK_OK(keel_logger_flush(SOON));
    CHECK_INT(keel_queue_length(), 100);
    keel_log_info("last");
    CHECK_OK(keel_logger_remove_handler(keel_atom(test)));
    CHECK_INT(keel_queue_length(), 101);
    keel_flush();
}

PROCESS_TEST(
        "a handler that has ended is forgotten, and the text goes to the runtime's log")
{
    keel_log_handler handler = handler_for(tell_event);
    CHECK_OK(keel_logger_add_handler(keel_atom(test), &handler));
    keel_pid pid;
    CHECK_TERM(keel_logger_handlers(), "[#{pid := Pid}]", &pid);
    end_process(pid);
    CHECK_TERM(keel_logger_handlers(), "[]");
    keel_log_notice("to standard error");
    CHECK_OK(keel_logger_flush(SOON));
    EXPECT_NO_MESSAGE();
}

PROCESS_TEST("a handler that cannot be is refused")
{
    keel_log_handler handler = {.output = KEEL_LOG_FILE};
    CHECK_INT(keel_logger_add_handler(keel_atom(x), &handler), KEEL_E_BADARG); // no path
    handler.path = "/nowhere/at/all/x.log";
    CHECK_INT(keel_logger_add_handler(keel_atom(x), &handler), -2); // ENOENT
    handler = (keel_log_handler){.output = KEEL_LOG_FUNCTION};
    CHECK_INT(keel_logger_add_handler(keel_atom(x), &handler), KEEL_E_BADARG);
    CHECK_INT(keel_logger_add_handler(keel_int(1), NULL), KEEL_E_BADARG);
    handler = handler_for(tell_event);
    char name[8];
    for (int i = 0; i < 16; i++) {
        snprintf(name, sizeof name, "h%d", i);
        keel_term id = KEEL_NONE;
        CHECK_OK(keel_atom_from(name, strlen(name), &id));
        CHECK_OK(keel_logger_add_handler(id, &handler));
    }
    CHECK_INT(keel_logger_add_handler(keel_atom(x), &handler), KEEL_E_SYSTEM_LIMIT);
    for (int i = 0; i < 16; i++) {
        keel_term id = keel_map_get(keel_head(keel_logger_handlers()), keel_atom(id));
        CHECK_OK(keel_logger_remove_handler(id));
    }
}
