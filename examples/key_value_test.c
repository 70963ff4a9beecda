#include "check.h"
#include "key_value.h"
#include <string.h>

static void what_is_put_is_fetched_until_deleted(keel_term unused)
{
    keel_started_or_exit(key_value_start_link(keel_nil()));
    key_value_put(keel_atom(b), keel_int(2));
    key_value_put(keel_atom(a), keel_make("[1, {x}]"));
    CHECK_SHOWN(key_value_fetch(keel_atom(a)), "{ok,[1,{x}]}");
    CHECK_SHOWN(key_value_keys(), "[a,b]");
    key_value_delete(keel_atom(a));
    CHECK_SHOWN(key_value_fetch(keel_atom(a)), "error");
    CHECK_SHOWN(key_value_keys(), "[b]");
}

CHECKS({"what is put is fetched, until deleted", what_is_put_is_fetched_until_deleted})
