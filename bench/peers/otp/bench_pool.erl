%% A pool of connections as people write it: a list of idle ones, a monitor for each borrower,
%% a queue of those who wait.
-module(bench_pool).
-behaviour(gen_server).
-export([start/1, init/1, handle_call/3, handle_cast/2, handle_info/2]).

start(Size) ->
    gen_server:start(?MODULE, Size, []).

init(Size) ->
    {ok, {lists:seq(1, Size), #{}, queue:new()}}.

handle_call(checkout, {Pid, _} = From, {[], Lent, Waiting}) ->
    {noreply, {[], Lent, queue:in({Pid, From}, Waiting)}};
handle_call(checkout, {Pid, _}, {[Connection | Idle], Lent, Waiting}) ->
    Ref = erlang:monitor(process, Pid),
    {reply, {ok, Ref, Connection}, {Idle, Lent#{Ref => Connection}, Waiting}}.

handle_cast({checkin, Ref}, State) ->
    erlang:demonitor(Ref, [flush]),
    {noreply, give_back(Ref, State)}.

handle_info({'DOWN', Ref, process, _Pid, _Reason}, State) ->
    {noreply, give_back(Ref, State)}.

give_back(Ref, {Idle, Lent, Waiting}) ->
    {Connection, Left} = maps:take(Ref, Lent),
    case queue:out(Waiting) of
        {empty, _} ->
            {[Connection | Idle], Left, Waiting};
        {{value, {Pid, From}}, Rest} ->
            Next = erlang:monitor(process, Pid),
            gen_server:reply(From, {ok, Next, Connection}),
            {Idle, Left#{Next => Connection}, Rest}
    end.
