#include "wait.h"

#include <ev.h>
#include <libwebsockets.h>

// With libev; NULL when its half of libwebsockets is not installed.
static struct lws_context *open_with_events(
        struct kl_wait *wait, struct lws_context_creation_info info)
{
    struct ev_loop *events = ev_loop_new(EVFLAG_AUTO);
    // The loop is ours: of its own it would take SIGINT for itself.
    void *loops[] = {events};
    info.foreign_loops = loops;
    info.options |= LWS_SERVER_OPTION_LIBEV;
    struct lws_context *context = events != NULL ? lws_create_context(&info) : NULL;
    if (context == NULL && events != NULL) {
        ev_loop_destroy(events);
        events = NULL;
    }
    wait->events = events;
    return context;
}

struct lws_context *kl_wait_open(
        struct kl_wait *wait, struct lws_context_creation_info *info)
{
    *wait = (struct kl_wait){0};
    struct lws_context *context = open_with_events(wait, *info);
    return context != NULL ? context : lws_create_context(info);
}

bool kl_wait_serve(struct kl_wait *wait, struct lws_context *context)
{
    if (wait->events == NULL) {
        return lws_service(context, 0) >= 0;
    }
    ev_run(wait->events, EVRUN_ONCE);
    return true;
}

void kl_wait_close(struct kl_wait *wait, struct lws_context *context)
{
    lws_context_destroy(context);
    if (wait->events != NULL) {
        ev_loop_destroy(wait->events);
    }
}
