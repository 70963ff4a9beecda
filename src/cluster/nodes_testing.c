#include "nodes_testing.h"

#include "cluster_testing.h"
#include "proc/proc_testing.h"
#include <keel/node.h>
#include <stdio.h>
#include <string.h>

static const struct kl_nodes *running;
static struct kl_epmd_daemon epmd;
static pid_t others[KL_NODES_MOST];
static keel_pid prepared; // who has started things on this node

static void name_of(int index, char *name, size_t size)
{
    snprintf(name, size, "node%d@127.0.0.1", index);
}

keel_term kl_nodes_name(int index)
{
    char name[32];
    keel_term atom;
    name_of(index, name, sizeof name);
    CHECK_OK(keel_atom_from(name, strlen(name), &atom));
    return atom;
}

static void prepare(keel_term unused)
{
    (void)unused;
    running->prepare();
    keel_gen_ack(keel_atom(ready));
    keel_receive(); // what it has started and is linked to stays
}

static void start(const char *name)
{
    keel_pid pid;
    keel_term ack;
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    CHECK_OK(keel_gen_server_start(running->server, KEEL_NONE, .name = keel_atom(server))
                     .status);
    CHECK_OK(keel_node_start(&(keel_node_config){
            .name = name, .cookie = "monster", .epmd_port = epmd.port, .visible = true}));
    CHECK_OK(keel_start_body(prepare, keel_nil(), NULL, KEEL_NEVER, &pid, NULL, &ack));
    prepared = pid;
}

void kl_nodes_run(const struct kl_nodes *nodes)
{
    char name[32];
    keel_pid pid;
    keel_term ack;
    kl_testing_needs("epmd");
    kl_epmd_daemon_start(&epmd);
    running = nodes;
    for (int i = 1; i < nodes->count; i++) {
        name_of(i, name, sizeof name);
        others[i] = kl_testing_copy(start, name);
    }
    name_of(0, name, sizeof name);
    start(name);
    CHECK_OK(keel_start_body(nodes->body, keel_nil(), NULL, KEEL_NEVER, &pid, NULL, &ack));
    // What it has started ends with it, in order.
    keel_process_exit(prepared, keel_atom(shutdown));
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(60)), NULL));
    for (int i = 1; i < nodes->count; i++) {
        kl_nodes_kill(i);
    }
    kl_epmd_daemon_stop(&epmd);
}

void kl_nodes_done(void)
{
    keel_gen_ack(keel_atom(done));
}

keel_term kl_nodes_ask(int index, keel_term request)
{
    keel_term reply;
    CHECK_OK(keel_call_within(keel_tuple_of(keel_atom(server), kl_nodes_name(index)),
            request, KEEL_IN(KEEL_SECONDS(100)), &reply));
    return reply;
}

void kl_nodes_tell(int index, keel_term request)
{
    keel_cast(keel_tuple_of(keel_atom(server), kl_nodes_name(index)), request);
}

void kl_nodes_connect(int index)
{
    CHECK_OK(keel_node_connect(kl_nodes_name(index)));
}

void kl_nodes_kill(int index)
{
    kl_testing_kill(&others[index]);
}
