#ifndef KL_WEB_LISTENER_H
#define KL_WEB_LISTENER_H

#include "peer.h"

// The server that owns an endpoint's thread: starts it, stops it with its own end, and
// starts a process for each request and each page. Its argument is {Argument, Pages, Port}:
// the name of the dynamic supervisor of the pages, and a resource "web_port", an int that
// keeps the port the system chose for those that come after it.
extern const keel_gen_server kl_listener;

// An endpoint's options as a term, which a supervisor may keep.
keel_term kl_listener_argument(
        const keel_web_endpoint *endpoint, keel_term name, const keel_web_opts *opts);
#define KL_LISTENER_NAME 1 // where the name stands in it

void kl_listener_stats(struct kl_web *web, keel_web_stats *ret_stats);

#endif // KL_WEB_LISTENER_H
