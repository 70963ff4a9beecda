#ifndef KEEL_TLS_H
#define KEEL_TLS_H

#include <keel/node.h>

// Distribution over TLS (library keel-tls, on OpenSSL): what BEAM nodes speak that were
// started with -proto_dist inet_tls. All nodes of a cluster speak it or none does.

KEEL_BEGIN_DECLS

/// Who we are and whom we trust. All files are in PEM. Where nodes are named by address
/// ("c@127.0.0.1"), their certificates need it twice: BEAM nodes look for it among the DNS
/// names, others among the addresses (subjectAltName=IP:127.0.0.1,DNS:127.0.0.1).
typedef struct keel_tls_opts {
    const char *certificate; ///< file with ours, those that vouch for it behind it: needed
    const char *key; ///< file with its key, readable without a password; NULL: in the same
    const char *authorities; ///< file with those whose signature makes a peer's certificate
                             ///< good; NULL: the system's
    bool no_verify; ///< take any peer, with or without a certificate: hides what is said,
                    ///< but not from whoever pretends to be a peer
    bool any_host; ///< when connecting, a good certificate will do whatever host it names
} keel_tls_opts;

/// Reads the files and makes a transport of them. Peers that connect to us must show a good
/// certificate too, unless `no_verify`. TLS 1.2 and 1.3.
/// @param why       gets what is wrong, cut to `why_size` and ended by 0; may be NULL
/// @param ret_transport  @gives to be freed when the node is stopped
/// @return KEEL_OK, KEEL_E_BADARG (a field or a file), KEEL_E_NOMEM
/// OTP: -ssl_dist_optfile.
/// @thread any
/// @since 0.1
KEEL_API KEEL_MUST_USE keel_status keel_tls_new(const keel_tls_opts *opts, char *why,
        size_t why_size, keel_transport **ret_transport);
/// NULL is fine. @thread any @since 0.1
KEEL_API void keel_tls_free(keel_transport *transport);

KEEL_END_DECLS

#endif // KEEL_TLS_H
