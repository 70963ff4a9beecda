#ifndef KL_TERM_ETF_ATOMS_H
#define KL_TERM_ETF_ATOMS_H

#include "term/term.h"
#include <string.h>

// The atoms that one decoding has met lately. The same few stand in it again and again
// (keys of maps, tags of tuples, the names of nodes), and comparing two words is much
// quicker than finding a text in the atom table.

enum { KL_ETF_ATOMS_KEPT = 16, KL_ETF_ATOMS_TEXT_MAX = 16 };

struct kl_etf_atoms {
    uint32_t known; // a bit for each entry in use; the others are not initialised
    struct {
        uint64_t first, last; // 8 bytes each of the text, which may overlap
        size_t size;
        keel_term atom;
    } kept[KL_ETF_ATOMS_KEPT];
};

// Takes all of a text of up to 8 bytes; with its size this tells two of them apart.
static inline uint64_t kl_etf_atoms_short(const uint8_t *text, size_t size)
{
    uint32_t first, last;
    if (size >= 4) {
        memcpy(&first, text, 4);
        memcpy(&last, text + size - 4, 4);
        return (uint64_t)last << 32 | first;
    }
    return size == 0 ? 0
                     : (uint64_t)text[0] | (uint64_t)text[size / 2] << 8 |
                               (uint64_t)text[size - 1] << 16;
}

// As keel_atom_from.
static inline keel_status kl_etf_atoms_from(
        struct kl_etf_atoms *atoms, const uint8_t *text, size_t size, keel_term *ret_atom)
{
    if (size > KL_ETF_ATOMS_TEXT_MAX) {
        return keel_atom_from((const char *)text, size, ret_atom);
    }
    uint64_t first, last = 0;
    if (size <= 8) {
        first = kl_etf_atoms_short(text, size);
    } else {
        memcpy(&first, text, 8);
        memcpy(&last, text + size - 8, 8);
    }
    const uint64_t odd = 0x9e3779b97f4a7c15u; // spreads the bits upwards
    size_t at = (first ^ last << 7) * odd >> 60;
    bool is_known = (atoms->known >> at & 1) != 0;
    if (is_known && atoms->kept[at].first == first && atoms->kept[at].last == last &&
            atoms->kept[at].size == size) {
        *ret_atom = atoms->kept[at].atom;
        return KEEL_OK;
    }
    keel_status status = keel_atom_from((const char *)text, size, ret_atom);
    if (status == KEEL_OK) {
        atoms->known |= 1u << at;
        atoms->kept[at].first = first;
        atoms->kept[at].last = last;
        atoms->kept[at].size = size;
        atoms->kept[at].atom = *ret_atom;
    }
    return status;
}

#endif // KL_TERM_ETF_ATOMS_H
