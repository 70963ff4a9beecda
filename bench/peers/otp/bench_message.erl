%% Messages: casts, floods, rings, pairs, payloads, broadcasts.
-module(bench_message).
-export([cases/0, run/2]).

-define(SENDERS, 8).
-define(PAIRS, 1000).
-define(RING, 503).
-define(BIG, 500).
-define(SUBSCRIBERS, 10000).

cases() ->
    [cast_1_1, fan_in, payload_64k, payload_1k, ping_pong, ring, big, broadcast, growth].

run(cast_1_1, Count) ->
    cast(cast_1_1, Count, 1, {add, 1}, 1);
run(fan_in, Count) ->
    cast(fan_in, Count, ?SENDERS, {add, 1}, 1);
run(payload_64k, Count) ->
    cast(payload_64k, Count, 1, {data, binary:copy(<<7>>, 65536)}, 65536);
run(payload_1k, Count) ->
    cast(payload_1k, Count, 1, order(), 12345);
run(ping_pong, Count) ->
    Rounds = max(1, Count div (2 * ?PAIRS)),
    Time = bench:measure(Rounds, fun ping_pong/1),
    bench:print(ping_pong, 2 * ?PAIRS * Rounds * 1000 / Time, "M/s");
run(ring, Count) ->
    Ring = start_ring(lists:seq(1, ?RING)),
    Time = bench:measure(Count, fun(N) -> pass_tokens([hd(Ring)], N) end),
    bench:print(ring, Time / Count, "ns");
run(big, Count) ->
    Rounds = max(1, Count div (2 * ?BIG * (?BIG - 1))),
    All = [spawn_link(fun big_wait/0) || _ <- lists:seq(1, ?BIG)],
    [P ! {others, self(), lists:delete(P, All)} || P <- All],
    Time = bench:measure(1, Rounds, fun(N) -> big_rounds(All, N) end),
    bench:print(big, 2 * ?BIG * (?BIG - 1) * Rounds * 1000 / Time, "M/s");
run(broadcast, Count) ->
    Rounds = max(1, Count div ?SUBSCRIBERS),
    {ok, _} = pg:start_link(),
    Subscribers = [start_subscriber() || _ <- lists:seq(1, ?SUBSCRIBERS)],
    ok = pg:join(news, Subscribers),
    Time = bench:measure(Rounds, fun broadcast/1),
    bench:print(broadcast, Time / (Rounds * ?SUBSCRIBERS), "ns");
run(growth, Count) ->
    [growth(Size, Count) || Size <- [10, 100, 1000, 10000, 100000, 1000000], Size =< Count].

%% --- casts ---

cast(Case, Count, Senders, Message, Each) ->
    {ok, Server} = gen_server:start_link(bench_server, idle, []),
    Time = bench:measure(Count, fun(N) ->
        Share = max(1, N div Senders),
        Bench = self(),
        [spawn_link(fun() -> cast_many(Server, Message, Share), Bench ! sent end)
         || _ <- lists:seq(1, Senders)],
        bench:collect(sent, Senders),
        Sum = gen_server:call(Server, sum, infinity),
        Sum = Each * Share * Senders
    end),
    bench:print(Case, Count * 1000 / Time, "M/s").

cast_many(_Server, _Message, 0) ->
    ok;
cast_many(Server, Message, N) ->
    gen_server:cast(Server, Message),
    cast_many(Server, Message, N - 1).

%% 1 KB on the BEAM's heap.
order() ->
    Items = [{item, I, <<"sku-", (integer_to_binary(1000 + I))/binary>>, I * 3, I + 0.5}
             || I <- lists:seq(1, 9)],
    {order, 12345, <<"customer-000042">>, Items}.

%% --- pairs ---

ping_pong(Rounds) ->
    Bench = self(),
    [spawn_link(fun() -> ping(Bench, Rounds) end) || _ <- lists:seq(1, ?PAIRS)],
    bench:collect(done, ?PAIRS).

ping(Bench, Rounds) ->
    ping(Bench, spawn_link(fun pong/0), Rounds).

