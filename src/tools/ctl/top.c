// keel top: what is busy now, again and again.

#include "top.h"
#include "command.h"
#include "screen.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEAD_LINES = 5, DELAY_MS = 2000, ONCE_MS = 1000 };

static const struct {
    char key;
    const char *sort, *said;
} sorts[] = {
        {'r', "rate", "reductions"},
        {'b', "busy", "busy"},
        {'u', "queue", "queue"},
        {'m', "memory", "memory"},
        {'s', "since", "since"},
        {'n', "name", "name"},
        {'p', "pid", "pid"},
};

// --- what has happened between two looks ---

void kl_ctl_look_read_runtime(struct kl_ctl_look *look, keel_term row, bool utf8)
{
    keel_bytes program = kl_ctl_get_text(row, "program");
    kl_ctl_clean(look->program, sizeof look->program, program.data, program.size, utf8);
    look->runtime.uptime_ns = kl_ctl_get_number(row, "uptime_ns");
    look->runtime.busy_ns = kl_ctl_get_number(row, "busy_ns");
    look->runtime.workers = kl_ctl_get_number(row, "workers");
    look->runtime.processes = kl_ctl_get_number(row, "processes");
    look->runtime.runnable = kl_ctl_get_number(row, "runnable");
    look->runtime.memory = kl_ctl_get_number(row, "memory");
    look->runtime.spawned = kl_ctl_get_number(row, "spawned");
    look->runtime.atoms = kl_ctl_get_number(row, "atoms");
    look->runtime.timers = kl_ctl_get_number(row, "timers");
}

// A figure that grows, as so many a second; one that has not grown is another process's.
static double rate_of(uint64_t now, uint64_t before, double seconds)
{
    return now > before && seconds > 0 ? (double)(now - before) / seconds : 0;
}

static double seconds_between(
        const struct kl_ctl_look *now, const struct kl_ctl_look *before)
{
    return rate_of(now->runtime.uptime_ns, before->runtime.uptime_ns, 1e9);
}

void kl_ctl_look_compare(struct kl_ctl_look *now, struct kl_ctl_look *before)
{
    double seconds = seconds_between(now, before);
    for (size_t i = 0; i < now->processes.count; i++) {
        struct kl_ctl_process *process = &now->processes.list[i];
        const struct kl_ctl_process *old = kl_ctl_processes_find(
                &before->processes, process->pid);
        // A pid is never given to another process, so one that is new began since then.
        process->reductions_rate = rate_of(
                process->reductions, old != NULL ? old->reductions : 0, seconds);
        process->busy = rate_of(process->run_ns, old != NULL ? old->run_ns : 0, seconds) /
                        1e9;
    }
}

// --- the page ---

static const char *said(const char *sort)
{
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        if (strcmp(sorts[i].sort, sort) == 0) {
            return sorts[i].said;
        }
    }
    return sort;
}

static void put_head(const struct kl_ctl_out *out, const struct kl_ctl_look *now,
        const struct kl_ctl_look *before)
{
    char up[64], memory[64], timers[64], runnable[64];
    double seconds = seconds_between(now, before);
    double busy = rate_of(now->runtime.busy_ns, before->runtime.busy_ns, seconds) / 1e9;
    double workers = now->runtime.workers > 0 ? (double)now->runtime.workers : 1;
    kl_ctl_time(up, sizeof up, now->runtime.uptime_ns);
    kl_ctl_bytes(memory, sizeof memory, now->runtime.memory);
    kl_ctl_count(timers, sizeof timers, now->runtime.timers);
    kl_ctl_count(runnable, sizeof runnable, now->runtime.runnable);
    kl_ctl_put(out, KL_CTL_BOLD, now->program);
    fprintf(out->file, "  up %s\n", up);
    fprintf(out->file, "workers    %llu, busy %.1f %%, %s runnable\n",
            (unsigned long long)now->runtime.workers, 100 * busy / workers, runnable);
    kl_ctl_count(up, sizeof up, now->runtime.processes);
    kl_ctl_count(runnable, sizeof runnable,
            (uint64_t)rate_of(now->runtime.spawned, before->runtime.spawned, seconds));
    fprintf(out->file, "processes  %s, %s begun a second\n", up, runnable);
    kl_ctl_count(up, sizeof up, now->runtime.atoms);
    fprintf(out->file, "memory     %s, %s timers, %s atoms\n\n", memory, timers, up);
}

void kl_ctl_top_print(const struct kl_ctl_out *out, struct kl_ctl_look *now,
        const struct kl_ctl_look *before, const char *sort, size_t most)
{
    put_head(out, now, before);
    kl_ctl_processes_sort(&now->processes, sort, false);
    kl_ctl_ps_print(out, &now->processes, most, true);
}

// --- looking ---

// Processes first: the time of a look is that of its end, for all of them the same way.
static bool look_at(struct kl_ctl_look *look, struct kl_ctl_client *client, bool utf8)
{
    keel_term row = KEEL_NONE;
    *look = (struct kl_ctl_look){.program = ""};
    if (!kl_ctl_processes_read(&look->processes, client, utf8, false) ||
            !kl_ctl_client_ask(client, "info", kl_ctl_map())) {
        return false;
    }
    enum kl_ctl_more more;
    while ((more = kl_ctl_client_next(client, &row)) == KL_CTL_ROW) {
        kl_ctl_look_read_runtime(look, row, utf8);
    }
    return more == KL_CTL_DONE;
}

