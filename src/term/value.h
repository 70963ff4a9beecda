#ifndef KL_TERM_VALUE_H
#define KL_TERM_VALUE_H

#include "base/base.h"
#include "heap.h"
#include "term/term.h"

// The layout of boxed terms, for the files of this room alone.
//
// A boxed term is a pointer (low bits 000) to a header word followed by its words; a list
// cell is a pointer with low bits 010 to two words, head and tail, without a header. All
// lie on 8-byte boundaries.
//
// A header word cannot be mistaken for a term: its low five bits are 11100, which no
// immediate has. So memory full of terms can be walked word by word, cells included; the
// copier (copy.c) lives on that.
//
//   bits 0-4    11100
//   bits 5-10   kind
//   bit  11     sign of a big integer
//   bits 16-63  size, in the unit that the kind says

// Magnitudes are copied between bytes and limbs as they lie.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "limbs are little-endian");

enum kl_kind {
    // Kinds whose words are terms: size in words without the header, but a map counts
    // pairs.
    KL_KIND_TUPLE = 1, // struct kl_tuple
    KL_KIND_MAP, // struct kl_map
    // Kinds that hold no pointers to other terms; their words are copied as they are.
    KL_KIND_FLOAT, // struct kl_float, size 1
    KL_KIND_BIG, // struct kl_big, size in limbs
    KL_KIND_BITS, // struct kl_bits, size in bits
    KL_KIND_PID, // struct kl_pid_box
    KL_KIND_REF, // struct kl_ref_box
    KL_KIND_PORT, // struct kl_port
    KL_KIND_EXPORT, // struct kl_export
    KL_KIND_FUN, // struct kl_fun, size in bytes
    // Kinds that hold a counted block and are linked into the list of their heap.
    KL_KIND_SHARED, // struct kl_shared, size in bits
    KL_KIND_RESOURCE, // struct kl_resource
};

enum {
    KL_TAG_CELL = 2,
    KL_TAG_ATOM = 4,
    KL_TAG_POINTER = 0x14,
    KL_TAG_HEADER = 0x1c,
    KL_WORD_NIL = 0x0c,
    // Bitstrings up to this many bytes lie inside the heap, longer ones in a shared block,
    // always: copying a term never has to allocate more than its words.
    KL_BITS_INLINE_MAX = 64,
    KL_TUPLE_MAX = (1 << 24) - 1,
};

#define KL_BITS_SIZE_MAX (((uint64_t)1 << 48) - 1) // bits that a header can count
#define KL_SMALL_MAX (INT64_MAX >> 1)
#define KL_SMALL_MIN (INT64_MIN >> 1)
#define KL_HEADER_NEGATIVE ((uint64_t)1 << 11)

struct kl_tuple {
    uint64_t header;
    keel_term item[];
};

// Keys slot[0 … n-1], sorted in exact term order (kl_compare_exact, compare.h) and distinct
// by =:=; the value of slot[i] is slot[n + i].
struct kl_map {
    uint64_t header;
    keel_term slot[];
};

// Finite always; may be -0.0.
struct kl_float {
    uint64_t header;
    double value;
};

// Magnitude in limbs, least significant first; the highest is not zero, and the value
// never fits a small integer. The sign is KL_HEADER_NEGATIVE in the header.
struct kl_big {
    uint64_t header;
    uint64_t limb[];
};

// A bitstring of up to KL_BITS_INLINE_MAX bytes; unused bits of the last byte are zero, so
// are the bytes up to the next word.
struct kl_bits {
    uint64_t header;
    uint8_t data[];
};

struct kl_pid_box {
    uint64_t header;
    keel_term node;
    uint32_t id, serial, creation, unused; // unused is zero
};

struct kl_ref_box {
    uint64_t header;
    keel_term node;
    uint32_t creation;
    uint32_t count; // 1 to 5
    uint32_t word[6]; // beyond count: zero
};

struct kl_port {
    uint64_t header;
    keel_term node;
    uint64_t id;
    uint64_t creation; // 32 bits
};

struct kl_export {
    uint64_t header;
    keel_term module, function; // atoms
    uint64_t arity; // 0 to 255
};

// A fun of another node: its external form from the tag byte on (112 or 117), carried
// through unchanged.
struct kl_fun {
    uint64_t header;
    uint8_t data[];
};

// A counted block outside all heaps. Whoever makes a box that points to it counts it up;
// the box's heap counts it down when it expires. `destroy` frees the block.
struct kl_block {
    uint64_t count; // atomic
    void (*destroy)(struct kl_block *block);
};

