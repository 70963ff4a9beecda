#include "html.h"
#include "live.h"
#include "testing/harness.h"

#include <keel/process.h>
#include <string.h>

static const char *text_of(const keel_html *html)
{
    return (const char *)keel_html_bytes(html).data;
}

TEST("text is escaped wherever it stands")
{
    keel_html *html = keel_html_new();
    keel_html_text(html, "<a href=\"x\" id='y'>&</a>");
    CHECK_STR(text_of(html), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;&lt;/a&gt;");
    keel_html_free(html);
}

TEST("a format escapes its strings and keeps its own markup")
{
    keel_html *html = keel_html_new();
    keel_html_print(html, "<b title=\"%s\">%.3s|%c|%d|%5.2f|%%|%zu|%lld|%-4d|%*d</b>",
            "\"&", "<b>d", '<', -7, 3.14159, (size_t)12, 1LL << 40, 3, 4, 5);
    CHECK_STR(text_of(html), "<b title=\"&quot;&amp;\">&lt;b&gt;|&lt;|-7| 3.14|%|12|"
                             "1099511627776|3   |   5</b>");
    keel_html_free(html);
}

TEST("what is no text becomes the character for that")
{
    keel_html *html = keel_html_new();
    keel_html_text(html, "a\xff\x01\xc3z\xed\xa0\x80\xf0\x9f\x98\x80\n");
    CHECK_STR(text_of(html), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"
                             "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80\n");
    keel_html_free(html);
}

TEST("terms are written as people read them, and escaped")
{
    keel_html *html = keel_html_new();
    keel_html_term(html, keel_string("<i>"));
    keel_html_term(html, keel_atom(ok));
    keel_html_term(html, keel_tuple_of(keel_int(1), keel_atom_text("<")));
    CHECK_STR(text_of(html), "&lt;i&gt;ok{1,&#39;&lt;&#39;}");
    keel_html_free(html);
}

// --- parts ---

// Two rows in a table beside a footer.
static keel_html *table(const char *first, const char *second, const char *footer, int rows)
{
    keel_html *html = keel_html_new();
    keel_html_begin(html, "div", "", "page");
    keel_html_begin(html, "ul", "class=\"x\"", "list");
    for (int row = 0; row < rows; row++) {
        keel_html_begin(html, "li", "", "row-%d", row);
        keel_html_text(html, row == 0 ? first : second);
        keel_html_end(html);
    }
    keel_html_end(html);
    keel_html_begin(html, "p", "", "foot");
    keel_html_text(html, footer);
    keel_html_end(html);
    keel_html_end(html);
    return html;
}

static uint32_t step(struct kl_shown *shown, keel_html *html, struct kl_text *json)
{
    kl_text_done(json);
    uint32_t count = kl_live_parts(shown, html, json);
    keel_html_free(html);
    return count;
}

TEST("only parts that changed themselves are sent, with what is in them")
{
    struct kl_shown shown = {0};
    struct kl_text json = {0};
    CHECK_INT(step(&shown, table("a", "b", "c", 2), &json), KL_EVERYTHING);
    CHECK_INT(step(&shown, table("a", "b", "c", 2), &json), 0);
    CHECK_INT(step(&shown, table("a", "B", "c", 2), &json), 1);
    CHECK_STR(json.data, "{\"row-1\":\"<li id=\\\"row-1\\\">B</li>\"}");
    CHECK_INT(step(&shown, table("A", "B", "C", 2), &json), 2);
    CHECK_STR(json.data, "{\"row-0\":\"<li id=\\\"row-0\\\">A</li>\","
                         "\"foot\":\"<p id=\\\"foot\\\">C</p>\"}");
    // A row more is a change of the list, which brings its rows along.
    CHECK_INT(step(&shown, table("A", "B", "C", 3), &json), 1);
    CHECK(strncmp(json.data, "{\"list\":\"<ul id=\\\"list\\\" class=\\\"x\\\"><li", 20) ==
            0);
    CHECK_INT(step(&shown, table("A", "B", "C", 3), &json), 0);
    CHECK_INT(step(&shown, table("A", "B", "C", 1), &json), 1);
    CHECK_STR(json.data, "{\"list\":\"<ul id=\\\"list\\\" class=\\\"x\\\"><li "
                         "id=\\\"row-0\\\">A</li></ul>\"}");
    kl_text_done(&json);
    keel_free(shown.parts);
}
