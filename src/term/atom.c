#include "atom.h"

#include "heap.h"
#include "mix.h"
#include "utf8.h"
#include <stdarg.h>
#include <stdio.h>

// The atom table. Looking up takes no lock: a hash table of open addressing whose slots are
// only ever filled, and an array from index to entry that only ever grows. Both are written
// under the lock. When the hash table is too full a larger one takes its place; the old one
// stays, since a reader may still be in it (all old ones together are no larger than the
// one in use). Whoever misses in an old one looks again under the lock.

enum {
    ENTRIES_PER_CHUNK = 1024,
    CHUNKS_MAX = 16 * 1024,
    SLOTS_AT_FIRST = 1024,
    LIMIT_DEFAULT = 1024 * 1024,
    TEXT_MAX = 4 * KEEL_ATOM_CHARS_MAX, // bytes, of the longest characters
};

struct entry {
    uint32_t portable_hash;
    uint32_t size; // of the text in bytes
    char text[]; // with a NUL
};

struct table {
    uint64_t mask;
    struct table *older;
    uint64_t used;
    uint64_t slots[]; // atomic: upper half of the hash << 32 | index + 1; 0: free
};

static struct table *table; // atomic; written under the lock
static struct entry **chunks[CHUNKS_MAX]; // atomic, the entries too; written under the lock
static uint32_t atom_count; // atomic; written under the lock
static size_t atom_limit = LIMIT_DEFAULT;
static struct kl_lock lock;

static keel_status ready(struct table **ret_table);
static bool find(const struct table *in, uint64_t hash, const char *text, size_t size,
        keel_term *ret_atom);
static keel_status insert(
        uint64_t hash, const char *text, size_t size, keel_term *ret_atom);
static keel_status check_text(const char *text, size_t size);

keel_status keel_atom_from(const char *text, size_t size, keel_term *ret_atom)
{
    if (!text || size > TEXT_MAX || !ret_atom) {
        return KEEL_E_BADARG;
    }
    struct table *now;
    keel_status status = ready(&now);
    if (status != KEEL_OK) {
        return status;
    }
    uint64_t hash = kl_mix_bytes(0, text, size);
    if (find(now, hash, text, size, ret_atom)) {
        return KEEL_OK;
    }
    status = check_text(text, size);
    if (status != KEEL_OK) {
        return status;
    }
    kl_lock_take(&lock);
    // Again in the table that is in use now: somebody may have been faster.
    status = find(table, hash, text, size, ret_atom) ? KEEL_OK
                                                     : insert(hash, text, size, ret_atom);
    kl_lock_give(&lock);
    return status;
}

keel_term keel_atom_format(const char *format, ...)
{
    char text[TEXT_MAX + 1];
    if (!format) {
        return KEEL_NONE;
    }
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    keel_term atom = KEEL_NONE;
    if (size < 0 || (size_t)size >= sizeof text) {
        return KEEL_NONE;
    }
    keel_status status = keel_atom_from(text, (size_t)size, &atom);
    if (status != KEEL_OK && status != KEEL_E_BADARG) {
        kl_heap_refuse(kl_heap_current());
    }
    return atom;
}

keel_status keel_atom_existing(const char *text, size_t size, keel_term *ret_atom)
{
    if (!text || size > TEXT_MAX || !ret_atom) {
        return KEEL_E_BADARG;
    }
    struct table *now;
    keel_status status = ready(&now);
    if (status != KEEL_OK) {
        return status;
    }
    uint64_t hash = kl_mix_bytes(0, text, size);
    // A miss in a table that has just been replaced is no proof, but then the atom was made
    // at the same time: to the caller it is made later.
    return find(now, hash, text, size, ret_atom) ? KEEL_OK : KEEL_E_BADARG;
}

