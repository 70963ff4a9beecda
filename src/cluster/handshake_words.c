#include "handshake_words.h"
#include "wire.h"
#include <stdio.h>

static void put_packet(struct kl_handshake *hs, const uint8_t *body, size_t size)
{
    uint8_t *at = hs->out + hs->out_size;
    at = hs->opts.length_bytes == 4 ? kl_wire_put_32(at, (uint32_t)size)
                                    : kl_wire_put_16(at, (uint16_t)size);
    at = kl_wire_put_bytes(at, body, size);
    hs->out_size = (uint16_t)(at - hs->out);
}

// Our name: with a challenge when we accept, without when we dial.
void kl_handshake_put_name(struct kl_handshake *hs, bool challenge)
{
    uint8_t body[KL_HANDSHAKE_PACKET_MAX], *at = body;
    size_t size = strlen(hs->opts.own_name);
    at = kl_wire_put_8(at, KL_WORD_NAME);
    at = kl_wire_put_64(at, hs->opts.flags);
    if (challenge) {
        at = kl_wire_put_32(at, hs->opts.challenge);
    }
    at = kl_wire_put_32(at, hs->opts.creation);
    at = kl_wire_put_16(at, (uint16_t)size);
    at = kl_wire_put_bytes(at, hs->opts.own_name, size);
    put_packet(hs, body, (size_t)(at - body));
}

void kl_handshake_put_status(struct kl_handshake *hs, const char *status)
{
    uint8_t body[32], *at = body;
    at = kl_wire_put_8(at, KL_WORD_STATUS);
    at = kl_wire_put_bytes(at, status, strlen(status));
    put_packet(hs, body, (size_t)(at - body));
}

static void digest(
        const struct kl_handshake *hs, uint32_t challenge, uint8_t ret[KL_MD5_BYTES])
{
    char decimal[12];
    struct kl_md5 md5;
    int length = snprintf(decimal, sizeof decimal, "%u", challenge);
    kl_md5_init(&md5);
    kl_md5_add(&md5, hs->cookie, strlen(hs->cookie));
    kl_md5_add(&md5, decimal, (size_t)length);
    kl_md5_done(&md5, ret);
}

void kl_handshake_put_reply(struct kl_handshake *hs)
{
    uint8_t body[1 + 4 + KL_MD5_BYTES];
    body[0] = KL_WORD_REPLY;
    kl_wire_put_32(body + 1, hs->opts.challenge);
    digest(hs, hs->their_challenge, body + 5);
    put_packet(hs, body, sizeof body);
}

void kl_handshake_put_ack(struct kl_handshake *hs)
{
    uint8_t body[1 + KL_MD5_BYTES];
    body[0] = KL_WORD_ACK;
    digest(hs, hs->their_challenge, body + 1);
    put_packet(hs, body, sizeof body);
}

// Runs over all bytes whatever they are: the time it takes tells nothing about them.
bool kl_handshake_proves(const struct kl_handshake *hs, const uint8_t *proof)
{
    uint8_t expected[KL_MD5_BYTES];
    unsigned difference = 0;
    digest(hs, hs->opts.challenge, expected);
    for (size_t i = 0; i < KL_MD5_BYTES; i++) {
        difference |= expected[i] ^ proof[i];
    }
    return difference == 0;
}
