// Process groups, and publish and subscribe, shared with BEAM nodes.

#include "cluster_testing.h"
#include "proc/proc_testing.h"
#include <keel/node.h>
#include <keel/pg.h>
#include <stdio.h>
#include <string.h>

#define HERE "c@127.0.0.1"
#define THERE "beam@127.0.0.1"

static struct kl_epmd_daemon epmd;
static struct kl_beam beam;

static void begin(bool visible)
{
    kl_testing_needs("erl");
    kl_epmd_daemon_start(&epmd);
    kl_beam_start(&beam, &epmd, THERE, "monster", NULL);
    CHECK_OK(keel_node_start(&(keel_node_config){.name = HERE,
            .cookie = "monster",
            .epmd_port = epmd.port,
            .visible = visible}));
}

static void finish(void)
{
    CHECK_OK(keel_node_stop());
    kl_beam_stop(&beam);
    kl_epmd_daemon_stop(&epmd);
}

static keel_term beam_node(void)
{
    return keel_atom_text(THERE);
}

// Processes join on their own node, and only scopes that are known say who has.
static void refuse_strangers(keel_term far)
{
    keel_term self = keel_from_pid(keel_self()), scope = keel_atom(pg);
    CHECK_INT(keel_pg_join(KEEL_NONE, keel_atom(i), far), KEEL_E_BADARG);
    CHECK_INT(
            keel_pg_join(KEEL_NONE, keel_atom(i), keel_list_of(self, far)), KEEL_E_BADARG);
    CHECK_INT(keel_pg_leave(KEEL_NONE, keel_atom(h), far), KEEL_E_BADARG);
    CHECK_OK(keel_send(scope, keel_make("{join, Peer, i, Pid}", far, far)));
    CHECK_OK(keel_send(scope, keel_make("{leave, Peer, Pid, [h]}", far, far)));
    CHECK_TERM(keel_pg_members(KEEL_NONE, keel_atom(i)), "[]");
    CHECK_TERM(keel_pg_members(KEEL_NONE, keel_atom(h)), "[^Far]", far);
    CHECK_TERM(keel_pg_groups(KEEL_NONE), "[h]");
    CHECK_TERM(keel_pg_local_groups(KEEL_NONE), "[]");
}

// What another node does, we do, and each hears of the other.
static void share_groups(void)
{
    keel_pid scope = keel_pg_start(KEEL_NONE).pid;
    keel_pid member = new_puppet();
    keel_term before;
    keel_ref ref;
    CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), keel_from_pid(member)));
    CHECK_OK(keel_pg_monitor_scope(KEEL_NONE, &ref, &before));
    CHECK_STR(kl_beam_eval(&beam, "element(1, pg:start(pg))"), "ok");
    CHECK_OK(keel_node_connect(beam_node()));
    CHECK_STR(kl_beam_eval(&beam, "{R, M} = pg:monitor(g), P = case M of [X] -> X; [] -> "
                                  "receive {R, join, g, [X]} -> X end end, node(P)"),
            "'" HERE "'");
    // A group of theirs, joined twice, of any name.
    kl_beam_eval(&beam, "register(m, spawn(fun() -> receive R -> exit(R) end end)), "
                        "pg:join({\"name\", 1}, [whereis(m), whereis(m)])");
    keel_term name, pids;
    EXPECT_MESSAGE("{^Ref, join, Name, Pids}", ref, &name, &pids);
    CHECK_TERM(name, "{\"name\", 1}");
    CHECK_TERM(pids, "[P, P]", &(keel_term){0});
    CHECK_TERM(keel_pg_members(KEEL_NONE, name), "[_, _]");
    CHECK_TERM(keel_pg_local_members(KEEL_NONE, name), "[]");
    kl_beam_eval(&beam, "pg:leave({\"name\", 1}, whereis(m))");
    EXPECT_MESSAGE("{^Ref, leave, _, [_]}", ref);
    kl_beam_eval(&beam, "m ! bye");
    EXPECT_MESSAGE("{^Ref, leave, _, [_]}", ref);
    CHECK_TERM(keel_pg_groups(KEEL_NONE), "[g]");
    // Ours end and leave, and they hear of it.
    kl_beam_ask(&beam, "{R, [P]} = pg:monitor(g), ear ! ready, "
                       "receive {R, leave, g, [P]} -> left end");
    kl_beam_await(&beam, "heard ready");
    end_process(member);
    CHECK_STR(kl_beam_await(&beam, "= "), "left");
    EXPECT_MESSAGE("{^Ref, leave, g, [_]}", ref);
    // Cut off they are gone, and back after.
    kl_beam_eval(&beam, "pg:join(h, whereis(ear))");
    EXPECT_MESSAGE("{^Ref, join, h, [_]}", ref);
    CHECK_OK(keel_node_disconnect(beam_node()));
    EXPECT_MESSAGE("{^Ref, leave, h, [_]}", ref);
    CHECK_OK(keel_node_connect(beam_node()));
    EXPECT_MESSAGE("{^Ref, join, h, [_]}", ref);
    refuse_strangers(keel_head(keel_pg_members(KEEL_NONE, keel_atom(h))));
    kl_beam_eval(&beam, "exit(whereis(pg), kill)");
    EXPECT_MESSAGE("{^Ref, leave, h, [_]}", ref);
    end_process(scope);
}