keel_term keel_atom_resolve(keel_atom_site *site)
{
    if (!site || !site->text) {
        return KEEL_NONE;
    }
    keel_term atom;
    keel_status status = keel_atom_from(site->text, strlen(site->text), &atom);
    if (status == KEEL_E_BADARG) {
        kl_log(KL_LOG_ERROR, "no atom: \"%s\" is not UTF-8 of at most %d characters",
                site->text, KEEL_ATOM_CHARS_MAX);
        return KEEL_NONE;
    }
    if (status != KEEL_OK) {
        kl_heap_refuse(kl_heap_current());
        return KEEL_NONE;
    }
    // Pairs with the relaxed load in keel_atom_at(): the word is all there is to see.
    kl_store_relaxed(&site->word, atom.word);
    return atom;
}

// Every word of an atom comes from this file, so its entry is there. The load pairs with
// the release in insert(); its address depends on the word.
static const struct entry *entry_at(uint32_t index)
{
    struct entry **chunk = kl_load_acquire(&chunks[index / ENTRIES_PER_CHUNK]);
    return kl_load_acquire(&chunk[index % ENTRIES_PER_CHUNK]);
}

// Known without a table, since the words of these atoms are constants.
static const struct {
    const char *text;
    size_t size;
} predefined[] = {
#define KL_ATOM_DEF(name, text) {text, sizeof text - 1},
#include "atom.def"
#undef KL_ATOM_DEF
};

const char *keel_atom_name(keel_term atom)
{
    return kl_is_atom(atom) ? (const char *)kl_atom_bytes(atom).data : NULL;
}

keel_bytes kl_atom_bytes(keel_term atom)
{
    uint32_t index = kl_atom_index(atom);
    if (index < KL_ATOM_PREDEFINED) {
        return (keel_bytes){
                (const uint8_t *)predefined[index].text, predefined[index].size};
    }
    const struct entry *entry = entry_at(index);
    return (keel_bytes){(const uint8_t *)entry->text, entry->size};
}

int kl_atom_compare(keel_term left, keel_term right)
{
    if (left.word == right.word) {
        return 0;
    }
    // The order of UTF-8 bytes is the order of the characters.
    keel_bytes a = kl_atom_bytes(left);
    keel_bytes b = kl_atom_bytes(right);
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : a.size < b.size ? -1 : 1;
}

// The hash of P. J. Weinberger over the characters, those of Latin-1 taken as one byte, the
// others as their bytes of UTF-8.
static uint32_t portable_hash(const char *text, size_t size)
{
    const uint8_t *at = (const uint8_t *)text;
    uint32_t hash = 0;
    for (size_t i = 0; i < size; i++) {
        uint32_t value = at[i];
        if ((value == 0xc2 || value == 0xc3) && i + 1 < size) {
            value = (value & 3) << 6 | (at[++i] & 0x3f);
        }
        hash = (hash << 4) + value;
        uint32_t high = hash & 0xf0000000;
        hash = (hash ^ high >> 24) & 0x0fffffff;
    }
    return hash;
}

uint32_t kl_atom_portable_hash(keel_term atom)
{
    uint32_t index = kl_atom_index(atom);
    if (index < KL_ATOM_PREDEFINED) {
        return portable_hash(predefined[index].text, predefined[index].size);
    }
    return entry_at(index)->portable_hash;
}

size_t keel_atom_count(size_t *ret_limit)
{
    if (ret_limit) {
        *ret_limit = kl_load_relaxed(&atom_limit);
    }
    uint32_t count = kl_load_relaxed(&atom_count);
    return count > KL_ATOM_PREDEFINED ? count : KL_ATOM_PREDEFINED;
}

void kl_atom_limit_set(size_t limit)
{
    size_t most = (size_t)CHUNKS_MAX * ENTRIES_PER_CHUNK;
    limit = limit < KL_ATOM_PREDEFINED ? KL_ATOM_PREDEFINED : limit;
    kl_store_relaxed(&atom_limit, limit < most ? limit : most);
}

// --- the table ---

