#include "share.h"

void kl_timer_arm(struct kl_timer *timer, int64_t at)
{
    struct kl_runner *runner = kl_runner_self();
    if (runner) {
        uint32_t was;
        struct kl_worker *worker = kl_worker_enter(runner, &was);
        if (worker) {
            // No need to wake anybody: this worker looks at its wheel before it parks.
            kl_wheel_add(&worker->wheel, timer, at);
            kl_worker_leave(runner, was);
            return;
        }
    }
    kl_core_check_fork();
    if (!kl_core_running()) {
        return;
    }
    struct kl_worker *worker = kl_core.worker[0];
    if (kl_wheel_add(&worker->wheel, timer, at)) {
        kl_worker_kick(worker);
    }
}

bool kl_timer_cancel(struct kl_timer *timer)
{
    // Acquire: pairs with the release in kl_wheel_add(). Wheels are never freed; whether
    // the timer still lies in this one is decided under its lock.
    struct kl_wheel *wheel = kl_load_acquire(&timer->wheel);
    return wheel && kl_wheel_remove(wheel, timer);
}

bool kl_timer_cancel_if(struct kl_timer *timer, const uint32_t *word, uint32_t expected)
{
    struct kl_wheel *wheel = kl_load_acquire(&timer->wheel);
    return wheel && kl_wheel_remove_if(wheel, timer, word, expected);
}

bool kl_timer_while_armed(struct kl_timer *timer, const uint32_t *word, uint32_t expected,
        void (*fn)(struct kl_timer *timer, void *context), void *context)
{
    struct kl_wheel *wheel = kl_load_acquire(&timer->wheel);
    if (!wheel) {
        return false;
    }
    kl_lock_take(&wheel->lock);
    bool armed = kl_wheel_has(wheel, timer, word, expected);
    if (armed) {
        fn(timer, context);
    }
    kl_lock_give(&wheel->lock);
    return armed;
}

bool kl_timer_move(struct kl_timer *timer,
        int64_t (*to)(struct kl_timer *timer, void *context), void *context)
{
    struct kl_wheel *wheel = kl_load_acquire(&timer->wheel);
    bool first;
    if (!wheel || !kl_wheel_move(wheel, timer, to, context, &first)) {
        return false;
    }
    if (first) {
        kl_worker_kick(KL_CONTAINER(wheel, struct kl_worker, wheel));
    }
    return true;
}

size_t kl_timer_count(void)
{
    size_t count = 0;
    for (unsigned i = 0; kl_core_running() && i < kl_core.workers; i++) {
        count += kl_load_relaxed(&kl_core.worker[i]->wheel.count);
    }
    return count;
}
