#include "symbol_lines.h"

bool kl_symbol_lines_find(uintptr_t pc, struct kl_symbol *ret_symbol)
{
    (void)pc;
    (void)ret_symbol;
    return false; // kl_symbol_resolve() goes on to the dynamic linker's tables
}
