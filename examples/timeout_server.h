#ifndef TIMEOUT_SERVER_H
#define TIMEOUT_SERVER_H

#include <keel/keel.h>

/// `operation` may take its time: other calls are served meanwhile.
keel_started timeout_server_start_link(keel_task_function operation);
/// What the operation makes of the data; {error, timeout} after 5 s, {error, Reason} when
/// it fails.
keel_term timeout_server_slow_operation(keel_pid server, keel_term data);

#endif // TIMEOUT_SERVER_H
