#ifndef STATEFUL_SERVER_H
#define STATEFUL_SERVER_H

#include <keel/keel.h>

/// Two versions of one server: the second has learned to keep metadata.
extern const keel_gen_server stateful_server_v1, stateful_server_v2;

#endif // STATEFUL_SERVER_H
