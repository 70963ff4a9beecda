#include "processes.h"

#include "json.h"
#include <stdlib.h>
#include <string.h>

const char kl_ctl_sort_keys[] = "pid, name, queue, memory, reductions, time, since";

enum { TEXT_BYTES = 1100, TEXTS = 8 };

// --- reading ---

// The texts of a row, one after the other in memory of their own.
static bool read_texts(struct kl_ctl_process *process, keel_term row, bool utf8)
{
    static const char *const keys[TEXTS] = {
            "pid", "parent", "name", "label", "entry", "state", "wait", "waiting_for"};
    const char **fields[TEXTS] = {&process->pid, &process->parent, &process->name,
            &process->label, &process->entry, &process->state, &process->wait,
            &process->waiting_for};
    char all[TEXTS * TEXT_BYTES];
    size_t offsets[TEXTS], used = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        keel_bytes text = kl_ctl_get_text(row, keys[i]);
        offsets[i] = used;
        used += kl_ctl_clean(all + used, TEXT_BYTES, text.data, text.size, utf8) + 1;
    }
    process->texts = malloc(used);
    if (process->texts == NULL) {
        return false;
    }
    memcpy(process->texts, all, used);
    for (size_t i = 0; i < TEXTS; i++) {
        *fields[i] = process->texts + offsets[i];
    }
    process->title = process->name[0] != '\0'    ? process->name
                     : process->label[0] != '\0' ? process->label
                                                 : process->entry;
    return true;
}

static char *json_of(keel_term row)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file != NULL) {
        kl_ctl_json_term(file, row);
        fclose(file);
    }
    return text;
}

static bool make_room(struct kl_ctl_processes *processes)
{
    if (processes->count < processes->size) {
        return true;
    }
    size_t size = processes->size * 2 + 64;
    struct kl_ctl_process *list = realloc(processes->list, size * sizeof *list);
    if (list != NULL) {
        processes->list = list;
        processes->size = size;
    }
    return list != NULL;
}

static void forget_index(struct kl_ctl_processes *processes)
{
    free(processes->by_pid);
    processes->by_pid = NULL;
}

bool kl_ctl_processes_add(
        struct kl_ctl_processes *processes, keel_term row, bool utf8, bool with_json)
{
    struct kl_ctl_process process = {
            .waiting_ns = kl_ctl_get_number(row, "waiting_ns"),
            .queue = kl_ctl_get_number(row, "queue"),
            .messages_in = kl_ctl_get_number(row, "messages_in"),
            .reductions = kl_ctl_get_number(row, "reductions"),
            .run_ns = kl_ctl_get_number(row, "run_ns"),
            .memory = kl_ctl_get_number(row, "memory"),
            .stack = kl_ctl_get_number(row, "stack"),
            .dropped = kl_ctl_get_number(row, "dropped"),
            .trap_exit = keel_to_bool(kl_ctl_get(row, "trap_exit")),
    };
    if (!make_room(processes) || !read_texts(&process, row, utf8)) {
        return false;
    }
    process.json = with_json ? json_of(row) : NULL;
    forget_index(processes);
    processes->list[processes->count++] = process;
    return true;
}

bool kl_ctl_processes_read(struct kl_ctl_processes *processes, struct kl_ctl_client *client,
        bool utf8, bool with_json)
{
    keel_term row = KEEL_NONE;
    enum kl_ctl_more more = KL_CTL_FAILED;
    if (kl_ctl_client_ask(client, "ps", kl_ctl_map())) {
        while ((more = kl_ctl_client_next(client, &row)) == KL_CTL_ROW) {
            if (!kl_ctl_processes_add(processes, row, utf8, with_json)) {
                snprintf(client->error, sizeof client->error, "memory is exhausted");
                return false;
            }
        }
    }
    return more == KL_CTL_DONE;
}

void kl_ctl_processes_free(struct kl_ctl_processes *processes)
{
    for (size_t i = 0; i < processes->count; i++) {
        free(processes->list[i].texts);
        free(processes->list[i].json);
    }
    forget_index(processes);
    free(processes->list);
    *processes = (struct kl_ctl_processes){.list = NULL};
}

// --- finding ---

static int by_text(const void *left, const void *right)
{
    const struct kl_ctl_process *const *a = left, *const *b = right;
    return strcmp((*a)->pid, (*b)->pid);
}

static int is_pid(const void *key, const void *element)
{
    const struct kl_ctl_process *const *process = element;
    return strcmp(key, (*process)->pid);
}

