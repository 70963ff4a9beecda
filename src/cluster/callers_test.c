// Two nodes that dial each other: one attempt at a time, whoever's it is. The other node is
// a socket that says what the test has it say, when the test wants it.

#include "callers.h"
#include "cluster_testing.h"
#include "flags.h"
#include "link_testing.h"
#include "testing/harness.h"
#include <arpa/inet.h>
#include <keel/keel.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HERE "m@127.0.0.1"
#define LESSER "a@127.0.0.1"
#define GREATER "z@127.0.0.1"

// Where the other node listens. It is always ready: whoever dials it is in its queue.
static int listening;

static void begin(void)
{
    uint16_t port;
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    CHECK_OK(keel_node_start(&(keel_node_config){.name = HERE,
            .cookie = "monster",
            .no_epmd = true,
            .setup_time = KEEL_SECONDS(60)}));
    listening = kl_testing_listen(&port);
}

static void finish(void)
{
    close(listening);
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    return ntohs(address.sin_port);
}

static bool was_dialled(void)
{
    struct pollfd queue = {.fd = listening, .events = POLLIN};
    return poll(&queue, 1, 0) != 0;
}

static struct kl_handshake_opts as(const char *name)
{
    return (struct kl_handshake_opts){.own_name = name,
            .creation = 7,
            .flags = kl_dist_flags_offered(false),
            .challenge = 1,
            .length_bytes = 2,
            .peer_name = HERE,
            .cookie = "monster"};
}

// Says our name and hears the answer, which is all that is read: nothing more comes unless
// we may go on, and then the next packet stays in the socket.
static void call_as(struct kl_testing_link *link, const char *name, const char *wanted)
{
    uint8_t length[2], answer[64];
    const uint8_t *words;
    struct kl_handshake_opts opts = as(name);
    *link = (struct kl_testing_link){.fd = kl_testing_connect(keel_node_port()),
            .cookie = "monster",
            .replace = true};
    kl_handshake_init(&link->hs, &opts);
    size_t size = kl_handshake_output(&link->hs, &words), used;
    kl_testing_write(link->fd, words, size);
    CHECK(kl_testing_read_all(link->fd, length, sizeof length));
    size = (size_t)length[0] << 8 | length[1];
    CHECK(size < sizeof answer);
    CHECK(kl_testing_read_all(link->fd, answer, size));
    answer[size] = 0;
    CHECK_STR((const char *)answer, wanted);
    kl_handshake_feed(&link->hs, length, sizeof length, &used);
    kl_handshake_feed(&link->hs, answer, size, &used);
    CHECK_INT(used, size);
}

// The rest of the handshake.
static void go_on(struct kl_testing_link *link)
{
    if (link->hs.event == KL_HANDSHAKE_ALIVE) {
        kl_handshake_proceed(&link->hs, true);
    }
    CHECK_INT(kl_testing_shake_on(link), KL_HANDSHAKE_DONE);
}

// Something of ours wants the node: it is told where that listens, and sent a message.
static void want(const char *name)
{
    keel_term node = kl_testing_atom(name);
    CHECK_OK(keel_node_set_address(node, "127.0.0.1", port_of(listening)));
    CHECK_OK(keel_send(keel_tuple_of(kl_testing_atom("ear"), node), keel_atom(hello)));
}

// Reads until that message has come. Whatever else does is none of this test's business.
static void hear(struct kl_testing_link *link)
{
    static const char wanted[] = "hello";
    size_t same = 0;
    for (size_t i = 0; i < link->rest_size && same < strlen(wanted); i++) {
        same = (char)link->rest[i] == wanted[same] ? same + 1 : 0;
    }
    link->rest_size = 0;
    while (same < strlen(wanted)) {
        char byte;
        CHECK_INT(kl_testing_read(link->fd, &byte, 1), 1);
        same = byte == wanted[same] ? same + 1 : 0;
    }
}

TEST("a node that calls is not dialled, though nobody knew its name before")
{
    struct kl_testing_link link;
    begin();
    call_as(&link, LESSER, "sok");
    want(LESSER);
    go_on(&link);
    hear(&link);
    CHECK(!was_dialled());
    kl_testing_link_close(&link);
    finish();
}

TEST("who waited for a caller that gives up dials it")
{
    struct kl_testing_link link;
    begin();
    call_as(&link, GREATER, "sok");
    want(GREATER);
    CHECK(!was_dialled());
    kl_testing_link_close(&link);
    int fd = accept(listening, NULL, NULL);
    CHECK(fd >= 0);
    close(fd);
    finish();
}

TEST("of two calls of one node the later one counts")
{
    struct kl_testing_link old, link;
    begin();
    call_as(&old, LESSER, "sok");
    want(LESSER);
    call_as(&link, LESSER, "sok");
    go_on(&link);
    hear(&link);
    kl_testing_link_close(&old);
    want(LESSER);
    hear(&link);
    CHECK(!was_dialled());
    kl_testing_link_close(&link);
    finish();
}

// Dials the node and returns when that has heard who it is.
static void dial(struct kl_testing_link *link, const char *name)
{
    uint8_t first;
    want(name);
    *link = (struct kl_testing_link){
            .fd = accept(listening, NULL, NULL), .cookie = "monster"};
    CHECK(link->fd >= 0);
    CHECK_INT(recv(link->fd, &first, 1, MSG_PEEK), 1);
}

TEST("of two attempts at a time that of the greater name goes on")
{
    struct kl_testing_link ours, theirs;
    begin();
    dial(&ours, LESSER); // which has the lesser name
    call_as(&theirs, LESSER, "snok");
    kl_testing_link_close(&theirs);
    struct kl_handshake_opts opts = as(LESSER);
    opts.peer_name = opts.cookie = NULL;
    CHECK_INT(kl_testing_shake(&ours, &opts), KL_HANDSHAKE_DONE);
    hear(&ours);
    dial(&theirs, GREATER);
    struct kl_testing_link greater;
    call_as(&greater, GREATER, "sok_simultaneous");
    go_on(&greater);
    hear(&greater);
    kl_testing_link_close(&theirs);
    want(GREATER);
    hear(&greater);
    CHECK(!was_dialled());
    kl_testing_link_close(&greater);
    kl_testing_link_close(&ours);
    finish();
}

TEST("who replaces a connection that it has lost is not dialled when that ends here")
{
    struct kl_testing_link old, link;
    begin();
    call_as(&old, GREATER, "sok");
    go_on(&old);
    want(GREATER);
    hear(&old);
    call_as(&link, GREATER, "salive");
    kl_testing_link_close(&old);
    // The end of the old one is heard of at some time before or after this.
    while (keel_node_list(KEEL_NODES_CONNECTED).word != keel_nil().word) {
        sched_yield();
    }
    want(GREATER);
    go_on(&link);
    hear(&link);
    CHECK(!was_dialled());
    kl_testing_link_close(&link);
    finish();
}
