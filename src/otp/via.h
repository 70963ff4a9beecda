#ifndef KL_OTP_VIA_H
#define KL_OTP_VIA_H

#include <keel/via.h>

// Turns a server's name into what the runtime can send to: a pid, an atom, {Name, Node}.
// KEEL_E_NOPROC when a keeper of names knows nobody, KEEL_E_BADARG when `server` is no
// name.
keel_status kl_via_resolve(keel_term server, keel_term *ret_to);
// The keeper of names `module`, or NULL.
const keel_via_ops *kl_via_ops_of(keel_term module);

#endif // KL_OTP_VIA_H
