%% Life and death of processes, and what an idle one costs.
-module(bench_spawn).
-behaviour(supervisor).
-export([cases/0, run/2, init/1]).

-define(BATCH, 100000).
-define(CRASHES, 100).

cases() ->
    [spawn_exit, spawn_batch, idle, idle_hibernated, restart].

run(spawn_exit, Count) ->
    Time = bench:measure(Count, fun spawn_one_by_one/1),
    bench:print(spawn_exit, Time / Count, "ns");
run(spawn_batch, Count) ->
    Rounds = max(1, Count div ?BATCH),
    Time = bench:measure(1, Rounds, fun spawn_batches/1),
    bench:print(spawn_batch, Time / (Rounds * ?BATCH), "ns");
run(idle, Count) ->
    {StartTime, Bytes} = start_idle(idle, Count),
    bench:print(idle_start, StartTime / 1000, "us"),
    bench:print(idle_bytes, Bytes, "B");
run(idle_hibernated, Count) ->
    {_, Bytes} = start_idle(hibernate, Count),
    bench:print(idle_hibernated, Bytes, "B");
run(restart, Count) ->
    _ = crash_many(max(1, Count div 10), []),
    Times = lists:sort(crash_many(Count, [])),
    bench:print(restart, lists:nth(length(Times) div 2 + 1, Times) / 1000, "us").

spawn_one_by_one(0) ->
    ok;
spawn_one_by_one(N) ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    receive
        {'DOWN', Ref, process, Pid, normal} -> spawn_one_by_one(N - 1)
    end.

spawn_batches(0) ->
    ok;
spawn_batches(Rounds) ->
    [spawn_monitor(fun() -> ok end) || _ <- lists:seq(1, ?BATCH)],
    collect_deaths(?BATCH),
    spawn_batches(Rounds - 1).

collect_deaths(0) ->
    ok;
collect_deaths(N) ->
    receive
        {'DOWN', _Ref, process, _Pid, normal} -> collect_deaths(N - 1)
    end.

%% --- idle servers ---

%% Starts Count servers, has some of them answer and gives what one costs: time to start it
%% and memory. The table of their pids (8 bytes a server) is allowed for.
start_idle(Mode, Count) ->
    Before = resident(),
    Start = erlang:monotonic_time(nanosecond),
    Servers = list_to_tuple([start_one(Mode) || _ <- lists:seq(1, Count)]),
    Time = erlang:monotonic_time(nanosecond) - Start,
    erlang:garbage_collect(),
    answer_some(Servers, 1),
    {Time / Count, (resident() - Before) / Count - 8}.

start_one(Mode) ->
    {ok, Pid} = gen_server:start(bench_server, Mode, []),
    Pid.

answer_some(Servers, I) when I =< tuple_size(Servers) ->
    8 = gen_server:call(element(I, Servers), {next, 7}),
    answer_some(Servers, I + 1000);
answer_some(_Servers, _I) ->
    ok.

resident() ->
    {ok, Statm} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = binary:split(Statm, <<" ">>, [global]),
    binary_to_integer(Pages) * 4096.

%% --- restart ---

%% A fresh supervisor for every hundred crashes: it goes through its list of restarts at
%% each one, and no program lets that list grow long.
init(Bench) ->
    Start = {gen_server, start_link, [bench_server, {supervised, Bench}, []]},
    {ok, {#{strategy => one_for_one, intensity => ?CRASHES, period => 1},
          [#{id => child, start => Start}]}}.

crash_many(Count, Times) when Count =< 0 ->
    Times;
crash_many(Count, Times) ->
    {ok, Supervisor} = supervisor:start_link(?MODULE, self()),
    receive {up, Child} -> ok end,
    More = crash(Child, ?CRASHES, Times),
    unlink(Supervisor),
    gen_server:stop(Supervisor),
    crash_many(Count - ?CRASHES, More).

crash(_Child, 0, Times) ->
    Times;
crash(Child, N, Times) ->
    Start = erlang:monotonic_time(nanosecond),
    gen_server:cast(Child, crash),
    receive
        {up, Next} ->
            crash(Next, N - 1, [erlang:monotonic_time(nanosecond) - Start | Times])
    end.
