#ifndef KL_TOOLS_CTL_PROCESSES_H
#define KL_TOOLS_CTL_PROCESSES_H

#include "client.h"
#include "text.h"

// The processes of a program, read from the rows of `ps`. All texts are clean.

struct kl_ctl_process {
    const char *pid;
    const char *parent, *name, *label, *entry; // "": there is none
    const char *state, *wait, *waiting_for;
    const char *title; // what a person calls it: name, label or entry
    uint64_t waiting_ns, queue, messages_in, reductions, run_ns, memory, stack, dropped;
    double reductions_rate, busy; // a second, and 0 to 1 of one; for `top`
    bool trap_exit;
    char *json; // the whole row, when it was asked for
    char *texts; // holds the texts
};

struct kl_ctl_processes {
    struct kl_ctl_process *list;
    size_t count, size;
    struct kl_ctl_process **by_pid; // sorted by text; made by kl_ctl_processes_find
};

// Reads all processes. False: client->error says why.
bool kl_ctl_processes_read(struct kl_ctl_processes *processes, struct kl_ctl_client *client,
        bool utf8, bool with_json);
void kl_ctl_processes_free(struct kl_ctl_processes *processes);
// Adds one row, a map. False: there is no memory.
bool kl_ctl_processes_add(
        struct kl_ctl_processes *processes, keel_term row, bool utf8, bool with_json);
// The one with that pid, or NULL. Adding and sorting invalidate what it returns.
struct kl_ctl_process *kl_ctl_processes_find(
        struct kl_ctl_processes *processes, const char *pid);
// Sorts by a key: figures from the largest, texts and pids from the smallest; the other way
// round when `reverse`. False: there is no such key.
bool kl_ctl_processes_sort(
        struct kl_ctl_processes *processes, const char *key, bool reverse);
// The keys there are, for help and complaints.
extern const char kl_ctl_sort_keys[];
// True when its pid, name, label or entry has one of the words in it, or there is none.
bool kl_ctl_process_matches(
        const struct kl_ctl_process *process, const char *const *words, size_t count);
// What it does, in two or three words: "receive", "call to db", "running".
void kl_ctl_process_does(char *buffer, size_t size, struct kl_ctl_processes *processes,
        const struct kl_ctl_process *process);
// Negative, 0, positive: pids in the order of their numbers.
int kl_ctl_compare_pids(const char *left, const char *right);

#endif // KL_TOOLS_CTL_PROCESSES_H
