#include "atom.h"
#include "bignum.h"
#include "float_text.h"
#include "fun.h"
#include "notation.h"
#include "printer.h"
#include "utf8.h"
#include <inttypes.h>
#include <string.h>

// --- characters ---

// What io_lib shows as it is, where the range of printable characters is all of Unicode.
static bool is_printable(uint64_t character)
{
    return (character >= ' ' && character <= '~') ||
           (character >= '\b' && character <= '\r') || character == '\033' ||
           (character >= 0xa0 && character < 0xd800) ||
           (character > 0xdfff && character < 0xfffe) ||
           (character > 0xffff && character <= 0x10ffff);
}

static void put_character(struct kl_printer *printer, uint32_t character, char quote)
{
    static const char letters[] = "btnvfr"; // from \b, 8, to \r, 13
    uint8_t bytes[4];
    if (character == (uint8_t)quote || character == '\\') {
        kl_printer_putf(printer, "\\%c", (int)character);
    } else if ((character >= ' ' && character <= '~') || character >= 0xa0) {
        kl_printer_put(printer, bytes, kl_utf8_put(bytes, character));
    } else if (character >= '\b' && character <= '\r') {
        kl_printer_putf(printer, "\\%c", letters[character - '\b']);
    } else if (character == '\033' || character == '\177') {
        kl_printer_puts(printer, character == '\033' ? "\\e" : "\\d");
    } else {
        kl_printer_putf(printer, "\\%03o", (unsigned)character);
    }
}

bool kl_print_string(struct kl_printer *printer, keel_term list)
{
    // What will be cut anyway needs no check.
    size_t most = printer->limit - printer->length;
    size_t count = 0;
    keel_term rest = list;
    keel_term item;
    while (count <= most && keel_list_next(&rest, &item)) {
        if (!kl_is_small(item) || !is_printable((uint64_t)kl_small_value(item))) {
            return false;
        }
        count++;
    }
    if (count <= most && !kl_is_nil(rest)) {
        return false;
    }
    kl_printer_put(printer, "\"", 1);
    while (!printer->cut && keel_list_next(&list, &item)) {
        put_character(printer, (uint32_t)kl_small_value(item), '"');
    }
    kl_printer_put(printer, "\"", 1);
    return true;
}

// --- atoms ---

static bool needs_quotes(keel_bytes name)
{
    uint32_t character = 0;
    for (size_t at = 0; at < name.size;) {
        size_t used = kl_utf8_get(name.data + at, name.size - at, &character);
        bool fits = at == 0 ? kl_notation_lower(character) : kl_notation_name(character);
        if (!fits) {
            return true;
        }
        at += used;
    }
    return name.size == 0 || kl_notation_reserved(name);
}

static void print_atom(struct kl_printer *printer, keel_term atom)
{
    keel_bytes name = kl_atom_bytes(atom);
    if (!needs_quotes(name)) {
        kl_printer_put(printer, name.data, name.size);
        return;
    }
    kl_printer_put(printer, "'", 1);
    for (size_t at = 0; at < name.size;) {
        uint32_t character = 0;
        at += kl_utf8_get(name.data + at, name.size - at, &character);
        put_character(printer, character, '\'');
    }
    kl_printer_put(printer, "'", 1);
}

// --- binaries ---

enum text_kind { TEXT_NONE, TEXT_LATIN1, TEXT_UTF8 };

// What of a binary is text: plain characters, UTF-8 with some beyond ASCII, or else bytes
// that are characters of Latin-1. Bytes beyond `most` are not looked at.
static enum text_kind text_of(const uint8_t *data, size_t size, size_t most)
{
    bool utf8 = true;
    bool printable = true;
    bool ascii = true;
    for (size_t at = 0; at < size && at < most && utf8;) {
        uint32_t character = 0;
        size_t used = kl_utf8_get(data + at, size - at, &character);
        utf8 = used > 0;
        ascii = ascii && used == 1;
        printable = printable && is_printable(character);
        at += used;
    }
    if (utf8) {
        return !printable ? TEXT_NONE : ascii ? TEXT_LATIN1 : TEXT_UTF8;
    }
    for (size_t at = 0; at < size && at < most; at++) {
        if (!is_printable(data[at])) {
            return TEXT_NONE;
        }
    }
    return TEXT_LATIN1;
}

static void print_bytes_as_text(
        struct kl_printer *printer, const uint8_t *data, size_t size, enum text_kind kind)
{
    kl_printer_puts(printer, "<<\"");
    for (size_t at = 0; at < size && !printer->cut;) {
        uint32_t character = data[at];
        size_t used = kind == TEXT_UTF8 ? kl_utf8_get(data + at, size - at, &character) : 1;
        put_character(printer, character, '"');
        at += used;
    }
    kl_printer_puts(printer, kind == TEXT_UTF8 ? "\"/utf8>>" : "\">>");
}

static void print_bits(struct kl_printer *printer, keel_term term)
{
    const uint8_t *data = kl_bits_data(term);
    size_t bits = kl_bits_size(term);
    size_t size = bits / 8;
    unsigned rest = bits % 8;
    if (rest == 0 && size > 0) {
        enum text_kind kind = text_of(data, size, printer->limit - printer->length);
        if (kind != TEXT_NONE) {
            print_bytes_as_text(printer, data, size, kind);
            return;
        }
    }
    kl_printer_puts(printer, "<<");
    for (size_t i = 0; i < size && !printer->cut; i++) {
        if (i > 0) {
            kl_printer_put(printer, ",", 1);
        }
        kl_printer_put_integer(printer, data[i]);
    }
    if (rest != 0) {
        kl_printer_putf(
                printer, size > 0 ? ",%u:%u" : "%u:%u", data[size] >> (8 - rest), rest);
    }
    kl_printer_puts(printer, ">>");
}

