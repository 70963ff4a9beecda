#include "assembly.h"
#include "cluster_testing.h"
#include "control.h"
#include "epmd.h"
#include "flags.h"
#include "frame.h"
#include "handshake.h"
#include "testing/harness.h"
#include "wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// The lower half of the room against a BEAM node, over plain sockets.

static struct kl_epmd_daemon epmd;
static struct kl_beam beam;

#define OWN "c@127.0.0.1"
#define PEER "beam@127.0.0.1"

static keel_term atom(const char *text)
{
    keel_term term;
    CHECK_OK(keel_atom_from(text, strlen(text), &term));
    return term;
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

// --- epmd ---

static int ask_epmd(const uint8_t *request, size_t size)
{
    int fd = kl_testing_connect(epmd.port);
    kl_testing_write(fd, request, size);
    return fd;
}

static enum kl_epmd_answer look_up(const char *alive, struct kl_epmd_node *ret_node)
{
    uint8_t bytes[KL_EPMD_REQUEST_MAX];
    int fd = ask_epmd(bytes, kl_epmd_look_up(bytes, alive, strlen(alive)));
    size_t size = 0;
    enum kl_epmd_answer answer;
    do {
        CHECK(size < sizeof bytes);
        size_t got = kl_testing_read(fd, bytes + size, 1);
        CHECK(got == 1);
        size += got;
        answer = kl_epmd_looked_up(bytes, size, ret_node);
    } while (answer == KL_EPMD_MORE);
    close(fd);
    return answer;
}

static int register_us(uint16_t port, uint32_t *ret_creation)
{
    uint8_t bytes[KL_EPMD_REQUEST_MAX];
    int fd = ask_epmd(bytes, kl_epmd_register(bytes, "c", 1, port, false));
    size_t size = 0, used;
    enum kl_epmd_answer answer;
    do {
        CHECK(kl_testing_read(fd, bytes + size, 1) == 1);
        size++;
        answer = kl_epmd_registered(bytes, size, ret_creation, &used);
    } while (answer == KL_EPMD_MORE);
    CHECK_INT(answer, KL_EPMD_OK);
    CHECK_INT(used, size);
    return fd;
}

// --- the handshake ---

struct link {
    int fd;
    struct kl_handshake hs;
    bool replace; // the answer to ALIVE
    uint8_t rest[1000]; // frames that came with the last bytes of the handshake
    size_t rest_size;
};

static void say(struct link *link)
{
    const uint8_t *data;
    size_t size = kl_handshake_output(&link->hs, &data);
    kl_testing_write(link->fd, data, size);
}

static enum kl_handshake_event shake(struct link *link)
{
    uint8_t bytes[1000];
    say(link);
    while (link->hs.event == KL_HANDSHAKE_MORE) {
        size_t size = kl_testing_read(link->fd, bytes, sizeof bytes), used = 0;
        if (size == 0) {
            return kl_handshake_closed(&link->hs);
        }
        for (size_t at = 0; at < size; at += used) {
            switch (kl_handshake_feed(&link->hs, bytes + at, size - at, &used)) {
            case KL_HANDSHAKE_NAME:
                CHECK_STR(link->hs.peer.name, PEER);
                kl_handshake_answer(&link->hs, KL_STATUS_OK, "biscuit");
                break;
            case KL_HANDSHAKE_ALIVE:
                kl_handshake_proceed(&link->hs, link->replace);
                break;
            default:
                break;
            }
            if (used == 0) {
                memcpy(link->rest, bytes + at, size - at);
                link->rest_size = size - at;
                break;
            }
        }
        say(link);
    }
    return link->hs.event;
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
        struct link *link, const char *cookie, uint64_t flags, bool replace)
{
    struct kl_epmd_node node = {0};
    CHECK_INT(look_up("beam", &node), KL_EPMD_OK);
    CHECK_INT(node.highest, 6);
    CHECK(node.visible);
    *link = (struct link){.fd = kl_testing_connect(node.port), .replace = replace};
    struct kl_handshake_opts opts = opts_of(true, cookie, flags);
    kl_handshake_init(&link->hs, &opts);
    return shake(link);
}

// --- frames ---

static void send_message(struct link *link, struct kl_control *control)
{
    struct kl_control_plan plan;
    keel_term binary = KEEL_NONE;
    CHECK_OK(kl_control_plan(control, link->hs.peer.agreed, &plan));
    uint8_t *bytes = malloc(plan.bytes);
    CHECK_OK(kl_control_write(bytes, &plan));
    struct iovec head_bytes = {bytes, plan.bytes}, content = {0};
    if (!keel_is_none(plan.content)) {
        keel_etf_opts bare = {.no_version = true};
        CHECK_OK(keel_etf_encode(plan.content, &bare, &binary));
        keel_bytes encoded = keel_to_bytes(binary);
        content = (struct iovec){(void *)(uintptr_t)encoded.data, encoded.size};
    }
    struct kl_frame_writer writer;
    uint8_t head[KL_FRAME_HEAD_MAX];
    struct iovec pieces[KL_FRAME_IOVECS];
    enum kl_frame_form form = kl_frame_form_of(link->hs.peer.agreed);
    CHECK_OK(kl_frame_write(
            &writer, form, 7, &head_bytes, content.iov_base ? &content : NULL));
    for (unsigned count; (count = kl_frame_next(&writer, head, pieces)) > 0;) {
        for (unsigned i = 0; i < count; i++) {
            kl_testing_write(link->fd, pieces[i].iov_base, pieces[i].iov_len);
        }
    }
    free(bytes);
}

static void read_bytes(struct link *link, void *data, size_t size)
{
    size_t ready = size < link->rest_size ? size : link->rest_size;
    memcpy(data, link->rest, ready);
    link->rest_size -= ready;
    memmove(link->rest, link->rest + ready, link->rest_size);
    CHECK(kl_testing_read_all(link->fd, (uint8_t *)data + ready, size - ready));
}

// Reads frames until a message of this kind is whole; the others are checked as well.
// Returns how many frames it was in.
static unsigned read_message(struct link *link, enum kl_control_kind kind,
        struct kl_control *ret_control, keel_term *ret_content)
{
    struct kl_assembly assembly;
    kl_assembly_init(&assembly, kl_frame_form_of(link->hs.peer.agreed), NULL);
    for (unsigned frames = 1;; frames++) {
        uint8_t length[4];
        uint32_t size;
        read_bytes(link, length, sizeof length);
        CHECK(kl_frame_length(length, sizeof length, &size));
        uint8_t *frame = malloc(size + 1);
        read_bytes(link, frame, size);
        struct kl_frame_message message;
        enum kl_frame_event event = kl_assembly_read(&assembly, frame, size, &message);
        if (event == KL_FRAME_BAD) {
            kl_test_fail(__FILE__, __LINE__, "%s", assembly.why);
        }
        if (event == KL_FRAME_MESSAGE) {
            size_t used, payload_size;
            const uint8_t *payload;
            const char *why = NULL;
            if (kl_control_decode(message.body, message.size, atom(PEER), NULL, ret_control,
                        &used, &why) != KEEL_OK) {
                kl_test_fail(__FILE__, __LINE__, "%s", why);
            }
            CHECK(kl_assembly_payload(&assembly, &message, used, &payload, &payload_size));
            CHECK_INT(payload_size > 0, ret_control->payload);
            if (payload_size > 0) {
                CHECK_OK(kl_etf_decode(payload, payload_size, NULL, NULL, ret_content));
            }
            kl_free(message.block, message.block_bytes);
        }
        free(frame);
        if (event == KL_FRAME_MESSAGE && ret_control->kind == kind) {
            kl_assembly_done(&assembly);
            return frames;
        }
    }
}

// --- tests ---

TEST("a BEAM node lets us in, hidden and visible", .timeout_s = 120)
{
    prepare();
    for (int visible = 0; visible < 2; visible++) {
        struct link link;
        CHECK_INT(dial(&link, "biscuit", kl_dist_flags_offered(visible), true),
                KL_HANDSHAKE_DONE);
        CHECK_STR(kl_beam_await(&beam, "up "),
                visible ? "'" OWN "' visible" : "'" OWN "' hidden");
        CHECK(link.hs.peer.agreed & KL_FLAG_PUBLISHED);
        CHECK(link.hs.peer.creation >= 4);
        close(link.fd);
        CHECK_STR(kl_beam_await(&beam, "down "), "'" OWN "'");
    }
    finish();
}

TEST("a BEAM node refuses another cookie and missing flags, and we learn why",
        .timeout_s = 120)
{
    prepare();
    struct link link;
    uint64_t flags = kl_dist_flags_offered(false);
    CHECK_INT(dial(&link, "wrong", flags, true), KL_HANDSHAKE_REFUSED);
    CHECK_INT(link.hs.refusal, KL_REFUSAL_COOKIE);
    close(link.fd);
    flags &= ~(KL_FLAG_UTF8_ATOMS | KL_FLAG_MANDATORY_25_DIGEST);
    CHECK_INT(dial(&link, "biscuit", flags, true), KL_HANDSHAKE_REFUSED);
    CHECK_INT(link.hs.refusal, KL_REFUSAL_NOT_ALLOWED);
    close(link.fd);
    struct kl_epmd_node node;
    CHECK_INT(look_up("nobody", &node), KL_EPMD_REFUSED);
    finish();
}

TEST("a second connection replaces the first, or does not", .timeout_s = 120)
{
    prepare();
    struct link first, second;
    uint64_t flags = kl_dist_flags_offered(false);
    CHECK_INT(dial(&first, "biscuit", flags, true), KL_HANDSHAKE_DONE);
    kl_beam_await(&beam, "up ");
    CHECK_INT(dial(&second, "biscuit", flags, false), KL_HANDSHAKE_REFUSED);
    CHECK_INT(second.hs.refusal, KL_REFUSAL_ALIVE);
    close(second.fd);
    CHECK_INT(dial(&second, "biscuit", flags, true), KL_HANDSHAKE_DONE);
    kl_beam_await(&beam, "down ");
    kl_beam_await(&beam, "up ");
    uint8_t byte;
    while (kl_testing_read(first.fd, &byte, 1) > 0) {}
    close(first.fd);
    close(second.fd);
    finish();
}

// Terms to a process of the peer by name and back to our pid.
static void echo(struct link *link, keel_term term, unsigned frames_at_least)
{
    keel_term us = keel_from_pid(kl_pid_make(5, 6)), back = KEEL_NONE;
    struct kl_control control = {
            .kind = KL_CONTROL_REG_SEND,
            .from = us,
            .name = atom("ear"),
            .content = keel_tuple((keel_term[]){atom("echo"), us, term}, 3),
    };
    send_message(link, &control);
    unsigned frames = read_message(link, KL_CONTROL_SEND, &control, &back);
    CHECK(frames >= frames_at_least);
    CHECK(keel_equal(control.to, us));
    bool sender = link->hs.peer.agreed & KL_FLAG_SEND_SENDER;
    CHECK_INT(keel_is_pid(control.from), sender);
    CHECK(keel_equal(back, term));
}

TEST("messages go to a BEAM node and back, long ones in parts", .timeout_s = 120)
{
    prepare();
    uint64_t without[] = {0, KL_FLAG_FRAGMENTS, KL_FLAG_FRAGMENTS | KL_FLAG_SEND_SENDER};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        struct link link;
        uint64_t flags = kl_dist_flags_offered(false) & ~without[i];
        CHECK_INT(dial(&link, "biscuit", flags, true), KL_HANDSHAKE_DONE);
        enum { BYTES = 500000 };
        uint8_t *data;
        keel_term binary = keel_binary_new(BYTES, &data);
        for (size_t at = 0; at < BYTES; at++) {
            data[at] = (uint8_t)(at % 251);
        }
        echo(&link, atom("hi"), 1);
        echo(&link, binary, without[i] & KL_FLAG_FRAGMENTS ? 1 : 8);
        echo(&link, keel_from_pid(kl_pid_make(7, 8)), 1);
        close(link.fd);
        kl_beam_await(&beam, "down ");
    }
    finish();
}

