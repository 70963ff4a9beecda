#include "arch.h"

#include <stdlib.h>
#include <ucontext.h>

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
