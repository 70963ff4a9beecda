#include "showcase.h"

#include <string.h>

static const struct {
    const char *path, *name;
} pages[] = {
        {"/jobs", "Jobs"},
        {"/rooms", "Rooms"},
        {"/services", "Services"},
        {"/tokens", "Tokens"},
        {"/patterns", "Patterns"},
        {"/tree", "Tree"},
};

void layout_head(keel_html *html, const keel_live *page)
{
    (void)page;
    keel_html_raw(html, "<meta name=\"color-scheme\" content=\"light dark\">"
                        "<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">");
    keel_web_stylesheet(html, &showcase_endpoint, "/style.css");
}

void layout_header(keel_html *html, const keel_live *page)
{
    keel_html_raw(html,
            "<a class=\"skip\" href=\"#main\">Skip to the page</a><header class=\"top\">"
            "<a class=\"brand\" href=\"/jobs\"><img src=\"/icon.svg\" alt=\"\" "
            "width=\"26\" "
            "height=\"26\">Keel</a><nav aria-label=\"Pages\"><ul>");
    for (size_t index = 0; index < KEEL_COUNT(pages); index++) {
        bool here = strcmp(pages[index].path, keel_live_path(page)) == 0;
        keel_html_print(html, "<li><a href=\"%s\"", pages[index].path);
        if (here) {
            keel_html_raw(html, " aria-current=\"page\"");
        }
        keel_html_print(html, ">%s</a></li>", pages[index].name);
    }
    keel_html_raw(html, "</ul></nav></header>");
}

void layout_footer(keel_html *html, const keel_live *page)
{
    keel_html_print(html,
            "<footer><p>Every page here is a process. The same as JSON: <a "
            "href=\"/api%s\"><code>GET /api%s</code></a> · <a href=\"/health\">health</a> "
            "· "
            "<a href=\"/metrics\">metrics</a></p></footer>",
            keel_live_path(page), keel_live_path(page));
}

void layout_title(keel_html *html, const char *title, const char *lead)
{
    keel_html_print(html, "<h1>%s</h1><p class=\"lead\">%s</p>", title, lead);
}

void layout_ago(keel_html *html, int64_t milliseconds)
{
    int64_t seconds = (keel_system_time() / 1000000 - milliseconds) / 1000;
    if (seconds < 1) {
        keel_html_raw(html, "now");
    } else if (seconds < 120) {
        keel_html_print(html, "%lld s ago", (long long)seconds);
    } else if (seconds < 7200) {
        keel_html_print(html, "%lld min ago", (long long)(seconds / 60));
    } else {
        keel_html_print(html, "%lld h ago", (long long)(seconds / 3600));
    }
}
