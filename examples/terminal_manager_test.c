#include "check.h"
#include "terminal_manager.h"
#include <string.h>

static void terminals_come_and_go(keel_term unused)
{
    keel_started_or_exit(terminal_manager_start_link(keel_nil()));
    keel_pid first = keel_started_or_exit(
            terminal_manager_start_terminal(keel_int(1), keel_make("[{rows, 24}]")));
    keel_term state = KEEL_NONE;
    keel_test_check(keel_sys_get_state(first, &state) == KEEL_OK);
    CHECK_SHOWN(state, "#{config => [{rows,24}],id => 1}");
    keel_test_check(terminal_manager_stop_terminal(first) == KEEL_OK);
    keel_test_check(!keel_process_alive(first));
    keel_test_check(terminal_manager_stop_terminal(first) == KEEL_E_REFUSED);
}

CHECKS({"terminals come and go", terminals_come_and_go})
