// What a BEAM's Observer asks of a node, asked by a real BEAM.

#include "cluster_testing.h"
#include "testing/harness.h"
#include <keel/keel.h>
#include <string.h>

#define HERE "c@127.0.0.1"
#define THERE "beam@127.0.0.1"
#define RPC(module, function, arguments)                                                   \
    "rpc:call('" HERE "', " module ", " function ", " arguments ")"
#define SERVER "S = " RPC("erlang", "whereis", "[server]") ", "

static struct kl_epmd_daemon epmd;
static struct kl_beam beam;

struct number {
    int64_t value;
};

static keel_result init(keel_term unused, void *state)
{
    (void)unused;
    ((struct number *)state)->value = 7;
    keel_process_put(keel_atom(color), keel_atom(red));
    return keel_ok();
}

static const keel_gen_server counting = {
        .name = "counting",
        .state = KEEL_STATE(struct number, value),
        .init = init,
};

static keel_started start_server(keel_term name)
{
    return keel_gen_server_start_link(&counting, keel_nil(), .name = name);
}

static keel_started start_tree(keel_term type, keel_term argument)
{
    (void)type;
    (void)argument;
    keel_child_spec children[] = {keel_child_fn(start_server, keel_atom(server))};
    keel_term top = keel_atom(top);
    return keel_supervisor_start_link(children, 1, .name = top);
}

static const keel_application shown = {
        .name = "shown",
        .description = "an application to look at",
        .version = "1.2",
        .start = start_tree,
};

static void begin(bool allowed)
{
    kl_testing_needs("erl");
    kl_epmd_daemon_start(&epmd);
    kl_beam_start(&beam, &epmd, THERE, "biscuit", NULL);
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_term name = keel_application_register(&shown);
    CHECK_OK(keel_application_start(name, KEEL_TEMPORARY, NULL));
    CHECK_OK(keel_observer_allow(allowed));
    CHECK_OK(keel_node_start(&(keel_node_config){
            .name = HERE, .cookie = "biscuit", .epmd_port = epmd.port}));
}

static void finish(void)
{
    CHECK_OK(keel_observer_allow(false));
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_application_stop_all());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
    kl_beam_stop(&beam);
    kl_epmd_daemon_stop(&epmd);
}

TEST("nothing can be looked at before it is allowed, or afterwards", .timeout_s = 120)
{
    begin(false);
    CHECK_STR(kl_beam_eval(&beam, RPC("observer_backend", "sys_info", "[]")),
            "{badrpc,notsup}");
    CHECK_OK(keel_observer_allow(true));
    CHECK_STR(kl_beam_eval(&beam, "is_list(" RPC("observer_backend", "sys_info", "[]") ")"),
            "true");
    CHECK_OK(keel_observer_allow(false));
    CHECK_STR(kl_beam_eval(&beam, RPC("erlang", "processes", "[]")), "{badrpc,notsup}");
    finish();
}

