#ifndef CONNECTION_POOL_H
#define CONNECTION_POOL_H

#include <keel/keel.h>

/// A pool of the connections in the list.
keel_started connection_pool_start_link(keel_term connections);
/// A connection; waits up to 5 s for a free one. It comes back by itself when the caller
/// ends.
keel_status connection_pool_checkout(keel_term *ret_connection);
void connection_pool_checkin(keel_term connection);

#endif // CONNECTION_POOL_H
