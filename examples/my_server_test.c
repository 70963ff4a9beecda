#include "check.h"
#include "my_server.h"
#include <keel/logger.h>
#include <string.h>

static int64_t field(keel_term server, keel_term name)
{
    keel_term state = KEEL_NONE;
    keel_test_check(keel_sys_get_state(server, &state) == KEEL_OK);
    return keel_to_int(keel_map_get(state, name));
}

static void data_is_read_and_changed(keel_term unused)
{
    keel_term name = keel_atom(mine);
    keel_started_or_exit(my_server_start_link(keel_make("#{config => [{a, 1}]}"), name));
    CHECK_SHOWN(my_server_get_data(name), "#{}");
    my_server_update_data(name, keel_make("#{key => <<\"value\">>}"));
    CHECK_SHOWN(my_server_get_data(name), "#{key => <<\"value\">>}");
}

static void work_is_done_every_half_minute(keel_term unused)
{
    keel_term server = keel_atom(my_server);
    keel_started_or_exit(my_server_start_link(keel_make("#{}"), KEEL_NONE));
    keel_sleep(KEEL_SECONDS(95));
    keel_test_check(field(server, keel_atom(rounds)) == 3);
}

static void it_outlives_what_it_is_linked_to(keel_term unused)
{
    keel_logger_level_set(KEEL_LOG_NONE);
    keel_pid server = keel_started_or_exit(
            my_server_start_link(keel_make("#{}"), KEEL_NONE));
    keel_term worker = keel_from_pid(keel_test_probe());
    keel_test_check(keel_test_link(keel_to_pid(worker), server) == KEEL_OK);
    keel_process_exit(keel_to_pid(worker), keel_atom(kill));
    CHECK_SHOWN(my_server_get_data(keel_from_pid(server)), "#{}");
    keel_test_check(keel_gen_server_stop(server, keel_atom(normal), KEEL_NEVER) == KEEL_OK);
}

CHECKS({"data is read and changed", data_is_read_and_changed},
        {"work is done every half minute", work_is_done_every_half_minute},
        {"it outlives what it is linked to", it_outlives_what_it_is_linked_to})
