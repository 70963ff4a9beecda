#include "arch.h"

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { FUNCTION_BYTES = 4096 }; // how long a function is taken to be at most

#if defined(__x86_64__)

void kl_arch_registers(const void *context, struct kl_arch_registers *ret_registers)
{
    const greg_t *registers = ((const ucontext_t *)context)->uc_mcontext.gregs;
    *ret_registers = (struct kl_arch_registers){
            .pc = (uintptr_t)registers[REG_RIP],
            .sp = (uintptr_t)registers[REG_RSP],
            .frame = (uintptr_t)registers[REG_RBP],
    };
}

uintptr_t kl_arch_caller(const void *context, uintptr_t low, uintptr_t high)
{
    // The call has pushed its return address and come no further.
    uintptr_t sp = (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
    bool readable = sp % sizeof sp == 0 && sp >= low && sp + sizeof sp <= high;
    return readable ? *(const uintptr_t *)sp : 0;
}

bool kl_arch_follows_call(uintptr_t pc)
{
    const uint8_t *end = (const uint8_t *)pc;
    // A call to a fixed place takes five bytes; one through a register or memory two to
    // seven, with 2 in the middle three bits of the byte after 0xff.
    if (end[-5] == 0xe8) {
        return true;
    }
    for (int length = 2; length <= 7; length++) {
        if (end[-length] == 0xff && (end[-length + 1] & 0x38) == 0x10) {
            return true;
        }
    }
    return false;
}

bool kl_arch_calls(uintptr_t pc, uintptr_t inside)
{
    int32_t distance;
    memcpy(&distance, (const void *)(pc - sizeof distance), sizeof distance);
    uintptr_t target = pc + (uintptr_t)(intptr_t)distance;
    return *(const uint8_t *)(pc - 5) == 0xe8 && target <= inside &&
           inside - target < FUNCTION_BYTES;
}

void kl_arch_clear_frame(void *context)
{
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RBP] = 0;
}

void kl_arch_bend(void *context, uintptr_t pc, uintptr_t sp, unsigned value)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    registers[REG_RIP] = (greg_t)pc;
    registers[REG_RSP] = (greg_t)sp;
    registers[REG_RAX] = (greg_t)value;
}

#elif defined(__aarch64__)

void kl_arch_registers(const void *context, struct kl_arch_registers *ret_registers)
{
    const mcontext_t *machine = &((const ucontext_t *)context)->uc_mcontext;
    *ret_registers = (struct kl_arch_registers){
            .pc = machine->pc,
            .sp = machine->sp,
            .frame = machine->regs[29],
    };
}

uintptr_t kl_arch_caller(const void *context, uintptr_t low, uintptr_t high)
{
    (void)low;
    (void)high;
    return ((const ucontext_t *)context)->uc_mcontext.regs[30];
}

bool kl_arch_follows_call(uintptr_t pc)
{
    if (pc % 4 != 0) {
        return false;
    }
    uint32_t instruction = ((const uint32_t *)pc)[-1];
    return (instruction & 0xfc000000) == 0x94000000 || // bl
           (instruction & 0xfffffc1f) == 0xd63f0000; // blr
}

bool kl_arch_calls(uintptr_t pc, uintptr_t inside)
{
    uint32_t instruction = pc % 4 == 0 ? ((const uint32_t *)pc)[-1] : 0;
    if ((instruction & 0xfc000000) != 0x94000000) {
        return false;
    }
    intptr_t distance = (intptr_t)((int32_t)(instruction << 6) >> 6) * 4;
    uintptr_t target = pc - 4 + (uintptr_t)distance;
    // What the link register holds may be left from a call that the function itself has
    // made; then it lies behind the function's start as well.
    bool outside = pc < target || pc > inside + FUNCTION_BYTES;
    return outside && target <= inside && inside - target < FUNCTION_BYTES;
}

void kl_arch_clear_frame(void *context)
{
    ((ucontext_t *)context)->uc_mcontext.regs[29] = 0;
}

void kl_arch_bend(void *context, uintptr_t pc, uintptr_t sp, unsigned value)
{
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
    machine->pc = pc;
    machine->sp = sp;
    machine->regs[0] = value;
}

#else

void kl_arch_registers(const void *context, struct kl_arch_registers *ret_registers)
{
    (void)context;
    *ret_registers = (struct kl_arch_registers){0};
}

uintptr_t kl_arch_caller(const void *context, uintptr_t low, uintptr_t high)
{
    (void)context;
    (void)low;
    (void)high;
    return 0;
}

bool kl_arch_follows_call(uintptr_t pc)
{
    (void)pc;
    return false;
}

bool kl_arch_calls(uintptr_t pc, uintptr_t inside)
{
    (void)pc;
    (void)inside;
    return false;
}

void kl_arch_clear_frame(void *context)
{
    (void)context;
}

// Only the switch in assembly bends contexts, and it is not built here.
void kl_arch_bend(void *context, uintptr_t pc, uintptr_t sp, unsigned value)
{
    (void)context;
    (void)pc;
    (void)sp;
    (void)value;
    abort();
}

#endif
