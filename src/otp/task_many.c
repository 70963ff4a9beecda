// Waiting for several tasks at once.

#include "task.h"
#include <stdlib.h>

// The tasks by reference: a message finds its task without asking each of them.
struct member {
    keel_ref ref;
    size_t index;
};
struct crowd {
    struct member *members; // ordered by the word of the reference
    size_t count;
    bool *answered; // by index
};

static bool crowd_new(const keel_task *tasks, size_t count, struct crowd *ret);
static void crowd_free(struct crowd *crowd);
static bool is_about_one(keel_term message, void *crowd);
static size_t index_of(const struct crowd *crowd, keel_term message);
static void forget_open(const struct crowd *crowd, const keel_task *tasks);

keel_status keel_task_await_many(const keel_task *tasks, size_t count,
        keel_deadline deadline, keel_term *results, keel_term *ret_reason)
{
    struct crowd crowd;
    if (results == NULL && count > 0) {
        return KEEL_E_BADARG;
    }
    if (!crowd_new(tasks, count, &crowd)) {
        return KEEL_E_BADARG;
    }
    keel_status status = KEEL_OK;
    for (size_t left = count; left > 0 && status == KEEL_OK; left--) {
        keel_term message = KEEL_NONE;
        keel_term value = KEEL_NONE;
        status = keel_receive_where(is_about_one, &crowd, deadline, &message);
        if (status == KEEL_OK) {
            size_t index = index_of(&crowd, message);
            status = kl_task_judge(tasks[index].ref, message, &value);
            crowd.answered[index] = true;
            results[index] = status == KEEL_OK ? value : results[index];
        }
        if ((status == KEEL_E_EXIT || status == KEEL_E_NODEDOWN) && ret_reason != NULL) {
            *ret_reason = value;
        }
    }
    if (status != KEEL_OK) {
        forget_open(&crowd, tasks);
    }
    crowd_free(&crowd);
    return status;
}

static keel_term tasks_term(const keel_task *tasks, size_t count)
{
    keel_term list = keel_nil();
    for (size_t i = count; i > 0; i--) {
        list = keel_cons(keel_task_to_term(tasks[i - 1]), list);
    }
    return list;
}

keel_term keel_task_await_many_or_exit(
        const keel_task *tasks, size_t count, keel_duration timeout)
{
    if (tasks == NULL && count > 0) {
        keel_error(keel_atom(badarg));
    }
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].owner.word != keel_self().word) {
            kl_task_not_owner(keel_task_to_term(tasks[i]));
        }
    }
    keel_term reason = KEEL_NONE;
    keel_term *results = keel_alloc(count * sizeof *results + 1);
    keel_deadline deadline = timeout == KEEL_FOREVER ? KEEL_NEVER : KEEL_IN(timeout);
    keel_status status = keel_task_await_many(tasks, count, deadline, results, &reason);
    keel_term list = status == KEEL_OK ? keel_list(results, count) : KEEL_NONE;
    keel_free(results);
    if (status == KEEL_OK) {
        return list;
    }
    keel_exit(kl_task_exit_reason(status == KEEL_E_TIMEOUT ? keel_atom(timeout) : reason,
            keel_atom(await_many), tasks_term(tasks, count), timeout));
}

// What happens to a task that has not ended in time.
static keel_task_outcome end_late(keel_task task, keel_task_late how)
{
    keel_task_outcome outcome = {KEEL_E_TIMEOUT, KEEL_NONE};
    if (how == KEEL_TASK_KEEP) {
        return outcome;
    }
    outcome.status = how == KEEL_TASK_KILL
                             ? keel_task_shutdown(task, KEEL_BRUTAL_KILL, &outcome.value)
                             : keel_task_ignore(task, &outcome.value);
    if (outcome.status == KEEL_E_CANCELED) {
        outcome.status = KEEL_E_TIMEOUT;
    }
    return outcome;
}

