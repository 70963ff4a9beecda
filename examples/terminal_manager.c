// Servers on demand, known by their pids.

#include "terminal_manager.h"

static const keel_gen_server terminal = {
        .name = "terminal",
        .state = KEEL_STATE_TERM,
        .init = keel_init_term,
};

keel_started terminal_manager_start_link(keel_term unused)
{
    return keel_dynamic_supervisor_start_link(.name = keel_atom(terminal_manager));
}

keel_started terminal_manager_start_terminal(keel_term id, keel_term config)
{
    keel_term options = keel_make("#{id => Id, config => Config}", id, config);
    return keel_dynamic_supervisor_start_child(
            "terminal_manager", &keel_child(&terminal, options));
}

keel_status terminal_manager_stop_terminal(keel_pid pid)
{
    return keel_dynamic_supervisor_terminate_child("terminal_manager", pid, NULL);
}
