%% The gen_server of the cases: it adds what it is given and tells the sum.
-module(bench_server).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

init(idle) ->
    {ok, 0};
init(hibernate) ->
    {ok, 0, hibernate};
init({supervised, Bench}) ->
    Bench ! {up, self()},
    {ok, 0}.

handle_call({next, N}, _From, Sum) ->
    {reply, N + 1, Sum};
handle_call({echo, Data}, _From, Sum) ->
    {reply, Data, Sum};
handle_call(sum, _From, Sum) ->
    {reply, Sum, 0}.

handle_cast({add, N}, Sum) ->
    {noreply, Sum + N};
handle_cast({data, Bytes}, Sum) ->
    {noreply, Sum + byte_size(Bytes)};
handle_cast({order, Id, _Customer, _Items}, Sum) ->
    {noreply, Sum + Id};
handle_cast(crash, _Sum) ->
    exit(crash).

handle_info({news, _Topic, _Text, 0, Publisher}, Received) ->
    Publisher ! {received, Received + 1},
    {noreply, 0};
handle_info({news, _Topic, _Text, _Left, _Publisher}, Received) ->
    {noreply, Received + 1}.
