#ifndef KL_CLUSTER_TLS_TLS_H
#define KL_CLUSTER_TLS_TLS_H

#include "cluster/transport.h"
#include <keel/tls.h>
#include <openssl/ssl.h>

// What the files of this library share.

struct kl_tls {
    struct keel_transport transport; // first: this is what the node has
    SSL_CTX *client, *server;
    bool check_host; // of whom we have dialled
};

extern const struct keel_transport kl_tls_transport;

// What OpenSSL has to say of the last failure on this thread, in words; forgets it.
void kl_tls_error(char *why, size_t why_size, const char *what);

#endif // KL_CLUSTER_TLS_TLS_H
