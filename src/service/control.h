#ifndef KL_SERVICE_CONTROL_H
#define KL_SERVICE_CONTROL_H

#include <keel/control.h>
#include <keel/inspect.h>

// What the files of the control socket share.
//
// A packet has a length of four bytes before it and is one term in external format:
//
//   request   {keel_control, 1, Verb, Arguments}     Verb a binary, Arguments a map
//   answer    {rows, [Map, …]} any number of times, then done or {error, Text}
//
// Keys and names in both are binaries: neither side makes atoms of what the other says. A
// term that a request carries (what to call a server with) is a binary with its external
// format, which kl_control_term decodes.

enum { KL_CONTROL_VERSION = 1, KL_CONTROL_ROWS = 100 };

// An answer on its way. What is built lives until the rows are sent: nothing but rows may
// be built before and used after kl_control_flush.
struct kl_control_answer {
    keel_term socket;
    keel_term rows[KL_CONTROL_ROWS];
    size_t count; // of rows not sent yet
    keel_scope scope; // holds them
    keel_status status; // KEEL_OK, or why nobody hears it any more
    bool last; // the connection ends after it
};

// One row in the making; a value KEEL_NONE is left out.
struct kl_control_row {
    keel_term keys[32], values[32];
    size_t count;
};

void kl_control_put(struct kl_control_row *row, const char *key, keel_term value);
keel_term kl_control_map(const struct kl_control_row *row);
// Adds a row; a hundred of them are sent together. False: nobody hears it any more.
bool kl_control_add(struct kl_control_answer *answer, const struct kl_control_row *row);
// Sends the rows there are.
bool kl_control_flush(struct kl_control_answer *answer);

// --- what requests say ---

// The argument `key`, or KEEL_NONE.
keel_term kl_control_argument(keel_term arguments, const char *key);
// The process that the argument `process` names, by pid or registered name. None: it is not
// there, and *ret_error says so.
keel_pid kl_control_process(keel_term arguments, keel_term *ret_error);
// The term that the argument `key` carries. KEEL_NONE: there is none that can be had, and
// *ret_error says why. Makes new atoms, but no more than a thousand in the program's life.
keel_term kl_control_term(keel_term arguments, const char *key, keel_term *ret_error);
// "<0.12.1>", or KEEL_NONE for no pid.
keel_term kl_control_pid(keel_pid pid);
// The term in Erlang notation, cut after so many bytes.
keel_term kl_control_show(keel_term term, size_t most);

// --- the verbs: each answers with rows and returns KEEL_NONE, or a text why not ---

keel_term kl_control_ps(struct kl_control_answer *answer, keel_term arguments);
keel_term kl_control_info(struct kl_control_answer *answer, keel_term arguments);
keel_term kl_control_stop(struct kl_control_answer *answer, keel_term arguments);
keel_term kl_control_loglevel(struct kl_control_answer *answer, keel_term arguments);
keel_term kl_control_kill(struct kl_control_answer *answer, keel_term arguments);
keel_term kl_control_call(struct kl_control_answer *answer, keel_term arguments);
keel_term kl_control_trace(struct kl_control_answer *answer, keel_term arguments);

// A row of who a process is and what it does. False when it has ended.
bool kl_control_process_row(struct kl_control_row *row, keel_pid pid);

#endif // KL_SERVICE_CONTROL_H