// --- the others ---

static void print_big(struct kl_printer *printer, keel_term term)
{
    size_t size;
    size_t room;
    char *text = kl_big_text(term, &size, &room);
    if (!text) {
        printer->cut = true;
        return;
    }
    kl_printer_put(printer, text, size);
    kl_free(text, room);
}

static void print_float(struct kl_printer *printer, keel_term term)
{
    char text[KL_FLOAT_TEXT_MAX];
    kl_printer_put(printer, text, kl_float_text(text, kl_float_value(term)));
}

// Identifiers as erlang shows them; where that has the number of a node in its tables,
// its name stands here.
static void print_pid(struct kl_printer *printer, keel_pid pid)
{
    struct kl_remote_pid remote;
    if (!kl_pid_remote(pid, &remote)) {
        kl_printer_putf(printer, "<0.%" PRIu32 ".%" PRIu32 ">", kl_pid_slot(pid),
                kl_pid_generation(pid));
        return;
    }
    kl_printer_puts(printer, "<");
    kl_printer_puts(printer, keel_atom_name(remote.node));
    kl_printer_putf(printer, ".%" PRIu32 ".%" PRIu32 ">", remote.id, remote.serial);
}

static void print_ref(struct kl_printer *printer, keel_ref ref)
{
    struct kl_remote_ref remote;
    if (!kl_ref_remote(ref, &remote)) {
        uint64_t number = kl_ref_number(ref);
        kl_printer_putf(printer, "#Ref<0.0.%" PRIu64 ".%" PRIu64 ">", number >> 32,
                number & 0xffffffff);
        return;
    }
    kl_printer_puts(printer, "#Ref<");
    kl_printer_puts(printer, keel_atom_name(remote.node));
    for (uint32_t i = remote.count; i-- > 0;) {
        kl_printer_putf(printer, ".%" PRIu32, remote.word[i]);
    }
    kl_printer_puts(printer, ">");
}

static void print_fun(struct kl_printer *printer, keel_term term)
{
    if (kl_is_kind(term, KL_KIND_EXPORT)) {
        const struct kl_export *export = kl_box(term);
        kl_printer_puts(printer, "fun ");
        print_atom(printer, export->module);
        kl_printer_puts(printer, ":");
        print_atom(printer, export->function);
        kl_printer_putf(printer, "/%" PRIu64, export->arity);
        return;
    }
    struct kl_fun_parts parts;
    if (!kl_fun_read(term, &parts)) {
        kl_printer_puts(printer, "#Fun<>");
        return;
    }
    kl_printer_puts(printer, "#Fun<");
    kl_printer_puts(printer, keel_atom_name(parts.module));
    kl_printer_putf(printer, ".%" PRId64 ".%" PRId64 ">", parts.index, parts.uniq);
    kl_fun_done(&parts);
}

static void print_box(struct kl_printer *printer, keel_term term)
{
    switch (kl_header_kind(kl_box_header(term))) {
    case KL_KIND_FLOAT:
        print_float(printer, term);
        break;
    case KL_KIND_BIG:
        print_big(printer, term);
        break;
    case KL_KIND_BITS:
    case KL_KIND_SHARED:
        print_bits(printer, term);
        break;
    case KL_KIND_PID:
        print_pid(printer, (keel_pid){term.word});
        break;
    case KL_KIND_REF:
        print_ref(printer, (keel_ref){term.word});
        break;
    case KL_KIND_PORT: {
        const struct kl_port *port = kl_box(term);
        kl_printer_puts(printer, "#Port<");
        kl_printer_puts(printer, keel_atom_name(port->node));
        kl_printer_putf(printer, ".%" PRIu64 ">", port->id);
        break;
    }
    case KL_KIND_EXPORT:
    case KL_KIND_FUN:
        print_fun(printer, term);
        break;
    case KL_KIND_RESOURCE: {
        const struct kl_resource_block *block =
                (struct kl_resource_block *)((struct kl_resource *)kl_box(term))
                        ->counted.block;
        kl_printer_puts(printer, "#Resource<");
        kl_printer_puts(printer, block->type);
        kl_printer_putf(printer, ".%" PRIu64 ">", block->serial);
        break;
    }
    case KL_KIND_TUPLE:
    case KL_KIND_MAP:
        break; // the caller's
    }
}

void kl_print_flat(struct kl_printer *printer, keel_term term)
{
    if (kl_is_boxed(term)) {
        print_box(printer, term);
    } else if (kl_is_small(term)) {
        kl_printer_put_integer(printer, kl_small_value(term));
    } else if (kl_is_atom(term)) {
        print_atom(printer, term);
    } else if (kl_is_nil(term)) {
        kl_printer_puts(printer, "[]");
    } else if (kl_is_local_pid(term)) {
        print_pid(printer, (keel_pid){term.word});
    } else if (kl_is_local_ref(term)) {
        print_ref(printer, (keel_ref){term.word});
    } else if (kl_is_pointer(term)) {
        kl_printer_putf(printer, "#Pointer<%p>", kl_pointer_value(term));
    } else {
        kl_printer_puts(printer, "#None");
    }
}
