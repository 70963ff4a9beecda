#ifndef KL_SCHED_RUNQ_H
#define KL_SCHED_RUNQ_H

#include "sched.h"

#include "base/base.h"

enum { KL_PRIORITIES = 4 };

// While normal tasks wait as well, one turn in this many is a low one's.
enum { KL_RUNQ_LOW_SHARE = 8 };

// The runnable tasks of one worker: a queue for each priority, in order of arrival. Max
// goes before high, high before the others; low tasks get a share among the normal ones.
// Private to its worker: no lock, nothing atomic but the length, which others may read.
struct kl_runq {
    struct {
        struct kl_task *head, *tail;
    } class[KL_PRIORITIES];
    uint32_t occupied; // bit 1 << priority
    uint32_t queued; // tasks in all queues
    uint32_t expecting; // of them, those that only wait for another; read by others
    uint16_t home; // what the tasks in it have as theirs
    uint32_t passed; // normal turns since the last low one
};

// The queue to serve next when it is not simply the normal one.
unsigned kl_runq_choose(struct kl_runq *queue);
// Takes the task at `position` of `class` (0 is the head); for the simulator.
struct kl_task *kl_runq_pop_at(struct kl_runq *queue, unsigned class, size_t position);
// The number of tasks of one class, counted up to `max`.
size_t kl_runq_count(const struct kl_runq *queue, unsigned class, size_t max);

// Takes `count` tasks out, of the priority that would wait longest first, oldest first:
// the ones to give away. Returns them linked newest first, and the oldest in *ret_last.
struct kl_task *kl_runq_take(
        struct kl_runq *queue, uint32_t count, struct kl_task **ret_last);
// Moves so many of them to another queue, in order.
void kl_runq_move(struct kl_runq *from, struct kl_runq *to, uint32_t count);

static inline void kl_runq_push(struct kl_runq *queue, struct kl_task *task)
{
    unsigned class = task->priority;
    task->next = NULL;
    task->expecting = 0;
    kl_store_relaxed(&task->home, queue->home);
    if (queue->occupied & 1u << class) {
        queue->class[class].tail->next = task;
    } else {
        queue->class[class].head = task;
        queue->occupied |= 1u << class;
    }
    queue->class[class].tail = task;
    kl_store_relaxed(&queue->queued, queue->queued + 1);
}

static inline void kl_runq_push_expecting(struct kl_runq *queue, struct kl_task *task)
{
    kl_runq_push(queue, task);
    task->expecting = 1;
    kl_store_relaxed(&queue->expecting, queue->expecting + 1);
}

// How many can do something. Others may ask, and then get a hint.
static inline uint32_t kl_runq_ready(const struct kl_runq *queue)
{
    return kl_load_relaxed(&queue->queued) - kl_load_relaxed(&queue->expecting);
}

// A task that has left the queue.
static inline void kl_runq_let_go(struct kl_runq *queue, struct kl_task *task)
{
    kl_store_relaxed(&task->home, 0);
    kl_store_relaxed(&queue->queued, queue->queued - 1);
    if (task->expecting) {
        kl_store_relaxed(&queue->expecting, queue->expecting - 1);
    }
}

static inline struct kl_task *kl_runq_pop_class(struct kl_runq *queue, unsigned class)
{
    struct kl_task *task = queue->class[class].head;
    queue->class[class].head = task->next;
    if (!task->next) {
        queue->occupied &= ~(1u << class);
    }
    kl_runq_let_go(queue, task);
    return task;
}

static inline struct kl_task *kl_runq_pop(struct kl_runq *queue)
{
    if (__builtin_expect(queue->occupied == 1u << KL_PRIORITY_NORMAL, 1)) {
        return kl_runq_pop_class(queue, KL_PRIORITY_NORMAL);
    }
    return queue->occupied ? kl_runq_pop_class(queue, kl_runq_choose(queue)) : NULL;
}

#endif // KL_SCHED_RUNQ_H
