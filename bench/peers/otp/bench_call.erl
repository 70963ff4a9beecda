%% Calls: one server, many servers by name.
-module(bench_call).
-export([cases/0, run/2]).

-define(NAMED, 10000).

cases() ->
    [call_2s, call_1s, named_call].

run(named_call, Count) ->
    Names = list_to_tuple([start_named(I) || I <- lists:seq(1, ?NAMED)]),
    Time = bench:measure(Count, fun(N) -> call_named(Names, N, 42) end),
    bench:print(named_call, Time / Count, "ns");
run(Case, Count) ->
    {ok, Server} = gen_server:start_link(bench_server, idle, []),
    Time = bench:measure(Count, fun(N) -> call(Server, N) end),
    bench:print(Case, Time / Count, "ns").

call(_Server, 0) ->
    ok;
call(Server, N) ->
    Reply = gen_server:call(Server, {next, N}),
    Reply = N + 1,
    call(Server, N - 1).

start_named(I) ->
    Name = list_to_atom("server_" ++ integer_to_list(I)),
    {ok, _} = gen_server:start_link({local, Name}, bench_server, idle, []),
    Name.

call_named(_Names, 0, _Seed) ->
    ok;
call_named(Names, N, Seed) ->
    Name = element(Seed div 8 rem ?NAMED + 1, Names),
    Reply = gen_server:call(Name, {next, N}),
    Reply = N + 1,
    call_named(Names, N - 1, bench:random(Seed)).
