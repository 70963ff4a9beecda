// Long mailboxes, walked several at a time.
//
// A mailbox is a list through memory that, when there are many messages, no cache near the
// processor holds. To walk it is to wait for one message after another, since each tells
// where the next one is. But several lists can be waited for at once. So a process that
// finds its own mailbox long walks those of the next in its worker's queue beside it; they
// find theirs near at hand. What it brings: docs/decisions/0033.

#include "turn.h"

enum {
    LOOK = 24, // so many processes of the queue are looked at,
    AHEAD = 12, // so many of them have their mailboxes fetched,
    FAR = KL_TURN_BUDGET + 56, // and so many messages of each: some more than a turn takes
    LISTS = 1 + 2 * AHEAD,
    ENOUGH = 4, // fewer lists are as fast one after another
};

// What waits in the mailbox and what waits at the door are two lists.
static size_t add_lists_of(
        const struct kl_process *process, const struct kl_envelope **lists, size_t count)
{
    // Acquire: pairs with the release of push, whose envelopes we look at.
    uintptr_t chain = kl_load_acquire(&process->door);
    if (chain > KL_DOOR_CLOSED) {
        lists[count++] = (const struct kl_envelope *)chain;
    }
    if (process->queue_len >= KL_WARM_CHAIN) {
        lists[count++] = process->head;
    }
    return count;
}

// One message of each list at a time: none depends on another.
static void walk(const struct kl_envelope **lists, size_t count)
{
    for (size_t step = 0; step < FAR && count > 0; step++) {
        for (size_t i = 0; i < count;) {
            lists[i] = lists[i]->next;
            if (lists[i] == NULL) {
                lists[i] = lists[--count];
            } else {
                i++;
            }
        }
    }
}

// The processes among `tasks`, which are held, whose mailboxes are to be fetched.
static void fetch(struct kl_task **tasks, size_t held, const struct kl_envelope *own)
{
    const struct kl_envelope *lists[LISTS] = {own};
    struct kl_process *chosen[AHEAD];
    size_t count = 1, processes = 0;
    for (size_t i = 0; i < held && processes < AHEAD; i++) {
        struct kl_process *process = KL_CONTAINER(tasks[i], struct kl_process, task);
        if (tasks[i]->run == kl_turn && (process->flags & KL_WARM) == 0) {
            size_t before = count;
            count = add_lists_of(process, lists, count);
            chosen[processes] = process;
            processes += count > before;
        }
    }
    if (count >= ENOUGH) {
        for (size_t i = 0; i < processes; i++) {
            kl_flags_add(chosen[i], KL_WARM);
        }
        walk(lists, count);
    }
}

void kl_warm(struct kl_process *self, const struct kl_envelope *own)
{
    kl_flags_add(self, KL_WARM);
    struct kl_task *tasks[LOOK];
    struct kl_hold hold;
    size_t held = own == NULL ? 0 : kl_sched_hold_next(tasks, LOOK, &hold);
    if (held > 0) {
        fetch(tasks, held, own);
        kl_sched_let_go(&hold);
    }
}
