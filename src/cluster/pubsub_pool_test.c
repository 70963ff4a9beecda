// Which groups of a pool an instance of pubsub sends to, as a BEAM node sees it that has
// four workers.

#include "cluster_testing.h"
#include "proc/proc_testing.h"
#include <keel/node.h>
#include <keel/pg.h>
#include <keel/pubsub.h>

#define THERE "beam@127.0.0.1"
enum { SENDERS = 64 };

static struct kl_epmd_daemon epmd;
static struct kl_beam beam;

// A worker in each group, as Phoenix.PubSub has with pool_size: 4, that says which it is.
static const char workers[] =
        "pg:start('Elixir.Phoenix.PubSub'), Me = self(), "
        "[spawn(fun() -> pg:join('Elixir.Phoenix.PubSub', N, self()), Me ! joined, "
        "(fun Loop() -> receive {forward_to_local, _, goal, _} -> ear ! N, Loop() end "
        "end)()"
        " end) || N <- ['Elixir.My.Adapter', 'Elixir.My.Adapter_2', 'Elixir.My.Adapter_3', "
        "'Elixir.My.Adapter_4']], [receive joined -> ok end || _ <- lists:seq(1, 4)]";

// Broadcasts from a process of its own: the group depends on that.
static void say(keel_term parent)
{
    keel_status status = keel_pubsub_broadcast(
            keel_atom_text("Elixir.My"), keel_string("sport"), keel_atom(goal));
    keel_send(keel_to_pid(parent), keel_tuple_of(keel_atom(said), keel_int(status)));
}

// Bits of the groups that got something.
static unsigned groups_used(void)
{
    unsigned used = 0;
    for (int i = 0; i < SENDERS; i++) {
        keel_spawn(say, keel_from_pid(keel_self()));
    }
    for (int i = 0; i < SENDERS; i++) {
        EXPECT_MESSAGE("{said, 0}");
    }
    for (int i = 0; i < SENDERS; i++) {
        const char *group = kl_beam_await(&beam, "heard 'Elixir.My.Adapter");
        used |= group[0] == '_' ? 1u << (group[1] - '1') : 1u;
    }
    return used;
}

static keel_pid start_instance(int pool, int broadcast)
{
    keel_started started = keel_pubsub_start_link(.name = keel_atom_text("Elixir.My"),
            .pool_size = pool, .broadcast_pool_size = broadcast,
            .adapter = keel_pubsub_pg_adapter());
    CHECK_OK(started.status);
    return started.pid;
}

// In order, so that its names are free afterwards.
static void stop_instance(keel_pid instance)
{
    keel_ref ref = keel_monitor(instance);
    keel_process_exit(instance, keel_atom(shutdown));
    EXPECT_MESSAGE("{'DOWN', ^Ref, process, _, shutdown}", ref);
    keel_flush();
}

THREADS_TEST("a broadcast goes to one of as many groups as were asked for, workers or not")
{
    kl_testing_needs("erl");
    kl_epmd_daemon_start(&epmd);
    kl_beam_start(&beam, &epmd, THERE, "monster", NULL);
    CHECK_OK(keel_node_start(&(keel_node_config){.name = "c@127.0.0.1",
            .cookie = "monster",
            .epmd_port = epmd.port,
            .visible = true}));
    keel_trap_exit(true);
    keel_term scope = keel_atom_text("Elixir.Phoenix.PubSub"), before;
    keel_ref ref;
    keel_pid instance = start_instance(4, 2);
    CHECK_OK(keel_pg_monitor_scope(scope, &ref, &before));
    kl_beam_eval(&beam, workers);
    CHECK_OK(keel_node_connect(keel_atom_text(THERE)));
    for (int i = 0; i < 4; i++) {
        EXPECT_MESSAGE("{^Ref, join, _, [_]}", ref);
    }
    CHECK(keel_pg_demonitor(scope, ref));
    CHECK_INT(groups_used(), 3);
    stop_instance(instance);
    instance = start_instance(4, 0);
    CHECK_INT(groups_used(), 15);
    stop_instance(instance);
    instance = start_instance(1, 0);
    CHECK_INT(groups_used(), 1);
    stop_instance(instance);
    end_process(keel_whereis_term(scope));
    CHECK_OK(keel_node_stop());
    kl_beam_stop(&beam);
    kl_epmd_daemon_stop(&epmd);
}
