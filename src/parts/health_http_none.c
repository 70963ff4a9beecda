// The default probe of health checkers where libcurl is missing.

#include <keel/parts/health.h>

keel_status keel_health_http(keel_term url, keel_duration timeout, keel_term *ret_reason)
{
    (void)url;
    (void)timeout;
    *ret_reason = keel_atom(built_without_libcurl);
    return KEEL_E_UNSUPPORTED;
}
