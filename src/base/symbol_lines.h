#ifndef KL_BASE_SYMBOL_LINES_H
#define KL_BASE_SYMBOL_LINES_H

#include "symbol.h"

#include <stdbool.h>

// Source lines from debug information: symbol_lines_backtrace.c where the build has
// libbacktrace, symbol_lines_table.c otherwise. Private to the room.
//
// Fills in what it finds; false when it found neither a function nor a line.
bool kl_symbol_lines_find(uintptr_t pc, struct kl_symbol *ret_symbol);

#endif // KL_BASE_SYMBOL_LINES_H
