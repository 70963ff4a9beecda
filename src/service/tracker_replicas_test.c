#include "tracker_replicas.h"

#include "testing/harness.h"
#include <keel/match.h>

// Down after 10, gone after 100.
#define SILENT(now) kl_replicas_silent(&replicas, (now)-10, (now)-100, &old)

static struct kl_replicas replicas;
static keel_term old;

static enum kl_replica_news heard(const char *name, int version, int64_t now)
{
    return kl_replicas_heard(&replicas, keel_make("{Name, V}", name, version), now, &old);
}

static void check_old(const char *text)
{
    CHECK_STR(keel_show(old), text);
    keel_drop(old);
}

TEST("a replica is down after a silence and up when it is heard again", .ids = "PB-066")
{
    CHECK_INT(heard("a", 1, 0), KL_REPLICA_UP);
    CHECK_INT(heard("a", 1, 5), KL_REPLICA_NO_NEWS);
    CHECK_INT(heard("b", 1, 5), KL_REPLICA_UP);
    CHECK_INT(SILENT(14), KL_REPLICA_NO_NEWS);
    CHECK_INT(heard("b", 1, 14), KL_REPLICA_NO_NEWS);
    CHECK_INT(SILENT(15), KL_REPLICA_DOWN);
    check_old("{<<\"a\">>,1}");
    CHECK_INT(SILENT(15), KL_REPLICA_NO_NEWS);
    CHECK(kl_replicas_know(&replicas, keel_make("{<<\"a\">>, 1}")));
    CHECK_INT(heard("a", 1, 20), KL_REPLICA_UP);
    CHECK_INT(heard("a", 1, 21), KL_REPLICA_NO_NEWS);
    kl_replicas_done(&replicas);
}

TEST("a replica that is silent for long is not known any more", .ids = "PB-069")
{
    CHECK_INT(heard("a", 1, 0), KL_REPLICA_UP);
    CHECK_INT(heard("b", 1, 0), KL_REPLICA_UP);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(SILENT(10), KL_REPLICA_DOWN);
        keel_drop(old);
    }
    CHECK_INT(heard("b", 1, 99), KL_REPLICA_UP);
    CHECK_INT(SILENT(100), KL_REPLICA_GONE);
    check_old("{<<\"a\">>,1}");
    CHECK(!kl_replicas_know(&replicas, keel_make("{<<\"a\">>, 1}")));
    CHECK_INT(SILENT(100), KL_REPLICA_NO_NEWS);
    CHECK_INT(heard("a", 1, 101), KL_REPLICA_UP);
    kl_replicas_done(&replicas);
}

TEST("a later version takes the place of an earlier one, which is not heard any more")
{
    CHECK_INT(heard("a", 2, 0), KL_REPLICA_UP);
    CHECK_INT(heard("a", 3, 1), KL_REPLICA_REPLACED);
    check_old("{<<\"a\">>,2}");
    CHECK_INT(heard("a", 2, 2), KL_REPLICA_STALE);
    CHECK(!kl_replicas_remove(&replicas, keel_make("{<<\"a\">>, 2}")));
    CHECK(kl_replicas_remove(&replicas, keel_make("{<<\"a\">>, 3}")));
    CHECK(!kl_replicas_remove(&replicas, keel_make("{<<\"a\">>, 3}")));
    CHECK_INT(heard("a", 2, 3), KL_REPLICA_UP);
    kl_replicas_done(&replicas);
}
