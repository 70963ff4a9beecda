// keel ps: all processes, a line each.

#include "ps.h"
#include "command.h"
#include "table.h"
#include <stdlib.h>
#include <string.h>

enum { PID, NAME, DOES, SINCE, QUEUE, MEMORY, REDUCTIONS, TIME, COLUMNS };

static const struct kl_ctl_column columns[] = {
        [PID] = {.title = "PID"},
        [NAME] = {.title = "NAME", .cut = true},
        [DOES] = {.title = "DOES"},
        [SINCE] = {.title = "SINCE", .right = true},
        [QUEUE] = {.title = "QUEUE", .right = true},
        [MEMORY] = {.title = "MEMORY", .right = true},
        [REDUCTIONS] = {.title = "REDUCTIONS", .right = true},
        [TIME] = {.title = "TIME", .right = true},
};

struct context {
    struct kl_ctl_processes *processes;
    bool rates;
};

// Who waits long for a reply, or has a long queue, is what one looks for.
static void put_does(struct kl_ctl_cell *cell, struct kl_ctl_processes *processes,
        const struct kl_ctl_process *process)
{
    bool calls = strcmp(process->wait, "reply") == 0;
    kl_ctl_process_does(cell->text, sizeof cell->text, processes, process);
    cell->style = calls && process->waiting_ns > 1000000000 ? KL_CTL_WARN
                  : strcmp(process->wait, "message") == 0   ? KL_CTL_DIM
                                                            : KL_CTL_PLAIN;
}

static void put_work(struct kl_ctl_cell *cell, size_t column,
        const struct kl_ctl_process *process, bool rates)
{
    char *text = cell->text;
    size_t size = sizeof cell->text;
    if (column == REDUCTIONS) {
        kl_ctl_count(text, size,
                rates ? (uint64_t)(process->reductions_rate + 0.5) : process->reductions);
    } else if (rates) {
        snprintf(text, size, "%.1f", process->busy * 100);
    } else {
        kl_ctl_time(text, size, process->run_ns);
    }
}

static void cell_of(
        const void *context, size_t row, size_t column, struct kl_ctl_cell *ret_cell)
{
    const struct context *table = context;
    const struct kl_ctl_process *process = &table->processes->list[row];
    char *text = ret_cell->text;
    size_t size = sizeof ret_cell->text;
    switch (column) {
    case PID:
        snprintf(text, size, "%s", process->pid);
        break;
    case NAME:
        // A name of its own stands out from what many are.
        ret_cell->style = process->name[0] != '\0' ? KL_CTL_BOLD : KL_CTL_PLAIN;
        snprintf(text, size, "%.*s", (int)size - 1, process->title);
        break;
    case DOES:
        put_does(ret_cell, table->processes, process);
        break;
    case SINCE:
        if (process->waiting_ns > 0) {
            kl_ctl_time(text, size, process->waiting_ns);
        }
        break;
    case QUEUE:
        kl_ctl_count(text, size, process->queue);
        ret_cell->style = process->queue >= 1000 ? KL_CTL_BAD
                          : process->queue > 0   ? KL_CTL_WARN
                                                 : KL_CTL_DIM;
        break;
    case MEMORY:
        kl_ctl_bytes(text, size, process->memory);
        break;
    default:
        put_work(ret_cell, column, process, table->rates);
    }
}

void kl_ctl_ps_print(const struct kl_ctl_out *out, struct kl_ctl_processes *processes,
        size_t most, bool rates)
{
    struct context context = {processes, rates};
    struct kl_ctl_column shown[COLUMNS];
    memcpy(shown, columns, sizeof shown);
    if (rates) {
        shown[REDUCTIONS].title = "RED/S";
        shown[TIME].title = "BUSY%";
    }
    struct kl_ctl_table table = {
            .columns = shown,
            .column_count = COLUMNS,
            .row_count = processes->count < most ? processes->count : most,
            .cell = cell_of,
            .context = &context,
    };
    kl_ctl_table_print(out, &table);
}

