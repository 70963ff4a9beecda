// keel tree: who started whom.

#include "tree.h"
#include "command.h"
#include <stdlib.h>
#include <string.h>

enum { CHILDREN_SHOWN = 50, ALIKE = 5, DEPTH_MAX = 200 };

// --- arranging ---

// The list is sorted by pid; `first` and `next` hold places in it plus one, 0 for none.
struct forest {
    struct kl_ctl_processes *processes;
    size_t *first; // child
    size_t *next; // sibling
    size_t root; // the first of those without a parent here
};

static bool arrange(struct forest *forest, struct kl_ctl_processes *processes)
{
    size_t count = processes->count;
    kl_ctl_processes_sort(processes, "pid", false);
    *forest = (struct forest){.processes = processes};
    forest->first = calloc(count + 1, sizeof *forest->first);
    forest->next = calloc(count + 1, sizeof *forest->next);
    if (forest->first == NULL || forest->next == NULL) {
        return false;
    }
    for (size_t i = count; i > 0; i--) { // each before those found so far
        struct kl_ctl_process *process = &processes->list[i - 1];
        struct kl_ctl_process *parent = kl_ctl_processes_find(processes, process->parent);
        size_t *list = parent != NULL && parent != process
                               ? &forest->first[parent - processes->list]
                               : &forest->root;
        forest->next[i - 1] = *list;
        *list = i;
    }
    return true;
}

static void leave(struct forest *forest)
{
    free(forest->first);
    free(forest->next);
}

const struct kl_ctl_process *kl_ctl_tree_root(
        struct kl_ctl_processes *processes, const char *text)
{
    kl_ctl_processes_sort(processes, "pid", false);
    for (size_t i = 0; i < processes->count; i++) {
        const struct kl_ctl_process *process = &processes->list[i];
        if (strcmp(process->pid, text) == 0 || strcmp(process->name, text) == 0) {
            return process;
        }
    }
    return NULL;
}

// --- printing ---

struct painter {
    const struct kl_ctl_out *out;
    struct forest *forest;
    bool whole;
    char prefix[4 * 4 * DEPTH_MAX + 1]; // what stands before the children of a line
};

static void put_process(struct painter *painter, const struct kl_ctl_process *process)
{
    const struct kl_ctl_out *out = painter->out;
    char text[64], does[600];
    kl_ctl_put(out, process->name[0] != '\0' ? KL_CTL_BOLD : KL_CTL_PLAIN, process->title);
    fputc(' ', out->file);
    kl_ctl_put(out, KL_CTL_DIM, process->pid);
    // Only what is unusual is told.
    if (strcmp(process->wait, "message") != 0) {
        kl_ctl_process_does(does, sizeof does, painter->forest->processes, process);
        fputs("  ", out->file);
        kl_ctl_put(out, KL_CTL_WARN, does);
        if (process->waiting_ns > 0) {
            kl_ctl_time(text, sizeof text, process->waiting_ns);
            fprintf(out->file, " %s", text);
        }
    }
    if (process->queue > 0) {
        kl_ctl_count(text, sizeof text, process->queue);
        fputs("  queue ", out->file);
        kl_ctl_put(out, process->queue >= 1000 ? KL_CTL_BAD : KL_CTL_WARN, text);
    }
    fputc('\n', out->file);
}

static bool is_plain(const struct painter *painter, size_t at)
{
    const struct kl_ctl_process *process = &painter->forest->processes->list[at - 1];
    return process->name[0] == '\0' && process->label[0] == '\0' && process->queue == 0 &&
           painter->forest->first[at - 1] == 0;
}

// How many siblings from this one on are of its kind, without names, children, messages.
static size_t count_alike(const struct painter *painter, size_t at)
{
    const struct kl_ctl_process *list = painter->forest->processes->list;
    size_t count = 0;
    for (size_t i = at; i != 0 && is_plain(painter, i) &&
                        strcmp(list[i - 1].entry, list[at - 1].entry) == 0;
            i = painter->forest->next[i - 1]) {
        count++;
    }
    return count;
}

static void put_branch(const struct painter *painter, bool last)
{
    static const char *const branches[2][2] = {{"|- ", "`- "}, {"├─ ", "└─ "}};
    fputs(painter->prefix, painter->out->file);
    fputs(branches[painter->out->utf8][last], painter->out->file);
}

static void put_children(struct painter *painter, size_t at, size_t depth);

// Prints what is below a child with the line beside it, if others follow.
static void put_below(struct painter *painter, size_t child, bool last, size_t depth)
{
    static const char *const lines[2][2] = {{"|  ", "   "}, {"│  ", "   "}};
    size_t length = strlen(painter->prefix);
    if (depth < DEPTH_MAX) {
        strcat(painter->prefix, lines[painter->out->utf8][last]);
        put_children(painter, painter->forest->first[child - 1], depth + 1);
        painter->prefix[length] = '\0';
    }
}

static size_t count_siblings(const struct forest *forest, size_t at)
{
    size_t count = 0;
    for (; at != 0; at = forest->next[at - 1]) {
        count++;
    }
    return count;
}

