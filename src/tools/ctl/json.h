#ifndef KL_TOOLS_CTL_JSON_H
#define KL_TOOLS_CTL_JSON_H

#include <keel/term.h>
#include <stdio.h>

// Rows as JSON. A binary is a string (what is not UTF-8 in it becomes U+FFFD), a list an
// array, a map an object; what has no like in JSON is a string in Erlang notation.
void kl_ctl_json_term(FILE *file, keel_term term);
void kl_ctl_json_string(FILE *file, const void *data, size_t size);

#endif // KL_TOOLS_CTL_JSON_H
