#ifndef TERMINAL_MANAGER_H
#define TERMINAL_MANAGER_H

#include <keel/keel.h>

keel_started terminal_manager_start_link(keel_term unused);
/// A terminal of its own: #{id, config}.
keel_started terminal_manager_start_terminal(keel_term id, keel_term config);
keel_status terminal_manager_stop_terminal(keel_pid terminal);

#endif // TERMINAL_MANAGER_H
