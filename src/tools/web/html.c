#include "html.h"

#include <keel/match.h>
#include <keel/process.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

keel_html *keel_html_new(void)
{
    keel_html *html = keel_alloc(sizeof(*html));
    if (html != NULL) {
        html->open = KL_NO_PART;
    }
    return html;
}

void keel_html_free(keel_html *html)
{
    if (html != NULL) {
        kl_text_done(&html->text);
        keel_free(html->parts);
        keel_free(html);
    }
}

keel_bytes keel_html_bytes(const keel_html *html)
{
    return html != NULL ? (keel_bytes){(const uint8_t *)html->text.data, html->text.size}
                        : (keel_bytes){0};
}

void keel_html_add(keel_html *html, const char *markup, size_t size)
{
    if (html == NULL || (markup == NULL && size > 0)) {
        return;
    }
    kl_text_add(&html->text, markup, size);
}

// What stands for a character in text and in attributes; NULL: itself.
static const char *entity_of(uint8_t character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (character < 0x20 && character != '\n' && character != '\t') ||
                               character == 0x7f
                       ? "\xef\xbf\xbd"
                       : NULL;
    }
}

static void add_escaped(keel_html *html, const void *data, size_t size)
{
    const uint8_t *at = data;
    const uint8_t *end = at + size;
    while (at < end) {
        size_t length = kl_utf8_length(at, (size_t)(end - at));
        const char *entity = length == 0 ? "\xef\xbf\xbd" : entity_of(*at);
        if (entity != NULL) {
            kl_text_addz(&html->text, entity);
            at++;
        } else {
            kl_text_add(&html->text, at, length);
            at += length;
        }
    }
}

void keel_html_text(keel_html *html, const char *text)
{
    if (html == NULL || text == NULL) {
        return;
    }
    add_escaped(html, text, strlen(text));
}

void keel_html_term(keel_html *html, keel_term term)
{
    if (html == NULL || keel_is_none(term)) {
        return;
    }
    if (keel_is_binary(term)) {
        keel_bytes bytes = keel_to_bytes(term);
        add_escaped(html, bytes.data, bytes.size);
    } else if (keel_is_atom(term)) {
        keel_html_text(html, keel_atom_name(term));
    } else {
        keel_html_text(html, keel_show(term));
    }
}

// --- print ---

// One conversion of a format: "%-5.2ld".
struct conversion {
    char text[32]; // as it stands, with * replaced by its value
    int precision; // -1: none
    char length; // 0, l, L (ll), z, j
    char kind;
};

// Reads the conversion behind the % at `format`; returns where it ends. What keel_html
// does not know leaves `kind` 0.
static const char *read_conversion(
        const char *format, struct conversion *conversion, va_list *arguments)
{
    *conversion = (struct conversion){.text = "%", .precision = -1};
    size_t size = 1;
    bool after_point = false;
    while (*format != '\0' && size < sizeof(conversion->text) - 16) {
        char letter = *format++;
        if (letter == '*') {
            int value = va_arg(*arguments, int);
            conversion->precision = after_point ? value : conversion->precision;
            size += (size_t)snprintf(conversion->text + size, 16, "%d", value);
            continue;
        }
        conversion->text[size++] = letter;
        if (letter == '.') {
            after_point = true;
            conversion->precision = 0;
        } else if (letter >= '0' && letter <= '9') {
            if (after_point) {
                conversion->precision = conversion->precision * 10 + (letter - '0');
            }
        } else if (strchr("lzj", letter) != NULL) {
            conversion->length = conversion->length == 'l' ? 'L' : letter;
        } else if (strchr("-+ #", letter) == NULL) {
            conversion->kind = letter;
            return format;
        }
    }
    return format;
}

static void print_string(
        keel_html *html, const struct conversion *conversion, const char *string)
{
    string = string != NULL ? string : "";
    add_escaped(html, string,
            conversion->precision >= 0 ? strnlen(string, (size_t)conversion->precision)
                                       : strlen(string));
}

