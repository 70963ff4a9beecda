#ifndef KEEL_MATCH_H
#define KEEL_MATCH_H

#include <keel/term.h>

// Patterns: terms in Erlang notation with variables in them.
//
//   int64_t by;
//   if (keel_match(request, "{increment, By}", &by)) …
//   keel_term reply = keel_make("{ok, {count, N}, [first | Rest]}", count, rest);
//
// A word that starts with a capital letter is a variable: in a match the address of
// what it is captured into, in a make the value. Arguments stand in the order of the
// variables. `_` matches anything and takes no argument; `^Name` in a match takes a
// *value* that must be there (=:=). A variable that stands twice is captured once, and
// both places must be equal; a make takes one argument for all its places.
//
// The type of a capture is a guard: int64_t*, int*, uint64_t*, unsigned* (an integer that
// fits), double* (a float or an integer), bool*, keel_pid*, keel_ref*, keel_bytes*
// (a binary), const char ** (an atom; its name), keel_term* (anything), void ** (a
// pointer or resource). Nothing is written unless the whole pattern matches.
// Values: integers of every width, double, float, bool, const char* (a binary),
// keel_bytes (a binary), keel_pid, keel_ref, keel_term. In C `true` and `a == b` are ints:
// write keel_bool(a == b).
//
// Maps in a match name the keys that must be there: "#{name := Name}" ("=>" is allowed
// too); keys are ground. Lists: "[A, B]", "[Head | Tail]"; "foo" is a charlist and
// <<"foo">> a binary. Tuples have exactly their size.
//
// The pattern must be a string literal: it is parsed once per place in the program. A
// pattern that is no term, or takes another number of arguments, is a mistake of the
// program: the process exits with {badarg, {pattern, Text, Why}}; outside a process the
// match is false and the made term KEEL_NONE, and the log says why.

KEEL_BEGIN_DECLS

/// What kind of argument a pattern was given; made by KEEL_ARG().
typedef enum keel_arg_kind {
    KEEL_ARG_END,
    KEEL_ARG_TO_INT64,
    KEEL_ARG_TO_INT,
    KEEL_ARG_TO_UINT64,
    KEEL_ARG_TO_UINT,
    KEEL_ARG_TO_DOUBLE,
    KEEL_ARG_TO_BOOL,
    KEEL_ARG_TO_PID,
    KEEL_ARG_TO_REF,
    KEEL_ARG_TO_BYTES,
    KEEL_ARG_TO_ATOM,
    KEEL_ARG_TO_TERM,
    KEEL_ARG_TO_POINTER,
    KEEL_ARG_INT,
    KEEL_ARG_UINT,
    KEEL_ARG_DOUBLE,
    KEEL_ARG_BOOL,
    KEEL_ARG_STRING,
    KEEL_ARG_BYTES,
    KEEL_ARG_TERM, ///< terms, pids, references
} keel_arg_kind;

/// One argument of a pattern; made by KEEL_ARG().
typedef struct keel_arg {
    keel_arg_kind kind;
    union {
        void *to;
        int64_t integer;
        uint64_t natural;
        double real;
        const char *string;
        keel_bytes bytes;
        uint64_t word;
    } as;
} keel_arg;

/// A place in the program that holds a pattern; made by the macros below.
typedef struct keel_pattern_site {
    const char *text;
    void *compiled; ///< NULL until parsed; read and written atomically
} keel_pattern_site;

/// Matches `term` against the pattern of `site`. Use keel_match(). @thread any @since 0.1
KEEL_API bool keel_match_at(
        keel_pattern_site *site, keel_term term, const keel_arg *args, size_t count);
/// Makes the term of `site`. Use keel_make(). @thread any @since 0.1
KEEL_API keel_term keel_make_at(
        keel_pattern_site *site, const keel_arg *args, size_t count);

#define KEEL_ARG_MAKER_(name, type, kind_, field)                                          \
    static inline keel_arg name(type value)                                                \
    {                                                                                      \
        keel_arg arg;                                                                      \
        arg.kind = kind_;                                                                  \
        arg.as.field = value;                                                              \
        return arg;                                                                        \
    }
#define KEEL_ARG_WORD_(name, type)                                                         \
    static inline keel_arg name(type value)                                                \
    {                                                                                      \
        keel_arg arg;                                                                      \
        arg.kind = KEEL_ARG_TERM;                                                          \
        arg.as.word = value.word;                                                          \
        return arg;                                                                        \
    }