// What boxes that hold a block begin with.
struct kl_box_counted {
    uint64_t header;
    struct kl_box_counted *next; // in the list of the heap or fragment that holds the box
    struct kl_block *block;
};

// A bitstring in a block. Starts on a byte of it; unused bits of the last byte are zero.
struct kl_shared {
    struct kl_box_counted counted;
    const uint8_t *data;
};

struct kl_resource {
    struct kl_box_counted counted; // the block is a struct kl_resource_block
};

struct kl_resource_block {
    struct kl_block block;
    void *pointer;
    void (*destroy)(void *pointer); // may be NULL
    uint64_t serial; // orders resources by age
    size_t bytes; // of this block, for kl_free
    char type[];
};

// --- headers ---

static inline uint64_t kl_header(enum kl_kind kind, uint64_t size)
{
    return size << 16 | (uint64_t)kind << 5 | KL_TAG_HEADER;
}
static inline bool kl_is_header(uint64_t word)
{
    return (word & 31) == KL_TAG_HEADER;
}
static inline enum kl_kind kl_header_kind(uint64_t header)
{
    return (enum kl_kind)(header >> 5 & 63);
}
static inline uint64_t kl_header_size(uint64_t header)
{
    return header >> 16;
}

// How the words after a header follow from its size: (size * mul + add) >> shift. A table
// instead of a switch, since whoever copies or measures terms meets all kinds in turn.
struct kl_shape {
    uint8_t mul, add, shift;
};
#define KL_SHAPE_FIXED(type)                                                               \
    {                                                                                      \
        0, sizeof(type) / 8 - 1, 0                                                         \
    }
static const struct kl_shape kl_shapes[] = {
        [KL_KIND_TUPLE] = {1, 0, 0},
        [KL_KIND_MAP] = {2, 0, 0},
        [KL_KIND_FLOAT] = {1, 0, 0},
        [KL_KIND_BIG] = {1, 0, 0},
        [KL_KIND_BITS] = {1, 63, 6},
        [KL_KIND_PID] = KL_SHAPE_FIXED(struct kl_pid_box),
        [KL_KIND_REF] = KL_SHAPE_FIXED(struct kl_ref_box),
        [KL_KIND_PORT] = KL_SHAPE_FIXED(struct kl_port),
        [KL_KIND_EXPORT] = KL_SHAPE_FIXED(struct kl_export),
        [KL_KIND_FUN] = {1, 7, 3},
        [KL_KIND_SHARED] = KL_SHAPE_FIXED(struct kl_shared),
        [KL_KIND_RESOURCE] = KL_SHAPE_FIXED(struct kl_resource),
};

// The words of a boxed term with this header, the header included.
static inline size_t kl_header_words(uint64_t header)
{
    const struct kl_shape *shape = &kl_shapes[kl_header_kind(header)];
    return 1 + ((kl_header_size(header) * shape->mul + shape->add) >> shape->shift);
}

// Its words are terms (after the header), or it holds a counted block.
static inline bool kl_header_has_terms(uint64_t header)
{
    return kl_header_kind(header) <= KL_KIND_MAP;
}
static inline bool kl_header_is_counted(uint64_t header)
{
    return kl_header_kind(header) >= KL_KIND_SHARED;
}

_Static_assert(KL_TUPLE_HEADER == (KL_KIND_TUPLE << 5 | KL_TAG_HEADER),
        "other rooms know a tuple by its header");

// --- telling terms apart ---

static inline bool kl_is_small(keel_term term)
{
    return (term.word & 1) != 0;
}
static inline bool kl_is_boxed(keel_term term)
{
    return (term.word & 7) == 0 && term.word != 0;
}
static inline bool kl_is_cell(keel_term term)
{
    return (term.word & 7) == KL_TAG_CELL;
}
static inline bool kl_is_atom(keel_term term)
{
    return (term.word & 0xff) == KL_TAG_ATOM;
}
static inline bool kl_is_nil(keel_term term)
{
    return term.word == KL_WORD_NIL;
}
static inline bool kl_is_pointer(keel_term term)
{
    return (term.word & 31) == KL_TAG_POINTER;
}
static inline bool kl_is_local_pid(keel_term term)
{
    return (term.word & 15) == 6;
}
static inline bool kl_is_local_ref(keel_term term)
{
    return (term.word & 15) == 14;
}

static inline void *kl_box(keel_term term)
{
    return (void *)(uintptr_t)term.word;
}
static inline uint64_t kl_box_header(keel_term term)
{
    return *(uint64_t *)kl_box(term);
}
static inline bool kl_is_kind(keel_term term, enum kl_kind kind)
{
    return kl_is_boxed(term) && kl_header_kind(kl_box_header(term)) == kind;
}

