#ifndef KL_PARTS_POOL_PRIVATE_H
#define KL_PARTS_POOL_PRIVATE_H

#include "options.h"

#include <keel/gen_server.h>
#include <keel/parts/pool.h>

#define KL_POOL_HANDLE "pool_connection"

extern const keel_gen_server kl_pool_server; // its argument: packed options
extern const struct kl_options kl_pool_options;

// What a handle holds open; NULL when it is none.
void *kl_pool_connection(keel_term handle);

#endif // KL_PARTS_POOL_PRIVATE_H