// A number by its own conversion: the digits need no escape.
#define PRINT_NUMBER(value) snprintf(number, sizeof(number), conversion->text, (value))
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void print_number(
        keel_html *html, const struct conversion *conversion, va_list *arguments)
{
    char number[512];
    if (strchr("feg", conversion->kind) != NULL) {
        PRINT_NUMBER(va_arg(*arguments, double));
    } else if (conversion->length == 'l') {
        PRINT_NUMBER(va_arg(*arguments, long));
    } else if (conversion->length == 'L') {
        PRINT_NUMBER(va_arg(*arguments, long long));
    } else if (conversion->length == 'z') {
        PRINT_NUMBER(va_arg(*arguments, size_t));
    } else if (conversion->length == 'j') {
        PRINT_NUMBER(va_arg(*arguments, intmax_t));
    } else {
        PRINT_NUMBER(va_arg(*arguments, int));
    }
    kl_text_addz(&html->text, number);
}
#pragma GCC diagnostic pop

void keel_html_format(keel_html *html, const char *format, ...)
{
    if (html == NULL || format == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    while (*format != '\0') {
        size_t plain = strcspn(format, "%");
        kl_text_add(&html->text, format, plain);
        format += plain;
        if (*format == '\0') {
            break;
        }
        struct conversion conversion;
        format = read_conversion(format + 1, &conversion, &arguments);
        if (conversion.kind == '%') {
            kl_text_add(&html->text, "%", 1);
        } else if (conversion.kind == 's') {
            print_string(html, &conversion, va_arg(arguments, const char *));
        } else if (conversion.kind == 'c') {
            char letter = (char)va_arg(arguments, int);
            add_escaped(html, &letter, 1);
        } else if (conversion.kind != '\0' && strchr("diuxofeg", conversion.kind) != NULL) {
            print_number(html, &conversion, &arguments);
        } else {
            // Where the arguments stand is not known any more.
            keel_error(keel_make("{badarg, {html_format, Format}}", format));
        }
    }
    va_end(arguments);
}

// --- parts ---

// What was written since the last mark belongs to the innermost part that is open.
static void hash_so_far(keel_html *html, size_t upto)
{
    if (html->open != KL_NO_PART) {
        struct kl_part *part = &html->parts[html->open];
        part->own = kl_text_hash(
                part->own, html->text.data + html->hashed, upto - html->hashed);
    }
    html->hashed = upto;
}

void keel_html_begin_at(keel_html *html, const char *element, const char *attributes,
        const char *id_format, ...)
{
    if (html == NULL || element == NULL || attributes == NULL || id_format == NULL) {
        return;
    }
    char id[128];
    va_list arguments;
    va_start(arguments, id_format);
    vsnprintf(id, sizeof(id), id_format, arguments);
    va_end(arguments);
    if (html->count == html->capacity) {
        html->capacity = html->capacity > 0 ? html->capacity * 2 : 16;
        html->parts = keel_realloc(html->parts, html->capacity * sizeof(*html->parts));
    }
    size_t begin = html->text.size;
    hash_so_far(html, begin);
    kl_text_print(&html->text, "<%s id=\"", element);
    size_t id_at = html->text.size;
    add_escaped(html, id, strlen(id));
    struct kl_part *part = &html->parts[html->count];
    *part = (struct kl_part){
            .begin = begin,
            .id = id_at,
            .id_size = html->text.size - id_at,
            .parent = html->open,
            .own = KL_HASH_BEGIN,
            .element = element,
    };
    part->key = kl_text_hash(KL_HASH_BEGIN, html->text.data + id_at, part->id_size);
    if (html->open != KL_NO_PART) {
        struct kl_part *parent = &html->parts[html->open];
        parent->own = kl_text_hash(parent->own, &part->key, sizeof(part->key));
    }
    html->open = html->count++;
    kl_text_print(&html->text, attributes[0] != '\0' ? "\" %s>" : "\"%s>", attributes);
}

void keel_html_end(keel_html *html)
{
    if (html == NULL) {
        return;
    }
    if (html->open == KL_NO_PART) {
        keel_error(keel_make("{badarg, html_end}"));
    }
    struct kl_part *part = &html->parts[html->open];
    kl_text_print(&html->text, "</%s>", part->element);
    hash_so_far(html, html->text.size);
    part->end = html->text.size;
    html->open = part->parent;
}