TEST("a BEAM node monitors, links and exits us in forms that are understood",
        .timeout_s = 120)
{
    prepare();
    struct link link;
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
    send_message(&link, &control);
    read_message(&link, KL_CONTROL_LINK, &control, &content);
    keel_term puppet = control.from;
    CHECK(keel_equal(control.to, us));
    read_message(&link, KL_CONTROL_MONITOR, &control, &content);
    CHECK(keel_equal(control.to, us));
    keel_term ref = control.ref;
    read_message(&link, KL_CONTROL_DEMONITOR, &control, &content);
    CHECK(keel_equal(control.ref, ref));
    read_message(&link, KL_CONTROL_MONITOR, &control, &content);
    CHECK(keel_equal(control.name, atom("name")));
    read_message(&link, KL_CONTROL_UNLINK, &control, &content);
    control = (struct kl_control){
            .kind = KL_CONTROL_UNLINK_ACK, .id = control.id, .from = us, .to = puppet};
    send_message(&link, &control);
    read_message(&link, KL_CONTROL_EXIT2, &control, &content);
    CHECK(keel_equal(content, atom("why")));
    read_message(&link, KL_CONTROL_LINK, &control, &content);
    read_message(&link, KL_CONTROL_EXIT, &control, &content);
    CHECK_STR(keel_show(content), "{some,reason}");
    close(link.fd);
    finish();
}