ping(Bench, Ponger, 0) ->
    Ponger ! stop,
    Bench ! done;
ping(Bench, Ponger, N) ->
    Ponger ! {ping, self(), N},
    receive
        {pong, N} -> ping(Bench, Ponger, N - 1)
    end.

pong() ->
    receive
        {ping, From, N} ->
            From ! {pong, N},
            pong();
        stop ->
            ok
    end.

%% --- rings ---

%% Processes that pass to the next one, in the order given, what they receive.
start_ring(Order) ->
    Nodes = [spawn_link(fun ring_wait/0) || _ <- Order],
    Index = list_to_tuple(Nodes),
    Ring = [element(I, Index) || I <- Order],
    Bench = self(),
    lists:foldl(fun(Node, Next) -> Node ! {next, Next, Bench}, Node end,
        hd(Ring), lists:reverse(Ring)),
    Ring.

ring_wait() ->
    receive
        {next, Next, Bench} -> ring_node(Next, Bench)
    end.

ring_node(Next, Bench) ->
    receive
        {token, 1} ->
            Bench ! done,
            ring_node(Next, Bench);
        {token, N} ->
            Next ! {token, N - 1},
            ring_node(Next, Bench);
        stop ->
            ok
    end.

pass_tokens(Starts, Hops) ->
    [Node ! {token, Hops} || Node <- Starts],
    bench:collect(done, length(Starts)).

%% A ring of Size in random order with a token for every ten processes, so that the load
%% grows with the number of processes.
growth(Size, Count) ->
    Ring = start_ring(shuffle(Size)),
    Starts = every_tenth(Ring),
    Hops = max(1, Count div length(Starts)),
    Time = bench:measure(Hops, fun(N) -> pass_tokens(Starts, N) end),
    bench:print("growth_" ++ integer_to_list(Size), Time / (Hops * length(Starts)), "ns"),
    Watched = [monitor(process, Node) || Node <- Ring],
    [begin unlink(Node), Node ! stop end || Node <- Ring],
    [receive {'DOWN', Ref, _, _, _} -> ok end || Ref <- Watched].

shuffle(Size) ->
    {Keyed, _} = lists:mapfoldl(
        fun(I, Seed) -> {{Seed, I}, bench:random(Seed)} end, 42, lists:seq(1, Size)),
    [I || {_, I} <- lists:sort(Keyed)].

every_tenth([First | Rest]) ->
    [First | every_tenth(lists:nthtail(min(9, length_up_to(Rest, 9)), Rest))];
every_tenth([]) ->
    [].

length_up_to([_ | Rest], N) when N > 0 -> 1 + length_up_to(Rest, N - 1);
length_up_to(_, _) -> 0.

%% --- all to all ---

big_wait() ->
    receive
        {others, Bench, Others} -> big_process(Bench, Others)
    end.

big_process(Bench, Others) ->
    receive
        go ->
            [P ! {ping, self()} || P <- Others],
            big_answer(length(Others), length(Others)),
            Bench ! done,
            big_process(Bench, Others)
    end.

big_answer(0, 0) ->
    ok;
big_answer(Pings, Pongs) ->
    receive
        {ping, From} ->
            From ! pong,
            big_answer(Pings - 1, Pongs);
        pong ->
            big_answer(Pings, Pongs - 1)
    end.

big_rounds(_All, 0) ->
    ok;
big_rounds(All, N) ->
    [P ! go || P <- All],
    bench:collect(done, ?BIG),
    big_rounds(All, N - 1).

%% --- broadcast ---

start_subscriber() ->
    {ok, Pid} = gen_server:start_link(bench_server, idle, []),
    Pid.

%% Every subscriber gets every round; at the last one it tells how many it has had.
broadcast(Rounds) ->
    [publish(Rounds - I) || I <- lists:seq(1, Rounds)],
    bench:collect({received, Rounds}, ?SUBSCRIBERS).

publish(Left) ->
    News = {news, <<"weather">>, binary:copy(<<"sunny ">>, 8), Left, self()},
    [P ! News || P <- pg:get_local_members(news)].
