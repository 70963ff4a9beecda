#ifndef KL_TOOLS_CTL_TABLE_H
#define KL_TOOLS_CTL_TABLE_H

#include "text.h"

// Tables with aligned columns. Cells are asked for twice, once for their width and once to
// be printed, so that a table of a million rows holds none of them.

struct kl_ctl_cell {
    char text[400]; // clean
    enum kl_ctl_style style;
};

struct kl_ctl_column {
    const char *title;
    bool right; // aligned: figures
    bool cut; // shortened when the terminal is too narrow; at most one is
};

struct kl_ctl_table {
    const struct kl_ctl_column *columns;
    size_t column_count, row_count;
    void (*cell)(
            const void *context, size_t row, size_t column, struct kl_ctl_cell *ret_cell);
    const void *context;
};

void kl_ctl_table_print(const struct kl_ctl_out *out, const struct kl_ctl_table *table);

#endif // KL_TOOLS_CTL_TABLE_H
