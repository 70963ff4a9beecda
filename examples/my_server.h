#ifndef MY_SERVER_H
#define MY_SERVER_H

#include <keel/keel.h>

/// #{config => list} and, as `name`, what it is registered under; KEEL_NONE: my_server.
keel_started my_server_start_link(keel_term options, keel_term name);
keel_term my_server_get_data(keel_term server);
void my_server_update_data(keel_term server, keel_term data);

#endif // MY_SERVER_H
