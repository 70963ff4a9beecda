#include "arch.h"

#include <stdlib.h>
#include <string.h>
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

// Of a fault that was no wild call the word is anything, a red zone of the sanitizer too.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) uintptr_t kl_arch_caller(
        const void *context, uintptr_t low, uintptr_t high)
{
    // The call has pushed its return address and come no further.
    uintptr_t sp = (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
    bool readable = sp % sizeof sp == 0 && sp >= low && sp + sizeof sp <= high;
    return readable ? *(const uintptr_t *)sp : 0;
}

uintptr_t kl_arch_call_target(uintptr_t pc)
{
    int32_t distance;
    memcpy(&distance, (const void *)(pc - sizeof distance), sizeof distance);
    bool direct = *(const uint8_t *)(pc - 5) == 0xe8;
    return direct ? pc + (uintptr_t)(intptr_t)distance : 0;
}

uintptr_t kl_arch_jump_slot(uintptr_t code)
{
    const uint8_t *bytes = (const uint8_t *)code;
    static const uint8_t landing[] = {0xf3, 0x0f, 0x1e, 0xfa}; // endbr64
    if (memcmp(bytes, landing, sizeof landing) == 0) {
        bytes += sizeof landing;
    }
    bytes += bytes[0] == 0xf2; // a prefix that some linkers put there
    if (bytes[0] != 0xff || bytes[1] != 0x25) {
        return 0; // not jmp *distance(%rip)
    }
    int32_t distance;
    memcpy(&distance, bytes + 2, sizeof distance);
    return (uintptr_t)bytes + 6 + (uintptr_t)(intptr_t)distance;
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

uintptr_t kl_arch_call_target(uintptr_t pc)
{
    uint32_t instruction = pc % 4 == 0 ? ((const uint32_t *)pc)[-1] : 0;
    if ((instruction & 0xfc000000) != 0x94000000) {
        return 0; // not bl
    }
    intptr_t distance = (intptr_t)((int32_t)(instruction << 6) >> 6) * 4;
    return pc - 4 + (uintptr_t)distance;
}

// Libraries for this processor keep their frames, so nobody needs this here.
uintptr_t kl_arch_jump_slot(uintptr_t code)
{
    (void)code;
    return 0;
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

uintptr_t kl_arch_call_target(uintptr_t pc)
{
    (void)pc;
    return 0;
}

uintptr_t kl_arch_jump_slot(uintptr_t code)
{
    (void)code;
    return 0;
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
