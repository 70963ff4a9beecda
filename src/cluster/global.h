#ifndef KL_CLUSTER_GLOBAL_H
#define KL_CLUSTER_GLOBAL_H

#include <keel/global.h>

// Asks the name server of this node. Statuses as keel_gen_call.
keel_status kl_global_ask(keel_term request, keel_term *ret_reply);
// Waits a while, as OTP does: up to an eighth of a second the first time, then up to twice
// as long each time, 8 s at most.
void kl_global_pause(int times);

#endif // KL_CLUSTER_GLOBAL_H
