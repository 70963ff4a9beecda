#include "epmd.h"
#include "testing/harness.h"
#include <string.h>

static void check_bytes(
        const uint8_t *actual, size_t size, const char *expected, size_t expected_size)
{
    CHECK_INT(size, expected_size);
    CHECK(memcmp(actual, expected, size) == 0);
}
#define CHECK_BYTES(actual, size, text) check_bytes(actual, size, text, sizeof(text) - 1)
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

TEST("a node registers with its port, its kind and the protocol's version")
{
    uint8_t at[KL_EPMD_REQUEST_MAX];
    size_t size = kl_epmd_register(at, "abc@x", 3, 0x1234, true);
    CHECK_BYTES(at, size,
            "\0\x10\x78\x12\x34\x4d\0\0\x06\0\x06\0\x03"
            "abc"
            "\0\0");
    size = kl_epmd_register(at, "abc", 3, 0x1234, false);
    CHECK_INT(at[5], 72);
}

TEST("a look-up and a list of names are asked for")
{
    uint8_t at[KL_EPMD_REQUEST_MAX];
    size_t size = kl_epmd_look_up(at, "abc", 3);
    CHECK_BYTES(at, size,
            "\0\x04\x7a"
            "abc");
    size = kl_epmd_names(at);
    CHECK_BYTES(at, size, "\0\x01\x6e");
}

TEST("no request is made of an empty or too long name, and the longest fits")
{
    char name[KL_NODE_NAME_MAX + 1];
    memset(name, 'n', sizeof name);
    uint8_t at[KL_EPMD_REQUEST_MAX];
    CHECK_INT(kl_epmd_register(at, name, 0, 1, true), 0);
    CHECK_INT(kl_epmd_register(at, name, KL_NODE_NAME_MAX + 1, 1, true), 0);
    CHECK_INT(kl_epmd_look_up(at, name, 0), 0);
    CHECK_INT(kl_epmd_look_up(at, name, KL_NODE_NAME_MAX + 1), 0);
    CHECK(kl_epmd_register(at, name, KL_NODE_NAME_MAX, 1, true) <= sizeof at);
}

TEST("registering gives a creation of 32 bits, from an old epmd one of 16")
{
    uint32_t creation = 7;
    size_t used = 0;
    CHECK_INT(kl_epmd_registered(BYTES("\x76\0\x65\x43\x21\x0f"), &creation, &used),
            KL_EPMD_OK);
    CHECK_INT(creation, 0x6543210f);
    CHECK_INT(used, 6);
    CHECK_INT(kl_epmd_registered(BYTES("\x79\0\0\x03"), &creation, &used), KL_EPMD_OK);
    CHECK_INT(creation, 3);
    CHECK_INT(used, 4);
}

TEST("a registration may be refused or be no answer at all")
{
    uint32_t creation = 7;
    size_t used = 0;
    CHECK_INT(kl_epmd_registered(BYTES("\x76\x01"), &creation, &used), KL_EPMD_REFUSED);
    CHECK_INT(
            kl_epmd_registered(BYTES("\x79\x01\0\x63"), &creation, &used), KL_EPMD_REFUSED);
    CHECK_INT(kl_epmd_registered(BYTES("H"), &creation, &used), KL_EPMD_MALFORMED);
    CHECK_INT(creation, 7);
}

TEST("a look-up tells port, kind and versions")
{
    struct kl_epmd_node node = {0};
    const char answer[] = "\x77\0\x12\x34\x48\0\0\x06\0\x05\0\x03"
                          "abc"
                          "\0\x02"
                          "xy";
    CHECK_INT(kl_epmd_looked_up(BYTES(answer), &node), KL_EPMD_OK);
    CHECK_INT(node.port, 0x1234);
    CHECK(!node.visible);
    CHECK_INT(node.highest, 6);
    CHECK_INT(node.lowest, 5);
}

