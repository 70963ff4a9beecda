#include "testing/harness.h"
#include <keel/term.h>
#include <string.h>

// What erlang:phash2(Term, 1 bsl 32) gives; erlang_test.c asks for many more of them.
TEST("the portable hash is the one of Erlang")
{
    static const struct {
        const char *text;
        uint32_t hash;
    } known[] = {
            {"ok", 1883u},
            {"''", 0u},
            {"[]", 3468870702u},
            {"{}", 221703996u},
            {"#{}", 844985373u},
            {"<<>>", 147926629u},
            {"0", 3175731469u},
            {"1", 539485162u},
            {"-1", 1117813597u},
            {"255", 715823293u},
            {"256", 3929335767u},
            {"134217727", 4273352567u},
            {"134217728", 2562491755u},
            {"-134217728", 874979335u},
            {"-134217729", 1418916782u},
            {"4294967296", 2108323275u},
            {"18446744073709551616", 2519041713u},
            {"-340282366920938463463374607431768211457", 4293470842u},
            {"0.0", 423528920u},
            {"-0.0", 423528920u},
            {"1.5", 2023646235u},
            {"-1.0e300", 3171779656u},
            {"\"abc\"", 519996486u},
            {"\"abcd\"", 1752753207u},
            {"\"abcde\"", 2487089008u},
            {"[1,2,300,4]", 134770135u},
            {"[1|2]", 3844221178u},
            {"[a|b]", 2356411656u},
            {"[[]]", 499070068u},
            {"{a}", 2853905094u},
            {"{[],a}", 4275562856u},
            {"{ok,{error,1},[x]}", 1958075472u},
            {"<<1,2,3>>", 4167228639u},
            {"<<\"hello world!\">>", 965223795u},
            {"<<\"a binary of more than twelve bytes\">>", 2259964118u},
            {"<<5:3>>", 3354768668u},
            {"<<1,2,3:4>>", 2292987389u},
            {"#{a => 1}", 1401795262u},
            {"#{a => 1,b => #{c => [2]}}", 3682321876u},
            {"{#{},1}", 2663619644u},
            {"'\303\245\304\200'", 61888u},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        keel_term term = KEEL_NONE;
        CHECK_OK(keel_parse(known[i].text, strlen(known[i].text), &term, NULL));
        uint32_t hash = keel_phash2(term, UINT64_C(1) << 32);
        if (hash != known[i].hash) {
            kl_test_fail(__FILE__, __LINE__, "%s: %u, not %u", known[i].text, hash,
                    known[i].hash);
        }
        CHECK_INT(keel_phash2(term, 1000), hash % 1000);
        CHECK_INT(keel_phash2(term, 1), 0);
        CHECK_INT(keel_phash2(term, 0), 0);
    }
}
