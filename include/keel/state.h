#ifndef KEEL_STATE_H
#define KEEL_STATE_H

#include <keel/term.h>

// What a server's state looks like: its fields by name. From it come keel_sys_get_state,
// reports, the observer, and the migration of a state to a new version of the server.

KEEL_BEGIN_DECLS

typedef enum keel_field_kind {
    KEEL_FIELD_OPAQUE, ///< shown as {opaque, Bytes}; migrated when the size is the same
    KEEL_FIELD_BOOL,
    KEEL_FIELD_INT8,
    KEEL_FIELD_INT16,
    KEEL_FIELD_INT32,
    KEEL_FIELD_INT64,
    KEEL_FIELD_UINT8,
    KEEL_FIELD_UINT16,
    KEEL_FIELD_UINT32,
    KEEL_FIELD_UINT64,
    KEEL_FIELD_FLOAT,
    KEEL_FIELD_DOUBLE,
    KEEL_FIELD_TERM, ///< kept with keel_keep or keel_set
    KEEL_FIELD_PID,
    KEEL_FIELD_REF,
    KEEL_FIELD_CHARS, ///< char[N], NUL-terminated
    KEEL_FIELD_STRING, ///< char *, NUL-terminated; shown, never written
} keel_field_kind;

typedef struct keel_field {
    const char *name;
    keel_field_kind kind;
    uint32_t offset, bytes;
} keel_field;

/// Zeroed: no state.
typedef struct keel_state_layout {
    const char *type; ///< as written: "struct counter"; NULL with KEEL_STATE_TERM
    size_t bytes;
    const keel_field *fields; ///< NULL: a state that cannot be looked into
    uint32_t count;
} keel_state_layout;

/// The layout of a struct, at file scope: `.state = KEEL_STATE(struct counter, value,
/// name)`. Names up to 24 fields; those not named are carried along but not shown, and
/// zeroed by a migration. C only: C++ fills a keel_state_layout in.
#define KEEL_STATE(...)                                                                    \
    {                                                                                      \
        KEEL_STATE_TEXT_(__VA_ARGS__), sizeof(KEEL_STATE_TYPE_(__VA_ARGS__, 0)),           \
                (const keel_field[]){                                                      \
                        KEEL_FIELDS_(__VA_ARGS__){NULL, KEEL_FIELD_OPAQUE, 0, 0}},         \
                KEEL_FIELD_COUNT_(__VA_ARGS__)                                             \
    }
/// The state is one keel_term, kept with keel_set: get_state shows the term itself.
#define KEEL_STATE_TERM                                                                    \
    {                                                                                      \
        NULL, sizeof(keel_term), NULL, 0                                                   \
    }

#define KEEL_STATE_TYPE_(type, ...) type
#define KEEL_STATE_TEXT_(...) KEEL_STATE_TEXT_OF_(__VA_ARGS__, 0)
#define KEEL_STATE_TEXT_OF_(type, ...) #type

/// Kind, place and size of one field.
// clang-format off
#define KEEL_FIELD(type, field)                                                           \
    {                                                                                     \
        #field, KEEL_FIELD_KIND_(type, field), offsetof(type, field),                     \
                sizeof(((type *)0)->field)                                                \
    }
#define KEEL_FIELD_KIND_(type, field)                                                     \
    _Generic(&((type *)0)->field,                                                         \
        bool *: KEEL_FIELD_BOOL,                                                          \
        char *: KEEL_FIELD_INT8, signed char *: KEEL_FIELD_INT8,                          \
        short *: KEEL_FIELD_INT16, int *: KEEL_FIELD_INT32,                               \
        long *: KEEL_FIELD_LONG_, long long *: KEEL_FIELD_INT64,                          \
        unsigned char *: KEEL_FIELD_UINT8, unsigned short *: KEEL_FIELD_UINT16,           \
        unsigned *: KEEL_FIELD_UINT32, unsigned long *: KEEL_FIELD_ULONG_,                \
        unsigned long long *: KEEL_FIELD_UINT64,                                          \
        float *: KEEL_FIELD_FLOAT, double *: KEEL_FIELD_DOUBLE,                           \
        keel_term *: KEEL_FIELD_TERM, keel_pid *: KEEL_FIELD_PID,                         \
        keel_ref *: KEEL_FIELD_REF,                                                       \
        char **: KEEL_FIELD_STRING, const char **: KEEL_FIELD_STRING,                     \
        default: _Generic(((type *)0)->field,                                             \
            char *: KEEL_FIELD_CHARS, default: KEEL_FIELD_OPAQUE))
