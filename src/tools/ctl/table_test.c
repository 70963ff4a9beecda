// Tables with aligned columns.

#include "ctl_testing.h"
#include "table.h"
#include <string.h>

static const struct kl_ctl_column columns[] = {{.title = "NAME", .cut = true},
        {.title = "SIZE", .right = true}, {.title = "LAST"}};

static const char *const cells[][3] = {
        {"a", "5", "x"}, {"日本", "1234567", "y"}, {"a name that is long", "", "z"}};

static void cell_of(
        const void *context, size_t row, size_t column, struct kl_ctl_cell *cell)
{
    (void)context;
    snprintf(cell->text, sizeof cell->text, "%s", cells[row][column]);
    cell->style = row == 1 && column == 0 ? KL_CTL_BAD : KL_CTL_PLAIN;
}

static const struct kl_ctl_table table = {
        .columns = columns, .column_count = 3, .row_count = 3, .cell = cell_of};

TEST("columns are as wide as they must be, by columns and not by bytes")
{
    struct caught caught;
    catch_output(&caught, true, false, 0);
    kl_ctl_table_print(&caught.out, &table);
    CHECK_CAUGHT(&caught, "NAME                    SIZE  LAST\n"
                          "a                          5  x\n"
                          "日本                 1234567  y\n"
                          "a name that is long           z\n");
}

TEST("on a narrow terminal the column that may be is cut, down to twelve")
{
    struct caught caught;
    catch_output(&caught, true, false, 30);
    kl_ctl_table_print(&caught.out, &table);
    CHECK_CAUGHT(&caught, "NAME                SIZE  LAST\n"
                          "a                      5  x\n"
                          "日本             1234567  y\n"
                          "a name that is…           z\n");
    catch_output(&caught, false, false, 10);
    kl_ctl_table_print(&caught.out, &table);
    CHECK_CAUGHT(&caught, "NAME             SIZE  LAST\n"
                          "a                   5  x\n"
                          "日本          1234567  y\n"
                          "a name that>           z\n");
}

TEST("colours take no columns, and a table without rows has its head")
{
    struct caught caught;
    struct kl_ctl_table empty = table;
    catch_output(&caught, true, true, 0);
    empty.row_count = 0;
    kl_ctl_table_print(&caught.out, &empty);
    CHECK_CAUGHT(&caught, "\033[1mNAME\033[0m  \033[1mSIZE\033[0m  \033[1mLAST\033[0m\n");
    catch_output(&caught, true, true, 0);
    empty.row_count = 2;
    kl_ctl_table_print(&caught.out, &empty);
    CHECK_CAUGHT(&caught, "\033[1mNAME\033[0m     \033[1mSIZE\033[0m  \033[1mLAST\033[0m\n"
                          "a           5  x\n"
                          "\033[31m日本\033[0m  1234567  y\n");
}
