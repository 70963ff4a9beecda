#ifndef KL_OTP_COPY_H
#define KL_OTP_COPY_H

#include <keel/term.h>

// A copy of `term` among those of the callback, for terms that refer to kept ones which are
// about to be dropped: closing a scope copies what it carries over.
static inline keel_term kl_copy_here(keel_term term)
{
    keel_scope scope = keel_scope_open();
    return keel_scope_close_with(&scope, term);
}

#endif // KL_OTP_COPY_H
