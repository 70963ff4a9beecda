#include "here.h"

#include "testing/harness.h"

#include <pthread.h>

static void *ask(void *ret)
{
    *(struct kl_here **)ret = kl_here();
    return NULL;
}

TEST("every thread has a record of its own, which begins empty")
{
    struct kl_here *mine = kl_here();
    struct kl_here *other = NULL;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, ask, &other) == 0);
    pthread_join(thread, NULL);
    CHECK(other != NULL && other != mine);
    CHECK(mine == &kl_here_record);
    CHECK(mine->runner == NULL && mine->process == NULL);
}
