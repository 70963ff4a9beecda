#include "symbol.h"

#include "alloc.h"
#include "cpu.h"
#include "lock.h"
#include "symbol_lines.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// What a frame pointer points at, see cpu.h.
struct frame_pair {
    uintptr_t caller;
    uintptr_t return_pc;
};

// A name that outlives the image it was found in.
struct interned {
    struct interned *next;
    char text[];
};

enum { INTERN_CHAINS = 256 };
static struct kl_lock intern_lock; // guards `chains`
static struct interned *chains[INTERN_CHAINS];

typedef bool read_pair(void *context, uintptr_t frame, struct frame_pair *ret_pair);

static size_t walk(uintptr_t pc, uintptr_t frame, uintptr_t low, uintptr_t high,
        uintptr_t *ret_pcs, size_t max, read_pair *read, void *context);
static bool read_directly(void *context, uintptr_t frame, struct frame_pair *ret_pair);
static bool read_through_kernel(
        void *pipe_ends, uintptr_t frame, struct frame_pair *ret_pair);
static const char *intern(const char *text);

size_t kl_symbol_walk(uintptr_t pc, uintptr_t frame, uintptr_t low, uintptr_t high,
        uintptr_t *ret_pcs, size_t max)
{
    return walk(pc, frame, low, high, ret_pcs, max, read_directly, NULL);
}

size_t kl_symbol_walk_unbounded(
        uintptr_t pc, uintptr_t frame, uintptr_t *ret_pcs, size_t max)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return walk(pc, frame, 1, 0, ret_pcs, max, read_directly, NULL); // `pc` alone
    }
    size_t count = walk(pc, frame, 0, UINTPTR_MAX, ret_pcs, max, read_through_kernel, ends);
    close(ends[0]);
    close(ends[1]);
    return count;
}

void kl_symbol_resolve(uintptr_t pc, struct kl_symbol *ret_symbol)
{
    *ret_symbol = (struct kl_symbol){0};
    Dl_info info;
    bool in_image = dladdr((void *)pc, &info) != 0;
    if (in_image) {
        ret_symbol->offset = pc - (uintptr_t)info.dli_fbase;
    }
    if (kl_symbol_lines_find(pc, ret_symbol) || !in_image) {
        return;
    }
    if (info.dli_sname != NULL) {
        ret_symbol->function = intern(info.dli_sname);
        ret_symbol->offset = pc - (uintptr_t)info.dli_saddr;
    }
}

static size_t walk(uintptr_t pc, uintptr_t frame, uintptr_t low, uintptr_t high,
        uintptr_t *ret_pcs, size_t max, read_pair *read, void *context)
{
    size_t count = 0;
    if (count < max) {
        ret_pcs[count++] = pc;
    }
    while (KL_CPU_HAS_FRAME_PAIRS && count < max) {
        struct frame_pair pair;
        if (frame < low || frame % sizeof(uintptr_t) != 0 || high < sizeof pair ||
                frame > high - sizeof pair || !read(context, frame, &pair)) {
            break;
        }
        uintptr_t return_pc = kl_cpu_strip_signature(pair.return_pc);
        if (return_pc == 0) {
            break;
        }
        ret_pcs[count++] = return_pc - 1;
        // Callers lie higher. Anything else is the chain's end, or a register that
        // somebody used for other things; without this a loop would never end.
        if (pair.caller <= frame) {
            break;
        }
        frame = pair.caller;
    }
    return count;
}

// The sanitizers do not know that these words are in use.
__attribute__((no_sanitize("address", "thread"))) static bool read_directly(
        void *context, uintptr_t frame, struct frame_pair *ret_pair)
{
    (void)context;
    const uintptr_t *words = (const uintptr_t *)frame;
    ret_pair->caller = words[0];
    ret_pair->return_pc = words[1];
    return true;
}

// write() refuses what cannot be read. Any pipe will do for that, where process_vm_readv()
// is forbidden in many containers.
static bool read_through_kernel(
        void *pipe_ends, uintptr_t frame, struct frame_pair *ret_pair)
{
    const int *ends = pipe_ends;
    ssize_t bytes = sizeof *ret_pair;
    return syscall(SYS_write, ends[1], frame, bytes) == bytes &&
           read(ends[0], ret_pair, sizeof *ret_pair) == bytes;
}

// Returns a copy that is never freed, the same one for the same text; NULL when memory is
// exhausted. There are only so many functions in a program.
static const char *intern(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    }
    struct interned **chain = &chains[hash % INTERN_CHAINS];
    size_t length = strlen(text) + 1;
    struct interned *fresh = kl_alloc(sizeof *fresh + length);
    if (fresh != NULL) {
        memcpy(fresh->text, text, length);
    }
    kl_lock_take(&intern_lock);
    struct interned *entry = *chain;
    while (entry != NULL && strcmp(entry->text, text) != 0) {
        entry = entry->next;
    }
    bool known = entry != NULL;
    if (!known && fresh != NULL) {
        fresh->next = *chain;
        *chain = entry = fresh;
    }
    kl_lock_give(&intern_lock);
    if (known) {
        kl_free(fresh, sizeof *fresh + length);
    }
    return entry != NULL ? entry->text : NULL;
}
