#ifndef KL_TOOLS_CTL_TREE_H
#define KL_TOOLS_CTL_TREE_H

#include "processes.h"

// The processes arranged by who spawned whom. It asks no supervisor, so one that is stuck
// shows as what it is.

// Prints the tree below the process `root` (NULL: all of them). Unless `whole`, children of
// one kind without names are shown as one line, and of many others the first.
void kl_ctl_tree_print(const struct kl_ctl_out *out, struct kl_ctl_processes *processes,
        const struct kl_ctl_process *root, bool whole);
// The same as JSON: an array of objects with `children`. They must have been read with it.
void kl_ctl_tree_json(
        FILE *file, struct kl_ctl_processes *processes, const struct kl_ctl_process *root);
// The process with that pid or name, or NULL.
const struct kl_ctl_process *kl_ctl_tree_root(
        struct kl_ctl_processes *processes, const char *text);

#endif // KL_TOOLS_CTL_TREE_H
