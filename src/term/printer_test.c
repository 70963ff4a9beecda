#include "printer.h"

#include "testing/harness.h"
#include <stdio.h>
#include <string.h>

TEST("text goes into the buffer as far as that reaches and is counted beyond it")
{
    char buffer[6] = "......";
    struct kl_printer printer = {.buffer = buffer, .size = 5, .limit = SIZE_MAX};
    kl_printer_puts(&printer, "abc");
    kl_printer_putf(&printer, "%d", 12345);
    CHECK_INT(printer.length, 8);
    CHECK(memcmp(buffer, "abc12.", 6) == 0);
    CHECK(!printer.cut);
}

TEST("at the limit the text is cut, between characters, and stays so")
{
    char buffer[16] = {0};
    struct kl_printer printer = {.buffer = buffer, .size = sizeof buffer, .limit = 4};
    kl_printer_puts(&printer, "ab");
    kl_printer_puts(&printer, "c\303\244d");
    CHECK(printer.cut);
    CHECK_STR(buffer, "abc");
    kl_printer_puts(&printer, "x");
    CHECK_INT(printer.length, 3);
    printer = (struct kl_printer){.buffer = buffer, .size = sizeof buffer, .limit = 4};
    kl_printer_puts(&printer, "abcd");
    CHECK(!printer.cut);
    kl_printer_puts(&printer, "");
    CHECK(!printer.cut);
    kl_printer_puts(&printer, "e");
    CHECK(printer.cut);
    CHECK_INT(printer.length, 4);
}

TEST("integers of 64 bits are written in full")
{
    static const int64_t values[] = {0, 7, -1, 1234567890, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char buffer[32] = {0};
        char expected[32];
        struct kl_printer printer = {
                .buffer = buffer, .size = sizeof buffer, .limit = SIZE_MAX};
        kl_printer_put_integer(&printer, values[i]);
        snprintf(expected, sizeof expected, "%lld", (long long)values[i]);
        CHECK_STR(buffer, expected);
    }
}
