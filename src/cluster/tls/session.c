#include "tls.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One connection's TLS. OpenSSL reads from and writes to memory, never to a socket: what
// came from the peer goes into `in`, what it is to get is taken out of `out`.
struct kl_session {
    SSL *ssl;
    BIO *in, *out; // owned by `ssl`
    char host[256]; // that was dialled; empty: we were
    bool failed;
    char why[300];
    // Plain bytes that were to be sent before the handshake was over.
    uint8_t *early;
    size_t early_size;
    // Pieces of one write, put together: each record costs some thirty bytes, and a frame's
    // head alone is less.
    uint8_t gathered[SSL3_RT_MAX_PLAIN_LENGTH];
};

static const char *whom(const struct kl_session *session)
{
    return session->host[0] ? session->host : "the peer";
}

// Finds words for the failure that OpenSSL has just reported.
static keel_status fail(struct kl_session *session)
{
    char what[200];
    unsigned long error = ERR_peek_last_error();
    long verified = SSL_get_verify_result(session->ssl);
    int reason = ERR_GET_REASON(error);
    session->failed = true;
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason == SSL_R_CERTIFICATE_VERIFY_FAILED &&
            verified != X509_V_OK) {
        ERR_clear_error();
        snprintf(session->why, sizeof session->why,
                "the certificate of %.100s is refused: %s", whom(session),
                X509_verify_cert_error_string(verified));
        return KEEL_E_REFUSED;
    }
    // Reasons from 1000 on are alerts: the peer said them.
    bool alert = ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET;
    snprintf(what, sizeof what, alert ? "%.100s refused us" : "TLS with %.100s failed",
            whom(session));
    kl_tls_error(session->why, sizeof session->why, what);
    return KEEL_E_REFUSED;
}

// --- opening and closing ---

static void close_session(struct kl_session *session)
{
    if (session) {
        SSL_free(session->ssl);
        free(session->early);
        free(session);
    }
}

// The certificate of whom we dial must name the host; a name is told to it besides, since
// it may have several certificates.
static bool expect_host(struct kl_session *session, const char *host, bool check)
{
    uint8_t address[16];
    bool numeric = inet_pton(AF_INET, host, address) == 1 ||
                   inet_pton(AF_INET6, host, address) == 1;
    X509_VERIFY_PARAM *rules = SSL_get0_param(session->ssl);
    if (!numeric && SSL_set_tlsext_host_name(session->ssl, host) != 1) {
        return false;
    }
    return !check || (numeric ? X509_VERIFY_PARAM_set1_ip_asc(rules, host)
                              : X509_VERIFY_PARAM_set1_host(rules, host, 0)) == 1;
}

static keel_status advance(struct kl_session *session);

static keel_status open_session(
        void *context, const char *peer_host, struct kl_session **ret_session)
{
    const struct kl_tls *tls = context;
    struct kl_session *session = calloc(1, sizeof *session);
    if (!session) {
        return KEEL_E_NOMEM;
    }
    ERR_clear_error();
    session->ssl = SSL_new(peer_host ? tls->client : tls->server);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (!session->ssl || !in || !out) {
        BIO_free(in);
        BIO_free(out);
        close_session(session);
        return KEEL_E_NOMEM;
    }
    SSL_set_bio(session->ssl, in, out);
    session->in = in;
    session->out = out;
    if (peer_host) {
        snprintf(session->host, sizeof session->host, "%s", peer_host);
        SSL_set_connect_state(session->ssl);
        if (!expect_host(session, peer_host, tls->check_host)) {
            ERR_clear_error();
            close_session(session);
            return KEEL_E_BADARG;
        }
    } else {
        SSL_set_accept_state(session->ssl);
    }

    keel_status status = advance(session);
    if (status != KEEL_OK) {
        close_session(session);
        return status;
    }
    *ret_session = session;
    return KEEL_OK;
}

// --- the handshake ---

static keel_status encrypt(struct kl_session *session, const void *data, size_t size)
{
    size_t written;
    // Memory takes everything, so there is nothing to be tried again.
    if (size > 0 && SSL_write_ex(session->ssl, data, size, &written) != 1) {
        return fail(session);
    }
    return KEEL_OK;
}

// Goes on with the handshake as far as it can, and sends what has waited for its end.
static keel_status advance(struct kl_session *session)
{
    if (!SSL_is_init_finished(session->ssl)) {
        int result = SSL_do_handshake(session->ssl);
        if (result != 1) {
            return SSL_get_error(session->ssl, result) == SSL_ERROR_WANT_READ
                           ? KEEL_OK
                           : fail(session);
        }
    }
    keel_status status = encrypt(session, session->early, session->early_size);
    free(session->early);
    session->early = NULL;
    session->early_size = 0;
    return status;
}

