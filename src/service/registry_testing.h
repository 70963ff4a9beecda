#ifndef KL_SERVICE_REGISTRY_TESTING_H
#define KL_SERVICE_REGISTRY_TESTING_H

// What the tests of the registry share; for tests only.

#include "proc/proc_testing.h"
#include <keel/registry.h>
#include <string.h>

#define REG keel_atom(test_registry)

// Starts test_registry linked to the caller, which traps exits from then on.
static inline keel_pid start_registry(keel_registry_keys keys, int partitions)
{
    keel_trap_exit(true);
    keel_started started = keel_registry_start_link(.name = REG, .keys = keys,
            .partitions = partitions);
    CHECK_OK(started.status);
    return started.pid;
}

// Stops it; what its end sends to the caller is taken away.
static inline void stop_registry(keel_pid supervisor)
{
    keel_unlink(supervisor);
    CHECK_OK(keel_gen_server_stop(supervisor, keel_atom(normal), SOON));
    keel_flush();
}

// A puppet's act: registers itself; {Registry, Key, Value}.
static inline keel_term act_register(keel_term what)
{
    keel_pid pid = {0};
    keel_status status = keel_registry_register(
            keel_element(what, 0), keel_element(what, 1), keel_element(what, 2), &pid);
    return keel_tuple_of(keel_int(status), keel_from_pid(pid));
}

// A puppet that has `key` with `value`.
static inline keel_pid new_holder(keel_term key, keel_term value)
{
    keel_pid pid = new_puppet();
    CHECK_TERM(ask(pid, act_register, keel_tuple_of(REG, key, value)), "{0, _}");
    return pid;
}

// Registers the caller; must work.
static inline void put(keel_term key, keel_term value)
{
    CHECK_OK(keel_registry_register(REG, key, value, NULL));
}

// Runs fn and gives the reason it failed with, KEEL_NONE when it did not.
static inline keel_term failure_of(void (*fn)(void *context), void *context)
{
    keel_term reason = KEEL_NONE;
    keel_status status = keel_try(fn, context, &reason);
    return status == KEEL_E_EXIT ? reason : KEEL_NONE;
}

#endif // KL_SERVICE_REGISTRY_TESTING_H
