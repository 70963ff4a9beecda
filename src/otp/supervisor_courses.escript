#!/usr/bin/env escript
%%! -noinput
%% Random courses of a supervisor, as genuine OTP takes them: one line each, {Flags, Children,
%% Operations, Trace}. supervisor_courses.escript SEED COUNT: what supervisor_courses_test.c
%% holds came from it.
-mode(compile).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, start_child/1]).

main([Seed, Count]) ->
    rand:seed(exsss, list_to_integer(Seed)),
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    [course() || _ <- lists:seq(1, list_to_integer(Count))].

course() ->
    put(auto, pick([never, never, any_significant, all_significant])),
    Flags = {pick([one_for_one, one_for_all, rest_for_one]), rand:uniform(6) - 2 + 1, get(auto)},
    Children = [child(Id) || Id <- lists:sublist([a, b, c, d], rand:uniform(4))],
    Ops = [op() || _ <- lists:seq(1, 2 + rand:uniform(8))],
    Trace = run(Flags, Children, Ops),
    io:format("~w.~n", [{Flags, Children, Ops, Trace}]).

%% {Id, Restart, Significant, Shutdown, Trap, Fails, Ignores}
child(Id) ->
    Restart = pick([permanent, permanent, transient, temporary]),
    Significant = Restart =/= permanent andalso get(auto) =/= never andalso rand:uniform(2) =:= 1,
    {Id, Restart, Significant, pick([brutal_kill, 5000, 5000]), pick([true, true, false]),
     [N || N <- [2, 3, 4], rand:uniform(8) =:= 1] ++ [1 || rand:uniform(25) =:= 1],
     [N || N <- [1, 2, 3], rand:uniform(14) =:= 1]}.

op() ->
    Id = pick([a, b, c, d, a, b, e]),
    case rand:uniform(10) of
        X when X =< 6 -> {crash, Id, pick([boom, boom, normal, shutdown, {shutdown, x}, kill])};
        7 -> {terminate_child, Id};
        8 -> {restart_child, Id};
        9 -> {delete_child, Id};
        10 -> {start_child, child(Id)}
    end.

pick(L) -> lists:nth(rand:uniform(length(L)), L).

run({Strategy, Intensity, Auto}, Children, Ops) ->
    ets:new(starts, [named_table, public]),
    persistent_term:put(collector, self()),
    Flags = #{strategy => Strategy, intensity => Intensity, period => 3600, auto_shutdown => Auto},
    R = supervisor:start_link(?MODULE, {sup, Flags, [spec(C) || C <- Children]}),
    Trace = case R of
        {ok, Sup} ->
            T0 = [{start, ok} | seen()],
            T = T0 ++ ops(Sup, Ops),
            exit(Sup, kill), receive {'EXIT', Sup, _} -> ok after 0 -> ok end, T;
        Error -> receive {'EXIT', _, _} -> ok after 0 -> ok end, seen() ++ [{start, clean(Error)}]
    end,
    timer:sleep(1), seen(),
    ets:delete(starts),
    flush(),
    Trace.

flush() -> receive _ -> flush() after 0 -> ok end.

seen() -> receive {seen, X} -> [X | seen()] after 0 -> [] end.

ops(_, []) -> [];
ops(Sup, [Op | Ops]) ->
    Answer = try op(Sup, Op) catch exit:_ -> down end,
    timer:sleep(3),
    receive
        {'EXIT', Sup, Reason} -> seen() ++ [{down, Reason}]
    after 0 ->
        Seen = seen(),
        try
            Which = [{Id, case is_pid(P) of true -> pid; _ -> P end} || {Id, P, _, _} <- supervisor:which_children(Sup)],
            Seen ++ [{Op, Answer, Which} | ops(Sup, Ops)]
        catch exit:_ -> receive {'EXIT', Sup, Reason} -> Seen ++ seen() ++ [{down, Reason}] end
        end
    end.

op(Sup, {crash, Id, Reason}) ->
    case [P || {I, P, _, _} <- supervisor:which_children(Sup), I =:= Id, is_pid(P)] of
        [] -> none;
        [P] ->
            M = monitor(process, P),
            case Reason of kill -> exit(P, kill); _ -> gen_server:cast(P, {exit, Reason}) end,
            receive {'DOWN', M, _, _, R} -> R end
    end;
op(Sup, {terminate_child, Id}) -> supervisor:terminate_child(Sup, Id);
op(Sup, {restart_child, Id}) -> clean(supervisor:restart_child(Sup, Id));
op(Sup, {delete_child, Id}) -> supervisor:delete_child(Sup, Id);
op(Sup, {start_child, Child}) -> clean(supervisor:start_child(Sup, spec(Child))).

clean({ok, P}) when is_pid(P) -> {ok, pid};
clean({error, {already_started, _}}) -> {error, already_started};
clean({error, {R, T}}) when element(1, T) =:= child -> {error, {R, child}};
clean(X) -> X.

spec({Id, Restart, Significant, Shutdown, _, _, _} = C) ->
    #{id => Id, start => {?MODULE, start_child, [C]}, restart => Restart, significant => Significant, shutdown => Shutdown}.

start_child(C) -> gen_server:start_link(?MODULE, {child, C}, []).

tell(X) -> persistent_term:get(collector) ! {seen, X}.

init({sup, Flags, Specs}) -> {ok, {Flags, Specs}};
init({child, {Id, _, _, _, Trap, Fails, Ignores}}) ->
    N = ets:update_counter(starts, Id, 1, {Id, 0}),
    process_flag(trap_exit, Trap),
    Fail = lists:member(N, Fails), Ignore = lists:member(N, Ignores),
    tell({if Fail -> fail; Ignore -> ignore; true -> init end, Id, N}),
    if Fail -> {stop, moody}; Ignore -> ignore; true -> {ok, Id} end.
handle_call(_, _, S) -> {reply, ok, S}.
handle_cast({exit, R}, S) -> {stop, R, S}.
handle_info(_, S) -> {noreply, S}.
terminate(Reason, Id) -> tell({terminate, Id, Reason}).
