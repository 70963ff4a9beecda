#include "frames.h"

#include "base/base.h"

#include <link.h>

// Who called whom in a fiber that faulted. Our code and our users' keeps frame pointers,
// but the C library's often does not, and abort() is interrupted deep inside it. Then the
// stack is searched: for a frame pointer that such a function has put by, and for where
// the function it belongs to was called away from.

enum { RANGES_MAX = 128, CHAIN_MAX = 4096 };

// Where code lies; of libraries loaded later only the frame pointers are followed.
static struct {
    uintptr_t start, end;
} ranges[RANGES_MAX];
static size_t range_count;

static bool is_chain(uintptr_t frame, uintptr_t low, uintptr_t high);
static bool is_code(uintptr_t address);
static uintptr_t find_frame(uintptr_t sp, uintptr_t low, uintptr_t high);
static uintptr_t find_return(uintptr_t sp, uintptr_t frame);

static int note_code(struct dl_phdr_info *info, size_t bytes, void *unused)
{
    (void)bytes;
    (void)unused;
    for (int i = 0; i < info->dlpi_phnum && range_count < RANGES_MAX; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_LOAD && header->p_flags & PF_X) {
            ranges[range_count].start = info->dlpi_addr + header->p_vaddr;
            ranges[range_count].end = ranges[range_count].start + header->p_memsz;
            range_count++;
        }
    }
    return 0;
}

void kl_frames_init(void)
{
    range_count = 0;
    dl_iterate_phdr(note_code, NULL);
}

size_t kl_frames_find(const void *context, const struct kl_arch_registers *registers,
        bool fetching, uintptr_t low, uintptr_t high, uintptr_t *ret_pcs, size_t max)
{
    if (registers->sp == 0) {
        return 0; // an unknown processor
    }
    if (fetching) {
        // A jump to nowhere: who made it is what counts.
        ret_pcs[0] = registers->pc;
        uintptr_t caller = kl_arch_caller(context, low, high);
        return 1 + (caller ? kl_symbol_walk(caller, registers->frame, low, high,
                                     ret_pcs + 1, max - 1)
                           : 0);
    }
    if (is_chain(registers->frame, low, high)) {
        // A function that calls none may have no frame: then this one is its caller's.
        uintptr_t caller = kl_arch_caller(context, low, high);
        if (is_code(caller) && kl_arch_calls(caller, registers->pc)) {
            ret_pcs[0] = registers->pc;
            return 1 + kl_symbol_walk(
                               caller, registers->frame, low, high, ret_pcs + 1, max - 1);
        }
        return kl_symbol_walk(registers->pc, registers->frame, low, high, ret_pcs, max);
    }
    uintptr_t frame = find_frame(registers->sp, low, high);
    uintptr_t pc = frame ? find_return(registers->sp, frame) : 0;
    if (!pc) {
        return kl_symbol_walk(registers->pc, frame, low, high, ret_pcs, max);
    }
    ret_pcs[0] = registers->pc;
    return 1 + kl_symbol_walk(pc, frame, low, high, ret_pcs + 1, max - 1);
}

static uintptr_t read_word(uintptr_t address)
{
    return *(const uintptr_t *)address;
}

// Whether frame pointers lead from here up to the fiber's first function, whose own is 0.
static bool is_chain(uintptr_t frame, uintptr_t low, uintptr_t high)
{
    for (int i = 0; i < CHAIN_MAX; i++) {
        if (frame % sizeof frame != 0 || frame < low || frame + 2 * sizeof frame > high) {
            return false;
        }
        uintptr_t next = read_word(frame);
        if (next == 0) {
            return true;
        }
        if (next <= frame) {
            return false;
        }
        frame = next;
    }
    return true; // a very deep recursion
}

// The first frame pointer that somebody has put by on the stack.
static uintptr_t find_frame(uintptr_t sp, uintptr_t low, uintptr_t high)
{
    uintptr_t at = sp < low ? low : sp;
    at = (at + sizeof at - 1) & ~(sizeof at - 1);
    for (; at + sizeof at <= high; at += sizeof at) {
        uintptr_t word = read_word(at);
        if (word > at && is_chain(word, low, high)) {
            return word;
        }
    }
    return 0;
}

static bool is_code(uintptr_t address)
{
    for (size_t i = 0; i < range_count; i++) {
        if (address >= ranges[i].start + 8 && address < ranges[i].end) {
            return true;
        }
    }
    return false;
}

// Where the function that owns `frame` goes on after its present call: the uppermost return
// address below its frame, if its locals do not look like one.
static uintptr_t find_return(uintptr_t sp, uintptr_t frame)
{
    for (uintptr_t at = frame - sizeof at; at >= sp; at -= sizeof at) {
        uintptr_t word = read_word(at);
        if (is_code(word) && kl_arch_follows_call(word)) {
            return word;
        }
    }
    return 0;
}
