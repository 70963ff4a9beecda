#ifndef KL_SCHED_ARCH_H
#define KL_SCHED_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What differs between processors: switching stacks, and reading and bending the state of
// an interrupted thread. One of x86_64.S, aarch64.S and ucontext.c provides the switch
// (meson option `switch`); registers.c knows the layouts of the signal frames.

// Saves on the present stack what a function must keep for its caller, stores the stack
// pointer in *ret_sp and goes on where `sp` was stored by another switch, which returns
// `value`, or made by kl_arch_prepare(). Best called last in a function, so that the
// switch back returns to that function's caller: the processor mispredicts every return
// between the two.
unsigned kl_arch_switch(void **ret_sp, void *sp, unsigned value);

// The same inside its caller. A processor predicts returns by the calls before them, so a
// switch that is entered by a call and left by a jump spoils all returns that follow, on
// both sides: tens of nanoseconds. This one is neither.
#if defined(KL_SWITCH_ASSEMBLY) && defined(__x86_64__) && defined(__LP64__)
#include "switch_x86_64.h"
#else
static inline unsigned kl_arch_switch_inline(void **ret_sp, void *sp, unsigned value)
{
    return kl_arch_switch(ret_sp, sp, value);
}
#endif

// Makes a stack, of which [low, top) is free, ready for a switch: it will call start(),
// which must not return. Returns the stack pointer for kl_arch_switch().
void *kl_arch_prepare(uint8_t *low, uint8_t *top, void (*start)(void));

// From a signal handler on another stack: arranges that the interrupted thread goes on
// where `sp` was stored by a switch, as if somebody had switched there with `value`,
// floating point control restored. Either bends `context`, so that the handler has to
// return, or does not come back.
void kl_arch_land(void *context, void *sp, unsigned value);

// What a signal's context says of the interrupted code; zeros where it is not known.
struct kl_arch_registers {
    uintptr_t pc, sp, frame;
};
void kl_arch_registers(const void *context, struct kl_arch_registers *ret_registers);
// Where a call that has got no further than its jump returns to; 0 when that would have to
// be read outside [low, high).
uintptr_t kl_arch_caller(const void *context, uintptr_t low, uintptr_t high);
// The function that the instruction in front of `pc` calls, 0 when it is not a call or not
// a direct one. Reads up to 16 bytes in front of `pc`.
uintptr_t kl_arch_call_target(uintptr_t pc);
// If at `code` there is a stub that jumps to what a table holds, the place in the table;
// else 0. Reads up to 16 bytes from `code`.
uintptr_t kl_arch_jump_slot(uintptr_t code);
// Sets the frame pointer in a context to zero.
void kl_arch_clear_frame(void *context);
// Replaces program counter, stack pointer and the register of return values in a signal's
// context.
void kl_arch_bend(void *context, uintptr_t pc, uintptr_t sp, unsigned value);

#endif // KL_SCHED_ARCH_H
