#ifndef KL_OTP_UPGRADE_H
#define KL_OTP_UPGRADE_H

#include <keel/upgrade.h>

// The version of a module that is started now: the newest under its name, or `module`
// itself when it was never upgraded. One load while nothing ever was.
const void *kl_upgrade_current(keel_module_kind kind, const char *name, const void *module);

// The extra of a supervisor's change_code that brings along another module, or none when
// it is to go back to the one before. It goes to all supervisors, of both kinds.
#define KL_UPGRADE_SUPERVISOR "{'$keel_supervisor', Kind, Module}"

// The old version in the change_code of one that was started while the others were
// upgraded: if it runs the new one already, nothing is changed.
#define KL_UPGRADE_LATE keel_atom(late)

// Whether `extra` is such a one; then `*ret_wanted` is what takes the place of the module
// called `name`, or NULL when a supervisor of that kind and name is not meant.
bool kl_upgrade_brings(keel_term extra, keel_module_kind kind, const char *name,
        const void *previous, const void **ret_wanted);

#endif // KL_OTP_UPGRADE_H
