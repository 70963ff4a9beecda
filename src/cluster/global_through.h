#ifndef KL_CLUSTER_GLOBAL_THROUGH_H
#define KL_CLUSTER_GLOBAL_THROUGH_H

#include <keel/term.h>

// Names kept by another node, on behalf of this one: keel_global_through().

// Whether names are asked for elsewhere.
bool kl_global_elsewhere(void);
// What global:function(arguments…) gives there; none when no node could be reached.
keel_term kl_global_call_there(const char *function, keel_term arguments);

#endif // KL_CLUSTER_GLOBAL_THROUGH_H