// --- bytes ---

static keel_status receive(struct kl_session *session, const uint8_t *data, size_t size)
{
    if (session->failed) {
        return KEEL_E_REFUSED;
    }
    ERR_clear_error();
    size_t written;
    if (size > 0 && BIO_write_ex(session->in, data, size, &written) != 1) {
        return KEEL_E_NOMEM;
    }
    return advance(session);
}

static keel_status read_plain(
        struct kl_session *session, uint8_t *data, size_t room, size_t *ret_size)
{
    *ret_size = 0;
    if (session->failed) {
        return KEEL_E_REFUSED;
    }
    if (!SSL_is_init_finished(session->ssl)) {
        return KEEL_OK;
    }
    ERR_clear_error();
    // A call gives one record at most.
    while (*ret_size < room) {
        size_t got;
        int result = SSL_read_ex(session->ssl, data + *ret_size, room - *ret_size, &got);
        if (result == 1) {
            *ret_size += got;
            continue;
        }
        int error = SSL_get_error(session->ssl, result);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN) {
            break;
        }
        // What was good before it is given first; the next call fails then.
        keel_status status = fail(session);
        return *ret_size > 0 ? KEEL_OK : status;
    }
    return KEEL_OK;
}

static keel_status keep_early(struct kl_session *session, const struct iovec *piece)
{
    uint8_t *early = realloc(session->early, session->early_size + piece->iov_len);
    if (!early) {
        return KEEL_E_NOMEM;
    }
    memcpy(early + session->early_size, piece->iov_base, piece->iov_len);
    session->early = early;
    session->early_size += piece->iov_len;
    return KEEL_OK;
}

static keel_status encrypt_all(
        struct kl_session *session, const struct iovec *pieces, unsigned count)
{
    size_t gathered = 0;
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *data = pieces[i].iov_base;
        for (size_t left = pieces[i].iov_len; left > 0;) {
            size_t room = sizeof session->gathered - gathered;
            size_t taken = left < room ? left : room;
            memcpy(session->gathered + gathered, data, taken);
            gathered += taken;
            data += taken;
            left -= taken;
            if (gathered == sizeof session->gathered) {
                keel_status status = encrypt(session, session->gathered, gathered);
                if (status != KEEL_OK) {
                    return status;
                }
                gathered = 0;
            }
        }
    }
    return encrypt(session, session->gathered, gathered);
}

static keel_status write_plain(
        struct kl_session *session, const struct iovec *pieces, unsigned count)
{
    if (session->failed) {
        return KEEL_E_REFUSED;
    }
    ERR_clear_error();
    if (SSL_is_init_finished(session->ssl)) {
        return encrypt_all(session, pieces, count);
    }
    for (unsigned i = 0; i < count; i++) {
        keel_status status = pieces[i].iov_len > 0 ? keep_early(session, &pieces[i])
                                                   : KEEL_OK;
        if (status != KEEL_OK) {
            return status;
        }
    }
    return KEEL_OK;
}

static size_t outgoing(struct kl_session *session, const uint8_t **ret_data)
{
    char *data = NULL;
    long size = BIO_get_mem_data(session->out, &data);
    *ret_data = (const uint8_t *)data;
    return size > 0 ? (size_t)size : 0;
}

static void sent(struct kl_session *session, size_t size)
{
    uint8_t scratch[4096];
    if (size == BIO_ctrl_pending(session->out)) {
        BIO_reset(session->out);
        return;
    }
    while (size > 0) {
        size_t got, piece = size < sizeof scratch ? size : sizeof scratch;
        if (BIO_read_ex(session->out, scratch, piece, &got) != 1) {
            return;
        }
        size -= got;
    }
}

// --- the end ---

static bool ended(const struct kl_session *session)
{
    return (SSL_get_shutdown(session->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

static void shut(struct kl_session *session)
{
    ERR_clear_error();
    if (!session->failed && SSL_is_init_finished(session->ssl)) {
        SSL_shutdown(session->ssl);
        ERR_clear_error();
    }
}

static const char *why(const struct kl_session *session)
{
    return session->why;
}

const struct keel_transport kl_tls_transport = {
        .name = "inet_tls",
        .length_bytes = 4,
        .open = open_session,
        .receive = receive,
        .read = read_plain,
        .write = write_plain,
        .outgoing = outgoing,
        .sent = sent,
        .ended = ended,
        .shut = shut,
        .why = why,
        .close = close_session,
};
