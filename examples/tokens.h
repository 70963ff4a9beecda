#ifndef TOKENS_H
#define TOKENS_H

#include <keel/keel.h>

/// Tokens in a database, lent for two minutes. `options` is {Url, Count}: the database as a
/// binary, and how many tokens there are.
keel_started tokens_start_link(keel_term options);
/// Lends a token: a free one, else the one in use for longest. Its number, or 0.
int64_t tokens_use(const char *user);
/// Releases what has been active for more than two minutes: {ok, Count} or {error, Reason}.
keel_term tokens_release_expired(void);

#endif // TOKENS_H
