// Addresses and names.

#include "proc/proc_testing.h"
#include "socket.h"

TEST("numeric addresses of both kinds, and paths")
{
    struct kl_address address;
    CHECK(kl_address_numeric(&address, "192.168.7.1", 80));
    CHECK_TERM(kl_address_term(&address), "{<<\"192.168.7.1\">>, 80}");
    CHECK(kl_address_numeric(&address, "::1", 443));
    CHECK_TERM(kl_address_term(&address), "{<<\"::1\">>, 443}");
    CHECK(kl_address_numeric(&address, NULL, 0));
    CHECK_TERM(kl_address_term(&address), "{<<\"127.0.0.1\">>, 0}");
    CHECK(!kl_address_numeric(&address, "example.net", 80));
    CHECK(!kl_address_numeric(&address, "1.2.3", 80));
    CHECK(kl_address_path(&address, "/run/x"));
    CHECK_TERM(kl_address_term(&address), "<<\"/run/x\">>");
    CHECK(kl_address_path(&address, "@hidden"));
    CHECK_TERM(kl_address_term(&address), "<<\"@hidden\">>");
    CHECK(!kl_address_path(&address, ""));
    CHECK(!kl_address_path(&address, NULL));
}

THREADS_TEST("names are looked up on the blocking pool")
{
    keel_term list = KEEL_NONE;
    CHECK_OK(keel_resolve("127.0.0.1", SOON, &list));
    CHECK_TERM(list, "[<<\"127.0.0.1\">>]");
    CHECK_OK(keel_resolve("localhost", SOON, &list));
    CHECK(keel_list_member(keel_string("127.0.0.1"), list) ||
            keel_list_member(keel_string("::1"), list));
    CHECK_INT(keel_resolve("no.such.host.invalid", SOON, &list), KEEL_E_NOPROC);
    CHECK_INT(keel_resolve(NULL, SOON, &list), KEEL_E_BADARG);
}
