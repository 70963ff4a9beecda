// keel info: the program as a whole, or one process closely.

#include "command.h"
#include "processes.h"
#include <stdarg.h>
#include <string.h>

enum { TEXT = 1200, LABEL = 13, SHOWN = 20 };

static void put_label(const struct kl_ctl_out *out, const char *label)
{
    kl_ctl_put(out, KL_CTL_DIM, label);
    fprintf(out->file, "%*s", LABEL - (int)strlen(label), "");
}

static __attribute__((format(printf, 3, 4))) void put_line(
        const struct kl_ctl_out *out, const char *label, const char *format, ...)
{
    va_list arguments;
    put_label(out, label);
    va_start(arguments, format);
    vfprintf(out->file, format, arguments);
    va_end(arguments);
    fputc('\n', out->file);
}

// --- the program ---

struct figure {
    char text[32];
};

static const char *count_of(struct figure *figure, keel_term row, const char *key)
{
    kl_ctl_count(figure->text, sizeof figure->text, kl_ctl_get_number(row, key));
    return figure->text;
}

static const char *bytes_of(struct figure *figure, keel_term row, const char *key)
{
    kl_ctl_bytes(figure->text, sizeof figure->text, kl_ctl_get_number(row, key));
    return figure->text;
}

static const char *time_of(struct figure *figure, keel_term row, const char *key)
{
    kl_ctl_time(figure->text, sizeof figure->text, kl_ctl_get_number(row, key));
    return figure->text;
}

static void put_names(const struct kl_ctl_out *out, const char *label, keel_term names)
{
    keel_term name;
    const char *before = "";
    if (!keel_is_list(names)) {
        return;
    }
    put_label(out, label);
    while (keel_list_next(&names, &name)) {
        char text[TEXT];
        keel_bytes bytes = keel_to_bytes(name);
        kl_ctl_clean(text, sizeof text, bytes.data, bytes.size, out->utf8);
        fprintf(out->file, "%s%s", before, text);
        before = ", ";
    }
    fputc('\n', out->file);
}

static void print_runtime(const struct kl_ctl_out *out, keel_term row)
{
    struct figure a, b, c, d;
    char text[TEXT];
    uint64_t busy = kl_ctl_get_number(row, "busy_ns"),
             up = kl_ctl_get_number(row, "uptime_ns");
    uint64_t workers = kl_ctl_get_number(row, "workers");
    put_label(out, "program");
    kl_ctl_put(out, KL_CTL_BOLD, kl_ctl_text_of(out, text, sizeof text, row, "program"));
    fprintf(out->file, ", process %llu, up %s\n",
            (unsigned long long)kl_ctl_get_number(row, "os_pid"),
            time_of(&b, row, "uptime_ns"));
    put_line(out, "keel", "%s", kl_ctl_text_of(out, text, sizeof text, row, "keel"));
    put_names(out, "applications", kl_ctl_get(row, "applications"));
    put_line(out, "processes", "%s of at most %s, %s ever, %s runnable",
            count_of(&a, row, "processes"), count_of(&b, row, "processes_max"),
            count_of(&c, row, "spawned"), count_of(&d, row, "runnable"));
    put_line(out, "workers", "%s, busy %.1f %% since the start",
            count_of(&a, row, "workers"),
            up > 0 && workers > 0 ? 100.0 * (double)busy / (double)up / (double)workers
                                  : 0);
    put_line(out, "blocking", "%s of %s threads busy, %s calls waiting",
            count_of(&a, row, "blocking_busy"), count_of(&b, row, "blocking_threads"),
            count_of(&c, row, "blocking_queue"));
    put_line(out, "memory", "%s allocated", bytes_of(&a, row, "memory"));
    put_line(out, "stacks", "%s in use, %s kept, %s mapped", count_of(&a, row, "stacks"),
            count_of(&b, row, "stacks_idle"), bytes_of(&c, row, "stack_bytes"));
    put_line(out, "timers", "%s", count_of(&a, row, "timers"));
    put_line(out, "atoms", "%s of at most %s", count_of(&a, row, "atoms"),
            count_of(&b, row, "atoms_max"));
    put_line(out, "dropped", "%s messages", count_of(&a, row, "messages_dropped"));
}

// --- a process ---

// The processes of a list, each with its name, a line each.
static void put_relations(const struct kl_ctl_out *out, const char *label, keel_term list)
{
    keel_term item;
    size_t count = 0;
    while (keel_list_next(&list, &item)) {
        char pid[TEXT], name[TEXT];
        if (count++ >= SHOWN) {
            continue;
        }
        kl_ctl_text_of(out, pid, sizeof pid, item, "pid");
        kl_ctl_text_of(out, name, sizeof name, item, "name");
        if (name[0] == '\0') {
            kl_ctl_text_of(out, name, sizeof name, item, "entry");
        }
        put_line(out, count == 1 ? label : "", "%s %s", pid, name);
    }
    if (count > SHOWN) {
        put_line(out, "", "and %zu more", count - SHOWN);
    }
}

