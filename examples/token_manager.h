#ifndef TOKEN_MANAGER_H
#define TOKEN_MANAGER_H

#include <keel/keel.h>

/// `options` is {Url, Count}: the database as a binary, and how many tokens there are.
keel_started token_manager_start_link(keel_term options);
/// Lends a token: a free one, else the one in use for longest. Its number, or 0.
int64_t token_manager_use(const char *user);
/// Releases what has been active for more than two minutes; how many.
int64_t token_manager_check_and_release_expired(void);

#endif // TOKEN_MANAGER_H