// clang-format on
#define KEEL_FIELD_LONG_ (sizeof(long) == 8 ? KEEL_FIELD_INT64 : KEEL_FIELD_INT32)
#define KEEL_FIELD_ULONG_ (sizeof(long) == 8 ? KEEL_FIELD_UINT64 : KEEL_FIELD_UINT32)

// KEEL_FIELDS_(type, a, b, …) lists KEEL_FIELD(type, a), KEEL_FIELD(type, b), … with a
// comma after each.
#define KEEL_FIELDS_0_(t)
#define KEEL_FIELDS_1_(t, a) KEEL_FIELD(t, a),
#define KEEL_FIELDS_2_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_1_(t, __VA_ARGS__)
#define KEEL_FIELDS_3_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_2_(t, __VA_ARGS__)
#define KEEL_FIELDS_4_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_3_(t, __VA_ARGS__)
#define KEEL_FIELDS_5_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_4_(t, __VA_ARGS__)
#define KEEL_FIELDS_6_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_5_(t, __VA_ARGS__)
#define KEEL_FIELDS_7_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_6_(t, __VA_ARGS__)
#define KEEL_FIELDS_8_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_7_(t, __VA_ARGS__)
#define KEEL_FIELDS_9_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_8_(t, __VA_ARGS__)
#define KEEL_FIELDS_10_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_9_(t, __VA_ARGS__)
#define KEEL_FIELDS_11_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_10_(t, __VA_ARGS__)
#define KEEL_FIELDS_12_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_11_(t, __VA_ARGS__)
#define KEEL_FIELDS_13_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_12_(t, __VA_ARGS__)
#define KEEL_FIELDS_14_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_13_(t, __VA_ARGS__)
#define KEEL_FIELDS_15_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_14_(t, __VA_ARGS__)
#define KEEL_FIELDS_16_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_15_(t, __VA_ARGS__)
#define KEEL_FIELDS_17_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_16_(t, __VA_ARGS__)
#define KEEL_FIELDS_18_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_17_(t, __VA_ARGS__)
#define KEEL_FIELDS_19_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_18_(t, __VA_ARGS__)
#define KEEL_FIELDS_20_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_19_(t, __VA_ARGS__)
#define KEEL_FIELDS_21_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_20_(t, __VA_ARGS__)
#define KEEL_FIELDS_22_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_21_(t, __VA_ARGS__)
#define KEEL_FIELDS_23_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_22_(t, __VA_ARGS__)
#define KEEL_FIELDS_24_(t, a, ...) KEEL_FIELD(t, a), KEEL_FIELDS_23_(t, __VA_ARGS__)
// clang-format off
#define KEEL_FIELD_PICK_(t, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14,  \
        a15, a16, a17, a18, a19, a20, a21, a22, a23, a24, n, ...) n
#define KEEL_FIELD_COUNT_(...)                                                            \
    KEEL_FIELD_PICK_(__VA_ARGS__, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, \
        10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0)
// clang-format on
#define KEEL_FIELDS_GLUE_(n) KEEL_FIELDS_GLUED_(n)
#define KEEL_FIELDS_GLUED_(n) KEEL_FIELDS_##n##_
#define KEEL_FIELDS_(...) KEEL_FIELDS_GLUE_(KEEL_FIELD_COUNT_(__VA_ARGS__))(__VA_ARGS__)

/// The state as a term: a map from field names to values, the term itself with
/// KEEL_STATE_TERM, else {opaque, Bytes}. @thread any @since 0.1
KEEL_API keel_term keel_state_to_term(const keel_state_layout *layout, const void *state);
/// Fills the state from such a term; fields that are missing in it, or do not fit, stay as
/// they are. Terms are kept with keel_set. Returns how many fields were written.
/// @thread process @since 0.1
KEEL_API size_t keel_state_from_term(
        const keel_state_layout *layout, void *state, keel_term term);
/// Moves the fields of one state that have the same name and a kind that fits into another,
/// zeroed one: kept terms move, numbers are converted when they fit.
/// @thread process @since 0.1
KEEL_API void keel_state_migrate(const keel_state_layout *from, void *old_state,
        const keel_state_layout *to, void *new_state);

KEEL_END_DECLS

#endif // KEEL_STATE_H
