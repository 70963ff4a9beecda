#ifndef KL_CLUSTER_CLUSTER_TESTING_H
#define KL_CLUSTER_CLUSTER_TESTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// For tests with BEAM nodes: an epmd on a port of its own and nodes that know no other, on
// loopback only. Whatever was started ends with the test, however that ends. What a node
// understands is written in tests/cluster/peer.eval; where that lies the build tells.

struct kl_epmd_daemon {
    pid_t pid;
    uint16_t port;
};
struct kl_beam {
    pid_t pid;
    int to, from;
    char text[4096]; // what it has written and nobody read yet
    size_t size;
};

// Ends the test as skipped where a program is not installed.
void kl_testing_needs(const char *program);
void kl_epmd_daemon_start(struct kl_epmd_daemon *daemon);
// At an address and a port that are free, as in a network namespace of one's own.
void kl_epmd_daemon_start_at(
        struct kl_epmd_daemon *daemon, const char *address, uint16_t port);
void kl_epmd_daemon_stop(struct kl_epmd_daemon *daemon);

// Starts a node under this name and waits until it is up. `arguments` (may be NULL, ended
// by NULL) go to `erl` too.
void kl_beam_start(struct kl_beam *beam, const struct kl_epmd_daemon *daemon,
        const char *name, const char *cookie, const char *const *arguments);
void kl_beam_stop(struct kl_beam *beam);
// Has it evaluate an expression, written without the dot, and does not wait.
void kl_beam_ask(struct kl_beam *beam, const char *expression);
// The next line that it writes, without the end of line; fails the test after a minute.
// Valid until the next call.
const char *kl_beam_line(struct kl_beam *beam);
// Reads lines until one starts with `start`, and returns what stands behind that.
const char *kl_beam_await(struct kl_beam *beam, const char *start);
// Asks and returns the result as text.
const char *kl_beam_eval(struct kl_beam *beam, const char *expression);

// --- programs of ours ---

// Starts a copy of this program, made before it has any thread, in which start(name) runs
// and which then stays until it is killed, or dies with us. Returns when start() has.
pid_t kl_testing_copy(void (*start)(const char *name), const char *name);
// Kills and forgets it; nothing when that was done.
void kl_testing_kill(pid_t *copy);

// --- sockets for tests: plain and blocking ---

int kl_testing_connect(uint16_t port);
int kl_testing_listen(uint16_t *ret_port);
void kl_testing_write(int fd, const void *data, size_t size);
// Reads once; 0: the other side has closed.
size_t kl_testing_read(int fd, void *data, size_t room);
// False when the other side closes before all is there.
bool kl_testing_read_all(int fd, void *data, size_t size);

#endif // KL_CLUSTER_CLUSTER_TESTING_H
