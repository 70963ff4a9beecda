%% A queue of jobs as a gen_server: ten processes at once, each monitored. With a log what is
%% accepted and what is done is written and synced before anybody hears of it, and that a job
%% begins before it does; everything that has come together is synced once.
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
    {Jobs, Chosen} = choose(State, []),
    ok = write(Chosen),
    [Tell() || Tell <- lists:reverse(Chosen#state.told)],
    {noreply, lists:foldl(fun run/2, Chosen#state{written = [], told = []}, Jobs)}.

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

%% The jobs whose turn it is, the oldest first.
choose(#state{running = Running} = State, Jobs)
  when map_size(Running) + length(Jobs) =:= ?CONCURRENCY ->
    {lists:reverse(Jobs), State};
choose(State, Jobs) ->
    case queue:out(State#state.pending) of
        {empty, _} ->
            {lists:reverse(Jobs), State};
        {{value, {Id, _} = Job}, Rest} ->
            choose(State#state{pending = Rest,
                               written = [{started, Id} | State#state.written]}, [Job | Jobs])
    end.

run({Id, Fun}, State) ->
    {_Pid, Ref} = spawn_monitor(Fun),
    State#state{running = (State#state.running)#{Ref => Id}}.