TEST("the system page of Observer has every field it shows", .timeout_s = 120)
{
    begin(true);
    CHECK_STR(kl_beam_eval(&beam, RPC("code", "ensure_loaded", "[observer_backend]")),
            "{module,observer_backend}");
    CHECK_STR(kl_beam_eval(&beam,
                      "I = " RPC("observer_backend", "sys_info",
                              "[]") ", [K || {K, _} <- observer_backend:sys_info(), "
                                    "not lists:keymember(K, 1, I)]"),
            "[]");
    CHECK_STR(kl_beam_eval(&beam,
                      "{M, T} = {" RPC("erlang", "memory", "[]") ", " RPC("erlang",
                              "memory", "[total]") "}, [is_integer(T), T > 0 | "
                                                   "[K || {K, _} <- erlang:memory(), "
                                                   "not lists:keymember(K, 1, M)]]"),
            "[true,true]");
    CHECK_STR(
            kl_beam_eval(&beam, "[{_, In}, {_, Out}] = tuple_to_list(" RPC("erlang",
                                        "statistics", "[io]") "), In > 0 andalso Out > 0"),
            "true");
    CHECK_STR(kl_beam_eval(&beam, RPC("erlang", "system_info", "[schedulers]")), "2");
    CHECK_STR(kl_beam_eval(&beam, RPC("erlang", "system_info", "[{wordsize, external}]")),
            "8");
    CHECK_STR(kl_beam_eval(&beam, "element(1, element(2, " RPC(
                                          "erlang", "system_info", "[nonsense]") "))"),
            "'EXIT'");
    CHECK_STR(kl_beam_eval(&beam, RPC("observer_backend", "get_port_list", "[]")), "[]");
    CHECK_STR(kl_beam_eval(&beam, RPC("observer_backend", "get_table_list", "[ets, []]")),
            "[]");
    CHECK_STR(kl_beam_eval(&beam, RPC("erlang", "function_exported",
                                          "[observer_backend, procs_info, 1]")),
            "true");
    CHECK_STR(kl_beam_eval(&beam, RPC("erlang", "function_exported", "[os, cmd, 1]")),
            "false");
    finish();
}

TEST("the processes page streams from a process that Observer spawns here",
        .timeout_s = 120)
{
    begin(true);
    CHECK_STR(kl_beam_eval(&beam, SERVER
                      "process_flag(trap_exit, true), "
                      "P = spawn_link('" HERE "', observer_backend, procs_info, [self()]), "
                      "L = receive {procs_info, P, Rows} -> Rows end, "
                      "receive {'EXIT', P, W} -> W end, "
                      "{W, [list_to_tuple([element(N, R) || N <- [1, 5, 7, 8]]) || R <- L, "
                      "element(2, R) =:= S]}"),
            "{normal,[{etop_proc_info,server,{counting,init,1},0}]}");
    CHECK_STR(
            kl_beam_eval(&beam,
                    "P = spawn_link('" HERE "', observer_backend, etop_collect, [self()]), "
                    "I = receive {P, Info} -> Info end, "
                    "{element(1, I), tuple_size(I), element(3, I) =:= length(element(9, "
                    "I)), length(element(5, I))}"),
            "{etop_info,9,true,2}");
    CHECK_STR(kl_beam_eval(&beam,
                      "P = spawn_link('" HERE
                      "', observer_backend, fetch_stats, [self(), 5]), "
                      "S = receive {stats, 1, T, {{input, _}, {output, _}}, M} -> "
                      "{length(T), is_list(M)} end, unlink(P), P ! stop, S"),
            "{2,true}");
    finish();
}

