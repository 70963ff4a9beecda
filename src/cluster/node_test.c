// This program as a node, against real BEAM nodes.

#include "cluster_testing.h"
#include "testing/harness.h"
#include <keel/keel.h>
#include <keel/node.h>
#include <keel/rpc.h>
#include <stdio.h>
#include <string.h>

#define HERE "c@127.0.0.1"
#define THERE "beam@127.0.0.1"
#define COOKIE "monster"

static struct kl_epmd_daemon epmd;
static struct kl_beam beam;

// --- a server that does as it is told ---

static keel_result begin_at_zero(keel_term unused, void *state)
{
    (void)unused;
    (void)state;
    return keel_ok();
}

static keel_result obey(keel_term request, keel_from from, void *state)
{
    keel_term whom, what, reply = keel_nil();
    (void)from;
    if (keel_is(request, value)) {
        return keel_reply(keel_int(*(int64_t *)state));
    }
    if (keel_match(request, "{call, Whom, What}", &whom, &what)) {
        keel_status status = keel_call_within(
                whom, what, KEEL_IN(KEEL_SECONDS(20)), &reply);
        return keel_reply(keel_make("{Status, Reply}", keel_int(status), reply));
    }
    if (keel_match(request, "{link, Whom}", &whom)) {
        return keel_reply(keel_bool(keel_link(keel_to_pid(whom)) == KEEL_OK));
    }
    if (keel_match(request, "{unlink, Whom}", &whom)) {
        return keel_reply(keel_bool(keel_unlink(keel_to_pid(whom)) == KEEL_OK));
    }
    if (keel_match(request, "{monitor, Whom}", &whom)) {
        return keel_reply(keel_from_ref(keel_monitor(whom)));
    }
    if (keel_match(request, "{demonitor, Whom}", &whom)) {
        return keel_reply(keel_bool(keel_demonitor(keel_to_ref(whom), 0)));
    }
    if (keel_match(request, "{exit, What}", &what)) {
        keel_exit(what);
    }
    if (keel_match(request, "{trap, What}", &what)) {
        keel_trap_exit(keel_is(what, true));
        return keel_reply(keel_atom(ok));
    }
    return keel_reply(keel_make("{echo, What}", request));
}

static keel_result add(keel_term request, void *state)
{
    int64_t by;
    if (keel_match(request, "{add, By}", &by)) {
        *(int64_t *)state += by;
    }
    return keel_noreply();
}

// What comes besides goes to `ear` of the BEAM node, which prints it.
static keel_result hear(keel_term message, void *state)
{
    (void)state;
    keel_term ear = keel_tuple_of(keel_atom(ear), keel_atom_text(THERE));
    keel_send(ear, keel_tuple_of(keel_atom(told), message));
    return keel_noreply();
}

struct number {
    int64_t value;
};

static const keel_gen_server obedient = {
        .name = "obedient",
        .state = KEEL_STATE(struct number, value),
        .init = begin_at_zero,
        .handle_call = obey,
        .handle_cast = add,
        .handle_info = hear,
};

static keel_pid start_server(keel_term name)
{
    keel_started started = keel_gen_server_start(&obedient, KEEL_NONE, .name = name);
    CHECK_OK(started.status);
    return started.pid;
}

static keel_status start_node(const char *name, const char *cookie, bool visible)
{
    return keel_node_start(&(keel_node_config){
            .name = name, .cookie = cookie, .epmd_port = epmd.port, .visible = visible});
}

static void begin(bool visible)
{
    kl_testing_needs("erl");
    kl_epmd_daemon_start(&epmd);
    kl_beam_start(&beam, &epmd, THERE, COOKIE, NULL);
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    start_server(keel_atom(server));
    CHECK_OK(start_node(HERE, COOKIE, visible));
    // The news of it may be written before or after the answer, so that alone is read.
    CHECK_STR(kl_beam_eval(
                      &beam, "{net_adm:ping('" HERE "'), nodes(visible), nodes(hidden)}"),
            visible ? "{pong,['" HERE "'],[]}" : "{pong,[],['" HERE "']}");
}

static void finish(void)
{
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
    kl_beam_stop(&beam);
    kl_epmd_daemon_stop(&epmd);
}

#define SERVER "{server, '" HERE "'}"
#define CALL(request) "gen_server:call(" SERVER ", " request ", 20000)"

