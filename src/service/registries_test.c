#include "registries.h"

#include "testing/harness.h"
#include <string.h>

static char logged[256];
static void keep_log(void *context, enum kl_log_level level, const char *text)
{
    (void)context;
    (void)level;
    strncpy(logged, text, sizeof logged - 1);
}

TEST("a name has one record, which is found only while the registry runs")
{
    struct kl_registry *record = kl_registry_make(keel_atom(some_registry));
    CHECK(record != NULL && kl_registry_make(keel_atom(some_registry)) == record);
    CHECK(kl_registry_make(keel_atom(another)) != record);
    CHECK(kl_registry_peek(keel_atom(some_registry)) == NULL);
    record->running = 1;
    CHECK(kl_registry_peek(keel_atom(some_registry)) == record);
    CHECK_INT(kl_registry_partition_count(record), 0);
    CHECK_INT(kl_registry_partition(record, 0).word, 0);
}

TEST("outside a process an unknown registry is told in the log", .ids = "RG-004")
{
    kl_log_sink_set(keep_log, NULL);
    CHECK(keel_is_none(keel_registry_lookup(keel_atom(who_is_that), keel_int(1))));
    CHECK(strstr(logged, "unknown_registry") != NULL);
    CHECK(strstr(logged, "who_is_that") != NULL);
    logged[0] = 0;
    CHECK_INT(keel_registry_register(KEEL_NONE, keel_int(1), keel_nil(), NULL),
            KEEL_E_OUTSIDE);
    CHECK(strstr(logged, "unknown_registry") != NULL);
    kl_log_sink_set(NULL, NULL);
}
