#include "bench.h"

#include <keel/node.h>
#include <stdio.h>
#include <unistd.h>

// The other side of bench_remote.erl: `keel-bench-node NAME COOKIE` is a node with the
// server `bench`, until it is killed.

static void serve(keel_term unused)
{
    (void)unused;
    bench_start(KEEL_NONE, keel_atom(bench));
    keel_gen_ack(keel_atom(ok));
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: keel-bench-node NAME COOKIE\n");
        return 2;
    }
    keel_config config = {.workers = 2};
    keel_node_config node = {.name = argv[1], .cookie = argv[2]};
    keel_term ack;
    keel_status status = keel_start(&config);
    if (status == KEEL_OK) {
        status = keel_start_body(serve, KEEL_NONE, NULL, KEEL_NEVER, NULL, NULL, &ack);
    }
    if (status == KEEL_OK) {
        status = keel_node_start(&node);
    }
    if (status != KEEL_OK) {
        fprintf(stderr, "no node: %s\n", keel_status_text(status));
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        pause();
    }
}
