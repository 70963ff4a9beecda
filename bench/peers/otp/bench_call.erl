%% Calls: one server, many servers by name.
-module(bench_call).
-export([cases/0, run/2]).

-define(NAMED, 10000).

cases() ->
    [call_2s, call_1s, named_call, registry_call].

run(named_call, Count) ->
    Names = list_to_tuple([start_named(I) || I <- lists:seq(1, ?NAMED)]),
    Time = bench:measure(Count, fun(N) -> call_named(Names, N, 42) end),
    bench:print(named_call, Time / Count, "ns");
run(registry_call, Count) ->
    {ok, _} = 'Elixir.Registry':start_link([{name, servers}, {keys, unique}]),
    [start_registered(Key) || Key <- lists:seq(0, ?NAMED - 1)],
    Time = bench:measure(Count, fun(N) -> call_registered(N, 42) end),
    bench:print(registry_call, Time / Count, "ns");
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

%% --- Elixir's Registry; the name is made anew for each call, as programs do ---

start_registered(Key) ->
    {ok, _} = gen_server:start_link(registered(Key), bench_server, idle, []).

registered(Key) ->
    {via, 'Elixir.Registry', {servers, Key}}.

call_registered(0, _Seed) ->
    ok;
call_registered(N, Seed) ->
    Reply = gen_server:call(registered(Seed div 8 rem ?NAMED), {next, N}),
    Reply = N + 1,
    call_registered(N - 1, bench:random(Seed)).
