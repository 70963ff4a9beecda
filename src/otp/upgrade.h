#ifndef KL_OTP_UPGRADE_H
#define KL_OTP_UPGRADE_H

#include <keel/upgrade.h>

// The version of a module that is started now: the newest under its name, or `module`
// itself when it was never upgraded. One load while nothing ever was.
const void *kl_upgrade_current(keel_module_kind kind, const char *name, const void *module);

// The extra of a supervisor's change_code that brings along another module:
// {'$keel_supervisor', Pointer}.
#define KL_UPGRADE_SUPERVISOR "{'$keel_supervisor', Module}"

#endif // KL_OTP_UPGRADE_H
