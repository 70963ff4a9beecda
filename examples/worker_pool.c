// Ten workers with names, one of them by chance. <keel/parts/worker_pool.h> is the
// ready-made one, which lends each to one at a time.

#include "worker_pool.h"
#include <stdlib.h>

static keel_result handle_call(keel_term request, keel_from from, void *state)
{
    int64_t number;
    return keel_match(request, "{square, Number}", &number)
                   ? keel_reply(keel_int(number * number))
                   : keel_unexpected(request);
}

static const keel_gen_server worker = {
        .name = "worker",
        .state = KEEL_STATE_TERM,
        .init = keel_init_term,
        .handle_call = handle_call,
};

static keel_term init_pool(keel_term unused)
{
    keel_child_spec children[WORKER_POOL_SIZE];
    for (int i = 0; i < WORKER_POOL_SIZE; i++) {
        children[i] = keel_child(&worker, keel_nil(),
                .name = keel_atom_format("worker_%d", i + 1),
                .id = keel_make("{worker, Number}", i + 1));
    }
    return keel_supervisor_init(children, WORKER_POOL_SIZE);
}

static const keel_supervisor worker_pool = {"worker_pool", init_pool};

keel_started worker_pool_start_link(keel_term unused)
{
    return keel_supervisor_start_link_module(
            &worker_pool, unused, .name = keel_atom(worker_pool));
}

keel_term worker_pool_checkout(void)
{
    return keel_atom_format("worker_%d", rand() % WORKER_POOL_SIZE + 1);
}

keel_term worker_square(keel_term name, int64_t number)
{
    return keel_call_or_exit(name, keel_make("{square, Number}", number));
}
