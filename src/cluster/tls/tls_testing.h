#ifndef KL_CLUSTER_TLS_TLS_TESTING_H
#define KL_CLUSTER_TLS_TLS_TESTING_H

#include <keel/tls.h>

// For tests: authorities and certificates, made by the program `openssl` in a directory
// that goes with the test.

// Skips the test where there is no such program.
void kl_tls_testing_prepare(void);
// The path of a file in the directory; valid until the test ends.
const char *kl_tls_testing_path(const char *file);
// NAME.pem and NAME.key: one that vouches for others.
void kl_tls_testing_authority(const char *name);
// NAME.pem and NAME.key: one that an authority vouches for; `names` as openssl has it, such
// as "IP:127.0.0.1,DNS:localhost".
void kl_tls_testing_certificate(const char *name, const char *authority, const char *names);
// Options for a node with this certificate that trusts this authority.
keel_tls_opts kl_tls_testing_opts(const char *name, const char *authority);

#endif // KL_CLUSTER_TLS_TLS_TESTING_H
