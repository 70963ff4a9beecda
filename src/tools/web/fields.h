#ifndef KL_WEB_FIELDS_H
#define KL_WEB_FIELDS_H

#include <keel/term.h>

// Fields of forms and queries as maps of binaries to binaries. Of two fields with the same
// name the last counts. At most 256; what is beyond, and what has a NUL in it, is left out.

// "name=value" each ended by NUL, decoded.
keel_term kl_fields_of_pairs(const char *pairs, size_t size);
// "name=value&…" as a form or an address has it.
keel_term kl_fields_of_form(const char *text, size_t size);
// The other way: a binary.
keel_term kl_fields_encode(keel_term map);

#endif // KL_WEB_FIELDS_H
