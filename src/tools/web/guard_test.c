#include "guard.h"

#include "testing/harness.h"

#include <string.h>

TEST("a cookie is found among others")
{
    char value[8];
    CHECK(kl_guard_cookie("a=1; keel=xyz; b=2", "keel", value, sizeof(value)));
    CHECK_STR(value, "xyz");
    CHECK(!kl_guard_cookie("a=1; nokeel=xyz", "keel", value, sizeof(value)));
    CHECK(!kl_guard_cookie("keel=12345678", "keel", value, sizeof(value)));
    CHECK(!kl_guard_cookie("keel", "keel", value, sizeof(value)));
    CHECK(!kl_guard_cookie(NULL, "keel", value, sizeof(value)));
    CHECK(kl_guard_cookie(";; keel=", "keel", value, sizeof(value)));
}

TEST("digests depend on secret, purpose and text")
{
    char digest[KL_DIGEST_SIZE], other[KL_DIGEST_SIZE];
    // RFC 4231's way of HMAC-SHA256, checked against another program.
    kl_guard_digest("key", "The quick", "brown", digest);
    CHECK_INT(strlen(digest), 64);
    kl_guard_digest("key", "The quick", "brown", other);
    CHECK(kl_guard_same(digest, other));
    kl_guard_digest("kez", "The quick", "brown", other);
    CHECK(!kl_guard_same(digest, other));
    kl_guard_digest("key", "The", "quick:brown", other);
    CHECK(!kl_guard_same(digest, other));
    CHECK(!kl_guard_same("a", "ab"));
    CHECK(kl_guard_same("", ""));
}

TEST("secrets are random and sessions have their form")
{
    char one[KL_SESSION_SIZE], two[KL_SESSION_SIZE];
    CHECK(kl_guard_random(one, sizeof(one)));
    CHECK(kl_guard_random(two, sizeof(two)));
    CHECK(!kl_guard_same(one, two));
    CHECK(kl_guard_is_session(one));
    CHECK(!kl_guard_is_session("x"));
    one[3] = '<';
    CHECK(!kl_guard_is_session(one));
}

TEST("a host is known by name or address, whatever its port")
{
    CHECK(kl_guard_host_allowed("localhost", "127.0.0.1", NULL));
    CHECK(kl_guard_host_allowed("[::1]:4000", "127.0.0.1", NULL));
    CHECK(kl_guard_host_allowed("10.0.0.7:80", "10.0.0.7", NULL));
    CHECK(kl_guard_host_allowed("b.example:1", "127.0.0.1", "a.example b.example"));
    CHECK(!kl_guard_host_allowed("b.example.evil", "127.0.0.1", "a.example b.example"));
    CHECK(!kl_guard_host_allowed("localhost.evil", "127.0.0.1", NULL));
    CHECK(!kl_guard_host_allowed("", "127.0.0.1", ""));
}

TEST("an origin is the same when it names the host that was asked, port included")
{
    CHECK(kl_guard_same_origin("http://localhost:4000", "localhost:4000"));
    CHECK(kl_guard_same_origin("https://Keel.example", "keel.example"));
    CHECK(!kl_guard_same_origin("http://localhost:4001", "localhost:4000"));
    CHECK(!kl_guard_same_origin("http://evil/localhost:4000", "localhost:4000"));
    CHECK(!kl_guard_same_origin("null", "localhost"));
}

TEST("loopback is what no other machine reaches")
{
    CHECK(kl_guard_is_loopback("127.0.0.1"));
    CHECK(kl_guard_is_loopback("127.1.2.3"));
    CHECK(kl_guard_is_loopback("::1"));
    CHECK(!kl_guard_is_loopback("0.0.0.0"));
    CHECK(!kl_guard_is_loopback("192.168.0.1"));
    CHECK(!kl_guard_is_loopback("::"));
}
