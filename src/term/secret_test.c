#include "testing/harness.h"
#include <keel/etf.h>
#include <keel/secret.h>
#include <string.h>

TEST("a secret is carried, and neither shown nor encoded")
{
    char text[] = "postgres://me:sesame@host/db";
    keel_term secret = keel_secret(text);
    memset(text, 'x', sizeof text - 1); // it is a copy
    keel_term inside = keel_tuple_of(keel_atom(url), secret);
    CHECK_STR(keel_to_secret(keel_element(inside, 1)), "postgres://me:sesame@host/db");
    CHECK(strstr(keel_show(inside), "sesame") == NULL);
    CHECK(strstr(keel_show(inside), "#Resource<secret.") != NULL);
    keel_term binary = KEEL_NONE;
    CHECK_INT(keel_etf_encode(inside, NULL, &binary), KEEL_E_NOT_ENCODABLE);
    keel_term kept = keel_keep(inside);
    CHECK_STR(keel_to_secret(keel_element(kept, 1)), "postgres://me:sesame@host/db");
    keel_drop(kept);
}

TEST("what is no secret gives no text")
{
    CHECK(keel_to_secret(keel_string("plain")) == NULL);
    CHECK(keel_to_secret(keel_pointer("plain")) == NULL);
    CHECK(keel_to_secret(KEEL_NONE) == NULL);
    CHECK_STR(keel_to_secret(keel_secret("")), "");
}
