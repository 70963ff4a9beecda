#ifndef KEEL_WEB_JSON_H
#define KEEL_WEB_JSON_H

#include <keel/term.h>

// JSON and terms.
//
//   term                                JSON
//   map                                 object, its keys in term order
//   {[{Key, Value}, …]}                 object, in the order given; read: always a map
//   list                                array
//   binary                              string (read: keys too)
//   integer, float                      number
//   true, false, nil                    true, false, null (written: undefined too)
//   any other atom                      string
//   anything else                       a string, as Erlang prints it

KEEL_BEGIN_DECLS

/// The text of `term` as a binary; KEEL_NONE of none. What is no UTF-8 in a string is
/// replaced.
/// @thread any @since 0.1
KEEL_API keel_term keel_json_encode(keel_term term);

/// Where and why keel_json_decode gave up.
typedef struct keel_json_error {
    int line, column; ///< counted from 1; 0: not known
    char text[160];
} keel_json_error;

/// Reads one JSON value; input is taken to be hostile. An object's keys become binaries and
/// must differ; a string with a NUL in it is refused.
/// @param ret_error  may be NULL
/// @return KEEL_OK, KEEL_E_SYNTAX, KEEL_E_TOO_DEEP (over 64 levels), KEEL_E_BADARG (NULL)
/// @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_json_decode(
        const char *text, size_t size, keel_term *ret_term, keel_json_error *ret_error);

KEEL_END_DECLS

#endif // KEEL_WEB_JSON_H
