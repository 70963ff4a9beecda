#include "restart.h"

static void forget_old(struct kl_restarts *restarts, int64_t now)
{
    while (restarts->count > 0 && now - restarts->at[restarts->oldest] > restarts->period) {
        restarts->oldest = (restarts->oldest + 1) % restarts->room;
        restarts->count--;
    }
}

bool kl_restarts_full(struct kl_restarts *restarts, int64_t now)
{
    forget_old(restarts, now);
    return restarts->count == restarts->room && restarts->room < restarts->limit;
}

int64_t *kl_restarts_lend(struct kl_restarts *restarts, int64_t *at, uint32_t room)
{
    for (uint32_t i = 0; i < restarts->count; i++) {
        at[i] = restarts->at[(restarts->oldest + i) % restarts->room];
    }
    int64_t *old = restarts->at;
    restarts->at = at;
    restarts->room = room;
    restarts->oldest = 0;
    return old;
}

bool kl_restarts_allow(struct kl_restarts *restarts, int64_t now)
{
    forget_old(restarts, now);
    if (restarts->count >= restarts->limit || restarts->count >= restarts->room) {
        return false;
    }
    restarts->at[(restarts->oldest + restarts->count) % restarts->room] = now;
    restarts->count++;
    return true;
}

int64_t kl_restart_delay(int64_t first, int64_t most, uint32_t tries)
{
    if (most <= 0) {
        most = first > INT64_MAX / 16 ? INT64_MAX : first * 16;
    }
    int64_t delay = first;
    while (tries > 0 && delay < most) {
        delay = delay > INT64_MAX / 2 ? INT64_MAX : delay * 2;
        tries--;
    }
    return delay < most ? delay : most;
}
