// A node under peers that know the cookie and mean ill: whatever they send, it goes on and
// serves the others.

#include "cluster_testing.h"
#include "flags.h"
#include "link_testing.h"
#include "testing/harness.h"
#include "wire.h"
#include <keel/keel.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HERE "c@127.0.0.1"

// --- a server that counts ---

struct count {
    int64_t value;
};

static keel_result init(keel_term unused, void *state)
{
    (void)unused;
    (void)state;
    keel_trap_exit(true); // whoever links to it may end it, as anywhere
    return keel_ok();
}

static keel_result tell(keel_term unused, keel_from from, void *state)
{
    (void)unused;
    (void)from;
    return keel_reply(keel_int(((struct count *)state)->value));
}

static keel_result add(keel_term unused, void *state)
{
    (void)unused;
    ((struct count *)state)->value++;
    return keel_noreply();
}

static keel_result ignore(keel_term unused, void *state)
{
    (void)unused;
    (void)state;
    return keel_noreply();
}

static const keel_gen_server counting = {
        .name = "counting",
        .state = KEEL_STATE(struct count, value),
        .init = init,
        .handle_call = tell,
        .handle_cast = add,
        .handle_info = ignore,
};

static int64_t counted(void)
{
    keel_term reply;
    CHECK_OK(keel_call_within(
            keel_atom(server), keel_atom(value), KEEL_IN(KEEL_SECONDS(20)), &reply));
    return keel_to_int(reply);
}

// --- peers ---

static void connect_as(struct kl_testing_link *link, const char *name)
{
    struct kl_handshake_opts opts = {
            .own_name = name,
            .creation = 7,
            .flags = kl_dist_flags_offered(false),
            .challenge = 1,
            .length_bytes = 2,
            .peer_name = HERE,
            .cookie = "monster",
    };
    *link = (struct kl_testing_link){.fd = kl_testing_connect(keel_node_port()),
            .cookie = "monster",
            .replace = true};
    CHECK_INT(kl_testing_shake(link, &opts), KL_HANDSHAKE_DONE);
}

static keel_term pid_of(const char *node)
{
    struct kl_remote_pid pid = {kl_testing_atom(node), 5, 6, 7};
    return keel_from_pid(kl_pid_make_remote(&pid));
}

static keel_term ref_of(const char *node)
{
    struct kl_remote_ref ref = {kl_testing_atom(node), 7, 3, {1, 2, 3}};
    return keel_from_ref(kl_ref_make_remote(&ref));
}

static size_t put_term(uint8_t *at, keel_term term)
{
    keel_etf_opts opts = {.no_version = true};
    keel_term binary;
    CHECK_OK(keel_etf_encode(term, &opts, &binary));
    keel_bytes bytes = keel_to_bytes(binary);
    memcpy(at, bytes.data, bytes.size);
    return bytes.size;
}

// A frame as it should be, with a control message of the given kind.
static size_t good_frame(uint8_t *frame, unsigned kind, keel_pid server)
{
    const char *evil = "evil@127.0.0.1";
    keel_term from = pid_of(evil), ref = ref_of(evil), none = keel_atom_text("");
    keel_term to = keel_from_pid(server), name = keel_atom(server);
    keel_term control[] = {
            keel_make("{6, From, None, Name}", from, none, name),
            keel_make("{22, From, To}", from, to),
            keel_make("{1, From, To}", from, to),
            keel_make("{3, From, To, normal}", from, to),
            keel_make("{24, From, To}", from, to),
            keel_make("{19, From, Name, Ref}", from, name, ref),
            keel_make("{20, From, Name, Ref}", from, name, ref),
            keel_make("{19, From, To, Ref}", from, to, ref),
            keel_make("{28, From, To, Ref}", from, to, ref),
            keel_make("{29, Ref, From, Leader, {erpc, execute_call, 4}, [monitor]}", ref,
                    from, keel_copy(from)),
            keel_make("{33, From, Ref}", from, ref),
            keel_make("{35, 99, From, To}", from, to),
            keel_make("{36, 99, From, To}", from, to),
    };
    static const bool payload[] = {true, true, false, false, true, false, false, false,
            true, true, true, false, false};
    size_t which = kind % (sizeof control / sizeof *control);
    uint8_t *at = kl_wire_put_bytes(frame + 4, "\x83\x44\0", 3);
    at += put_term(at, control[which]);
    if (payload[which]) {
        at += put_term(at, keel_make("{x, [1, 2.5, \"abc\"], #{k => <<\"v\">>}}"));
    }
    kl_wire_put_32(frame, (uint32_t)(at - frame - 4));
    return (size_t)(at - frame);
}

