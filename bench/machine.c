// What the machine itself charges, to read the other figures by: `machine [count]` prints
// `case value unit` lines. Needs libc and pthreads only.

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_ROUNDS_SHARE 100 // a wake costs hundreds of the other things
#define TOUCH_PAGES 20000

// The word two threads hand back and forth, alone on its lines: neighbours would be
// pulled along and counted.
static struct {
    _Alignas(128) _Atomic(uint32_t) word;
    char rest[128];
} ball;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void print(const char *name, int64_t nanoseconds, uint64_t count)
{
    printf("%s %.2f ns\n", name, (double)nanoseconds / (double)count);
}

static void pause_a_little(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// --- two threads and a cache line ---

static void spin_until(uint32_t value)
{
    while (atomic_load_explicit(&ball.word, memory_order_acquire) != value) {
        pause_a_little();
    }
}

static void *return_by_spinning(void *count)
{
    for (uint32_t i = 0; i < *(uint32_t *)count; i++) {
        spin_until(2 * i + 1);
        atomic_store_explicit(&ball.word, 2 * i + 2, memory_order_release);
    }
    return NULL;
}

static void measure_line(uint32_t count)
{
    pthread_t thread;
    atomic_store(&ball.word, 0);
    pthread_create(&thread, NULL, return_by_spinning, &count);
    int64_t start = now();
    for (uint32_t i = 0; i < count; i++) {
        atomic_store_explicit(&ball.word, 2 * i + 1, memory_order_release);
        spin_until(2 * i + 2);
    }
    print("line_round_trip", now() - start, count);
    pthread_join(thread, NULL);
}

// --- two threads and a futex ---

static void wake(void)
{
    syscall(SYS_futex, &ball.word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void sleep_until(uint32_t value)
{
    uint32_t seen;
    while ((seen = atomic_load(&ball.word)) != value) {
        syscall(SYS_futex, &ball.word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    }
}

static void *return_by_waking(void *count)
{
    for (uint32_t i = 0; i < *(uint32_t *)count; i++) {
        sleep_until(2 * i + 1);
        atomic_store(&ball.word, 2 * i + 2);
        wake();
    }
    return NULL;
}

static void measure_futex(uint32_t count)
{
    pthread_t thread;
    atomic_store(&ball.word, 0);
    pthread_create(&thread, NULL, return_by_waking, &count);
    int64_t start = now();
    for (uint32_t i = 0; i < count; i++) {
        atomic_store(&ball.word, 2 * i + 1);
        wake();
        sleep_until(2 * i + 2);
    }
    print("futex_round_trip", now() - start, count);
    pthread_join(thread, NULL);

    start = now();
    for (uint32_t i = 0; i < count; i++) {
        wake();
    }
    print("futex_wake_nobody", now() - start, count);
}

// --- one thread ---

static void measure_atomic_add(uint32_t count)
{
    int64_t start = now();
    for (uint32_t i = 0; i < count; i++) {
        atomic_fetch_add(&ball.word, 1);
    }
    print("atomic_add", now() - start, count);
}

// The block leaves through a volatile pointer, or the compiler drops the pair.
static void measure_malloc(uint32_t count)
{
    void *volatile block;
    int64_t start = now();
    for (uint32_t i = 0; i < count; i++) {
        block = malloc(64);
        free(block);
    }
    print("malloc_free_64", now() - start, count);
}

static void measure_clock(uint32_t count)
{
    int64_t start = now();
    for (uint32_t i = 0; i < count; i++) {
        now();
    }
    print("clock_read", now() - start, count);
}

static void measure_page_touch(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, TOUCH_PAGES * page, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    madvise(memory, TOUCH_PAGES * page, MADV_NOHUGEPAGE);
    int64_t start = now();
    for (size_t i = 0; i < TOUCH_PAGES; i++) {
        *(volatile char *)(memory + i * page) = 1;
    }
    print("page_first_touch", now() - start, TOUCH_PAGES);
    munmap(memory, TOUCH_PAGES * page);
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    if (count < FUTEX_ROUNDS_SHARE) {
        count = FUTEX_ROUNDS_SHARE;
    }
    measure_line(count);
    measure_atomic_add(count);
    measure_malloc(count);
    measure_clock(count);
    measure_futex(count / FUTEX_ROUNDS_SHARE);
    measure_page_touch();
    return 0;
}
