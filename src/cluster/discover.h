#ifndef KL_CLUSTER_DISCOVER_H
#define KL_CLUSTER_DISCOVER_H

#include "discover_table.h"
#include <keel/discover.h>

// What the processes of discovery share. Each way to find nodes is a process of its own,
// linked to the server and told its pid and its options; it casts {found, By, Names} to the
// server, By an enum kl_found_by, Names a list of binaries.

// {Server, Options}, Options as a pointer: the argument of the bodies.
void kl_discover_dns_body(keel_term argument);
void kl_discover_multicast_body(keel_term argument);

keel_duration kl_discover_interval(const keel_discover_opts *opts);
// Takes the argument of a body apart.
const keel_discover_opts *kl_discover_argument(keel_term argument, keel_pid *ret_server);
// Tells the server.
void kl_discover_tell(keel_pid server, enum kl_found_by by, keel_term names);

#endif // KL_CLUSTER_DISCOVER_H
