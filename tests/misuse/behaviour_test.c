// For those who write behaviours: starts, results, states, actions, system messages, child
// specifications.

#include "table.h"

static const keel_gen_server no_server = {.name = "no_server"};
static const keel_gen_statem no_machine = {.name = "no_machine"};
static const keel_sys_ops no_ops = {.module = "none"};
static const keel_state_layout no_layout;

#define OPTS(type, ...) (&(const type){.size = sizeof(type), __VA_ARGS__})

TABLE(starts, "starts: what is misused gives a clear failure in every situation")
{
    NUMBER(KEEL_OK, keel_started_ok((keel_pid){0}).status);
    NUMBER(KEEL_OK, keel_started_ok_with((keel_pid){0}, nothing).status);
    NUMBER(KEEL_E_IGNORED, keel_started_ignored().status);
    NUMBER(KEEL_E_EXIT, keel_started_failed(nothing).status);
    TERM("{error, _}", keel_started_to_term((keel_started){.status = KEEL_E_BADARG}));
    TERM("{error, _}", keel_started_to_term(keel_started_failed(nothing)));
    NUMBER(KEEL_E_EXIT, keel_started_from_term(any_word()).status);
    NUMBER(KEEL_E_EXIT, keel_started_from_term(keel_make("{ok, no_pid}")).status);
    EXITS("_", keel_started_or_exit((keel_started){.status = KEEL_E_BADARG}));
    STATUS(KEEL_E_BADARG, keel_start_register(no_atom(), keel_atom(f), never_start_child));
    STATUS(KEEL_E_BADARG, keel_start_register(keel_atom(m), no_atom(), never_start_child));
    STATUS(KEEL_E_BADARG, keel_start_register(keel_atom(m), keel_atom(f), NULL));
    EXITS("_", keel_started_or_exit(keel_start_apply(no_atom(), one, nothing)));
    EXITS("_", keel_gen_server_enter_loop(NULL, NULL, NULL));
    EXITS("_", keel_gen_server_enter_loop(&no_server, NULL, NULL));
    EXITS("_", keel_gen_statem_enter_loop(NULL, NULL, NULL));
    EXITS("_", keel_gen_statem_enter_loop(&no_machine, NULL, NULL));
}

TABLE(results, "results of callbacks: what is none is what it says")
{
    NUMBER(KEEL_RESULT_OK, keel_then_hibernate(keel_ok()).kind);
    NUMBER(KEEL_RESULT_OK, keel_init_term(nothing, &(keel_term){0}).kind);
    NUMBER(KEEL_RESULT_REPLY, keel_reply(nothing).kind);
    NUMBER(KEEL_THEN_WAIT, keel_then_timeout(keel_noreply(), INT64_MIN).then);
    NUMBER(KEEL_THEN_CONTINUE, keel_then_continue(keel_noreply(), nothing).then);
    NUMBER(KEEL_THEN_MESSAGE,
            keel_then_message(keel_noreply(), (keel_deadline){-1}, nothing).then);
    NUMBER(KEEL_RESULT_STOP, keel_stop_with(nothing).kind);
    NUMBER(KEEL_RESULT_STOP_REPLY, keel_stop_with_reply(nothing, nothing).kind);
    NUMBER(KEEL_RESULT_IGNORE, keel_ignore().kind);
    NUMBER(KEEL_RESULT_FAIL, keel_fail(nothing).kind);
    NUMBER(KEEL_RESULT_UNEXPECTED, keel_unexpected(nothing).kind);
    NUMBER(KEEL_RESULT_KEEP_STATE,
            keel_transition_make(KEEL_RESULT_KEEP_STATE, NULL, 0).kind);
    HARMLESS(keel_transition_make(77, &nothing, 1));
    HARMLESS(keel_reply_to((keel_from){0}, one));
    HARMLESS(keel_reply_to((keel_from){dead_process(), one}, nothing));
}

TABLE(states, "states and layouts: what is misused gives nothing in every situation")
{
    NOTHING(keel_state_to_term(NULL, NULL));
    HARMLESS(keel_state_to_term(&no_layout, NULL));
    NOTHING(keel_state_from_term(NULL, NULL, one));
    NOTHING(keel_state_from_term(&no_layout, NULL, no_map()));
    HARMLESS(keel_state_migrate(NULL, NULL, NULL, NULL));
    HARMLESS(keel_state_migrate(&no_layout, NULL, &no_layout, NULL));
}