struct kl_ctl_process *kl_ctl_processes_find(
        struct kl_ctl_processes *processes, const char *pid)
{
    size_t count = processes->count;
    if (processes->by_pid == NULL && count > 0) {
        processes->by_pid = malloc(count * sizeof *processes->by_pid);
        if (processes->by_pid == NULL) {
            return NULL;
        }
        for (size_t i = 0; i < count; i++) {
            processes->by_pid[i] = &processes->list[i];
        }
        qsort(processes->by_pid, count, sizeof *processes->by_pid, by_text);
    }
    struct kl_ctl_process **found = count > 0 ? bsearch(pid, processes->by_pid, count,
                                                        sizeof *processes->by_pid, is_pid)
                                              : NULL;
    return found != NULL ? *found : NULL;
}

bool kl_ctl_process_matches(
        const struct kl_ctl_process *process, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strstr(process->pid, words[i]) != NULL ||
                strstr(process->name, words[i]) != NULL ||
                strstr(process->label, words[i]) != NULL ||
                strstr(process->entry, words[i]) != NULL) {
            return true;
        }
    }
    return count == 0;
}

// --- sorting ---

// Of digits, the longer is the larger, once leading zeros are gone.
static int compare_digits(const char **left, const char **right)
{
    *left += strspn(*left, "0");
    *right += strspn(*right, "0");
    size_t a = strspn(*left, "0123456789"), b = strspn(*right, "0123456789");
    int order = a != b ? (a < b ? -1 : 1) : strncmp(*left, *right, a);
    *left += a;
    *right += b;
    return order;
}

int kl_ctl_compare_pids(const char *left, const char *right)
{
    while (*left != '\0' && *right != '\0') {
        bool digits = *left >= '0' && *left <= '9' && *right >= '0' && *right <= '9';
        int order = digits ? compare_digits(&left, &right)
                           : (unsigned char)*left++ - (unsigned char)*right++;
        if (order != 0) {
            return order;
        }
    }
    return (*left != '\0') - (*right != '\0');
}

static int compare_figures(uint64_t left, uint64_t right)
{
    return left < right ? 1 : left > right ? -1 : 0; // the largest first
}

static int compare_rates(double left, double right)
{
    return left < right ? 1 : left > right ? -1 : 0;
}

typedef int (*comparison)(
        const struct kl_ctl_process *left, const struct kl_ctl_process *right);

#define BY(name, how, field)                                                               \
    static int name(const struct kl_ctl_process *left, const struct kl_ctl_process *right) \
    {                                                                                      \
        return how(left->field, right->field);                                             \
    }
BY(by_pid, kl_ctl_compare_pids, pid)
BY(by_name, strcmp, title)
BY(by_queue, compare_figures, queue)
BY(by_memory, compare_figures, memory)
BY(by_reductions, compare_figures, reductions)
BY(by_time, compare_figures, run_ns)
BY(by_since, compare_figures, waiting_ns)
BY(by_rate, compare_rates, reductions_rate)
BY(by_busy, compare_rates, busy)

static const struct {
    const char *key;
    comparison compare;
} orders[] = {
        {"pid", by_pid},
        {"name", by_name},
        {"queue", by_queue},
        {"memory", by_memory},
        {"reductions", by_reductions},
        {"time", by_time},
        {"since", by_since},
        {"rate", by_rate},
        {"busy", by_busy},
};

struct order {
    comparison compare;
    bool reverse;
};

static int compare(const void *left, const void *right, void *context)
{
    const struct kl_ctl_process *a = left, *b = right;
    const struct order *order = context;
    int result = order->compare(a, b);
    if (result == 0) { // so that the same processes stand in the same order each time
        return kl_ctl_compare_pids(a->pid, b->pid);
    }
    return order->reverse ? -result : result;
}

bool kl_ctl_processes_sort(
        struct kl_ctl_processes *processes, const char *key, bool reverse)
{
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (strcmp(orders[i].key, key) == 0) {
            struct order order = {orders[i].compare, reverse};
            forget_index(processes);
            if (processes->count > 0) {
                qsort_r(processes->list, processes->count, sizeof *processes->list, compare,
                        &order);
            }
            return true;
        }
    }
    return false;
}

// --- words ---

void kl_ctl_process_does(char *buffer, size_t size, struct kl_ctl_processes *processes,
        const struct kl_ctl_process *process)
{
    static const char *const words[][2] = {
            {"message", "receive"},
            {"start", "starts child"},
            {"descriptor", "i/o"},
            {"process", "asks process"},
    };
    if (process->wait[0] == '\0') {
        snprintf(buffer, size, "%s", process->state);
        return;
    }
    if (strcmp(process->wait, "reply") == 0 && process->waiting_for[0] != '\0') {
        const struct kl_ctl_process *server = kl_ctl_processes_find(
                processes, process->waiting_for);
        bool named = server != NULL && server->name[0] != '\0';
        snprintf(buffer, size, "call to %s", named ? server->name : process->waiting_for);
        return;
    }
    const char *word = process->wait;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        word = strcmp(words[i][0], process->wait) == 0 ? words[i][1] : word;
    }
    snprintf(buffer, size, "%s", word);
}
