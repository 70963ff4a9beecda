%% A client of the server `bench` on another node, and the same server on an Erlang node.
%% remote.py starts both.
-module(bench_remote).
-export([serve/1, client/1]).

-define(CLIENTS, 50).

serve([Name, Cookie]) ->
    join(Name, Cookie),
    {ok, _} = gen_server:start({local, bench}, bench_server, idle, []),
    io:format("ready~n").

client([Name, Cookie, Target, Words]) ->
    join(Name, Cookie),
    Count = list_to_integer(Words),
    Server = {bench, list_to_atom(Target)},
    _ = calls(Server, max(1, Count div 10)),
    Sorted = list_to_tuple(lists:sort(calls(Server, Count))),
    bench:print(remote_call_p50, percentile(Sorted, 50) / 1000, "us"),
    bench:print(remote_call_p99, percentile(Sorted, 99) / 1000, "us"),
    Together = bench:measure(Count, fun(N) -> many(Server, N) end),
    bench:print(remote_calls, Count * 1000 / Together, "M/s"),
    Casts = bench:measure(Count * 10, fun(N) -> casts(Server, N) end),
    bench:print(remote_casts, Count * 10 * 1000 / Casts, "M/s"),
    Echoes = max(1, Count div 100),
    Time = bench:measure(Echoes, fun(N) -> echoes(Server, binary:copy(<<7>>, 1048576), N) end),
    bench:print(remote_echo, 2 * Echoes * 1048576 / Time, "GB/s"),
    halt(0, [{flush, true}]).

join(Name, Cookie) ->
    logger:set_primary_config(level, none),
    {ok, _} = net_kernel:start([list_to_atom(Name), longnames]),
    true = erlang:set_cookie(list_to_atom(Cookie)).

%% The nanoseconds of each.
calls(Server, Count) ->
    [begin
         Start = erlang:monotonic_time(nanosecond),
         Reply = gen_server:call(Server, {next, N}),
         Time = erlang:monotonic_time(nanosecond) - Start,
         Reply = N + 1,
         Time
     end || N <- lists:seq(1, Count)].

percentile(Sorted, Percent) ->
    element(max(1, tuple_size(Sorted) * Percent div 100), Sorted).

many(Server, Count) ->
    Share = max(1, Count div ?CLIENTS),
    Self = self(),
    [spawn_link(fun() -> calls(Server, Share), Self ! done end) || _ <- lists:seq(1, ?CLIENTS)],
    bench:collect(done, ?CLIENTS).

casts(Server, Count) ->
    [gen_server:cast(Server, {add, 1}) || _ <- lists:seq(1, Count)],
    Count = gen_server:call(Server, sum, infinity).

echoes(_Server, _Bytes, 0) ->
    ok;
echoes(Server, Bytes, N) ->
    Bytes = gen_server:call(Server, {echo, Bytes}),
    echoes(Server, Bytes, N - 1).
