%% Timers: what one costs among a million, and how late they come.
-module(bench_timer).
-export([cases/0, run/2]).

-define(ALIVE, 1000000).
-define(PER_SECOND, 50000).

cases() ->
    [timer_cancel, timer_lateness].

run(timer_cancel, Count) ->
    put(alive, {arm_many(?ALIVE, 42, []), []}),
    Time = bench:measure(Count, fun(N) ->
        {Old, New} = get(alive),
        put(alive, replace_oldest(Old, New, N, N))
    end),
    bench:print(timer_cancel, Time / Count, "ns");
run(timer_lateness, Count) ->
    Spread = max(1, Count * 1000 div ?PER_SECOND),
    arm_spread(Count, Spread, 42),
    Late = lists:sort(lateness(Count, [])),
    bench:print(timer_lateness_p50, lists:nth((Count + 1) div 2, Late) / 1.0e6, "ms"),
    bench:print(timer_lateness_p99, lists:nth(Count * 99 div 100, Late) / 1.0e6, "ms").

%% Between ten and twenty minutes, so that none of them comes.
far(Seed) ->
    600000 + Seed rem 600000.

arm_many(0, _Seed, Timers) ->
    Timers;
arm_many(N, Seed, Timers) ->
    Timer = erlang:send_after(far(Seed), self(), {timeout, N}),
    arm_many(N - 1, bench:random(Seed), [Timer | Timers]).

%% Cancels the oldest timer and arms one in its stead, N times.
replace_oldest(Old, New, 0, _Seed) ->
    {Old, New};
replace_oldest([], New, N, Seed) ->
    replace_oldest(lists:reverse(New), [], N, Seed);
replace_oldest([Oldest | Old], New, N, Seed) ->
    true = is_integer(erlang:cancel_timer(Oldest)),
    Timer = erlang:send_after(far(Seed), self(), {timeout, N}),
    replace_oldest(Old, [Timer | New], N - 1, bench:random(Seed)).

%% Delays of whole milliseconds, spread evenly, after half a second for the arming.
arm_spread(0, _Spread, _Seed) ->
    ok;
arm_spread(N, Spread, Seed) ->
    Delay = 500 + Seed rem Spread,
    Due = erlang:monotonic_time(nanosecond) + Delay * 1000000,
    erlang:send_after(Delay, self(), {due, Due}),
    arm_spread(N - 1, Spread, bench:random(Seed)).

lateness(0, Late) ->
    Late;
lateness(N, Late) ->
    receive
        {due, Due} -> lateness(N - 1, [erlang:monotonic_time(nanosecond) - Due | Late])
    end.
