// Distribution over TLS.

#include "table.h"

#include <keel/tls.h>

#define NONE (&(keel_transport *){NULL})

TABLE(transports, "transports without files that can be read are refused")
{
    STATUS(KEEL_E_BADARG, keel_tls_new(NULL, NULL, 0, NONE));
    STATUS(KEEL_E_BADARG, keel_tls_new(&(keel_tls_opts){0}, NULL, 0, NONE));
    STATUS(KEEL_E_BADARG, keel_tls_new(&(keel_tls_opts){0}, NULL, 100, NONE));
    STATUS(KEEL_E_BADARG,
            keel_tls_new(&(keel_tls_opts){.certificate = "/no/such.pem"}, NULL, 0, NONE));
    STATUS(KEEL_E_BADARG,
            keel_tls_new(&(keel_tls_opts){.certificate = "x"}, NULL, 0, NULL));
    HARMLESS(keel_tls_free(NULL));
}
