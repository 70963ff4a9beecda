// The behaviours: servers, machines, supervisors, tasks, agents, and what is asked of them.

#include "table.h"

static keel_term never_replace(keel_term state, void *context)
{
    return never(state, keel_bool(context != NULL));
}

static keel_term never_watch(keel_term watch, keel_term event, keel_term state)
{
    return never(never(watch, event), state);
}

static const keel_gen_server no_server = {.name = "no_server"};
static const keel_gen_statem no_machine = {.name = "no_machine"};
static const keel_supervisor no_supervisor = {.name = "no_supervisor"};
static const keel_dynamic_supervisor no_dynamic = {.name = "no_dynamic"};

#define CHILD (&(keel_child_spec){.id = one, .start = never_start_child})

TABLE(servers, "servers: what is misused gives a clear failure in every situation")
{
    UNSTARTED(KEEL_E_BADARG, keel_gen_server_start_opt(NULL, NULL));
    UNSTARTED(KEEL_E_EXIT, keel_gen_server_start_opt(&no_server, NULL)); // no init: undef
    UNSTARTED(KEEL_E_BADARG, keel_gen_server_start_link_opt(NULL, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_gen_server_start_monitor_opt(NULL, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_gen_server_start_child(NULL, NULL));
    UNSERVED(keel_call_term(server, one, SOON, &result));
    WITHIN(KEEL_E_BADARG, keel_call_term(nothing, one, SOON, NULL));
    WITHIN(KEEL_E_BADARG, keel_call_term(nobody, nothing, SOON, &result));
    UNSERVED(keel_gen_server_stop_term(server, keel_atom(normal), SOON, NULL));
    UNSERVED(keel_gen_server_upgrade_term(server, &no_server, one, NULL));
    WITHIN(KEEL_E_BADARG, keel_gen_server_upgrade_term(nobody, NULL, one, NULL));
    WITHIN(KEEL_E_BADARG, keel_cast_term(nothing, one));
    STATUS(KEEL_E_BADARG, keel_cast_term(nobody, nothing));
    EXITS("{noproc, {_, call, _}}", keel_call_or_exit_term(nobody, one, KEEL_SECONDS(5)));
    EXITS("{badarg, {_, call, _}}", keel_call_or_exit_term(nothing, one, KEEL_SECONDS(5)));
}

TABLE(machines, "state machines: what is misused gives a clear failure in every situation")
{
    UNSTARTED(KEEL_E_BADARG, keel_gen_statem_start_opt(NULL, NULL));
    UNSTARTED(KEEL_E_EXIT, keel_gen_statem_start_opt(&no_machine, NULL)); // no init: undef
    UNSTARTED(KEEL_E_BADARG, keel_gen_statem_start_link_opt(NULL, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_gen_statem_start_monitor_opt(NULL, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_gen_statem_start_child(NULL, NULL));
    UNSERVED(keel_gen_statem_upgrade_term(server, &no_machine, one, NULL));
    EXITS("{noproc, {_, call, _}}",
            keel_gen_statem_call_or_exit_term(nobody, one, KEEL_SECONDS(5)));
    STATUS(KEEL_E_BADARG, keel_gen_statem_reply(nothing));
    STATUS(KEEL_E_BADARG, keel_gen_statem_reply(one));
}

TABLE(supervisors, "supervisors: what is misused gives a clear failure in every situation")
{
    UNSTARTED(KEEL_E_EXIT,
            keel_supervisor_start_link_opt(NULL, &(keel_supervisor_opts){.strategy = 77}));
    UNSTARTED(KEEL_E_BADARG, keel_supervisor_start_link_module_opt(NULL, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_supervisor_start_link_module_opt(&no_supervisor, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_supervisor_start_child_module(NULL, NULL));
    UNSERVED(keel_supervisor_start_child_term(server, NULL).status);
    UNSERVED(keel_supervisor_start_child_of_term(server, keel_nil()).status);
    UNSERVED(keel_supervisor_restart_child_term(server, one).status);
    UNSERVED(keel_supervisor_ask_term(server, keel_atom(which_children), one, &result));
    UNSERVED(keel_supervisor_count_children_term(server, NULL));
    UNSTARTED(KEEL_E_EXIT,
            keel_dynamic_supervisor_start_link_opt(KEEL_OPTS(keel_dynamic_supervisor_opts,
                    .size = sizeof(keel_dynamic_supervisor_opts),
                    .strategy = KEEL_ONE_FOR_ALL)));
    UNSTARTED(KEEL_E_BADARG, keel_dynamic_supervisor_start_link_module_opt(NULL, NULL));
    UNSTARTED(KEEL_E_BADARG,
            keel_dynamic_supervisor_start_link_module_opt(&no_dynamic, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_dynamic_supervisor_start_child_module(NULL, NULL));
    UNSERVED(keel_dynamic_supervisor_start_child_term(server, CHILD).status);
    UNSTARTED(KEEL_E_BADARG, keel_dynamic_supervisor_start_child_term(nobody, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_partition_supervisor_start_link_opt(NULL, NULL));
    WITHIN(KEEL_E_NOPROC, keel_partition_supervisor_partitions_term(nobody, NULL));
    WITHIN(KEEL_E_NOPROC, keel_partition_supervisor_resize_term(nobody, 2, NULL));
    WITHIN(KEEL_E_NOPROC, keel_partition_supervisor_resize_term(one, 2, NULL));
    UNSERVED(keel_task_supervisor_children_term(server, &result));
    UNSERVED(keel_task_supervisor_start_child_opt(server, never_run, "never_run", NULL)
                     .status);
}

TABLE(tasks, "tasks and agents: what is misused gives a clear failure in every situation")
{
    STATUS(KEEL_E_BADARG, keel_task_await_many(NULL, 3, SOON, &result, NULL));
    STATUS(KEEL_E_BADARG, keel_task_yield_many_opt(NULL, NULL, NULL));
    REFUSED(keel_task_await_within((keel_task){0}, SOON, NULL));
    REFUSED(keel_task_yield((keel_task){0}, SOON, NULL));
    REFUSED(keel_task_shutdown((keel_task){0}, KEEL_SECONDS(1), NULL));
    REFUSED(keel_task_ignore((keel_task){0}, NULL));
    EXITS("{{badarg, {inputs, undefined}}, _}",
            (void)!keel_task_stream_open_opt(never_run, NULL, NULL));
    HARMLESS(keel_task_start_named(NULL, one, "none")); // the task ends with undef
    HARMLESS(keel_task_start_named(NULL, one, NULL));
    HARMLESS(keel_task_spec(NULL, one, NULL).id);
    NOTHING(keel_task_stream_next(NULL, &result));
    HARMLESS(keel_task_stream_close(NULL));
    UNSTARTED(KEEL_E_BADARG, keel_agent_start_named(NULL, NULL, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_agent_start_link_named(NULL, NULL, NULL));
}

TABLE(requests,
        "requests and names: what is misused gives a clear failure in every situation")
{
    NOTHING(keel_send_request_term(nothing, one).ref);
    NOTHING(keel_send_request_term(one, one).ref);
    REFUSED(keel_wait_response((keel_request){0}, SOON, &result));
    REFUSED(keel_receive_response((keel_request){0}, SOON, &result));
    REFUSED(keel_check_response(one, (keel_request){0}, &result));
    STATUS(KEEL_E_BADARG, keel_requests_add(NULL, (keel_request){0}, one));
    REFUSED(keel_requests_wait(NULL, SOON, true, NULL));
    REFUSED(keel_requests_receive(NULL, SOON, true, NULL));
    REFUSED(keel_requests_check(NULL, one, true, NULL));
    NOTHING(keel_requests_size(NULL));
    NOTHING(keel_requests_list(NULL));
    HARMLESS(keel_requests_free(NULL));
    NOTHING(keel_multi_call(one, nobody, one, SOON));
    STATUS(KEEL_E_BADARG, keel_abcast(one, nobody, one));
    STATUS(KEEL_E_BADARG, keel_abcast(keel_nil(), one, one));
    NOTHING(keel_server_whereis_term(nothing));
    STATUS(KEEL_E_BADARG, keel_server_send_term(nothing, one));
    STATUS(KEEL_E_BADARG, keel_via_register(one, NULL));
    STATUS(KEEL_E_BADARG, keel_start_register(one, one, NULL));
    EXITS("{undef, [{no, no, [], []}]}",
            keel_started_or_exit(
                    keel_start_apply(keel_atom(no), keel_atom(no), keel_nil())));
}

TABLE(sys, "system messages and upgrades: what is misused gives a clear failure in every "
           "situation")
{
    UNSERVED(keel_sys_request_term(server, keel_atom(get_state), SOON, &result));
    UNSERVED(keel_sys_get_state_term(server, &result));
    UNSERVED(keel_sys_replace_state_term(server, never_replace, NULL, &result));
    WITHIN(KEEL_E_BADARG, keel_sys_replace_state_term(nobody, NULL, NULL, NULL));
    UNSERVED(keel_sys_get_status_term(server, &result));
    UNSERVED(keel_sys_simple_term(server, keel_atom(suspend)));
    UNSERVED(keel_sys_debug_term(server, keel_atom(trace), keel_bool(true), &result));
    UNSERVED(keel_sys_log_to_file_term(server, NULL));
    UNSERVED(keel_sys_install_term(server, one, never_watch, one));
    WITHIN(KEEL_E_BADARG, keel_sys_install_term(nobody, one, NULL, one));
    UNSERVED(keel_sys_remove_term(server, one, never_watch));
    UNSERVED(keel_sys_change_code_term(server, one, one, one, &result));
    REFUSED(keel_upgrade_servers(NULL, one, NULL));
    REFUSED(keel_upgrade_statems(NULL, one, NULL));
    REFUSED(keel_upgrade_supervisors(NULL, one, NULL));
    REFUSED(keel_upgrade_dynamic_supervisors(NULL, one, NULL));
    REFUSED(keel_module_load(NULL, NULL, NULL));
    REFUSED(keel_upgrade_file(NULL, one, NULL));
    NOTHING(keel_upgrade_version(KEEL_MODULE_GEN_SERVER, NULL));
}
