#include "name.h"
#include "testing/harness.h"
#include <string.h>

static bool is_name(const char *text)
{
    struct kl_node_name name;
    return kl_node_name_parse(text, strlen(text), &name);
}

static bool is_own_name(const char *text)
{
    struct kl_node_name name;
    return kl_node_name_parse_own(text, &name);
}

TEST("a node name is taken apart at its one @")
{
    struct kl_node_name name;
    const char text[] = "counter@box.local and more";
    CHECK(kl_node_name_parse(text, 17, &name));
    CHECK_INT(name.alive_size, 7);
    CHECK(name.alive == text);
    CHECK_INT(name.host_size, 9);
    CHECK(name.host == text + 8);
}

TEST("a node name has something on both sides of exactly one @")
{
    CHECK(is_name("a@b"));
    CHECK(!is_name(""));
    CHECK(!is_name("@"));
    CHECK(!is_name("a@"));
    CHECK(!is_name("@b"));
    CHECK(!is_name("ab"));
    CHECK(!is_name("a@b@c"));
    CHECK(!is_name("a@@b"));
}

TEST("a node name is printable ASCII")
{
    CHECK(!is_name("a b@c"));
    CHECK(!is_name("a@c\n"));
    CHECK(!is_name("\x7f@c"));
    CHECK(!is_name("b\xc3\xa9@c"));
    CHECK(!is_name("b\xe9@c"));
    struct kl_node_name name;
    CHECK(!kl_node_name_parse("a\0@b", 4, &name));
}

TEST("a node name is as long as an atom at most")
{
    char text[KL_NODE_NAME_MAX + 2];
    memset(text, 'x', sizeof text);
    text[100] = '@';
    text[KL_NODE_NAME_MAX] = 0;
    CHECK(is_name(text));
    CHECK(is_own_name(text));
    text[KL_NODE_NAME_MAX] = 'x';
    text[KL_NODE_NAME_MAX + 1] = 0;
    CHECK(!is_name(text));
    CHECK(!is_own_name(text));
}

TEST("this node's own name keeps to the characters that OTP allows")
{
    CHECK(is_own_name("my_node-1@host-2.example.org"));
    CHECK(is_own_name("c@127.0.0.1"));
    CHECK(is_own_name("c@::1"));
    CHECK(!is_own_name("a.b@host"));
    CHECK(!is_own_name("a/b@host"));
    CHECK(!is_own_name("a@ho/st"));
    CHECK(is_name("a.b@ho/st"));
}

TEST("a name is long when its host has a dot or is an address")
{
    struct kl_node_name name;
    CHECK(kl_node_name_parse_own("a@box", &name));
    CHECK(!kl_node_name_is_long(&name));
    CHECK(kl_node_name_parse_own("a@box.local", &name));
    CHECK(kl_node_name_is_long(&name));
    CHECK(kl_node_name_parse_own("a@::1", &name));
    CHECK(kl_node_name_is_long(&name));
}
