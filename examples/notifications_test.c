#include "check.h"
#include "notifications.h"

static keel_term deliver(keel_term user_and_message)
{
    int64_t user = keel_to_int(keel_element(user_and_message, 0));
    keel_sleep(user == 3 ? KEEL_MINUTES(1) : KEEL_SECONDS(1));
    if (user == 5) {
        keel_exit(keel_atom(no_such_user));
    }
    return user == 7 ? keel_make("{error, refused}") : keel_make("{ok, User}", user);
}

static keel_term users_up_to(int64_t last)
{
    keel_term users = keel_nil();
    while (last > 0) {
        users = keel_cons(keel_int(last--), users);
    }
    return users;
}

static void start(void)
{
    keel_started_or_exit(
            keel_task_supervisor_start_link(.name = keel_atom(task_supervisor)));
}

static void failures_and_late_ones_are_counted(keel_term unused)
{
    start();
    struct notification_counts counts = notifications_send(
            users_up_to(20), keel_string("hola"), deliver);
    keel_test_check(counts.sent == 17 && counts.failed == 3);
}

static void ten_run_at_a_time(keel_term unused)
{
    start();
    keel_deadline limit = KEEL_IN(KEEL_MS(3500)); // 30 users, ten at a time, 1 s each
    keel_term users = keel_nil();
    for (int i = 0; i < 30; i++) {
        users = keel_cons(keel_int(1), users);
    }
    struct notification_counts counts = notifications_send(users, keel_nil(), deliver);
    keel_test_check(counts.sent == 30);
    keel_test_check(keel_receive_until(limit, &users) == KEEL_E_TIMEOUT);
}

static keel_term tell(keel_term pid)
{
    keel_send(pid, keel_atom(done));
    return keel_nil();
}

static void background_work_is_supervised(keel_term unused)
{
    start();
    keel_pid probe = keel_test_probe();
    keel_test_check(
            notifications_in_background(tell, keel_from_pid(probe)).status == KEEL_OK);
    keel_test_expect(probe, "done");
}

CHECKS({"failures and late ones are counted", failures_and_late_ones_are_counted},
        {"ten run at a time", ten_run_at_a_time},
        {"background work is supervised", background_work_is_supervised})
