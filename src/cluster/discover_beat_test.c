#include "discover_beat.h"
#include "testing/harness.h"
#include <string.h>

#define READ(text, name, size)                                                             \
    kl_beat_read((const uint8_t *)(text), sizeof(text) - 1, name, size)

TEST("a node tells its name in the bytes that libcluster sends")
{
    uint8_t at[KL_BEAT_MAX];
    const char expected[] = "heartbeat::\x83t\0\0\0\1w\4nodew\3a@b";
    CHECK_INT(kl_beat_write(at, "a@b"), sizeof expected - 1);
    CHECK(memcmp(at, expected, sizeof expected - 1) == 0);
}

TEST("a name is found in every form that an atom has")
{
    const char *name;
    size_t size;
    CHECK(READ("heartbeat::\x83t\0\0\0\1w\4nodew\3a@b", &name, &size));
    CHECK_INT(size, 3);
    CHECK(memcmp(name, "a@b", 3) == 0);
    CHECK(READ("heartbeat::\x83t\0\0\0\1d\0\4noded\0\3a@b", &name, &size));
    CHECK_INT(size, 3);
    CHECK(READ("heartbeat::\x83t\0\0\0\1s\4nodes\3a@b", &name, &size));
    CHECK_INT(size, 3);
    CHECK(READ("heartbeat::\x83t\0\0\0\1v\0\4nodev\0\3a@b", &name, &size));
    CHECK_INT(size, 3);
}

TEST("anything else is no beat, wherever it was cut")
{
    const char good[] = "heartbeat::\x83t\0\0\0\1w\4nodew\3a@b";
    const char *name;
    size_t size;
    for (size_t length = 0; length < sizeof good - 1; length++) {
        CHECK(!kl_beat_read((const uint8_t *)good, length, &name, &size));
    }
    CHECK(!READ("heartbeat::\x83t\0\0\0\1w\4nodew\3a@b!", &name, &size));
    CHECK(!READ("heartbeat::\x83t\0\0\0\1w\4nodem\0\0\0\3a@b", &name, &size));
    CHECK(!READ("heartbeat::\x83t\0\0\0\1w\4moden\3a@b", &name, &size));
    CHECK(!READ("heartbeat::\x83t\0\0\0\2w\4nodew\3a@b", &name, &size));
    CHECK(!READ("heartbeet::\x83t\0\0\0\1w\4nodew\3a@b", &name, &size));
}

TEST("the longest name fits")
{
    char name[KL_NODE_NAME_MAX + 1];
    uint8_t at[KL_BEAT_MAX];
    const char *found;
    size_t size;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    size_t written = kl_beat_write(at, name);
    CHECK(written <= sizeof at);
    CHECK(kl_beat_read(at, written, &found, &size));
    CHECK_INT(size, KL_NODE_NAME_MAX);
}
