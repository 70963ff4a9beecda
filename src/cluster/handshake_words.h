#ifndef KL_CLUSTER_HANDSHAKE_WORDS_H
#define KL_CLUSTER_HANDSHAKE_WORDS_H

#include "handshake.h"
#include "md5.h"

// The packets of the handshake as they are sent, and the proof that a cookie is known. The
// first byte of a packet tells its kind.
enum kl_handshake_word {
    KL_WORD_NAME = 'N', // with a challenge, when it comes from the accepting side
    KL_WORD_OLD_NAME = 'n', // up to OTP 22
    KL_WORD_STATUS = 's',
    KL_WORD_REPLY = 'r',
    KL_WORD_ACK = 'a',
};

// These add a packet to what is to be sent. No handshake sends more than there is room for.
void kl_handshake_put_name(struct kl_handshake *hs, bool challenge);
void kl_handshake_put_status(struct kl_handshake *hs, const char *status);
void kl_handshake_put_reply(struct kl_handshake *hs);
void kl_handshake_put_ack(struct kl_handshake *hs);

// True when the KL_MD5_BYTES bytes of `proof` answer our challenge with our cookie.
bool kl_handshake_proves(const struct kl_handshake *hs, const uint8_t *proof);

#endif // KL_CLUSTER_HANDSHAKE_WORDS_H
