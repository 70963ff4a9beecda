#include "runq.h"

unsigned kl_runq_choose(struct kl_runq *queue)
{
    unsigned first = (unsigned)__builtin_ctz(queue->occupied);
    bool both = first == KL_PRIORITY_NORMAL && queue->occupied & 1u << KL_PRIORITY_LOW;
    if (!both) {
        return first;
    }
    if (++queue->passed < KL_RUNQ_LOW_SHARE) {
        return KL_PRIORITY_NORMAL;
    }
    queue->passed = 0;
    return KL_PRIORITY_LOW;
}

struct kl_task *kl_runq_pop_at(struct kl_runq *queue, unsigned class, size_t position)
{
    if (position == 0) {
        return kl_runq_pop_class(queue, class);
    }
    struct kl_task *before = queue->class[class].head;
    while (--position > 0) {
        before = before->next;
    }
    struct kl_task *task = before->next;
    before->next = task->next;
    if (!task->next) {
        queue->class[class].tail = before;
    }
    kl_store_relaxed(&queue->queued, queue->queued - 1);
    return task;
}

size_t kl_runq_count(const struct kl_runq *queue, unsigned class, size_t max)
{
    size_t count = 0;
    if (queue->occupied & 1u << class) {
        for (struct kl_task *t = queue->class[class].head; t && count < max; t = t->next) {
            count++;
        }
    }
    return count;
}
