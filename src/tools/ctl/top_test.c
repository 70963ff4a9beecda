// What has happened between two looks.

#include "ctl_testing.h"
#include "top.h"

static keel_term runtime(int64_t uptime_ns, int64_t busy_ns, int64_t spawned)
{
    keel_term row = set_text(kl_ctl_map(), "program", "shop");
    row = set_number(set_number(row, "uptime_ns", uptime_ns), "busy_ns", busy_ns);
    row = set_number(set_number(row, "workers", 2), "spawned", spawned);
    row = set_number(set_number(row, "processes", 3), "memory", 2048);
    return set_number(set_number(row, "atoms", 200), "timers", 5);
}

static keel_term busy_row(
        const char *pid, const char *name, int64_t reductions, int64_t run_ns)
{
    keel_term row = row_of(pid, NULL, name);
    return set_number(set_number(row, "reductions", reductions), "run_ns", run_ns);
}

TEST("rates are those of the time between, and who is busiest comes first")
{
    struct kl_ctl_look before = {.program = ""}, now = {.program = ""};
    struct caught caught;
    kl_ctl_look_read_runtime(&before, runtime(10000000000, 1000000000, 100), true);
    add_row(&before.processes, busy_row("<0.1.1>", "old", 1000000, 5000000000));
    add_row(&before.processes, busy_row("<0.2.1>", "busy", 100, 100000000));
    kl_ctl_look_read_runtime(&now, runtime(12000000000, 2000000000, 140), true);
    add_row(&now.processes, busy_row("<0.1.1>", "old", 1000000, 5000000000));
    add_row(&now.processes, busy_row("<0.2.1>", "busy", 2100, 1100000000));
    add_row(&now.processes,
            busy_row("<0.2.2>", "new", 10, 0)); // the same slot, another one
    kl_ctl_look_compare(&now, &before);
    catch_output(&caught, true, false, 0);
    kl_ctl_top_print(&caught.out, &now, &before, "rate", 100);
    CHECK_CAUGHT(&caught, "shop  up 12.0 s\n"
                          "workers    2, busy 25.0 %, 0 runnable\n"
                          "processes  3, 20 begun a second\n"
                          "memory     2.0 KiB, 5 timers, 200 atoms\n\n"
                          "PID      NAME  DOES     SINCE  QUEUE  MEMORY  RED/S  BUSY%\n"
                          "<0.2.1>  busy  receive             0   256 B   1000   50.0\n"
                          "<0.2.2>  new   receive             0   256 B      5    0.0\n"
                          "<0.1.1>  old   receive             0   256 B      0    0.0\n");
    kl_ctl_processes_free(&before.processes);
    kl_ctl_processes_free(&now.processes);
}

TEST("two looks at the same moment, or one after a start anew, divide by nothing")
{
    struct kl_ctl_look before = {.program = ""}, now = {.program = ""};
    struct caught caught;
    kl_ctl_look_read_runtime(&before, runtime(5000000000, 1000000000, 100), true);
    kl_ctl_look_read_runtime(&now, runtime(1000000000, 500000000, 10), true);
    add_row(&now.processes, busy_row("<0.1.1>", "one", 1000, 1000));
    kl_ctl_look_compare(&now, &before);
    catch_output(&caught, true, false, 0);
    kl_ctl_top_print(&caught.out, &now, &before, "busy", 1);
    CHECK_CAUGHT(&caught, "shop  up 1.0 s\n"
                          "workers    2, busy 0.0 %, 0 runnable\n"
                          "processes  3, 0 begun a second\n"
                          "memory     2.0 KiB, 5 timers, 200 atoms\n\n"
                          "PID      NAME  DOES     SINCE  QUEUE  MEMORY  RED/S  BUSY%\n"
                          "<0.1.1>  one   receive             0   256 B      0    0.0\n");
    kl_ctl_processes_free(&now.processes);
}