static void put_frames(const struct kl_ctl_out *out, keel_term frames)
{
    keel_term frame;
    const char *label = "stack";
    while (keel_list_next(&frames, &frame)) {
        char text[TEXT];
        keel_bytes bytes = keel_to_bytes(frame);
        kl_ctl_clean(text, sizeof text, bytes.data, bytes.size, out->utf8);
        put_line(out, label, "%s", text);
        label = "";
    }
}

static void put_who(const struct kl_ctl_out *out, const struct kl_ctl_process *process)
{
    put_label(out, "process");
    kl_ctl_put(out, KL_CTL_BOLD, process->pid);
    fprintf(out->file, " %s\n", process->name);
    if (process->label[0] != '\0') {
        put_line(out, "label", "%s", process->label);
    }
    put_line(out, "began with", "%s", process->entry);
    if (process->parent[0] != '\0') {
        put_line(out, "parent", "%s", process->parent);
    }
}

static void put_work(const struct kl_ctl_out *out, struct kl_ctl_processes *processes)
{
    const struct kl_ctl_process *process = &processes->list[0];
    char text[700], since[64], other[64];
    kl_ctl_process_does(text, sizeof text, processes, process);
    kl_ctl_time(since, sizeof since, process->waiting_ns);
    put_line(out, "does", "%s%s%s", text, process->waiting_ns > 0 ? " for " : "",
            process->waiting_ns > 0 ? since : "");
    kl_ctl_count(text, sizeof text, process->queue);
    kl_ctl_count(since, sizeof since, process->messages_in);
    kl_ctl_count(other, sizeof other, process->dropped);
    put_line(out, "messages", "%s waiting, %s taken, %s dropped", text, since, other);
    kl_ctl_bytes(text, sizeof text, process->memory);
    kl_ctl_bytes(since, sizeof since, process->stack);
    put_line(out, "memory", "%s, %s of it stack", text, since);
    kl_ctl_time(text, sizeof text, process->run_ns);
    kl_ctl_count(since, sizeof since, process->reductions);
    put_line(out, "has run", "%s, %s reductions", text, since);
    put_line(out, "traps exits", "%s", process->trap_exit ? "yes" : "no");
}

static void print_process(const struct kl_ctl_out *out, keel_term row)
{
    struct kl_ctl_processes one = {.list = NULL};
    if (!kl_ctl_processes_add(&one, row, out->utf8, false)) {
        return;
    }
    put_who(out, &one.list[0]);
    put_work(out, &one);
    put_relations(out, "links", kl_ctl_get(row, "links"));
    put_relations(out, "monitors", kl_ctl_get(row, "monitors"));
    put_relations(out, "monitored by", kl_ctl_get(row, "monitored_by"));
    if (keel_is_bool(kl_ctl_get(row, "answers")) &&
            !keel_to_bool(kl_ctl_get(row, "answers"))) {
        put_line(out, "links", "it has not told them within a second");
    }
    put_frames(out, kl_ctl_get(row, "frames"));
    kl_ctl_processes_free(&one);
}

// --- the command ---

static int run(const struct kl_ctl_command *command, const struct kl_ctl_out *out)
{
    struct kl_ctl_client client;
    keel_term row = KEEL_NONE;
    keel_term arguments = command->count > 0 ? kl_ctl_about(command->arguments[0])
                                             : kl_ctl_map();
    int code = kl_ctl_ask_one(command, &client, "info", arguments, &row);
    if (code != KL_CTL_FINE) {
        return code;
    }
    if (kl_ctl_value(command, "json") != NULL) {
        return kl_ctl_finish_json(out, &client, row);
    }
    if (command->count > 0) {
        print_process(out, row);
    } else {
        print_runtime(out, row);
    }
    kl_ctl_client_close(&client);
    return KL_CTL_FINE;
}

static const struct kl_ctl_option options[] = {
        {"json", 'j', NULL, "all that is known, as an object"},
        {0},
};

const struct kl_ctl_verb kl_ctl_info = {
        .name = "info",
        .arguments = "[NAME | PID]",
        .most = 1,
        .summary = "Show the program as a whole, or one process closely",
        .help = "Of a process also its stack, links and monitors. It tells the last two\n"
                "itself; they are left out when it has not answered within a second.\n",
        .options = options,
        .run = run,
};
