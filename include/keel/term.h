// Longer than 250 lines because a user meets terms as one thing, and each function has its
// line.
#ifndef KEEL_TERM_H
#define KEEL_TERM_H

#include <keel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Terms: the values that processes keep, send and compare. One 64-bit word each; what
// does not fit in it is boxed and immutable.
//
// The lifetime rule. What is received or built lives until the callback (or the body)
// that received or built it returns, or until the innermost keel_scope is closed.
// keel_keep copies what must live longer. In a thread outside the runtime the same holds
// for the thread's own scope. Sanitizer builds poison what has expired.
//
// When memory runs out while a process builds a term, that process ends with reason
// `system_limit`; outside a process the builder returns KEEL_NONE. It does so everywhere
// when a part of what it shall build is none, is of another type, or lies at NULL.

KEEL_BEGIN_DECLS

/// A value, or none: `(keel_term){0}` is no term at all.
typedef struct keel_term {
    uint64_t word;
} keel_term;

/// Identifies a process; zeroed: none. A pid of another node is a boxed term and follows
/// the lifetime rule, one of this node is always valid.
typedef struct keel_pid {
    uint64_t word;
} keel_pid;

/// A unique reference; zeroed: none. Follows the lifetime rule like keel_pid.
typedef struct keel_ref {
    uint64_t word;
} keel_ref;

/// Bytes lent by a term: valid as long as the term.
typedef struct keel_bytes {
    const uint8_t *data;
    size_t size;
} keel_bytes;

/// The absence of a term, a pid, a reference.
#define KEEL_NONE keel_none()
static inline keel_term keel_none(void)
{
    keel_term none = {0};
    return none;
}
static inline bool keel_is_none(keel_term term)
{
    return term.word == 0;
}

typedef enum keel_type {
    KEEL_TYPE_NONE, ///< no term
    KEEL_TYPE_INTEGER, ///< small or big
    KEEL_TYPE_FLOAT,
    KEEL_TYPE_ATOM,
    KEEL_TYPE_REF,
    KEEL_TYPE_FUN, ///< exported or opaque
    KEEL_TYPE_PORT,
    KEEL_TYPE_PID,
    KEEL_TYPE_TUPLE,
    KEEL_TYPE_MAP,
    KEEL_TYPE_NIL, ///< the empty list
    KEEL_TYPE_LIST, ///< a cell: head and tail
    KEEL_TYPE_BINARY, ///< a whole number of bytes
    KEEL_TYPE_BITSTRING, ///< its last byte is used in part
    KEEL_TYPE_RESOURCE, ///< a C pointer with its destructor
    KEEL_TYPE_POINTER, ///< a bare C pointer
} keel_type;

/// Returns what `term` is. @thread any @since 0.1
KEEL_API keel_type keel_type_of(keel_term term);
/// Returns the name of a type, such as "tuple"; static. @thread any @since 0.1
KEEL_API const char *keel_type_name(keel_type type);

// --- atoms ---

/// The limit of an atom's length, as in OTP: characters, not bytes.
#define KEEL_ATOM_CHARS_MAX 255

/// An atom written as a word: `keel_atom(ok)`. Resolved once per place, then one load.
#define keel_atom(name) keel_atom_text(#name)
/// The same from a string literal: `keel_atom_text("Elixir.MyApp")`.
#define keel_atom_text(literal)                                                            \
    (__extension__({                                                                       \
        static keel_atom_site keel_site_ = {"" literal, 0};                                \
        keel_atom_at(&keel_site_);                                                         \
    }))
/// True when `term` is the atom written as a word: `keel_is(request, reset)`.
#define keel_is(term, name) ((term).word == keel_atom_text(#name).word)

/// A place in the program that names an atom; made by keel_atom().
typedef struct keel_atom_site {
    const char *text;
    uint64_t word; ///< 0 until resolved; read and written atomically
} keel_atom_site;

/// Resolves a place; exits the process (reason system_limit) or, outside, returns
/// KEEL_NONE when the atom table is full. Use keel_atom(). @thread any @since 0.1
KEEL_API keel_term keel_atom_resolve(keel_atom_site *site);
static inline keel_term keel_atom_at(keel_atom_site *site)
{
    keel_term atom = {__atomic_load_n(&site->word, __ATOMIC_RELAXED)};
    return atom.word != 0 ? atom : keel_atom_resolve(site);
}