TEST("a BEAM node calls, casts to and asks a server here")
{
    begin(false);
    CHECK_STR(kl_beam_eval(&beam, CALL("value")), "0");
    CHECK_STR(kl_beam_eval(&beam, "gen_server:cast(" SERVER ", {add, 5})"), "ok");
    CHECK_STR(kl_beam_eval(&beam, CALL("value")), "5");
    CHECK_STR(kl_beam_eval(&beam, "gen_server:multi_call(['" HERE "'], server, value)"),
            "{[{'" HERE "',5}],[]}");
    CHECK_STR(kl_beam_eval(&beam, "gen_server:multi_call(['" HERE "'], nobody, value)"),
            "{[],['" HERE "']}");
    CHECK_STR(kl_beam_eval(&beam,
                      "element(1, element(2, catch " CALL("{exit, {because, 1}}") "))"),
            "{because,1}");
    CHECK_STR(kl_beam_eval(&beam, "element(1, element(2, catch " CALL("value") "))"),
            "noproc");
    finish();
}

TEST("a BEAM node looks into servers here, and its answers are read here")
{
    begin(false);
    CHECK_STR(kl_beam_eval(&beam, "sys:get_state(" SERVER ")"), "#{value => 0}");
    CHECK_STR(kl_beam_eval(&beam, "element(1, sys:get_status(" SERVER "))"), "status");
    CHECK_STR(kl_beam_eval(&beam, "sys:suspend(" SERVER ")"), "ok");
    CHECK_STR(kl_beam_eval(&beam, "sys:get_state(" SERVER ")"), "#{value => 0}");
    CHECK_STR(kl_beam_eval(&beam, "sys:resume(" SERVER ")"), "ok");
    CHECK_STR(kl_beam_eval(&beam, "gen_server:stop(" SERVER ")"), "ok");
    CHECK_STR(kl_beam_eval(&beam, "element(1, element(2, catch " CALL("value") "))"),
            "noproc");
    keel_term state;
    CHECK_OK(keel_sys_get_state(keel_make("{kernel_sup, 'beam@127.0.0.1'}"), &state));
    CHECK(keel_is(keel_element(state, 0), state));
    finish();
}

static keel_term sum(keel_term arguments)
{
    int64_t total = 0;
    keel_term item;
    while (keel_list_next(&arguments, &item)) {
        if (!keel_is_int(item)) {
            keel_exit(keel_make("{badarg, Item}", item));
        }
        total += keel_to_int(item);
    }
    return keel_int(total);
}

TEST("a BEAM node calls only the functions that are allowed")
{
    begin(false);
    CHECK_OK(keel_rpc_allow(keel_atom(math), keel_atom(sum), sum));
    CHECK_STR(kl_beam_eval(&beam, "rpc:call('" HERE "', math, sum, [1, 2, 39])"), "42");
    CHECK_STR(kl_beam_eval(&beam, "erpc:call('" HERE "', math, sum, [1000, 1])"), "1001");
    CHECK_STR(kl_beam_eval(&beam, "rpc:call('" HERE "', os, cmd, [\"id\"])"),
            "{badrpc,notsup}");
    CHECK_STR(kl_beam_eval(&beam, "catch erpc:call('" HERE "', math, sum, [a])"),
            "{'EXIT',{exception,{badarg,a}}}");
    CHECK_STR(kl_beam_eval(&beam, "R = spawn_request('" HERE "', os, cmd, [\"id\"], []), "
                                  "receive {spawn_reply, R, error, Why} -> Why end"),
            "notsup");
    CHECK_STR(kl_beam_eval(&beam, "gen_server:call({rex, '" HERE "'}, "
                                  "{call, math, sum, [4], user})"),
            "4");
    CHECK_STR(kl_beam_eval(&beam, "gen_server:call({rex, '" HERE "'}, "
                                  "{call, os, cmd, [], user})"),
            "{badrpc,notsup}");
    keel_term answer = keel_rpc_call(keel_atom_text(THERE), keel_atom(lists),
            keel_atom(reverse), keel_make("[[1, 2, 300]]"), KEEL_IN(KEEL_SECONDS(20)));
    CHECK_STR(keel_show(answer), "[300,2,1]");
    CHECK_OK(keel_rpc_allow(keel_atom(math), keel_atom(sum), NULL));
    CHECK_STR(
            kl_beam_eval(&beam, "rpc:call('" HERE "', math, sum, [1])"), "{badrpc,notsup}");
    finish();
}

TEST("any term survives the way there and back, small and large")
{
    begin(true);
    CHECK_STR(kl_beam_eval(&beam, "T = {self(), make_ref(), [1|2], 1.5, 1 bsl 200, "
                                  "<<3:3>>, fun(X) -> X end, "
                                  "#{a => \"text\", {} => ''}}, {echo, T} =:= " CALL("T")),
            "true");
    CHECK_STR(kl_beam_eval(&beam,
                      "B = crypto:strong_rand_bytes(5000000), {echo, B} =:= " CALL("B")),
            "true");
    CHECK_STR(kl_beam_eval(&beam, "L = lists:seq(1, 300000), {echo, L} =:= " CALL("L")),
            "true");
    finish();
}