TABLE(actions, "events and actions of machines: what is misused is no action")
{
    NOTHING(keel_event_is_call(&(keel_event){.type = (keel_event_type)77}));
    NOTHING(keel_event_is_cast(&(keel_event){.type = (keel_event_type)77}));
    NOTHING(keel_event_is_enter(&(keel_event){.type = (keel_event_type)77}));
    NOTHING(keel_event_type_term(NULL));
    NOTHING(keel_event_type_term(&(keel_event){.type = (keel_event_type)77}));
    TERM("{reply, undefined, 1}", keel_do_reply((keel_from){0}, one));
    TERM("postpone", keel_do_postpone());
    TERM("hibernate", keel_do_hibernate());
    NOTHING(keel_do_next_event((keel_event_type)77, one));
    TERM("{next_event, cast, undefined}", keel_do_next_event(KEEL_EVENT_CAST, nothing));
    TERM("{timeout, -1, undefined, _}", keel_do_timeout(-1, nothing));
    TERM("{timeout, _, _, _}", keel_do_timeout_at((keel_deadline){-1}, nothing));
    TERM("{timeout, update, undefined}", keel_do_update_timeout(nothing));
    TERM("{timeout, cancel}", keel_do_cancel_timeout());
    TERM("{state_timeout, _, undefined, _}", keel_do_state_timeout(INT64_MIN, nothing));
    TERM("{state_timeout, infinity, _}", keel_do_state_timeout_at(KEEL_NEVER, nothing));
    TERM("{state_timeout, update, undefined}", keel_do_update_state_timeout(nothing));
    TERM("{state_timeout, cancel}", keel_do_cancel_state_timeout());
    TERM("{{timeout, undefined}, 1, undefined, _}",
            keel_do_named_timeout(nothing, 1, nothing));
    TERM("{{timeout, undefined}, infinity, _}",
            keel_do_named_timeout_at(nothing, KEEL_NEVER, nothing));
    TERM("{{timeout, undefined}, update, _}", keel_do_update_named_timeout(nothing, one));
    TERM("{{timeout, undefined}, cancel}", keel_do_cancel_named_timeout(nothing));
    NOTHING(keel_do_change_module(NULL));
    NOTHING(keel_do_push_module(NULL));
    TERM("pop_callback_module", keel_do_pop_module());
}

TABLE(sys, "system messages in a behaviour: what is misused is refused")
{
    EXITS("{badarg, _}", keel_sys_handle(NULL, &no_ops, NULL, NULL).reason);
    EXITS("{badarg, _}", keel_sys_handle(&(keel_sys){0}, NULL, NULL, NULL).reason);
    NOTHING(keel_sys_message(NULL, &no_ops, NULL, any_word()));
    NOTHING(keel_sys_message(&(keel_sys){0}, NULL, NULL, any_word()));
    HARMLESS(keel_sys_event(NULL, NULL, NULL, one));
    HARMLESS(keel_sys_event(&(keel_sys){0}, &no_ops, NULL, nothing));
    HARMLESS(keel_sys_options(NULL, keel_nil()));
    HARMLESS(keel_sys_options(&(keel_sys){0}, any_word()));
    NOTHING(keel_sys_logged(NULL));
    NOTHING(keel_sys_logged(&(keel_sys){0}));
    HARMLESS(keel_sys_trace_sink_set(NULL, NULL));
}

TABLE(children, "child specifications: what is misused is refused")
{
    TERM("{ok, {_, []}}", keel_supervisor_init_opt(NULL, NULL));
    NOTHING(keel_supervisor_init_opt(NULL, &(keel_supervisor_opts){.count = 3}));
    WITHIN(KEEL_E_BADARG,
            keel_supervisor_check(NULL, &(keel_supervisor_opts){.strategy = 77}, NULL));
    WITHIN(KEEL_E_BADARG,
            keel_supervisor_check(NULL, &(keel_supervisor_opts){.count = 3}, NULL));
    NOTHING(keel_child_spec_to_term(NULL));
    TERM("{ok, _}", keel_dynamic_supervisor_init_opt(NULL));
    HARMLESS(keel_dynamic_supervisor_spec(NULL).id);
    HARMLESS(keel_task_supervisor_spec(NULL).id);
    HARMLESS(keel_partition_supervisor_spec(NULL, NULL).id);
    TERM("{via, _, {nobody_here, 1}}", keel_partition_term(nobody, one));
    HARMLESS(keel_agent_spec(NULL, NULL, NULL).id);
    NOTHING(keel_agent_state(nothing, nothing));
    NOTHING(keel_agent_request((keel_agent_operation)77, NULL, nothing));
    HARMLESS(keel_registry_child_opt(NULL).id);
    HARMLESS(keel_pubsub_child_opt(NULL).id);
    HARMLESS(keel_tracker_child_opt(NULL, NULL).id);
    HARMLESS(keel_discover_spec(NULL).id);
    NOTHING(keel_registry_via(nothing, one));
    NOTHING(keel_registry_via_value(one, nothing, one));
}

TABLE(tasks, "tasks that are none, or another's, are refused")
{
    EXITS("{{badarg, {not_owner, _, _}}, _}",
            keel_task_await_or_exit_within((keel_task){0}, KEEL_SECONDS(1)));
    EXITS("_", keel_task_await_many_or_exit(&(keel_task){{0}, {0}, {0}, NULL}, 1, 1));
    EXITS("_", keel_task_await_many_or_exit(NULL, 1, 1));
    HARMLESS(keel_task_to_term((keel_task){0}));
    HARMLESS(keel_task_completed(nothing).name);
    EXITS("_", keel_task_stream_all_opt(never_run, NULL, NULL));
    if (!is_inside()) {
        // Inside, a task whose function is NULL takes its owner along.
        EXITS("_", (void)!keel_task_async_named(NULL, one, NULL).pid.word);
        EXITS("_", keel_task_start_link_named(NULL, one, NULL));
        HARMLESS(keel_requests_free(keel_requests_new()));
    }
    EXITS("{noproc, _}",
            keel_task_supervisor_async_opt(nobody, never_run, "f", false, NULL).pid);
    EXITS("_", keel_task_supervisor_async_opt(any_word(), never_run, "f", true, NULL).pid);
}
