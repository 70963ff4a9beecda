#include "wait.h"

#include <libwebsockets.h>

struct lws_context *kl_wait_open(
        struct kl_wait *wait, struct lws_context_creation_info *info)
{
    *wait = (struct kl_wait){0};
    return lws_create_context(info);
}

bool kl_wait_serve(struct kl_wait *wait, struct lws_context *context)
{
    (void)wait;
    return lws_service(context, 0) >= 0;
}

void kl_wait_close(struct kl_wait *wait, struct lws_context *context)
{
    (void)wait;
    lws_context_destroy(context);
}
