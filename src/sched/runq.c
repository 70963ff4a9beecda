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
    kl_runq_let_go(queue, task);
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

static struct kl_task *take_one(struct kl_runq *queue)
{
    static const uint8_t order[KL_PRIORITIES] = {
            KL_PRIORITY_NORMAL, KL_PRIORITY_LOW, KL_PRIORITY_HIGH, KL_PRIORITY_MAX};
    unsigned i = 0;
    while (!(queue->occupied & 1u << order[i])) {
        i++;
    }
    return kl_runq_pop_class(queue, order[i]);
}

struct kl_task *kl_runq_take(
        struct kl_runq *queue, uint32_t count, struct kl_task **ret_last)
{
    struct kl_task *newest = NULL;
    *ret_last = NULL;
    for (; count > 0; count--) {
        struct kl_task *task = take_one(queue);
        task->next = newest;
        newest = task;
        *ret_last = *ret_last ? *ret_last : task;
    }
    return newest;
}

void kl_runq_move(struct kl_runq *from, struct kl_runq *to, uint32_t count)
{
    for (; count > 0; count--) {
        kl_runq_push(to, take_one(from));
    }
}
