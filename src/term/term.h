#ifndef KL_TERM_TERM_H
#define KL_TERM_TERM_H

// The face of the room `term`: what `proc`, `cluster` and `testing` may use of it besides
// the public headers <keel/term.h>, <keel/match.h>, <keel/etf.h>.

#include "base/base.h"
#include <keel/etf.h>
#include <keel/match.h>
#include <keel/term.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// --- words ---
//
//   ...1   small integer, 63 bits
//   ...000 boxed: pointer to a header word (0 itself: no term)
//   ...010 list cell: pointer to head and tail
//   ...100 atom index << 8 | 0x04, nil is the word 0x0c, pointer << 5 | 0x14; low five bits
//          11100 (0x1c) are the headers of boxed terms and never a term
//   ...110 local pid (low 4 bits 0110) or local reference (low 4 bits 1110)
//
// value.h of this room has the exact layout; other rooms use these.

static inline bool kl_is_immediate(keel_term term)
{
    return (term.word & 1) != 0 || (term.word & 4) != 0 || term.word == 0;
}

// A local pid: a slot of the process table and the generation of its tenant.
enum { KL_PID_SLOT_BITS = 28 };
static inline keel_pid kl_pid_make(uint32_t slot, uint32_t generation)
{
    keel_pid pid = {(uint64_t)generation << 32 | (uint64_t)slot << 4 | 6};
    return pid;
}
static inline bool kl_pid_is_local(keel_pid pid)
{
    return (pid.word & 15) == 6;
}
static inline uint32_t kl_pid_slot(keel_pid pid)
{
    return (uint32_t)pid.word >> 4;
}
static inline uint32_t kl_pid_generation(keel_pid pid)
{
    return (uint32_t)(pid.word >> 32);
}

// A local reference: 60 bits that are never given out twice.
static inline keel_ref kl_ref_make(uint64_t number)
{
    keel_ref ref = {number << 4 | 14};
    return ref;
}
static inline bool kl_ref_is_local(keel_ref ref)
{
    return (ref.word & 15) == 14;
}
static inline uint64_t kl_ref_number(keel_ref ref)
{
    return ref.word >> 4;
}

// A pid or reference of another node (or of an earlier incarnation of this one).
struct kl_remote_pid {
    keel_term node; // atom
    uint32_t id, serial, creation;
};
struct kl_remote_ref {
    keel_term node;
    uint32_t creation;
    uint32_t count; // words in use, 1 to 5
    uint32_t word[5];
};
bool kl_pid_remote(keel_pid pid, struct kl_remote_pid *ret);
keel_pid kl_pid_make_remote(const struct kl_remote_pid *remote);
bool kl_ref_remote(keel_ref ref, struct kl_remote_ref *ret);
keel_ref kl_ref_make_remote(const struct kl_remote_ref *remote);
// The node that has opened the port.
keel_term kl_port_node(keel_term port);

// --- heaps: where terms are built ---

// Counted things that live outside a heap and that a boxed term in it holds: shared
// binaries, resources. Each such box is linked into the list of its heap or fragment.
struct kl_box_counted;

// A block of memory that holds one copied term, on its way from one heap to another, or
// kept. The term's words lie behind the header; `size` counts all of it.
struct kl_fragment {
    struct kl_fragment *next; // free for the holder's use, e.g. a heap's list
    struct kl_box_counted *counted; // what to release with the fragment
    uint64_t size : 48; // bytes, header included
    uint64_t mark : 16; // KL_FRAGMENT_…, when keel_keep or keel_keep_shared made it
};
enum { KL_FRAGMENT_KEPT = 0x4b45, KL_FRAGMENT_SHARED = 0x5348 };

// A bump allocator: chunks, the fragments handed over to it, counted boxes built in it.
struct kl_heap {
    uint8_t *next; // free space of the current chunk
    uint8_t *limit;
    struct kl_chunk *chunks; // newest first; the first one may be lent by the owner
    struct kl_fragment *fragments; // received messages, newest first
    struct kl_box_counted *counted; // newest first
    size_t bytes; // in chunks beyond the lent one, and in fragments
    size_t max_bytes; // 0: no limit; beyond it allocation fails
    unsigned quiet; // while not 0, exhaustion is returned as KEEL_NONE even in a process
};

