#!/usr/bin/env escript
%%! -noinput +pc unicode
%% The other end of src/term/erlang_test.c: answers frames of {packet, 4} on standard input
%% with one each on standard output.
%%
%%   $v           the OTP release, as text
%%   $c Bytes     of a pair {X, Y} in external format: phash2 of X in the range 2^32 and of
%%                the pair in the range 1000003, four bytes each; how X and Y are ordered
%%                (0: X first, 1: neither, 2: Y first); whether they are =:= (0 or 1); the
%%                text of X
%%   $r Text      what reading the text gives, in external format
-mode(compile).

main(_) ->
    Port = open_port({fd, 0, 1}, [{packet, 4}, binary, eof]),
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
answer($c, Bytes) ->
    {X, Y} = Pair = binary_to_term(Bytes),
    Order = if X < Y -> 0; X == Y -> 1; true -> 2 end,
    Same = if X =:= Y -> 1; true -> 0 end,
    Text = unicode:characters_to_binary(io_lib:format("~0tp", [X])),
    [<<(erlang:phash2(X, 1 bsl 32)):32, (erlang:phash2(Pair, 1000003)):32, Order, Same>>, Text];
answer($r, Text) ->
    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text) ++ "."),
    {ok, Term} = erl_parse:parse_term(Tokens),
    term_to_binary(Term).
