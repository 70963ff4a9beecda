#ifndef KL_CLUSTER_OBSERVER_H
#define KL_CLUSTER_OBSERVER_H

#include <keel/observer.h>

// The functions that tools of OTP call, each with the list of its arguments. A call that
// OTP would fail with badarg fails so here.

// --- observer_process.c: about processes ---
keel_term kl_observer_processes(keel_term arguments); // erlang:processes/0
keel_term kl_observer_process_info(keel_term arguments); // erlang:process_info/1,2
keel_term kl_observer_elixir_info(keel_term arguments); // 'Elixir.Process':info/1,2
keel_term kl_observer_initial_call(
        keel_term arguments); // proc_lib:translate_initial_call/1
keel_term kl_observer_get_status(keel_term arguments); // sys:get_status/1,2
keel_term kl_observer_get_state(keel_term arguments); // sys:get_state/1,2
// observer_backend:procs_info/1: {procs_info, Self, Infos}, in parts
keel_term kl_observer_procs_info(keel_term arguments);
keel_term kl_observer_etop(keel_term arguments); // observer_backend:etop_collect/1
// The name or the pid as `text`, for trees.
size_t kl_observer_title(keel_pid pid, char *text, size_t room);

// --- observer_system.c: about the whole ---
keel_term kl_observer_sys_info(keel_term arguments); // observer_backend:sys_info/0
keel_term kl_observer_system_info(keel_term arguments); // erlang:system_info/1
keel_term kl_observer_memory(keel_term arguments); // erlang:memory/0,1
keel_term kl_observer_statistics(keel_term arguments); // erlang:statistics/1
keel_term kl_observer_fetch_stats(keel_term arguments); // observer_backend:fetch_stats/2

// --- observer_tree.c: the tree of an application ---
keel_term kl_observer_appmon(keel_term arguments); // appmon_info:start_link2/3

// The process ends with badarg, as OTP's functions do.
KEEL_NORETURN void kl_observer_badarg(void);
// The argument at `index`, or badarg.
keel_term kl_observer_argument(keel_term arguments, size_t index);
// An atom of a text of this program's: the name of a function, a handler, an item.
keel_term kl_observer_atom(const char *text);

#endif // KL_CLUSTER_OBSERVER_H
