#ifndef BUFFER_SERVER_H
#define BUFFER_SERVER_H

#include <keel/keel.h>

/// #{width => W, height => H}: both must be there, positive integers.
keel_started buffer_server_start_link(keel_term options);
void buffer_server_write(keel_pid server, keel_term text);
/// Line `row` as a binary of the buffer's width.
keel_term buffer_server_line(keel_pid server, int64_t row);

#endif // BUFFER_SERVER_H
