// Switching stacks on x86-64, System V convention. A switched-out stack looks like this,
// from its saved stack pointer upwards:
//
//    0  mxcsr (4 bytes), x87 control word (2), unused (2)
//    8  r15   16  r14   24  r13   32  r12   40  rbx   48  rbp
//   56  where to go on
//
// arch/prepare.c builds the same picture for a new stack. The jump through a register
// instead of a return keeps the processor's return predictor out of it: it would be wrong
// every time.

        .text

// unsigned kl_arch_switch(void **ret_sp, void *sp, unsigned value)
        .globl  kl_arch_switch
        .hidden kl_arch_switch
        .type   kl_arch_switch, @function
        .p2align 4
kl_arch_switch:
        .cfi_startproc
#ifdef __CET__
        endbr64
#endif
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movq    %rsp, (%rdi)
        movl    (%rsp), %eax
        movzwl  4(%rsp), %ecx
        movq    %rsi, %rsp
        // Loading the control words costs more than comparing them, and they hardly ever
        // differ. The low six bits of mxcsr are status, which nobody promised to keep.
        xorl    (%rsp), %eax
        testl   $0xffffffc0, %eax
        jne     1f
        cmpw    4(%rsp), %cx
        jne     1f
        movl    %edx, %eax
.Lrestore:
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register rip, rcx
        jmp     *%rcx
        .cfi_endproc

        .cfi_startproc
        .cfi_def_cfa_offset 64
        .cfi_offset rbp, -16
        .cfi_offset rbx, -24
        .cfi_offset r12, -32
        .cfi_offset r13, -40
        .cfi_offset r14, -48
        .cfi_offset r15, -56
1:      ldmxcsr (%rsp)
        fldcw   4(%rsp)
        movl    %edx, %eax
        jmp     .Lrestore
        .cfi_endproc
        .size   kl_arch_switch, . - kl_arch_switch

// Where a thread goes on whose fiber faulted: the stack pointer is one that a switch has
// stored, rax what that switch is to return. The interrupted code may have left the x87 stack full and the direction flag set.
        .globl  kl_arch_landing
        .hidden kl_arch_landing
        .type   kl_arch_landing, @function
        .p2align 4
kl_arch_landing:
        .cfi_startproc
        .cfi_def_cfa_offset 64
        .cfi_offset rbp, -16
        .cfi_offset rbx, -24
        .cfi_offset r12, -32
        .cfi_offset r13, -40
        .cfi_offset r14, -48
        .cfi_offset r15, -56
        // Valgrind does not see stacks change at the return of a signal handler, but it
        // looks when the pointer moves by much.
        subq    $1024, %rsp
        jo      1f // never; keeps the two from being seen as one
1:      addq    $1024, %rsp
        cld
        fninit
        ldmxcsr (%rsp)
        fldcw   4(%rsp)
        jmp     .Lrestore
        .cfi_endproc
        .size   kl_arch_landing, . - kl_arch_landing

// The first instructions of every new stack: goes to the function in rbx as if it had been
// called from here, with nothing above. By a jump: that function never returns, and the
// processor would pair the call with the next return on some other stack.
        .globl  kl_arch_begin
        .hidden kl_arch_begin
        .type   kl_arch_begin, @function
        .p2align 4
kl_arch_begin:
        .cfi_startproc
        .cfi_undefined rip
        .cfi_undefined rbp
#ifdef __CET__
        endbr64
#endif
        leaq    1f(%rip), %rax
        movq    %rax, (%rsp)
        xorl    %ebp, %ebp
        jmp     *%rbx
1:      ud2
        .cfi_endproc
        .size   kl_arch_begin, . - kl_arch_begin

        .section .note.GNU-stack, "", @progbits

#if defined(__CET__) && (__CET__ & 1)
// Indirect branch tracking is respected; shadow stacks are not, since this switches the
// ordinary stack alone, so that bit stays clear and the loader leaves them off.
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4
        .long   16
        .long   5
        .asciz  "GNU"
        .long   0xc0000002
        .long   4
        .long   1
        .long   0
#endif