TEST("a server here calls servers of a BEAM node")
{
    begin(false);
    kl_beam_eval(&beam,
            "register(echo, spawn(fun F() -> receive {'$gen_call', From, {exit, R}} -> "
            "From, exit(R); {'$gen_call', From, M} -> gen_server:reply(From, {got, M}), "
            "F() end end))");
    keel_term echo = keel_tuple_of(keel_atom(echo), keel_atom_text(THERE));
    keel_term reply;
    CHECK_OK(keel_call_within(echo, keel_atom(hello), KEEL_IN(KEEL_SECONDS(20)), &reply));
    CHECK_STR(keel_show(reply), "{got,hello}");
    CHECK_STR(kl_beam_eval(&beam, CALL("{call, whereis(echo), [1]}")), "{0,{got,[1]}}");
    CHECK_INT(keel_call_within(keel_tuple_of(keel_atom(nobody), keel_atom_text(THERE)),
                      keel_atom(hello), KEEL_IN(KEEL_SECONDS(20)), &reply),
            KEEL_E_NOPROC);
    CHECK_INT(keel_call_within(
                      echo, keel_make("{exit, oh}"), KEEL_IN(KEEL_SECONDS(20)), &reply),
            KEEL_E_EXIT);
    CHECK_STR(keel_show(reply), "oh");
    CHECK_INT(
            keel_call_within(keel_tuple_of(keel_atom(x), keel_atom_text("none@127.0.0.1")),
                    keel_atom(hello), KEEL_IN(KEEL_SECONDS(20)), &reply),
            KEEL_E_NODEDOWN);
    finish();
}

TEST("monitors across nodes fire with the reason, by pid and by name")
{
    begin(false);
    kl_beam_ask(&beam, "erlang:monitor(process, " SERVER ")");
    kl_beam_await(&beam, "= ");
    kl_beam_ask(&beam, "R = erlang:monitor(process, {nobody, '" HERE "'}), "
                       "receive {'DOWN', R, process, O, W} -> {O, W} end");
    CHECK_STR(kl_beam_await(&beam, "= "), "{{nobody,'" HERE "'},noproc}");
    CHECK_STR(kl_beam_eval(&beam, "R = erlang:monitor(process, " SERVER "), "
                                  "true = erlang:demonitor(R, [flush, info]), ok"),
            "ok");
    kl_beam_eval(&beam, "register(mayfly, spawn(fun() -> receive R -> exit(R) end end))");
    kl_beam_eval(&beam, CALL("{monitor, whereis(mayfly)}"));
    kl_beam_eval(&beam, CALL("{monitor, {mayfly, node()}}"));
    kl_beam_eval(&beam, "mayfly ! {went, away}");
    for (int i = 0; i < 2; i++) {
        const char *down = kl_beam_await(&beam, "heard {told,{'DOWN',");
        CHECK(strstr(down, ",process,") && strstr(down, ",{went,away}}}"));
    }
    CHECK_STR(kl_beam_eval(&beam, "R = erlang:monitor(process, " SERVER "), catch " CALL(
                                          "{exit, over}") ", "
                                                          "receive {'DOWN', R, process, O, "
                                                          "W} -> {O, W} end"),
            "{{server,'" HERE "'},over}");
    finish();
}

TEST("links across nodes carry the reason both ways until they are taken back")
{
    begin(false);
    kl_beam_eval(&beam, CALL("{trap, true}"));
    kl_beam_eval(&beam, "register(mayfly, spawn(fun() -> receive R -> exit(R) end end))");
    CHECK_STR(kl_beam_eval(&beam, CALL("{link, whereis(mayfly)}")), "true");
    kl_beam_eval(&beam, "mayfly ! boom");
    const char *heard = kl_beam_await(&beam, "heard {told,{'EXIT',");
    CHECK(strstr(heard, ",boom}}"));
    kl_beam_eval(&beam, "register(mayfly, spawn(fun() -> receive R -> exit(R) end end))");
    CHECK_STR(kl_beam_eval(&beam, CALL("{link, whereis(mayfly)}")), "true");
    CHECK_STR(kl_beam_eval(&beam, CALL("{unlink, whereis(mayfly)}")), "true");
    kl_beam_eval(&beam, "mayfly ! quiet");
    CHECK_STR(kl_beam_eval(&beam,
                      "process_flag(trap_exit, true), P = spawn_link(fun() -> "
                      "{echo, _} = " CALL("[]") ", P1 = gen_server:call(" SERVER
                                                ", {call, {net_kernel, node()}, {is_auth, "
                                                "x}}), exit(P1) end), "
                                                "receive {'EXIT', P, W} -> W end"),
            "{0,yes}");
    finish();
}

