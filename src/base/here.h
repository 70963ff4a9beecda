#ifndef KL_BASE_HERE_H
#define KL_BASE_HERE_H

#include <stdint.h>

struct kl_thread;

// What the calling operating system thread is doing: one thread-local record with the words
// that every message passes by, so that one address serves for all of them. The room only
// keeps the places; each is written and understood by the room named beside it.
//
// A process may go on on another thread after any call that can switch stacks. So the
// address is asked for anew after such a call, and passed down only to functions that
// switch nowhere.
struct kl_here {
    struct kl_thread *thread; // base: this thread's accounts and free blocks; NULL at first
    void *heap; // term: where what runs here builds its terms; NULL: the thread's own
    void *runner; // sched: which of its threads this is; NULL outside
    void *process; // proc: which process runs here; NULL: none
    uint64_t ref_next, ref_end; // term: numbers of references that are this thread's
    uint32_t ref_era;
};

extern __thread struct kl_here kl_here_record
        __attribute__((tls_model("initial-exec"), visibility("hidden")));

// The calling thread's record. A compiler may keep the address of a thread-local variable
// in a register for as long as a function lasts, beyond a switch to another thread. It
// cannot know that of an address that comes out of assembly, and volatile assembly stays
// on its side of every call. Elsewhere a call that is never inlined does the same.
#if defined(__x86_64__) && defined(__LP64__)
static inline struct kl_here *kl_here(void)
{
    struct kl_here *here;
    __asm__ volatile("movq %%fs:0, %0\n\t"
                     "addq kl_here_record@gottpoff(%%rip), %0"
                     : "=r"(here)
                     :
                     : "cc");
    return here;
}
#else
struct kl_here *kl_here(void);
#endif

#endif // KL_BASE_HERE_H