// Some bytes of it changed, or its end missing.
static size_t spoil(uint8_t *frame, size_t size, uint64_t *random)
{
    for (uint64_t times = kl_random_next(random) % 4; times > 0; times--) {
        frame[kl_random_next(random) % size] = (uint8_t)kl_random_next(random);
    }
    return kl_random_next(random) % 8 == 0 ? 1 + kl_random_next(random) % size : size;
}

static size_t count_processes(void)
{
    size_t count;
    CHECK(keel_list_length(keel_process_list(), &count));
    return count;
}

// Frames from the good peer are served, and answered in order: a call that comes back.
static void cast_from(struct kl_testing_link *good)
{
    kl_testing_send(good, &(struct kl_control){.kind = KL_CONTROL_REG_SEND,
                                  .from = pid_of("good@127.0.0.1"),
                                  .name = keel_atom(server),
                                  .content = keel_make("{'$gen_cast', add}")});
}

TEST("hostile frames end their own connection, and the other peers are served",
        .timeout_s = 120)
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_started server = keel_gen_server_start(
            &counting, KEEL_NONE, .name = keel_atom(server));
    CHECK_OK(server.status);
    CHECK_OK(keel_node_start(&(keel_node_config){
            .name = HERE, .cookie = "monster", .no_epmd = true, .max_message = 1 << 20}));
    struct kl_testing_link good, evil;
    connect_as(&good, "good@127.0.0.1");
    cast_from(&good);
    while (counted() < 1) { // it is connected, and the processes for it are there
    }
    size_t before = count_processes();
    uint64_t random = 42;
    enum { CONNECTIONS = 250, FRAMES = 20 };
    for (int i = 0; i < CONNECTIONS; i++) {
        keel_scope scope = keel_scope_open();
        connect_as(&evil, "evil@127.0.0.1");
        for (int j = 0; j < FRAMES; j++) {
            uint8_t frame[2000];
            size_t size = good_frame(frame, (unsigned)kl_random_next(&random), server.pid);
            size = spoil(frame, size, &random);
            if (send(evil.fd, frame, size, MSG_NOSIGNAL) != (ssize_t)size) {
                break; // it has been shown the door
            }
        }
        kl_testing_link_close(&evil);
        keel_scope_close(&scope);
    }
    int64_t now = counted();
    cast_from(&good);
    while (counted() <= now) { // each call has its answer: the test's time is the limit
    }
    while (count_processes() > before) {
        counted();
    }
    CHECK(keel_process_alive(server.pid));
    keel_term nodes = keel_node_list(KEEL_NODES_CONNECTED);
    CHECK_STR(keel_show(nodes), "['good@127.0.0.1']");
    kl_testing_link_close(&good);
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
}

TEST("strangers that say nothing or nonsense leave nothing behind", .timeout_s = 60)
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    CHECK_OK(keel_node_start(
            &(keel_node_config){.name = HERE, .cookie = "monster", .no_epmd = true}));
    size_t before = count_processes();
    uint64_t random = 7;
    for (int i = 0; i < 300; i++) {
        int fd = kl_testing_connect(keel_node_port());
        uint8_t bytes[64];
        for (size_t j = 0; j < sizeof bytes; j++) {
            bytes[j] = (uint8_t)kl_random_next(&random);
        }
        ssize_t sent = send(
                fd, bytes, kl_random_next(&random) % sizeof bytes, MSG_NOSIGNAL);
        CHECK(sent >= 0);
        close(fd);
    }
    while (count_processes() > before) {
        CHECK_INT(keel_node_ping(kl_testing_atom("none@127.0.0.1")), KEEL_E_NODEDOWN);
    }
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
}

