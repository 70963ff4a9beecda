#include "flags.h"
#include "link_testing.h"
#include "testing/harness.h"
#include <sys/socket.h>
#include <unistd.h>

// The lower half of the room against a BEAM node, over plain sockets.

static struct kl_epmd_daemon epmd;
static struct kl_beam beam;

#define OWN "c@127.0.0.1"
#define PEER "beam@127.0.0.1"

static keel_term atom(const char *text)
{
    return kl_testing_atom(text);
}

static void prepare(void)
{
    kl_testing_needs("erl");
    kl_testing_needs("epmd");
    kl_node_identity_set(atom(OWN), 4);
    kl_epmd_daemon_start(&epmd);
    kl_beam_start(&beam, &epmd, PEER, "biscuit", NULL);
}

static void finish(void)
{
    kl_beam_stop(&beam);
    kl_epmd_daemon_stop(&epmd);
}

static struct kl_handshake_opts opts_of(bool dialling, const char *cookie, uint64_t flags)
{
    return (struct kl_handshake_opts){
            .own_name = OWN,
            .creation = 4,
            .flags = flags,
            .challenge = 0x80000001,
            .length_bytes = 2,
            .peer_name = dialling ? PEER : NULL,
            .cookie = cookie,
    };
}

static enum kl_handshake_event dial(
        struct kl_testing_link *link, const char *cookie, uint64_t flags, bool replace)
{
    struct kl_epmd_node node = {0};
    CHECK_INT(kl_testing_look_up(epmd.port, "beam", &node), KL_EPMD_OK);
    CHECK_INT(node.highest, 6);
    CHECK(node.visible);
    *link = (struct kl_testing_link){
            .fd = kl_testing_connect(node.port), .replace = replace};
    struct kl_handshake_opts opts = opts_of(true, cookie, flags);
    return kl_testing_shake(link, &opts);
}

TEST("a BEAM node lets us in, hidden and visible", .timeout_s = 120)
{
    prepare();
    for (int visible = 0; visible < 2; visible++) {
        struct kl_testing_link link;
        CHECK_INT(dial(&link, "biscuit", kl_dist_flags_offered(visible), true),
                KL_HANDSHAKE_DONE);
        CHECK_STR(kl_beam_await(&beam, "up "),
                visible ? "'" OWN "' visible" : "'" OWN "' hidden");
        CHECK(link.hs.peer.agreed & KL_FLAG_PUBLISHED);
        CHECK(link.hs.peer.creation >= 4);
        kl_testing_link_close(&link);
        CHECK_STR(kl_beam_await(&beam, "down "), "'" OWN "'");
    }
    finish();
}

TEST("a BEAM node refuses another cookie and missing flags, and we learn why",
        .timeout_s = 120)
{
    prepare();
    struct kl_testing_link link;
    uint64_t flags = kl_dist_flags_offered(false);
    CHECK_INT(dial(&link, "wrong", flags, true), KL_HANDSHAKE_REFUSED);
    CHECK_INT(link.hs.refusal, KL_REFUSAL_COOKIE);
    kl_testing_link_close(&link);
    flags &= ~(KL_FLAG_UTF8_ATOMS | KL_FLAG_MANDATORY_25_DIGEST);
    CHECK_INT(dial(&link, "biscuit", flags, true), KL_HANDSHAKE_REFUSED);
    CHECK_INT(link.hs.refusal, KL_REFUSAL_NOT_ALLOWED);
    kl_testing_link_close(&link);
    struct kl_epmd_node node;
    CHECK_INT(kl_testing_look_up(epmd.port, "nobody", &node), KL_EPMD_REFUSED);
    finish();
}

TEST("a second connection replaces the first, or does not", .timeout_s = 120)
{
    prepare();
    struct kl_testing_link first, second;
    uint64_t flags = kl_dist_flags_offered(false);
    CHECK_INT(dial(&first, "biscuit", flags, true), KL_HANDSHAKE_DONE);
    kl_beam_await(&beam, "up ");
    CHECK_INT(dial(&second, "biscuit", flags, false), KL_HANDSHAKE_REFUSED);
    CHECK_INT(second.hs.refusal, KL_REFUSAL_ALIVE);
    kl_testing_link_close(&second);
    // The BEAM turns us away as long as it has not noticed the end of that attempt.
    while (dial(&second, "biscuit", flags, true) != KL_HANDSHAKE_DONE) {
        CHECK(second.hs.refusal == KL_REFUSAL_BUSY ||
                second.hs.refusal == KL_REFUSAL_CLOSED);
        kl_testing_link_close(&second);
    }
    kl_beam_await(&beam, "down ");
    kl_beam_await(&beam, "up ");
    uint8_t byte;
    while (kl_testing_link_read(&first, &byte, 1) > 0) {}
    kl_testing_link_close(&first);
    kl_testing_link_close(&second);
    finish();
}

TEST("messages go to a BEAM node and back, long ones in parts", .timeout_s = 120)
{
    prepare();
    uint64_t without[] = {0, KL_FLAG_FRAGMENTS, KL_FLAG_FRAGMENTS | KL_FLAG_SEND_SENDER};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        struct kl_testing_link link;
        uint64_t flags = kl_dist_flags_offered(false) & ~without[i];
        CHECK_INT(dial(&link, "biscuit", flags, true), KL_HANDSHAKE_DONE);
        enum { BYTES = 500000 };
        uint8_t *data;
        keel_term binary = keel_binary_new(BYTES, &data);
        for (size_t at = 0; at < BYTES; at++) {
            data[at] = (uint8_t)(at % 251);
        }
        CHECK_INT(kl_testing_echo(&link, atom("hi")), 1);
        unsigned frames = kl_testing_echo(&link, binary);
        CHECK(without[i] & KL_FLAG_FRAGMENTS ? frames == 1 : frames >= 8);
        kl_testing_echo(&link, keel_from_pid(kl_pid_make(7, 8)));
        kl_testing_link_close(&link);
        kl_beam_await(&beam, "down ");
    }
    finish();
}

