#ifndef KL_UPGRADE_TESTING_H
#define KL_UPGRADE_TESTING_H

#include "otp_testing.h"
#include <keel/upgrade.h>

// What the tests of upgrades share. The versions of their modules are shared objects beside
// the test program: "upgrade" is a gen_server (upgrade_fixture.c), "upgrade-machine" a
// gen_statem, "upgrade-tree" a supervisor, "upgrade-pool" a dynamic supervisor.

// The path of a version; good until the next call.
const char *upgrade_object(const char *name, int version);
// Loads it and returns the module, whose kind it must be.
const void *upgrade_load(const char *name, int version, keel_module_kind kind);

#endif // KL_UPGRADE_TESTING_H