struct top {
    const struct kl_ctl_out *out;
    struct kl_ctl_client client;
    struct kl_ctl_look now, before;
    const char *sort;
    size_t most; // processes; 0: as many as fit
    int delay_ms;
};

static bool look_again(struct top *top)
{
    kl_ctl_processes_free(&top->before.processes);
    top->before = top->now;
    bool looked = look_at(&top->now, &top->client, top->out->utf8);
    if (looked) {
        kl_ctl_look_compare(&top->now, &top->before);
    }
    return looked;
}

static void draw(struct top *top)
{
    char *page = NULL;
    size_t size = 0, rows, columns;
    struct kl_ctl_out out = *top->out;
    kl_ctl_screen_size(&rows, &columns);
    out.width = columns;
    out.file = open_memstream(&page, &size);
    if (out.file == NULL) {
        return;
    }
    size_t room = rows > HEAD_LINES + 3 ? rows - HEAD_LINES - 2 : 1;
    kl_ctl_top_print(&out, &top->now, &top->before, top->sort,
            top->most > 0 && top->most < room ? top->most : room);
    fprintf(out.file, "by %s; q ends; ", said(top->sort));
    fputs("r reductions, b busy, u queue, m memory, s since, n name, p pid", out.file);
    fclose(out.file);
    kl_ctl_screen_show(page, rows);
    free(page);
}

// Does what a key says; false: it ends.
static bool obey(struct top *top, int key)
{
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        top->sort = sorts[i].key == key ? sorts[i].sort : top->sort;
    }
    return key != 'q' && key != 'Q' && key != 4; // Ctrl-D
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Until q, or the program's end; true: by q.
static bool show_again(struct top *top)
{
    while (look_again(top)) {
        int64_t until = now_ms() + top->delay_ms, left;
        draw(top);
        while ((left = until - now_ms()) > 0) {
            if (!obey(top, kl_ctl_screen_key((int)left))) {
                return true;
            }
            draw(top);
        }
    }
    return false;
}

static bool show_once(struct top *top)
{
    struct timespec pause = {ONCE_MS / 1000, ONCE_MS % 1000 * 1000000};
    nanosleep(&pause, NULL);
    bool looked = look_again(top);
    if (looked) {
        kl_ctl_top_print(top->out, &top->now, &top->before, top->sort,
                top->most > 0 ? top->most : (size_t)-1);
    }
    return looked;
}

// --- the command ---

static const char *sort_of(const char *name)
{
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        if (strcmp(sorts[i].said, name) == 0) {
            return sorts[i].sort;
        }
    }
    return NULL;
}

static int watch(struct top *top, bool once)
{
    bool shown = look_at(&top->now, &top->client, top->out->utf8);
    if (shown && once) {
        shown = show_once(top);
    } else if (shown && !kl_ctl_screen_open()) {
        kl_ctl_client_close(&top->client);
        return kl_ctl_misuse("top wants a terminal; with --once it prints one page");
    } else if (shown) {
        shown = show_again(top);
        kl_ctl_screen_close();
    }
    if (!shown) {
        return kl_ctl_refuse(&top->client);
    }
    kl_ctl_client_close(&top->client);
    return KL_CTL_FINE;
}

static int run(const struct kl_ctl_command *command, const struct kl_ctl_out *out)
{
    struct top top = {.out = out, .sort = "rate", .delay_ms = DELAY_MS};
    const char *sort = kl_ctl_value(command, "sort"),
               *most = kl_ctl_value(command, "number");
    const char *delay = kl_ctl_value(command, "delay");
    char *end = NULL;
    int64_t milliseconds = DELAY_MS;
    if (sort != NULL && (top.sort = sort_of(sort)) == NULL) {
        return kl_ctl_misuse(
                "--sort takes one of reductions, busy, queue, memory, since, name, "
                "pid, not %s",
                sort);
    }
    if (delay != NULL && !kl_ctl_parse_time(delay, &milliseconds)) {
        return kl_ctl_misuse(
                "--delay wants a time such as 500ms, 10s or 2m, not %s", delay);
    }
    top.most = most != NULL ? strtoul(most, &end, 10) : 0;
    if (most != NULL && (*end != '\0' || top.most == 0)) {
        return kl_ctl_misuse("--number wants a whole number from 1 on, not %s", most);
    }
    top.delay_ms = (int)milliseconds;
    if (!kl_ctl_connect(command, &top.client)) {
        return KL_CTL_REFUSED;
    }
    int code = watch(&top, kl_ctl_value(command, "once") != NULL);
    kl_ctl_processes_free(&top.now.processes);
    kl_ctl_processes_free(&top.before.processes);
    return code;
}

static const struct kl_ctl_option options[] = {
        {"sort", 's', "KEY", "reductions, busy, queue, memory, since, name or pid"},
        {"number", 'n', "N", "the first N only"},
        {"delay", 'd', "TIME", "how often: every 2s, unless said otherwise"},
        {"once", '1', NULL, "one page after a second, for scripts"},
        {0},
};

const struct kl_ctl_verb kl_ctl_top = {
        .name = "top",
        .arguments = "",
        .summary = "Show what is busy now, again and again",
        .help = "RED/S are the reductions of a second, BUSY% how much of one worker a\n"
                "process took. q ends it; a letter chooses the order:\n\n"
                "  r reductions, b busy, u queue, m memory, s since, n name, p pid\n",
        .options = options,
        .run = run,
};
