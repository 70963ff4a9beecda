#include "frames.h"

#include "fiber.h"

#include <assert.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>

// Who called whom in a fiber that faulted. Frame pointers tell most of it, but not all
// functions have frames: those that call none, those that never return, and much of the C
// library, deep in which abort() is interrupted. Their return addresses are searched for
// on the stack, close by, and taken only if the call in front of them leads where we come
// from.

enum {
    RANGES_MAX = 256,
    CHAIN_MAX = 4096, // frames; who recurses deeper is believed
    FUNCTION_BYTES = 4096, // how long a function is taken to be at most
    NEAR_WORDS = 8, // how much stack a function without a frame has: registers put by
};

// What is loaded. Of libraries that come later only the frame pointers are followed.
static struct range {
    uintptr_t start, end;
    bool code;
} ranges[RANGES_MAX];
static size_t range_count;

// Where a walk has come to: `pc` is in a function whose stack begins at `at` or above it;
// `frame` is the next frame pointer up, 0 if none is known.
struct walk {
    uintptr_t low, high;
    uintptr_t pc, at, frame;
};

static bool step(struct walk *walk);
static bool find_abort_call(struct walk *walk);
static bool is_chain(const struct walk *walk, uintptr_t frame);
static uintptr_t find_frame(const struct walk *walk);
static uintptr_t find_return(const struct walk *walk, uintptr_t end);
static uintptr_t target_of(uintptr_t pc);
static bool calls(uintptr_t pc, uintptr_t inside);
static bool is_loaded(uintptr_t address, bool code);

static int note_image(struct dl_phdr_info *info, size_t bytes, void *unused)
{
    (void)bytes;
    (void)unused;
    for (int i = 0; i < info->dlpi_phnum && range_count < RANGES_MAX; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_LOAD) {
            uintptr_t start = info->dlpi_addr + header->p_vaddr;
            ranges[range_count++] = (struct range){.start = start,
                    .end = start + header->p_memsz,
                    .code = header->p_flags & PF_X};
        }
    }
    return 0;
}

void kl_frames_init(void)
{
    range_count = 0;
    dl_iterate_phdr(note_image, NULL);
}

size_t kl_frames_find(const void *context, const struct kl_arch_registers *registers,
        enum kl_frames_hint hint, uintptr_t low, uintptr_t high, uintptr_t *ret_pcs,
        size_t max)
{
    if (registers->sp == 0) {
        return 0; // an unknown processor
    }
    struct walk walk = {.low = low, .high = high, .pc = registers->pc};
    walk.at = registers->sp < low ? low : registers->sp;
    walk.at = (walk.at + sizeof walk.at - 1) & ~(sizeof walk.at - 1);
    size_t count = 0;
    ret_pcs[count++] = walk.pc;
    if (hint == KL_FRAMES_ABORTED && find_abort_call(&walk)) {
        ret_pcs[count++] = walk.pc;
    }
    walk.frame = registers->frame;
    if (!is_chain(&walk, walk.frame)) {
        walk.frame = find_frame(&walk);
    }
    uintptr_t caller = kl_arch_caller(context, low, high);
    kl_annotate_known(&caller, sizeof caller);
    if (hint == KL_FRAMES_JUMPED && is_loaded(caller, true)) {
        walk.pc = caller;
        ret_pcs[count++] = caller;
    } else if (is_loaded(caller, true) && calls(caller, walk.pc)) {
        walk.pc = caller;
        ret_pcs[count++] = caller;
    }
    while (count < max && step(&walk)) {
        ret_pcs[count++] = walk.pc;
    }
    return count;
}

// A word of the stack, whose red zones are nobody's business here.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) static uintptr_t read_word(
        uintptr_t address)
{
    uintptr_t word = *(const uintptr_t *)address;
    kl_annotate_known(&word, sizeof word);
    return word;
}

