%% The cases of bench/ on Erlang/OTP: `main CASE [COUNT]` prints `case value unit` lines.
%% bench_call, bench_message, bench_spawn, bench_timer and bench_parts hold the cases; this module
%% starts them and holds what they share.
-module(bench).
-export([main/1, print/3, measure/2, measure/3, collect/2, random/1]).

main([Case]) ->
    main([Case, "100000"]);
main([Case, Count]) ->
    logger:set_primary_config(level, none),
    run(list_to_atom(Case), list_to_integer(Count)),
    halt(0, [{flush, true}]).

run(Case, Count) ->
    Modules = [bench_call, bench_message, bench_spawn, bench_timer, bench_parts],
    case [M || M <- Modules, lists:member(Case, M:cases())] of
        [Module] ->
            Module:run(Case, Count);
        [] ->
            io:format(standard_error, "no such case: ~s~n", [Case]),
            halt(2)
    end.

print(Case, Value, Unit) ->
    io:format("~s ~.4f ~s~n", [Case, float(Value), Unit]).

%% Runs Work(Count) once as warm-up with a tenth of the count, then for the record.
%% Gives nanoseconds.
measure(Count, Work) ->
    measure(max(1, Count div 10), Count, Work).

measure(WarmUp, Count, Work) ->
    Work(WarmUp),
    erlang:garbage_collect(),
    Start = erlang:monotonic_time(nanosecond),
    Work(Count),
    erlang:monotonic_time(nanosecond) - Start.

%% Receives Message Count times.
collect(_Message, 0) ->
    ok;
collect(Message, Count) ->
    receive
        Message -> collect(Message, Count - 1)
    end.

%% The next number of a linear congruential sequence, the same in every peer.
random(Seed) ->
    (Seed * 1103515245 + 12345) band 16#7fffffff.
