%% A cache and a rate limiter on ETS tables that their users read and write themselves, and a
%% pool that is a gen_server: what people write for themselves on OTP.
-module(bench_parts).
-export([cases/0, run/2]).

-define(KEYS, 10000).

cases() ->
    [cache, limiter_check, pool_checkout, jobs].

run(cache, Count) ->
    Table = ets:new(cache, [set, public, named_table, {read_concurrency, true},
                            {write_concurrency, true}]),
    [put_one(Table, Key) || Key <- lists:seq(0, ?KEYS - 1)],
    Put = bench:measure(Count, fun(N) -> put_all(Table, 1, N) end),
    bench:print(cache_put, Put / Count, ns),
    Get = bench:measure(Count, fun(N) -> get_all(Table, 1, N) end),
    bench:print(cache_get, Get / Count, ns);
run(limiter_check, Count) ->
    Table = ets:new(limiter, [set, public, named_table, {write_concurrency, true}]),
    Check = bench:measure(Count, fun(N) -> check_all(Table, 1, N) end),
    bench:print(limiter_check, Check / Count, ns);
run(pool_checkout, Count) ->
    {ok, Pool} = bench_pool:start(10),
    Borrow = bench:measure(Count, fun(N) -> borrow_all(Pool, N) end),
    bench:print(pool_checkout, Borrow / Count, ns);
run(jobs, Count) ->
    {ok, Memory} = bench_jobs:start(none),
    bench:print(jobs_memory, bench:measure(Count, fun(N) -> work_off(Memory, N) end) / Count / 1000, us),
    File = filename:join(os:getenv("TMPDIR", "."), "bench_jobs_" ++ os:getpid()),
    {ok, Durable} = bench_jobs:start(File),
    Fewer = max(1, Count div 10),
    Time = bench:measure(Fewer, fun(N) -> work_off(Durable, N) end),
    ok = file:delete(File),
    bench:print(jobs_durable, Time / Fewer / 1000, us).

%% Fifty clients add jobs that only tell of themselves.
work_off(Queue, Count) ->
    Self = self(),
    Share = max(1, Count div 50),
    Before = gen_server:call(Queue, done),
    [spawn_link(fun() -> add_all(Queue, Self, Share) end) || _ <- lists:seq(1, 50)],
    bench:collect(worked, 50 * Share),
    await(Queue, Before + 50 * Share).

add_all(_Queue, _Bench, 0) ->
    ok;
add_all(Queue, Bench, N) ->
    {ok, _} = bench_jobs:add(Queue, fun() -> Bench ! worked end),
    add_all(Queue, Bench, N - 1).

await(Queue, Done) ->
    case gen_server:call(Queue, done) of
        Done -> ok;
        _ -> erlang:yield(), await(Queue, Done)
    end.

key(Seed) ->
    (Seed bsr 8) rem ?KEYS.

put_one(Table, Key) ->
    Expires = erlang:monotonic_time(millisecond) + 600000,
    true = ets:insert(Table, {Key, {user, Key, <<"anna">>, 42}, Expires}).

put_all(_Table, _Seed, 0) ->
    ok;
put_all(Table, Seed, N) ->
    Next = bench:random(Seed),
    put_one(Table, key(Next)),
    put_all(Table, Next, N - 1).

get_all(_Table, _Seed, 0) ->
    ok;
get_all(Table, Seed, N) ->
    Next = bench:random(Seed),
    Key = key(Next),
    [{Key, {user, Key, _, _}, Expires}] = ets:lookup(Table, Key),
    true = Expires > erlang:monotonic_time(millisecond),
    get_all(Table, Next, N - 1).

%% A fixed window, the simplest limit there is: a counter for each key and minute.
check_all(_Table, _Seed, 0) ->
    ok;
check_all(Table, Seed, N) ->
    Next = bench:random(Seed),
    Window = {key(Next), erlang:system_time(second) div 60},
    true = ets:update_counter(Table, Window, 1, {Window, 0}) =< 100000000,
    check_all(Table, Next, N - 1).

borrow_all(_Pool, 0) ->
    ok;
borrow_all(Pool, N) ->
    {ok, Ref, _Connection} = gen_server:call(Pool, checkout),
    gen_server:cast(Pool, {checkin, Ref}),
    borrow_all(Pool, N - 1).
