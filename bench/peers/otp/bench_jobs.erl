%% A queue of jobs as a gen_server: ten processes at once, each monitored. With a log what is
%% accepted and what is done is written and synced before anybody hears of it; everything
%% that has come together is synced once.
-module(bench_jobs).
-behaviour(gen_server).
-export([start/1, add/2, init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(CONCURRENCY, 10).

-record(state, {log, next = 1, pending = queue:new(), running = #{}, done = 0,
                written = [], told = []}).

start(Log) ->
    gen_server:start_link(?MODULE, Log, []).

add(Queue, Fun) ->
    gen_server:call(Queue, {add, Fun}).

init(none) ->
    {ok, #state{log = none}};
init(File) ->
    {ok, Log} = disk_log:open([{name, jobs}, {file, File}]),
    {ok, #state{log = Log}}.

handle_call({add, Fun}, From, #state{next = Id} = State) ->
    Told = [fun() -> gen_server:reply(From, {ok, Id}) end | State#state.told],
    later(State#state{next = Id + 1, pending = queue:in({Id, Fun}, State#state.pending),
                      written = [{added, Id} | State#state.written], told = Told});
handle_call(done, _From, State) ->
    {reply, State#state.done, State, 0}.

handle_cast(_Message, State) ->
    {noreply, State, 0}.

handle_info({'DOWN', Ref, process, _Pid, normal}, #state{running = Running} = State) ->
    {Id, Rest} = maps:take(Ref, Running),
    later(State#state{running = Rest, done = State#state.done + 1,
                      written = [{done, Id} | State#state.written]});
handle_info(timeout, State) ->
    ok = write(State),
    [Tell() || Tell <- lists:reverse(State#state.told)],
    {noreply, run(State#state{written = [], told = []})}.

%% After whatever has come already.
later(State) ->
    {noreply, State, 0}.

write(#state{log = none}) ->
    ok;
write(#state{written = []}) ->
    ok;
write(#state{log = Log, written = Written}) ->
    ok = disk_log:log_terms(Log, lists:reverse(Written)),
    disk_log:sync(Log).

run(#state{running = Running} = State) when map_size(Running) =:= ?CONCURRENCY ->
    State;
run(State) ->
    case queue:out(State#state.pending) of
        {empty, _} ->
            State;
        {{value, {Id, Fun}}, Rest} ->
            {_Pid, Ref} = spawn_monitor(Fun),
            run(State#state{pending = Rest, running = (State#state.running)#{Ref => Id}})
    end.