THREADS_TEST("a hidden node shares process groups with a BEAM node",
        .ids = "GL-077 GL-078 GL-079 GL-081 GL-082 GL-084")
{
    begin(false);
    share_groups();
    finish();
}

THREADS_TEST("a visible node shares process groups with a BEAM node",
        .ids = "GL-077 GL-078 GL-079 GL-082")
{
    begin(true);
    share_groups();
    finish();
}

// How many members the BEAM sees in g, once it is that many.
static void await_members(int count)
{
    char code[128];
    snprintf(code, sizeof code,
            "(fun Look() -> case length(pg:get_members(g)) of %d -> seen; _ -> "
            "timer:sleep(5), Look() end end)()",
            count);
    CHECK_STR(kl_beam_eval(&beam, code), "seen");
}

THREADS_TEST("a scope that ends takes its members along, and the next one begins without")
{
    begin(true);
    CHECK_STR(kl_beam_eval(&beam, "element(1, pg:start(pg))"), "ok");
    keel_pid member = new_puppet();
    for (int i = 0; i < 10; i++) {
        keel_pid scope = keel_pg_start(KEEL_NONE).pid;
        if (i % 2 == 0) { // before they meet, and after
            CHECK_OK(keel_node_connect(beam_node()));
        }
        CHECK_OK(keel_pg_join(KEEL_NONE, keel_atom(g), keel_from_pid(member)));
        CHECK_OK(keel_node_connect(beam_node()));
        await_members(1);
        end_process(scope);
        if (i % 3 == 0) {
            await_members(0);
        } else if (i % 3 == 1) {
            CHECK_OK(keel_node_disconnect(beam_node()));
        }
    }
    await_members(0);
    end_process(member);
    finish();
}

// What Phoenix.PubSub's adapter does on its node: a worker in the group of its own name,
// for an instance whose subscribers are the process `ear`.
static const char phoenix_worker[] =
        "pg:start('Elixir.Phoenix.PubSub'), "
        "Name = 'Elixir.My.PubSub.Adapter', Me = self(), "
        "spawn(fun() -> register(Name, self()), pg:join('Elixir.Phoenix.PubSub', Name, "
        "self()), "
        "Me ! joined, (fun Loop() -> receive {forward_to_local, Topic, Message, "
        "Dispatcher} -> "
        "ear ! {got, Topic, Message, Dispatcher}, Loop() end end)() end), "
        "receive joined -> ok end";

THREADS_TEST("broadcasts go both ways between an instance here and one of Phoenix.PubSub",
        .ids = "PB-040 PB-041 PB-042 PB-043")
{
    begin(true);
    keel_term news = keel_atom_text("Elixir.My.PubSub");
    keel_term topic = keel_string("sport");
    keel_started started = keel_pubsub_start_link(.name = news,
            .adapter = keel_pubsub_pg_adapter());
    CHECK_OK(started.status);
    CHECK_OK(keel_pubsub_subscribe(news, topic));
    keel_ref ref;
    keel_term scope = keel_atom_text("Elixir.Phoenix.PubSub"), before;
    CHECK_OK(keel_pg_monitor_scope(scope, &ref, &before));
    kl_beam_eval(&beam, phoenix_worker);
    CHECK_OK(keel_node_connect(beam_node()));
    EXPECT_MESSAGE("{^Ref, join, 'Elixir.My.PubSub.Adapter', [_]}", ref);
    CHECK_OK(keel_pubsub_broadcast(news, topic, keel_make("{goal, 1}")));
    EXPECT_MESSAGE("{goal, 1}");
    CHECK_STR(kl_beam_await(&beam, "heard "),
            "{got,<<115,112,111,114,116>>,{goal,1},'Elixir.Phoenix.PubSub'}");
    CHECK_OK(keel_pubsub_local_broadcast(news, topic, keel_atom(here)));
    EXPECT_MESSAGE("here");
    CHECK_OK(keel_pubsub_direct_broadcast(news, beam_node(), topic, keel_atom(there)));
    CHECK_STR(kl_beam_await(&beam, "heard "),
            "{got,<<115,112,111,114,116>>,there,'Elixir.Phoenix.PubSub'}");
    CHECK_OK(keel_pubsub_broadcast_from(news, keel_self(), topic, keel_atom(others)));
    CHECK_STR(kl_beam_await(&beam, "heard "),
            "{got,<<115,112,111,114,116>>,others,'Elixir.Phoenix.PubSub'}");
    kl_beam_eval(&beam,
            "[P ! {forward_to_local, <<\"sport\">>, {from, beam}, 'Elixir.Phoenix.PubSub'} "
            "|| "
            "P <- pg:get_members('Elixir.Phoenix.PubSub', 'Elixir.My.PubSub.Adapter'), "
            "node(P) =/= node()]");
    EXPECT_MESSAGE("{from, beam}");
    EXPECT_NO_MESSAGE();
    CHECK(keel_pg_demonitor(scope, ref));
    keel_trap_exit(true); // subscribers are linked to the registry
    end_process(started.pid);
    keel_flush();
    end_process(keel_whereis_term(scope));
    finish();
}
