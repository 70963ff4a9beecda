#ifndef KEEL_WEB_HTML_H
#define KEEL_WEB_HTML_H

#include <keel/term.h>

// Writing HTML. What comes from a variable is escaped, always; what is not escaped must be
// a string literal of the program, and the compiler sees to it.
//
//   keel_html_print(html, "<p class=\"%s\">%s has %d jobs</p>", kind, user, count);
//
// Where there is no HTML to write into, or nothing to write, nothing happens.
//
// Parts are elements with an id that a live page (<keel/web/live.h>) sends on their own
// when they alone have changed:
//
//   keel_html_begin(html, "li", "class=\"job\"", "job-%d", job->id);
//   keel_html_print(html, "%s", job->name);
//   keel_html_end(html);

KEEL_BEGIN_DECLS

/// A document, or a piece of one, that is being written.
typedef struct keel_html keel_html;

/// Makes an empty one: memory of the calling process. @thread any @since 0.1
KEEL_API keel_html *keel_html_new(void);
/// NULL is fine. @thread as keel_html_new @since 0.1
KEEL_API void keel_html_free(keel_html *html);
/// What was written; valid until more is. @thread any @since 0.1
KEEL_API keel_bytes keel_html_bytes(const keel_html *html);

/// Writes markup: a string literal, as it is.
#define keel_html_raw(html, literal)                                                       \
    keel_html_add((html), "" literal "", sizeof("" literal "") - 1)
/// Use keel_html_raw(). @thread any @since 0.1
KEEL_API void keel_html_add(keel_html *html, const char *markup, size_t size);
/// Writes text, escaped: good between tags and between the quotes of an attribute. What is
/// no UTF-8 or is a control character that HTML does not allow is replaced. @thread any
/// @since 0.1
KEEL_API void keel_html_text(keel_html *html, const char *text);
/// The same of a term: a binary or an atom is its text, others are printed as Erlang does.
/// @thread any @since 0.1
KEEL_API void keel_html_term(keel_html *html, keel_term term);

/// Writes markup as printf does. The format is a string literal; %s and %c are escaped.
/// Takes d i u x o c s f g e with flags, width, precision and l, ll, z, j, and %%.
#define keel_html_print(html, ...) keel_html_format((html), "" __VA_ARGS__)
/// Use keel_html_print(). @thread any @since 0.1
KEEL_API void keel_html_format(keel_html *html, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/// Begins a part: writes `<element id="…" attributes>`. `element` and `attributes` are
/// literals, the id is made as by printf; a page must not have two parts of one id. Parts
/// nest.
#define keel_html_begin(html, element, attributes, ...)                                    \
    keel_html_begin_at((html), "" element "", "" attributes "", "" __VA_ARGS__)
/// Use keel_html_begin(). @thread any @since 0.1
KEEL_API void keel_html_begin_at(keel_html *html, const char *element,
        const char *attributes, const char *id_format, ...)
        __attribute__((format(printf, 4, 5)));
/// Ends the part begun last, with its closing tag. @thread any @since 0.1
KEEL_API void keel_html_end(keel_html *html);

KEEL_END_DECLS

#endif // KEEL_WEB_HTML_H
