#include <keel/version.h>

#include "testing/harness.h"

#include <stdio.h>

TEST("the linked library's version is the one of the headers, and made of its parts")
{
    char parts[32];
    snprintf(parts, sizeof parts, "%d.%d.%d", KEEL_VERSION_MAJOR, KEEL_VERSION_MINOR,
            KEEL_VERSION_PATCH);
    CHECK_STR(keel_version(), parts);
    CHECK_STR(KEEL_VERSION, parts);
}
