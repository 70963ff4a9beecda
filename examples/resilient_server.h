#ifndef RESILIENT_SERVER_H
#define RESILIENT_SERVER_H

#include <keel/keel.h>

/// {ok, Data} or {error, Reason}.
typedef keel_term (*resilient_server_fetch)(keel_term source);

keel_started resilient_server_start_link(resilient_server_fetch fetch);
/// What fetch gives, tried up to four times a second apart.
keel_term resilient_server_fetch_data(keel_pid server, keel_term source);

#endif // RESILIENT_SERVER_H