keel_status keel_task_yield_many_opt(const keel_task *tasks, keel_task_outcome *outcomes,
        const keel_task_yield_opts *opts)
{
    struct crowd crowd;
    size_t count = opts == NULL ? 0 : opts->count;
    if (opts == NULL || (outcomes == NULL && count > 0) || opts->timeout < 0 ||
            opts->on_timeout > KEEL_TASK_IGNORE || !crowd_new(tasks, count, &crowd)) {
        return KEEL_E_BADARG;
    }
    keel_duration timeout = opts->timeout == 0 ? KEEL_SECONDS(5) : opts->timeout;
    keel_deadline deadline = timeout == KEEL_FOREVER ? KEEL_NEVER : KEEL_IN(timeout);
    size_t left = opts->limit == 0 || opts->limit > count ? count : opts->limit;
    keel_status status = KEEL_OK;
    while (left > 0 && status == KEEL_OK) {
        keel_term message = KEEL_NONE;
        status = keel_receive_where(is_about_one, &crowd, deadline, &message);
        if (status == KEEL_OK) {
            size_t index = index_of(&crowd, message);
            keel_task_outcome *outcome = &outcomes[index];
            outcome->status = kl_task_judge(tasks[index].ref, message, &outcome->value);
            crowd.answered[index] = true;
            status = outcome->status == KEEL_E_NODEDOWN ? KEEL_E_NODEDOWN : KEEL_OK;
            left--;
        }
    }
    // When the limit was reached nobody is late.
    keel_task_late how = status == KEEL_E_TIMEOUT ? opts->on_timeout : KEEL_TASK_KEEP;
    status = status == KEEL_E_TIMEOUT ? KEEL_OK : status;
    for (size_t i = 0; i < count && status == KEEL_OK; i++) {
        if (!crowd.answered[i]) {
            outcomes[i] = end_late(tasks[i], how);
        }
    }
    crowd_free(&crowd);
    return status;
}

// --- the crowd ---

static int by_word(const void *left, const void *right)
{
    uint64_t a = ((const struct member *)left)->ref.word;
    uint64_t b = ((const struct member *)right)->ref.word;
    return (a > b) - (a < b);
}

// False when one of them has another owner. References of tasks were made here: their
// words tell them apart.
static bool crowd_new(const keel_task *tasks, size_t count, struct crowd *ret)
{
    if (tasks == NULL && count > 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!keel_in_process() || tasks[i].owner.word != keel_self().word) {
            return false;
        }
    }
    *ret = (struct crowd){.count = count,
            .members = keel_alloc(count * sizeof *ret->members + 1),
            .answered = keel_alloc(count + 1)};
    for (size_t i = 0; i < count; i++) {
        ret->members[i] = (struct member){tasks[i].ref, i};
    }
    qsort(ret->members, count, sizeof *ret->members, by_word);
    return true;
}

static void crowd_free(struct crowd *crowd)
{
    keel_free(crowd->members);
    keel_free(crowd->answered);
}

static keel_term ref_in(keel_term message)
{
    size_t size = keel_tuple_size(message);
    if (size == 5 && keel_is(keel_element(message, 0), DOWN)) {
        return keel_element(message, 1);
    }
    return size == 2 ? keel_element(message, 0) : KEEL_NONE;
}

static size_t index_of(const struct crowd *crowd, keel_term message)
{
    struct member key = {.ref = keel_to_ref(ref_in(message))};
    const struct member *found = key.ref.word == 0 || crowd->count == 0
                                         ? NULL
                                         : bsearch(&key, crowd->members, crowd->count,
                                                   sizeof key, by_word);
    return found == NULL || crowd->answered[found->index] ? SIZE_MAX : found->index;
}

static bool is_about_one(keel_term message, void *crowd)
{
    return index_of(crowd, message) != SIZE_MAX;
}

static void forget_open(const struct crowd *crowd, const keel_task *tasks)
{
    for (size_t i = 0; i < crowd->count; i++) {
        if (!crowd->answered[i]) {
            kl_task_forget(tasks[i].ref);
        }
    }
}
