#ifndef KL_OTP_STATE_CHANGE_H
#define KL_OTP_STATE_CHANGE_H

#include <keel/state.h>

// A change of a behaviour's state by a function that may refuse or fail: then the state is
// what it was. With another layout the fields move over by name first.
struct kl_state_change {
    const keel_state_layout *from, *to;
    void *state;
    // Changes `state`, laid out as `to`; gives the atom ok, else why not.
    keel_term (*change)(void *context, void *state);
    void *context;
};

// The atom ok or why not; {'EXIT', Reason} when the function failed. `*ret_moved` is memory
// of keel_alloc that holds the state from now on, NULL when it stays where it is.
keel_term kl_state_change(const struct kl_state_change *change, void **ret_moved);

// A version as code_change gets it: a binary, or the atom undefined.
static inline keel_term kl_state_version(const char *version)
{
    return version == NULL ? keel_atom(undefined) : keel_string(version);
}

#endif // KL_OTP_STATE_CHANGE_H
