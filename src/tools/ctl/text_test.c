// What terminals are given.

#include "ctl_testing.h"
#include <string.h>

static const char *clean(const char *text, bool utf8)
{
    static char buffer[256];
    setlocale(LC_CTYPE, "C.UTF-8");
    kl_ctl_clean(buffer, sizeof buffer, text, strlen(text), utf8);
    return buffer;
}

TEST("what would steer a terminal or hide something is shown as what it is")
{
    CHECK_STR(clean("plain {name, 1}", true), "plain {name, 1}");
    CHECK_STR(clean("\033[31mred\007\r\n\t\177", true),
            "\\x1B[31mred\\x07\\x0D\\x0A\\x09\\x7F");
    CHECK_STR(clean("\xc2\x9b", true), "\\xC2\\x9B"); // CSI in one character
    CHECK_STR(clean("a\xe2\x80\xae"
                    "b",
                      true),
            "a\\xE2\\x80\\xAE"
            "b"); // right to left
    CHECK_STR(clean("\xff\xc0\x80\xed\xa0\x80", true), "\\xFF\\xC0\\x80\\xED\\xA0\\x80");
    CHECK_STR(clean("caf\xc3", true), "caf\\xC3"); // cut in the middle
    CHECK_STR(clean("日本 é", true), "日本 é");
    CHECK_STR(clean("é", false), "\\xC3\\xA9");
}

TEST("cleaning cuts at whole characters and always ends the text")
{
    char buffer[6];
    setlocale(LC_CTYPE, "C.UTF-8");
    CHECK_INT(kl_ctl_clean(buffer, sizeof buffer, "日本語", 9, true), 3);
    CHECK_STR(buffer, "日");
    CHECK_INT(kl_ctl_clean(buffer, sizeof buffer, "a\001\002", 3, true), 5);
    CHECK_STR(buffer, "a\\x01");
    CHECK_INT(kl_ctl_clean(buffer, 1, "abc", 3, true), 0);
    CHECK_STR(buffer, "");
    CHECK_INT(kl_ctl_clean(buffer, 0, "abc", 3, true), 0);
}

TEST("wide characters take two columns, those that join others none")
{
    setlocale(LC_CTYPE, "C.UTF-8");
    CHECK_INT(kl_ctl_columns("abc"), 3);
    CHECK_INT(kl_ctl_columns("日本"), 4);
    CHECK_INT(kl_ctl_columns("é"), 1);
    CHECK_INT(kl_ctl_columns("e\xcc\x81"), 1);
    CHECK_INT(kl_ctl_columns(""), 0);
}

static const char *cut(const char *text, size_t columns, bool utf8)
{
    static char buffer[64];
    setlocale(LC_CTYPE, "C.UTF-8");
    snprintf(buffer, sizeof buffer, "%s", text);
    kl_ctl_cut(buffer, sizeof buffer, columns, utf8);
    CHECK(kl_ctl_columns(buffer) <= columns);
    return buffer;
}

TEST("what is too wide is cut, and says so")
{
    CHECK_STR(cut("abc", 3, true), "abc");
    CHECK_STR(cut("abcdef", 4, true), "abc…");
    CHECK_STR(cut("abcdef", 4, false), "abc>");
    CHECK_STR(cut("日本語", 4, true), "日…");
    CHECK_STR(cut("日本語", 1, true), "…");
    CHECK_STR(cut("ab", 1, true), "…");
    char small[3] = "ab"; // the mark must fit
    kl_ctl_cut(small, sizeof small, 1, true);
    CHECK_STR(small, ">");
}

#define CHECK_FIGURE(function, value, expected)                                            \
    do {                                                                                   \
        char text_[64];                                                                    \
        function(text_, sizeof text_, (value));                                            \
        CHECK_STR(text_, (expected));                                                      \
    } while (0)

TEST("bytes, counts and times stand in units that a person reads")
{
    CHECK_FIGURE(kl_ctl_bytes, 0, "0 B");
    CHECK_FIGURE(kl_ctl_bytes, 1023, "1023 B");
    CHECK_FIGURE(kl_ctl_bytes, 1024, "1.0 KiB");
    CHECK_FIGURE(kl_ctl_bytes, 12595, "12.3 KiB");
    CHECK_FIGURE(kl_ctl_bytes, 102400, "100 KiB");
    CHECK_FIGURE(kl_ctl_bytes, 1048575, "1.0 MiB");
    CHECK_FIGURE(kl_ctl_bytes, UINT64_MAX, "16.0 EiB");
    CHECK_FIGURE(kl_ctl_count, 0, "0");
    CHECK_FIGURE(kl_ctl_count, 99999, "99999");
    CHECK_FIGURE(kl_ctl_count, 100000, "100 k");
    CHECK_FIGURE(kl_ctl_count, 999999, "1.0 M");
    CHECK_FIGURE(kl_ctl_count, 4194304, "4.2 M");
    CHECK_FIGURE(kl_ctl_count, UINT64_MAX, "18.4 E");
    CHECK_FIGURE(kl_ctl_time, 0, "0 ms");
    CHECK_FIGURE(kl_ctl_time, 99999, "<0.1 ms");
    CHECK_FIGURE(kl_ctl_time, 4200000, "4.2 ms");
    CHECK_FIGURE(kl_ctl_time, 12000000, "12 ms");
    CHECK_FIGURE(kl_ctl_time, 999000000, "999 ms");
    CHECK_FIGURE(kl_ctl_time, 999999999, "1000 ms");
    CHECK_FIGURE(kl_ctl_time, 1000000000, "1.0 s");
    CHECK_FIGURE(kl_ctl_time, 59999999999, "59.9 s");
    CHECK_FIGURE(kl_ctl_time, 185000000000, "3 min 5 s");
    CHECK_FIGURE(kl_ctl_time, 7260000000000, "2 h 1 min");
    CHECK_FIGURE(kl_ctl_time, 90000000000000, "1 d 1 h");
}

TEST("times are read as people type them")
{
    static const struct {
        const char *text;
        int64_t milliseconds; // 0: it is none
    } cases[] = {{"5", 5000}, {"5s", 5000}, {"250ms", 250}, {"1.5s", 1500}, {"2m", 120000},
            {"2min", 120000}, {"1h", 3600000}, {"24h", 86400000}, {"25h", 0}, {"0", 0},
            {"0.1ms", 0}, {"", 0}, {"s", 0}, {"-1s", 0}, {"1e3", 0}, {"1.2.3", 0},
            {"inf", 0}, {"5 s", 0}, {"5x", 0}, {"9999999999999999s", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t got = 0;
        bool read = kl_ctl_parse_time(cases[i].text, &got);
        CHECK_INT(read ? got : 0, cases[i].milliseconds);
    }
}

TEST("colours are written where they are wanted, and nowhere else")
{
    struct caught caught;
    catch_output(&caught, true, true, 0);
    kl_ctl_put(&caught.out, KL_CTL_BOLD, "x");
    kl_ctl_put(&caught.out, KL_CTL_BOLD, "");
    kl_ctl_put(&caught.out, KL_CTL_PLAIN, "y");
    CHECK_CAUGHT(&caught, "\033[1mx\033[0my");
    catch_output(&caught, true, false, 0);
    kl_ctl_put(&caught.out, KL_CTL_BAD, "x");
    CHECK_CAUGHT(&caught, "x");
}
