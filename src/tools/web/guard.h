#ifndef KL_WEB_GUARD_H
#define KL_WEB_GUARD_H

#include <stdbool.h>
#include <stddef.h>

// Who may ask: secrets, tokens, cookies, origins. Pure functions but for the randomness.

// A keyed digest in hex, NUL included.
#define KL_DIGEST_SIZE 65
// A session's id in hex, NUL included.
#define KL_SESSION_SIZE 33

// Random bytes for secrets, in hex; false when the system has none.
bool kl_guard_random(char *hex, size_t size);
// HMAC-SHA256 of `purpose` and `text` under `secret`.
void kl_guard_digest(const char *secret, const char *purpose, const char *text,
        char digest[static KL_DIGEST_SIZE]);
// Compares in a time that does not tell where they differ.
bool kl_guard_same(const char *left, const char *right);

// Copies the cookie `name` out of a Cookie header (may be NULL); false when it is not there
// or does not fit.
bool kl_guard_cookie(const char *header, const char *name, char *value, size_t size);
// True for the form of a session's id: a cookie may hold anything.
bool kl_guard_is_session(const char *text);

// True when `address` can be reached from this machine only.
bool kl_guard_is_loopback(const char *address);
// True when the Host header names localhost, `address` or one of `hosts`, separated by
// blanks; whatever the port.
bool kl_guard_host_allowed(const char *host, const char *address, const char *hosts);
// True when the Origin header names the Host that was asked.
bool kl_guard_same_origin(const char *origin, const char *host);

#endif // KL_WEB_GUARD_H
