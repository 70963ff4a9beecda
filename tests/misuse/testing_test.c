// The test kit, and the seams it stands on, where nothing is simulated.

#include "table.h"

#include <keel/extend.h>
#include <keel/testing.h>

TABLE(kit, "the test kit without a simulation gives a clear failure")
{
    STATUSES(ANY, KEEL_E_RUNNING, KEEL_E_INSIDE, ANY,
            keel_test_start(1, &(keel_test_opts){.runtime = {.max_processes = 1}}));
    STATUSES(KEEL_E_STOPPED, ANY, KEEL_E_INSIDE, KEEL_E_STOPPED, keel_test_stop(NULL));
    REFUSED(keel_test_run(NULL, nothing, 1, NULL, NULL));
    REFUSED(keel_test_seeds(NULL, nothing, 1, 1, NULL));
    if (is_up()) {
        REFUSED(keel_test_run(never_body, nothing, 1, NULL, NULL));
        REFUSED(keel_test_seeds(never_body, nothing, 1, 1, NULL));
    }
    REFUSED(keel_test_settle());
    REFUSED(keel_test_advance(-1));
    REFUSED(keel_test_advance(KEEL_MINUTES(60)));
    NOTHING(keel_test_seed());
    HARMLESS(keel_test_trace());
    NOTHING(keel_test_choose(0));
    NOTHING(keel_test_choose(SIZE_MAX));
    NOTHING(keel_test_probe());
    NOTHING(keel_test_monitor(dead_process(), any_word()));
    NOTHING(keel_test_monitor_term(no_pid(), one));
    REFUSED(keel_test_link(no_pid(), dead_process()));
    REFUSED(keel_test_link(dead_process(), no_pid()));
    NOTHING(keel_test_messages(no_pid()));
    NOTHING(keel_test_messages(dead_process()));
    ENDS("{test_failed, _}", keel_test_expect(no_pid(), "_"));
    NOTHING(keel_test_mock_at("here", 1, NULL, 3));
    ENDS("{test_failed, _}", keel_test_fail_at(NULL, -1, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_test_start_supervised_spec(NULL));
    REFUSED(keel_test_stop_supervised(nobody));
    NOTHING(keel_test_wait_more(NULL));
    NOTHING(keel_test_wait_more(&(keel_test_patience){{0}, 1}));
    HARMLESS(keel_test_patience_of(-1));
    ENDS("{test_failed, _}", keel_test_not_met(NULL, -1, NULL, -1));
    HARMLESS(keel_test_capture_log(NULL, NULL));
    ENDS("_", keel_test_start_supervised_pid(NULL, -1, (keel_started){.status = -1}));
}

TABLE(seams, "the seams of the simulator without a simulation do nothing")
{
    STATUS(KEEL_E_BADARG, keel_extend_simulate(1, &(keel_config){.max_processes = 1}));
    NOTHING(keel_extend_is_simulated());
    NOTHING(keel_extend_settle(0));
    HARMLESS(keel_extend_advance(KEEL_MINUTES(60)));
    HARMLESS(keel_extend_advance(INT64_MIN));
    HARMLESS(keel_extend_next_timer());
    NOTHING(keel_extend_choose(0));
    NOTHING(keel_extend_choose(SIZE_MAX));
    HARMLESS(keel_extend_trace());
    HARMLESS(keel_extend_observe(NULL, NULL));
    HARMLESS(keel_extend_foreign_wakes());
    if (!is_inside()) {
        NOTHING(keel_extend_timers());
        HARMLESS(keel_extend_memory());
    }
}