/// Interns `size` bytes of UTF-8. Atoms are never freed: do not make them of what users
/// type. OTP: erlang:binary_to_atom/2.
/// @param ret_atom  the atom
/// @return KEEL_OK, KEEL_E_BADARG (not UTF-8, over 255 characters), KEEL_E_SYSTEM_LIMIT
///         (the table is full), KEEL_E_NOMEM
/// @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_atom_from(
        const char *text, size_t size, keel_term *ret_atom);
/// As keel_atom_from, but only for atoms that exist: KEEL_E_BADARG otherwise, nothing is
/// made. OTP: erlang:binary_to_existing_atom/2. @thread any @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_atom_existing(
        const char *text, size_t size, keel_term *ret_atom);
/// The atom of a text formatted as by printf: `keel_atom_format("worker_%d", i)`, for names
/// of which there are few. KEEL_NONE when the text is not UTF-8 or over 255 characters; a
/// table that is full ends the process. @thread any @since 0.1
KEEL_API keel_term keel_atom_format(const char *format, ...)
        __attribute__((format(printf, 1, 2)));
/// Returns the text of an atom: static, NUL-terminated UTF-8; NULL when `atom` is none.
/// @thread any @since 0.1
KEEL_API const char *keel_atom_name(keel_term atom);
/// Returns how many atoms exist; `ret_limit` (may be NULL) gets how many may.
/// @thread any @since 0.1
KEEL_API size_t keel_atom_count(size_t *ret_limit);

// --- making ---

/// Integer; boxed when it needs more than 62 bits. @thread any @since 0.1
KEEL_API keel_term keel_int(int64_t value);
/// @thread any @since 0.1
KEEL_API keel_term keel_uint(uint64_t value);
/// Big integer from its magnitude, least significant byte first. @thread any @since 0.1
KEEL_API keel_term keel_int_from_bytes(
        bool negative, const uint8_t *magnitude, size_t size);
/// Float; infinities and NaN are no terms and give KEEL_NONE. @thread any @since 0.1
KEEL_API keel_term keel_float(double value);
/// The atom true or false. @thread any @since 0.1
KEEL_API keel_term keel_bool(bool value);
/// The empty list. @thread any @since 0.1
KEEL_API keel_term keel_nil(void);
/// A list cell; `tail` is usually a list. @thread any @since 0.1
KEEL_API keel_term keel_cons(keel_term head, keel_term tail);
/// A proper list of `count` items. @thread any @since 0.1
KEEL_API keel_term keel_list(const keel_term *items, size_t count);
/// A tuple of `count` items (0 to 2^24-1). @thread any @since 0.1
KEEL_API keel_term keel_tuple(const keel_term *items, size_t count);
/// A tuple of the terms given: `keel_tuple_of(keel_atom(ok), pid)`. And a list of them.
#ifdef __cplusplus
KEEL_END_DECLS
template <size_t count> inline keel_term keel_tuple_of_(const keel_term (&terms)[count])
{
    return keel_tuple(terms, count);
}
template <size_t count> inline keel_term keel_list_of_(const keel_term (&terms)[count])
{
    return keel_list(terms, count);
}
#define keel_tuple_of(...) keel_tuple_of_({__VA_ARGS__})
#define keel_list_of(...) keel_list_of_({__VA_ARGS__})
KEEL_BEGIN_DECLS
#else
#define keel_tuple_of(...)                                                                 \
    keel_tuple((const keel_term[]){__VA_ARGS__},                                           \
            sizeof((const keel_term[]){__VA_ARGS__}) / sizeof(keel_term))
#define keel_list_of(...)                                                                  \
    keel_list((const keel_term[]){__VA_ARGS__},                                            \
            sizeof((const keel_term[]){__VA_ARGS__}) / sizeof(keel_term))
#endif
/// A binary: the bytes are copied. Over 64 bytes they are shared when sent.
/// @thread any @since 0.1
KEEL_API keel_term keel_binary(const void *data, size_t size);
/// A binary from a NUL-terminated string. @thread any @since 0.1
KEEL_API keel_term keel_string(const char *text);
/// A binary formatted as by printf. @thread any @since 0.1
KEEL_API keel_term keel_format(const char *format, ...)
        __attribute__((format(printf, 1, 2)));
