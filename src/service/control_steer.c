// What the control socket changes: stop, loglevel, kill, call. Whoever may open the socket
// may end the program anyhow.

#include "control.h"
#include "main.h"
#include <errno.h>
#include <keel/gen_server.h>
#include <keel/link.h>
#include <keel/logger.h>
#include <keel/main.h>
#include <keel/message.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REPLY_BYTES = 256 << 10, REASON_BYTES = 4096, LEVEL_BYTES = 16, MOST_MS = 86400000 };
static const char wrong_time[] = "the time to wait is between 1 ms and one day";

keel_term kl_control_stop(struct kl_control_answer *answer, keel_term arguments)
{
    (void)arguments;
    if (!kl_main_is_running()) {
        return keel_string(
                "this program does not run under keel_main: it stops in a way of its own");
    }
    struct kl_control_row row = {.count = 0};
    kl_control_put(&row, "program", keel_string(program_invocation_short_name));
    kl_control_put(&row, "os_pid", keel_int(getpid()));
    kl_control_add(answer, &row);
    if (kl_control_flush(answer)) {
        keel_log_info("%s stops: keel stop", program_invocation_short_name);
        keel_main_stop(0);
    }
    return KEEL_NONE;
}

keel_term kl_control_loglevel(struct kl_control_answer *answer, keel_term arguments)
{
    keel_term wanted = kl_control_argument(arguments, "level");
    if (!keel_is_none(wanted)) {
        char name[LEVEL_BYTES];
        keel_bytes bytes = keel_to_bytes(wanted);
        snprintf(name, sizeof name, "%.*s", bytes.size < sizeof name ? (int)bytes.size : 0,
                (const char *)bytes.data);
        keel_log_level level = keel_log_level_of(name);
        if (level == KEEL_LOG_NONE) {
            return keel_string("there is no such level: they are emergency, alert, "
                               "critical, error, warning, notice, info, debug");
        }
        keel_logger_level_set(level);
    }
    struct kl_control_row row = {.count = 0};
    kl_control_put(&row, "level", keel_string(keel_log_level_name(keel_logger_level())));
    kl_control_add(answer, &row);
    return KEEL_NONE;
}

keel_term kl_control_kill(struct kl_control_answer *answer, keel_term arguments)
{
    keel_term error = KEEL_NONE, ended = KEEL_NONE;
    keel_term reason = keel_atom(kill);
    int64_t milliseconds = 5000;
    keel_get_int(kl_control_argument(arguments, "wait_ms"), &milliseconds);
    if (!keel_is_none(kl_control_argument(arguments, "reason"))) {
        reason = kl_control_term(arguments, "reason", &error);
    }
    keel_pid pid = kl_control_process(arguments, &error);
    if (!keel_is_none(error)) {
        return error;
    }
    if (milliseconds < 1 || milliseconds > MOST_MS) {
        return keel_string(wrong_time);
    }
    struct kl_control_row row = {.count = 0};
    keel_process_view view = {.trap_exit = false};
    keel_ref monitor = keel_monitor(pid);
    kl_control_process_row(&row, pid);
    bool there = keel_inspect_process(pid, &view);
    keel_process_exit(pid, reason);
    // One that traps exits goes on with its work, or ends soon; any other ends as soon as
    // it leaves the C code that it may be in.
    bool trapped = there && view.trap_exit && !keel_is(reason, kill);
    keel_duration patience = trapped ? KEEL_SECONDS(1) : KEEL_MS(milliseconds);
    keel_status status = keel_receive_match(
            KEEL_IN(patience), "{'DOWN', ^Monitor, process, _, Reason}", monitor, &ended);
    keel_demonitor(monitor, KEEL_DEMONITOR_FLUSH);
    kl_control_put(&row, "sent", kl_control_show(reason, REASON_BYTES));
    kl_control_put(&row, "ended", keel_bool(status == KEEL_OK));
    if (status == KEEL_OK) {
        kl_control_put(&row, "reason", kl_control_show(ended, REASON_BYTES));
    }
    kl_control_add(answer, &row);
    return KEEL_NONE;
}

// Why a call came to nothing, for a person.
static keel_term why_not(keel_status status, keel_term reason, int64_t milliseconds)
{
    switch (status) {
    case KEEL_E_TIMEOUT:
        return keel_format("it did not answer within %g s", (double)milliseconds / 1000);
    case KEEL_E_EXIT:
        return keel_format("it ended: %.*s", REASON_BYTES, keel_show(reason));
    default:
        return keel_format("the call failed: %s", keel_status_text(status));
    }
}

keel_term kl_control_call(struct kl_control_answer *answer, keel_term arguments)
{
    keel_term error = KEEL_NONE, reply = KEEL_NONE;
    int64_t milliseconds = 5000;
    keel_pid pid = kl_control_process(arguments, &error);
    keel_term request = pid.word != 0 ? kl_control_term(arguments, "request", &error)
                                      : KEEL_NONE;
    keel_get_int(kl_control_argument(arguments, "timeout_ms"), &milliseconds);
    if (!keel_is_none(error)) {
        return error;
    }
    if (milliseconds < 1 || milliseconds > MOST_MS) {
        return keel_string(wrong_time);
    }
    keel_status status = keel_call_within(
            pid, request, KEEL_IN(KEEL_MS(milliseconds)), &reply);
    if (status != KEEL_OK) {
        return why_not(status, reply, milliseconds);
    }
    struct kl_control_row row = {.count = 0};
    kl_control_put(&row, "reply", kl_control_show(reply, REPLY_BYTES));
    kl_control_add(answer, &row);
    return KEEL_NONE;
}
