#ifndef KL_TOOLS_CTL_SCREEN_H
#define KL_TOOLS_CTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

// A terminal that shows one page again and again and gives keys as they are typed. However
// the command ends, the terminal is put back: for signals too.

// False: standard input or output is no terminal.
bool kl_ctl_screen_open(void);
void kl_ctl_screen_close(void);
// Rows and columns as they are now.
void kl_ctl_screen_size(size_t *ret_rows, size_t *ret_columns);
// Shows the page, cut to the rows there are; its lines must fit.
void kl_ctl_screen_show(const char *page, size_t rows);
// The next key; 0: none within the time, or the window has another size; 'q' at the end of
// the input.
int kl_ctl_screen_key(int milliseconds);

#endif // KL_TOOLS_CTL_SCREEN_H
