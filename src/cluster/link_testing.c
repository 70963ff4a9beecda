#include "link_testing.h"
#include "flags.h"
#include "frame.h"
#include "testing/harness.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

keel_term kl_testing_atom(const char *text)
{
    keel_term term;
    CHECK_OK(keel_atom_from(text, strlen(text), &term));
    return term;
}

// --- epmd ---

static int ask_epmd(uint16_t epmd_port, const uint8_t *request, size_t size)
{
    int fd = kl_testing_connect(epmd_port);
    kl_testing_write(fd, request, size);
    return fd;
}

enum kl_epmd_answer kl_testing_look_up(
        uint16_t epmd_port, const char *alive, struct kl_epmd_node *ret_node)
{
    uint8_t bytes[KL_EPMD_REQUEST_MAX];
    int fd = ask_epmd(epmd_port, bytes, kl_epmd_look_up(bytes, alive, strlen(alive)));
    size_t size = 0;
    enum kl_epmd_answer answer;
    do {
        CHECK(size < sizeof bytes);
        CHECK(kl_testing_read(fd, bytes + size, 1) == 1);
        size++;
        answer = kl_epmd_looked_up(bytes, size, ret_node);
    } while (answer == KL_EPMD_MORE);
    close(fd);
    return answer;
}

int kl_testing_register(
        uint16_t epmd_port, const char *alive, uint16_t port, uint32_t *ret_creation)
{
    uint8_t bytes[KL_EPMD_REQUEST_MAX];
    int fd = ask_epmd(
            epmd_port, bytes, kl_epmd_register(bytes, alive, strlen(alive), port, false));
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

// --- bytes ---

static void flush(struct kl_testing_link *link)
{
    const uint8_t *data;
    size_t size = link->transport->outgoing(link->session, &data);
    kl_testing_write(link->fd, data, size);
    link->transport->sent(link->session, size);
}

void kl_testing_link_write(struct kl_testing_link *link, const void *data, size_t size)
{
    if (!link->transport) {
        kl_testing_write(link->fd, data, size);
        return;
    }
    struct iovec piece = {(void *)(uintptr_t)data, size};
    CHECK_OK(link->transport->write(link->session, &piece, 1));
    flush(link);
}

size_t kl_testing_link_read(struct kl_testing_link *link, void *data, size_t room)
{
    if (!link->transport) {
        return kl_testing_read(link->fd, data, room);
    }
    for (;;) {
        uint8_t bytes[4096];
        size_t size = 0;
        if (link->transport->read(link->session, data, room, &size) != KEEL_OK) {
            return 0;
        }
        if (size > 0) {
            return size;
        }
        size = kl_testing_read(link->fd, bytes, sizeof bytes);
        keel_status status = size > 0 ? link->transport->receive(link->session, bytes, size)
                                      : KEEL_OK;
        flush(link); // an alert, too
        if (size == 0 || status != KEEL_OK) {
            return 0;
        }
    }
}

void kl_testing_link_open(struct kl_testing_link *link, const char *host)
{
    if (link->transport) {
        CHECK_OK(link->transport->open(link->transport->context, host, &link->session));
        flush(link);
    }
}

void kl_testing_link_close(struct kl_testing_link *link)
{
    if (link->session) {
        link->transport->shut(link->session);
        flush(link);
        link->transport->close(link->session);
        link->session = NULL;
    }
    close(link->fd);
}

// --- the handshake ---

static void say(struct kl_testing_link *link)
{
    const uint8_t *data;
    size_t size = kl_handshake_output(&link->hs, &data);
    if (size > 0) {
        kl_testing_link_write(link, data, size);
    }
}

static void feed(struct kl_testing_link *link, const uint8_t *bytes, size_t size)
{
    size_t used = 0;
    for (size_t at = 0; at < size; at += used) {
        switch (kl_handshake_feed(&link->hs, bytes + at, size - at, &used)) {
        case KL_HANDSHAKE_NAME:
            kl_handshake_answer(&link->hs, KL_STATUS_OK, link->cookie);
            break;
        case KL_HANDSHAKE_ALIVE:
            kl_handshake_proceed(&link->hs, link->replace);
            break;
        default:
            break;
        }
        if (used == 0) {
            link->rest_size = size - at;
            CHECK(link->rest_size <= sizeof link->rest);
            memcpy(link->rest, bytes + at, link->rest_size);
            return;
        }
    }
}

enum kl_handshake_event kl_testing_shake(
        struct kl_testing_link *link, const struct kl_handshake_opts *opts)
{
    kl_handshake_init(&link->hs, opts);
    return kl_testing_shake_on(link);
}

enum kl_handshake_event kl_testing_shake_on(struct kl_testing_link *link)
{
    uint8_t bytes[1000];
    say(link);
    while (link->hs.event == KL_HANDSHAKE_MORE) {
        size_t size = kl_testing_link_read(link, bytes, sizeof bytes);
        if (size == 0) {
            return kl_handshake_closed(&link->hs);
        }
        feed(link, bytes, size);
        say(link);
    }
    return link->hs.event;
}

// --- messages ---

void kl_testing_send(struct kl_testing_link *link, const struct kl_control *control)
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
            kl_testing_link_write(link, pieces[i].iov_base, pieces[i].iov_len);
        }
    }
    free(bytes);
}

