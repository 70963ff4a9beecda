#ifndef KL_CLUSTER_NODES_TESTING_H
#define KL_CLUSTER_NODES_TESTING_H

#include <keel/gen_server.h>

// For tests with several nodes of ours, each in a program of its own: copies of the test's,
// made before it has any thread. Each of them runs a server `server` that does as it is
// told. Whoever waits for something waits until it is so: nodes may be slow.
//
// The nodes are visible ones, named node0@127.0.0.1 (the test itself) and so on.

enum { KL_NODES_MOST = 4 };

struct kl_nodes {
    int count;
    const keel_gen_server *server;
    void (*prepare)(void); // runs on each node, in a process, once the node is up
    keel_body body; // runs on the first one; ends with kl_nodes_done()
};

// Returns when the body is done and all has ended. Call it from a TEST().
void kl_nodes_run(const struct kl_nodes *nodes);
void kl_nodes_done(void);

keel_term kl_nodes_name(int index);
// The answer of a node's server.
keel_term kl_nodes_ask(int index, keel_term request);
void kl_nodes_tell(int index, keel_term request); // a cast
void kl_nodes_connect(int index);
// Kills the program.
void kl_nodes_kill(int index);

// Repeats what may take a while on a slow machine.
#define KL_NODES_UNTIL(condition)                                                          \
    for (bool so = false; !so;) {                                                          \
        keel_scope until_scope_ = keel_scope_open();                                       \
        so = (condition);                                                                  \
        keel_scope_close(&until_scope_);                                                   \
        if (!so) {                                                                         \
            keel_sleep(KEEL_MS(5));                                                        \
        }                                                                                  \
    }

#endif // KL_CLUSTER_NODES_TESTING_H
