#include "printer.h"

#include "testing/harness.h"
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
