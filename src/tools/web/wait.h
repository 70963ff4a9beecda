#ifndef KL_WEB_WAIT_H
#define KL_WEB_WAIT_H

#include <stdbool.h>

// How the loop waits for its connections. By itself libwebsockets asks the kernel about
// every descriptor at each wake, which with 10,000 pages costs a millisecond each time;
// with libev it hears of those alone that something has happened to. The build takes
// wait_ev.c where libev is, wait_poll.c elsewhere.

struct lws_context;
struct lws_context_creation_info;

struct kl_wait {
    void *events; // libev's loop; NULL: libwebsockets waits by itself
};

// Makes the context; NULL: the system refused. Ended by kl_wait_close in any case.
struct lws_context *kl_wait_open(
        struct kl_wait *wait, struct lws_context_creation_info *info);
// Waits until something has happened and has the callbacks called; false: it cannot go on.
bool kl_wait_serve(struct kl_wait *wait, struct lws_context *context);
// Frees the context, which may be NULL, and what it waited with.
void kl_wait_close(struct kl_wait *wait, struct lws_context *context);

#endif // KL_WEB_WAIT_H