TEST("a BEAM node dials us and finds us in order", .timeout_s = 120)
{
    prepare();
    uint16_t port;
    uint32_t creation = 0;
    int listener = kl_testing_listen(&port), registration = register_us(port, &creation);
    CHECK(creation >= 4);
    struct kl_epmd_node node;
    CHECK_INT(look_up("c", &node), KL_EPMD_OK);
    CHECK_INT(node.port, port);
    CHECK(!node.visible);

    kl_beam_ask(&beam, "net_adm:ping('" OWN "')");
    struct link link = {.fd = accept(listener, NULL, NULL)};
    struct kl_handshake_opts opts = opts_of(false, NULL, kl_dist_flags_offered(false));
    kl_handshake_init(&link.hs, &opts);
    CHECK_INT(shake(&link), KL_HANDSHAKE_DONE);
    // The ping is a call to our net_kernel: {'$gen_call', {Pid, [alias|Ref]}, Request}.
    struct kl_control control;
    keel_term call = KEEL_NONE;
    read_message(&link, KL_CONTROL_REG_SEND, &control, &call);
    CHECK(keel_equal(control.name, atom("net_kernel")));
    keel_term tag = keel_element(keel_element(call, 1), 1);
    control = (struct kl_control){
            .kind = KL_CONTROL_ALIAS_SEND,
            .from = keel_from_pid(kl_pid_make(5, 6)),
            .ref = keel_tail(tag),
            .content = keel_tuple((keel_term[]){tag, atom("yes")}, 2),
    };
    send_message(&link, &control);
    CHECK_STR(kl_beam_await(&beam, "= "), "pong");
    close(link.fd);
    close(registration);
    close(listener);
    finish();
}

TEST("a BEAM node that we refuse hears of it", .timeout_s = 120)
{
    prepare();
    uint16_t port;
    uint32_t creation = 0;
    int listener = kl_testing_listen(&port), registration = register_us(port, &creation);
    CHECK_STR(kl_beam_eval(&beam, "erlang:set_cookie('" OWN "', wrong)"), "true");
    kl_beam_ask(&beam, "net_adm:ping('" OWN "')");
    struct link link = {.fd = accept(listener, NULL, NULL)};
    struct kl_handshake_opts opts = opts_of(false, NULL, kl_dist_flags_offered(false));
    kl_handshake_init(&link.hs, &opts);
    CHECK_INT(shake(&link), KL_HANDSHAKE_REFUSED);
    CHECK_INT(link.hs.refusal, KL_REFUSAL_COOKIE);
    close(link.fd);
    CHECK_STR(kl_beam_await(&beam, "= "), "pang");
    close(registration);
    close(listener);
    finish();
}
