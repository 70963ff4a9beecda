#include "core.h"

#include "runner.h"

#include <pthread.h>

// A forked child has the memory of the runtime but none of its threads. It may end or
// replace itself by another program; anything else is told clearly instead of hanging.

static uint32_t forked; // written in the child while it has one thread
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void note_child(void)
{
    if (!kl_core_running()) {
        return;
    }
    kl_store_relaxed(&forked, 1);
    struct kl_runner *runner = kl_runner_self();
    if (runner) {
        // Forked by a task: every bracket now fails, so that each call comes to the check.
        kl_store_relaxed(&runner->lost, 1);
    }
}

static void register_child(void)
{
    pthread_atfork(NULL, NULL, note_child);
}

void kl_core_watch_fork(void)
{
    pthread_once(&once, register_child);
}

void kl_core_check_fork(void)
{
    if (__builtin_expect(kl_load_relaxed(&forked) != 0, 0)) {
        kl_panic(
                "the runtime was used in a forked child: its threads stayed in the parent; "
                "a child may only call exec() or _exit()");
    }
}
