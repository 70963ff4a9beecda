#ifndef KEEL_STATUS_H
#define KEEL_STATUS_H

#include <keel/version.h>

KEEL_BEGIN_DECLS

/// What a call that can fail returns: KEEL_OK, one of KEEL_E_…, or -errno.
typedef int keel_status;

enum {
    KEEL_OK = 0,
#define KEEL_STATUS(name, number, sentence) KEEL_E_##name = number,
#include <keel/status.def>
#undef KEEL_STATUS
};

/// Returns the sentence that explains `status`; for -errno the system's own.
/// The text is static. Unknown numbers give "unknown status".
/// @thread any
/// @since 0.1
KEEL_API const char *keel_status_text(keel_status status);

/// Returns the name of `status` without its prefix, such as "TIMEOUT" or "EAGAIN".
/// @thread any
/// @since 0.1
KEEL_API const char *keel_status_name(keel_status status);

KEEL_END_DECLS

#endif // KEEL_STATUS_H
