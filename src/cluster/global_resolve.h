#ifndef KL_CLUSTER_GLOBAL_RESOLVE_H
#define KL_CLUSTER_GLOBAL_RESOLVE_H

#include <keel/global.h>

// Who of two keeps a name that both have when their nodes meet. On the wire a resolver is a
// fun, which is called on the node of the process it was given for.

// The fun that stands for one of OTP's resolvers, NULL too; none for others.
keel_term kl_global_otp_method_of(keel_global_resolver resolver);
// The fun that stands for any function; none when memory is exhausted.
keel_term kl_global_method_of(keel_global_resolver resolver);
// Lets other nodes ask this one: global:resolve_it(Method, Name, Pid1, Pid2).
keel_status kl_global_resolve_allow(void);
// The body of a process: [Node, Tag, Clashes, Ops], where Clashes are {Name, Pid, Method,
// OurPid, OurMethod}; casts {exchange_ops, Node, Tag, Ops, Resolved} to the name server.
void kl_global_resolve(keel_term task);

#endif // KL_CLUSTER_GLOBAL_RESOLVE_H
