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
//       UNSERVED(keel_call_term(server, keel_int(1), SOON, &result));
//   }
//
// All rows are tried before the test fails, and it fails with a list of those that gave
// something else: what was called, in which situation, and what came back.

#include "testing/harness.h"

#include <keel/keel.h>

#include <string.h>

enum situation { BEFORE, OUTSIDE, INSIDE, AFTER };

// --- rows ---

// Gives exactly this status, in every situation.
#define STATUS(expected, call)                                                             \
    ROW_(call, check_status(#call, (call), (expected), (expected)))
// Gives this status where a process may do it; elsewhere any that is a failure.
#define WITHIN(expected, call) ROW_(call, check_status(#call, (call), (expected), ANY_))
// Fails with some status that has a sentence.
#define REFUSED(call) ROW_(call, check_status(#call, (call), ANY_, ANY_))
// A start that fails with this status where a process may start one.
#define UNSTARTED(expected, call)                                                          \
    ROW_(call, check_status(#call, (call).status, (expected), ANY_))
// Gives nothing: no term, [], undefined, no pid, no reference, false, 0, NULL.
#define NOTHING(call) ROW_(call, check_nothing(#call, NOTHING_(call)))
// Does nothing at all, and comes back.
#define HARMLESS(call) ROW_(call, (void)(call))
// Ends the process with a reason of that pattern; a thread outside is given nothing.
#define ENDS(pattern, call)                                                                \
    ROW_(call, (expect_end(pattern, false), check_nothing(#call, NOTHING_(call))))
// The same of a function that gives a status: a thread outside is given a failure.
#define ENDS_STATUS(pattern, call)                                                         \
    ROW_(call, (expect_end(pattern, false), check_status(#call, (call), ANY_, ANY_)))

// Ends whoever calls it: the process with a reason that has these words, a thread itself.
#define EXITS(words, call) ROW_(call, (expect_end(words, true), (void)(call)))

// With `server` in the call: something that is no name of a server, a process that has
// ended, a name that nobody has. The first is KEEL_E_BADARG, the others KEEL_E_NOPROC;
// while the runtime does not run, any failure is right.
#define UNSERVED(call)                                                                     \
    ROW_(call, {                                                                           \
        for (int i_ = 0; i_ < SERVERS; i_++) {                                             \
            keel_term server = false_server(i_);                                           \
            keel_status right_ = i_ < NAMELESS ? KEEL_E_BADARG : KEEL_E_NOPROC;            \
            check_status(#call, (call), right_, ANY_);                                     \
        }                                                                                  \
    })
// The same, of a function that gives nothing when there is no such server.
#define UNHEARD(call)                                                                      \
    ROW_(call, {                                                                           \
        for (int i_ = 0; i_ < SERVERS; i_++) {                                             \
            keel_term server = false_server(i_);                                           \
            check_nothing(#call, NOTHING_(call));                                          \
        }                                                                                  \
    })

// A row is known by its line, so each begins on one of its own.
#define ROW_(call, ...)                                                                    \
    do {                                                                                   \
        if (is_row(__LINE__)) {                                                            \
            __VA_ARGS__;                                                                   \
        }                                                                                  \
    } while (0)
#define TABLE(table, sentence)                                                             \
    static void table(void);                                                               \
    TEST(sentence)                                                                         \
    {                                                                                      \
        try_table(table);                                                                  \
    }                                                                                      \
    static void table(void)

// --- what the rows stand on: table.c ---

#define SOON KEEL_IN(KEEL_SECONDS(60))
enum { ANY_ = 1, SERVERS = 5, NAMELESS = 3 };

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

// A place for results; a row must not write there.
extern keel_term result;
static const keel_term nothing; // KEEL_NONE
#define one keel_int(1)

keel_term false_server(int i);
keel_pid dead_process(void);
void check_status(
        const char *call, keel_status status, keel_status inside, keel_status elsewhere);
void check_nothing(const char *call, struct nothing given);
void expect_end(const char *pattern, bool of_threads);
bool is_row(int line);
void try_table(void (*table)(void));

#endif // KL_MISUSE_TABLE_H
