#ifndef KL_SCHED_ARCH_SWITCH_X86_64_H
#define KL_SCHED_ARCH_SWITCH_X86_64_H

// kl_arch_switch() of x86_64.S inside its caller: it leaves the same picture on the stack
// and understands the same, so either can go on where the other has stopped. What a
// function need not keep for its caller is named as clobbered and saved by the compiler
// where it must be.

#if defined(__CET__) && (__CET__ & 1)
#define KL_SWITCH_TARGET "endbr64\n\t"
#else
#define KL_SWITCH_TARGET
#endif
#if defined(__AVX512F__)
#define KL_SWITCH_WIDE                                                                     \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24",     \
            "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2",     \
            "k3", "k4", "k5", "k6", "k7"
#else
#define KL_SWITCH_WIDE
#endif

static inline __attribute__((always_inline)) unsigned kl_arch_switch_inline(
        void **ret_sp, void *sp, unsigned value)
{
    unsigned result;
    __asm__ volatile(
            // Below the red zone, which the caller may use when it calls nobody else.
            "leaq -128(%%rsp), %%rsp\n\t"
            "leaq 1f(%%rip), %%rcx\n\t"
            "pushq %%rcx\n\t"
            "pushq %%rbp\n\t"
            "pushq %%rbx\n\t"
            "pushq %%r12\n\t"
            "pushq %%r13\n\t"
            "pushq %%r14\n\t"
            "pushq %%r15\n\t"
            "subq $8, %%rsp\n\t"
            "stmxcsr (%%rsp)\n\t"
            "fnstcw 4(%%rsp)\n\t"
            "movq %%rsp, (%%rdi)\n\t"
            "movl (%%rsp), %%eax\n\t"
            "movzwl 4(%%rsp), %%ecx\n\t"
            "movq %%rsi, %%rsp\n\t"
            // As in x86_64.S: compared, since loading costs more.
            "xorl (%%rsp), %%eax\n\t"
            "testl $0xffffffc0, %%eax\n\t"
            "jne 2f\n\t"
            "cmpw 4(%%rsp), %%cx\n\t"
            "je 3f\n"
            "2:\n\t"
            "ldmxcsr (%%rsp)\n\t"
            "fldcw 4(%%rsp)\n"
            "3:\n\t"
            "movl %%edx, %%eax\n\t"
            "addq $8, %%rsp\n\t"
            "popq %%r15\n\t"
            "popq %%r14\n\t"
            "popq %%r13\n\t"
            "popq %%r12\n\t"
            "popq %%rbx\n\t"
            "popq %%rbp\n\t"
            "popq %%rcx\n\t"
            "jmp *%%rcx\n"
            "1:\n\t" KL_SWITCH_TARGET "leaq 128(%%rsp), %%rsp"
            : "=&a"(result), "+D"(ret_sp), "+S"(sp), "+d"(value)
            // Unused: a caller that is asked for its frame has one, and is thereby seen by
            // who walks the frames of the stack left behind.
            : "r"(__builtin_frame_address(0))
            : "rcx", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2",
            "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
            "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)",
            "st(5)", "st(6)", "st(7)" KL_SWITCH_WIDE);
    return result;
}

#endif // KL_SCHED_ARCH_SWITCH_X86_64_H
