#include <keel/status.h>

#include "testing/harness.h"

#include <errno.h>
#include <string.h>

TEST("each status of Keel has its name and its sentence")
{
#define KEEL_STATUS(name, number, sentence)                                                \
    CHECK_INT(KEEL_E_##name, number);                                                      \
    CHECK_STR(keel_status_name(KEEL_E_##name), #name);                                     \
    CHECK_STR(keel_status_text(KEEL_E_##name), sentence);
#include <keel/status.def>
#undef KEEL_STATUS
    CHECK_STR(keel_status_name(KEEL_OK), "OK");
    CHECK_STR(keel_status_text(KEEL_OK), "success");
}

TEST("the numbers of Keel lie outside the system's and differ")
{
    int previous = -4999;
#define KEEL_STATUS(name, number, sentence)                                                \
    CHECK_INT(number, previous - 1);                                                       \
    previous = number;
#include <keel/status.def>
#undef KEEL_STATUS
}

TEST("failures of the system have the system's names and texts")
{
    CHECK_STR(keel_status_name(-EAGAIN), "EAGAIN");
    CHECK_STR(keel_status_text(-ENOENT), strerror(ENOENT));
    int named = 0;
    for (int error = 1; error < 200; error++) {
        const char *name = keel_status_name(-error);
        if (strcmp(name, "UNKNOWN") == 0) {
            CHECK_STR(keel_status_text(-error), "unknown status");
        } else {
            named++;
            CHECK_STR(keel_status_text(-error), strerror(error));
        }
#ifdef __GLIBC__
        const char *known = strerrorname_np(error);
        CHECK_STR(name, known != NULL ? known : "UNKNOWN");
#endif
    }
    CHECK(named > 120);
}

TEST("other numbers are unknown")
{
    static const keel_status others[] = {
            1, 5000, -4999, -6000, -2147483647 - 1, 2147483647};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        CHECK_STR(keel_status_name(others[i]), "UNKNOWN");
        CHECK_STR(keel_status_text(others[i]), "unknown status");
    }
}
