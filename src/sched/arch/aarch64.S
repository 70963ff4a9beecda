// Switching stacks on aarch64, AAPCS64. A switched-out stack looks like this, from its
// saved stack pointer upwards:
//
//    0  x19 to x28 (two by two)   80  x29, x30   96  d8 to d15   160  fpcr, unused
//
// arch/prepare.c builds the same picture for a new stack.

        .text

#define FRAME 176

// unsigned kl_arch_switch(void **ret_sp, void *sp, unsigned value)
        .globl  kl_arch_switch
        .hidden kl_arch_switch
        .type   kl_arch_switch, %function
        .p2align 4
kl_arch_switch:
        .cfi_startproc
        hint    #34                     // bti c
        sub     sp, sp, #FRAME
        .cfi_adjust_cfa_offset FRAME
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        .cfi_rel_offset x19, 0
        .cfi_rel_offset x20, 8
        .cfi_rel_offset x21, 16
        .cfi_rel_offset x22, 24
        .cfi_rel_offset x23, 32
        .cfi_rel_offset x24, 40
        .cfi_rel_offset x25, 48
        .cfi_rel_offset x26, 56
        .cfi_rel_offset x27, 64
        .cfi_rel_offset x28, 72
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mrs     x10, fpcr
        str     x10, [sp, #160]
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        mov     w0, w2
        // Writing the control register is slow, and it hardly ever differs.
        ldr     x9, [sp, #160]
        cmp     x9, x10
        b.eq    .Lrestore
.Lcontrol:
        msr     fpcr, x9
.Lrestore:
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        add     sp, sp, #FRAME
        .cfi_adjust_cfa_offset -FRAME
        .cfi_restore x19
        .cfi_restore x20
        .cfi_restore x21
        .cfi_restore x22
        .cfi_restore x23
        .cfi_restore x24
        .cfi_restore x25
        .cfi_restore x26
        .cfi_restore x27
        .cfi_restore x28
        .cfi_restore x29
        .cfi_restore x30
        ret
        .cfi_endproc
        .size   kl_arch_switch, . - kl_arch_switch

// Where a thread goes on whose fiber faulted: the stack pointer is one that a switch has
// stored, x0 what that switch is to return.
        .globl  kl_arch_landing
        .hidden kl_arch_landing
        .type   kl_arch_landing, %function
        .p2align 4
kl_arch_landing:
        .cfi_startproc
        .cfi_def_cfa sp, FRAME
        .cfi_offset x29, 80 - FRAME
        .cfi_offset x30, 88 - FRAME
        ldr     x9, [sp, #160]
        b       .Lcontrol
        .cfi_endproc
        .size   kl_arch_landing, . - kl_arch_landing

// The first instructions of every new stack: calls the function in x19, with nothing above.
        .globl  kl_arch_begin
        .hidden kl_arch_begin
        .type   kl_arch_begin, %function
        .p2align 4
kl_arch_begin:
        .cfi_startproc
        .cfi_undefined x30
        hint    #36                     // bti j
        mov     x29, xzr
        mov     x30, xzr
        blr     x19
        brk     #1
        .cfi_endproc
        .size   kl_arch_begin, . - kl_arch_begin

        .section .note.GNU-stack, "", %progbits

#ifdef __ARM_FEATURE_BTI_DEFAULT
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4
        .long   16
        .long   5
        .asciz  "GNU"
        .long   0xc0000000
        .long   4
        .long   1
        .long   0
#endif
