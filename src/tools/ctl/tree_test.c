// Processes arranged by who started whom.

#include "ctl_testing.h"
#include "tree.h"
#include <string.h>

static void fill(struct kl_ctl_processes *processes)
{
    *processes = (struct kl_ctl_processes){.list = NULL};
    add_row(processes, row_of("<0.2.1>", "<0.1.1>", "shop"));
    add_row(processes, row_of("<0.1.1>", NULL, "top"));
    keel_term row = set_text(row_of("<0.3.1>", "<0.1.1>", NULL), "wait", "reply");
    row = set_number(set_text(row, "waiting_for", "<0.2.1>"), "waiting_ns", 1500000000);
    add_row(processes, row);
    add_row(processes, set_number(row_of("<0.4.1>", "<0.2.1>", "till"), "queue", 7));
    add_row(processes, row_of("<0.5.1>", "<0.4.1>", NULL));
    add_row(processes, row_of("<0.20.1>", "<0.19.1>", "orphan")); // its parent has ended
}

TEST("a tree tells who started whom, and what is unusual")
{
    struct caught caught;
    struct kl_ctl_processes processes;
    fill(&processes);
    catch_output(&caught, true, false, 0);
    kl_ctl_tree_print(&caught.out, &processes, NULL, false);
    CHECK_CAUGHT(&caught, "top <0.1.1>\n"
                          "├─ shop <0.2.1>\n"
                          "│  └─ till <0.4.1>  queue 7\n"
                          "│     └─ worker:init/1 <0.5.1>\n"
                          "└─ worker:init/1 <0.3.1>  call to shop 1.5 s\n"
                          "orphan <0.20.1>\n");
    catch_output(&caught, false, false, 0);
    kl_ctl_tree_print(&caught.out, &processes, kl_ctl_tree_root(&processes, "shop"), false);
    CHECK_CAUGHT(&caught, "shop <0.2.1>\n"
                          "`- till <0.4.1>  queue 7\n"
                          "   `- worker:init/1 <0.5.1>\n");
    CHECK(kl_ctl_tree_root(&processes, "<0.5.1>") != NULL);
    CHECK(kl_ctl_tree_root(&processes, "nobody") == NULL);
    kl_ctl_processes_free(&processes);
}

static void add_many(struct kl_ctl_processes *processes, int count, bool named)
{
    for (int i = 0; i < count; i++) {
        char pid[32], name[32];
        snprintf(pid, sizeof pid, "<0.%d.1>", 100 + i);
        snprintf(name, sizeof name, "n%d", i);
        add_row(processes, row_of(pid, "<0.1.1>", named ? name : NULL));
    }
}

TEST("many of one kind are one line, unless all are wanted or they differ")
{
    struct caught caught;
    struct kl_ctl_processes processes = {.list = NULL};
    add_row(&processes, row_of("<0.1.1>", NULL, "top"));
    add_many(&processes, 1000, false);
    add_row(&processes, row_of("<0.5000.1>", "<0.1.1>", "last"));
    catch_output(&caught, true, false, 0);
    kl_ctl_tree_print(&caught.out, &processes, NULL, false);
    CHECK_CAUGHT(&caught, "top <0.1.1>\n"
                          "├─ 1000 x worker:init/1\n"
                          "└─ last <0.5000.1>\n");
    catch_output(&caught, true, false, 0);
    kl_ctl_tree_print(&caught.out, &processes, NULL, true);
    fclose(caught.out.file);
    size_t lines = 0;
    for (const char *at = caught.text; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    CHECK_INT(lines, 1002);
    free(caught.text);
    kl_ctl_processes_free(&processes);
}

TEST("of many others the first are shown, and how many more there are")
{
    struct caught caught;
    struct kl_ctl_processes processes = {.list = NULL};
    add_row(&processes, row_of("<0.1.1>", NULL, "top"));
    add_many(&processes, 80, true);
    catch_output(&caught, true, false, 0);
    kl_ctl_tree_print(&caught.out, &processes, NULL, false);
    fclose(caught.out.file);
    CHECK(strstr(caught.text, "├─ n49 <0.149.1>\n└─ 30 more (--all shows them)\n") != NULL);
    CHECK(strstr(caught.text, "n50") == NULL);
    free(caught.text);
    kl_ctl_processes_free(&processes);
}

TEST("a chain deeper than any is cut, and one that bites its own tail does no harm")
{
    struct caught caught;
    struct kl_ctl_processes processes = {.list = NULL};
    for (int i = 1; i <= 1000; i++) {
        char pid[32], parent[32];
        snprintf(pid, sizeof pid, "<0.%d.1>", i);
        snprintf(parent, sizeof parent, "<0.%d.1>", i - 1);
        add_row(&processes, row_of(pid, parent, NULL));
    }
    add_row(&processes, row_of("<0.2000.1>", "<0.2000.1>", "own parent"));
    add_row(&processes, row_of("<0.2001.1>", "<0.2002.1>", "each"));
    add_row(&processes, row_of("<0.2002.1>", "<0.2001.1>", "other"));
    for (int json = 0; json < 2; json++) {
        catch_output(&caught, true, false, 0);
        if (json == 1) {
            kl_ctl_tree_json(caught.out.file, &processes, NULL);
        } else {
            kl_ctl_tree_print(&caught.out, &processes, NULL, true);
        }
        fclose(caught.out.file);
        CHECK(strstr(caught.text, "own parent") != NULL);
        CHECK(json == 0 || is_json(caught.text, caught.size));
        free(caught.text);
    }
    kl_ctl_processes_free(&processes);
}

TEST("as JSON each process has its children")
{
    struct caught caught;
    struct kl_ctl_processes processes;
    fill(&processes);
    catch_output(&caught, true, false, 0);
    kl_ctl_tree_json(caught.out.file, &processes, kl_ctl_tree_root(&processes, "shop"));
    fclose(caught.out.file);
    CHECK(is_json(caught.text, caught.size));
    const char *shop = strstr(caught.text, "\"name\": \"shop\"");
    const char *till = strstr(caught.text, "\"name\": \"till\"");
    CHECK(shop != NULL && till != NULL && shop < till);
    CHECK(strstr(till, "\"children\": [{") != NULL);
    CHECK(strstr(caught.text, "orphan") == NULL);
    free(caught.text);
    kl_ctl_processes_free(&processes);
}
