#ifndef KEEL_ETF_H
#define KEEL_ETF_H

#include <keel/term.h>

// Erlang's external term format, as erlang:term_to_binary/1 and binary_to_term/1: all that
// OTP 25 to 27 write is read, older forms too. Written is what OTP 26 and later write
// (atoms in UTF-8). Maps are written in key order, so equal maps have equal bytes, as with
// the option `deterministic` of term_to_binary/2. Funs of other nodes are carried through
// unchanged. A pid or reference that this node has made becomes local again when it comes
// back.

KEEL_BEGIN_DECLS

/// How to encode; zeroed: as term_to_binary/1 does.
typedef struct keel_etf_opts {
    int compress; ///< zlib level 1 to 9 when that makes it smaller; 0: never. Needs a build
                  ///< with zlib, KEEL_E_UNSUPPORTED otherwise
    bool no_version; ///< leave out the version byte 131 (inside distribution frames); not
                     ///< together with `compress`
} keel_etf_opts;

/// What decoding may cost; zeroed: the defaults given here.
typedef struct keel_etf_limits {
    size_t max_bytes; ///< of the input and of what a compressed term unpacks to; 64 MiB
    size_t max_depth; ///< of nesting; 100,000
    size_t max_words; ///< of 8 bytes that the terms may take; 32 times the input + 4 Ki
    bool existing_atoms_only; ///< as the option `safe` of binary_to_term/2
    size_t max_atoms; ///< no new atom is made while there are so many, in the whole
                      ///< program; the limit of the table
} keel_etf_limits;

/// Encodes `term` into a new binary term. OTP: erlang:term_to_binary/2.
/// @param opts  NULL: defaults
/// @return KEEL_OK, KEEL_E_NOT_ENCODABLE (a pointer or resource, or none), KEEL_E_NOMEM,
///         KEEL_E_TOO_LARGE (a binary, list or map beyond 2^32-1), KEEL_E_BADARG (opts,
///         NULL), KEEL_E_UNSUPPORTED
/// @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_etf_encode(
        keel_term term, const keel_etf_opts *opts, keel_term *ret_binary);

/// Decodes one term. The input is treated as hostile: nothing is believed before it is
/// checked, and a failed decoding leaves nothing behind but the atoms it met. Two equal
/// keys in a map are malformed. OTP: erlang:binary_to_term/2.
/// @param data      @borrows until the call returns
/// @param limits    NULL: defaults
/// @param ret_used  how many bytes the term took; NULL: the input must end with the term
/// @return KEEL_OK, KEEL_E_MALFORMED, KEEL_E_TOO_DEEP, KEEL_E_TOO_LARGE,
///         KEEL_E_SYSTEM_LIMIT (atoms), KEEL_E_BADARG (NULL; existing_atoms_only, and there
///         is a new one), KEEL_E_NOMEM, KEEL_E_UNSUPPORTED (compressed term in a build
///         without zlib)
/// @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_etf_decode(const void *data, size_t size,
        const keel_etf_limits *limits, size_t *ret_used, keel_term *ret_term);

KEEL_END_DECLS

#endif // KEEL_ETF_H
