#ifndef WORKER_POOL_H
#define WORKER_POOL_H

#include <keel/keel.h>

enum { WORKER_POOL_SIZE = 10 };

keel_started worker_pool_start_link(keel_term unused);
/// The name of one of the workers, by chance.
keel_term worker_pool_checkout(void);
/// The work of a worker: the square of a number.
keel_term worker_square(keel_term worker, int64_t number);

#endif // WORKER_POOL_H
