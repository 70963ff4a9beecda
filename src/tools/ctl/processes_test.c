// Rows of processes: what is read of them, order, words.

#include "ctl_testing.h"
#include <string.h>

static void check_order(struct kl_ctl_processes *processes, const char *key, bool reverse,
        const char *expected)
{
    char order[64] = "";
    CHECK(kl_ctl_processes_sort(processes, key, reverse));
    for (size_t i = 0; i < processes->count; i++) {
        strcat(order, processes->list[i].title);
    }
    CHECK_STR(order, expected);
}

TEST("figures are sorted from the largest, names and pids from the smallest")
{
    struct kl_ctl_processes processes = {.list = NULL};
    static const struct {
        const char *pid, *name;
        int queue, memory;
    } rows[] = {{"<0.10.1>", "c", 1, 30}, {"<0.9.2>", "a", 2, 20}, {"<0.9.1>", "d", 1, 40},
            {"<0.100.1>", "b", 0, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        keel_term row = row_of(rows[i].pid, NULL, rows[i].name);
        row = set_number(set_number(row, "queue", rows[i].queue), "memory", rows[i].memory);
        add_row(&processes, row);
    }
    check_order(&processes, "pid", false, "dacb");
    check_order(&processes, "pid", true, "bcad");
    check_order(&processes, "name", false, "abcd");
    check_order(&processes, "memory", false, "dcab");
    check_order(&processes, "queue", false, "adcb"); // equal ones by pid
    check_order(&processes, "queue", true, "bdca");
    CHECK(!kl_ctl_processes_sort(&processes, "size", false));
    CHECK_STR(kl_ctl_processes_find(&processes, "<0.9.2>")->name, "a");
    CHECK(kl_ctl_processes_find(&processes, "<0.9.3>") == NULL);
    kl_ctl_processes_free(&processes);
    CHECK(kl_ctl_processes_find(&processes, "<0.9.2>") == NULL);
}

TEST("a row may lack anything, have it in another form, and have what is not known")
{
    struct kl_ctl_processes processes = {.list = NULL};
    add_row(&processes, kl_ctl_map());
    keel_term row = set_text(kl_ctl_map(), "queue", "many");
    row = set_number(set_number(row, "pid", 5), "memory", -1);
    row = kl_ctl_map_put(row, "trap_exit", keel_string("true"));
    add_row(&processes, set_text(row, "of another release", "x"));
    for (size_t i = 0; i < 2; i++) {
        const struct kl_ctl_process *process = &processes.list[i];
        CHECK_STR(process->pid, "");
        CHECK_STR(process->title, "");
        CHECK_INT(process->queue, 0);
        CHECK_INT(process->memory, 0);
        CHECK(!process->trap_exit);
        CHECK(is_json(process->json, strlen(process->json)));
    }
    CHECK(strstr(processes.list[1].json, "\"of another release\": \"x\"") != NULL);
    kl_ctl_processes_free(&processes);
}

TEST("names that mean harm are harmless, as long as they like")
{
    struct kl_ctl_processes processes = {.list = NULL};
    static char long_name[5000];
    memset(long_name, 7, sizeof long_name - 1);
    add_row(&processes, row_of("<0.1.1>\033[2J", NULL, long_name));
    CHECK_STR(processes.list[0].pid, "<0.1.1>\\x1B[2J");
    CHECK(strlen(processes.list[0].name) < 1100);
    CHECK_INT(strncmp(processes.list[0].name, "\\x07\\x07", 8), 0);
    kl_ctl_processes_free(&processes);
}

TEST("a process is called by its name, its label, or what it began with")
{
    struct kl_ctl_processes processes = {.list = NULL};
    add_row(&processes, set_text(row_of("<0.1.1>", NULL, "name"), "label", "label"));
    add_row(&processes, set_text(row_of("<0.2.1>", NULL, NULL), "label", "{label,2}"));
    add_row(&processes, row_of("<0.3.1>", NULL, NULL));
    CHECK_STR(processes.list[0].title, "name");
    CHECK_STR(processes.list[1].title, "{label,2}");
    CHECK_STR(processes.list[2].title, "worker:init/1");
    const char *words[] = {"lab", "zzz"};
    CHECK(kl_ctl_process_matches(&processes.list[0], words, 1));
    CHECK(kl_ctl_process_matches(&processes.list[1], words, 2));
    CHECK(!kl_ctl_process_matches(&processes.list[2], words, 2));
    CHECK(kl_ctl_process_matches(&processes.list[2], words, 0));
    kl_ctl_processes_free(&processes);
}

static const char *does(struct kl_ctl_processes *processes, size_t index)
{
    static char text[600];
    kl_ctl_process_does(text, sizeof text, processes, &processes->list[index]);
    return text;
}

TEST("what a process does is told in a few words")
{
    struct kl_ctl_processes processes = {.list = NULL};
    keel_term row = row_of("<0.1.1>", NULL, "db");
    add_row(&processes, row);
    row = set_text(row_of("<0.2.1>", NULL, NULL), "wait", "reply");
    add_row(&processes, set_text(row, "waiting_for", "<0.1.1>"));
    add_row(&processes, set_text(row, "waiting_for", "<0.9.9>"));
    add_row(&processes, row);
    add_row(&processes, set_text(row, "wait", "descriptor"));
    add_row(&processes, set_text(row, "wait", "of another release"));
    row = keel_map_remove(row_of("<0.3.1>", NULL, NULL), keel_string("wait"));
    add_row(&processes, set_text(row, "state", "running"));
    static const char *const expected[] = {"receive", "call to db", "call to <0.9.9>",
            "reply", "i/o", "of another release", "running"};
    for (size_t i = 0; i < processes.count; i++) {
        CHECK_STR(does(&processes, i), expected[i]);
    }
    kl_ctl_processes_free(&processes);
}

TEST("pids are compared by their numbers")
{
    CHECK(kl_ctl_compare_pids("<0.9.1>", "<0.10.1>") < 0);
    CHECK(kl_ctl_compare_pids("<0.10.1>", "<0.10.1>") == 0);
    CHECK(kl_ctl_compare_pids("<0.10.2>", "<0.10.1>") > 0);
    CHECK(kl_ctl_compare_pids("<0.010.1>", "<0.10.1>") == 0);
    CHECK(kl_ctl_compare_pids("", "<0.1.1>") < 0);
    CHECK(kl_ctl_compare_pids("<0.99999999999999999999999.1>", "<0.1.1>") > 0);
}