// `lent` (may be NULL) is used before anything is allocated and is not freed.
void kl_heap_init(struct kl_heap *heap, void *lent, size_t lent_bytes);
// Releases everything; the heap is then as after init. Cheap when nothing was built.
void kl_heap_reset(struct kl_heap *heap);
// Releases everything and the chunks.
void kl_heap_done(struct kl_heap *heap);

// Expires what was built since the heap's free space began at `next`, where `chunk` was its
// newest chunk, if that is no more than words in this chunk; false and nothing otherwise.
void kl_heap_expire(void *memory, size_t bytes);
static inline bool kl_heap_try_rewind(
        struct kl_heap *heap, uint8_t *next, const struct kl_chunk *chunk)
{
    if (heap->chunks != chunk || heap->fragments != NULL || heap->counted != NULL) {
        return false;
    }
    heap->next = next;
#if KL_ASAN || defined(KL_PARANOID)
    kl_heap_expire(next, (size_t)(heap->limit - next));
#endif
    return true;
}

// The heap of what runs on this thread now: a process's, else the thread's own (made on
// first use, freed when the thread ends). Read it again after every possible switch.
struct kl_heap *kl_heap_own(void); // the thread's own
static inline struct kl_heap *kl_heap_current(void)
{
    struct kl_heap *heap = kl_here()->heap;
    return __builtin_expect(heap != NULL, 1) ? heap : kl_heap_own();
}
// Sets it and returns the one before; NULL: the thread's own.
static inline struct kl_heap *kl_heap_use(struct kl_heap *heap)
{
    struct kl_here *here = kl_here();
    struct kl_heap *before = here->heap;
    here->heap = heap;
    return before;
}
// Called when a heap cannot grow while a process runs; must not return. Set by `proc`.
extern void (*kl_heap_exhausted)(struct kl_heap *heap);

// --- copying between heaps ---

// Bytes a fragment needs to hold a copy of `term` (header included); 0 when immediate.
size_t kl_fragment_bytes(keel_term term);
// Copies `term` into `fragment`, which lies in `bytes` bytes of zero-initialised or
// uninitialised memory and gets its header written. Shared binaries and resources are
// counted up, not copied; binaries over 64 bytes become shared. Returns the copy.
keel_term kl_fragment_fill(struct kl_fragment *fragment, size_t bytes, keel_term term);
enum { KL_FLAT_WORDS_MAX = 8, KL_TUPLE_HEADER = 0x3c };
// The first word of a tuple of so many elements.
static inline uint64_t kl_tuple_header(size_t size)
{
    return KL_TUPLE_HEADER | (uint64_t)size << 16;
}
// The usual message, a small tuple of immediate terms, needs no fragment around it. Words
// of `term`, which is not immediate, if it may be one: a tuple of few elements; else 0.
static inline size_t kl_flat_words(keel_term term)
{
    if ((term.word & 7) != 0) {
        return 0; // a list cell
    }
    uint64_t header = *(const uint64_t *)(uintptr_t)term.word;
    bool few = (header & 0xffff) == KL_TUPLE_HEADER && header >> 16 < KL_FLAT_WORDS_MAX;
    return few ? 1 + (size_t)(header >> 16) : 0;
}
// Copies those words to `at`. False when an element was not immediate.
static inline bool kl_flat_copy(uint64_t *at, keel_term term, size_t words)
{
    const uint64_t *from = (const uint64_t *)(uintptr_t)term.word;
    at[0] = from[0];
    bool flat = true;
    for (size_t i = 1; i < words; i++) {
        at[i] = from[i];
        flat &= (from[i] & 5) != 0;
    }
    return flat;
}
// Both at once, from the pool: a fragment with a copy of `term`, which is not immediate,
// and `extra` bytes for the caller's use at its end. `size` counts them. NULL: no memory.
struct kl_fragment *kl_fragment_new(keel_term term, size_t extra, keel_term *ret_copy);
// Releases what the fragment holds beyond its own memory (which is the caller's).
void kl_fragment_release(struct kl_fragment *fragment);
// Hands a fragment over: from now on `heap` releases and frees it (kl_pool_free).
void kl_heap_adopt(struct kl_heap *heap, struct kl_fragment *fragment);
// Copies `term` into `heap`.
keel_term kl_heap_copy(struct kl_heap *heap, keel_term term);
// The same for one that kl_flat_copy() has copied, of so many bytes.
keel_term kl_heap_copy_flat(struct kl_heap *heap, keel_term term, size_t bytes);
// For keel_keep: memory a kept term lives in is made by these two, set by `proc`;
// kl_alloc and kl_free until then. The block starts with a struct kl_fragment: who frees a
// process's blocks when it ends calls kl_fragment_release on each before.
extern void *(*kl_keep_alloc)(size_t bytes);
extern void (*kl_keep_free)(void *memory, size_t bytes);

