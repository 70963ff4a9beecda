#include "testing/harness.h"
#include "tls.h"
#include "tls_testing.h"
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static void prepare(void)
{
    kl_tls_testing_prepare();
    kl_tls_testing_authority("authority");
    kl_tls_testing_certificate("node", "authority", "IP:127.0.0.1");
}

static const char *why_not(const keel_tls_opts *opts)
{
    static char why[300];
    keel_transport *transport = NULL;
    why[0] = 0;
    CHECK_INT(keel_tls_new(opts, why, sizeof why, &transport), KEEL_E_BADARG);
    CHECK(!transport);
    CHECK_INT(ERR_peek_error(), 0);
    return why;
}

TEST("a certificate, its key and authorities make a transport")
{
    prepare();
    keel_tls_opts opts = kl_tls_testing_opts("node", "authority");
    keel_transport *transport = NULL;
    char why[300] = "";
    CHECK_OK(keel_tls_new(&opts, why, sizeof why, &transport));
    CHECK_STR(why, "");
    CHECK_STR(transport->name, "inet_tls");
    CHECK_INT(transport->length_bytes, 4);
    keel_tls_free(transport);
    keel_tls_free(NULL);
}

TEST("the system's authorities do where none are given")
{
    prepare();
    keel_tls_opts opts = kl_tls_testing_opts("node", "authority");
    opts.authorities = NULL;
    keel_transport *transport = NULL;
    CHECK_OK(keel_tls_new(&opts, NULL, 0, &transport));
    keel_tls_free(transport);
}

TEST("files that are missing or hold something else are told")
{
    prepare();
    keel_tls_opts good = kl_tls_testing_opts("node", "authority"), opts = {0};
    CHECK_STR(why_not(&opts), "there must be a certificate");
    opts = good;
    opts.certificate = kl_tls_testing_path("nowhere.pem");
    CHECK(strncmp(why_not(&opts), "no certificate in ", 18) == 0);
    CHECK(strstr(why_not(&opts), "nowhere.pem"));
    opts.certificate = good.key;
    CHECK(strncmp(why_not(&opts), "no certificate in ", 18) == 0);
    opts = good;
    opts.key = NULL; // it is not behind the certificate
    CHECK(strncmp(why_not(&opts), "no key, or not that", 19) == 0);
    opts.key = kl_tls_testing_path("authority.key");
    CHECK(strstr(why_not(&opts), "key values mismatch"));
    opts = good;
    opts.authorities = good.key;
    CHECK(strncmp(why_not(&opts), "no authorities in ", 18) == 0);
    opts.certificate = NULL;
    keel_transport *transport;
    CHECK_INT(keel_tls_new(&opts, NULL, 0, &transport), KEEL_E_BADARG);
}
