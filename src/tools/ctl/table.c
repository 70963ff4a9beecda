#include "table.h"

#include <string.h>

enum { COLUMNS_MAX = 16, GAP = 2, LEAST_CUT = 12 };

static void ask_cell(const struct kl_ctl_table *table, size_t row, size_t column,
        struct kl_ctl_cell *ret_cell)
{
    ret_cell->text[0] = '\0';
    ret_cell->style = KL_CTL_PLAIN;
    table->cell(table->context, row, column, ret_cell);
}

static void measure(const struct kl_ctl_table *table, size_t widths[COLUMNS_MAX])
{
    for (size_t column = 0; column < table->column_count; column++) {
        widths[column] = kl_ctl_columns(table->columns[column].title);
        for (size_t row = 0; row < table->row_count; row++) {
            struct kl_ctl_cell cell;
            ask_cell(table, row, column, &cell);
            size_t width = kl_ctl_columns(cell.text);
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
}

// Takes from the column that may be cut what is too much for the terminal.
static void fit(const struct kl_ctl_out *out, const struct kl_ctl_table *table,
        size_t widths[COLUMNS_MAX])
{
    size_t total = GAP * (table->column_count - 1), cut = table->column_count;
    for (size_t column = 0; column < table->column_count; column++) {
        total += widths[column];
        cut = table->columns[column].cut ? column : cut;
    }
    if (out->width > 0 && total > out->width && cut < table->column_count) {
        size_t over = total - out->width;
        widths[cut] = widths[cut] > over + LEAST_CUT ? widths[cut] - over : LEAST_CUT;
    }
}

static void put_cell(const struct kl_ctl_out *out, const struct kl_ctl_table *table,
        size_t column, const size_t widths[COLUMNS_MAX], struct kl_ctl_cell *cell)
{
    kl_ctl_cut(cell->text, sizeof cell->text, widths[column], out->utf8);
    size_t used = kl_ctl_columns(cell->text);
    int room = (int)(widths[column] - used);
    bool right = table->columns[column].right;
    bool last = column + 1 == table->column_count;
    fprintf(out->file, "%*s", right ? room : 0, "");
    kl_ctl_put(out, cell->style, cell->text);
    if (!last) {
        fprintf(out->file, "%*s", (right ? 0 : room) + GAP, "");
    }
}

void kl_ctl_table_print(const struct kl_ctl_out *out, const struct kl_ctl_table *table)
{
    size_t widths[COLUMNS_MAX];
    struct kl_ctl_cell cell;
    measure(table, widths);
    fit(out, table, widths);
    for (size_t column = 0; column < table->column_count; column++) {
        snprintf(cell.text, sizeof cell.text, "%s", table->columns[column].title);
        cell.style = KL_CTL_BOLD;
        put_cell(out, table, column, widths, &cell);
    }
    fputc('\n', out->file);
    for (size_t row = 0; row < table->row_count; row++) {
        for (size_t column = 0; column < table->column_count; column++) {
            ask_cell(table, row, column, &cell);
            put_cell(out, table, column, widths, &cell);
        }
        fputc('\n', out->file);
    }
}