#ifdef __cplusplus
KEEL_END_DECLS
#define KEEL_ARG_NAME_(suffix) keel_arg_of
#else
#define KEEL_ARG_NAME_(suffix) keel_arg_of_##suffix
#endif

KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_long), long *, KEEL_ARG_TO_INT64, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_long_long), long long *, KEEL_ARG_TO_INT64, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_int), int *, KEEL_ARG_TO_INT, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_ulong), unsigned long *, KEEL_ARG_TO_UINT64, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_ulong_long), unsigned long long *, KEEL_ARG_TO_UINT64, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_uint), unsigned *, KEEL_ARG_TO_UINT, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_double), double *, KEEL_ARG_TO_DOUBLE, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_bool), bool *, KEEL_ARG_TO_BOOL, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_pid), keel_pid *, KEEL_ARG_TO_PID, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_ref), keel_ref *, KEEL_ARG_TO_REF, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_bytes), keel_bytes *, KEEL_ARG_TO_BYTES, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_atom), const char **, KEEL_ARG_TO_ATOM, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_term), keel_term *, KEEL_ARG_TO_TERM, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(to_pointer), void **, KEEL_ARG_TO_POINTER, to)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(int), int, KEEL_ARG_INT, integer)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(long), long, KEEL_ARG_INT, integer)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(long_long), long long, KEEL_ARG_INT, integer)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(uint), unsigned, KEEL_ARG_UINT, natural)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(ulong), unsigned long, KEEL_ARG_UINT, natural)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(ulong_long), unsigned long long, KEEL_ARG_UINT, natural)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(double), double, KEEL_ARG_DOUBLE, real)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(bool), bool, KEEL_ARG_BOOL, natural)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(string), const char *, KEEL_ARG_STRING, string)
KEEL_ARG_MAKER_(KEEL_ARG_NAME_(bytes), keel_bytes, KEEL_ARG_BYTES, bytes)
KEEL_ARG_WORD_(KEEL_ARG_NAME_(term), keel_term)
KEEL_ARG_WORD_(KEEL_ARG_NAME_(pid), keel_pid)
KEEL_ARG_WORD_(KEEL_ARG_NAME_(ref), keel_ref)

/// Turns an argument of a pattern into a keel_arg, by its type.
#ifdef __cplusplus
#define KEEL_ARG(x) keel_arg_of(x)
KEEL_BEGIN_DECLS
#else
// clang-format off
#define KEEL_ARG(x)                                                                       \
    _Generic((x),                                                                         \
        long *: keel_arg_of_to_long, long long *: keel_arg_of_to_long_long,               \
        int *: keel_arg_of_to_int, unsigned long *: keel_arg_of_to_ulong,                 \
        unsigned long long *: keel_arg_of_to_ulong_long,                                  \
        unsigned *: keel_arg_of_to_uint, double *: keel_arg_of_to_double,                 \
        bool *: keel_arg_of_to_bool, keel_pid *: keel_arg_of_to_pid,                      \
        keel_ref *: keel_arg_of_to_ref, keel_bytes *: keel_arg_of_to_bytes,               \
        const char **: keel_arg_of_to_atom, keel_term *: keel_arg_of_to_term,             \
        void **: keel_arg_of_to_pointer,                                                  \
        char: keel_arg_of_int, signed char: keel_arg_of_int,                              \
        unsigned char: keel_arg_of_int, short: keel_arg_of_int,                           \
        unsigned short: keel_arg_of_int, float: keel_arg_of_double,                       \
        int: keel_arg_of_int, long: keel_arg_of_long, long long: keel_arg_of_long_long,   \
        unsigned: keel_arg_of_uint, unsigned long: keel_arg_of_ulong,                     \
        unsigned long long: keel_arg_of_ulong_long, double: keel_arg_of_double,           \
        bool: keel_arg_of_bool, char *: keel_arg_of_string,                               \
        const char *: keel_arg_of_string, keel_bytes: keel_arg_of_bytes,                  \
        keel_term: keel_arg_of_term, keel_pid: keel_arg_of_pid,                           \
        keel_ref: keel_arg_of_ref)(x)
// clang-format on
#endif

