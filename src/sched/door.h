#ifndef KL_SCHED_DOOR_H
#define KL_SCHED_DOOR_H

#include "sched.h"

// Where the simulator takes the place of the machine's clock and chance.
struct kl_door {
    bool simulated;
    int64_t now; // virtual
    int64_t wall_offset; // virtual wall clock less virtual time
    uint64_t random; // state of the generator that programs see
};
extern struct kl_door kl_door;

#endif // KL_SCHED_DOOR_H
