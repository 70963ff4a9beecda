#include "pace.h"

bool kl_pace_read(
        struct kl_pace *pace, int64_t now, uint64_t sent, size_t bytes, unsigned messages)
{
    bool gathering = pace->told >= KL_PACE_TOLD;
    bool told = sent == pace->sent && bytes < KL_PACE_MUCH &&
                now - pace->last < KL_PACE_NEAR_NS && !(gathering && messages < 2);
    pace->sent = sent;
    pace->last = now;
    pace->told = !told ? 0 : gathering ? pace->told : pace->told + 1;
    return pace->told >= KL_PACE_TOLD;
}
