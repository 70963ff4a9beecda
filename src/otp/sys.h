#ifndef KL_OTP_SYS_H
#define KL_OTP_SYS_H

#include "base/base.h"
#include <keel/sys.h>

// What the files of sys share.

// A replace_state under way: a resource that travels in the request.
#define KL_SYS_ERRAND "keel_sys_errand"
enum { KL_ERRAND_WAITING, KL_ERRAND_TAKEN, KL_ERRAND_LEFT, KL_ERRAND_DONE };
struct kl_sys_errand {
    keel_sys_replace replace;
    void *context;
    uint32_t stage; // by both sides, see sys.c
};

// One installed debug function.
struct kl_sys_installed {
    struct kl_sys_installed *next;
    keel_term id; // kept; none: the function itself
    keel_sys_watch watch;
    keel_term state; // kept
};

// What is switched on in one process. Memory of the process; NULL when nothing is.
struct kl_sys_debug {
    bool trace;
    bool statistics;
    uint32_t log_limit; // 0: off
    uint32_t log_count;
    uint32_t log_next; // where the next event goes in the ring
    keel_term *log; // kept events
    int file; // -1: none
    int64_t started_at; // wall clock
    uint64_t reductions;
    uint64_t messages_in, messages_out;
    struct kl_sys_installed *installed; // newest first
};

// The answer to {debug, Command}.
keel_term kl_sys_debug_command(
        keel_sys *sys, const keel_sys_ops *ops, void *state, keel_term command);
// The name a process goes by in traces.
keel_term kl_sys_name(const keel_sys_ops *ops, void *state);
// Runs a function of the behaviour's that may fail. KEEL_E_EXIT with the reason.
struct kl_sys_guarded {
    const keel_sys_ops *ops;
    void *state;
    keel_term arguments[3];
    keel_term result;
    keel_next next;
    struct kl_sys_errand *errand;
};
keel_term kl_sys_state(const keel_sys_ops *ops, void *state);

// Has a running behaviour change to another version of its module: suspends it, sends
// change_code with `to` as the module, resumes it.
keel_status kl_sys_upgrade(
        keel_term server, keel_term to, keel_term extra, keel_term *ret_error);

// Writes what an event is, as one line of text.
size_t kl_sys_event_text(char *buffer, size_t size, keel_term name, keel_term event);
// What the status of a behaviour begins with: a charlist, and running or suspended.
keel_term kl_sys_header(const char *what, keel_term name);
keel_term kl_sys_stage(const keel_sys *sys);
// Hands a line to the sink of traces.
void kl_sys_trace_line(const char *line);

#endif // KL_OTP_SYS_H