size_t kl_ctl_ps_filter(
        struct kl_ctl_processes *processes, const char *const *words, size_t count)
{
    size_t kept = 0, rest = 0;
    struct kl_ctl_process *others = malloc((processes->count + 1) * sizeof *others);
    if (count == 0 || others == NULL) {
        free(others);
        return processes->count;
    }
    free(processes->by_pid);
    processes->by_pid = NULL;
    for (size_t i = 0; i < processes->count; i++) {
        struct kl_ctl_process process = processes->list[i];
        if (kl_ctl_process_matches(&process, words, count)) {
            processes->list[kept++] = process;
        } else {
            others[rest++] = process;
        }
    }
    memcpy(processes->list + kept, others, rest * sizeof *others);
    free(others);
    return kept;
}

// --- the command ---

static void print_json(
        const struct kl_ctl_out *out, const struct kl_ctl_processes *processes, size_t most)
{
    fputs("[", out->file);
    for (size_t i = 0; i < processes->count && i < most; i++) {
        const char *json = processes->list[i].json;
        fprintf(out->file, "%s\n%s", i == 0 ? "" : ",", json != NULL ? json : "{}");
    }
    fputs("\n]\n", out->file);
}

static int run(const struct kl_ctl_command *command, const struct kl_ctl_out *out)
{
    struct kl_ctl_client client;
    struct kl_ctl_processes processes = {.list = NULL}, none = {.list = NULL};
    const char *sort = kl_ctl_value(command, "sort"),
               *limit = kl_ctl_value(command, "number");
    bool json = kl_ctl_value(command, "json") != NULL;
    bool reverse = kl_ctl_value(command, "reverse") != NULL;
    char *end = NULL;
    unsigned long most = limit != NULL ? strtoul(limit, &end, 10) : (unsigned long)-1;
    sort = sort != NULL ? sort : "pid";
    if (!kl_ctl_processes_sort(&none, sort, reverse)) {
        return kl_ctl_misuse("--sort takes one of %s, not %s", kl_ctl_sort_keys, sort);
    }
    if (limit != NULL && (*end != '\0' || limit[0] < '0' || limit[0] > '9')) {
        return kl_ctl_misuse("--number wants a whole number, not %s", limit);
    }
    if (!kl_ctl_connect(command, &client)) {
        return KL_CTL_REFUSED;
    }
    if (!kl_ctl_processes_read(&processes, &client, out->utf8, json)) {
        kl_ctl_processes_free(&processes);
        return kl_ctl_refuse(&client);
    }
    kl_ctl_client_close(&client);
    kl_ctl_processes_sort(&processes, sort, reverse);
    size_t found = kl_ctl_ps_filter(
            &processes, (const char *const *)command->arguments, (size_t)command->count);
    most = most < found ? most : found;
    if (json) {
        print_json(out, &processes, most);
    } else {
        kl_ctl_ps_print(out, &processes, most, false);
    }
    kl_ctl_processes_free(&processes);
    return KL_CTL_FINE;
}

static const struct kl_ctl_option options[] = {
        {"sort", 's', "KEY", "pid, name, queue, memory, reductions, time or since"},
        {"reverse", 'r', NULL, "the other way round"},
        {"number", 'n', "N", "the first N only"},
        {"json", 'j', NULL, "all that is known, as an array"},
        {0},
};

const struct kl_ctl_verb kl_ctl_ps = {
        .name = "ps",
        .arguments = "[WORD ...]",
        .most = 1000,
        .summary = "Show all processes, a line each",
        .help = "With words, those whose pid, name, label or entry has one of them.\n\n"
                "  NAME        registered name, label, or the function it began with\n"
                "  DOES        receive: it waits for a message; call to X: for a reply\n"
                "  SINCE       how long it has waited\n"
                "  QUEUE       messages in its mailbox\n"
                "  MEMORY      record, stack, terms and allocations\n"
                "  REDUCTIONS  messages handled and sent, turns given up\n"
                "  TIME        how long it has run\n",
        .options = options,
        .run = run,
};
