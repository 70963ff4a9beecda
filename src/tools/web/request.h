#ifndef KL_WEB_REQUEST_H
#define KL_WEB_REQUEST_H

#include "peer.h"

// A request in the process that serves it.
struct keel_web_request {
    struct kl_web_peer *peer;
    struct kl_answer answer; // its headers so far
    bool answered;
};

// The body of such a process: runs the route's function. `argument` is a term of a peer.
void kl_request_run(keel_term argument);

// Has the browser remember its session, if it does not know it yet.
void kl_request_set_session(keel_web_request *request);
// The CSRF token of the session.
void kl_request_csrf(const struct kl_web_peer *peer, char digest[static KL_DIGEST_SIZE]);

#endif // KL_WEB_REQUEST_H
