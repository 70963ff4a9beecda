#!/usr/bin/env escript
%%! -noinput
%% What genuine OTP reports of a number of ends: one line each, {Case, [{Level, Report}, …]},
%% with words for what differs from run to run. What report_cases_test.c holds came from it.
-mode(compile).
-export([init/1, callback_mode/0, handle_event/4, handle_call/3, handle_cast/2, terminate/2,
         terminate/3, log/2, start_child/1, body/1]).

main([]) ->
    persistent_term:put(collector, self()),
    logger:set_primary_config(level, debug),
    logger:remove_handler(default),
    logger:add_handler(collector, ?MODULE, #{filters => []}),
    process_flag(trap_exit, true),
    [show(Case, ends(Case)) || Case <- cases()].

log(#{level := Level, msg := {report, Report}}, _) ->
    persistent_term:get(collector) ! {report, Level, Report};
log(_, _) -> ok.

cases() ->
    [{server, Callback, How} || Callback <- [call, cast], How <- hows()] ++
    [{machine, Callback, How} || Callback <- [call, cast], How <- hows()] ++
    [{body, How} || How <- [{error, oops}, {exit, shutdown}, {exit, normal}]] ++
    [{child, Restart, How} || Restart <- [permanent, transient, temporary],
                              How <- [{stop, oops}, {stop, normal}, {stop, shutdown}]] ++
    [unexpected, too_many, start_error, shutdown_error, brutal_kill].

hows() -> [{stop, oops}, {stop, normal}, {stop, {shutdown, x}}, {exit, oops}, {error, oops}].

ends({server, Callback, How}) ->
    {ok, Pid} = gen_server:start({local, reporter}, ?MODULE, server, []),
    await(Pid, fun() -> send(Callback, gen_server, Pid, How) end);
ends({machine, Callback, How}) ->
    {ok, Pid} = gen_statem:start({local, reporter}, ?MODULE, machine, []),
    await(Pid, fun() -> send(Callback, gen_statem, Pid, How) end);
ends({body, How}) ->
    Pid = proc_lib:spawn(?MODULE, body, [How]),
    await(Pid, fun() -> Pid ! go end);
ends({child, Restart, How}) ->
    {ok, Sup} = start(#{}, [child(a, #{restart => Restart})]),
    [{a, Pid, _, _}] = supervisor:which_children(Sup),
    await(Pid, fun() -> gen_server:cast(Pid, How) end),
    stop(Sup);
ends(unexpected) ->
    {ok, Pid} = gen_server:start({local, reporter}, ?MODULE, server, []),
    Pid ! hello,
    gen_server:stop(Pid);
ends(too_many) ->
    {ok, Sup} = start(#{intensity => 0}, [child(a, #{}), child(b, #{})]),
    [_, {a, Pid, _, _}] = supervisor:which_children(Sup),
    await(Sup, fun() -> gen_server:cast(Pid, {stop, oops}) end);
ends(start_error) ->
    start(#{}, [child(a, #{}), child(b, #{start => {?MODULE, start_child, [fail]}})]);
ends(shutdown_error) ->
    {ok, Sup} = start(#{}, [child(a, #{start => {?MODULE, start_child, [fails_at_end]}})]),
    stop(Sup);
ends(brutal_kill) ->
    {ok, Sup} = start(#{}, [child(a, #{shutdown => brutal_kill})]),
    stop(Sup).

start(Flags, Children) -> supervisor:start_link({local, top}, ?MODULE, {Flags, Children}).
stop(Sup) -> await(Sup, fun() -> exit(Sup, shutdown) end).
child(Id, Spec) -> maps:merge(#{id => Id, start => {?MODULE, start_child, [server]}}, Spec).
start_child(Argument) -> gen_server:start_link(?MODULE, Argument, []).
body(How) -> receive go -> do(How) end.

await(Pid, F) ->
    Ref = monitor(process, Pid),
    F(),
    receive {'DOWN', Ref, _, _, _} -> ok end.

send(call, Module, Pid, How) -> catch Module:call(Pid, How);
send(cast, Module, Pid, How) -> Module:cast(Pid, How).

%% --- the callbacks ---
init(fail) -> {stop, moody};
init(server) -> {ok, data};
init(fails_at_end) -> process_flag(trap_exit, true), {ok, fails_at_end};
init(machine) -> {ok, idle, data};
init({Flags, Children}) -> {ok, {Flags, Children}}.
callback_mode() -> handle_event_function.
handle_call(How, _, S) -> do(How, S).
handle_cast(How, S) -> do(How, S).
handle_event(_, How, _, _) -> do(How).
terminate(_, fails_at_end) -> exit(fell_over);
terminate(_, _) -> ok.
terminate(_, _, _) -> ok.
do(How, S) -> case do(How) of {stop, R} -> {stop, R, S}; Other -> Other end.
do({stop, R}) -> {stop, R};
do({exit, R}) -> exit(R);
do({error, R}) -> error(R).

%% --- showing ---
show(Case, _) ->
    timer:sleep(20),
    put(exits, Case =:= shutdown_error orelse is_tuple(Case) andalso
               element(1, element(tuple_size(Case), Case)) =:= exit),
    io:format("~w.~n", [{Case, lists:sort(reports())}]).

reports() ->
    receive
        {report, Level, Report} -> [{Level, plain(Report)} | reports()];
        {'EXIT', _, _} -> reports()
    after 0 -> []
    end.

plain(Report) ->
    plain_term(maps:without([report_cb], Report)).

plain_term(X) when is_pid(X) -> pid;
plain_term(X) when is_reference(X) -> ref;
plain_term([{M, F, A, L} | _]) when is_atom(M), is_atom(F), is_list(L),
                                    (is_integer(A) orelse is_list(A)) -> stack;
plain_term({initial_call, _}) -> {initial_call, mfa};
plain_term({mfargs, _}) -> {mfargs, mfa};
plain_term([{Key, N} | T]) when is_integer(N), (Key =:= heap_size orelse Key =:= stack_size
                                                orelse Key =:= reductions) -> plain_term(T);
plain_term([H | T]) -> [plain_term(H) | plain_term(T)];
plain_term(T) when is_tuple(T) -> list_to_tuple([plain_term(E) || E <- tuple_to_list(T)]);
plain_term(M) when is_map(M) -> maps:from_list([plain_pair(K, V) || {K, V} <- maps:to_list(M)]);
plain_term(X) -> X.

plain_pair(K, _) when K =:= modules; K =:= module -> {K, m};
plain_pair(reason, {R, [_ | _]} = Reason) -> % exit keeps no stack with us
    case get(exits) of true -> {reason, R}; false -> {reason, plain_term(Reason)} end;
plain_pair(state, fails_at_end) -> {state, undefined}; % it may be gone when terminate fails
plain_pair(K, V) -> {K, plain_term(V)}.