TEST("a BEAM that is killed ends everything with noconnection at once")
{
    begin(false);
    kl_beam_eval(&beam, CALL("{monitor, self()}"));
    kl_beam_eval(&beam, CALL("{trap, true}"));
    kl_beam_eval(&beam, CALL("{link, self()}"));
    struct kl_beam second;
    kl_beam_start(&second, &epmd, "second@127.0.0.1", COOKIE, NULL);
    CHECK_STR(kl_beam_eval(&second, "gen_server:call(" SERVER ", value)"), "0");
    keel_term call;
    keel_started asker = keel_gen_server_start(&obedient, KEEL_NONE);
    CHECK_OK(asker.status);
    kl_beam_eval(&beam, "register(deaf, spawn(fun() -> receive never -> ok end end))");
    keel_cast(asker.pid, keel_make("{add, 1}"));
    kl_beam_stop(&beam);
    CHECK_INT(keel_call_within(keel_tuple_of(keel_atom(deaf), keel_atom_text(THERE)),
                      keel_atom(hello), KEEL_IN(KEEL_SECONDS(20)), &call),
            KEEL_E_NODEDOWN);
    keel_term nodes = keel_node_list(KEEL_NODES_CONNECTED);
    CHECK_STR(keel_show(nodes), "['second@127.0.0.1']");
    kl_beam_stop(&second);
    kl_beam_start(&beam, &epmd, THERE, COOKIE, NULL);
    finish();
}

// Calls a process of the BEAM that never answers, and tells how that ended.
static void ask_in_vain(keel_term test)
{
    keel_term reply, deaf = keel_tuple_of(keel_atom(deaf), keel_atom_text(THERE));
    keel_status status = keel_call_within(
            deaf, keel_atom(hello), KEEL_IN(KEEL_SECONDS(50)), &reply);
    keel_send(test, keel_int(status));
}

static keel_result pass_on(keel_term message, void *state)
{
    *(int64_t *)state = keel_to_int(message);
    return keel_noreply();
}

static const keel_gen_server hearing = {
        .name = "hearing",
        .state = KEEL_STATE(struct number, value),
        .init = begin_at_zero,
        .handle_call = obey,
        .handle_info = pass_on,
};

TEST("a BEAM that is killed in the midst of calls ends them at once")
{
    begin(false);
    // It says when it has the call, and answers nothing.
    kl_beam_eval(&beam, "register(deaf, spawn(fun() -> receive {'$gen_call', _, M} -> "
                        "ear ! M end, receive never -> ok end end))");
    keel_started ear = keel_gen_server_start(&hearing, KEEL_NONE);
    CHECK_OK(ear.status);
    keel_spawn(ask_in_vain, keel_from_pid(ear.pid));
    CHECK_STR(kl_beam_await(&beam, "heard "), "hello");
    int64_t killed = keel_now();
    kl_beam_stop(&beam);
    keel_term status = keel_int(0);
    while (keel_is_int(status) && keel_to_int(status) == 0) {
        CHECK_OK(keel_call_within(
                ear.pid, keel_atom(value), KEEL_IN(KEEL_SECONDS(20)), &status));
    }
    CHECK_INT(keel_to_int(status), KEEL_E_NODEDOWN);
    CHECK(keel_now() - killed < KEEL_SECONDS(20)); // neither ticks nor its own time
    keel_term nodes = keel_node_list(KEEL_NODES_CONNECTED);
    CHECK_STR(keel_show(nodes), "[]");
    kl_beam_start(&beam, &epmd, THERE, COOKIE, NULL);
    finish();
}

TEST("a wrong cookie and a taken name are refused")
{
    begin(false);
    CHECK_OK(keel_node_stop());
    CHECK(!keel_node_is_alive());
    CHECK_INT(start_node(THERE, COOKIE, false), KEEL_E_TAKEN);
    CHECK_INT(start_node("no name", COOKIE, false), KEEL_E_BADARG);
    CHECK_OK(start_node(HERE, "wrong", false));
    CHECK_INT(start_node(HERE, COOKIE, false), KEEL_E_RUNNING);
    CHECK_INT(keel_node_connect(keel_atom_text(THERE)), KEEL_E_NODEDOWN);
    CHECK_STR(kl_beam_eval(&beam, "net_adm:ping('" HERE "')"), "pang");
    CHECK_OK(keel_node_set_cookie(keel_atom_text(THERE), COOKIE));
    CHECK_OK(keel_node_connect(keel_atom_text(THERE)));
    CHECK_OK(keel_node_ping(keel_atom_text(THERE)));
    CHECK_OK(keel_node_disconnect(keel_atom_text(THERE)));
    CHECK_INT(keel_node_disconnect(keel_atom_text(THERE)), KEEL_E_NODEDOWN);
    finish();
}