// One line, which may stand for several children; returns the next child.
static size_t put_child(struct painter *painter, size_t at, size_t depth)
{
    struct forest *forest = painter->forest;
    const struct kl_ctl_process *process = &forest->processes->list[at - 1];
    size_t alike = painter->whole ? 1 : count_alike(painter, at), next = at;
    size_t taken = alike >= ALIKE ? alike : 1;
    for (size_t i = 0; i < taken; i++) {
        next = forest->next[next - 1];
    }
    put_branch(painter, next == 0);
    if (taken > 1) {
        char count[32];
        kl_ctl_count(count, sizeof count, taken);
        fprintf(painter->out->file, "%s x ", count);
        kl_ctl_put(painter->out, KL_CTL_PLAIN, process->entry);
        fputc('\n', painter->out->file);
    } else {
        put_process(painter, process);
        put_below(painter, at, next == 0, depth);
    }
    return next;
}

static void put_children(struct painter *painter, size_t at, size_t depth)
{
    size_t lines = 0;
    while (at != 0) {
        if (!painter->whole && lines++ >= CHILDREN_SHOWN &&
                painter->forest->next[at - 1] != 0) {
            char count[32];
            kl_ctl_count(count, sizeof count, count_siblings(painter->forest, at));
            put_branch(painter, true);
            fprintf(painter->out->file, "%s more (--all shows them)\n", count);
            return;
        }
        at = put_child(painter, at, depth);
    }
}

static void put_root(struct painter *painter, size_t at)
{
    put_process(painter, &painter->forest->processes->list[at - 1]);
    put_children(painter, painter->forest->first[at - 1], 1);
}

void kl_ctl_tree_print(const struct kl_ctl_out *out, struct kl_ctl_processes *processes,
        const struct kl_ctl_process *root, bool whole)
{
    struct forest forest;
    // Arranging leaves the list as it is: looking for the root has sorted it.
    size_t place = root != NULL ? (size_t)(root - processes->list) + 1 : 0;
    struct painter painter = {.out = out, .forest = &forest, .whole = whole};
    if (arrange(&forest, processes) && place != 0) {
        put_root(&painter, place);
    } else {
        for (size_t at = forest.root; at != 0; at = forest.next[at - 1]) {
            put_root(&painter, at);
        }
    }
    leave(&forest);
}

// --- JSON ---

static void put_object(FILE *file, struct forest *forest, size_t at, size_t depth)
{
    const char *json = forest->processes->list[at - 1].json;
    size_t length = json != NULL ? strlen(json) : 0;
    // The object of the row, with one key more.
    fprintf(file, "%.*s%s\"children\": [", length > 1 ? (int)length - 1 : 1,
            length > 1 ? json : "{", length > 2 ? ", " : "");
    size_t child = depth < DEPTH_MAX ? forest->first[at - 1] : 0;
    for (const char *before = ""; child != 0; child = forest->next[child - 1]) {
        fputs(before, file);
        put_object(file, forest, child, depth + 1);
        before = ",\n";
    }
    fputs("]}", file);
}

void kl_ctl_tree_json(
        FILE *file, struct kl_ctl_processes *processes, const struct kl_ctl_process *root)
{
    struct forest forest;
    size_t place = root != NULL ? (size_t)(root - processes->list) + 1 : 0;
    fputs("[", file);
    if (arrange(&forest, processes) && place != 0) {
        put_object(file, &forest, place, 1);
    } else {
        const char *before = "";
        for (size_t at = forest.root; at != 0; at = forest.next[at - 1]) {
            fputs(before, file);
            put_object(file, &forest, at, 1);
            before = ",\n";
        }
    }
    fputs("]\n", file);
    leave(&forest);
}

// --- the command ---

static int print(const struct kl_ctl_command *command, const struct kl_ctl_out *out,
        struct kl_ctl_processes *processes)
{
    const struct kl_ctl_process *root = NULL;
    if (command->count > 0) {
        char text[1100];
        kl_ctl_complete_pid(text, sizeof text, command->arguments[0]);
        root = kl_ctl_tree_root(processes, text);
        if (root == NULL) {
            kl_ctl_misuse("there is no process %s", command->arguments[0]);
            return KL_CTL_REFUSED;
        }
    }
    if (kl_ctl_value(command, "json") != NULL) {
        kl_ctl_tree_json(out->file, processes, root);
    } else {
        kl_ctl_tree_print(out, processes, root, kl_ctl_value(command, "all") != NULL);
    }
    return KL_CTL_FINE;
}

static int run(const struct kl_ctl_command *command, const struct kl_ctl_out *out)
{
    struct kl_ctl_client client;
    struct kl_ctl_processes processes = {.list = NULL};
    bool json = kl_ctl_value(command, "json") != NULL;
    if (!kl_ctl_connect(command, &client)) {
        return KL_CTL_REFUSED;
    }
    if (!kl_ctl_processes_read(&processes, &client, out->utf8, json)) {
        kl_ctl_processes_free(&processes);
        return kl_ctl_refuse(&client);
    }
    kl_ctl_client_close(&client);
    int code = print(command, out, &processes);
    kl_ctl_processes_free(&processes);
    return code;
}

static const struct kl_ctl_option options[] = {
        {"all", 'a', NULL, "every process in a line of its own"},
        {"json", 'j', NULL, "an array of objects with children"},
        {0},
};

const struct kl_ctl_verb kl_ctl_tree = {
        .name = "tree",
        .arguments = "[NAME | PID]",
        .most = 1,
        .summary = "Show who started whom",
        .help = "Below one process, or all of them. What a process does is told when\n"
                "it does not just wait for a message. Many of one kind are shown as one\n"
                "line.\n",
        .options = options,
        .run = run,
};
