#ifndef KL_TESTING_KIT_H
#define KL_TESTING_KIT_H

#include "text.h"

#include <keel/gen.h>
#include <keel/testing.h>
#include <pthread.h>

// What the files of the kit share. One thread runs everything, processes and test, so plain
// variables serve; what another thread asks is refused by kl_kit_check.

struct kl_kit {
    bool started;
    pthread_t thread; // that started it
    uint64_t seed;
    uint64_t max_turns;
    int64_t began; // virtual time
    size_t memory; // before the start
    FILE *trace;
    size_t failures;
    char failure[sizeof((keel_test_report *)NULL)->text]; // the first of them
};
extern struct kl_kit kl_kit;

// KEEL_OK when the simulation runs and this is its thread; else KEEL_E_STOPPED,
// KEEL_E_UNSUPPORTED.
keel_status kl_kit_check(void);
// Virtual time since the start.
int64_t kl_kit_elapsed(void);
// Turns of processes since the start.
uint64_t kl_kit_turns(void);

// Writes a failure down: the first one is reported, the others are counted.
void kl_kit_note(const char *text);
// The same; then ends the process with {test_failed, Text}, or returns false outside.
bool kl_kit_fail(const char *text);

// From outside a process: runs everybody until nobody can. False: somebody still could when
// the turns were used up; a failure is written down.
bool kl_kit_settle(void);
// From outside, when settled: moves time on to the earliest timer, if it is due at `limit`
// or before. False when there is none.
bool kl_kit_next(int64_t limit);

// The handlers of the kit's own processes.
extern const keel_handler kl_kit_probe_handler, kl_kit_mock_handler, kl_kit_guard_handler;
// True for processes of those handlers and not of the test.
bool kl_kit_owns(const keel_process_view *view);

// A line for each turn goes to the trace of the options, from now on.
void kl_kit_trace_begin(void);
void kl_kit_trace_end(void);

// --- probe.c ---

// What a probe or mock remembers. Belongs to its process.
struct kl_kit_probe {
    struct kl_kit_probe_message *first, **end;
    uint64_t count; // ever
    struct kl_kit_probe_waiter *waiters; // for the message numbered `count`
};
void kl_kit_probe_init(struct kl_kit_probe *probe);
// Remembers what came. The term as a plain process would have received it.
void kl_kit_probe_record(struct kl_kit_probe *probe, const keel_message *message);
// True when it was a request of the kit, which then has its answer.
bool kl_kit_probe_serve(struct kl_kit_probe *probe, const keel_message *message);

// Asks a probe or mock `request`. KEEL_E_NOPROC when it is none or has ended.
keel_status kl_kit_probe_ask(
        keel_pid probe, keel_term request, keel_deadline deadline, keel_term *ret_answer);
// What it got from number `since` on and nobody took: a list of {Number, Time, Message}.
// When there is nothing it waits until `deadline`, unless that is KEEL_AT_ONCE.
keel_status kl_kit_probe_messages(
        keel_pid probe, uint64_t since, keel_deadline deadline, keel_term *ret_list);
// Takes that number.
keel_status kl_kit_probe_take(keel_pid probe, uint64_t number);

#endif // KL_TESTING_KIT_H