// --- patterns, references ---

// Called when a pattern of keel_match or keel_make is wrong, or got the wrong number or
// kind of arguments; inside a process it must not return. Set by `proc`; when it returns or
// is NULL, the log says it.
extern void (*kl_pattern_error)(const char *text, const char *why);

// Local references are numbered from `first` on from now: for the simulator, where a seed
// must give the same numbers. Blocks of numbers that threads hold become void.
void kl_ref_seed(uint64_t first);
// Makes keel_hash() the same in every run that sets the same seed; before any hash is made.
void kl_hash_seed(uint64_t seed);

// --- atoms known in advance: KL_ATOM(ok), see atom.def ---

enum kl_atom_index {
#define KL_ATOM_DEF(name, text) KL_ATOM_##name,
#include "atom.def"
#undef KL_ATOM_DEF
    KL_ATOM_PREDEFINED
};
#define KL_ATOM(name) ((keel_term){(uint64_t)KL_ATOM_##name << 8 | 4})
static inline uint32_t kl_atom_index(keel_term atom)
{
    return (uint32_t)(atom.word >> 8);
}

// The limit of the atom table; only before the first atom beyond the predefined is made.
void kl_atom_limit_set(size_t limit);

// --- external format without the version byte, as in frames of the distribution ---

// The node that local pids and references are of, read once for each encoding or decoding.
struct kl_etf_node {
    keel_term name;
    uint32_t creation;
};

// Checks the term that `data` starts with without building it. `ret_used` gets its bytes,
// `ret_words` (may be NULL) the 8-byte words that decoding it takes from a heap. Fails as
// keel_etf_decode does; two equal keys in a map are found only when it is built.
keel_status kl_etf_walk(const uint8_t *data, size_t size, const keel_etf_limits *limits,
        size_t *ret_used, size_t *ret_words);
// Decodes the term that `data` starts with into the current heap.
keel_status kl_etf_decode(const uint8_t *data, size_t size, const keel_etf_limits *limits,
        size_t *ret_used, keel_term *ret_term);
// Decodes all bytes of a binary. A binary in it that is a large part of the whole is not
// copied: it keeps the bytes of `binary` instead.
keel_status kl_etf_decode_binary(
        keel_term binary, const keel_etf_limits *limits, keel_term *ret_term);

// What encoding a term takes. The node is part of it: were it to change between measuring
// and writing, the bytes would not be those that were counted.
struct kl_etf_measure {
    size_t bytes;
    struct kl_etf_node self;
};
// KEEL_E_NOT_ENCODABLE, KEEL_E_TOO_LARGE, KEEL_E_NOMEM.
keel_status kl_etf_measure(keel_term term, struct kl_etf_measure *ret_measure);
// The same for what must arrive whatever it holds, as the reason of an end: pointers and
// resources in it become the binary KL_ETF_OPAQUE.
#define KL_ETF_OPAQUE "#Opaque"
keel_status kl_etf_measure_all(keel_term term, struct kl_etf_measure *ret_measure);
// Writes exactly the bytes measured, to `at`. KEEL_E_NOMEM only.
keel_status kl_etf_encode_into(
        uint8_t *at, keel_term term, const struct kl_etf_measure *measure);

// The name and creation of this node, for the external form of local pids and
// references: nonode@nohost and 0 until the cluster room sets them.
void kl_node_identity_set(keel_term name, uint32_t creation);
keel_term kl_node_name(void);
uint32_t kl_node_creation(void);

#endif // KL_TERM_TERM_H
