#include "compare.h"
#include "heap.h"
#include "utf8.h"
#include "value.h"
#include <string.h>

keel_term keel_cons(keel_term head, keel_term tail)
{
    if (keel_is_none(head) || keel_is_none(tail)) {
        return KEEL_NONE;
    }
    keel_term *cell = kl_heap_alloc(kl_heap_current(), 2 * sizeof *cell);
    if (!cell) {
        return KEEL_NONE;
    }
    cell[0] = head;
    cell[1] = tail;
    return kl_cell_term(cell);
}

// `count` cells in a row, linked, the last one's tail being `tail`; the heads are left to
// the caller. NULL when the heap is exhausted. Not for 0.
static keel_term *new_cells(size_t count, keel_term tail)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, 2 * sizeof(keel_term), &bytes)) {
        bytes = SIZE_MAX & ~(size_t)7;
    }
    keel_term *cells = kl_heap_alloc(kl_heap_current(), bytes);
    if (!cells) {
        return NULL;
    }
    for (size_t i = 0; i + 1 < count; i++) {
        cells[2 * i + 1] = kl_cell_term(&cells[2 * i + 2]);
    }
    cells[2 * count - 1] = tail;
    return cells;
}

keel_term keel_list(const keel_term *items, size_t count)
{
    if (count == 0) {
        return kl_nil();
    }
    keel_term *cells = items ? new_cells(count, kl_nil()) : NULL;
    if (!cells) {
        return KEEL_NONE;
    }
    bool whole = true;
    for (size_t i = 0; i < count; i++) {
        whole &= items[i].word != 0;
        cells[2 * i] = items[i];
    }
    return whole ? kl_cell_term(cells) : KEEL_NONE;
}

keel_term keel_charlist(const char *text)
{
    if (!text) {
        return KEEL_NONE;
    }
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    size_t count = 0;
    // Bytes that are no UTF-8 stand for themselves, so that nothing is lost.
    for (size_t i = 0; i < left; count++) {
        uint32_t character;
        size_t used = kl_utf8_get(at + i, left - i, &character);
        i += used > 0 ? used : 1;
    }
    if (count == 0) {
        return kl_nil();
    }
    keel_term *cells = new_cells(count, kl_nil());
    if (!cells) {
        return KEEL_NONE;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t character = *at;
        size_t used = kl_utf8_get(at, left, &character);
        used = used > 0 ? used : 1;
        cells[2 * i] = kl_small(character);
        at += used;
        left -= used;
    }
    return kl_cell_term(cells);
}

keel_term keel_head(keel_term list)
{
    return kl_is_cell(list) ? kl_cell(list)[0] : KEEL_NONE;
}
keel_term keel_tail(keel_term list)
{
    return kl_is_cell(list) ? kl_cell(list)[1] : KEEL_NONE;
}

bool keel_list_next(keel_term *list, keel_term *ret_item)
{
    if (!list || !kl_is_cell(*list)) {
        return false;
    }
    const keel_term *cell = kl_cell(*list);
    if (ret_item) {
        *ret_item = cell[0];
    }
    *list = cell[1];
    return true;
}

bool keel_list_length(keel_term list, size_t *ret_length)
{
    size_t length = 0;
    while (kl_is_cell(list)) {
        list = kl_cell(list)[1];
        length++;
    }
    if (!kl_is_nil(list)) {
        return false;
    }
    if (ret_length) {
        *ret_length = length;
    }
    return true;
}

keel_term keel_list_reverse(keel_term list)
{
    size_t length;
    if (!keel_list_length(list, &length)) {
        return KEEL_NONE;
    }
    if (length == 0) {
        return list;
    }
    keel_term *cells = new_cells(length, kl_nil());
    if (!cells) {
        return KEEL_NONE;
    }
    for (size_t i = length; i-- > 0;) {
        keel_list_next(&list, &cells[2 * i]);
    }
    return kl_cell_term(cells);
}

keel_term keel_list_append(keel_term left, keel_term right)
{
    size_t length;
    if (!keel_list_length(left, &length) || keel_is_none(right)) {
        return KEEL_NONE;
    }
    if (length == 0) {
        return right;
    }
    keel_term *cells = new_cells(length, right);
    if (!cells) {
        return KEEL_NONE;
    }
    for (size_t i = 0; i < length; i++) {
        keel_list_next(&left, &cells[2 * i]);
    }
    return kl_cell_term(cells);
}

keel_term keel_list_take(keel_term list, size_t count)
{
    size_t length = 0;
    keel_term item, rest = list;
    while (length < count && keel_list_next(&rest, &item)) {
        length++;
    }
    if (length < count && !kl_is_nil(rest)) {
        return KEEL_NONE;
    }
    if (kl_is_nil(rest)) {
        return list; // all of it
    }
    if (length == 0) {
        return kl_nil();
    }
    keel_term *cells = new_cells(length, kl_nil());
    if (!cells) {
        return KEEL_NONE;
    }
    for (size_t i = 0; i < length; i++) {
        keel_list_next(&list, &cells[2 * i]);
    }
    return kl_cell_term(cells);
}

bool keel_list_member(keel_term item, keel_term list)
{
    keel_term candidate;
    while (keel_list_next(&list, &candidate)) {
        if (keel_equal(item, candidate)) {
            return true;
        }
    }
    return false;
}

keel_term keel_proplist_get(keel_term list, keel_term key)
{
    keel_term item;
    while (keel_list_next(&list, &item)) {
        // An atom alone stands for {Atom, true}.
        if (kl_is_atom(item) && item.word == key.word) {
            return KL_ATOM(true);
        }
        if (keel_tuple_size(item) >= 1 && keel_equal(kl_tuple(item)->item[0], key)) {
            return keel_tuple_size(item) == 2 ? kl_tuple(item)->item[1] : KEEL_NONE;
        }
    }
    return KEEL_NONE;
}