// A message to the server with `count` atoms nobody has used, numbered from `first`.
static size_t frame_of_atoms(uint8_t *frame, size_t first, size_t count)
{
    static const uint8_t list_end[] = {106};
    keel_term name = keel_atom(server), none = keel_atom_text("");
    uint8_t *at = kl_wire_put_bytes(frame + 4, "\x83\x44\0", 3);
    at += put_term(
            at, keel_make("{6, From, None, Name}", pid_of("evil@127.0.0.1"), none, name));
    at = kl_wire_put_8(at, 108);
    at = kl_wire_put_32(at, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        char text[32];
        int length = snprintf(text, sizeof text, "flood_%zu", first + i);
        at = kl_wire_put_8(at, 119);
        at = kl_wire_put_8(at, (uint8_t)length);
        at = kl_wire_put_bytes(at, text, (size_t)length);
    }
    at = kl_wire_put_bytes(at, list_end, 1);
    kl_wire_put_32(frame, (uint32_t)(at - frame - 4));
    return (size_t)(at - frame);
}

TEST("a flood of new atoms meets the limit, and leaves room for the program's own",
        .timeout_s = 60)
{
    enum { TABLE = 8192, REMOTE = 6000, EACH = 500, CONNECTIONS = 20 };
    static uint8_t frame[EACH * 40];
    CHECK_OK(keel_start(&(keel_config){.workers = 2, .max_atoms = TABLE}));
    keel_started server = keel_gen_server_start(
            &counting, KEEL_NONE, .name = keel_atom(server));
    CHECK_OK(server.status);
    CHECK_OK(keel_node_start(&(keel_node_config){
            .name = HERE, .cookie = "monster", .no_epmd = true, .max_atoms = REMOTE}));
    struct kl_testing_link evil, good;
    size_t atom = 0;
    for (int i = 0; i < CONNECTIONS; i++) {
        keel_scope scope = keel_scope_open();
        connect_as(&evil, "evil@127.0.0.1");
        for (int j = 0; j < 3; j++, atom += EACH) {
            size_t size = frame_of_atoms(frame, atom, EACH);
            if (send(evil.fd, frame, size, MSG_NOSIGNAL) != (ssize_t)size) {
                break; // it has been shown the door
            }
        }
        counted();
        kl_testing_link_close(&evil);
        keel_scope_close(&scope);
    }
    size_t limit, count = keel_atom_count(&limit);
    CHECK_INT(limit, TABLE);
    CHECK(count >= REMOTE - EACH && count <= REMOTE + EACH); // several readers at a time
    keel_term own;
    CHECK_OK(keel_atom_from("an atom of the program itself", 29, &own));
    // Atoms that are there already do no harm.
    connect_as(&good, "evil@127.0.0.1");
    cast_from(&good);
    kl_testing_link_close(&good);
    CHECK(keel_process_alive(server.pid));
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
}

static bool allow_good(const char *node)
{
    return strncmp(node, "good@", 5) == 0;
}

