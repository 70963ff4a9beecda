// Work in supervised tasks: many at once, with a limit of number and time.

#include "notifications.h"

struct inputs {
    keel_term users, message;
};

static bool next_input(void *context, keel_term *ret_input)
{
    struct inputs *inputs = context;
    keel_term user;
    if (!keel_list_next(&inputs->users, &user)) {
        return false;
    }
    *ret_input = keel_tuple_of(user, inputs->message);
    return true;
}

struct notification_counts notifications_send(
        keel_term users, keel_term message, notification_sender send)
{
    struct notification_counts counts = {0, 0};
    struct inputs inputs = {users, message};
    keel_task_stream *results = keel_task_stream_open(send, KEEL_NONE, .next = next_input,
            .context = &inputs, .supervisor = keel_atom(task_supervisor), .nolink = true,
            .max_concurrency = 10, .timeout = KEEL_SECONDS(30),
            .on_timeout = KEEL_TASK_KILL);
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
