#!/usr/bin/env escript
%%! -noinput
%% The other end of src/term/etf_erlang_test.c: answers frames of {packet, 4} on standard
%% input with one each on standard output.
%%
%%   $v           the OTP release, as text
%%   $e Bytes     1 and what term_to_binary(binary_to_term(Bytes)) gives; 0 for a badarg
%%   $c L Bytes   the same, compressed at level L
%%   $g Seed:64   the external form of a random term
%%
%% Terms are written as OTP 26 and later do by default, and maps in key order.
-mode(compile).

-define(WRITE, [{minor_version, 2}, deterministic]).

main(_) ->
    Port = open_port({fd, 0, 1}, [{packet, 4}, binary, eof]),
    Self = self(),
    %% Pids and references that are not the first of this node, and funs of all kinds.
    _ = [spawn(fun() -> ok end) || _ <- lists:seq(1, 100)],
    put(ports, erlang:ports()),
    put(pids, [Self | erlang:processes()]),
    loop(Port).

loop(Port) ->
    receive
        {Port, {data, <<Op, Request/binary>>}} ->
            port_command(Port, answer(Op, Request)),
            loop(Port);
        {Port, eof} ->
            halt(0)
    end.

answer($v, _) ->
    list_to_binary(erlang:system_info(otp_release));
answer($e, Bytes) ->
    try [1, term_to_binary(binary_to_term(Bytes), ?WRITE)]
    catch error:badarg -> [0]
    end;
answer($c, <<Level, Bytes/binary>>) ->
    [1, term_to_binary(binary_to_term(Bytes), [{compressed, Level} | ?WRITE])];
answer($g, <<Seed:64>>) ->
    rand:seed(exsss, Seed),
    [1, term_to_binary(term(24), ?WRITE)].

below(N) -> rand:uniform(N) - 1.

pick(Choices) -> element(rand:uniform(tuple_size(Choices)), Choices).

many(Most, Make) -> [Make() || _ <- lists:seq(1, below(Most + 1))].

term(Size) when Size =< 1 -> flat();
term(Size) ->
    Part = fun() -> term(Size div 3) end,
    case below(12) of
        0 -> list_to_tuple(many(5, Part));
        1 -> many(5, Part);
        2 -> many(4, Part) ++ flat();
        3 -> maps:from_list([{key(Size div 4), Part()} || _ <- lists:seq(1, below(12))]);
        4 -> maps:from_list([{flat(), flat()} || _ <- lists:seq(1, below(100))]);
        5 -> many(pick({3, 40, 400}), fun() -> below(256) end);
        6 -> many(pick({3, 40, 400}), fun() -> below(300) end);
        7 -> list_to_tuple(many(pick({3, 300}), fun flat/0));
        8 -> closure();
        9 -> maps:from_list([{I, -I} || I <- lists:seq(1, below(40))]);
        _ -> flat()
    end.

%% Keel orders funs that it cannot call by their bytes, so they are no keys here.
key(Size) ->
    Before = put(no_closures, true),
    Key = term(Size),
    put(no_closures, Before),
    Key.

closure() ->
    case get(no_closures) of
        true -> flat();
        _ -> Free = flat(), Other = flat(), fun(A, B) -> {A, B, Free, Other} end
    end.

flat() ->
    case below(13) of
        0 -> below(600) - 200;
        1 -> sign() * ((1 bsl pick({7, 8, 16, 27, 31, 32, 53, 59, 60, 61, 62, 63, 64, 127,
                                    2039, 2040, 2041})) + below(5) - 2);
        2 -> sign() * random_bits(below(3000));
        3 -> float();
        4 -> sign() * pick({0.0, 1.0, 0.1, 1.0e300, 5.0e-324});
        5 -> atom();
        6 -> rand:bytes(below(pick({8, 100, 300})));
        7 -> Bits = below(pick({8, 700})), <<(random_bits(Bits)):Bits>>;
        8 -> pid();
        9 -> reference();
        10 -> port();
        11 -> pick({fun lists:map/2, fun erlang:'+'/2, fun flat/0, fun unknown:f/255});
        12 -> pick({[], {}, #{}, <<>>, "", ''})
    end.

sign() -> pick({1, -1}).

random_bits(Count) ->
    <<Bits:Count, _/bits>> = rand:bytes(Count div 8 + 1),
    Bits.

float() ->
    try <<Float/float>> = rand:bytes(8), Float
    catch error:{badmatch, _} -> 1.5
    end.

atom() ->
    pick({ok, '', 'hello world', 'Elixir.Enum', '\x{e5}\x{e4}\x{f6}', '\x{20ac}',
          list_to_atom(lists:duplicate(255, $x)), list_to_atom(lists:duplicate(255, 16#1f600)),
          list_to_atom("a" ++ integer_to_list(below(1000)))}).

external(Tag, Rest) ->
    binary_to_term(iolist_to_binary([131, Tag, Rest])).

node_name() -> pick({<<119, 3, "a@b">>, <<119, 12, "keel@host.ab">>}).

pid() ->
    case below(2) of
        0 -> pick(list_to_tuple(get(pids)));
        1 -> external(88, [node_name(), rand:bytes(12)])
    end.

reference() ->
    case below(4) of
        0 -> make_ref();
        1 -> Alias = erlang:alias(), erlang:unalias(Alias), Alias;
        _ -> Words = rand:uniform(5),
             external(90, [<<Words:16>>, node_name(), rand:bytes(4 + 4 * Words)])
    end.

port() ->
    case below(3) of
        0 -> pick(list_to_tuple(get(ports)));
        1 -> external(89, [node_name(), rand:bytes(8)]);
        2 -> external(120, [node_name(), rand:bytes(12)])
    end.
