#ifndef KL_WEB_LISTENER_H
#define KL_WEB_LISTENER_H

#include "peer.h"

// The server that owns an endpoint's thread: starts it, stops it with its own end, and
// starts a process for each request and each page. Its argument is {Settings, Pages, Port}:
// what kl_listener_settings gave, the name of the dynamic supervisor of the pages, and a
// resource "web_port", an int that keeps the port the system chose for those that come
// after it.
extern const keel_gen_server kl_listener;

// An endpoint and its options as a resource, which a supervisor may keep: reports show a
// child's argument, and two of the options are secrets. KEEL_NONE: no memory.
keel_term kl_listener_settings(
        const keel_web_endpoint *endpoint, const keel_web_opts *opts);

void kl_listener_stats(struct kl_web *web, keel_web_stats *ret_stats);

#endif // KL_WEB_LISTENER_H
