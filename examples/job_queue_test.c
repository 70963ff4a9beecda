#include "check.h"
#include "job_queue.h"
#include <string.h>

static void start(void)
{
    keel_started_or_exit(keel_pubsub_start_link(.name = keel_atom(events)));
    keel_started_or_exit(job_queue_start_link(keel_atom(events)));
}

static keel_term field(int64_t id, keel_term key)
{
    keel_term jobs = keel_map_get(job_queue_status(), keel_atom(jobs));
    return keel_map_get(keel_map_get(jobs, keel_int(id)), key);
}

static void jobs_are_done_in_order(keel_term unused)
{
    start();
    int64_t first = job_queue_add(keel_string("Job 1"), 1);
    int64_t second = job_queue_add(keel_string("Job 2"), 2);
    keel_sleep(KEEL_MS(550));
    keel_test_check(keel_to_int(field(first, keel_atom(progress))) == 50);
    keel_test_check(keel_is(field(second, keel_atom(status)), pending));
    keel_sleep(KEEL_MS(600));
    CHECK_SHOWN(keel_map_get(job_queue_status(), keel_atom(stats)),
            "#{completed => 1,processing => 1}");
    keel_sleep(KEEL_SECONDS(3));
    CHECK_SHOWN(keel_map_get(job_queue_status(), keel_atom(stats)), "#{completed => 2}");
}

static void jobs_are_cancelled_while_they_wait_and_run(keel_term unused)
{
    start();
    int64_t running = job_queue_add(keel_string("long"), 100);
    int64_t waiting = job_queue_add(keel_string("later"), 1);
    int64_t last = job_queue_add(keel_string("last"), 1);
    keel_sleep(KEEL_SECONDS(15));
    keel_test_check(keel_is(job_queue_cancel(waiting), ok));
    keel_test_check(keel_is(job_queue_cancel(running), ok));
    keel_sleep(KEEL_SECONDS(2));
    keel_test_check(keel_is(field(last, keel_atom(status)), completed));
    CHECK_SHOWN(keel_map_get(job_queue_status(), keel_atom(stats)),
            "#{cancelled => 2,completed => 1}");
    keel_test_check(keel_is(job_queue_cancel(waiting), not_found));
}

static void everybody_hears_of_it(keel_term unused)
{
    start();
    keel_pubsub_or_exit(keel_pubsub_subscribe(keel_atom(events), keel_atom(job_queue)));
    job_queue_add(keel_string("job"), 1);
    keel_status status = keel_receive_match(
            KEEL_IN(KEEL_SECONDS(2)), "{queue_updated, #{stats := #{completed := 1}}}");
    keel_test_check(status == KEEL_OK);
}

CHECKS({"jobs are done in order", jobs_are_done_in_order},
        {"jobs are cancelled while they wait and while they run",
                jobs_are_cancelled_while_they_wait_and_run},
        {"everybody hears of it", everybody_hears_of_it})