/// A list of character codes, as Erlang strings are. @thread any @since 0.1
KEEL_API keel_term keel_charlist(const char *text);
/// A binary whose `size` bytes the caller fills in before anybody else sees the term.
/// @param ret_data  where to write: valid as long as the term
/// @thread any @since 0.1
KEEL_API keel_term keel_binary_new(size_t size, uint8_t **ret_data);
/// A binary that shares `data` with the caller and calls `release` when its last holder
/// is gone (from any thread). @thread any @since 0.1
KEEL_API keel_term keel_binary_share(
        const void *data, size_t size, void (*release)(void *context), void *context);
/// The first `bits` bits of `data`. @thread any @since 0.1
KEEL_API keel_term keel_bitstring(const void *data, size_t bits);
/// A part of a binary without copying. KEEL_NONE when it does not lie inside.
/// OTP: binary:part/3. @thread any @since 0.1
KEEL_API keel_term keel_binary_part(keel_term binary, size_t offset, size_t size);
/// A map of `count` pairs: keys[i] => values[i]; of equal keys the last counts.
/// @thread any @since 0.1
KEEL_API keel_term keel_map(const keel_term *keys, const keel_term *values, size_t count);
/// A bare pointer. It means something in this OS process only; nothing owns it.
/// @thread any @since 0.1
KEEL_API keel_term keel_pointer(const void *pointer);
/// A pointer with a destructor, shared by all copies of the term: `destroy` runs when the
/// last one is gone, also when no term came of it, on any thread; it may not call Keel.
/// @thread any @since 0.1
KEEL_API keel_term keel_resource(
        const char *type, void *pointer, void (*destroy)(void *pointer));
/// A unique reference. OTP: erlang:make_ref/0. @thread any @since 0.1
KEEL_API keel_ref keel_make_ref(void);

static inline keel_term keel_from_pid(keel_pid pid)
{
    keel_term term = {pid.word};
    return term;
}
static inline keel_term keel_from_ref(keel_ref ref)
{
    keel_term term = {ref.word};
    return term;
}

// --- reading: each is_ answers, each to_ gives a harmless value for another type; the
// place for a result may be NULL ---

KEEL_API bool keel_is_int(keel_term term); ///< integer of any size @thread any @since 0.1
KEEL_API bool keel_is_float(keel_term term);
KEEL_API bool keel_is_atom(keel_term term);
KEEL_API bool keel_is_bool(keel_term term);
KEEL_API bool keel_is_pid(keel_term term);
KEEL_API bool keel_is_ref(keel_term term);
KEEL_API bool keel_is_tuple(keel_term term);
KEEL_API bool keel_is_list(keel_term term); ///< nil or a cell
KEEL_API bool keel_is_nil(keel_term term);
KEEL_API bool keel_is_map(keel_term term);
KEEL_API bool keel_is_binary(keel_term term);
KEEL_API bool keel_is_bitstring(keel_term term); ///< binaries too, as in OTP

/// The integer, or 0 when `term` is none or does not fit. @thread any @since 0.1
KEEL_API int64_t keel_to_int(keel_term term);
/// True and the value when `term` is an integer that fits. @thread any @since 0.1
KEEL_API bool keel_get_int(keel_term term, int64_t *ret_value);
KEEL_API bool keel_get_uint(keel_term term, uint64_t *ret_value);
/// The float, or the integer as a float, or 0. @thread any @since 0.1
KEEL_API double keel_to_float(keel_term term);
/// True for the atom true only. @thread any @since 0.1
KEEL_API bool keel_to_bool(keel_term term);
/// The pid, or none. @thread any @since 0.1
KEEL_API keel_pid keel_to_pid(keel_term term);
/// The reference, or none. @thread any @since 0.1
KEEL_API keel_ref keel_to_ref(keel_term term);
/// The bytes of a binary, or {NULL, 0}. @thread any @since 0.1
KEEL_API keel_bytes keel_to_bytes(keel_term term);
/// The number of bits of a bitstring; its bytes through keel_bits_data. @thread any
/// @since 0.1
KEEL_API size_t keel_bit_size(keel_term term);
/// The bytes that hold a bitstring, the last one filled up with zero bits; borrowed.
/// @thread any @since 0.1
KEEL_API const uint8_t *keel_bits_data(keel_term term);
/// The pointer of a pointer or resource term; NULL for another type, and for a resource
/// of another type than `type` (NULL: any). @thread any @since 0.1
KEEL_API void *keel_to_pointer(keel_term term, const char *type);