TEST("a BEAM node monitors, links and exits us in forms that are understood",
        .timeout_s = 120)
{
    prepare();
    struct kl_testing_link link;
    keel_term us = keel_from_pid(kl_pid_make(5, 6)), content = KEEL_NONE;
    CHECK_INT(
            dial(&link, "biscuit", kl_dist_flags_offered(false), true), KL_HANDSHAKE_DONE);
    struct kl_control control = {
            .kind = KL_CONTROL_REG_SEND, .from = us, .name = atom("puppet"), .content = us};
    CHECK_STR(kl_beam_eval(&beam,
                      "register(puppet, spawn(fun() -> receive Us -> link(Us), "
                      "Ref = monitor(process, Us), demonitor(Ref), "
                      "monitor(process, {name, node(Us)}), unlink(Us), exit(Us, why), "
                      "link(Us), exit({some, reason}) end end))"),
            "true");
    kl_testing_send(&link, &control);
    kl_testing_await(&link, KL_CONTROL_LINK, &control, &content);
    keel_term puppet = control.from;
    CHECK(keel_equal(control.to, us));
    kl_testing_await(&link, KL_CONTROL_MONITOR, &control, &content);
    CHECK(keel_equal(control.to, us));
    keel_term ref = control.ref;
    kl_testing_await(&link, KL_CONTROL_DEMONITOR, &control, &content);
    CHECK(keel_equal(control.ref, ref));
    kl_testing_await(&link, KL_CONTROL_MONITOR, &control, &content);
    CHECK(keel_equal(control.name, atom("name")));
    kl_testing_await(&link, KL_CONTROL_UNLINK, &control, &content);
    control = (struct kl_control){
            .kind = KL_CONTROL_UNLINK_ACK, .id = control.id, .from = us, .to = puppet};
    kl_testing_send(&link, &control);
    kl_testing_await(&link, KL_CONTROL_EXIT2, &control, &content);
    CHECK(keel_equal(content, atom("why")));
    kl_testing_await(&link, KL_CONTROL_LINK, &control, &content);
    kl_testing_await(&link, KL_CONTROL_EXIT, &control, &content);
    CHECK_STR(keel_show(content), "{some,reason}");
    kl_testing_link_close(&link);
    finish();
}

TEST("a BEAM node dials us and finds us in order", .timeout_s = 120)
{
    prepare();
    uint16_t port;
    uint32_t creation = 0;
    int listener = kl_testing_listen(&port),
        registration = kl_testing_register(epmd.port, "c", port, &creation);
    CHECK(creation >= 4);
    struct kl_epmd_node node;
    CHECK_INT(kl_testing_look_up(epmd.port, "c", &node), KL_EPMD_OK);
    CHECK_INT(node.port, port);
    CHECK(!node.visible);

    kl_beam_ask(&beam, "net_adm:ping('" OWN "')");
    struct kl_testing_link link = {.fd = accept(listener, NULL, NULL), .cookie = "biscuit"};
    struct kl_handshake_opts opts = opts_of(false, NULL, kl_dist_flags_offered(false));
    CHECK_INT(kl_testing_shake(&link, &opts), KL_HANDSHAKE_DONE);
    CHECK_STR(link.hs.peer.name, PEER);
    // The ping is a call to our net_kernel: {'$gen_call', {Pid, [alias|Ref]}, Request}.
    struct kl_control control;
    keel_term call = KEEL_NONE;
    kl_testing_await(&link, KL_CONTROL_REG_SEND, &control, &call);
    CHECK(keel_equal(control.name, atom("net_kernel")));
    keel_term tag = keel_element(keel_element(call, 1), 1);
    control = (struct kl_control){
            .kind = KL_CONTROL_ALIAS_SEND,
            .from = keel_from_pid(kl_pid_make(5, 6)),
            .ref = keel_tail(tag),
            .content = keel_tuple((keel_term[]){tag, atom("yes")}, 2),
    };
    kl_testing_send(&link, &control);
    CHECK_STR(kl_beam_await(&beam, "= "), "pong");
    kl_testing_link_close(&link);
    close(registration);
    close(listener);
    finish();
}

TEST("a BEAM node that we refuse hears of it", .timeout_s = 120)
{
    prepare();
    uint16_t port;
    uint32_t creation = 0;
    int listener = kl_testing_listen(&port),
        registration = kl_testing_register(epmd.port, "c", port, &creation);
    CHECK_STR(kl_beam_eval(&beam, "erlang:set_cookie('" OWN "', wrong)"), "true");
    kl_beam_ask(&beam, "net_adm:ping('" OWN "')");
    struct kl_testing_link link = {.fd = accept(listener, NULL, NULL), .cookie = "biscuit"};
    struct kl_handshake_opts opts = opts_of(false, NULL, kl_dist_flags_offered(false));
    CHECK_INT(kl_testing_shake(&link, &opts), KL_HANDSHAKE_REFUSED);
    CHECK_INT(link.hs.refusal, KL_REFUSAL_COOKIE);
    kl_testing_link_close(&link);
    CHECK_STR(kl_beam_await(&beam, "= "), "pang");
    close(registration);
    close(listener);
    finish();
}
