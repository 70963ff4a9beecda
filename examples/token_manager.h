#ifndef TOKEN_MANAGER_H
#define TOKEN_MANAGER_H

#include <keel/keel.h>

/// Releases what has expired: {ok, Count} or {error, Reason}.
typedef keel_term (*token_manager_release)(void);

/// @param release  a function; called every 30 s and when somebody asks
keel_started token_manager_start_link(keel_term release);
/// What `release` gave.
keel_term token_manager_check_and_release_expired(void);

#endif // TOKEN_MANAGER_H