static void read_bytes(struct kl_testing_link *link, void *data, size_t size)
{
    uint8_t *at = data;
    size_t ready = size < link->rest_size ? size : link->rest_size;
    memcpy(at, link->rest, ready);
    link->rest_size -= ready;
    memmove(link->rest, link->rest + ready, link->rest_size);
    for (at += ready, size -= ready; size > 0;) {
        size_t got = kl_testing_link_read(link, at, size);
        CHECK(got > 0);
        at += got;
        size -= got;
    }
}

static void decode(struct kl_testing_link *link, const struct kl_assembly *assembly,
        const struct kl_frame_message *message, struct kl_control *ret_control,
        keel_term *ret_content)
{
    size_t used, size;
    const uint8_t *payload;
    const char *why = NULL;
    keel_term peer = kl_testing_atom(link->hs.peer.name);
    if (kl_control_decode(
                message->body, message->size, peer, NULL, ret_control, &used, &why) != 0) {
        kl_test_fail(__FILE__, __LINE__, "%s", why);
    }
    CHECK(kl_assembly_payload(assembly, message, used, &payload, &size));
    CHECK_INT(size > 0, ret_control->payload);
    if (size > 0) {
        CHECK_OK(kl_etf_decode(payload, size, NULL, NULL, ret_content));
    }
}

unsigned kl_testing_await(struct kl_testing_link *link, enum kl_control_kind kind,
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
            decode(link, &assembly, &message, ret_control, ret_content);
            kl_free(message.block, message.block_bytes);
        }
        free(frame);
        if (event == KL_FRAME_MESSAGE && ret_control->kind == kind) {
            kl_assembly_done(&assembly);
            return frames;
        }
    }
}

unsigned kl_testing_echo(struct kl_testing_link *link, keel_term term)
{
    keel_term us = keel_from_pid(kl_pid_make(5, 6)), back = KEEL_NONE;
    struct kl_control control = {
            .kind = KL_CONTROL_REG_SEND,
            .from = us,
            .name = kl_testing_atom("ear"),
            .content = keel_tuple((keel_term[]){kl_testing_atom("echo"), us, term}, 3),
    };
    kl_testing_send(link, &control);
    unsigned frames = kl_testing_await(link, KL_CONTROL_SEND, &control, &back);
    CHECK(keel_equal(control.to, us));
    bool sender = link->hs.peer.agreed & KL_FLAG_SEND_SENDER;
    CHECK_INT(keel_is_pid(control.from), sender);
    CHECK(keel_equal(back, term));
    return frames;
}
