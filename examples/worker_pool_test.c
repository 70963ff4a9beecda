#include "check.h"
#include "worker_pool.h"

static void any_worker_does_the_work(keel_term unused)
{
    keel_started_or_exit(worker_pool_start_link(keel_nil()));
    for (int64_t i = 1; i <= 30; i++) {
        keel_test_check(keel_to_int(worker_square(worker_pool_checkout(), i)) == i * i);
    }
}

static void a_worker_that_dies_comes_back(keel_term unused)
{
    keel_started_or_exit(worker_pool_start_link(keel_nil()));
    keel_pid old = keel_whereis("worker_7");
    keel_process_exit(old, keel_atom(kill));
    keel_sleep(KEEL_MS(1));
    keel_pid now = keel_whereis("worker_7");
    keel_test_check(now.word != 0 && now.word != old.word);
    keel_test_check(keel_to_int(worker_square(keel_from_pid(now), 4)) == 16);
}

CHECKS({"any worker does the work", any_worker_does_the_work},
        {"a worker that dies comes back", a_worker_that_dies_comes_back})
