#ifndef ROOMS_H
#define ROOMS_H

#include <keel/keel.h>

/// The registry and the supervisor of the rooms, as children of the application.
keel_child_spec rooms_registry(void);
keel_child_spec rooms_supervisor(void);
/// {ok, Pid} as a start; KEEL_E_REFUSED, and who is there, when the room exists.
keel_started rooms_create(keel_term id);
/// KEEL_OK or KEEL_E_NOPROC.
keel_status rooms_close(keel_term id);
/// The room's process, or none.
keel_pid rooms_find(keel_term id);
keel_status rooms_say(keel_term id, keel_term user, keel_term text);
/// #{id, users, messages}.
keel_status rooms_read(keel_term id, keel_term *ret_room);

#endif // ROOMS_H
