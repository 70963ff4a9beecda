#include "base/symbol.h"

#include "base/cpu.h"
#include "base/symbol_lines.h"
#include "testing/harness.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { FRAMES = 64 };
static uintptr_t pcs[FRAMES];
static size_t count;
static uintptr_t low, high; // of the stack the walk runs on

static void need_frame_pairs(void)
{
    if (!KL_CPU_HAS_FRAME_PAIRS) {
        kl_test_skip("frames cannot be walked on this processor");
    }
}

__attribute__((noinline)) static uintptr_t here(void)
{
    __asm__ volatile(""); // else two calls might be taken for the same and become one
    return (uintptr_t)__builtin_return_address(0) - 1;
}

__attribute__((noinline)) static int walk_innermost(int deep)
{
    low = (uintptr_t)__builtin_frame_address(0);
    count = kl_symbol_walk(here(), low, low, high, pcs, FRAMES);
    return deep + (int)count;
}

__attribute__((noinline)) static int walk_middle(int deep)
{
    int result = walk_innermost(deep);
    __asm__ volatile("" : "+r"(result)); // or the compiler would jump instead of calling
    return result + 1;
}

__attribute__((noinline)) static int walk_outermost(int deep)
{
    int result = walk_middle(deep);
    __asm__ volatile("" : "+r"(result));
    return result + 1;
}

static void find_stack(void)
{
    pthread_attr_t attributes;
    void *start;
    size_t bytes;
    CHECK_INT(pthread_getattr_np(pthread_self(), &attributes), 0);
    CHECK_INT(pthread_attr_getstack(&attributes, &start, &bytes), 0);
    pthread_attr_destroy(&attributes);
    low = (uintptr_t)start;
    high = low + bytes;
}

static bool has_lines(void)
{
    struct kl_symbol symbol = {0};
    return kl_symbol_lines_find(here(), &symbol) && symbol.file != NULL;
}

static void check_name(uintptr_t pc, const char *name)
{
    struct kl_symbol symbol;
    kl_symbol_resolve(pc, &symbol);
    CHECK_STR(symbol.function, name);
    CHECK(symbol.offset < 4096);
    CHECK(symbol.file != NULL && strstr(symbol.file, "symbol_test.c") != NULL);
    CHECK(symbol.line > 20 && symbol.line < 400);
}

TEST("a walk finds the calls from the innermost outwards")
{
    need_frame_pairs();
    find_stack();
    walk_outermost(0);
    CHECK(count >= 4);
    if (!has_lines()) {
        kl_test_skip("no debug information to check the names with");
    }
    check_name(pcs[0], "walk_innermost");
    check_name(pcs[1], "walk_middle");
    check_name(pcs[2], "walk_outermost");
}

__attribute__((always_inline)) static inline uintptr_t here_inlined(void)
{
    uintptr_t pc = here();
    __asm__ volatile("" : "+r"(pc));
    return pc;
}

TEST("of functions that were inlined into each other, the innermost is named")
{
    if (!has_lines()) {
        kl_test_skip("only debug information knows of inlined functions");
    }
    check_name(here_inlined(), "here_inlined");
}

TEST("a walk stays below the upper bound and within the room it is given")
{
    need_frame_pairs();
    find_stack();
    walk_outermost(0);
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    size_t all = kl_symbol_walk(1, frame, frame, high, pcs, FRAMES);
    CHECK(all >= 3);
    CHECK_INT(pcs[0], 1);
    CHECK_INT(kl_symbol_walk(1, frame, frame, high, pcs, 2), 2);
    CHECK_INT(kl_symbol_walk(1, frame, frame, high, pcs, 0), 0);
    uintptr_t pair = 2 * sizeof(uintptr_t);
    CHECK_INT(kl_symbol_walk(1, frame, frame, frame + pair, pcs, FRAMES), 2);
    CHECK_INT(kl_symbol_walk(1, frame, frame, frame + pair - 1, pcs, FRAMES), 1);
    CHECK_INT(kl_symbol_walk(1, frame, frame + 1, high, pcs, FRAMES), 1);
    CHECK_INT(kl_symbol_walk(1, frame + 1, frame, high, pcs, FRAMES), 1);
    CHECK_INT(kl_symbol_walk(1, 0, 0, 8, pcs, FRAMES), 1);
}

TEST("a chain that turns back, stands still or has no return address ends the walk")
{
    need_frame_pairs();
    uintptr_t words[8] = {0};
    uintptr_t at = (uintptr_t)words;
    uintptr_t end = (uintptr_t)(words + 8);
    words[0] = (uintptr_t)(words + 4);
    words[1] = 0x1001;
    words[4] = at; // back again
    words[5] = 0x2001;
    CHECK_INT(kl_symbol_walk(7, at, at, end, pcs, FRAMES), 3);
    CHECK_INT(pcs[1], 0x1000);
    CHECK_INT(pcs[2], 0x2000);
    words[4] = (uintptr_t)(words + 4); // itself
    CHECK_INT(kl_symbol_walk(7, at, at, end, pcs, FRAMES), 3);
    words[5] = 0;
    CHECK_INT(kl_symbol_walk(7, at, at, end, pcs, FRAMES), 2);
}

TEST("a walk without bounds ends where memory cannot be read")
{
    need_frame_pairs();
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    find_stack();
    size_t bounded = kl_symbol_walk(1, frame, low, high, pcs, FRAMES);
    CHECK_INT(kl_symbol_walk_unbounded(1, frame, pcs, FRAMES), bounded);
    CHECK_INT(kl_symbol_walk_unbounded(1, 8, pcs, FRAMES), 1);
    CHECK_INT(kl_symbol_walk_unbounded(1, UINTPTR_MAX - 7, pcs, FRAMES), 1);
    uintptr_t *guard = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(guard != MAP_FAILED);
    CHECK_INT(kl_symbol_walk_unbounded(1, (uintptr_t)guard, pcs, FRAMES), 1);
}

TEST("an address outside all code is unknown")
{
    struct kl_symbol symbol = {.line = 5};
    kl_symbol_resolve(16, &symbol);
    CHECK(symbol.function == NULL);
    CHECK(symbol.file == NULL);
    CHECK_INT(symbol.line, 0);
}

TEST("a function of the C library is found by name, always as the same string")
{
    uintptr_t start = (uintptr_t)dlsym(RTLD_DEFAULT, "pthread_getattr_np");
    struct kl_symbol first, second;
    kl_symbol_resolve(start + 1, &first);
    kl_symbol_resolve(start + 1, &second);
    CHECK(first.function != NULL);
    CHECK(first.function == second.function);
    // One of the names the function has.
    CHECK(strstr(first.function, "pthread_getattr_np") != NULL);
    CHECK_INT(first.offset, 1);
}

static void *resolve_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < 200; i++) {
        struct kl_symbol symbol;
        kl_symbol_resolve((uintptr_t)&pthread_create, &symbol);
        CHECK(symbol.function != NULL);
    }
    return NULL;
}

TEST("several threads may look symbols up at once")
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        CHECK_INT(pthread_create(&threads[i], NULL, resolve_many, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
}