TEST("whom the program does not allow is refused though it knows the cookie",
        .timeout_s = 60)
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    CHECK_OK(keel_node_start(&(keel_node_config){
            .name = HERE, .cookie = "monster", .no_epmd = true, .allow = allow_good}));
    struct kl_testing_link good, evil;
    connect_as(&good, "good@127.0.0.1");
    struct kl_handshake_opts opts = {.own_name = "evil@127.0.0.1",
            .creation = 7,
            .flags = kl_dist_flags_offered(false),
            .length_bytes = 2,
            .peer_name = HERE,
            .cookie = "monster"};
    evil = (struct kl_testing_link){.fd = kl_testing_connect(keel_node_port())};
    CHECK_INT(kl_testing_shake(&evil, &opts), KL_HANDSHAKE_REFUSED);
    CHECK_INT(evil.hs.refusal, KL_REFUSAL_NOT_ALLOWED);
    kl_testing_link_close(&evil);
    // Nor is it dialled, wherever it is.
    keel_term node = kl_testing_atom("evil@127.0.0.1");
    uint16_t port;
    int listener = kl_testing_listen(&port);
    CHECK_OK(keel_node_set_address(node, "127.0.0.1", port));
    CHECK_INT(keel_node_connect(node), KEEL_E_NODEDOWN);
    close(listener);
    kl_testing_link_close(&good);
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
}

TEST("strangers beyond the limit are turned away, and silent ones have their time",
        .timeout_s = 60)
{
    enum { MOST = 3 };
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    CHECK_OK(keel_node_start(&(keel_node_config){.name = HERE,
            .cookie = "monster",
            .no_epmd = true,
            .max_strangers = MOST,
            .setup_time = KEEL_MS(700)}));
    int silent[MOST];
    for (int i = 0; i < MOST; i++) {
        silent[i] = kl_testing_connect(keel_node_port());
    }
    uint8_t byte;
    int late = kl_testing_connect(keel_node_port());
    CHECK_INT(kl_testing_read(late, &byte, 1), 0); // closed without a word
    close(late);
    for (int i = 0; i < MOST; i++) {
        CHECK_INT(kl_testing_read(silent[i], &byte, 1), 0);
        close(silent[i]);
    }
    struct kl_testing_link good;
    connect_as(&good, "good@127.0.0.1");
    kl_testing_link_close(&good);
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
}

// One part of a message that never ends; false when the connection is closed.
static bool send_part(struct kl_testing_link *link, uint64_t sequence, size_t size)
{
    static uint8_t frame[70000];
    keel_term name = keel_atom(server), none = keel_atom_text("");
    uint8_t *at = kl_wire_put_bytes(frame + 4, "\x83\x45", 2);
    at = kl_wire_put_64(at, sequence);
    at = kl_wire_put_64(at, 1000);
    at = kl_wire_put_8(at, 0);
    at += put_term(
            at, keel_make("{6, From, None, Name}", pid_of("evil@127.0.0.1"), none, name));
    at += size;
    kl_wire_put_32(frame, (uint32_t)(at - frame - 4));
    ssize_t length = at - frame;
    return send(link->fd, frame, (size_t)length, MSG_NOSIGNAL) == length;
}

TEST("messages that never become whole cost no more than was said", .timeout_s = 60)
{
    CHECK_OK(keel_start(&(keel_config){.workers = 2}));
    keel_started server = keel_gen_server_start(
            &counting, KEEL_NONE, .name = keel_atom(server));
    CHECK_OK(server.status);
    CHECK_OK(keel_node_start(&(keel_node_config){.name = HERE,
            .cookie = "monster",
            .no_epmd = true,
            .max_pending = 1 << 20,
            .max_parts = 8}));
    struct kl_testing_link evil;
    int64_t before = keel_memory_used();
    static const size_t sizes[] = {60000, 10}; // by bytes, by number
    for (int i = 0; i < 2; i++) {
        keel_scope scope = keel_scope_open();
        connect_as(&evil, "evil@127.0.0.1");
        uint64_t sent = 0;
        while (send_part(&evil, sent, sizes[i]) && sent < 100000) {
            sent++;
            CHECK(keel_memory_used() < before + (32 << 20));
        }
        CHECK(sent < 100000); // it was closed
        kl_testing_link_close(&evil);
        keel_scope_close(&scope);
    }
    counted();
    CHECK_OK(keel_node_stop());
    CHECK_OK(keel_stop(KEEL_IN(KEEL_SECONDS(20)), NULL));
}