// Goes on to the caller of the function at `pc`.
static bool step(struct walk *walk)
{
    uintptr_t framed = walk->frame ? read_word(walk->frame + sizeof walk->frame) : 0;
    // If the call that the frame belongs to leads here, the frame is this function's.
    if (!is_loaded(framed, true) || !calls(framed, walk->pc)) {
        uintptr_t end = walk->at + NEAR_WORDS * sizeof end;
        uintptr_t limit = walk->frame ? walk->frame : walk->high;
        end = end < limit ? end : limit;
        uintptr_t found = find_return(walk, end);
        if (found) {
            walk->pc = read_word(found);
            walk->at = found + sizeof found;
            return true;
        }
    }
    if (!framed) {
        return false;
    }
    walk->pc = framed;
    walk->at = walk->frame + 2 * sizeof walk->frame;
    uintptr_t above = read_word(walk->frame);
    walk->frame = is_chain(walk, above) ? above : 0;
    return true;
}

// Goes on to the function that has called abort(), however deep the library is in it.
static bool find_abort_call(struct walk *walk)
{
    const uintptr_t enders[] = {
            (uintptr_t)abort, (uintptr_t)raise, (uintptr_t)__assert_fail};
    for (uintptr_t at = walk->at; at + sizeof at <= walk->high; at += sizeof at) {
        uintptr_t word = read_word(at);
        uintptr_t target = is_loaded(word, true) ? target_of(word) : 0;
        bool ends = false, within = false;
        for (size_t i = 0; target && i < sizeof enders / sizeof *enders; i++) {
            ends |= target == enders[i];
            within |= word - enders[i] + FUNCTION_BYTES < 2 * FUNCTION_BYTES;
        }
        if (ends && !within) {
            walk->pc = word;
            walk->at = at + sizeof at;
            return true;
        }
    }
    return false;
}

// Whether frame pointers lead from here up to the fiber's first function, whose own is 0.
static bool is_chain(const struct walk *walk, uintptr_t frame)
{
    for (int i = 0; i < CHAIN_MAX; i++) {
        if (frame % sizeof frame != 0 || frame < walk->at ||
                frame + 2 * sizeof frame > walk->high) {
            return false;
        }
        uintptr_t above = read_word(frame);
        if (above <= frame) {
            return above == 0;
        }
        frame = above;
    }
    return true;
}

// The first frame pointer that somebody has put by on the stack.
static uintptr_t find_frame(const struct walk *walk)
{
    for (uintptr_t at = walk->at; at + sizeof at <= walk->high; at += sizeof at) {
        uintptr_t word = read_word(at);
        if (word > at && is_chain(walk, word)) {
            return word;
        }
    }
    return 0;
}

// The place of the first return address before `end` whose call leads to where we are.
static uintptr_t find_return(const struct walk *walk, uintptr_t end)
{
    for (uintptr_t at = walk->at; at + sizeof at <= end; at += sizeof at) {
        uintptr_t word = read_word(at);
        if (is_loaded(word, true) && calls(word, walk->pc)) {
            return at;
        }
    }
    return 0;
}

// What the call instruction in front of `pc`, in loaded code, leads to; 0 if not known.
static uintptr_t target_of(uintptr_t pc)
{
    uintptr_t target = kl_arch_call_target(pc);
    uintptr_t slot = is_loaded(target, true) ? kl_arch_jump_slot(target) : 0;
    // A call into another library goes through a table.
    return slot && is_loaded(slot, false) ? read_word(slot) : target;
}

// Whether it leads to the function that contains `inside`, as far as can be told without
// knowing where functions end.
static bool calls(uintptr_t pc, uintptr_t inside)
{
    uintptr_t target = target_of(pc);
    return target && target <= inside && inside - target < FUNCTION_BYTES;
}

// Whether there is code, or data, of a loaded image at `address` and around it.
static bool is_loaded(uintptr_t address, bool code)
{
    enum { AROUND = 16 };
    for (size_t i = 0; i < range_count; i++) {
        if (ranges[i].code == code && address >= ranges[i].start + AROUND &&
                address + AROUND <= ranges[i].end) {
            return true;
        }
    }
    return false;
}
