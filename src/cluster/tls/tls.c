#include "tls.h"
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

// Keys, certificates and rules; session.c has the connections.

void kl_tls_error(char *why, size_t why_size, const char *what)
{
    // The last error is the one that says the cause: what lies before it is how deep inside
    // it was met.
    unsigned long error = ERR_peek_last_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    if (why) {
        snprintf(why, why_size, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
    }
    ERR_clear_error();
}

static keel_status complain(char *why, size_t why_size, const char *what, const char *file)
{
    char text[300];
    snprintf(text, sizeof text, "%s%.200s", what, file);
    kl_tls_error(why, why_size, text);
    return KEEL_E_BADARG;
}

static keel_status load(
        SSL_CTX *context, const keel_tls_opts *opts, char *why, size_t why_size)
{
    if (SSL_CTX_use_certificate_chain_file(context, opts->certificate) != 1) {
        return complain(why, why_size, "no certificate in ", opts->certificate);
    }
    const char *key = opts->key ? opts->key : opts->certificate;
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        return complain(why, why_size, "no key, or not that of the certificate, in ", key);
    }
    if (opts->no_verify) {
        return KEEL_OK;
    }
    if (!opts->authorities) {
        return SSL_CTX_set_default_verify_paths(context) == 1
                       ? KEEL_OK
                       : complain(why, why_size, "the system's authorities", "");
    }
    if (SSL_CTX_load_verify_locations(context, opts->authorities, NULL) != 1) {
        return complain(why, why_size, "no authorities in ", opts->authorities);
    }
    // The names of those we trust help a client with several certificates to choose.
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(opts->authorities);
    if (names) {
        SSL_CTX_set_client_CA_list(context, names);
    }
    return KEEL_OK;
}

// A key with a password is refused: there is nobody to ask, and OpenSSL's own way is to
// read one from the terminal.
static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static SSL_CTX *new_context(const keel_tls_opts *opts)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    if (!context) {
        return NULL;
    }
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    // Nodes stay connected: resuming sessions and negotiating anew are not worth their
    // traps. Idle connections keep no buffers.
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context,
            opts->no_verify ? SSL_VERIFY_NONE
                            : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
            NULL);
    return context;
}

keel_status keel_tls_new(const keel_tls_opts *opts, char *why, size_t why_size,
        keel_transport **ret_transport)
{
    if (!ret_transport) {
        return KEEL_E_BADARG;
    }
    if (!opts || !opts->certificate) {
        return complain(why, why_size, "there must be a certificate", "");
    }

    struct kl_tls *tls = calloc(1, sizeof *tls);
    if (!tls) {
        return KEEL_E_NOMEM;
    }
    ERR_clear_error();
    tls->transport = kl_tls_transport;
    tls->transport.context = tls;
    tls->check_host = !opts->no_verify && !opts->any_host;
    tls->client = new_context(opts);
    tls->server = new_context(opts);
    keel_status status = KEEL_E_NOMEM;
    if (tls->client && tls->server) {
        status = load(tls->client, opts, why, why_size);
    }
    if (status == KEEL_OK) {
        status = load(tls->server, opts, why, why_size);
    }
    if (status != KEEL_OK) {
        keel_tls_free(&tls->transport);
        return status;
    }
    *ret_transport = &tls->transport;
    return KEEL_OK;
}

void keel_tls_free(keel_transport *transport)
{
    if (transport) {
        struct kl_tls *tls = transport->context;
        SSL_CTX_free(tls->client);
        SSL_CTX_free(tls->server);
        free(tls);
    }
}