static keel_status check_text(const char *text, size_t size)
{
    size_t characters;
    if (!kl_utf8_count((const uint8_t *)text, size, &characters)) {
        return KEEL_E_BADARG;
    }
    return characters <= KEEL_ATOM_CHARS_MAX ? KEEL_OK : KEEL_E_BADARG;
}

static bool find(const struct table *in, uint64_t hash, const char *text, size_t size,
        keel_term *ret_atom)
{
    for (uint64_t at = hash & in->mask;; at = (at + 1) & in->mask) {
        // Pairs with the release in place(): what the index stands for is there.
        uint64_t slot = kl_load_acquire(&in->slots[at]);
        if (slot == 0) {
            return false;
        }
        if (slot >> 32 != hash >> 32) {
            continue;
        }
        keel_term atom = kl_atom_word((uint32_t)slot - 1);
        keel_bytes name = kl_atom_bytes(atom);
        if (name.size == size && memcmp(name.data, text, size) == 0) {
            *ret_atom = atom;
            return true;
        }
    }
}

static void place(struct table *in, uint64_t hash, uint32_t index)
{
    uint64_t at = hash & in->mask;
    while (in->slots[at] != 0) {
        at = (at + 1) & in->mask;
    }
    // Pairs with the acquire in find().
    kl_store_release(&in->slots[at], hash >> 32 << 32 | (index + 1));
    in->used++;
}

// Puts a table with room for `slots` (a power of two) into use.
static keel_status use_table(uint64_t slots)
{
    struct table *larger = kl_alloc_zero(sizeof *larger + slots * sizeof larger->slots[0]);
    if (!larger) {
        return KEEL_E_NOMEM;
    }
    larger->mask = slots - 1;
    larger->older = table;
    uint32_t known = table ? atom_count : KL_ATOM_PREDEFINED;
    for (uint32_t index = 0; index < known; index++) {
        keel_bytes name = kl_atom_bytes(kl_atom_word(index));
        place(larger, kl_mix_bytes(0, name.data, name.size), index);
    }
    kl_store_relaxed(&atom_count, known);
    // Pairs with the acquire in ready().
    kl_store_release(&table, larger);
    return KEEL_OK;
}

static keel_status ready(struct table **ret_table)
{
    *ret_table = kl_load_acquire(&table);
    if (*ret_table) {
        return KEEL_OK;
    }
    kl_lock_take(&lock);
    keel_status status = table ? KEEL_OK : use_table(SLOTS_AT_FIRST);
    *ret_table = table;
    kl_lock_give(&lock);
    return status;
}

static keel_status insert(uint64_t hash, const char *text, size_t size, keel_term *ret_atom)
{
    uint32_t index = atom_count;
    if (index >= atom_limit) {
        return KEEL_E_SYSTEM_LIMIT;
    }
    if (table->used * 2 > table->mask) {
        keel_status status = use_table((table->mask + 1) * 2);
        if (status != KEEL_OK) {
            return status;
        }
    }
    struct entry ***chunk = &chunks[index / ENTRIES_PER_CHUNK];
    if (!*chunk) {
        struct entry **fresh = kl_alloc_zero(ENTRIES_PER_CHUNK * sizeof *fresh);
        if (!fresh) {
            return KEEL_E_NOMEM;
        }
        kl_store_release(chunk, fresh);
    }
    struct entry *entry = kl_alloc(sizeof *entry + size + 1);
    if (!entry) {
        return KEEL_E_NOMEM;
    }
    entry->portable_hash = portable_hash(text, size);
    entry->size = (uint32_t)size;
    memcpy(entry->text, text, size);
    entry->text[size] = '\0';
    // Pairs with the acquire in entry_at().
    kl_store_release(&(*chunk)[index % ENTRIES_PER_CHUNK], entry);
    kl_store_relaxed(&atom_count, index + 1);
    place(table, hash, index);
    *ret_atom = kl_atom_word(index);
    return KEEL_OK;
}
