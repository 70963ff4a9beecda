#ifndef RATE_LIMITER_H
#define RATE_LIMITER_H

#include <keel/keel.h>

/// {Limit, WindowMs}: so many requests of each user in a window.
keel_started rate_limiter_start_link(keel_term limit_and_window);
/// The atom ok or rate_limited.
keel_term rate_limiter_check(keel_term user);

#endif // RATE_LIMITER_H
