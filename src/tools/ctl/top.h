#ifndef KL_TOOLS_CTL_TOP_H
#define KL_TOOLS_CTL_TOP_H

#include "ps.h"

// Two looks at a program, one after the other.
struct kl_ctl_look {
    struct kl_ctl_processes processes;
    struct {
        uint64_t uptime_ns, busy_ns, workers, processes, runnable, memory, spawned, atoms,
                timers;
    } runtime;
    char program[256];
};

// Reads the row of `info` into a look.
void kl_ctl_look_read_runtime(struct kl_ctl_look *look, keel_term row, bool utf8);
// What was done between two looks: the rates of the processes of `now`.
void kl_ctl_look_compare(struct kl_ctl_look *now, struct kl_ctl_look *before);
// The page: a few lines about the program, then at most `most` processes.
void kl_ctl_top_print(const struct kl_ctl_out *out, struct kl_ctl_look *now,
        const struct kl_ctl_look *before, const char *sort, size_t most);

#endif // KL_TOOLS_CTL_TOP_H
