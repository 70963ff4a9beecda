#ifndef KL_OTP_STRATEGY_H
#define KL_OTP_STRATEGY_H

#include <keel/supervisor.h>

// What the end of a child means for it, its siblings and its supervisor: decided from
// values alone.

// What is known of a child that has ended by itself.
struct kl_child_end {
    keel_restart restart;
    bool abnormal; // with anything but normal, shutdown, {shutdown, _}
    bool significant;
    bool last_significant; // no other significant child runs
    keel_auto_shutdown auto_shutdown;
};

struct kl_child_verdict {
    bool restart; // start it anew, if the intensity allows
    bool forget; // its specification goes
    bool report; // as child_terminated
    bool shut_down; // the supervisor ends
};
struct kl_child_verdict kl_strategy_child_ended(struct kl_child_end end);

// Which siblings are stopped, in reverse order, before the child and they are started.
enum kl_strategy_scope { KL_SCOPE_CHILD, KL_SCOPE_LATER, KL_SCOPE_ALL };
enum kl_strategy_scope kl_strategy_scope(keel_strategy strategy);

// True when a supervisor that stopped a child should say that it ended otherwise than told.
struct kl_shutdown_end {
    keel_restart restart;
    bool told_to_die; // brutal_kill
    bool ran_out_of_time;
    enum {
        KL_END_NORMAL,
        KL_END_SHUTDOWN,
        KL_END_SHUTDOWN_TERM,
        KL_END_KILLED,
        KL_END_OTHER
    } how;
};
bool kl_strategy_shutdown_failed(struct kl_shutdown_end end);

#endif // KL_OTP_STRATEGY_H
