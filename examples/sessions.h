#ifndef SESSIONS_H
#define SESSIONS_H

#include <keel/keel.h>

keel_started sessions_start_link(keel_term unused);
/// What a session is called wherever a server is named.
keel_term sessions_via(keel_term session_id);
/// Its process, or none.
keel_pid sessions_whereis(keel_term session_id);
/// A list of {SessionId, Pid}.
keel_term sessions_list(void);

keel_started session_start_link(keel_term session_id, keel_term options);
keel_term session_get_state(keel_term session_id);

#endif // SESSIONS_H