/// The number of elements of a tuple; 0 for another type. @thread any @since 0.1
KEEL_API size_t keel_tuple_size(keel_term tuple);
/// Element `index`, counted from 0; KEEL_NONE when there is none. @thread any @since 0.1
KEEL_API keel_term keel_element(keel_term tuple, size_t index);
/// A copy of the tuple with one element replaced; KEEL_NONE when there is none.
/// OTP: erlang:setelement/3, but counted from 0. @thread any @since 0.1
KEEL_API keel_term keel_set_element(keel_term tuple, size_t index, keel_term value);

/// Head and tail of a cell; KEEL_NONE for another type. @thread any @since 0.1
KEEL_API keel_term keel_head(keel_term list);
KEEL_API keel_term keel_tail(keel_term list);
/// True and the length when `list` is proper. @thread any @since 0.1
KEEL_API bool keel_list_length(keel_term list, size_t *ret_length);
/// Takes the next item off `*list`: `while (keel_list_next(&list, &item))`. Ends at nil and
/// at an improper tail, which `*list` then holds. @thread any @since 0.1
KEEL_API bool keel_list_next(keel_term *list, keel_term *ret_item);
/// The list reversed; KEEL_NONE when it is improper. @thread any @since 0.1
KEEL_API keel_term keel_list_reverse(keel_term list);
/// `left` ++ `right`; KEEL_NONE when `left` is improper. @thread any @since 0.1
KEEL_API keel_term keel_list_append(keel_term left, keel_term right);
/// True when `item` is (=:=) in the list. OTP: lists:member/2. @thread any @since 0.1
KEEL_API bool keel_list_member(keel_term item, keel_term list);
/// The first `count` items, or all when there are fewer; KEEL_NONE when `list` is improper
/// before. OTP: lists:sublist/2. @thread any @since 0.1
KEEL_API keel_term keel_list_take(keel_term list, size_t count);
/// The value of `key` in a list of pairs, or KEEL_NONE. OTP: proplists:get_value/2.
/// @thread any @since 0.1
KEEL_API keel_term keel_proplist_get(keel_term list, keel_term key);

/// The number of pairs; 0 for another type. @thread any @since 0.1
KEEL_API size_t keel_map_size(keel_term map);
/// The value of `key`, or KEEL_NONE. @thread any @since 0.1
KEEL_API keel_term keel_map_get(keel_term map, keel_term key);
/// The value of `key`, or `otherwise`. OTP: maps:get/3. @thread any @since 0.1
KEEL_API keel_term keel_map_get_or(keel_term map, keel_term key, keel_term otherwise);
/// A map with `key` set; costs a copy of the map. @thread any @since 0.1
KEEL_API keel_term keel_map_put(keel_term map, keel_term key, keel_term value);
/// A map without `key`. @thread any @since 0.1
KEEL_API keel_term keel_map_remove(keel_term map, keel_term key);
/// Pair `index` in key order: true while there is one. @thread any @since 0.1
KEEL_API bool keel_map_at(
        keel_term map, size_t index, keel_term *ret_key, keel_term *ret_value);

/// A fun `module:function/arity`. @thread any @since 0.1
KEEL_API keel_term keel_export(keel_term module, keel_term function, uint8_t arity);

// --- comparing ---

/// =:= : the same value, 1 and 1.0 apart; 0.0 and -0.0 are the same, as up to OTP 26.
/// Comparing terms nested very deep needs memory; without any the process ends, and outside
/// of one the program. @thread any @since 0.1
KEEL_API bool keel_equal(keel_term left, keel_term right);
/// == : numbers by value. @thread any @since 0.1
KEEL_API bool keel_equal_value(keel_term left, keel_term right);
/// Negative, zero, positive: Erlang's term order, zero exactly when ==. @thread any
/// @since 0.1
KEEL_API int keel_compare(keel_term left, keel_term right);
/// A hash such that =:= terms have equal ones; differs between runs of the program.
/// @thread any @since 0.1
KEEL_API uint64_t keel_hash(keel_term term);
/// The hash of erlang:phash2/2: the same on every node, in 0 … range-1 (range 1 to 2^32,
/// else the result is 0). Exact for every term that Erlang has; resources and pointers,
/// which it has not, hash differently in each run. @thread any @since 0.1
KEEL_API uint32_t keel_phash2(keel_term term, uint64_t range);

// --- text ---

