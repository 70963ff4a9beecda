#ifndef KL_CLUSTER_MD5_H
#define KL_CLUSTER_MD5_H

#include <stddef.h>
#include <stdint.h>

// MD5 (RFC 1321), because the handshake proves the cookie with it. It protects nothing
// else: whoever needs more than a cookie on a network of friends uses TLS.
enum { KL_MD5_BYTES = 16 };

struct kl_md5 {
    uint32_t state[4];
    uint64_t size; // bytes so far
    uint8_t block[64]; // the last of them that do not fill a block
};

void kl_md5_init(struct kl_md5 *md5);
void kl_md5_add(struct kl_md5 *md5, const void *data, size_t size);
// Gives the digest and wipes what was hashed.
void kl_md5_done(struct kl_md5 *md5, uint8_t ret_digest[KL_MD5_BYTES]);

#endif // KL_CLUSTER_MD5_H
