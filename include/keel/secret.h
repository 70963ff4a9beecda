#ifndef KEEL_SECRET_H
#define KEEL_SECRET_H

#include <keel/term.h>

// Texts that are carried and not shown: a password, the address of a database that holds
// one. Arguments of children, states and messages stand in reports, in sys:get_state and in
// what a remote Observer asks for; there a secret is #Resource<secret.N>. It cannot be
// encoded for another node or for a file.

KEEL_BEGIN_DECLS

/// A copy of `text`, wiped when the last copy of the term is gone. KEEL_NONE: no memory.
/// @thread any @since 0.1
KEEL_API keel_term keel_secret(const char *text);
/// The text, valid as long as the term; NULL when `term` is no secret. @thread any @since
/// 0.1
KEEL_API const char *keel_to_secret(keel_term term);

KEEL_END_DECLS

#endif // KEEL_SECRET_H