// --- reading; the caller has made sure of the kind ---

static inline int64_t kl_small_value(keel_term term)
{
    return (int64_t)term.word >> 1;
}
static inline keel_term *kl_cell(keel_term term)
{
    return (keel_term *)(uintptr_t)(term.word - KL_TAG_CELL);
}
static inline struct kl_tuple *kl_tuple(keel_term term)
{
    return kl_box(term);
}
static inline size_t kl_tuple_count(keel_term term)
{
    return kl_header_size(kl_box_header(term));
}
static inline struct kl_map *kl_map(keel_term term)
{
    return kl_box(term);
}
static inline size_t kl_map_count(keel_term term)
{
    return kl_header_size(kl_box_header(term));
}
static inline double kl_float_value(keel_term term)
{
    return ((struct kl_float *)kl_box(term))->value;
}
static inline struct kl_big *kl_big(keel_term term)
{
    return kl_box(term);
}
static inline size_t kl_big_limbs(keel_term term)
{
    return kl_header_size(kl_box_header(term));
}
static inline bool kl_big_negative(keel_term term)
{
    return (kl_box_header(term) & KL_HEADER_NEGATIVE) != 0;
}
static inline bool kl_is_bits(keel_term term) // inline or shared, binaries included
{
    return kl_is_kind(term, KL_KIND_BITS) || kl_is_kind(term, KL_KIND_SHARED);
}
static inline size_t kl_bits_size(keel_term term) // in bits
{
    return kl_header_size(kl_box_header(term));
}
static inline const uint8_t *kl_bits_data(keel_term term)
{
    return kl_is_kind(term, KL_KIND_SHARED) ? ((struct kl_shared *)kl_box(term))->data
                                            : ((struct kl_bits *)kl_box(term))->data;
}
static inline const void *kl_pointer_value(keel_term term)
{
    return (const void *)((intptr_t)term.word >> 5);
}

// --- making words ---

static inline keel_term kl_small(int64_t value) // KL_SMALL_MIN … KL_SMALL_MAX
{
    return (keel_term){(uint64_t)value << 1 | 1};
}
static inline keel_term kl_atom_word(uint32_t index)
{
    return (keel_term){(uint64_t)index << 8 | KL_TAG_ATOM};
}
static inline keel_term kl_nil(void)
{
    return (keel_term){KL_WORD_NIL};
}
static inline keel_term kl_boxed(const void *box)
{
    return (keel_term){(uint64_t)(uintptr_t)box};
}
static inline keel_term kl_cell_term(const keel_term *cell)
{
    return (keel_term){(uint64_t)(uintptr_t)cell | KL_TAG_CELL};
}

// --- making boxed terms inside memory that the caller has (value_make.c) ---
//
// Each writes its words at `at` and returns where the next ones go. So a decoder that knows
// how many words it needs takes them from a heap at once and fills them.

// Copies `bits` bits (at most KL_BITS_INLINE_MAX bytes) and zeroes the rest.
uint64_t *kl_bits_write(uint64_t *at, const void *data, size_t bits);
// From little-endian bytes; gives a small integer (and uses no words) when it fits.
uint64_t *kl_big_write(uint64_t *at, bool negative, const uint8_t *magnitude, size_t size,
        keel_term *ret_term);
// A shared bitstring that takes over one count of `block`, linked into `*list`
// (&heap->counted, or &fragment->counted).
uint64_t *kl_shared_write(uint64_t *at, struct kl_box_counted **list,
        struct kl_block *block, const uint8_t *data, size_t bits);

// A block of `size` bytes to be filled in, counted once, or NULL.
struct kl_block *kl_block_new(size_t size, uint8_t **ret_data);
static inline void kl_block_ref(struct kl_block *block)
{
    kl_add_relaxed(&block->count, 1); // whoever counts up holds a count already
}
void kl_block_unref(struct kl_block *block);

// --- making boxed terms in a heap; KEEL_NONE when it is exhausted ---

keel_term kl_float_make(struct kl_heap *heap, double value); // finite
keel_term kl_bits_make(struct kl_heap *heap, const void *data, size_t bits);
keel_term kl_port_make(
        struct kl_heap *heap, keel_term node, uint64_t id, uint32_t creation);
keel_term kl_fun_make(struct kl_heap *heap, const void *external, size_t size);
keel_term kl_pid_term(struct kl_heap *heap, const struct kl_remote_pid *remote);
keel_term kl_ref_term(struct kl_heap *heap, const struct kl_remote_ref *remote);

#endif // KL_TERM_VALUE_H
