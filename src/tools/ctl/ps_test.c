// The table of processes.

#include "ctl_testing.h"
#include "ps.h"
#include <string.h>

static void fill(struct kl_ctl_processes *processes)
{
    *processes = (struct kl_ctl_processes){.list = NULL};
    setlocale(LC_CTYPE, "C.UTF-8"); // as the command has it
    keel_term row = row_of("<0.12.1>", NULL, "db");
    row = set_number(set_number(row, "queue", 1500), "memory", 12595);
    row = set_number(set_number(row, "reductions", 1234567), "run_ns", 4200000);
    add_row(processes, set_number(row, "waiting_ns", 3000000000));
    row = set_text(row_of("<0.13.1>", "<0.12.1>", NULL), "wait", "reply");
    row = set_text(row, "waiting_for", "<0.12.1>");
    add_row(processes, set_number(row, "waiting_ns", 2500000000));
    row = set_text(row_of("<0.14.1>", "<0.12.1>", NULL), "label", "{room,<<\"日本\">>}");
    add_row(processes, row);
}

TEST("a line a process: who, what it does, how long, and figures")
{
    struct caught caught;
    struct kl_ctl_processes processes;
    fill(&processes);
    catch_output(&caught, true, false, 0);
    kl_ctl_ps_print(&caught.out, &processes, 100, false);
    // clang-format off
    CHECK_CAUGHT(&caught,
            "PID       NAME               DOES        SINCE  QUEUE    MEMORY  REDUCTIONS    TIME\n"
            "<0.12.1>  db                 receive     3.0 s   1500  12.3 KiB       1.2 M  4.2 ms\n"
            "<0.13.1>  worker:init/1      call to db  2.5 s      0     256 B           0    0 ms\n"
            "<0.14.1>  {room,<<\"日本\">>}  receive                0     256 B           0    0 ms\n");
    // clang-format on
    kl_ctl_processes_free(&processes);
}

TEST("a narrow terminal cuts names, and a number cuts lines")
{
    struct caught caught;
    struct kl_ctl_processes processes;
    fill(&processes);
    catch_output(&caught, true, false, 76);
    kl_ctl_processes_sort(&processes, "pid", true);
    kl_ctl_ps_print(&caught.out, &processes, 2, false);
    CHECK_CAUGHT(&caught,
            "PID       NAME            DOES        SINCE  QUEUE  MEMORY  REDUCTIONS  TIME\n"
            "<0.14.1>  {room,<<\"日本…  receive                0   256 B           0  0 "
            "ms\n"
            "<0.13.1>  worker:init/1   call to db  2.5 s      0   256 B           0  0 "
            "ms\n");
    kl_ctl_processes_free(&processes);
}

TEST("what to look at stands out in colours")
{
    struct caught caught;
    struct kl_ctl_processes processes;
    fill(&processes);
    catch_output(&caught, true, true, 0);
    kl_ctl_ps_print(&caught.out, &processes, 2, false);
    fflush(caught.out.file);
    CHECK(strstr(caught.text, "\033[1mdb\033[0m") != NULL); // it has a name
    CHECK(strstr(caught.text, "\033[31m1500\033[0m") != NULL); // a long queue
    CHECK(strstr(caught.text, "\033[33mcall to db\033[0m") != NULL); // waits long
    fclose(caught.out.file);
    free(caught.text);
    kl_ctl_processes_free(&processes);
}

TEST("words choose, and whom the chosen wait for is known all the same")
{
    struct caught caught;
    struct kl_ctl_processes processes;
    const char *words[] = {"worker", "no such"};
    fill(&processes);
    size_t found = kl_ctl_ps_filter(&processes, words, 2);
    CHECK_INT(found, 2 + 1); // by their entry
    const char *one[] = {"0.13."};
    found = kl_ctl_ps_filter(&processes, one, 1);
    CHECK_INT(found, 1);
    catch_output(&caught, true, false, 0);
    kl_ctl_ps_print(&caught.out, &processes, found, false);
    CHECK_CAUGHT(&caught,
            "PID       NAME           DOES        SINCE  QUEUE  MEMORY  REDUCTIONS  TIME\n"
            "<0.13.1>  worker:init/1  call to db  2.5 s      0   256 B           0  0 "
            "ms\n");
    const char *nobody[] = {"nobody"};
    CHECK_INT(kl_ctl_ps_filter(&processes, nobody, 1), 0);
    CHECK_INT(kl_ctl_ps_filter(&processes, nobody, 0), 3);
    kl_ctl_processes_free(&processes);
}
