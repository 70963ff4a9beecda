#ifndef KL_TOOLS_CTL_PS_H
#define KL_TOOLS_CTL_PS_H

#include "processes.h"

// The table of processes, for `ps` and `top`.

// Prints the first `most`; `rates`: what they did since the last time, instead of ever.
void kl_ctl_ps_print(const struct kl_ctl_out *out, struct kl_ctl_processes *processes,
        size_t most, bool rates);
// Brings those that match the words to the front, in order; returns how many they are. The
// others stay, since somebody may wait for them.
size_t kl_ctl_ps_filter(
        struct kl_ctl_processes *processes, const char *const *words, size_t count);

#endif // KL_TOOLS_CTL_PS_H