TEST("a look-up finds nobody, or something that is no port")
{
    struct kl_epmd_node node = {0};
    CHECK_INT(kl_epmd_looked_up(BYTES("\x77\x01"), &node), KL_EPMD_REFUSED);
    CHECK_INT(kl_epmd_looked_up(BYTES("\x78"), &node), KL_EPMD_MALFORMED);
    CHECK_INT(kl_epmd_looked_up(BYTES("\x77\0\0\0\x4d\0\0\x06\0\x06\0\x01"
                                      "a"
                                      "\0\0"),
                      &node),
            KL_EPMD_MALFORMED);
    CHECK_INT(kl_epmd_looked_up(BYTES("\x77\0\0\x09\x4d\x07\0\x06\0\x06\0\x01"
                                      "a"
                                      "\0\0"),
                      &node),
            KL_EPMD_MALFORMED);
}

TEST("an answer of which bytes are missing is waited for, wherever it was cut")
{
    const char registered[] = "\x76\0\x65\x43\x21\x0f";
    const char looked_up[] = "\x77\0\x12\x34\x48\0\0\x06\0\x05\0\x03"
                             "abc"
                             "\0\x02"
                             "xy";
    uint32_t creation;
    size_t used;
    struct kl_epmd_node node;
    for (size_t size = 0; size < sizeof registered - 1; size++) {
        CHECK_INT(kl_epmd_registered((const uint8_t *)registered, size, &creation, &used),
                KL_EPMD_MORE);
    }
    for (size_t size = 0; size < sizeof looked_up - 1; size++) {
        CHECK_INT(kl_epmd_looked_up((const uint8_t *)looked_up, size, &node), KL_EPMD_MORE);
    }
}

TEST("names come line by line until epmd hangs up")
{
    const char answer[] = "\0\0\x11\x11name a at port 4711\nname bc at port 5\n";
    const uint8_t *data = (const uint8_t *)answer;
    size_t size = sizeof answer - 1, at = 0;
    struct kl_epmd_name name;
    CHECK_INT(kl_epmd_next_name(data, size, false, &at, &name), KL_EPMD_OK);
    CHECK_INT(name.size, 1);
    CHECK_INT(name.alive[0], 'a');
    CHECK_INT(name.port, 4711);
    CHECK_INT(kl_epmd_next_name(data, size, false, &at, &name), KL_EPMD_OK);
    CHECK_INT(name.size, 2);
    CHECK_INT(name.port, 5);
    CHECK_INT(kl_epmd_next_name(data, size, false, &at, &name), KL_EPMD_MORE);
    CHECK_INT(kl_epmd_next_name(data, size, true, &at, &name), KL_EPMD_REFUSED);
}

static enum kl_epmd_answer first_name(const char *data, size_t size)
{
    size_t at = 0;
    struct kl_epmd_name name;
    return kl_epmd_next_name((const uint8_t *)data, size, true, &at, &name);
}

TEST("a host without nodes has no names")
{
    CHECK_INT(first_name("\0\0\x11\x11", 4), KL_EPMD_REFUSED);
}

TEST("lines that are none are refused")
{
    CHECK_INT(first_name("\0\0\x11", 3), KL_EPMD_MALFORMED);
#define LINE(text) first_name("\0\0\0\0" text, sizeof text + 3)
    CHECK_INT(LINE("name a at port 1\n"), KL_EPMD_OK);
    CHECK_INT(LINE("name a at port 1"), KL_EPMD_MALFORMED);
    CHECK_INT(LINE("name  at port 1\n"), KL_EPMD_MALFORMED);
    CHECK_INT(LINE("name a at port \n"), KL_EPMD_MALFORMED);
    CHECK_INT(LINE("name a at port 1x\n"), KL_EPMD_MALFORMED);
    CHECK_INT(LINE("name a at port 65536\n"), KL_EPMD_MALFORMED);
    CHECK_INT(LINE("name a at port 99999999999\n"), KL_EPMD_MALFORMED);
    CHECK_INT(LINE("nome a at port 1\n"), KL_EPMD_MALFORMED);
    CHECK_INT(LINE("name a\n"), KL_EPMD_MALFORMED);
#undef LINE
}