/// How to print; zeroed: everything, on one line.
typedef struct keel_print_opts {
    size_t max_bytes; ///< cut after so many bytes, with "..."; 0: no limit
    uint32_t max_depth; ///< deeper parts print as "..."; 0: no limit
    uint32_t max_items; ///< items of one list, tuple, map; 0: no limit
} keel_print_opts;

/// Prints `term` in Erlang notation into `buffer`, NUL-terminated and cut to `size`.
/// @param opts  NULL: everything
/// @param buffer  NULL: the text is only measured
/// @return the length the whole text has, as snprintf does
/// @thread any
/// @since 0.1
KEEL_API size_t keel_print(
        char *buffer, size_t size, keel_term term, const keel_print_opts *opts);
/// The text of `term` as a NUL-terminated string that lives as terms do; for messages:
/// `printf("%s\n", keel_show(term))`. Bounded to 64 KiB. @thread any @since 0.1
KEEL_API const char *keel_show(keel_term term);

/// Where and why keel_parse gave up.
typedef struct keel_parse_error {
    size_t offset; ///< bytes from the start
    unsigned line, column; ///< counted from 1
    const char *message; ///< static
} keel_parse_error;

/// Reads one term in Erlang notation; a final full stop is allowed, comments are skipped.
/// Pids, references and funs have no notation and are refused.
/// @param ret_error  may be NULL
/// @return KEEL_OK, KEEL_E_SYNTAX, KEEL_E_TOO_DEEP (over 1,000 levels), KEEL_E_TOO_LARGE,
///         KEEL_E_SYSTEM_LIMIT (atoms), KEEL_E_NOMEM, KEEL_E_BADARG (NULL)
/// @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_parse(
        const char *text, size_t size, keel_term *ret_term, keel_parse_error *ret_error);
/// Reads the next of several terms, each ended by a full stop, as in a configuration file;
/// `*offset` moves past it. Returns KEEL_E_NOPROC never; at the end of the text KEEL_OK
/// with `*ret_term` KEEL_NONE. OTP: file:consult/1. @thread any @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_parse_next(const char *text, size_t size,
        size_t *offset, keel_term *ret_term, keel_parse_error *ret_error);

// --- lifetimes ---

/// Copies `term` into memory of its own that the calling process (or, outside, the
/// program) holds until keel_drop, or until the process ends. Immediate terms are
/// returned as they are. @thread any @since 0.1
KEEL_API keel_term keel_keep(keel_term term);
/// Gives back what keel_keep returned; immediate terms and KEEL_NONE are fine.
/// @thread any, but for a process's term only that process @since 0.1
KEEL_API void keel_drop(keel_term term);
/// Keeps `term` in `*slot` (NULL: nothing happens) and drops what was there:
/// `keel_set(&state->name, name)`. What was there is gone then: to return or send it,
/// keel_copy it before.
/// @thread as keel_keep @since 0.1
KEEL_API void keel_set(keel_term *slot, keel_term term);

/// Copies `term` into memory that belongs to nobody, for tables that several processes
/// read: it stays until keel_drop_shared, whoever ends meanwhile. Immediate terms are
/// returned as they are. KEEL_NONE, also in a process, when there is no memory.
/// @thread any @since 0.1
KEEL_API keel_term keel_keep_shared(keel_term term);
/// Gives back what keel_keep_shared returned; nobody may read it any more. Immediate terms
/// and KEEL_NONE are fine. @thread any @since 0.1
KEEL_API void keel_drop_shared(keel_term term);
/// A copy of `term` that lives as what is built here and now does: for what others keep
/// and may drop. @thread any @since 0.1
KEEL_API keel_term keel_copy(keel_term term);

/// A mark in the memory of terms: what is built or received after it is opened expires
/// when it is closed. Scopes nest and are closed innermost first.
typedef struct keel_scope {
    void *heap;
    void *mark[4];
} keel_scope;

/// Opens a scope: for loops in bodies, and in threads outside. @thread any @since 0.1
KEEL_API keel_scope keel_scope_open(void);
/// Closes it. @thread any @since 0.1
KEEL_API void keel_scope_close(keel_scope *scope);
/// Closes it and carries `term` over into the enclosing scope. @thread any @since 0.1
KEEL_API keel_term keel_scope_close_with(keel_scope *scope, keel_term term);

KEEL_END_DECLS

#endif // KEEL_TERM_H
