#include "fields.h"

#include "testing/harness.h"

#include <stdio.h>
#include <string.h>

static const char *form(const char *text)
{
    return keel_show(kl_fields_of_form(text, strlen(text)));
}

TEST("a form's fields are decoded")
{
    CHECK_STR(form("a=1&b=x+y%26z&c"), "#{<<\"a\">> => <<\"1\">>,<<\"b\">> => "
                                       "<<\"x y&z\">>,<<\"c\">> => <<>>}");
    CHECK_STR(form("a=1&a=2"), "#{<<\"a\">> => <<\"2\">>}");
    CHECK_STR(form("a%3Db=%3D%"), "#{<<\"a=b\">> => <<\"=%\">>}");
    CHECK_STR(form("&&=x&%zz=%4"), "#{<<>> => <<\"x\">>,<<\"%zz\">> => <<\"%4\">>}");
    CHECK_STR(form(""), "#{}");
}

TEST("a NUL in a field leaves it out")
{
    CHECK_STR(form("a=%00&b=1&%00=2"), "#{<<\"b\">> => <<\"1\">>}");
}

TEST("a query that was decoded already is only taken apart")
{
    static const char pairs[] = "a=b=c\0d\0\0e=1";
    CHECK_STR(keel_show(kl_fields_of_pairs(pairs, sizeof(pairs))),
            "#{<<\"a\">> => <<\"b=c\">>,<<\"d\">> => <<>>,<<\"e\">> => <<\"1\">>}");
}

TEST("encoding and decoding give the same fields")
{
    keel_term map = kl_fields_of_form("a+b=%C3%BC%26%3D&c=-_.~", 23);
    keel_bytes text = keel_to_bytes(kl_fields_encode(map));
    CHECK(keel_equal(map, kl_fields_of_form((const char *)text.data, text.size)));
    CHECK(memcmp(text.data, "a%20b=%C3%BC%26%3D&c=-_.~", text.size) == 0);
}

TEST("more fields than anybody needs are left out")
{
    char many[4096];
    size_t size = 0;
    for (int index = 0; index < 400; index++) {
        size += (size_t)snprintf(many + size, sizeof(many) - size, "f%d=1&", index);
    }
    CHECK_INT(keel_map_size(kl_fields_of_form(many, size)), 256);
}
