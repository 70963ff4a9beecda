#include "heap.h"
#include "printer.h"
#include "work.h"
#include <string.h>

// Printing containers. Those that are open lie on a stack, two words each: the container,
// or what is left of a list, and how many of its parts are printed << 2 | what it is.

enum open_kind { OPEN_TUPLE, OPEN_LIST, OPEN_MAP, OPEN_TAIL };

struct print {
    struct kl_printer to;
    struct kl_work open;
    size_t max_depth, max_items;
};

static void print_term(struct print *print, keel_term term);
static void print_next(struct print *print);

static size_t print_into(
        char *buffer, size_t size, keel_term term, const keel_print_opts *opts)
{
    static const keel_print_opts everything;
    opts = opts ? opts : &everything;
    struct print print = {
            .to = {.buffer = buffer, .size = size, .limit = SIZE_MAX},
            .max_depth = opts->max_depth > 0 ? opts->max_depth : SIZE_MAX,
            .max_items = opts->max_items > 0 ? opts->max_items : SIZE_MAX,
    };
    if (opts->max_bytes > 0) {
        print.to.limit = opts->max_bytes;
    }
    kl_work_init(&print.open);
    print_term(&print, term);
    while (print.open.count > 0 && !print.to.cut) {
        print_next(&print);
    }
    kl_work_done(&print.open);
    if (print.to.cut) {
        print.to.cut = false;
        print.to.limit = SIZE_MAX;
        kl_printer_puts(&print.to, "...");
    }
    return print.to.length;
}

size_t keel_print(char *buffer, size_t size, keel_term term, const keel_print_opts *opts)
{
    size = buffer ? size : 0;
    size_t length = print_into(buffer, size, term, opts);
    if (size > 0) {
        buffer[length < size ? length : size - 1] = '\0';
    }
    return length;
}

const char *keel_show(keel_term term)
{
    static const keel_print_opts bounded = {.max_bytes = 65536 - 4};
    char first[256];
    size_t length = print_into(first, sizeof first, term, &bounded);
    char *text = kl_heap_alloc(kl_heap_current(), (length + 8) & ~(size_t)7);
    if (!text) {
        return "(no memory)";
    }
    if (length <= sizeof first) {
        memcpy(text, first, length);
        text[length] = '\0';
    } else {
        keel_print(text, length + 1, term, &bounded);
    }
    return text;
}

static void open_container(struct print *print, keel_term container, enum open_kind kind)
{
    if (print->open.count / 2 >= print->max_depth) {
        kl_printer_puts(&print->to, "...");
        return;
    }
    if (!kl_work_has_room(&print->open, 2) && !kl_work_grow(&print->open, 2)) {
        print->to.cut = true; // no memory to go deeper: the rest is left out
        return;
    }
    static const char *const opening[] = {"{", "[", "#{"};
    kl_printer_puts(&print->to, opening[kind]);
    kl_work_put(&print->open, container.word);
    kl_work_put(&print->open, kind);
}

static void print_term(struct print *print, keel_term term)
{
    if (kl_is_cell(term)) {
        if (!kl_print_string(&print->to, term)) {
            open_container(print, term, OPEN_LIST);
        }
    } else if (keel_is_tuple(term)) {
        open_container(print, term, OPEN_TUPLE);
    } else if (keel_is_map(term)) {
        open_container(print, term, OPEN_MAP);
    } else {
        kl_print_flat(&print->to, term);
    }
}

static void close_container(struct print *print, const char *closing)
{
    kl_printer_puts(&print->to, closing);
    print->open.count -= 2;
}

static void print_next_of_list(struct print *print, keel_term *rest, uint64_t *state)
{
    size_t done = *state >> 2;
    if (kl_is_nil(*rest)) {
        close_container(print, "]");
        return;
    }
    if (!kl_is_cell(*rest)) {
        keel_term tail = *rest;
        *state = OPEN_TAIL;
        kl_printer_puts(&print->to, "|");
        print_term(print, tail);
        return;
    }
    if (done > 0) {
        kl_printer_puts(&print->to, ",");
    }
    if (done == print->max_items) {
        close_container(print, "...]");
        return;
    }
    keel_term head = kl_cell(*rest)[0];
    *rest = kl_cell(*rest)[1];
    *state += 4;
    print_term(print, head);
}

static void print_next_of_map(struct print *print, keel_term map, uint64_t *state)
{
    size_t done = *state >> 2; // keys and values
    size_t count = kl_map_count(map);
    if (done == 2 * count) {
        close_container(print, "}");
        return;
    }
    if (done > 0) {
        kl_printer_puts(&print->to, done % 2 == 1 ? " => " : ",");
    }
    if (done % 2 == 0 && done / 2 == print->max_items) {
        close_container(print, "...}");
        return;
    }
    *state += 4;
    print_term(print, kl_map(map)->slot[done % 2 * count + done / 2]);
}

static void print_next(struct print *print)
{
    uint64_t *top = &print->open.words[print->open.count - 2];
    keel_term *container = (keel_term *)top;
    size_t done = top[1] >> 2;
    switch ((enum open_kind)(top[1] & 3)) {
    case OPEN_LIST:
        print_next_of_list(print, container, &top[1]);
        break;
    case OPEN_MAP:
        print_next_of_map(print, *container, &top[1]);
        break;
    case OPEN_TAIL:
        close_container(print, "]");
        break;
    case OPEN_TUPLE:
        if (done == kl_tuple_count(*container)) {
            close_container(print, "}");
            break;
        }
        if (done > 0) {
            kl_printer_puts(&print->to, ",");
        }
        if (done == print->max_items) {
            close_container(print, "...}");
            break;
        }
        top[1] += 4;
        print_term(print, kl_tuple(*container)->item[done]);
        break;
    }
}
