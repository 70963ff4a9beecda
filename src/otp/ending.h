#ifndef KL_OTP_ENDING_H
#define KL_OTP_ENDING_H

#include <keel/gen.h>

// What the ends of behaviours have in common.

// True unless the reason is normal, shutdown or {shutdown, _}: then there is a report.
bool kl_end_is_abnormal(keel_term reason);
// Who made the call that was being handled: {Pid, {Name, []}}, {Pid, dead}; undefined when
// `from` is none.
keel_term kl_end_client(keel_from from);
// {Why, [{Module, Callback, Arity, []}]}: a callback is missing.
keel_term kl_end_undef(
        const char *module, const char *callback, unsigned arity, keel_term why);
// {Class, Reason, Stack} of an exit reason: an error's carries its stack.
keel_term kl_end_class(keel_term reason);
// The status through the module's format_status (or none), which may fail: then state and
// data are hidden.
keel_term kl_end_format_status(
        const char *module, keel_term (*format)(keel_term status), keel_term status);

#endif // KL_OTP_ENDING_H
