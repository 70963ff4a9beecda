#ifndef KL_MISUSE_TABLE_H
#define KL_MISUSE_TABLE_H

// One table of misuse: each row is a call of a public function with something that it must
// not be given, and what must come back. A table is a function made with TABLE(); a row is
// one line of it. Every row is tried in every situation: before the runtime was started, by
// a thread outside while it runs, inside a process, and after the stop.
//
//   TABLE(sends, "nothing is sent to what is no server")
//   {
//       STATUS(KEEL_E_BADARG, keel_cast_term(KEEL_NONE, keel_int(1)));
//       STATUS(KEEL_E_BADARG, keel_process_exit(no_pid(), keel_atom(over)));
//       UNSERVED(keel_call_term(server, keel_int(1), SOON, &result));
//   }
//
// A row with no_pid(), no_list() and their like is tried once with each word of another
// type. All rows are tried before the test fails, and it fails with a list of those that
// gave something else: which line, in which situation, and what came back. A row that
// crashes is found with MISUSE_LINE=N in the environment, which tries that of line N alone.
// scripts/misuse.py demands a row of every public function.

#include "testing/harness.h"

#include <keel/keel.h>

#include <string.h>

enum situation { BEFORE, OUTSIDE, INSIDE, AFTER, SITUATIONS };

// --- rows ---

// Gives this status before the start, outside, inside a process, after the stop; ANY: one
// that is a failure and has a sentence.
#define STATUSES(before, outside, inside, after, call)                                     \
    ROW_(call, check_status((call),                                                        \
                       (const keel_status[]){(before), (outside), (inside), (after)}))
// Gives exactly this status, in every situation.
#define STATUS(right, call) STATUSES(right, right, right, right, call)
// Gives this status where a process may do it; elsewhere any that is a failure.
#define WITHIN(right, call) STATUSES(ANY, ANY, right, ANY, call)
// Gives this status to a process, which alone may do it.
#define OF_PROCESS(right, call)                                                            \
    STATUSES(KEEL_E_OUTSIDE, KEEL_E_OUTSIDE, right, KEEL_E_OUTSIDE, call)
// Gives this status to a thread, which alone may do it.
#define OF_THREAD(right, call) STATUSES(right, right, KEEL_E_INSIDE, right, call)
// Gives this status while the runtime is up.
#define WHILE_UP(right, call) STATUSES(KEEL_E_STOPPED, right, right, KEEL_E_STOPPED, call)
// Fails with some status that has a sentence.
#define REFUSED(call) STATUS(ANY, call)
// A start that fails with this status where a process may start one.
#define UNSTARTED(right, call) WITHIN(right, (call).status)
// Gives nothing: no term, [], undefined, no pid, no reference, false, 0, NULL.
#define NOTHING(call) ROW_(call, check_nothing(NOTHING_(call)))
// Gives this number, or truth.
#define NUMBER(right, call) ROW_(call, check_number((long long)(call), (long long)(right)))
// Gives this text.
#define TEXT(right, call) ROW_(call, check_text((call), (right)))
// Gives a term that matches the pattern.
#define TERM(pattern, call) ROW_(call, check_term((call), SITE_(pattern)))
// Does nothing at all, and comes back.
#define HARMLESS(call) ROW_(call, (void)(call))
// Ends the process with a reason that matches the pattern; a thread is given nothing.
#define ENDS(pattern, call)                                                                \
    ROW_(call, expect_end(SITE_(pattern), false); check_nothing(NOTHING_(call)))
// The same of a function that gives a status: a thread is given a failure.
#define ENDS_STATUS(pattern, call)                                                         \
    ROW_(call, expect_end(SITE_(pattern), false);                                          \
            check_status((call), (const keel_status[]){ANY, ANY, ANY, ANY}))
// Ends whoever calls it: the process with such a reason, a thread itself.
#define EXITS(pattern, call) ROW_(call, expect_end(SITE_(pattern), true); (void)(call))

// With `server` in the call: something that is no name of a server, a process that has
// ended, a name that nobody has. The first is KEEL_E_BADARG, the others KEEL_E_NOPROC;
// while the runtime does not run, any failure is right.
#define UNSERVED(call)                                                                     \
    ROW_(call, {                                                                           \
        keel_status right_;                                                                \
        keel_term server = false_server(&right_);                                          \
        check_status((call), (const keel_status[]){ANY, right_, right_, ANY});             \
    })
// The same, of a function that gives nothing when there is no such server.
#define UNHEARD(call)                                                                      \
    ROW_(call, {                                                                           \
        keel_term server = false_server(NULL);                                             \
        check_nothing(NOTHING_(call));                                                     \
    })

// A row is known by its line, so each begins on one of its own.
#define ROW_(call, ...)                                                                    \
    do {                                                                                   \
        if (is_row(__LINE__)) {                                                            \
            __VA_ARGS__;                                                                   \
        }                                                                                  \
    } while (0)
#define TABLE(table, ...)                                                                  \
    static void table(void);                                                               \
    TEST(__VA_ARGS__)                                                                      \
    {                                                                                      \
        try_table(table);                                                                  \
    }                                                                                      \
    static void table(void)

#define SITE_(pattern)                                                                     \
    __extension__({                                                                        \
        static keel_pattern_site site_ = {"" pattern, NULL};                               \
        &site_;                                                                            \
    })

struct nothing {
    const void *bytes;
    size_t size;
    bool is_term;
};
#define NOTHING_(call)                                                                     \
    __extension__({                                                                        \
        static __typeof__(call) given_;                                                    \
        given_ = (call);                                                                   \
        (struct nothing){&given_, sizeof given_,                                           \
                _Generic(given_, keel_term                                                 \
                         : true, default                                                   \
                         : false)};                                                        \
    })

// --- what the rows stand on: table.c ---

enum { ANY = 1 };

// As far away as a row needs: nothing in a table waits.
#define SOON KEEL_IN(KEEL_SECONDS(60))
#define one keel_int(1)
static const keel_term nothing; // KEEL_NONE

// Places for results; a row must not write there.
extern keel_term result;
extern struct results {
    keel_pid pid;
    keel_ref ref;
    int64_t number;
    size_t size;
    bool flag;
} ret;

// A process that has ended, and the reference that it made.
keel_pid dead_process(void);
keel_ref dead_ref(void);
// Nobody's name.
#define nobody keel_atom(nobody_here)

// The row is tried with each word that is not of the type: words.c.
keel_term no_atom(void);
keel_term no_list(void);
keel_term no_map(void);
keel_term no_tuple(void);
keel_term no_binary(void);
keel_term no_number(void);
keel_pid no_pid(void);
keel_ref no_ref(void);
keel_term no_destination(void); // no pid, no name, no reference, no {Name, Node}
keel_term any_word(void);

// What must not be called: never.c.
keel_term never(keel_term state, keel_term context);
keel_term never_run(keel_term argument);
void never_body(keel_term argument);
keel_started never_start_child(keel_term argument);
extern const keel_handler never_handler, no_start, no_receive;

keel_term false_server(keel_status *ret_right);
// A row begins with the first of its words, and is tried again while there is a next.
void begin_words(void);
bool next_word(void);

void check_status(keel_status status, const keel_status *right);
void check_nothing(struct nothing given);
void check_number(long long given, long long right);
void check_text(const char *given, const char *right);
void check_term(keel_term given, keel_pattern_site *right);
void expect_end(keel_pattern_site *reason, bool of_threads);
bool is_row(int line);
// For rows that are for some situations only.
bool is_up(void);
bool is_inside(void);
void try_table(void (*table)(void));

#endif // KL_MISUSE_TABLE_H