// KEEL_ARGS_FROM_(text, a, b, …) lists KEEL_ARG(a), KEEL_ARG(b), … with a comma after each;
// up to 12.
#define KEEL_ARGS_0_(text)
#define KEEL_ARGS_1_(text, a) KEEL_ARG(a),
#define KEEL_ARGS_2_(text, a, ...) KEEL_ARG(a), KEEL_ARGS_1_(text, __VA_ARGS__)
#define KEEL_ARGS_3_(text, a, ...) KEEL_ARG(a), KEEL_ARGS_2_(text, __VA_ARGS__)
#define KEEL_ARGS_4_(text, a, ...) KEEL_ARG(a), KEEL_ARGS_3_(text, __VA_ARGS__)
#define KEEL_ARGS_5_(text, a, ...) KEEL_ARG(a), KEEL_ARGS_4_(text, __VA_ARGS__)
#define KEEL_ARGS_6_(text, a, ...) KEEL_ARG(a), KEEL_ARGS_5_(text, __VA_ARGS__)
#define KEEL_ARGS_7_(text, a, ...) KEEL_ARG(a), KEEL_ARGS_6_(text, __VA_ARGS__)
#define KEEL_ARGS_8_(text, a, ...) KEEL_ARG(a), KEEL_ARGS_7_(text, __VA_ARGS__)
#define KEEL_ARGS_9_(text, a, ...) KEEL_ARG(a), KEEL_ARGS_8_(text, __VA_ARGS__)
#define KEEL_ARGS_10_(text, a, ...) KEEL_ARG(a), KEEL_ARGS_9_(text, __VA_ARGS__)
#define KEEL_ARGS_11_(text, a, ...) KEEL_ARG(a), KEEL_ARGS_10_(text, __VA_ARGS__)
#define KEEL_ARGS_12_(text, a, ...) KEEL_ARG(a), KEEL_ARGS_11_(text, __VA_ARGS__)
#define KEEL_PICK_(text, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, n, ...) n
#define KEEL_COUNT_(...)                                                                   \
    KEEL_PICK_(__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0)
#define KEEL_GLUE_(a, b) a##b##_
#define KEEL_ARGS_N_(n) KEEL_GLUE_(KEEL_ARGS_, n)
#define KEEL_ARGS_FROM_(...) KEEL_ARGS_N_(KEEL_COUNT_(__VA_ARGS__))(__VA_ARGS__)
#define KEEL_FIRST_(text, ...) text

/// True when `term` matches the pattern, which comes first of the further arguments;
/// the captures are then written. @thread any @since 0.1
#define keel_match(term, ...) KEEL_SITE_(keel_match_at, (term), __VA_ARGS__)
/// The term that the pattern and its values describe. @thread any @since 0.1
#define keel_make(...) KEEL_MAKE_SITE_(__COUNTER__, __VA_ARGS__)

// "text", a, b  ->  a site of its own, the array of arguments, the call. The array ends
// with a KEEL_ARG_END entry so that it is never empty. The variables are numbered, since
// one may stand in an argument of another and users build with -Wshadow.
#define KEEL_SITE_(function, subject, ...)                                                 \
    KEEL_SITE_NUMBERED_(__COUNTER__, function, subject, __VA_ARGS__)
#define KEEL_SITE_NUMBERED_(number, function, subject, ...)                                \
    (__extension__({                                                                       \
        static keel_pattern_site KEEL_GLUE_(keel_site_, number) = {                        \
                "" KEEL_FIRST_(__VA_ARGS__, 0), NULL};                                     \
        const keel_arg KEEL_GLUE_(keel_args_, number)[] = {                                \
                KEEL_ARGS_FROM_(__VA_ARGS__){KEEL_ARG_END, {NULL}}};                       \
        function(&KEEL_GLUE_(keel_site_, number), subject, KEEL_GLUE_(keel_args_, number), \
                KEEL_COUNT_(__VA_ARGS__));                                                 \
    }))
#define KEEL_MAKE_SITE_(number, ...)                                                       \
    (__extension__({                                                                       \
        static keel_pattern_site KEEL_GLUE_(keel_site_, number) = {                        \
                "" KEEL_FIRST_(__VA_ARGS__, 0), NULL};                                     \
        const keel_arg KEEL_GLUE_(keel_args_, number)[] = {                                \
                KEEL_ARGS_FROM_(__VA_ARGS__){KEEL_ARG_END, {NULL}}};                       \
        keel_make_at(&KEEL_GLUE_(keel_site_, number), KEEL_GLUE_(keel_args_, number),      \
                KEEL_COUNT_(__VA_ARGS__));                                                 \
    }))

KEEL_END_DECLS

#endif // KEEL_MATCH_H