TEST("a process's own window opens with all it shows", .timeout_s = 120)
{
    begin(true);
    CHECK_STR(kl_beam_eval(
                      &beam, SERVER RPC("erlang", "process_info", "[S, registered_name]")),
            "{registered_name,server}");
    CHECK_STR(kl_beam_eval(&beam,
                      SERVER RPC("'Elixir.Process'", "info", "[S, registered_name]")),
            "{registered_name,server}");
    CHECK_STR(
            kl_beam_eval(&beam, SERVER "{is_list(" RPC("'Elixir.Process'", "info",
                                        "[S]") "), " RPC("'Elixir.Process'", "'alive?'",
                                        "[S]") ", lists:member(S, " RPC("'Elixir.Process'",
                                        "list", "[]") ")}"),
            "{true,true,true}");
    CHECK_STR(kl_beam_eval(&beam, SERVER
                      "Items = [binary, catchlevel, current_function, error_handler, "
                      "garbage_collection, group_leader, heap_size, initial_call, "
                      "last_calls, links, memory, message_queue_len, monitored_by, "
                      "monitors, priority, reductions, registered_name, "
                      "sequential_trace_token, stack_size, status, suspending, "
                      "total_heap_size, trace, trap_exit], "
                      "L = " RPC("erlang", "process_info",
                              "[S, Items]") ", "
                                            "{[K || {K, _} <- L] =:= Items, "
                                            "proplists:get_value(status, L), "
                                            "proplists:get_value(initial_call, L)}"),
            "{true,waiting,{counting,init,1}}");
    CHECK_STR(
            kl_beam_eval(&beam, SERVER "lists:member({color, red}, element(2, " RPC(
                                        "erlang", "process_info", "[S, dictionary]") "))"),
            "true");
    CHECK_STR(kl_beam_eval(&beam, SERVER RPC("erlang", "process_info", "[S, messages]")),
            "{messages,[]}");
    CHECK_STR(kl_beam_eval(&beam, SERVER "element(1, " RPC("erlang", "process_info",
                                          "[S, current_stacktrace]") ")"),
            "current_stacktrace");
    CHECK_STR(kl_beam_eval(&beam, SERVER "{status, S, {module, M}, [_, running, _, _, _]} "
                                         "= " RPC("sys", "get_status", "[S, 200]") ", M"),
            "gen_server");
    CHECK_STR(kl_beam_eval(&beam, SERVER RPC("sys", "get_state", "[S]")), "#{value => 7}");
    CHECK_STR(kl_beam_eval(&beam, SERVER RPC("proc_lib", "translate_initial_call", "[S]")),
            "{keel,'counting:init/1',1}");
    CHECK_STR(kl_beam_eval(&beam, RPC("keel", "module_info", "[attributes]")),
            "[{behaviour,[gen_server]}]");
    CHECK_STR(kl_beam_eval(&beam, "element(1, element(2, " RPC("erlang", "process_info",
                                          "[self(), links]") "))"),
            "'EXIT'");
    CHECK_STR(kl_beam_eval(&beam, SERVER
                      "exit(S, kill), timer:sleep(0), (fun F() -> case " RPC("erlang",
                              "process_info",
                              "[S, links]") " of undefined -> gone; _ -> F() "
                                            "end end)(), " RPC(
                                                    "'Elixir.Process'", "info", "[S]")),
            "nil");
    finish();
}

TEST("the applications page gets the trees of supervisors, and their changes",
        .timeout_s = 120)
{
    begin(true);
    CHECK_STR(kl_beam_eval(&beam,
                      "{ok, A} = appmon_info:start_link('" HERE "', self(), []), "
                      "{ok, A} = appmon_info:start_link('" HERE "', self(), []), "
                      "appmon_info:app_ctrl(A, node(A), true, [{timeout, 1000}]), "
                      "L = receive {delivery, A, app_ctrl, _, Apps} -> Apps end, "
                      "[element(3, X) || X <- L, element(2, X) =:= shown]"),
            "[{shown,[97,110,32,97,112,112,108,105,99,97,116,105,111,110,32,116,111,32,108,"
            "111,111,107,32,97,116],[49,46,50]}]");
    CHECK_STR(kl_beam_eval(&beam,
                      "{ok, A} = appmon_info:start_link('" HERE "', self(), []), "
                      "appmon_info:app(A, shown, true, []), "
                      "{R, N, K, X} = receive {delivery, A, app, shown, Tree} -> Tree end, "
                      "{list_to_atom(R), lists:sort([list_to_atom(T) || {_, T} <- N]), "
                      "[{list_to_atom(F), list_to_atom(T)} || {F, T} <- K], X}"),
            "{top,[server,top],[{top,server}],[]}");
    CHECK_STR(kl_beam_eval(&beam, SERVER
                      "{ok, A} = appmon_info:start_link('" HERE "', self(), []), "
                      "appmon_info:app(A, shown, true, []), "
                      "receive {delivery, A, app, shown, _} -> ok end, exit(S, kill), "
                      "receive {delivery, A, app, shown, {_, N, _, _}} -> "
                      "lists:keymember(S, 1, N) end"),
            "false");
    finish();
}
