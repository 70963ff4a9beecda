#include "heap.h"
#include "parse.h"
#include "value.h"

// keel_parse and keel_parse_next: the sink that makes terms, from a stack of the parts that
// no container has taken yet.

static keel_status put_part(struct kl_work *parts, keel_term part)
{
    if (keel_is_none(part) || !kl_work_push(parts, part.word)) {
        return KEEL_E_NOMEM;
    }
    return KEEL_OK;
}

static keel_status put_leaf(void *context, keel_term leaf)
{
    return put_part(context, leaf);
}

static keel_term make_list(const keel_term *items, size_t count, keel_term tail)
{
    while (count > 0 && !keel_is_none(tail)) {
        tail = keel_cons(items[--count], tail);
    }
    return tail;
}

// Keys and values stand in turns in `parts`; a map wants them apart.
static keel_term make_map(struct kl_work *work, size_t pairs)
{
    if (!kl_work_has_room(work, 2 * pairs) && !kl_work_grow(work, 2 * pairs)) {
        return KEEL_NONE;
    }
    keel_term *parts = (keel_term *)&work->words[work->count - 2 * pairs];
    keel_term *keys = (keel_term *)&work->words[work->count];
    keel_term *values = keys + pairs;
    for (size_t i = 0; i < pairs; i++) {
        keys[i] = parts[2 * i];
        values[i] = parts[2 * i + 1];
    }
    return keel_map(keys, values, pairs);
}

static keel_status put_container(
        void *context, enum kl_parse_container kind, size_t count, const char **ret_message)
{
    struct kl_work *work = context;
    const keel_term *parts = (const keel_term *)&work->words[work->count - count];
    keel_term made = KEEL_NONE;
    switch (kind) {
    case KL_PARSE_TUPLE:
        if (count > KL_TUPLE_MAX) {
            *ret_message = "a tuple of too many items";
            return KEEL_E_TOO_LARGE;
        }
        made = keel_tuple(parts, count);
        break;
    case KL_PARSE_LIST:
        made = keel_list(parts, count);
        break;
    case KL_PARSE_LIST_TAIL:
        made = make_list(parts, count - 1, parts[count - 1]);
        break;
    case KL_PARSE_MAP:
        made = make_map(work, count / 2);
        break;
    }
    work->count -= count;
    *ret_message = "memory is exhausted";
    return put_part(work, made);
}

static void tell(const struct kl_parse *parse, keel_parse_error *ret_error)
{
    if (!ret_error) {
        return;
    }
    *ret_error = (keel_parse_error){
            .offset = parse->offset, .line = 1, .column = 1, .message = parse->message};
    for (size_t i = 0; i < parse->offset; i++) {
        uint8_t byte = (uint8_t)parse->scanner.text[i];
        if (byte == '\n') {
            ret_error->line++;
            ret_error->column = 1;
        } else if ((byte & 0xc0) != 0x80) { // a column is a character, not a byte
            ret_error->column++;
        }
    }
}

// Reads a term and its full stop. `alone`: the full stop may be missing, and nothing may
// follow; else there may be no term at all, which gives KEEL_NONE.
static keel_status read_term(struct kl_parse *parse, bool alone)
{
    if (!alone && kl_scan_peek(&parse->scanner).kind == KL_TOKEN_END) {
        kl_scan_next(&parse->scanner);
        return KEEL_OK;
    }
    keel_status status = kl_parse_term(parse);
    if (status != KEEL_OK) {
        return status;
    }
    struct kl_token token = kl_scan_next(&parse->scanner);
    bool stopped = token.kind == KL_TOKEN_DOT;
    if (stopped && alone) {
        token = kl_scan_next(&parse->scanner);
    }
    if (alone ? token.kind == KL_TOKEN_END : stopped) {
        return KEEL_OK;
    }
    return kl_parse_fail(parse, KEEL_E_SYNTAX, token.start,
            token.kind == KL_TOKEN_ERROR ? token.message
            : alone                      ? "something follows the term"
                                         : "a full stop is missing after the term");
}

static keel_status parse_text(const char *text, size_t size, size_t *offset, bool alone,
        keel_term *ret_term, keel_parse_error *ret_error)
{
    struct kl_heap *heap = kl_heap_current();
    struct kl_heap_mark mark = kl_heap_mark(heap);
    struct kl_work parts;
    kl_work_init(&parts);
    const struct kl_parse_sink sink = {&parts, put_leaf, NULL, put_container};
    struct kl_parse parse;
    kl_parse_init(&parse, text ? text : "", text ? size : 0, &sink);
    parse.scanner.at = *offset;

    heap->quiet++; // the stacks are given back before a process may end for want of memory
    keel_status status = read_term(&parse, alone);
    heap->quiet--;
    if (status == KEEL_OK) {
        *ret_term = parts.count > 0 ? (keel_term){parts.words[0]} : KEEL_NONE;
        *offset = parse.scanner.at;
    } else {
        kl_heap_rewind(heap, &mark);
        tell(&parse, ret_error);
    }
    kl_work_done(&parts);
    kl_parse_done(&parse);
    if (status == KEEL_E_NOMEM) {
        kl_heap_refuse(heap);
    }
    return status;
}

keel_status keel_parse(
        const char *text, size_t size, keel_term *ret_term, keel_parse_error *ret_error)
{
    if ((!text && size > 0) || !ret_term) {
        return KEEL_E_BADARG;
    }
    size_t offset = 0;
    return parse_text(text, size, &offset, true, ret_term, ret_error);
}

keel_status keel_parse_next(const char *text, size_t size, size_t *offset,
        keel_term *ret_term, keel_parse_error *ret_error)
{
    if ((!text && size > 0) || !offset || *offset > size || !ret_term) {
        return KEEL_E_BADARG;
    }
    return parse_text(text, size, offset, false, ret_term, ret_error);
}
