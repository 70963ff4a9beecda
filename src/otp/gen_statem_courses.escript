#!/usr/bin/env escript
%%! -noinput
%% Random courses of a state machine, as genuine OTP takes them: one line each,
%% {Enters or none, [Result, ...], Seen, StateAtTheEnd, Postponed, Timeouts}.
%% gen_statem_courses.escript SEED COUNT: what gen_statem_courses_test.c holds came from it.
%% With a third argument `log` each has what sys:log told of it as a seventh element.
-mode(compile).
-export([init/1, callback_mode/0, handle_event/4]).

main([Seed, Count | Log]) ->
    put(log, Log =:= ["log"]),
    rand:seed(exsss, list_to_integer(Seed)),
    [course() || _ <- lists:seq(1, list_to_integer(Count))].

course() ->
    put(number, 0),
    Enters = case rand:uniform(2) of
                 1 -> none;
                 2 -> maps:from_list([{S, {keep_state, enter_actions()}} || S <- [a, b, c], rand:uniform(2) =:= 1])
             end,
    Steps = [content(3) || _ <- lists:seq(1, 1 + rand:uniform(5))],
    persistent_term:put(enters, Enters),
    {ok, Pid} = gen_statem:start(?MODULE, Enters, [{debug, [{log, 300}]}]),
    gen_statem:cast(Pid, block),
    [gen_statem:cast(Pid, Step) || Step <- Steps],
    Pid ! go,
    Seen = gen_statem:call(Pid, seen),
    {State, _} = sys:get_state(Pid),
    {status, _, _, [_, _, _, _, Misc]} = sys:get_status(Pid),
    Data = hd([D || {data, [{"Status", _} | _] = D} <- Misc]),
    {_, {_, Timeouts}} = lists:keyfind("Time-outs", 1, Data),
    {_, Postponed} = lists:keyfind("Postponed", 1, Data),
    {ok, Log} = sys:log(Pid, get),
    exit(Pid, kill),
    Course = {Enters, Steps, Seen, State,
        [{T, number(C)} || {T, C} <- lists:reverse(Postponed)],
        lists:sort([{T, number(C)} || {T, C} <- Timeouts])},
    io:format("~w.~n", [case get(log) of
        true -> erlang:append_element(Course, [told(E) || E <- Log, not of_seen(E)]);
        false -> Course
    end]).

%% What a debug function hears, with numbers for contents.
told({in, {T, C}, S}) -> {in, T, number(C), S};
told({start_timer, {T, Time, C, Options}, S}) -> {start_timer, T, Time, number(C), Options, S};
told({What, {T, C}, S, Next}) -> {What, T, number(C), S, Next};
told({enter, _, S}) -> {enter, S}.

of_seen({out, _, _}) -> true;
of_seen({_, {{call, _}, _}, _}) -> true;
of_seen({_, {{call, _}, _}, _, _}) -> true;
of_seen(_) -> false.

number({N, _}) -> N;
number(X) -> X.

content(Depth) ->
    N = get(number) + 1,
    put(number, N),
    {N, result(Depth)}.

result(0) -> {keep_state, []};
result(Depth) ->
    case rand:uniform(6) of
        X when X =< 3 -> {next_state, pick([a, b, c]), actions(Depth)};
        4 -> {repeat_state, actions(Depth)};
        _ -> {keep_state, actions(Depth)}
    end.

actions(Depth) -> [action(Depth - 1) || _ <- lists:seq(1, rand:uniform(4) - 1)].
enter_actions() -> [timeout_action(0) || _ <- lists:seq(1, rand:uniform(3) - 1)].

action(Depth) ->
    case rand:uniform(10) of
        X when X =< 2 -> postpone;
        3 -> {postpone, false};
        X when X =< 6 -> {next_event, pick([internal, cast, info, timeout, state_timeout, {timeout, x}]), content(Depth)};
        7 -> hibernate;
        _ -> timeout_action(Depth)
    end.

timeout_action(Depth) ->
    Type = pick([timeout, state_timeout, {timeout, x}, {timeout, y}]),
    case rand:uniform(8) of
        1 -> {Type, cancel};
        2 -> {Type, infinity, none};
        3 -> {Type, update, content(Depth)};
        4 -> {Type, 3600000, content(Depth)};
        _ -> {Type, 0, content(Depth)}
    end.

pick(List) -> lists:nth(rand:uniform(length(List)), List).

%% --- the machine ---
init(_) -> {ok, a, []}.

callback_mode() ->
    case persistent_term:get(enters) of
        none -> handle_event_function;
        _ -> [handle_event_function, state_enter]
    end.

handle_event(cast, block, _, _) -> receive go -> keep_state_and_data end;
handle_event({call, From}, seen, _, Data) -> {keep_state_and_data, {reply, From, lists:reverse(Data)}};
handle_event(enter, Old, State, Data) ->
    Data1 = [{State, enter, Old} | Data],
    case length(Data) =< 60 andalso persistent_term:get(enters) of
        #{State := {keep_state, Actions}} -> {keep_state, Data1, Actions};
        _ -> {keep_state, Data1}
    end;
handle_event(Type, {N, Result}, State, Data) ->
    Data1 = [{State, Type, N} | Data],
    case Result of
        _ when length(Data) > 60 -> {keep_state, Data1};
        {next_state, S, Actions} -> {next_state, S, Data1, Actions};
        {keep_state, Actions} -> {keep_state, Data1, Actions};
        {repeat_state, Actions} -> {repeat_state, Data1, Actions}
    end.
