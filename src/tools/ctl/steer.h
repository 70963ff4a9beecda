#ifndef KL_TOOLS_CTL_STEER_H
#define KL_TOOLS_CTL_STEER_H

#include "command.h"

// What the verbs say when a program has done what they asked for; `row` is its answer.

void kl_ctl_kill_print(const struct kl_ctl_out *out, keel_term row);
void kl_ctl_trace_print(const struct kl_ctl_out *out, keel_term row);
void kl_ctl_call_print(const struct kl_ctl_out *out, keel_term row);

#endif // KL_TOOLS_CTL_STEER_H
