// Work in supervised tasks: many at once, with a limit of number and time.

#include "notifications.h"

struct notification_counts notifications_send(
        keel_term users, keel_term message, notification_sender send)
{
    struct notification_counts counts = {0, 0};
    keel_task_stream *results = keel_task_stream_open(send, users, .argument = message,
            .supervisor = keel_atom(task_supervisor), .nolink = true, .max_concurrency = 10,
            .timeout = KEEL_SECONDS(30), .on_timeout = KEEL_TASK_KILL);
    keel_term result;
    while (keel_task_stream_next(results, &result)) {
        bool sent = keel_match(result, "{ok, {ok, _}}");
        *(sent ? &counts.sent : &counts.failed) += 1;
    }
    keel_task_stream_close(results);
    return counts;
}

keel_started notifications_in_background(keel_task_function function, keel_term argument)
{
    return keel_task_supervisor_start_child("task_supervisor", function, argument);
}
