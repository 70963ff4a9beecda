#ifndef NOTIFICATIONS_H
#define NOTIFICATIONS_H

#include <keel/keel.h>

/// Sends one notification: {ok, _}, anything else is a failure; it may crash, too.
typedef keel_term (*notification_sender)(keel_term user_and_message);

struct notification_counts {
    int sent, failed;
};

/// Sends the message to all users, ten at a time, each within 30 s.
struct notification_counts notifications_send(
        keel_term users, keel_term message, notification_sender send);
/// Runs a function that nobody waits for.
keel_started notifications_in_background(keel_task_function function, keel_term argument);

#endif // NOTIFICATIONS_H
