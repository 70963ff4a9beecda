#ifndef KL_TERM_ATOM_H
#define KL_TERM_ATOM_H

#include "value.h"

// The text of an atom, whose size costs no strlen.
keel_bytes kl_atom_bytes(keel_term atom);
// What erlang:phash2/1 makes of the atom's text.
uint32_t kl_atom_portable_hash(keel_term atom);
// Orders two atoms by their characters, as Erlang does.
int kl_atom_compare(keel_term left, keel_term right);

#endif // KL_TERM_ATOM_H
